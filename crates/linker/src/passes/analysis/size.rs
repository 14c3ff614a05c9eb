//! About how many bytes instructions take: exact but for addresses and distances, which are not known yet.

use crate::ir::{Inst, Symbolic, Terminator};
use pvm_isa::{Instruction, InstructionSet, encode};
use pvm_num::casts::to_u32;

/// An address of data: three bytes, as in most programs.
const ADDRESS: i32 = 0x10_0000;
/// An address of code: one byte or two.
const CODE_ADDRESS: i32 = 0x100;

/// Bytes of an instruction.
pub(crate) fn of_inst(set: InstructionSet, inst: &Inst) -> u32 {
    let op = match inst.symbol {
        None => inst.op,
        Some(Symbolic::Low(_)) => inst.op.with_imm1(CODE_ADDRESS),
        Some(Symbolic::Import(_)) => inst.op.with_imm1(1),
        Some(Symbolic::Address(crate::ir::Target::Code(_))) => inst.op.with_imm1(CODE_ADDRESS),
        Some(_) => inst.op.with_imm1(ADDRESS),
    };
    of_instruction(set, &op)
}

/// Bytes of an instruction without names.
pub(crate) fn of_instruction(set: InstructionSet, op: &Instruction) -> u32 {
    // What the set lacks is refused later.
    encode(set, 0, op).map_or(0, |bytes| to_u32(bytes.len()))
}

/// Bytes of a terminator whose block is followed by none that it leads to.
pub(crate) fn of_terminator(set: InstructionSet, terminator: &Terminator) -> u32 {
    const DISTANCE: u32 = 0x400;
    match *terminator {
        Terminator::Trap => 1,
        Terminator::Jump(_) => of_instruction(set, &Instruction::jump(DISTANCE)),
        Terminator::Call { link, .. } => {
            of_instruction(set, &Instruction::load_imm_and_jump(link, CODE_ADDRESS, DISTANCE))
        }
        Terminator::JumpIndirect { base, offset } => of_instruction(set, &Instruction::jump_indirect(base, offset)),
        Terminator::CallIndirect { link, base, offset, .. } => {
            of_instruction(set, &Instruction::load_imm_and_jump_indirect(link, base, CODE_ADDRESS, offset))
        }
        Terminator::Branch { branch, .. } => {
            of_instruction(set, &branch.with_target(DISTANCE)) + of_instruction(set, &Instruction::jump(DISTANCE))
        }
    }
}
