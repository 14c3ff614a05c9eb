//! Memory shared by a host and the native code of its guests: all that the compiler and the sandbox agree on.
//!
//! ```text
//!             gs base - CONTEXT_SIZE           gs base                                  gs base + 2^32
//!  no access  | VmCtx, no access to guests |  the guest's addresses 0 to 2^32 - 1    |  no access (a page at least)
//! ```
//!
//! Native code reaches the guest's memory as `gs:[r32 + disp]` with a 32-bit address, which wraps as the guest's addresses do,
//! and its context, at negative displacements, with a 64-bit address, which no guest address can be.
#![no_std]
#![forbid(unsafe_code)]

use core::mem::offset_of;
use pvm_num::casts::to_u32;

/// Bytes between the start of a context and the guest's address 0: a page, so that the context is writable on its own.
pub const CONTEXT_SIZE: u32 = 4096;

/// The number of no site: a fault stopped the guest.
pub const NO_SITE: u32 = u32::MAX;

/// Registers of a guest.
const REG_COUNT: usize = pvm_num::limits::REGISTER_COUNT;

/// State of a guest that the host sees only while the guest is stopped.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct VmCtx {
    /// The guest's registers, in the order of their numbers; 32-bit ones are zero-extended.
    pub regs: [u64; REG_COUNT],
    /// Remaining gas.
    pub gas: i64,
    /// Number of the site of the indirect jump that is under way, kept where jump table entries can be bad.
    pub jump_site: u32,
    /// Where an indirect jump that failed would have gone: its dynamic address, halved by a rotation, less 1.
    pub jump_index: u32,
}

/// Displacement from the guest's address 0 of the field at `offset`.
const fn displacement(offset: usize) -> i32 {
    pvm_num::casts::signed_32(to_u32(offset)) - pvm_num::casts::signed_32(CONTEXT_SIZE)
}

/// Displacement of [`VmCtx::regs`] from the guest's address 0; registers follow each other every 8 bytes.
pub const REGS: i32 = displacement(offset_of!(VmCtx, regs));
/// Displacement of [`VmCtx::gas`].
pub const GAS: i32 = displacement(offset_of!(VmCtx, gas));
/// Displacement of [`VmCtx::jump_site`].
pub const JUMP_SITE: i32 = displacement(offset_of!(VmCtx, jump_site));
/// Displacement of [`VmCtx::jump_index`].
pub const JUMP_INDEX: i32 = displacement(offset_of!(VmCtx, jump_index));

const _: () = assert!(to_u32(size_of::<VmCtx>()) <= CONTEXT_SIZE);
