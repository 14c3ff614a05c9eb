//! Programs: the parts a container holds, and the checked, shareable whole that engines take.

use crate::bytes::Bytes;
use crate::code::Code;
use crate::error::{Part, ProgramError, ProgramErrorKind, Region};
use crate::jump_table::{JumpTable, narrow};
use crate::memory_map::{MemoryMap, MemoryMapBuilder};
use crate::options::ParseOptions;
use crate::sections::{CodeSection, Section, Sections, check_data};
use crate::symbols::{Exports, Imports};
use crate::varint::Varints;
use alloc::sync::Arc;
use core::ops::Range;
use pvm_isa::InstructionSet;
use pvm_num::limits::JUMP_TABLE_ENTRY_SIZE_MAX;

/// The sections of a program, not checked against each other. May be made by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct ProgramParts {
    /// The instruction set of the code.
    pub set: InstructionSet,
    /// Size of the read-only region in bytes, at least that of `ro_data`; the rest is zeros.
    pub ro_data_size: u32,
    /// Size of the read-write region in bytes, at least that of `rw_data`; the rest is zeros.
    pub rw_data_size: u32,
    /// Size of the stack in bytes.
    pub stack_size: u32,
    pub ro_data: Bytes,
    pub rw_data: Bytes,
    /// The payload of section 6, which is also a generic program of the Gray Paper.
    pub code_and_jump_table: Bytes,
    /// Little-endian `u32` offsets into `import_symbols`, without their count.
    pub import_offsets: Bytes,
    pub import_symbols: Bytes,
    /// The payload of section 5.
    pub exports: Bytes,
    pub debug_strings: Bytes,
    pub debug_line_program_ranges: Bytes,
    pub debug_line_programs: Bytes,
    /// A hash of metadata kept elsewhere; any bytes. It does not enter the program's own hash.
    pub metadata_hash: Bytes,
}

impl ProgramParts {
    /// No sections at all.
    pub fn empty(set: InstructionSet) -> Self {
        ProgramParts {
            set,
            ro_data_size: 0,
            rw_data_size: 0,
            stack_size: 0,
            ro_data: Bytes::EMPTY,
            rw_data: Bytes::EMPTY,
            code_and_jump_table: Bytes::EMPTY,
            import_offsets: Bytes::EMPTY,
            import_symbols: Bytes::EMPTY,
            exports: Bytes::EMPTY,
            debug_strings: Bytes::EMPTY,
            debug_line_program_ranges: Bytes::EMPTY,
            debug_line_programs: Bytes::EMPTY,
            metadata_hash: Bytes::EMPTY,
        }
    }

    /// The sections of a `.polkavm` blob. All share its buffer.
    ///
    /// # Errors
    /// Whatever is wrong with the frame (blob.md 2).
    pub fn parse(blob: impl Into<Bytes>, options: &ParseOptions) -> Result<Self, ProgramError> {
        let blob = blob.into();
        let sections = Sections::parse(&blob, options)?;
        let [ro_data_size, rw_data_size, stack_size] = sections.sizes();
        let version = sections.version();
        let set = options
            .set(version, sections.payload(Section::Code))
            .ok_or_else(|| ProgramErrorKind::UnsupportedVersion { version }.at(Part::File, 4))?;
        let cut = |range: Range<usize>| blob.slice(range).expect("sections lie within the blob they were read from");
        let part = |section| cut(sections.range(section));
        let (import_offsets, import_symbols) = sections.import_ranges();
        Ok(ProgramParts {
            set,
            ro_data_size,
            rw_data_size,
            stack_size,
            ro_data: part(Section::RoData),
            rw_data: part(Section::RwData),
            code_and_jump_table: part(Section::Code),
            import_offsets: cut(import_offsets),
            import_symbols: cut(import_symbols),
            exports: part(Section::Exports),
            debug_strings: part(Section::DebugStrings),
            debug_line_program_ranges: part(Section::DebugLineProgramRanges),
            debug_line_programs: part(Section::DebugLinePrograms),
            metadata_hash: part(Section::MetadataHash),
        })
    }
}

/// A program whose container is in order. Nothing is said about its code, which may be any bytes and traps when bad.
///
/// Clones share everything.
///
/// ```
/// use pvm_program::{ParseOptions, Program};
///
/// let blob = b"PVM\0\x03\x18\0\0\0\0\0\0\0\x06\x08\0\0\x04\x33\x07\x2a\0\x09\0";
/// let program = Program::parse(&blob[..], &ParseOptions::default()).unwrap();
/// let names: Vec<_> = program.code().iter().map(|at| at.instruction.opcode().name()).collect();
/// assert_eq!(names, ["load_imm", "trap"]);
/// ```
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: ProgramParts,
    varints: Varints,
    entry_size: u8,
    jump_table: Bytes,
    code: Bytes,
    bitmask: Bytes,
}

