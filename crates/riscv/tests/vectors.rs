//! Texts and expansions that LLVM's assembler and disassembler gave, in `tests/riscv/*.tsv` of the workspace.

use pvm_riscv::*;

/// The lines of a vector file, split at tabs: width, encoding, and the file's other columns.
#[track_caller]
fn rows(text: &'static str, columns: usize) -> impl Iterator<Item = (Xlen, &'static str, Vec<u8>, Vec<&'static str>)> {
    text.lines().filter(|line| !line.starts_with('#')).map(move |line| {
        let mut fields = line.split('\t');
        let xlen = match fields.next() {
            Some("32") => Xlen::Rv32,
            Some("64") => Xlen::Rv64,
            other => panic!("width {other:?} in {line}"),
        };
        let hex = fields.next().unwrap();
        let word = u32::from_str_radix(hex, 16).unwrap();
        let rest = fields.collect::<Vec<_>>();
        assert_eq!(rest.len(), columns, "{line}");
        (xlen, hex, word.to_le_bytes()[..hex.len() / 2].to_vec(), rest)
    })
}

/// The text must be that of the decoded instruction, and `-` that of none.
#[track_caller]
fn check(xlen: Xlen, hex: &str, bytes: &[u8], text: &str) {
    match decode(bytes, xlen) {
        Ok((instruction, length)) => {
            assert_eq!(instruction.to_string(), text, "{xlen:?} {hex}");
            assert_eq!(usize::from(length), bytes.len(), "{xlen:?} {hex}");
        }
        Err(error) => assert_eq!(text, "-", "{xlen:?} {error}"),
    }
}

#[test]
fn words_read_as_llvm_reads_them() {
    let mut count = 0;
    for (xlen, hex, bytes, columns) in rows(include_str!("../../../tests/riscv/words.tsv"), 1) {
        check(xlen, hex, &bytes, columns[0]);
        count += 1;
        if let Ok((instruction, _)) = decode(&bytes, xlen) {
            assert_eq!(encode(&instruction, xlen).map(|word| format!("{word:08x}")).as_deref(), Some(hex));
        }
    }
    assert_eq!(count, 491);
}

#[test]
fn compressed_instructions_expand_as_llvm_expands_them() {
    let mut count = 0;
    for (xlen, hex, bytes, columns) in rows(include_str!("../../../tests/riscv/compressed.tsv"), 2) {
        check(xlen, hex, &bytes, columns[1]);
        count += 1;
    }
    assert_eq!(count, 422);
}

#[test]
fn instructions_of_other_extensions_are_recognised() {
    let mut count = 0;
    for (xlen, hex, bytes, columns) in rows(include_str!("../../../tests/riscv/foreign.tsv"), 2) {
        let error = decode(&bytes, xlen).expect_err(columns[1]);
        assert_eq!(format!("{:?}", error.kind), columns[0], "{xlen:?} {hex} {}", columns[1]);
        assert_eq!(error.kind.advice().is_none(), error.kind == DecodeErrorKind::Privileged, "{hex}");
        count += 1;
    }
    assert_eq!(count, 208);
}
