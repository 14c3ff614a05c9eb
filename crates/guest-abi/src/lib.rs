//! What a guest tells the linker, and what a guest may ask of `pvm run`.
//!
//! A guest SDK leaves packed records in its ELF file; the linker reads them here. `P` is the size of a pointer, 4 or 8 bytes;
//! all numbers are little-endian; nothing is aligned.
//!
//! ```text
//! .polkavm_exports          Export ...                      one for each export
//!   0      version = 1
//!   1      P  pointer to Metadata
//!   1+P    P  pointer to the function
//!
//! .polkavm_metadata         Metadata                        one for each export and import, found by pointers only
//!   0      version = 1 or 2
//!   1      4  flags = 0
//!   5      4  length of the symbol
//!   9      P  pointer to the symbol
//!   9+P    1  input registers, at most 9
//!   10+P   1  output registers, at most 2
//!   11+P   1  version 2: is there an index?
//!   12+P   4  version 2: index
//!
//! code                      ImportSite                      the run goes on behind it
//!   0      4  0x0000000b
//!   4      P  pointer to Metadata
//!
//! .polkavm_min_stack_size   4 ...                           each a least stack size in bytes
//! ```
//!
//! What it deliberately does not do: it follows no pointer. The bytes of a pointer slot mean nothing (a relocation says where it
//! points), so that parsing gives the offsets of the slots, counted from the start of the section, and the linker looks up
//! the relocations there.
//!
//! ```
//! use pvm_guest_abi::{Metadata, PointerSize};
//!
//! let section = [1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 1];
//! let metadata = Metadata::parse(&section, 0, PointerSize::Four).unwrap();
//! assert_eq!((metadata.symbol_length, metadata.symbol_slot), (4, 9));
//! assert_eq!((metadata.input_registers, metadata.output_registers, metadata.index), (2, 1, None));
//!
//! let error = Metadata::parse(&section, 1, PointerSize::Four).unwrap_err();
//! assert_eq!(error.to_string(), "metadata record of version 0, known are 1 and 2, at offset 0x1");
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod error;
mod reader;
mod records;
pub mod system;

pub use error::{AbiError, AbiErrorKind, RecordKind};
pub use records::{Export, Exports, ImportSite, Metadata, PointerSize, exports, min_stack_size};

/// Section of export records; a file may have several.
pub const EXPORTS_SECTION: &str = ".polkavm_exports";
/// Section where metadata records usually are; pointers may lead to any data section.
pub const METADATA_SECTION: &str = ".polkavm_metadata";
/// Section of least stack sizes; a file may have several.
pub const MIN_STACK_SIZE_SECTION: &str = ".polkavm_min_stack_size";
/// The instruction word that begins an import site: custom-0 with every field zero.
pub const IMPORT_WORD: u32 = 0x0000_000b;
/// The version of an export record.
pub const EXPORT_VERSION: u8 = 1;
/// The version of a metadata record without an index.
pub const METADATA_VERSION_1: u8 = 1;
/// The version of a metadata record that can have an index.
pub const METADATA_VERSION_2: u8 = 2;
