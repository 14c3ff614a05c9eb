//! The linker: from a RISC-V ELF file to a PVM program.
//!
//! ```text
//! files --elf, merge--> sections, symbols, relocations --lift (with reloc)--> ir --passes--> ir --emit--> Linked
//! ```
//!
//! [`link`] takes one file, [`link_files`] several and archives. A file must have its relocations (a relocatable file, or one
//! linked with `--emit-relocs`): the program gets a memory layout of its own, and code addresses become positions in a jump
//! table. What is accepted, and what becomes of it, is in docs/linker.md; errors name section, offset, function and, where
//! one can help, the compiler's flag.
//!
//! What it deliberately does not do: it reads no linker scripts and makes no ELF files.
//!
//! ```
//! use pvm_linker::{Config, LinkErrorKind, link};
//!
//! let error = link(b"no ELF file", &Config::default()).unwrap_err();
//! assert_eq!(error.kind, LinkErrorKind::NotAnElf);
//! assert_eq!(error.to_string(), "not an ELF file");
//! ```
#![forbid(unsafe_code)]

mod config;
mod debug;
mod demangle;
mod elf;
mod emit;
mod error;
pub mod ir;
mod lift;
mod limits;
mod merge;
mod passes;
mod reloc;

pub use config::{Config, Optimize, Trust};
pub use demangle::demangle;
pub use emit::{LinkMap, MapEntry};
pub use error::{LinkError, LinkErrorKind, Location};
pub use merge::Input;
pub use passes::{Application, PassInfo, PassSelection, UnknownPass, passes};
pub use reloc::RelocKind;

use pvm_isa::InstructionSet;
use pvm_program::ProgramParts;
use pvm_riscv::Xlen;

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
        self.parts.to_blob().map_err(LinkError::from_program)
    }
}

/// Links a file. The same bytes and configuration always give the same program.
///
/// # Errors
/// The first thing that is wrong with the file, or that cannot be expressed in the instruction set.
pub fn link(elf: &[u8], config: &Config) -> Result<Linked, LinkError> {
    link_files(&[Input { name: "", bytes: elf }], config)
}

/// Links relocatable files and archives of them; or one file, as [`link`] does. The same contents in the same order and the
/// same configuration always give the same program; names are for messages.
///
/// # Errors
/// As [`link`]; also symbols that no file or two files define.
pub fn link_files(inputs: &[Input<'_>], config: &Config) -> Result<Linked, LinkError> {
    with_program(inputs, config, |program, elf, set| Ok(Linked { parts: emit::emit(program, elf, config, set)? }))
}

/// What went where in the program that [`link_files`] makes, and why it was kept.
///
/// # Errors
/// As [`link_files`].
pub fn link_map(inputs: &[Input<'_>], config: &Config) -> Result<LinkMap, LinkError> {
    with_program(inputs, config, |program, _, set| emit::map(program, config, set))
}

/// The intermediate form of a file after all passes, as text.
///
/// # Errors
/// As [`link`], as far as it gets to that point.
pub fn link_to_ir(elf: &[u8], config: &Config) -> Result<String, LinkError> {
    link_files_to_ir(&[Input { name: "", bytes: elf }], config)
}

/// The intermediate form of files after all passes, as text.
///
/// # Errors
/// As [`link_files`], as far as it gets to that point.
pub fn link_files_to_ir(inputs: &[Input<'_>], config: &Config) -> Result<String, LinkError> {
    with_program(inputs, config, |program, _, _| Ok(program.to_string()))
}

/// The applications of passes to files, in order: what `Config::stop_after` counts.
///
/// # Errors
/// As [`link_files`], as far as it gets to that point.
pub fn trace_passes(inputs: &[Input<'_>], config: &Config) -> Result<Vec<Application>, LinkError> {
    let storage = merge::Storage::default();
    let elf = merge::merge(inputs, config, &storage)?;
    let set = instruction_set(elf.xlen, config)?;
    let mut program = lift::lift(&elf)?;
    Ok(passes::run(&mut program, config, set))
}

/// Runs the passes of a configuration over a program in its text form.
///
/// # Errors
/// If the text is not a program.
pub fn run_passes(text: &str, config: &Config) -> Result<String, ir::ParseError> {
    let mut program = ir::parse(text)?;
    let set = config.target.unwrap_or(match program.width {
        pvm_isa::Width::Narrow => InstructionSet::Latest32,
        pvm_isa::Width::Wide => InstructionSet::Latest64,
    });
    passes::run(&mut program, config, set);
    Ok(program.to_string())
}

fn with_program<T>(
    inputs: &[Input<'_>],
    config: &Config,
    finish: impl FnOnce(&ir::Program<'_>, &elf::Elf<'_>, InstructionSet) -> Result<T, LinkError>,
) -> Result<T, LinkError> {
    let storage = merge::Storage::default();
    let elf = merge::merge(inputs, config, &storage)?;
    let set = instruction_set(elf.xlen, config)?;
    let mut program = lift::lift(&elf)?;
    passes::run(&mut program, config, set);
    finish(&program, &elf, set)
}

fn instruction_set(xlen: Xlen, config: &Config) -> Result<InstructionSet, LinkError> {
    let set = config.target.unwrap_or(match xlen {
        Xlen::Rv32 => InstructionSet::Latest32,
        Xlen::Rv64 => InstructionSet::Latest64,
    });
    if set.is_64_bit() != (xlen == Xlen::Rv64) {
        let kind = LinkErrorKind::WidthMismatch { bits: xlen.bits(), set };
        return Err(LinkError { kind, at: Location::default() });
    }
    Ok(set)
}
