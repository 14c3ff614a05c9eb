//! The PVM instruction set: one table, two encodings, one set of meanings.
//!
//! ```text
//! table.rs --+--> Opcode, Format, Family        what there is
//!            +--> InstructionSet                which number an opcode has in which set
//!            +--> encoding::{bitmask, macro_block}   bytes <-> Instruction
//!            +--> Meaning + semantics           what it does
//!            +--> Cost                          what the pipeline gas model needs to know
//!            +--> Visitor, display              for those who must treat every instruction
//! ```
//!
//! The crate knows no container, no memory and no engine: everything about a single instruction is here, everything about
//! programs is in `pvm-program`.
//!
//! ```
//! use pvm_isa::{Instruction, InstructionSet, Opcode, Reg};
//!
//! let add = Instruction::add_imm_64(Reg::a0, Reg::a1, -5);
//! let bytes = pvm_isa::encode(InstructionSet::JamV1, 0, &add).unwrap();
//! assert_eq!(&bytes[..], [149, 0x87, 0xfb]);
//! assert_eq!(pvm_isa::encoding::bitmask::decode(InstructionSet::JamV1, &bytes, 0, 2), add);
//! assert_eq!(add.opcode(), Opcode::add_imm_64);
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[macro_use]
pub mod table;
pub mod cost;
pub mod display;
pub mod encoding;
mod instruction;
mod instruction_set;
mod meaning;
mod opcode;
mod operands;
mod reg;
pub mod semantics;

pub use cost::Cost;
pub use encoding::{Encoded, encode, encode_with_size};
pub use instruction::{Instruction, Visitor};
pub use instruction_set::{Encoding, InstructionSet, Width};
pub use meaning::{Access, Condition, Meaning};
pub use opcode::{Family, Opcode};
pub use operands::Format;
pub use reg::{Reg, RegSet};
