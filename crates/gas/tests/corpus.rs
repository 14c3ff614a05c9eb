//! The price of every block of the conformance corpus. The corpus lies beside the repository; without it there is nothing to do.

use pvm_gas::Rule;
use pvm_isa::InstructionSet;
use pvm_program::Program;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn corpus(directory: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/corpus/vectors").join(directory);
    path.is_dir().then_some(path)
}

/// Listed as {"offset": cost} or as [{"pc": offset, "cost": cost}].
fn expected(costs: &Value) -> BTreeMap<u32, u32> {
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    match costs {
        Value::Array(blocks) => blocks.iter().map(|block| (number(&block["pc"]), number(&block["cost"]))).collect(),
        Value::Object(blocks) => blocks.iter().map(|(pc, cost)| (pc.parse().unwrap(), number(cost))).collect(),
        _ => panic!("neither a list nor a map"),
    }
}

#[track_caller]
fn check(directory: &str, set: InstructionSet, rules: &[&str], blocks_min: usize) {
    let Some(path) = corpus(directory) else { return };
    let mut blocks = 0;
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let test: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let program: Vec<u8> = serde_json::from_value(test["program"].clone()).unwrap();
        let program = Program::parse_generic(program, set).unwrap();
        let code = program.code();
        let expected = expected(&test["block-gas-costs"]);
        for rule in rules {
            let rule: Rule = rule.parse().unwrap();
            let listed: BTreeMap<u32, u32> = rule.blocks(code).collect();
            assert_eq!(listed, expected, "{} under {rule}", path.display());
            for (offset, cost) in &expected {
                assert_eq!(rule.block_cost(code, *offset), *cost, "{}", path.display());
                assert_eq!(rule.cost_at(code, *offset), Some(*cost), "{}", path.display());
            }
        }
        blocks += expected.len();
    }
    assert!(blocks >= blocks_min, "only {blocks} blocks in {directory}");
}

#[test]
fn spectool() {
    check("spectool/programs", InstructionSet::JamV1, &["full"], 3796);
}

#[test]
fn gas_model_ng() {
    check("gas-model-ng/programs", InstructionSet::Latest64Bitmask, &["full", "full-2025-11"], 243);
}

#[test]
fn whole_programs() {
    check("gas-model-ng/integration", InstructionSet::Latest64Bitmask, &["full-2025-11"], 5472);
}
