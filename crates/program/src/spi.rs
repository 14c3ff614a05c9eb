//! JAM standard programs ("SPI"), bare and behind the metadata that precedes them on chain (blob.md 8).
//!
//! ```text
//! E(|m|) m | E3(|o|) E3(|w|) E2(z) E3(s) o w E4(|c|) c        all fields little-endian
//! metadata   ro data, rw data, zero pages, stack size, generic program
//! ```

use crate::blob::{Program, ProgramParts};
use crate::bytes::Bytes;
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::generic::GENERIC_ENTRY_SIZE_MAX;
use crate::varint::{Reader, Varints};
use alloc::vec::Vec;
use core::ops::Range;
use pvm_isa::InstructionSet;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u8, low_u32, to_u64, to_usize, widen};
use pvm_num::limits::PAGE_SIZE_DEFAULT;

/// Page size of JAM.
const PAGE: u64 = widen(PAGE_SIZE_DEFAULT);
/// Bytes of the fixed fields before the data.
const HEADER: usize = 3 + 3 + 2 + 3;

/// Does metadata precede a standard program?
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum MetadataPrefix {
    /// Take whichever layout fits, the bare one if an adversary made bytes that fit both.
    #[default]
    Detect,
    /// The bytes are the program alone.
    Absent,
    /// Length-prefixed metadata comes first, as in preimages on chain and in `.jam` files.
    Present,
}

/// Where the parts of a standard program lie in its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StandardProgram {
    /// The metadata, empty if there is none.
    pub metadata: Range<usize>,
    /// Read-only data.
    pub ro_data: Range<usize>,
    /// Read-write data.
    pub rw_data: Range<usize>,
    /// Zero pages behind the read-write data.
    pub zero_pages: u32,
    /// Stack size in bytes.
    pub stack_size: u32,
    /// The generic program.
    pub code: Range<usize>,
}

impl StandardProgram {
    /// Finds the parts, with or without a metadata prefix.
    ///
    /// # Errors
    /// If the bytes have neither layout: no part may be missing, none left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProgramError> {
        Self::parse_with(bytes, MetadataPrefix::Detect)
    }

    /// Finds the parts in the layout the caller knows of.
    ///
    /// # Errors
    /// A part that is missing, or bytes left over.
    pub fn parse_with(bytes: &[u8], prefix: MetadataPrefix) -> Result<Self, ProgramError> {
        let mut reader = Reader::new(bytes, Part::File, Varints::Strict);
        match prefix {
            MetadataPrefix::Absent => Self::parse_bare(reader),
            MetadataPrefix::Present => {
                let length = reader.varint()?;
                let metadata = reader.sub(widen(length))?.index()..reader.index();
                Ok(StandardProgram { metadata, ..Self::parse_bare(reader)? })
            }
            MetadataPrefix::Detect => Self::parse_with(bytes, MetadataPrefix::Absent)
                .or_else(|_| Self::parse_with(bytes, MetadataPrefix::Present))
                .map_err(|_| ProgramErrorKind::NotStandardProgram.at(Part::File, 0)),
        }
    }

    fn parse_bare(mut reader: Reader<'_>) -> Result<Self, ProgramError> {
        let (ro_length, rw_length) = (reader.le(3)?, reader.le(3)?);
        let (zero_pages, stack_size) = (low_u32(reader.le(2)?), low_u32(reader.le(3)?));
        let ro_data = reader.sub(ro_length)?.index()..reader.index();
        let rw_data = reader.sub(rw_length)?.index()..reader.index();
        let code_length = reader.le(4)?;
        let code = reader.sub(code_length)?.index()..reader.index();
        reader.finish()?;
        Ok(StandardProgram { metadata: 0..0, ro_data, rw_data, zero_pages, stack_size, code })
    }
}

impl ProgramParts {
    /// The parts of a standard program, whose numbering the caller names. All share its buffer.
    ///
    /// # Errors
    /// If the bytes are none, or ask for more memory than 32 bits address.
    pub fn parse_spi(blob: impl Into<Bytes>, set: InstructionSet) -> Result<Self, ProgramError> {
        ProgramParts::parse_spi_with(blob, set, MetadataPrefix::Detect)
    }

    /// The parts of a standard program in the layout the caller knows of.
    ///
    /// # Errors
    /// As [`ProgramParts::parse_spi`].
    pub fn parse_spi_with(
        blob: impl Into<Bytes>,
        set: InstructionSet,
        prefix: MetadataPrefix,
    ) -> Result<Self, ProgramError> {
        let blob = blob.into();
        let found = StandardProgram::parse_with(&blob, prefix)?;
        let cut = |range: Range<usize>| blob.slice(range).expect("the parts lie within the blob they were found in");
        let (ro_data, rw_data) = (cut(found.ro_data), cut(found.rw_data));
        let pages = align_up(to_u64(rw_data.len()), PAGE).map(|size| size + PAGE * widen(found.zero_pages));
        let rw_data_size = pages.and_then(|size| u32::try_from(size).ok());
        Ok(ProgramParts {
            ro_data_size: low_u32(to_u64(ro_data.len())),
            rw_data_size: rw_data_size.ok_or_else(|| ProgramErrorKind::MemoryTooBig.at(Part::Memory, 0))?,
            stack_size: found.stack_size,
            ro_data,
            rw_data,
            code_and_jump_table: cut(found.code),
            ..ProgramParts::empty(set)
        })
    }
}

impl Program {
    /// Parses a standard program, bare or behind metadata, whose numbering the caller names.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse_spi(blob: impl Into<Bytes>, set: InstructionSet) -> Result<Self, ProgramError> {
        Program::parse_spi_with(blob, set, MetadataPrefix::Detect)
    }

    /// Parses a standard program in the layout the caller knows of.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse_spi_with(
        blob: impl Into<Bytes>,
        set: InstructionSet,
        prefix: MetadataPrefix,
    ) -> Result<Self, ProgramError> {
        Program::assemble(ProgramParts::parse_spi_with(blob, set, prefix)?, Varints::Strict, GENERIC_ENTRY_SIZE_MAX)
    }

    /// The standard program with this program's data and code, without metadata (blob.md 8.3).
    ///
    /// # Errors
    /// If a size does not fit its field.
    pub fn to_spi(&self) -> Result<Vec<u8>, ProgramError> {
        let parts = self.parts();
        let mut out = Vec::new();
        let field = |out: &mut Vec<u8>, value: u64, size: u32| {
            let limit = (1u64 << (8 * size)) - 1;
            if value > limit {
                return Err(ProgramErrorKind::FieldTooBig { value, limit }.at(Part::File, to_u64(out.len())));
            }
            for index in 0..size {
                out.push(low_u8(value >> (8 * index)));
            }
            Ok(())
        };
        let whole = |size: u64| align_up(size, PAGE).expect("a 32-bit size rounds within 64 bits");
        let (ro_length, rw_length) = (widen(parts.ro_data_size), to_u64(parts.rw_data.len()));
        field(&mut out, ro_length, 3)?;
        field(&mut out, rw_length, 3)?;
        field(&mut out, (whole(widen(parts.rw_data_size)) - whole(rw_length)) / PAGE, 2)?;
        field(&mut out, widen(parts.stack_size), 3)?;
        out.extend_from_slice(&parts.ro_data);
        out.resize(HEADER + to_usize(parts.ro_data_size), 0);
        out.extend_from_slice(&parts.rw_data);
        let code = self.to_generic();
        field(&mut out, to_u64(code.len()), 4)?;
        out.extend_from_slice(&code);
        Ok(out)
    }
}
