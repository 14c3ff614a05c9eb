//! Where the guest's registers live.
//!
//! `rcx` is left for shift counts, or holds the remaining gas; `rdx` is left for multiplication and division. Both are scratch, but
//! for that. The guest's most used registers
//! get those that need no prefix. `rax`, which division overwrites, holds a temporary.

use pvm_isa::Reg as Guest;
use pvm_x64::Reg;

/// Native registers by the number of the guest's.
const NATIVE: [Reg; 13] = {
    let mut native = [Reg::RSP; 13];
    native[Guest::ra.index()] = Reg::R13;
    native[Guest::sp.index()] = Reg::RBP;
    native[Guest::t0.index()] = Reg::RAX;
    native[Guest::t1.index()] = Reg::R15;
    native[Guest::t2.index()] = Reg::R12;
    native[Guest::s0.index()] = Reg::R8;
    native[Guest::s1.index()] = Reg::R9;
    native[Guest::a0.index()] = Reg::RDI;
    native[Guest::a1.index()] = Reg::RSI;
    native[Guest::a2.index()] = Reg::RBX;
    native[Guest::a3.index()] = Reg::R10;
    native[Guest::a4.index()] = Reg::R11;
    native[Guest::a5.index()] = Reg::R14;
    native
};

/// The register of shift counts; scratch where it does not hold the gas ([`crate::frame::Gas`]).
pub const COUNT: Reg = Reg::RCX;
/// Scratch, and the register of high halves.
pub const SCRATCH: Reg = Reg::RDX;

/// The native register that holds the guest's.
#[inline(always)]
pub fn native(guest: Guest) -> Reg {
    NATIVE[guest.index()]
}
