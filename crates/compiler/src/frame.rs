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

/// Remaining gas, while the guest runs: on top of the host's stack, where processors keep what is written in a register.
pub(crate) fn gas() -> Mem {
    Mem::base(Reg::RSP)
}

/// A function that takes the native address at which the guest goes on, with `gs` based at the guest's address 0, and returns
/// the number of the site at which the guest stops.
pub(crate) fn entry(asm: &mut Assembler, is_metered: bool) -> u32 {
    let entry = to_u32(asm.len());
    for reg in PRESERVED {
        asm.emit(inst::push_r64(reg));
    }
    if is_metered {
        asm.emit(inst::push_rm64(field(ctx::GAS)));
    }
    asm.emit(inst::mov_r64_rm64(SCRATCH, Reg::RDI));
    for guest in Guest::ALL {
        asm.emit(inst::mov_r64_rm64(native(guest), register(guest)));
    }
    asm.emit(inst::jmp_rm64(SCRATCH));
    entry
}

/// Code that returns from the entry. Sites jump to the label with their number in [`SCRATCH`]; faults are sent to the instruction
/// before it, which gives them the number [`ctx::NO_SITE`]. The stack pointer is as the entry left it: guests have no use for it.
pub(crate) fn exit(asm: &mut Assembler, is_metered: bool) -> Label {
    asm.emit(inst::mov_r32_imm32(SCRATCH, signed_32(ctx::NO_SITE)));
    let exit = asm.label_here();
    for guest in Guest::ALL {
        asm.emit(inst::mov_rm64_r64(register(guest), native(guest)));
    }
    asm.emit(inst::mov_r32_rm32(Reg::RAX, SCRATCH));
    if is_metered {
        asm.emit(inst::pop_rm64(field(ctx::GAS)));
    }
    for reg in PRESERVED.into_iter().rev() {
        asm.emit(inst::pop_r64(reg));
    }
    asm.emit(inst::ret());
    exit
}
