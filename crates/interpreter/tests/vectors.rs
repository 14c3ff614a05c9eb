//! The interpreter against the specification's execution vectors.

use pvm_gas::Rule;
use pvm_interpreter::{Exit, Image, Instance, MemoryImage, Paging};
use pvm_isa::{InstructionSet, Reg};
use pvm_program::{Bytes, MemoryMap, MemoryMapBuilder};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn lines(name: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

fn pc(value: &Value) -> Option<u32> {
    value.as_u64().map(|pc| pc.try_into().unwrap())
}

fn map() -> MemoryMap {
    MemoryMapBuilder::new(0x1000).rw_data_size(8192).stack_size(4096).build().unwrap()
}

fn instance(set: InstructionSet, case: &Value, rw_data: Vec<u8>) -> Instance {
    let entries = case["jump_table"].as_array().unwrap();
    let jump_table: Vec<u8> = entries.iter().flat_map(|entry| pc(entry).unwrap().to_le_bytes()).collect();
    let image = Image {
        set,
        code: Bytes::from(hex(case["code"].as_str().unwrap())),
        bitmask: Bytes::from(hex(case["bitmask"].as_str().unwrap_or(""))),
        jump_table: Bytes::from(jump_table),
        jump_table_entry_size: 4,
        memory: MemoryImage {
            map: map(),
            ro_data: Bytes::from(vec![]),
            rw_data: Bytes::from(rw_data),
            aux_accessible: 0,
        },
        paging: Paging::Static,
        gas: Some(Arc::new(Rule::Simple)),
        step_tracing: false,
    };
    Instance::new(Arc::new(image))
}

fn status(exit: Exit) -> String {
    match exit {
        Exit::Finished => "Finished".into(),
        Exit::Trap(_) => "Trap".into(),
        Exit::Ecalli(n) => format!("Ecalli({n})"),
        Exit::OutOfGas => "NotEnoughGas".into(),
        other => format!("{other:?}"),
    }
}

/// Rows of a vector file that a newer rule of the specification contradicts, by number from 0.
fn superseded(file: &str) -> BTreeSet<usize> {
    let path = format!("{}/../../tests/vectors/superseded.tsv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[0] == file).map(|row| row[1].parse().unwrap()).collect()
}

fn registers(instance: &Instance) -> Vec<u64> {
    Reg::ALL.iter().map(|reg| instance.reg(*reg)).collect()
}

#[test]
fn programs_exit_as_vectors_exec_says() {
    let cases = lines("vectors-exec.jsonl");
    assert_eq!(cases.len(), 300);
    let superseded = superseded("vectors-exec.jsonl");
    for (row, case) in cases.iter().enumerate() {
        let set = match case["isa"].as_str().unwrap() {
            "latest64" => InstructionSet::Latest64Bitmask,
            "latest32" => InstructionSet::Latest32,
            "jam_v1" => InstructionSet::JamV1,
            "revive_v1" => InstructionSet::ReviveV1,
            other => panic!("{other}"),
        };
        let initial: Vec<u8> = (0..8192u32).map(|i| u8::try_from((7 * i + 3) % 256).unwrap()).collect();
        let mut guest = instance(set, case, initial.clone());
        guest.set_gas(case["gas"].as_i64().unwrap());
        for (reg, value) in Reg::ALL.iter().zip(case["regs"].as_array().unwrap()) {
            guest.set_reg(*reg, number(value));
        }
        guest.set_next_program_counter(pc(&case["pc"]).unwrap());
        let exit = guest.run().unwrap();
        let want = &case["result"];
        let regs: Vec<u64> = want["regs"].as_array().unwrap().iter().map(number).collect();
        let got = (status(exit), guest.program_counter(), guest.next_program_counter(), guest.gas(), registers(&guest));
        let status = want["status"].as_str().unwrap().to_owned();
        let want_all = (status, pc(&want["pc"]), pc(&want["next_pc"]), want["gas"].as_i64().unwrap(), regs);
        if superseded.contains(&row) {
            assert_ne!(got, want_all, "row {row} is listed in superseded.tsv but agrees");
            continue;
        }
        assert_eq!(got, want_all, "row {row} {case}");
        let mut memory = initial;
        for change in want["rw_changes"].as_array().unwrap() {
            let (at, data) = (usize::try_from(change[0].as_u64().unwrap()).unwrap(), hex(change[1].as_str().unwrap()));
            memory[at..at + data.len()].copy_from_slice(&data);
        }
        let mut found = vec![0; 8192];
        guest.read_memory(0x20000, &mut found).unwrap();
        assert!(found == memory, "row {row}: memory {case}");
    }
}

#[test]
fn programs_exit_as_vectors_latest037_says() {
    for case in lines("vectors-latest037.jsonl") {
        let run = &case["run"];
        let mut guest = instance(InstructionSet::Latest64, &case, vec![]);
        guest.set_gas(100_000);
        let regs = [0xffff_0000, 0xff00_0000, 2, 4, 0x20000, 0x20010, 6, 0x20000, 3, 0x20020, 8, u64::MAX, 7];
        for (reg, value) in Reg::ALL.iter().zip(regs) {
            guest.set_reg(*reg, value);
        }
        guest.set_next_program_counter(pc(&run["pc"]).unwrap());
        let exit = guest.run().unwrap();
        assert_eq!(status(exit), run["status"].as_str().unwrap(), "{case}");
        assert_eq!(guest.program_counter(), pc(&run["end_pc"]), "{case}");
        assert_eq!(guest.next_program_counter(), pc(&run["end_next_pc"]), "{case}");
        assert_eq!(100_000 - guest.gas(), run["gas_used"].as_i64().unwrap(), "{case}");
        let regs: Vec<u64> = run["regs"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(registers(&guest), regs, "{case}");
    }
}
