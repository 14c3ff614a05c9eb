//! Names of rules, cost tables, and the rules that add up numbers.

use pvm_gas::{Acceleration, BlockMeter, CostTable, GasError, GasErrorKind, MemoryLatency, Pipeline, Rule};
use pvm_isa::{InstructionSet, Opcode};
use pvm_program::Code;
use std::sync::Arc;

#[track_caller]
fn check_name(name: &str, rule: Rule) {
    assert_eq!(name.parse::<Rule>(), Ok(rule.clone()));
    assert_eq!(rule.to_string(), name);
}

#[test]
fn names() {
    let full = Pipeline::GP08;
    assert_eq!(full, Pipeline::default());
    check_name("per-instruction", Rule::PerInstruction);
    check_name("simple", Rule::Simple);
    check_name("full", Rule::Full(full));
    check_name("full-2025-11", Rule::Full(Pipeline { cmov_reads_destination: false, ..full }));
    check_name("full-l1-hit", Rule::Full(Pipeline { memory: MemoryLatency::L1Hit, ..full }));
    check_name("full-l3-hit", Rule::Full(Pipeline { memory: MemoryLatency::L3Hit, ..full }));
    check_name("full-accelerated", Rule::Full(Pipeline { acceleration: Acceleration::Upstream, ..full }));
    check_name(
        "full-2025-11-l1-hit-accelerated",
        Rule::Full(Pipeline {
            memory: MemoryLatency::L1Hit,
            cmov_reads_destination: false,
            acceleration: Acceleration::Upstream,
        }),
    );
    assert_eq!("naive".parse(), Ok(Rule::Simple));
    assert_eq!("full-l2-hit".parse(), Ok(Rule::Full(full)));
    assert_eq!(Rule::Table(Arc::new(CostTable::uniform(1))).to_string(), "table");
}

#[test]
fn unknown_names_say_where() {
    for (name, at) in
        [("", 0), ("Full", 0), ("table", 0), ("simple ", 0), ("full-", 4), ("full-l1-hit-2025-11", 11), ("full-l1", 4)]
    {
        assert_eq!(name.parse::<Rule>(), Err(GasError { kind: GasErrorKind::UnknownRule, at }), "{name}");
    }
    assert_eq!("fullest".parse::<Rule>().unwrap_err().to_string(), "unknown gas rule at byte 4");
}

#[test]
fn tables_survive_serialisation() {
    let mut table = CostTable::uniform(1);
    for (cost, opcode) in (1000..).zip(Opcode::ALL) {
        table.set(*opcode, cost);
    }
    let bytes = table.to_bytes();
    assert_eq!(bytes.len(), 572);
    assert_eq!(CostTable::from_bytes(&bytes), Ok(table.clone()));
    let word = |index: usize| u32::from_le_bytes(bytes[4 * index..4 * index + 4].try_into().unwrap());
    assert_eq!(word(0), 2);
    assert_eq!(word(1), table.get(Opcode::add_32));
    assert_eq!(word(2), table.get(Opcode::add_64));
    assert_eq!(word(141), table.get(Opcode::zero_extend_16));
    assert_eq!(word(142), table.get(Opcode::invalid));
}

#[test]
fn malformed_tables() {
    let bytes = CostTable::uniform(7).to_bytes();
    let size = |size| Err(GasError { kind: GasErrorKind::TableSize { size, expected: 572 }, at: size });
    assert_eq!(CostTable::from_bytes(&[]), size(0));
    assert_eq!(CostTable::from_bytes(&bytes[..3]), size(3));
    assert_eq!(CostTable::from_bytes(&bytes[..571]), size(571));
    assert_eq!(CostTable::from_bytes(&bytes[..568]), size(568));
    assert_eq!(CostTable::from_bytes(&[&bytes[..], &[0; 4]].concat()), size(576));
    let mut other = bytes.clone();
    other[0] = 3;
    let error = CostTable::from_bytes(&other).unwrap_err();
    assert_eq!(error.to_string(), "cost table of version 3 instead of 2 at byte 0");
}

/// Two blocks: `fallthrough`, and `add_64; unlikely` which run off the end.
const CODE: (&[u8], &[u8]) = (&[1, 200, 0x87, 7, 3], &[0b10011]);

fn code() -> Code<'static> {
    Code::new(InstructionSet::Latest64Bitmask, CODE.0, CODE.1)
}

#[test]
fn flat_rules_add_up() {
    let mut table = CostTable::uniform(1);
    table.set(Opcode::add_64, 10);
    table.set(Opcode::unlikely, 0);
    table.set(Opcode::invalid, 100);
    let table = Rule::Table(Arc::new(table));
    for (rule, costs) in [(Rule::Simple, [1, 3]), (Rule::PerInstruction, [1, 3]), (table, [1, 110])] {
        assert_eq!(rule.blocks(code()).collect::<Vec<_>>(), [(0, costs[0]), (1, costs[1])], "{rule}");
        assert_eq!(rule.block_cost(code(), 1), costs[1]);
    }
    let dear = Rule::Table(Arc::new(CostTable::uniform(u32::MAX)));
    assert_eq!(dear.block_cost(code(), 1), u32::MAX);
    let free = Rule::Table(Arc::new(CostTable::uniform(0)));
    assert_eq!(free.block_cost(code(), 1), 0);
}

#[test]
fn entering_where_no_block_starts_has_no_price() {
    let full: Rule = "full".parse().unwrap();
    for (pc, cost) in [(0, Some(2)), (1, Some(40)), (2, None), (4, None), (5, Some(2)), (u32::MAX, Some(2))] {
        assert_eq!(full.cost_at(code(), pc), cost, "{pc}");
    }
    assert_eq!(Rule::Simple.cost_at(code(), 5), Some(1));
    assert_eq!(Rule::Simple.cost_at(code(), 1), Some(3));
}

#[test]
fn a_block_can_be_dropped() {
    for rule in ["simple", "full"] {
        let mut meter = BlockMeter::new(&rule.parse().unwrap(), code().set());
        let block: Vec<_> = code().iter_from(1).collect();
        block.iter().for_each(|located| meter.push(located, CODE.0));
        let cost = meter.finish();
        block[..2].iter().for_each(|located| meter.push(located, CODE.0));
        meter.start();
        block.iter().for_each(|located| meter.push(located, CODE.0));
        assert_eq!(meter.finish(), cost, "{rule}");
    }
}