impl Program {
    /// Parses a `.polkavm` blob.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(blob: impl Into<Bytes>, options: &ParseOptions) -> Result<Self, ProgramError> {
        Program::from_parts(ProgramParts::parse(blob, options)?, options.varints)
    }

    /// Checks parts: that there is code, that its section is well-formed, and that data fits the declared sizes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_parts(parts: ProgramParts, varints: Varints) -> Result<Self, ProgramError> {
        Program::assemble(parts, varints, JUMP_TABLE_ENTRY_SIZE_MAX)
    }

    pub(crate) fn assemble(parts: ProgramParts, varints: Varints, entry_size_max: u8) -> Result<Self, ProgramError> {
        check_data(Region::RoData, parts.ro_data_size, &parts.ro_data)?;
        check_data(Region::RwData, parts.rw_data_size, &parts.rw_data)?;
        let payload = &parts.code_and_jump_table;
        if payload.is_empty() {
            return Err(ProgramErrorKind::NoCode.at(Part::CodeSection, 0));
        }
        let section = CodeSection::parse(payload, parts.set.encoding(), entry_size_max, varints)?;
        let cut = |range: Range<usize>| payload.slice(range).expect("the section was cut within its payload");
        let (jump_table, entry_size) = match (cut(section.jump_table), section.entry_size) {
            (table, size) if size > JUMP_TABLE_ENTRY_SIZE_MAX => {
                (narrow(&table, size).into(), JUMP_TABLE_ENTRY_SIZE_MAX)
            }
            as_it_is => as_it_is,
        };
        Ok(Program(Arc::new(Inner {
            varints,
            entry_size,
            jump_table,
            code: cut(section.code),
            bitmask: cut(section.bitmask),
            parts,
        })))
    }

    /// The sections it was made from.
    pub fn parts(&self) -> &ProgramParts {
        &self.0.parts
    }

    /// The instruction set of the code.
    pub fn set(&self) -> InstructionSet {
        self.0.parts.set
    }

    /// The code as instructions.
    #[inline]
    pub fn code(&self) -> Code<'_> {
        Code::new(self.set(), &self.0.code, &self.0.bitmask)
    }

    /// The code bytes, sharing the program's buffer.
    pub fn code_bytes(&self) -> &Bytes {
        &self.0.code
    }

    /// The bitmask, sharing the program's buffer; empty in the macro-block encoding.
    pub fn bitmask_bytes(&self) -> &Bytes {
        &self.0.bitmask
    }

    /// The jump table.
    #[inline]
    pub fn jump_table(&self) -> JumpTable<'_> {
        JumpTable::new(&self.0.jump_table, self.0.entry_size)
    }

    /// Initial contents of the read-only region; zeros follow up to [`Program::ro_data_size`].
    pub fn ro_data(&self) -> &[u8] {
        &self.0.parts.ro_data
    }

    /// Initial contents of the read-write region; zeros follow up to [`Program::rw_data_size`].
    pub fn rw_data(&self) -> &[u8] {
        &self.0.parts.rw_data
    }

    /// Size of the read-only region in bytes, not rounded.
    pub fn ro_data_size(&self) -> u32 {
        self.0.parts.ro_data_size
    }

    /// Size of the read-write region in bytes, not rounded.
    pub fn rw_data_size(&self) -> u32 {
        self.0.parts.rw_data_size
    }

    /// Size of the stack in bytes, not rounded.
    pub fn stack_size(&self) -> u32 {
        self.0.parts.stack_size
    }

    /// The imports.
    pub fn imports(&self) -> Imports<'_> {
        Imports::new(&self.0.parts.import_offsets, &self.0.parts.import_symbols)
    }

    /// The exports.
    pub fn exports(&self) -> Exports<'_> {
        Exports::new(&self.0.parts.exports, self.0.varints)
    }

    /// The hash of metadata kept elsewhere; empty if there is none.
    pub fn metadata_hash(&self) -> &[u8] {
        &self.0.parts.metadata_hash
    }

    /// The encoded entries of the jump table. Entries of a generic program wider than 32 bits are narrowed to them.
    pub fn jump_table_bytes(&self) -> &Bytes {
        &self.0.jump_table
    }

    /// Bytes of a jump table entry: 0 to 4.
    pub fn jump_table_entry_size(&self) -> u8 {
        self.0.entry_size
    }

    pub(crate) fn varints(&self) -> Varints {
        self.0.varints
    }

    /// Where the program's regions lie, for this page size and size of the auxiliary region in bytes.
    ///
    /// # Errors
    /// If they do not fit the address space.
    pub fn memory_map(&self, page_size: u32, aux_data_size: u32) -> Result<MemoryMap, ProgramError> {
        MemoryMapBuilder::new(page_size)
            .ro_data_size(self.ro_data_size())
            .rw_data_size(self.rw_data_size())
            .stack_size(self.stack_size())
            .aux_data_size(aux_data_size)
            .build()
    }
}
