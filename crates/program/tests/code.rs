//! The code view against the specification's vectors, and against a slow model of the bitmask rules.

use pvm_isa::{InstructionSet, Opcode};
use pvm_program::{Code, JumpTargets};
use serde_json::Value;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn vectors(name: &str) -> String {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn offset(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

#[test]
fn macro_blocks_match_vectors_latest037() {
    let mut count = 0;
    for line in vectors("vectors-latest037.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let bytes = hex(case["code"].as_str().unwrap());
        let code = Code::new(InstructionSet::Latest64, &bytes, &[]);
        let note = &case["note"];

        let listing: Vec<(u32, u32, &str)> =
            code.iter().map(|at| (at.offset, at.next - at.offset, at.instruction.opcode().name())).collect();
        let expected: Vec<(u32, u32, &str)> = case["instructions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (offset(&row[0]), offset(&row[1]), row[2].as_str().unwrap()))
            .collect();
        if !bytes.is_empty() {
            assert_eq!(listing, expected, "{note}");
        }

        let mut cache = JumpTargets::new(code);
        let targets: Vec<u32> = (0..code.len() + 2).filter(|at| code.is_jump_target(*at)).collect();
        let cached: Vec<u32> = (0..code.len() + 2).rev().filter(|at| cache.contains(code, *at)).collect();
        let expected: Vec<u32> = case["jump_targets"].as_array().unwrap().iter().map(offset).collect();
        assert_eq!(targets, expected, "{note}");
        assert_eq!(cached.into_iter().rev().collect::<Vec<_>>(), expected, "{note}");

        for entry in case["entries"].as_array().unwrap() {
            assert_eq!(
                code.block_start(offset(&entry[0])),
                entry[1].as_u64().map(|at| at.try_into().unwrap()),
                "{note}"
            );
        }
        count += 1;
    }
    assert_eq!(count, 200);
}

/// Instruction starts by a walk in the words of latest037.md 8: (offset, is a jump target).
fn model(set: InstructionSet, bytes: &[u8], mask: &[bool]) -> Vec<(usize, bool)> {
    let mut starts = Vec::new();
    let (mut at, mut ended) = (0, true);
    while at < bytes.len() {
        starts.push((at, ended));
        if mask[at] {
            ended = set.opcode(bytes[at]).ends_block();
            at = (at + 1..at + 25).find(|next| *next >= bytes.len() || mask[*next]).unwrap_or(at + 25);
        } else {
            ended = true;
            at = (at + 1..bytes.len()).find(|next| mask[*next]).unwrap_or(bytes.len());
        }
    }
    starts
}

#[test]
fn bitmask_code_matches_the_model() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for round in 0..20_000 {
        let set = [InstructionSet::JamV1, InstructionSet::ReviveV1, InstructionSet::Latest32][round % 3];
        let length = usize::try_from(random(120)).unwrap();
        let sparse = 1 + random(40);
        let bytes: Vec<u8> =
            (0..length).map(|_| [0, 1, 40, 50, 100, 170, 255, 200][usize::try_from(random(8)).unwrap()]).collect();
        let mask: Vec<bool> = (0..length).map(|_| random(sparse) == 0).collect();
        let mut bits = vec![0u8; length.div_ceil(8)];
        for (at, bit) in mask.iter().enumerate() {
            bits[at / 8] |= u8::from(*bit) << (at % 8);
        }
        let code = Code::new(set, &bytes, &bits);
        let starts = model(set, &bytes, &mask);
        let mut block = 0;
        for at in 0..length {
            let position = u32::try_from(at).unwrap();
            let found = starts.iter().find(|start| start.0 == at);
            assert_eq!(code.is_instruction_start(position), found.is_some(), "{set:?} {bytes:?} {mask:?} at {at}");
            assert_eq!(
                code.is_jump_target(position),
                found.is_some_and(|start| start.1),
                "{set:?} {bytes:?} {mask:?} at {at}"
            );
            if found.is_some_and(|start| start.1) {
                block = position;
            }
            assert_eq!(code.block_start(position), found.map(|_| block));
        }
        let listed: Vec<usize> =
            code.iter().map(|at| usize::try_from(at.offset).unwrap()).filter(|at| *at < length).collect();
        assert_eq!(listed, starts.iter().map(|start| start.0).collect::<Vec<_>>());
        for located in code.iter().filter(|located| located.offset < code.len()) {
            let marked = mask[usize::try_from(located.offset).unwrap()];
            assert!(marked || located.instruction.opcode() == Opcode::invalid);
        }
    }
}

#[test]
fn the_end_of_code_holds_an_implicit_instruction_where_it_can_be_reached() {
    let last = |bytes: &[u8], mask: &[u8]| {
        let located = Code::new(InstructionSet::JamV1, bytes, mask).iter().last().unwrap();
        (located.offset, located.next, located.instruction.opcode())
    };
    assert_eq!(last(&[1], &[1]), (1, 1, Opcode::invalid));
    assert_eq!(last(&[0], &[1]), (0, 1, Opcode::trap));
    assert_eq!(last(&[], &[]), (0, 0, Opcode::invalid));
}

#[test]
fn validation_accepts_only_terminated_known_code() {
    let validate = |bytes: &[u8], mask: &[u8]| Code::new(InstructionSet::JamV1, bytes, mask).validate();
    assert_eq!(validate(&[0], &[1]), Ok(()));
    assert_eq!(validate(&[1], &[1]), Ok(()));
    assert_eq!(validate(&[100, 0x87], &[1]), Err(2));
    assert_eq!(validate(&[255, 0], &[3]), Err(0));
    assert_eq!(validate(&[0, 0], &[2]), Err(0));
    assert_eq!(validate(&[0; 26], &[1, 0, 0, 0]), Err(25));
    assert_eq!(validate(&[], &[]), Err(0));
}
