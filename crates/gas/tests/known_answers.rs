//! Small blocks whose price can be checked by hand (gas-model.md 9, gas.md 5), and the trace that explains them.

use pvm_gas::{MemoryLatency, Pipeline, Rule, Trace};
use pvm_isa::{Instruction, InstructionSet, Reg, encode};
use pvm_program::Code;

type I = Instruction;
use Reg::{a0, a1, a2, a3, a4, ra, s0, t0};

const SET: InstructionSet = InstructionSet::JamV1;

/// Code and bitmask of these instructions.
fn assemble(instructions: &[Instruction]) -> (Vec<u8>, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut starts = Vec::new();
    for instruction in instructions {
        let offset = u32::try_from(bytes.len()).unwrap();
        starts.push(bytes.len());
        bytes.extend_from_slice(&encode(SET, offset, instruction).unwrap());
    }
    let mut bitmask = vec![0; bytes.len().div_ceil(8)];
    for start in starts {
        bitmask[start / 8] |= 1 << (start % 8);
    }
    (bytes, bitmask)
}

fn trace(pipeline: Pipeline, instructions: &[Instruction]) -> Trace {
    let (bytes, bitmask) = assemble(instructions);
    let code = Code::new(SET, &bytes, &bitmask);
    let trace = pipeline.trace(code, 0);
    assert_eq!(trace.cost, Rule::Full(pipeline).block_cost(code, 0));
    trace
}

#[track_caller]
fn check(cost: u32, instructions: &[Instruction]) {
    assert_eq!(trace(Pipeline::GP08, instructions).cost, cost);
}

/// `count` instructions followed by `trap`.
fn repeated(count: u8, instruction: impl Fn(Reg, i32) -> Instruction) -> Vec<Instruction> {
    let mut block: Vec<I> =
        (0..count).map(|index| instruction(Reg::ALL[usize::from(index) % 13], i32::from(index))).collect();
    block.push(I::trap());
    block
}

#[test]
fn terminators() {
    check(2, &[I::trap()]);
    check(2, &[I::fallthrough(), I::trap()]);
    check(15, &[I::jump(0)]);
    check(15, &[I::load_imm_and_jump(ra, 1, 0)]);
    check(22, &[I::jump_indirect(ra, 0)]);
    check(22, &[I::load_imm_and_jump_indirect(ra, a0, 1, 0)]);
}

#[test]
fn a_branch_is_cheap_beside_trap_or_unlikely() {
    let branch = I::branch_eq_imm(a0, 5, 0);
    check(20, &[branch, I::fallthrough()]);
    check(1, &[branch, I::trap()]);
    check(1, &[branch, I::unlikely(), I::trap()]);
    check(1, &[branch]); // the end of the code reads as 0
    // A target two instructions on, behind a neighbour that does not count.
    let length = u32::try_from(assemble(&[branch.with_target(9)]).0.len()).unwrap();
    let far = branch.with_target(length + 1);
    check(1, &[far, I::fallthrough(), I::trap()]);
    check(1, &[far, I::fallthrough(), I::unlikely(), I::trap()]);
    check(20, &[far, I::fallthrough(), I::fallthrough(), I::trap()]);
    check(1, &[branch.with_target(u32::MAX), I::fallthrough()]); // before the code, too
    check(20, &[branch.with_target(1), I::fallthrough()]); // the operand byte there is neither
    // Raw bytes count: the low byte of the immediate 2 is that of `unlikely`.
    check(1, &[I::branch_eq_imm(a0, 2, 2), I::fallthrough()]);
}

#[test]
fn slow_instructions() {
    check(40, &[I::unlikely(), I::trap()]);
    check(100, &[I::ecalli(0), I::trap()]);
    check(101, &[I::ecalli(0), I::ecalli(0), I::trap()]);
}

#[test]
fn units_are_held_until_the_result() {
    let load = |reg, address| I::load_u64(reg, address);
    let store = |reg, address| I::store_u64(reg, address);
    check(25, &repeated(4, load));
    for count in 5..=8 {
        check(50, &repeated(count, load));
    }
    check(75, &repeated(9, store));
    check(6, &[I::mul_64(a0, a1, a2), I::mul_64(a3, a1, a2), I::trap()]);
}

