//! An assembler of x86-64 instructions, written as a table.
//!
//! ```text
//! table/*: name (operands) "encoding as the manual writes it"  -->  fn name(operands) -> Inst  --Assembler-->  bytes
//! ```
//!
//! Each row of the table becomes a function of its name which makes an [`Inst`]: the bytes of one instruction in two machine
//! words. Nothing is allocated, all decisions which the encoding alone settles are made when this crate is compiled, and the
//! [`Assembler`] writes an instruction with two stores after one bounds check.
//!
//! What it deliberately does not do: it does not choose between encodings (`add` of an 8-bit and of a 32-bit immediate are two
//! rows), and it checks no operands beyond what their types say.
//!
//! ```
//! use pvm_x64::{Assembler, Cond, Mem, Reg, inst};
//!
//! let mut asm = Assembler::new();
//! let done = asm.label();
//! asm.emit(inst::test_rm64_r64(Reg::RDI, Reg::RDI));
//! asm.jcc(Cond::E, done);
//! asm.emit(inst::add_r64_rm64(Reg::RAX, Mem::base(Reg::RDI).disp(8)));
//! asm.bind(done);
//! asm.emit(inst::ret());
//! assert_eq!(asm.finish().unwrap(), [0x48, 0x85, 0xff, 0x0f, 0x84, 4, 0, 0, 0, 0x48, 0x03, 0x47, 8, 0xc3]);
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod assembler;
mod encoding;
mod operand;
mod reg;
mod table;

pub use assembler::{Assembler, FixupError, FixupErrorKind, Label};
pub use encoding::Inst;
pub use operand::{Mem, Rm, Scale, Segment};
pub use reg::{Cond, Reg};

/// The instructions: one function for each row of the table.
pub mod inst {
    pub use crate::table::alu::*;
    pub use crate::table::bmi::*;
    pub use crate::table::branch::*;
    pub use crate::table::mov::*;
    pub use crate::table::muldiv::*;
    pub use crate::table::shift::*;
    pub use crate::table::sys::*;
}
