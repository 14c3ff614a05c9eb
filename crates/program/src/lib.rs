//! Program containers: `.polkavm` blobs, generic programs of the Gray Paper and JAM standard programs.
//!
//! ```text
//! bytes -> Sections -> ProgramParts -> Program -> Code, JumpTable, Imports, Exports, MemoryMap, debug lines
//!                            ^
//! items -> CodeBuilder -> writer
//! ```
//!
//! A [`Program`] exists only if its container is in order. The crate never interprets code, and judges it only if asked to
//! ([`Code::validate`]).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod blob;
mod boundaries;
mod bytes;
mod code;
mod code_builder;
pub mod debug_lines;
mod debug_writer;
mod error;
mod generic;
mod hash;
mod jam_metadata;
mod jump_table;
mod memory_map;
mod options;
pub mod sections;
mod spi;
mod symbols;
pub mod varint;
mod writer;

pub use blob::{Program, ProgramParts};
pub use bytes::Bytes;
pub use code::{Code, Instructions, JumpTargets, Located};
pub use code_builder::{CodeBuilder, CodeLayout, Item};
pub use debug_lines::{FrameInfo, FrameKind, FullName, LineProgram, RegionInfo};
pub use debug_writer::{DebugFrame, DebugLineWriter, DebugSections};
pub use error::{Location, Part, ProgramError, ProgramErrorKind, Region};
pub use jam_metadata::JamMetadata;
pub use jump_table::JumpTable;
pub use memory_map::{MemoryMap, MemoryMapBuilder};
pub use options::{JamNumbering, Latest64Layout, ParseOptions};
pub use spi::{MetadataPrefix, StandardProgram};
pub use symbols::{Export, Exports, Imports};
pub use varint::Varints;
pub use writer::ProgramBuilder;
