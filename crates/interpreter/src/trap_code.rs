//! Traps known at translation time, as the number a `trap` operation carries.

use crate::exit::Trap;

pub(crate) const fn of(trap: Trap) -> u32 {
    match trap {
        Trap::Instruction => 0,
        Trap::InvalidInstruction => 1,
        Trap::JumpTarget => 2,
        _ => panic!("a trap that is only known when it happens"),
    }
}

pub(crate) const fn trap(code: u32) -> Trap {
    match code {
        0 => Trap::Instruction,
        1 => Trap::InvalidInstruction,
        _ => Trap::JumpTarget,
    }
}
