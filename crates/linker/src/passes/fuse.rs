//! Moves loads of immediates to the ends of blocks that jump, where one instruction does both.
//!
//! ```text
//! a0 = 5; a1 = a1 + 1; jump @3        a1 = a1 + 1; a0 = 5; jump @3        written as load_imm_and_jump a0, 5, @3
//! ```
//!
//! Emission joins the two wherever they stand together; a jump to the block that follows stays what it is.

use super::Options;
use crate::ir::{Inst, Program, Terminator};
use pvm_isa::{Meaning, Opcode};

pub(super) fn run(program: &mut Program<'_>, _: &Options) -> bool {
    let mut changed = false;
    for index in 0..program.layout.len() {
        let next = program.layout.get(index + 1).copied();
        let block = &mut program.blocks[program.layout[index].index()];
        let jumps = match block.terminator {
            Terminator::Jump(target) => next != Some(target),
            Terminator::JumpIndirect { .. } => true,
            _ => false,
        };
        if jumps && let Some(at) = movable(&block.instructions, &block.terminator) {
            let inst = block.instructions.remove(at);
            block.instructions.push(inst);
            changed = true;
        }
    }
    changed
}

/// The last load of an immediate that is not at the end yet, but may stand there.
fn movable(instructions: &[Inst], terminator: &Terminator) -> Option<usize> {
    let mut used = terminator.reads();
    for (at, inst) in instructions.iter().enumerate().rev() {
        let op = &inst.op;
        if op.opcode() == Opcode::load_imm && !used.contains(op.r1()) {
            return (at + 1 < instructions.len()).then_some(at);
        }
        if matches!(op.opcode().meaning(), Meaning::Ecalli | Meaning::Memset) {
            return None;
        }
        used = used.union(op.reads()).union(op.writes());
    }
    None
}
