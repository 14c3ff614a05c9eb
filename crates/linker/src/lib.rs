//! The linker: from a RISC-V ELF to a PVM program.
//!
//! ```text
//! elf::parse -> lift::lift -> passes::run -> emit::emit -> Linked
//!  ELF tables    ir::Program    ir::Program    code, data   .polkavm
//! ```
//!
//! Linking is deterministic: the same bytes and configuration give the same program. Everything is relative to sections
//! and symbols until `emit` gives addresses; no address of the file survives. The crate does not search libraries, and
//! does not load or run anything.
#![forbid(unsafe_code)]

mod elf;
mod emit;
mod error;
pub mod ir;
mod lift;
mod limits;
mod passes;
mod reloc;

pub use error::{LinkError, LinkErrorKind, Location};
pub use reloc::RelocKind;

use pvm_isa::InstructionSet;
use pvm_num::limits::STACK_SIZE_DEFAULT;
use pvm_program::ProgramParts;

/// What to make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The instruction set; by default the newest one for the file's width.
    pub target: Option<InstructionSet>,
    /// 0 keeps everything; 1 and above drop unreachable code and data.
    pub opt_level: u8,
    /// Least size of the stack in bytes.
    pub min_stack_size: u32,
    /// Exports to which the code starts with a jump each, at offsets 0, 5, 10, ...
    pub dispatch_table: Vec<Vec<u8>>,
    /// A hash of metadata kept elsewhere, put into the blob as it is.
    pub metadata_hash: Vec<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            target: None,
            opt_level: 1,
            min_stack_size: STACK_SIZE_DEFAULT,
            dispatch_table: Vec::new(),
            metadata_hash: Vec::new(),
        }
    }
}

/// A linked program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Linked {
    /// Everything a container needs.
    pub parts: ProgramParts,
}

impl Linked {
    /// The program as a `.polkavm` blob.
    ///
    /// # Errors
    /// If a section is too long for its container.
    pub fn to_polkavm_blob(&self) -> Result<Vec<u8>, LinkError> {
        self.parts.to_blob().map_err(|error| emit::whole(LinkErrorKind::Program(error)))
    }
}

/// Links a file.
///
/// # Errors
/// The first thing in the file that cannot be linked, with its place.
pub fn link(elf: &[u8], config: &Config) -> Result<Linked, LinkError> {
    let elf = elf::parse(elf, false)?;
    let mut program = lift::lift(&elf)?;
    passes::run(&mut program, config.opt_level);
    emit::emit(&elf, &program, config)
}

/// The intermediate form of a file after all passes, as text.
///
/// # Errors
/// As [`link`].
pub fn link_to_ir(elf: &[u8], config: &Config) -> Result<String, LinkError> {
    let elf = elf::parse(elf, false)?;
    let mut program = lift::lift(&elf)?;
    passes::run(&mut program, config.opt_level);
    Ok(program.to_string())
}
