//! Entering and leaving a guest.

use crate::regmap::{COUNT, SCRATCH, native};
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

/// Where the remaining gas is while the guest runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gas {
    /// Nobody asks for it.
    Unmetered,
    /// In [`COUNT`], which code that needs it for something else keeps on the stack meanwhile. On top of the stack is then the
    /// address of the jump table, for want of a register to compute it in.
    Register,
    /// On top of the stack: processors that have not all of [`crate::Features`] need [`COUNT`] too often.
    Stack,
}

/// What is on top of the stack.
pub(crate) fn top() -> Mem {
    Mem::base(Reg::RSP)
}

/// A function that takes the native address at which the guest goes on, with `gs` based at the guest's address 0, and returns
/// the number of the site at which the guest stops. Of the gas so much is put aside.
pub(crate) fn entry(asm: &mut Assembler, gas: Gas, reserve: i32, table: Label) -> u32 {
    let entry = to_u32(asm.len());
    for reg in PRESERVED {
        asm.emit(inst::push_r64(reg));
    }
    match gas {
        Gas::Unmetered => {}
        Gas::Stack => {
            asm.emit(inst::push_rm64(field(ctx::GAS)));
            if reserve != 0 {
                asm.emit(inst::sub_rm64_imm32(top(), reserve));
            }
        }
        Gas::Register => {
            asm.lea(SCRATCH, table);
            asm.emit(inst::push_r64(SCRATCH));
            asm.emit(inst::mov_r64_rm64(COUNT, field(ctx::GAS)));
            if reserve != 0 {
                asm.emit(inst::sub_rm64_imm32(COUNT, reserve));
            }
        }
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
pub(crate) fn exit(asm: &mut Assembler, gas: Gas, reserve: i32) -> Label {
    asm.emit(inst::mov_r32_imm32(SCRATCH, signed_32(ctx::NO_SITE)));
    let exit = asm.label_here();
    for guest in Guest::ALL {
        asm.emit(inst::mov_rm64_r64(register(guest), native(guest)));
    }
    asm.emit(inst::mov_r32_rm32(Reg::RAX, SCRATCH));
    match gas {
        Gas::Unmetered => {}
        Gas::Stack => {
            if reserve != 0 {
                asm.emit(inst::add_rm64_imm32(top(), reserve));
            }
            asm.emit(inst::pop_rm64(field(ctx::GAS)));
        }
        Gas::Register => {
            if reserve != 0 {
                asm.emit(inst::add_rm64_imm32(COUNT, reserve));
            }
            asm.emit(inst::mov_rm64_r64(field(ctx::GAS), COUNT));
            asm.emit(inst::pop_r64(SCRATCH));
        }
    }
    for reg in PRESERVED.into_iter().rev() {
        asm.emit(inst::pop_r64(reg));
    }
    asm.emit(inst::ret());
    exit
}
