//! Turns branches around a single assignment into conditional moves.
//!
//! ```text
//! if a == 0 goto @2 else @1        cmov_if_not_zero d, b, a
//! @1: d = b; jump @2               jump @2
//! ```
//!
//! The conditional move runs always, in the place of the branch, and a branch is what the pipeline model charges most for.
//! Conditions other than a comparison with zero need a register to put the result in, and the comparison is an instruction more
//! when the assignment would not have run.

use super::Options;
use crate::ir::{Inst, Program, Terminator};
use pvm_isa::{Instruction, Opcode, Reg, RegSet};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let entries = options.entries(program);
    let predecessors = options.predecessors(program);
    let mut gone = vec![false; program.blocks.len()];
    let mut changed = false;
    for id in program.layout.clone() {
        let Terminator::Branch { branch, taken, otherwise } = program.block(id).terminator else { continue };
        // Which side assigns, and does it run when the condition holds?
        for (side, join, if_holds) in [(taken, otherwise, true), (otherwise, taken, false)] {
            let is_own = side != id && predecessors.of(side).len() == 1 && !entries[side.index()].is_entry();
            if !is_own || program.block(side).terminator != Terminator::Jump(join) || side == join {
                continue;
            }
            let [assignment] = program.block(side).instructions[..] else { continue };
            let liveness = options.liveness(program);
            let live = liveness.live_in(join).union(liveness.live_in(side));
            if let Some((comparison, moved)) = converted(&branch, if_holds, &assignment, live) {
                let block = &mut program.blocks[id.index()];
                let source = block.terminator_source;
                block.instructions.extend(comparison.map(|op| Inst { op, symbol: None, source }));
                block.instructions.push(Inst { op: moved, ..assignment });
                block.terminator = Terminator::Jump(join);
                gone[side.index()] = true;
                changed = true;
                break;
            }
        }
    }
    // Nothing leads to these any more.
    program.layout.retain(|id| !gone[id.index()]);
    changed
}

/// What replaces the branch and the assignment, given what is live on both sides: a comparison where one is needed, and a
/// conditional move.
fn converted(
    branch: &Instruction,
    if_holds: bool,
    assignment: &Inst,
    live: RegSet,
) -> Option<(Option<Instruction>, Instruction)> {
    let op = &assignment.op;
    let to = op.r1();
    let is_zero_test =
        matches!(branch.opcode(), Opcode::branch_eq_imm | Opcode::branch_not_eq_imm) && branch.imm1() == 0;
    let (comparison, tested, if_zero) = if is_zero_test {
        (None, branch.r1(), (branch.opcode() == Opcode::branch_eq_imm) == if_holds)
    } else {
        let (comparison, holds) = comparison(branch)?;
        let source = op.reads();
        let free = Reg::ALL.into_iter().find(|reg| !live.contains(*reg) && !source.contains(*reg) && *reg != to)?;
        let [_, a, b] = [comparison.r1(), comparison.r2(), comparison.r3()];
        let comparison = Instruction::with_registers(comparison.opcode(), [free, a, b]).with_imm1(comparison.imm1());
        // The comparison gives 1 if the branch is taken, or 0 where it is the opposite.
        (Some(comparison), free, if_holds != holds)
    };
    let moved = match (op.opcode(), if_zero) {
        (Opcode::move_reg, true) => Instruction::cmov_if_zero(to, op.r2(), tested),
        (Opcode::move_reg, false) => Instruction::cmov_if_not_zero(to, op.r2(), tested),
        (Opcode::load_imm, true) if assignment.symbol.is_none() => Instruction::cmov_if_zero_imm(to, tested, op.imm1()),
        (Opcode::load_imm, false) if assignment.symbol.is_none() => {
            Instruction::cmov_if_not_zero_imm(to, tested, op.imm1())
        }
        _ => return None,
    };
    Some((comparison, moved))
}

/// A comparison whose result tells whether a branch is taken: it is 1 then, or else 0 then. Its destination has no meaning.
fn comparison(branch: &Instruction) -> Option<(Instruction, bool)> {
    let (a, b, imm) = (branch.r1(), branch.r2(), branch.imm1());
    Some(match branch.opcode() {
        Opcode::branch_less_unsigned => (Instruction::set_less_than_unsigned(a, a, b), true),
        Opcode::branch_greater_or_equal_unsigned => (Instruction::set_less_than_unsigned(a, a, b), false),
        Opcode::branch_less_signed => (Instruction::set_less_than_signed(a, a, b), true),
        Opcode::branch_greater_or_equal_signed => (Instruction::set_less_than_signed(a, a, b), false),
        Opcode::branch_less_unsigned_imm => (Instruction::set_less_than_unsigned_imm(a, a, imm), true),
        Opcode::branch_greater_or_equal_unsigned_imm => (Instruction::set_less_than_unsigned_imm(a, a, imm), false),
        Opcode::branch_less_signed_imm => (Instruction::set_less_than_signed_imm(a, a, imm), true),
        Opcode::branch_greater_or_equal_signed_imm => (Instruction::set_less_than_signed_imm(a, a, imm), false),
        Opcode::branch_greater_unsigned_imm => (Instruction::set_greater_than_unsigned_imm(a, a, imm), true),
        Opcode::branch_less_or_equal_unsigned_imm => (Instruction::set_greater_than_unsigned_imm(a, a, imm), false),
        Opcode::branch_greater_signed_imm => (Instruction::set_greater_than_signed_imm(a, a, imm), true),
        Opcode::branch_less_or_equal_signed_imm => (Instruction::set_greater_than_signed_imm(a, a, imm), false),
        _ => return None,
    })
}
