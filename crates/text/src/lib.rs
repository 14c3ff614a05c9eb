//! Assembly text: the assembler, and the disassembler whose output it reads back.
#![forbid(unsafe_code)]

mod assembler;
pub mod case;
mod disassembler;
mod error;
mod symbol;

pub use assembler::{AssembleOptions, Assembled, ExportedSymbol, assemble, assemble_with};
pub use disassembler::{DisassembleOptions, Format, Source, disassemble, disassemble_to, disassemble_to_string};
pub use error::{AssembleError, AssembleErrorKind, Reason};
pub use pvm_isa::display::Style;
