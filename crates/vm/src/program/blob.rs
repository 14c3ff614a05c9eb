//! Program blobs: parsed containers, and the parts they can be made from.

use super::bytes::ArcBytes;
use super::instruction::Instructions;
use super::instruction_set::{InstructionSet, InstructionSetKind};
use super::memory_estimate::{EstimateInterpreterMemoryUsageArgs, ProgramMemoryInfo};
use super::symbols::{Imports, ProgramExport, ProgramSymbol};
use crate::ProgramCounter;
use crate::error::Error;
use pvm_program::{Code, ParseOptions, Program, ProgramError};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why bytes are no program; its `Display` says what is wrong and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramParseError(pub(crate) ProgramError);

impl ProgramParseError {
    /// The cause and its place.
    pub fn program_error(&self) -> &ProgramError {
        &self.0
    }
}

impl fmt::Display for ProgramParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ProgramParseError {}

impl From<ProgramParseError> for String {
    fn from(error: ProgramParseError) -> String {
        error.to_string()
    }
}

impl From<ProgramError> for ProgramParseError {
    fn from(error: ProgramError) -> Self {
        ProgramParseError(error)
    }
}

impl From<ProgramParseError> for Error {
    fn from(error: ProgramParseError) -> Self {
        error.0.into()
    }
}

