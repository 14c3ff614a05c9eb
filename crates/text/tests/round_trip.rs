//! Disassembling and assembling again gives the same code, for every program there is.

mod common;

use common::{Owned, check_round_trip, corpus, files, hex, json_lines, vectors};
use proptest::prelude::*;
use pvm_isa::{Encoding, InstructionSet, Opcode, encode};
use pvm_program::{Code, CodeBuilder, Item};
use pvm_text::Format;
use serde_json::Value;

fn little_endian(entries: &Value) -> Vec<u8> {
    let entries = entries.as_array().unwrap().iter();
    entries.flat_map(|entry| u32::try_from(entry.as_u64().unwrap()).unwrap().to_le_bytes()).collect()
}

#[test]
fn macro_block_vectors() {
    let (mut raw, mut all) = (0, 0);
    for vector in json_lines("vectors-latest037.jsonl") {
        let owned = Owned {
            set: InstructionSet::Latest64,
            code: hex(vector["code"].as_str().unwrap()),
            bitmask: Vec::new(),
            jump_table: little_endian(&vector["jump_table"]),
            entry_size: 4,
        };
        let (some, more) = check_round_trip(&owned);
        if vector["canonical"].as_bool().unwrap() {
            raw += some;
            all += more;
        }
    }
    assert!(all > 0 && raw * 20 < all, "{raw} of {all} instructions of canonical code as bytes");
}

fn set_named(name: &str) -> InstructionSet {
    match name {
        "latest64" => InstructionSet::Latest64Bitmask,
        name => InstructionSet::ALL.into_iter().find(|set| set.name() == name).unwrap(),
    }
}

#[test]
fn bitmask_vectors() {
    for vector in json_lines("vectors-exec.jsonl") {
        check_round_trip(&Owned {
            set: set_named(vector["isa"].as_str().unwrap()),
            code: hex(vector["code"].as_str().unwrap()),
            bitmask: hex(vector["bitmask"].as_str().unwrap()),
            jump_table: little_endian(&vector["jump_table"]),
            entry_size: 4,
        });
    }
    let rows = vectors("vectors-decode.tsv");
    assert_eq!(rows.lines().count(), 261);
    for row in rows.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        check_round_trip(&Owned {
            set: set_named(columns[0]),
            code: hex(columns[1]),
            bitmask: hex(columns[2]),
            jump_table: Vec::new(),
            entry_size: 0,
        });
    }
}

/// Any bytes as code, any bits as bitmask.
fn any_code() -> impl Strategy<Value = Owned> {
    let set = prop::sample::select(InstructionSet::ALL.to_vec());
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        prop::collection::vec(any::<u8>(), 900..2200),
        // Few opcodes with much padding between them make long gaps.
        prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..300),
    ];
    let mask = prop_oneof![
        prop::collection::vec(any::<u8>(), 300),
        prop::collection::vec(prop_oneof![9 => Just(0), 1 => any::<u8>()], 300),
    ];
    (set, bytes, mask, prop::collection::vec(any::<u8>(), 0..9), 0..=4_u8).prop_map(
        |(set, code, mut bitmask, mut jump_table, entry_size)| {
            match set.encoding() {
                Encoding::MacroBlock => bitmask.clear(),
                Encoding::Bitmask => bitmask.truncate(code.len().div_ceil(8)),
            }
            let whole = jump_table.len().checked_div(usize::from(entry_size)).unwrap_or(0) * usize::from(entry_size);
            jump_table.truncate(whole);
            Owned { set, code, bitmask, jump_table, entry_size }
        },
    )
}

/// Instructions of a set with any operands, jumping to any of them.
fn any_program() -> impl Strategy<Value = Owned> {
    let set = prop::sample::select(InstructionSet::ALL.to_vec());
    let value = prop_oneof![Just(0), -200..200_i32, any::<i32>()];
    let item = (any::<prop::sample::Index>(), any::<[u8; 3]>(), (value.clone(), value), any::<prop::sample::Index>());
    (set, prop::collection::vec(item, 1..400)).prop_map(|(set, items)| {
        let opcodes: Vec<Opcode> = Opcode::ALL.iter().copied().filter(|opcode| set.supports(*opcode)).collect();
        let mut builder = CodeBuilder::new(set);
        for (opcode, regs, (first, second), target) in &items {
            let instruction = common::instruction(opcodes[opcode.index(opcodes.len())], *regs, *first, *second);
            let label = u32::try_from(target.index(items.len())).unwrap();
            let target = instruction.target().map(|_| label);
            builder.push(Item { instruction, target });
        }
        let layout = builder.build().unwrap();
        Owned { set, code: layout.code, bitmask: layout.bitmask, jump_table: Vec::new(), entry_size: 0 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 400 }))]

    #[test]
    fn any_bytes_survive(owned in any_code()) {
        check_round_trip(&owned);
    }

    #[test]
    fn any_instructions_survive_as_text(owned in any_program()) {
        check_round_trip(&owned);
        // Whatever the assembler would encode so anyway is text, unless it jumps.
        let text = owned.listing(Format::Reassemblable);
        let code = Code::new(owned.set, &owned.code, &owned.bitmask);
        let plain = code.iter().filter(|at| {
            let bytes = encode(owned.set, at.offset, &at.instruction);
            at.instruction.target().is_none() && bytes.is_some_and(|bytes| bytes.len() == usize::try_from(at.next - at.offset).unwrap())
        });
        let writable = plain.filter(|at| !matches!(at.instruction.opcode(),
            Opcode::store_imm_u8 | Opcode::store_imm_u16 | Opcode::store_imm_indirect_u8 | Opcode::store_imm_indirect_u16));
        let text_lines = text.lines().filter(|line| line.starts_with("    ") && !line.starts_with("    %") && !line.starts_with("    //"));
        prop_assert!(text_lines.count() >= writable.count());
    }
}

#[test]
fn a_jump_whose_own_size_decides_how_far_it_goes() {
    // From offset 0 over 125 bytes of code: a jump of two bytes goes 127 far, one of three bytes 128. Both are consistent.
    let trap_count = 125;
    for (jump, set) in [(&[40, 128, 0][..], InstructionSet::JamV1), (&[0xda, 128, 0], InstructionSet::Latest64)] {
        let mut code = jump.to_vec();
        code.resize(jump.len() + trap_count + 1, 0);
        let bitmask = match set.encoding() {
            Encoding::MacroBlock => Vec::new(),
            Encoding::Bitmask => {
                let mut bits = vec![0xff; code.len().div_ceil(8)];
                bits[0] = 0b1111_1001;
                bits[code.len() / 8] = 1;
                bits
            }
        };
        let owned = Owned { set, code, bitmask, jump_table: Vec::new(), entry_size: 0 };
        assert_eq!(check_round_trip(&owned), (1, trap_count + 2));
    }
}

#[test]
fn conformance_corpus() {
    let Some(folder) = corpus("vectors") else { return };
    let (mut programs, mut raw, mut all) = (0, 0, 0);
    for path in files(&folder, ".json") {
        let value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let Some(bytes) = value["program"].as_array() else { continue };
        let bytes: Vec<u8> = bytes.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect();
        let new_numbering = path.components().any(|part| part.as_os_str() == "spectool");
        let set = if new_numbering { InstructionSet::JamV1 } else { InstructionSet::Latest64Bitmask };
        let (some, more) = check_round_trip(&common::generic(set, &bytes));
        programs += 1;
        raw += some;
        all += more;
    }
    assert!(programs > 600, "{programs} programs");
    assert!(raw * 100 < all, "{raw} of {all} instructions as bytes");
}
