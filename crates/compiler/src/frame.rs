//! Entering and leaving a guest.

use crate::regmap::{SCRATCH, native};
use pvm_isa::Reg as Guest;
use pvm_num::casts::{signed_32, to_u32};
use pvm_vmctx as ctx;
use pvm_x64::{Assembler, Label, Mem, Reg, Segment, inst};

/// Registers that a function of the C calling convention preserves.
const PRESERVED: [Reg; 6] = [Reg::RBX, Reg::RBP, Reg::R12, Reg::R13, Reg::R14, Reg::R15];

/// A field of the context.
pub(crate) fn field(displacement: i32) -> Mem {
    Mem::absolute(displacement).segment(Segment::Gs)
}

fn register(guest: Guest) -> Mem {
    field(ctx::REGS + i32::from(guest.number()) * 8)
}

/// A function that takes the guest's address 0 and goes on where its context says.
pub(crate) fn entry(asm: &mut Assembler) -> u32 {
    let entry = to_u32(asm.len());
    for reg in PRESERVED {
        asm.emit(inst::push_r64(reg));
    }
    asm.emit(inst::rdgsbase_r64(SCRATCH));
    asm.emit(inst::wrgsbase_r64(Reg::RDI));
    asm.emit(inst::mov_rm64_r64(field(ctx::HOST_GS), SCRATCH));
    asm.emit(inst::mov_rm64_r64(field(ctx::HOST_SP), Reg::RSP));
    for guest in Guest::ALL {
        asm.emit(inst::mov_r64_rm64(native(guest), register(guest)));
    }
    asm.emit(inst::jmp_rm64(field(ctx::ENTRY)));
    entry
}

/// Code that returns from the entry. Sites jump to the label with their number in [`SCRATCH`]; faults are sent to the instruction
/// before it, which gives them the number [`ctx::NO_SITE`].
pub(crate) fn exit(asm: &mut Assembler) -> Label {
    asm.emit(inst::mov_r32_imm32(SCRATCH, signed_32(ctx::NO_SITE)));
    let exit = asm.label_here();
    asm.emit(inst::mov_rm32_r32(field(ctx::SITE), SCRATCH));
    for guest in Guest::ALL {
        asm.emit(inst::mov_rm64_r64(register(guest), native(guest)));
    }
    asm.emit(inst::mov_r64_rm64(Reg::RSP, field(ctx::HOST_SP)));
    asm.emit(inst::mov_r64_rm64(SCRATCH, field(ctx::HOST_GS)));
    asm.emit(inst::wrgsbase_r64(SCRATCH));
    for reg in PRESERVED.into_iter().rev() {
        asm.emit(inst::pop_r64(reg));
    }
    asm.emit(inst::ret());
    exit
}
