//! Vectors and corpora for the tests of this crate.
#![allow(dead_code)] // each test binary uses a part

use pvm_isa::{Encoding, InstructionSet};
use pvm_program::{Code, JumpTable};
use pvm_text::{DisassembleOptions, Format, Source, assemble, disassemble_to_string};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn vectors(name: &str) -> String {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn json_lines(name: &str) -> Vec<Value> {
    let values: Vec<Value> = vectors(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!values.is_empty());
    values
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A folder beside the repository that need not be there.
pub(crate) fn corpus(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/corpus").join(path);
    path.is_dir().then_some(path)
}

/// All files below a folder whose name ends so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A code with its jump table as little-endian entries.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) set: InstructionSet,
    pub(crate) code: Vec<u8>,
    pub(crate) bitmask: Vec<u8>,
    pub(crate) jump_table: Vec<u8>,
    pub(crate) entry_size: u8,
}

impl Owned {
    pub(crate) fn source(&self) -> Source<'_> {
        let code = Code::new(self.set, &self.code, &self.bitmask);
        Source::from_code(code, JumpTable::new(&self.jump_table, self.entry_size))
    }

    pub(crate) fn listing(&self, format: Format) -> String {
        disassemble_to_string(&self.source(), &DisassembleOptions { format, ..DisassembleOptions::default() })
    }
}

/// Disassembles and assembles again; everything that belongs to the code must be the same. Returns the share of
/// instructions that had to be written as bytes, as (those, all).
#[track_caller]
pub(crate) fn check_round_trip(owned: &Owned) -> (usize, usize) {
    let text = owned.listing(Format::Reassemblable);
    let again = assemble(&text, None).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert_eq!(again.set(), owned.set);
    assert!(again.layout.code == owned.code, "code differs:\n{text}");
    if owned.set.encoding() == Encoding::Bitmask {
        let bits = |mask: &[u8], at: usize| mask.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 != 0);
        for at in 0..owned.code.len() {
            assert_eq!(bits(&again.layout.bitmask, at), bits(&owned.bitmask, at), "mark of byte {at} differs:\n{text}");
        }
    }
    let table = JumpTable::new(&owned.jump_table, owned.entry_size);
    assert!(again.jump_table().iter().eq(table.iter()), "jump table differs:\n{text}");
    let lines = text.lines().filter(|line| line.starts_with("    ") && !line.trim().starts_with("//"));
    let raw = text.lines().filter(|line| line.starts_with("    %"));
    (raw.count(), lines.count())
}

/// A generic program of the Gray Paper, well-formed (blob.md 3).
pub(crate) fn generic(set: InstructionSet, bytes: &[u8]) -> Owned {
    let mut rest = bytes;
    let count = varint(&mut rest);
    let entry_size = rest[0];
    rest = &rest[1..];
    let code_length = varint(&mut rest);
    let (jump_table, rest) = rest.split_at(count * usize::from(entry_size));
    let (code, bitmask) = rest.split_at(code_length);
    assert_eq!(bitmask.len(), code_length.div_ceil(8));
    Owned { set, code: code.to_vec(), bitmask: bitmask.to_vec(), jump_table: jump_table.to_vec(), entry_size }
}

fn varint(bytes: &mut &[u8]) -> usize {
    let first = bytes[0];
    let extra = usize::try_from(first.leading_ones()).unwrap();
    let high = if extra < 7 { usize::from(first) & (0x7f >> extra) } else { 0 };
    let low = bytes[1..=extra].iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte));
    *bytes = &bytes[extra + 1..];
    high << (8 * extra) | low
}

/// An instruction with these operands; those its format lacks are left out.
pub(crate) fn instruction(opcode: pvm_isa::Opcode, regs: [u8; 3], first: i32, second: i32) -> pvm_isa::Instruction {
    // Through the encoding, which is the one way to build an instruction from an opcode.
    let code = macro_block_bytes(opcode, regs, first, second);
    pvm_isa::encoding::macro_block::decode(&code, 0).0
}

/// The longest macro-block encoding of an opcode, filled with these operands.
fn macro_block_bytes(opcode: pvm_isa::Opcode, regs: [u8; 3], first: i32, second: i32) -> Vec<u8> {
    use pvm_isa::Format;
    let (_, bytes) = *opcode.macro_block_encodings().last().unwrap();
    let [low, high] = bytes.to_le_bytes();
    let mut code = if high == 0 { vec![low] } else { vec![high, low] };
    let [r1, r2, r3] = regs.map(|reg| reg % 13);
    match opcode.format() {
        Format::None | Format::Imm | Format::Offset => {}
        Format::ImmImm => code.push(4),
        Format::RegImm | Format::RegImm64 => code.push(r1),
        Format::RegImmImm | Format::RegImmOffset => code.push(r1 | 4 << 4),
        Format::RegReg | Format::RegRegImm | Format::RegRegOffset => code.push(r1 | r2 << 4),
        Format::RegRegImmImm => code.extend([r1 | r2 << 4, 4]),
        Format::RegRegReg => code.extend([r2 | r3 << 4, r1]),
    }
    code.extend(first.to_le_bytes());
    code.extend(second.to_le_bytes());
    code
}
