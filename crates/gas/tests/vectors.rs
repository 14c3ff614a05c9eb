//! Prices against the vectors of the specification.

use pvm_gas::{Acceleration, MemoryLatency, Pipeline, Rule};
use pvm_isa::cost::{ExtraSlot, Latency, Units};
use pvm_isa::{Cost, Format, InstructionSet, Opcode};
use pvm_program::Code;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows(name: &str) -> Vec<Vec<String>> {
    let text = text(name);
    let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(',').map(|number| number.parse().unwrap()).collect()
}

fn set(name: &str) -> InstructionSet {
    match name {
        "latest64" => InstructionSet::Latest64Bitmask,
        "latest32" => InstructionSet::Latest32,
        "jam_v1" => InstructionSet::JamV1,
        "revive_v1" => InstructionSet::ReviveV1,
        _ => panic!("unknown set {name}"),
    }
}

fn memory(name: &str) -> MemoryLatency {
    match name {
        "l1" => MemoryLatency::L1Hit,
        "l2" => MemoryLatency::L2Hit,
        "l3" => MemoryLatency::L3Hit,
        _ => panic!("unknown memory model {name}"),
    }
}

/// Rows of a file that a newer rule contradicts, and the reason.
fn superseded(file: &str) -> BTreeMap<usize, String> {
    let rows = rows("superseded.tsv").into_iter().filter(|row| row[0] == file);
    rows.map(|row| (row[1].parse().unwrap(), row[2].clone())).collect()
}

/// Recorded with release 0.35: blocks, and their costs stepwise, accelerated and flat. `row` counts from 1 without the header.
#[test]
fn random_programs_of_release_0_35() {
    let superseded = superseded("vectors-gas.tsv");
    let mut wrong = Vec::new();
    for (index, row) in rows("vectors-gas.tsv").iter().enumerate() {
        let (bytes, bitmask) = (hex(&row[2]), hex(&row[3]));
        let code = Code::new(set(&row[0]), &bytes, &bitmask);
        let old =
            Pipeline { memory: memory(&row[1]), cmov_reads_destination: false, acceleration: Acceleration::Stepwise };
        let rules =
            [Rule::Full(old), Rule::Full(Pipeline { acceleration: Acceleration::Upstream, ..old }), Rule::Simple];
        let agrees = rules.iter().zip(&row[5..]).all(|(rule, costs)| {
            let (starts, got): (Vec<u32>, Vec<u32>) = rule.blocks(code).unzip();
            let agrees = starts == numbers(&row[4]) && got == numbers(costs);
            if !agrees && !superseded.contains_key(&(index + 1)) {
                println!("row {}: {rule}: {starts:?} {got:?}, not {} {costs}", index + 1, row[4]);
            }
            agrees
        });
        if agrees == superseded.contains_key(&(index + 1)) {
            wrong.push(index + 1);
        }
    }
    assert!(wrong.is_empty(), "rows {wrong:?}: differ, or are listed as superseded but agree");
}

/// Recorded with release 0.37: macro blocks, accelerated, cmov's destination a source.
#[test]
fn macro_block_programs_of_release_0_37() {
    let mut blocks = 0;
    for line in text("vectors-latest037.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes = hex(row["code"].as_str().unwrap());
        let code = Code::new(InstructionSet::Latest64, &bytes, &[]);
        let full = |memory| Rule::Full(Pipeline { memory, acceleration: Acceleration::Upstream, ..Pipeline::GP08 });
        let rules = [
            ("naive", Rule::Simple),
            ("l1", full(MemoryLatency::L1Hit)),
            ("l2", full(MemoryLatency::L2Hit)),
            ("l3", full(MemoryLatency::L3Hit)),
        ];
        let list = |value: &serde_json::Value| -> Vec<u32> { serde_json::from_value(value.clone()).unwrap() };
        for (name, rule) in rules {
            // Code without bytes lists an `invalid` block at its end, which is no jump target.
            let (starts, costs): (Vec<u32>, Vec<u32>) = rule.blocks(code).filter(|(at, _)| *at < code.len()).unzip();
            assert_eq!(starts, list(&row["jump_targets"]), "{} {rule}", row["id"]);
            assert_eq!(costs, list(&row["gas"][name]), "{} {rule}", row["id"]);
            blocks += starts.len();
        }
    }
    assert!(blocks > 1000, "{blocks}");
}

