//! Writing programs: parts into a `.polkavm` blob, and the builder that makes parts from laid-out code.

use crate::blob::{Program, ProgramParts};
use crate::bytes::Bytes;
use crate::code_builder::CodeLayout;
use crate::debug_writer::DebugSections;
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::sections::{CodeSection, END, HEADER_SIZE, MAGIC, Section};
use crate::varint::{self, Varints};
use alloc::vec::Vec;
use pvm_isa::InstructionSet;
use pvm_num::casts::{to_u64, try_u32, widen};
use pvm_num::limits::{IMPORT_COUNT_MAX, JUMP_TABLE_ENTRY_SIZE_MAX};

impl ProgramParts {
    /// Writes a `.polkavm` blob: the sections that are not empty, in order, with the shortest varints.
    ///
    /// # Errors
    /// If a section exceeds 32 bits, or there are more imports than the limit.
    pub fn to_blob(&self) -> Result<Vec<u8>, ProgramError> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.push(match self.set {
            InstructionSet::ReviveV1 => 0,
            InstructionSet::Latest32 => 1,
            InstructionSet::Latest64 | InstructionSet::Latest64Bitmask => 2,
            InstructionSet::JamV1 | InstructionSet::Gp07 => 3,
        });
        out.extend_from_slice(&[0; 8]);
        assert_eq!(out.len(), HEADER_SIZE, "the length is filled in below");

        let mut memory_config = Vec::new();
        let sizes = [self.ro_data_size, self.rw_data_size, self.stack_size];
        if sizes.iter().any(|size| *size != 0) {
            sizes.iter().for_each(|size| varint::write(&mut memory_config, *size));
        }
        let mut imports = Vec::new();
        if !(self.import_offsets.is_empty() && self.import_symbols.is_empty()) {
            let (offsets, _) = self.import_offsets.as_chunks::<4>();
            varint::write(&mut imports, checked_import_count(to_u64(offsets.len()))?);
            imports.extend_from_slice(offsets.as_flattened());
            imports.extend_from_slice(&self.import_symbols);
        }
        for section in Section::ALL {
            let payload: &[u8] = match section {
                Section::MemoryConfig => &memory_config,
                Section::RoData => &self.ro_data,
                Section::RwData => &self.rw_data,
                Section::Imports => &imports,
                Section::Exports => &self.exports,
                Section::Code => &self.code_and_jump_table,
                Section::DebugStrings => &self.debug_strings,
                Section::DebugLinePrograms => &self.debug_line_programs,
                Section::DebugLineProgramRanges => &self.debug_line_program_ranges,
                Section::MetadataHash => &self.metadata_hash,
            };
            if payload.is_empty() {
                continue;
            }
            let length = try_u32(payload.len()).ok_or_else(|| {
                let (value, limit) = (to_u64(payload.len()), widen(u32::MAX));
                ProgramErrorKind::FieldTooBig { value, limit }.at(Part::File, to_u64(out.len()))
            })?;
            out.push(section.id());
            varint::write(&mut out, length);
            out.extend_from_slice(payload);
        }
        out.push(END);
        let length = to_u64(out.len()).to_le_bytes();
        out[HEADER_SIZE - length.len()..HEADER_SIZE].copy_from_slice(&length);
        Ok(out)
    }
}

impl Program {
    /// Writes the program as a `.polkavm` blob. What the container it came from had besides, such as unknown sections, is
    /// lost; reading the result with the same options gives an equal program.
    ///
    /// # Errors
    /// If the program cannot be one: a generic program may have wider jump table entries.
    pub fn to_blob(&self) -> Result<Vec<u8>, ProgramError> {
        let (payload, encoding) = (&self.parts().code_and_jump_table, self.set().encoding());
        CodeSection::parse(payload, encoding, JUMP_TABLE_ENTRY_SIZE_MAX, self.varints())?;
        self.parts().to_blob()
    }
}

fn checked_import_count(count: u64) -> Result<u32, ProgramError> {
    let limit = widen(IMPORT_COUNT_MAX);
    match u32::try_from(count) {
        Ok(count) if count <= IMPORT_COUNT_MAX => Ok(count),
        _ => Err(ProgramErrorKind::TooManyImports { count, limit }.at(Part::Imports, limit)),
    }
}

/// Makes a program from laid-out code and what belongs to it.
///
/// ```
/// use pvm_isa::{Instruction, InstructionSet, Reg};
/// use pvm_program::{CodeBuilder, ParseOptions, Program, ProgramBuilder};
///
/// let mut code = CodeBuilder::new(InstructionSet::Latest64);
/// let main = code.push(Instruction::load_imm(Reg::a0, 42));
/// code.push(Instruction::jump_indirect(Reg::ra, 0));
/// let layout = code.build().unwrap();
///
/// let mut builder = ProgramBuilder::new(&layout);
/// builder.stack_size(4096).ro_data(b"hello".to_vec());
/// builder.import(b"print").export(layout.offsets[main as usize], b"main");
/// let program = builder.build().unwrap();
/// let blob = program.to_blob().unwrap();
/// assert_eq!(Program::parse(blob, &ParseOptions::default()).unwrap().hash(true), program.hash(true));
/// ```
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    parts: ProgramParts,
    import_count: u64,
    import_offsets: Vec<u8>,
    import_symbols: Vec<u8>,
    export_count: u32,
    exports: Vec<u8>,
}