#[test]
fn the_window_holds_32() {
    check(3, &repeated(4, I::load_imm));
    check(4, &repeated(8, I::load_imm));
    let behind_division = |count, instruction: fn(Reg, i32) -> I| {
        let mut block = vec![I::div_unsigned_64(a0, a1, a2)];
        block.extend(repeated(count, instruction));
        block
    };
    check(65, &behind_division(31, I::load_imm));
    check(65, &behind_division(32, I::load_imm));
    check(72, &behind_division(60, I::load_imm));
    check(60, &behind_division(60, |reg, _| I::move_reg(reg, s0)));
}

#[test]
fn dependencies() {
    check(26, &[I::load_u64(a1, 0), I::move_reg(a2, a1), I::add_64(a3, a2, a4), I::trap()]);
    let cmov = [I::load_u64(a1, 0), I::cmov_if_zero(a1, a2, a3), I::trap()];
    check(27, &cmov);
    let draft = Pipeline { cmov_reads_destination: false, ..Pipeline::GP08 };
    assert_eq!(trace(draft, &cmov).cost, 25);
    let cmov_imm = [I::load_u64(a1, 0), I::cmov_if_zero_imm(a1, a2, 7), I::trap()];
    check(27, &cmov_imm);
    assert_eq!(trace(draft, &cmov_imm).cost, 25);
    // A host call, decoded in cycle 1 and done in 102, orders nothing, nor does a register that is written again.
    check(101, &[I::load_u64(a0, 0), I::ecalli(0), I::store_u64(a0, 0), I::trap()]);
    check(25, &[I::load_u64(a0, 0), I::load_imm(a0, 1), I::add_64(a0, a0, a0), I::trap()]);
}

/// Per instruction: decoded, slots, and latency, started, finished, retired unless it is a rename.
type Row = (u32, u8, Option<(u8, u32, u32, u32)>);

#[track_caller]
fn check_trace(memory: MemoryLatency, instructions: &[Instruction], cost: u32, expected: &[Row]) {
    let trace = trace(Pipeline { memory, ..Pipeline::GP08 }, instructions);
    let got: Vec<Row> = trace
        .rows
        .iter()
        .map(|row| {
            let times = row.execution.map(|e| (e.latency, e.started, e.finished, e.retired));
            (row.decoded, row.slots, times)
        })
        .collect();
    assert_eq!(got, expected);
    assert_eq!(trace.cost, cost);
}

/// The worked examples of gas.md 5. Its column "result" is the cycle before the one in which others can use it.
#[test]
fn traces_of_the_worked_examples() {
    let l2 = MemoryLatency::L2Hit;
    check_trace(l2, &[I::fallthrough(), I::trap()], 2, &[(0, 1, Some((2, 1, 3, 4)))]);
    let add = I::add_64(a0, a0, a1);
    check_trace(
        l2,
        &[add, add, add, I::trap()],
        3,
        &[
            (0, 1, Some((1, 1, 2, 3))),
            (0, 1, Some((1, 2, 3, 4))),
            (0, 1, Some((1, 3, 4, 5))),
            (0, 1, Some((2, 1, 3, 5))),
        ],
    );
    let load = I::load_indirect_u64(a0, a1, 0);
    let load_use_return = [load, I::add_64(a2, a0, a3), I::jump_indirect(ra, 0)];
    check_trace(
        l2,
        &load_use_return,
        26,
        &[(0, 1, Some((25, 1, 26, 27))), (0, 2, Some((1, 26, 27, 28))), (0, 1, Some((22, 1, 23, 28)))],
    );
    check_trace(
        MemoryLatency::L1Hit,
        &load_use_return,
        22,
        &[(0, 1, Some((4, 1, 5, 6))), (0, 2, Some((1, 5, 6, 7))), (0, 1, Some((22, 1, 23, 24)))],
    );
    check_trace(
        l2,
        &[
            I::set_less_than_unsigned(a0, a1, a2),
            I::set_less_than_unsigned(a3, a4, t0),
            I::div_unsigned_32(a0, a0, a1),
            I::trap(),
        ],
        63,
        &[
            (0, 3, Some((3, 1, 4, 5))),
            (1, 3, Some((3, 2, 5, 6))),
            (2, 4, Some((60, 4, 64, 65))),
            (3, 1, Some((2, 4, 6, 65))),
        ],
    );
    check_trace(
        l2,
        &[load, I::move_reg(a2, a0), I::add_64(a3, a2, a4), I::trap()],
        26,
        &[(0, 1, Some((25, 1, 26, 27))), (0, 1, None), (0, 2, Some((1, 26, 27, 28))), (1, 1, Some((2, 2, 4, 28)))],
    );
}