/// The cost columns of the instruction table, which the pipeline takes its data from.
#[test]
fn the_table_has_the_costs_of_gas_costs_tsv() {
    let rows = rows("gas-costs.tsv");
    assert_eq!(rows.len(), Opcode::COUNT);
    for row in rows {
        let opcode = Opcode::from_name(&row[0]).unwrap_or_else(|| panic!("{} is missing", row[0]));
        let Cost { is_rename, latency, slots, extra_slot, narrow, units } = opcode.cost();
        let latency_text = match latency {
            Latency::Cycles(cycles) => cycles.to_string(),
            Latency::Memory => "MEM".to_owned(),
            Latency::Branch => "BR".to_owned(),
        };
        let extra = match extra_slot {
            ExtraSlot::Never => "-",
            ExtraSlot::UnlessFirst => "d!=a",
            ExtraSlot::UnlessAny => "d!=a and d!=b",
        };
        assert_eq!([&latency_text, &slots.to_string(), extra], [&row[1], &row[3], row[5].as_str()], "{opcode}");
        if InstructionSet::Latest32.supports(opcode) || opcode == Opcode::invalid {
            let (latency, slots) =
                narrow.map_or((latency_text, slots), |(latency, slots)| (latency.to_string(), slots));
            assert_eq!([&latency, &slots.to_string()], [&row[2], &row[4]], "{opcode} in 32 bits");
        } else {
            assert_eq!([row[2].as_str(), row[4].as_str()], ["-", "-"], "{opcode}");
            assert_eq!(narrow, None, "{opcode}");
        }
        let Units { alu, load, store, mul, div } = units;
        assert_eq!([alu, load, store, mul, div].map(|unit| unit.to_string()), row[6..11], "{opcode}");
        assert_eq!(is_rename, row[11] == "rename", "{opcode}");
    }
}

/// The same from the Gray Paper's side, which names operands A and B by position and writes P(a,b) and PS(a,b) for the slots.
#[test]
fn the_table_has_the_costs_of_opcodes_gp08_tsv() {
    let rows = rows("opcodes-gp08.tsv");
    assert_eq!(rows.len(), 139);
    for row in rows {
        let opcode = InstructionSet::JamV1.opcode(row[0].parse().unwrap());
        let Cost { is_rename, latency, slots, extra_slot, units, .. } = opcode.cost();
        assert_eq!(opcode.ends_block(), row[3] == "y", "{opcode}");
        let latency = match latency {
            Latency::Cycles(cycles) => cycles.to_string(),
            Latency::Memory => "m".to_owned(),
            Latency::Branch => "b".to_owned(),
        };
        let slots = match extra_slot {
            ExtraSlot::Never => slots.to_string(),
            // With one source, "the first" and "any" are the same.
            ExtraSlot::UnlessFirst if opcode.format() != Format::RegRegReg => format!("P({slots},{})", slots + 1),
            ExtraSlot::UnlessFirst => format!("PS({slots},{})", slots + 1),
            ExtraSlot::UnlessAny => format!("P({slots},{})", slots + 1),
        };
        if is_rename {
            assert_eq!(opcode, Opcode::move_reg);
        }
        assert_eq!([&latency, &slots], [&row[7], &row[8]], "{opcode}");
        let Units { alu, load, store, mul, div } = units;
        assert_eq!([alu, load, store, mul, div].map(|unit| unit.to_string()), row[9..14], "{opcode}");
    }
}