impl ProgramBuilder {
    /// A program with this code and no memory.
    pub fn new(layout: &CodeLayout) -> Self {
        let code_and_jump_table = Bytes::from(layout.to_bytes());
        ProgramBuilder {
            parts: ProgramParts { code_and_jump_table, ..ProgramParts::empty(layout.set) },
            import_count: 0,
            import_offsets: Vec::new(),
            import_symbols: Vec::new(),
            export_count: 0,
            exports: Vec::new(),
        }
    }

    /// Initial read-only data. The region is at least as large.
    pub fn ro_data(&mut self, data: impl Into<Bytes>) -> &mut Self {
        self.parts.ro_data = data.into();
        self
    }

    /// Initial read-write data. The region is at least as large.
    pub fn rw_data(&mut self, data: impl Into<Bytes>) -> &mut Self {
        self.parts.rw_data = data.into();
        self
    }

    /// Size of the read-only region in bytes, if it is to be larger than its data.
    pub fn ro_data_size(&mut self, size: u32) -> &mut Self {
        self.parts.ro_data_size = size;
        self
    }

    /// Size of the read-write region in bytes, if it is to be larger than its data.
    pub fn rw_data_size(&mut self, size: u32) -> &mut Self {
        self.parts.rw_data_size = size;
        self
    }

    /// Size of the stack in bytes.
    pub fn stack_size(&mut self, size: u32) -> &mut Self {
        self.parts.stack_size = size;
        self
    }

    /// Appends an import: the first is number 0. An empty symbol fills a hole.
    pub fn import(&mut self, symbol: &[u8]) -> &mut Self {
        // Beyond 32 bits there are too many symbols for any program, which `build` refuses by their total length.
        let offset = try_u32(self.import_symbols.len()).unwrap_or(u32::MAX);
        self.import_offsets.extend_from_slice(&offset.to_le_bytes());
        self.import_symbols.extend_from_slice(symbol);
        self.import_count += 1;
        self
    }

    /// Appends an entry point.
    pub fn export(&mut self, offset: u32, symbol: &[u8]) -> &mut Self {
        varint::write(&mut self.exports, offset);
        varint::write(&mut self.exports, try_u32(symbol.len()).unwrap_or(u32::MAX));
        self.exports.extend_from_slice(symbol);
        self.export_count = self.export_count.saturating_add(1);
        self
    }

    /// The debug sections.
    pub fn debug(&mut self, sections: DebugSections) -> &mut Self {
        self.parts.debug_strings = sections.strings;
        self.parts.debug_line_programs = sections.line_programs;
        self.parts.debug_line_program_ranges = sections.line_program_ranges;
        self
    }

    /// A hash of metadata kept elsewhere.
    pub fn metadata_hash(&mut self, hash: impl Into<Bytes>) -> &mut Self {
        self.parts.metadata_hash = hash.into();
        self
    }

    /// The program.
    ///
    /// # Errors
    /// More imports than the limit, or a section beyond 32 bits.
    pub fn build(&self) -> Result<Program, ProgramError> {
        let mut parts = self.parts.clone();
        let region = |declared: u32, data: &Bytes| {
            let (value, limit) = (to_u64(data.len()), widen(u32::MAX));
            let size = try_u32(data.len());
            let size = size.ok_or_else(|| ProgramErrorKind::FieldTooBig { value, limit }.at(Part::Memory, 0))?;
            Ok::<u32, ProgramError>(declared.max(size))
        };
        parts.ro_data_size = region(parts.ro_data_size, &parts.ro_data)?;
        parts.rw_data_size = region(parts.rw_data_size, &parts.rw_data)?;
        checked_import_count(self.import_count)?;
        parts.import_offsets = self.import_offsets.clone().into();
        parts.import_symbols = self.import_symbols.clone().into();
        if self.export_count != 0 {
            let mut exports = Vec::with_capacity(5 + self.exports.len());
            varint::write(&mut exports, self.export_count);
            exports.extend_from_slice(&self.exports);
            parts.exports = exports.into();
        }
        let longest = parts.import_symbols.len().max(parts.exports.len());
        if try_u32(longest).is_none() {
            let kind = ProgramErrorKind::FieldTooBig { value: to_u64(longest), limit: widen(u32::MAX) };
            return Err(kind.at(Part::Imports, self.import_count));
        }
        Program::from_parts(parts, Varints::Strict)
    }
}
