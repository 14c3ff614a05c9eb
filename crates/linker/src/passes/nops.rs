//! Drops instructions that change nothing.

use super::Options;
use crate::ir::{Inst, Program};
use pvm_isa::{Opcode, Width};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let width = program.width;
    let mut changed = false;
    for id in &program.layout {
        if options.is_settled(program, *id) || !program.block(*id).instructions.iter().any(|inst| is_nop(inst, width)) {
            continue;
        }
        program.blocks[id.index()].instructions.retain(|inst| !is_nop(inst, width));
        changed = true;
    }
    changed
}

/// Does an instruction change nothing?
pub(super) fn is_nop(inst: &Inst, width: Width) -> bool {
    let op = &inst.op;
    if inst.symbol.is_some() || op.r1() != op.r2() {
        return false;
    }
    match op.opcode() {
        Opcode::move_reg => true,
        Opcode::add_imm_64
        | Opcode::or_imm
        | Opcode::xor_imm
        | Opcode::shift_logical_left_imm_64
        | Opcode::shift_logical_right_imm_64
        | Opcode::shift_arithmetic_right_imm_64 => op.imm1() == 0,
        Opcode::and_imm => op.imm1() == -1,
        // On 64 bits these sign-extend the low half, which is something.
        Opcode::add_imm_32
        | Opcode::shift_logical_left_imm_32
        | Opcode::shift_logical_right_imm_32
        | Opcode::shift_arithmetic_right_imm_32 => op.imm1() == 0 && width == Width::Narrow,
        _ => false,
    }
}
