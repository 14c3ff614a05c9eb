//! No text and no bytes make the crate panic.

mod common;

use proptest::prelude::*;
use pvm_isa::InstructionSet;
use pvm_program::{ParseOptions, Program};
use pvm_text::case::Case;
use pvm_text::{DisassembleOptions, Format, Source, assemble, disassemble_to_string};

/// Pieces of the language in any order.
const PIECES: [&str; 72] = [
    "a0",
    "ra",
    "r12",
    "r13",
    "sp",
    "tmp",
    "i32 ",
    "i64 ",
    "u8 ",
    "u64 ",
    "i8 ",
    "[",
    "]",
    "..",
    " = ",
    "=",
    " + ",
    " - ",
    "-",
    " & ~",
    " & ",
    " | ~",
    "^",
    " * ",
    " /u ",
    " %s ",
    " >>a ",
    " <<r ",
    " <u ",
    " >=s ",
    " == ",
    " != ",
    " if ",
    "jump ",
    "@",
    "@x",
    ":",
    "pub ",
    " %no_fallthrough",
    "%isa = ",
    "latest32",
    "latest64",
    "jam_v1",
    "%latest64_layout = bitmask",
    "%raw = ",
    "%gap = ",
    "%jump_table = ",
    "%export = ",
    "%import = ",
    "%ro_data = ",
    "%stack_size = ",
    "\"",
    "\\x4",
    "0x",
    "0b1",
    "0",
    "5",
    "4294967295",
    "0xffffffff",
    "-2147483648",
    "18446744073709551615",
    "ecalli ",
    "trap",
    "ret",
    "~(",
    "maxs(",
    ")",
    ", ",
    "\n",
    "//",
    "\u{fc}",
    "sext8 ",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![9 => prop::sample::select(PIECES.to_vec()).prop_map(String::from), 1 => any::<String>()];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A valid text with a few bytes changed.
fn mutated() -> impl Strategy<Value = String> {
    let mut text = String::from("%isa = latest64\n%jump_table = @a 0\n%import = \"x\"\npub @a:\n");
    for row in common::vectors("disassembly-text-latest037.tsv").lines().skip(1) {
        text.push_str(row.split('\t').nth(3).unwrap());
        text.push('\n');
    }
    let lines: Vec<String> = text.lines().map(String::from).collect();
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<char>());
    let some_lines = prop::collection::vec(prop::sample::select(lines), 1..12);
    (some_lines, prop::collection::vec(change, 0..3)).prop_map(|(lines, changes)| {
        let mut chars: Vec<char> = lines.join("\n").chars().collect();
        for (at, other, char) in changes {
            let (at, other) = (at.index(chars.len()), other.index(chars.len()));
            match u32::from(char) % 3 {
                0 => chars[at] = char,
                1 => chars[at] = chars[other],
                _ => chars.insert(at, char),
            }
        }
        chars.into_iter().collect()
    })
}

fn every_listing(source: &Source<'_>) {
    for format in [Format::Guest, Format::DiffFriendly, Format::Reassemblable] {
        let gas = Some(pvm_gas::Rule::Simple);
        let options = DisassembleOptions {
            format,
            gas,
            show_raw_bytes: true,
            show_source_lines: true,
            ..DisassembleOptions::default()
        };
        disassemble_to_string(source, &options);
    }
}

fn assemble_in_all_sets(text: &str) {
    for set in InstructionSet::ALL {
        if let Ok(assembled) = assemble(text, Some(set))
            && let Ok(program) = assembled.to_program()
        {
            every_listing(&Source::from(&program));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 1000 }))]

    #[test]
    fn any_text(text in texts()) {
        assemble_in_all_sets(&text);
        let _ = Case::parse(&text);
    }

    #[test]
    fn nearly_valid_text(text in mutated()) {
        assemble_in_all_sets(&text);
        let _ = Case::parse(&format!("pub @main:\n{text}\npost: pc = @main[3]"));
    }

    #[test]
    fn nearly_valid_blobs(pick in any::<prop::sample::Index>(), changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..4)) {
        let vectors = common::json_lines("vectors-latest037-blob.jsonl");
        let mut blob = common::hex(vectors[pick.index(vectors.len())]["blob"].as_str().unwrap());
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        if let Ok(program) = Program::parse(blob, &ParseOptions::default()) {
            every_listing(&Source::from(&program));
        }
    }
}