/// A 256-bit hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl From<[u8; 32]> for Hash {
    fn from(hash: [u8; 32]) -> Self {
        Hash(hash)
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A container taken apart; make a [`ProgramBlob`] of it to use it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProgramParts {
    /// The instruction set.
    pub isa: InstructionSetKind,
    /// Size of the read-only region in bytes.
    pub ro_data_size: u32,
    /// Size of the read-write region in bytes.
    pub rw_data_size: u32,
    /// Size of the stack in bytes.
    pub stack_size: u32,
    /// Initial read-only data; the rest of the region is zero.
    pub ro_data: ArcBytes,
    /// Initial read-write data; the rest of the region is zero.
    pub rw_data: ArcBytes,
    /// Section 6, which is also a generic program of the Gray Paper.
    pub code_and_jump_table: ArcBytes,
    /// Where each import's symbol starts: little-endian words.
    pub import_offsets: ArcBytes,
    /// The symbols of the imports, one behind the other.
    pub import_symbols: ArcBytes,
    /// Section 5.
    pub exports: ArcBytes,
    /// Section 128.
    pub debug_strings: ArcBytes,
    /// Section 130.
    pub debug_line_program_ranges: ArcBytes,
    /// Section 129.
    pub debug_line_programs: ArcBytes,
    /// Section 131; empty if there is none.
    pub metadata_hash: ArcBytes,
    /// What a blob does not say about itself.
    pub options: ParseOptions,
}

impl ProgramParts {
    /// A program of nothing.
    pub fn empty(isa: InstructionSetKind) -> Self {
        Self::from_program_parts(pvm_program::ProgramParts::empty(isa.set()), ParseOptions::default())
    }

    /// Takes a blob apart.
    ///
    /// # Errors
    /// If the bytes are no blob. What is in the sections is not looked at.
    pub fn from_bytes(blob: ArcBytes) -> Result<Self, ProgramParseError> {
        Self::from_bytes_with(blob, &ParseOptions::default())
    }

    /// Takes a blob apart, knowing more about it.
    ///
    /// # Errors
    /// See [`ProgramParts::from_bytes`].
    pub fn from_bytes_with(blob: ArcBytes, options: &ParseOptions) -> Result<Self, ProgramParseError> {
        let parts = pvm_program::ProgramParts::parse(blob.0, options)?;
        Ok(Self::from_program_parts(parts, *options))
    }

    /// Takes a JAM standard program apart, with or without the metadata prefix.
    ///
    /// # Errors
    /// If the bytes are no standard program.
    pub fn from_spi(blob: ArcBytes, options: &ParseOptions) -> Result<Self, ProgramParseError> {
        let set = options.set(InstructionSetKind::JamV1.version(), &[]).unwrap_or(pvm_isa::InstructionSet::JamV1);
        Ok(Self::from_program_parts(Program::parse_spi(blob.0, set)?.parts().clone(), *options))
    }

    fn from_program_parts(parts: pvm_program::ProgramParts, options: ParseOptions) -> Self {
        ProgramParts {
            isa: parts.set.into(),
            ro_data_size: parts.ro_data_size,
            rw_data_size: parts.rw_data_size,
            stack_size: parts.stack_size,
            ro_data: parts.ro_data.into(),
            rw_data: parts.rw_data.into(),
            code_and_jump_table: parts.code_and_jump_table.into(),
            import_offsets: parts.import_offsets.into(),
            import_symbols: parts.import_symbols.into(),
            exports: parts.exports.into(),
            debug_strings: parts.debug_strings.into(),
            debug_line_program_ranges: parts.debug_line_program_ranges.into(),
            debug_line_programs: parts.debug_line_programs.into(),
            metadata_hash: parts.metadata_hash.into(),
            options,
        }
    }

    fn into_program_parts(self) -> pvm_program::ProgramParts {
        let set = self.options.set(self.isa.version(), &self.code_and_jump_table);
        pvm_program::ProgramParts {
            ro_data_size: self.ro_data_size,
            rw_data_size: self.rw_data_size,
            stack_size: self.stack_size,
            ro_data: self.ro_data.0,
            rw_data: self.rw_data.0,
            code_and_jump_table: self.code_and_jump_table.0,
            import_offsets: self.import_offsets.0,
            import_symbols: self.import_symbols.0,
            exports: self.exports.0,
            debug_strings: self.debug_strings.0,
            debug_line_program_ranges: self.debug_line_program_ranges.0,
            debug_line_programs: self.debug_line_programs.0,
            metadata_hash: self.metadata_hash.0,
            ..pvm_program::ProgramParts::empty(set.unwrap_or(self.isa.set()))
        }
    }
}

/// A program whose container is in order. Clones share it.
#[derive(Clone, Debug)]
pub struct ProgramBlob {
    program: Program,
    ro_data: ArcBytes,
    rw_data: ArcBytes,
    id: u64,
}

impl ProgramBlob {
    /// How long the blob is that starts like this; none if it does not start like a blob.
    pub fn blob_length(raw_blob: &[u8]) -> Option<u64> {
        pvm_program::sections::blob_length(raw_blob)
    }

    /// Reads a blob. Which encoding a blob of latest64 has is detected.
    ///
    /// # Errors
    /// If the container is not in order. Its code is not judged.
    pub fn parse(bytes: ArcBytes) -> Result<Self, ProgramParseError> {
        Self::parse_with(bytes, &ParseOptions::default())
    }

    /// Reads a blob, knowing more about it.
    ///
    /// # Errors
    /// See [`ProgramBlob::parse`].
    pub fn parse_with(bytes: ArcBytes, options: &ParseOptions) -> Result<Self, ProgramParseError> {
        Ok(Self::from_program(Program::parse(bytes.0, options)?))
    }

    /// Makes a blob from its parts.
    ///
    /// # Errors
    /// If a part is not in order.
    pub fn from_parts(parts: ProgramParts) -> Result<Self, ProgramParseError> {
        let varints = parts.options.varints;
        Ok(Self::from_program(Program::from_parts(parts.into_program_parts(), varints)?))
    }

    /// Makes a blob from a program.
    pub fn from_program(program: Program) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (ro_data, rw_data) = (program.parts().ro_data.clone().into(), program.parts().rw_data.clone().into());
        ProgramBlob { program, ro_data, rw_data, id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A number that this blob and its clones share with no other of this process.
    pub fn unique_id(&self) -> u64 {
        self.id
    }

    /// The instruction set.
    pub fn isa(&self) -> InstructionSetKind {
        self.program.set().into()
    }

    /// The instruction set, its encoding and numbering included.
    pub fn instruction_set(&self) -> pvm_isa::InstructionSet {
        self.program.set()
    }

    /// Are registers 64 bits wide?
    pub fn is_64_bit(&self) -> bool {
        self.program.set().is_64_bit()
    }

    /// The hash of metadata kept elsewhere; empty if there is none.
    pub fn metadata_hash(&self) -> &[u8] {
        self.program.metadata_hash()
    }

    /// A hash of everything but the metadata hash, with or without the debug sections.
    pub fn unique_hash(&self, include_debug: bool) -> Hash {
        Hash(self.program.hash(include_debug))
    }

    /// Initial read-only data.
    pub fn ro_data(&self) -> &[u8] {
        self.program.ro_data()
    }

    /// Initial read-only data, to keep.
    pub fn ro_data_arc(&self) -> &ArcBytes {
        &self.ro_data
    }

    /// Size of the read-only region in bytes, not rounded.
    pub fn ro_data_size(&self) -> u32 {
        self.program.ro_data_size()
    }

    /// Initial read-write data.
    pub fn rw_data(&self) -> &[u8] {
        self.program.rw_data()
    }

    /// Initial read-write data, to keep.
    pub fn rw_data_arc(&self) -> &ArcBytes {
        &self.rw_data
    }

    /// Size of the read-write region in bytes, not rounded.
    pub fn rw_data_size(&self) -> u32 {
        self.program.rw_data_size()
    }

    /// Size of the stack in bytes, not rounded.
    pub fn stack_size(&self) -> u32 {
        self.program.stack_size()
    }

    /// The code.
    pub fn code(&self) -> &[u8] {
        self.program.code_bytes()
    }

    /// One bit per code byte; empty in the macro-block encoding.
    pub fn bitmask(&self) -> &[u8] {
        self.program.bitmask_bytes()
    }

    /// What the program wants from its host.
    pub fn imports(&self) -> Imports<'_> {
        Imports(self.program.imports())
    }

    /// What the program offers to its host.
    pub fn exports(&self) -> impl Iterator<Item = ProgramExport<&[u8]>> + Clone {
        self.program
            .exports()
            .map(|export| ProgramExport::new(ProgramCounter(export.offset), ProgramSymbol::new(export.symbol)))
    }

    /// All instructions.
    pub fn instructions(&self) -> Instructions<'_, InstructionSetKind> {
        self.instructions_bounded_at(ProgramCounter(0))
    }

    /// The instructions from `offset` on; a lone `invalid` if none starts there.
    pub fn instructions_bounded_at(&self, offset: ProgramCounter) -> Instructions<'_, InstructionSetKind> {
        Instructions::bounded(self.program.code(), offset.0)
    }

    /// The instructions from `offset` on, at which one must start.
    pub fn instructions_bounded_at_known_boundary(
        &self,
        offset: ProgramCounter,
    ) -> Instructions<'_, InstructionSetKind> {
        Instructions::from_boundary(self.program.code(), offset.0)
    }

    /// All instructions, as another set reads them.
    pub fn instructions_with_isa<I: InstructionSet>(&self, instruction_set: I) -> Instructions<'_, I> {
        self.instructions_bounded_at_with_isa(instruction_set, ProgramCounter(0))
    }

    /// The instructions from `offset` on, as another set reads them.
    pub fn instructions_bounded_at_with_isa<I: InstructionSet>(
        &self,
        instruction_set: I,
        offset: ProgramCounter,
    ) -> Instructions<'_, I> {
        Instructions::bounded(self.code_with_isa(instruction_set), offset.0)
    }

    /// The code as another set reads it; as itself if it is of that set.
    pub(super) fn code_with_isa(&self, instruction_set: impl InstructionSet) -> Code<'_> {
        let kind = instruction_set.into();
        if kind == self.isa() {
            return self.program.code();
        }
        Code::new(kind.set_of(self.code(), self.bitmask()), self.code(), self.bitmask())
    }

    /// Is the code, read as this set, one that `jam_v1` accepts (isa.md 10)?
    ///
    /// # Errors
    /// Where it is not.
    pub fn validate_code_with_isa<I: InstructionSet>(&self, instruction_set: I) -> Result<(), ProgramCounter> {
        validate(self.code_with_isa(instruction_set)).map_err(ProgramCounter)
    }

    /// May code jump to `target`? Takes time up to the size of a macro block.
    pub fn scan_is_jump_target_valid<I: InstructionSet>(&self, instruction_set: I, target: ProgramCounter) -> bool {
        self.code_with_isa(instruction_set).is_jump_target(target.0)
    }

    /// The jump table.
    pub fn jump_table(&self) -> JumpTable<'_> {
        JumpTable(self.program.jump_table())
    }

    /// What the interpreter needs for this program.
    ///
    /// # Errors
    /// If the program's regions do not fit the address space, or the sum does not fit 32 bits.
    pub fn estimate_interpreter_memory_usage(
        &self,
        args: EstimateInterpreterMemoryUsageArgs,
    ) -> Result<ProgramMemoryInfo, &'static str> {
        super::memory_estimate::estimate(&self.program, args)
    }
}

