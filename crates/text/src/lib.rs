//! Assembly text: the assembler, and the disassembler whose output it reads back.
//!
//! ```text
//! text -> assemble -> Assembled -> Program            assembler/
//! Program, Code -> Source -> disassemble -> text      disassembler/
//! case file -> Case                                   case.rs
//! ```
//!
//! The language is described in `docs/assembly.md`. How a single instruction reads is `pvm_isa::display`'s business, how code is
//! laid out `pvm_program::CodeBuilder`'s. The crate reads and writes no files.
//!
//! ```
//! use pvm_text::{DisassembleOptions, Format, Source, assemble, disassemble_to_string};
//!
//! let text = "
//!     %isa = latest64
//!     pub @main:
//!         a0 = 10
//!     @loop:
//!         a0 = a0 - 1
//!         jump @loop if a0 != 0
//!         ret
//! ";
//! let program = assemble(text, None)?.to_program()?;
//!
//! let options = DisassembleOptions { show_raw_bytes: true, show_header: false, ..DisassembleOptions::default() };
//! assert_eq!(disassemble_to_string(&Source::from(&program), &options), "      : @0 [export #0: 'main']
//!      0: 05 07 0a                 a0 = 0xa
//!      3: 01                       fallthrough
//!       : @1
//!      4: 7d 77 ff                 a0 = a0 - 1
//!      7: 22 07 fd                 jump @1 if a0 != 0
//!       : @2
//!     10: 03 00                    ret
//! ");
//!
//! let options = DisassembleOptions { format: Format::Reassemblable, ..DisassembleOptions::default() };
//! let listing = disassemble_to_string(&Source::from(&program), &options);
//! assert_eq!(assemble(&listing, None)?.to_program()?.to_blob()?, program.to_blob()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
