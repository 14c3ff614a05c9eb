//! The event-driven simulation against the cycle-by-cycle definitions, on random programs from a fixed seed.

mod oracle;

use oracle::Table;
use pvm_gas::{Acceleration, MemoryLatency, Pipeline, Rule};
use pvm_isa::{InstructionSet, Opcode};
use pvm_program::Code;

const SETS: [InstructionSet; 5] = [
    InstructionSet::JamV1,
    InstructionSet::Latest32,
    InstructionSet::Latest64Bitmask,
    InstructionSet::ReviveV1,
    InstructionSet::Gp07,
];
const MEMORIES: [MemoryLatency; 3] = [MemoryLatency::L1Hit, MemoryLatency::L2Hit, MemoryLatency::L3Hit];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// A block's worth of code bytes and bits, filled with everything or with a few kinds that crowd one resource.
fn append_block(random: &mut Random, set: InstructionSet, bytes: &mut Vec<u8>, bits: &mut Vec<bool>) {
    let supported: Vec<Opcode> = Opcode::ALL.iter().copied().filter(|opcode| set.supports(*opcode)).collect();
    let (terminators, others): (Vec<Opcode>, Vec<Opcode>) =
        supported.into_iter().partition(|opcode| opcode.ends_block());
    let crowd: Vec<Opcode> = match random.below(8) {
        0 => vec![Opcode::load_indirect_u8, Opcode::load_u8, Opcode::move_reg, Opcode::add_imm_32],
        1 => vec![Opcode::store_indirect_u8, Opcode::store_u8, Opcode::load_imm, Opcode::and],
        2 => vec![Opcode::mul_32, Opcode::div_unsigned_32, Opcode::xor, Opcode::load_imm],
        3 => vec![Opcode::load_imm, Opcode::move_reg, Opcode::ecalli, Opcode::div_signed_32],
        4 => vec![Opcode::count_trailing_zero_bits_32, Opcode::count_set_bits_32, Opcode::load_indirect_u8],
        5 => vec![Opcode::cmov_if_zero, Opcode::cmov_if_not_zero_imm, Opcode::load_indirect_i8, Opcode::mul_32],
        _ => others,
    };
    let registers = 1 + random.below(16);
    if random.below(8) == 0 && set.supports(Opcode::unlikely) {
        // Many wait for one result while entries without units pile up: more become ready than may start.
        append_raw(set, Opcode::load_indirect_u8, &[0x10], bytes, bits);
        for _ in 0..4 + random.below(16) {
            let destination = 1 + u8::try_from(random.below(5)).unwrap();
            append_raw(set, Opcode::count_set_bits_32, &[destination], bytes, bits);
        }
        for _ in 0..16 + random.below(32) {
            append_raw(set, Opcode::unlikely, &[], bytes, bits);
        }
    }
    let length = match random.below(10) {
        0..5 => random.below(5),
        5..9 => random.below(40),
        _ => random.below(400),
    };
    for _ in 0..length {
        let opcode = random.pick(&crowd);
        append(random, set, opcode, registers, bytes, bits);
    }
    let opcode = random.pick(&terminators);
    append(random, set, opcode, registers, bytes, bits);
}

/// An instruction with random operands, as many registers as told, and sometimes too few operand bytes.
fn append(
    random: &mut Random,
    set: InstructionSet,
    opcode: Opcode,
    registers: usize,
    bytes: &mut Vec<u8>,
    bits: &mut Vec<bool>,
) {
    let nibble = |random: &mut Random| u8::try_from(random.below(registers)).unwrap();
    let pair = |random: &mut Random| nibble(random) | nibble(random) << 4;
    let operands = [pair(random), pair(random), random.byte(), random.byte(), random.byte()];
    append_raw(set, opcode, &operands[..random.below(6)], bytes, bits);
}

fn append_raw(set: InstructionSet, opcode: Opcode, operands: &[u8], bytes: &mut Vec<u8>, bits: &mut Vec<bool>) {
    bytes.push(set.number(opcode).unwrap().to_le_bytes()[0]);
    bytes.extend_from_slice(operands);
    bits.push(true);
    bits.resize(bytes.len(), false);
}

#[test]
fn random_blocks() {
    let table = Table::read();
    let mut random = Random(20_251_125);
    let (mut blocks, mut accelerated_differs, mut cmov_differs) = (0, 0, 0);
    while blocks < 60_000 {
        let set = random.pick(&SETS);
        let (mut bytes, mut bits) = (Vec::new(), Vec::new());
        for _ in 0..16 {
            append_block(&mut random, set, &mut bytes, &mut bits);
        }
        let bitmask: Vec<u8> =
            bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect();
        let code = Code::new(set, &bytes, &bitmask);
        let pipeline = Pipeline {
            memory: random.pick(&MEMORIES),
            cmov_reads_destination: random.pick(&[true, false]),
            acceleration: Acceleration::Stepwise,
        };
        let accelerated = Pipeline { acceleration: Acceleration::Upstream, ..pipeline };
        let other = Pipeline { cmov_reads_destination: !pipeline.cmov_reads_destination, ..pipeline };
        for (start, cost) in Rule::Full(pipeline).blocks(code) {
            let steps = table.block(pipeline, code, start);
            let what = || format!("{set:?} {pipeline:?} at {start}: {bytes:02x?} {bitmask:02x?}");
            assert_eq!(cost, oracle::gray_paper(&steps), "{}", what());
            assert_eq!(cost, oracle::polkavm(&steps, Acceleration::Stepwise), "the definitions differ: {}", what());
            let cost_accelerated = Rule::Full(accelerated).block_cost(code, start);
            assert_eq!(cost_accelerated, oracle::polkavm(&steps, Acceleration::Upstream), "accelerated {}", what());
            blocks += 1;
            accelerated_differs += usize::from(cost_accelerated != cost);
            cmov_differs += usize::from(Rule::Full(other).block_cost(code, start) != cost);
        }
    }
    // Every setting must have mattered.
    assert!(accelerated_differs > 100 && cmov_differs > 1000, "{accelerated_differs} {cmov_differs}");
}