/// Is the code well-formed, and its last instruction one that cannot be run through? Else where not: as polkavm reports
/// it, the end of the code in the latter case.
pub(crate) fn validate(code: Code<'_>) -> Result<(), u32> {
    code.validate()?;
    match code.iter().last() {
        Some(last) if last.instruction.opcode().can_fall_through() || last.next == last.offset => Err(code.len()),
        _ => Ok(()),
    }
}

/// Where dynamic jumps go.
#[derive(Clone, Copy, Debug)]
pub struct JumpTable<'a>(pvm_program::JumpTable<'a>);

impl<'a> JumpTable<'a> {
    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of entries.
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// The entry that a jump to `address` takes.
    pub fn get_by_address(&self, address: u32) -> Option<ProgramCounter> {
        self.0.get_by_address(address).map(ProgramCounter)
    }

    /// The entry with number `index`.
    pub fn get_by_index(&self, index: u32) -> Option<ProgramCounter> {
        self.0.get(index).map(ProgramCounter)
    }

    /// All entries.
    pub fn iter(&self) -> JumpTableIter<'a> {
        JumpTableIter { table: *self, index: 0 }
    }
}

impl<'a> IntoIterator for JumpTable<'a> {
    type Item = ProgramCounter;
    type IntoIter = JumpTableIter<'a>;

    fn into_iter(self) -> JumpTableIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &JumpTable<'a> {
    type Item = ProgramCounter;
    type IntoIter = JumpTableIter<'a>;

    fn into_iter(self) -> JumpTableIter<'a> {
        self.iter()
    }
}

/// Iterates over a [`JumpTable`].
#[derive(Clone, Debug)]
pub struct JumpTableIter<'a> {
    table: JumpTable<'a>,
    index: u32,
}

impl Iterator for JumpTableIter<'_> {
    type Item = ProgramCounter;

    fn next(&mut self) -> Option<ProgramCounter> {
        let entry = self.table.get_by_index(self.index)?;
        self.index += 1;
        Some(entry)
    }
}
