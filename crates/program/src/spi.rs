//! JAM standard programs ("SPI"), bare and behind the metadata that precedes them on chain (blob.md 8).
//!
//! ```text
//! E(|m|) m | E3(|o|) E3(|w|) E2(z) E3(s) o w E4(|c|) c        all fields little-endian
//! metadata   ro data, rw data, zero pages, stack size, generic program
//! ```

use crate::blob::{Program, ProgramParts};
use crate::bytes::Bytes;
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::varint::{self, Varints};
use alloc::vec::Vec;
use core::ops::Range;
use pvm_isa::InstructionSet;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u8, low_u32, to_u64, to_usize, widen};
use pvm_num::limits::JUMP_TABLE_ENTRY_SIZE_MAX;

/// Page size of JAM.
const PAGE: u64 = 4096;
/// Bytes of the fixed fields before the data.
const HEADER: usize = 3 + 3 + 2 + 3;

/// What the released JAM tools write as metadata.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct JamMetadata<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub license: &'a str,
    pub authors: Vec<&'a str>,
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
    /// Finds the parts, with or without a metadata prefix; a bare program is tried first.
    ///
    /// # Errors
    /// If the bytes have neither layout: no part may be missing, none left over.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProgramError> {
        if let Some(found) = Self::parse_bare(bytes, 0) {
            return Ok(found);
        }
        let prefix = varint::read(bytes, Varints::Strict).and_then(|(length, size)| {
            let end = size.checked_add(to_usize(length))?;
            Some(StandardProgram { metadata: size..end, ..Self::parse_bare(bytes, end)? })
        });
        prefix.ok_or_else(|| ProgramErrorKind::NotStandardProgram.at(Part::File, 0))
    }

    fn parse_bare(bytes: &[u8], start: usize) -> Option<Self> {
        let field = |at: usize, size: usize| {
            let bytes = bytes.get(at..at.checked_add(size)?)?;
            Some(bytes.iter().rev().fold(0u32, |value, byte| value << 8 | u32::from(*byte)))
        };
        let ro_length = to_usize(field(start, 3)?);
        let rw_length = to_usize(field(start + 3, 3)?);
        let ro_start = start + HEADER;
        let rw_start = ro_start.checked_add(ro_length)?;
        let code_length_at = rw_start.checked_add(rw_length)?;
        let code_start = code_length_at.checked_add(4)?;
        let code_end = code_start.checked_add(to_usize(field(code_length_at, 4)?))?;
        (code_end == bytes.len()).then_some(StandardProgram {
            metadata: 0..0,
            ro_data: ro_start..rw_start,
            rw_data: rw_start..code_length_at,
            zero_pages: field(start + 6, 2)?,
            stack_size: field(start + 8, 3)?,
            code: code_start..code_end,
        })
    }
}

impl<'a> JamMetadata<'a> {
    /// Reads the metadata of a released tool: tag 0, name, version, licence, authors.
    ///
    /// # Errors
    /// If it is something else, which the protocol allows.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ProgramError> {
        let mut at = 1;
        let bad = |kind: ProgramErrorKind, at: usize| kind.at(Part::JamMetadata, to_u64(at));
        match bytes.first() {
            Some(0) => {}
            Some(tag) => return Err(bad(ProgramErrorKind::UnknownMetadataTag { tag: *tag }, 0)),
            None => return Err(bad(ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 }, 0)),
        }
        let number = |at: &mut usize| {
            let rest = bytes.get(*at..).unwrap_or(&[]);
            let (value, size) = varint::read(rest, Varints::Strict).ok_or(bad(ProgramErrorKind::BadVarint, *at))?;
            *at += size;
            Ok::<u32, ProgramError>(value)
        };
        let text = |at: &mut usize| {
            let length = to_usize(number(at)?);
            let rest = bytes.get(*at..).unwrap_or(&[]);
            let wanted = ProgramErrorKind::UnexpectedEnd { wanted: to_u64(length), found: to_u64(rest.len()) };
            let text = rest.get(..length).ok_or_else(|| bad(wanted, *at))?;
            let text = core::str::from_utf8(text).map_err(|_| bad(ProgramErrorKind::NotUtf8, *at))?;
            *at += length;
            Ok::<&str, ProgramError>(text)
        };
        let (name, version, license) = (text(&mut at)?, text(&mut at)?, text(&mut at)?);
        let count = number(&mut at)?;
        let mut authors = Vec::new();
        for _ in 0..count {
            authors.push(text(&mut at)?);
        }
        match bytes.len() - at {
            0 => Ok(JamMetadata { name, version, license, authors }),
            count => Err(bad(ProgramErrorKind::TrailingBytes { count: to_u64(count) }, at)),
        }
    }

    /// The metadata as the released tools write it, with its length in front.
    pub fn to_prefix(&self) -> Vec<u8> {
        let mut content = alloc::vec![0];
        let mut text = |text: &str| {
            varint::write(&mut content, low_u32(to_u64(text.len())));
            content.extend_from_slice(text.as_bytes());
        };
        [self.name, self.version, self.license].into_iter().for_each(&mut text);
        varint::write(&mut content, low_u32(to_u64(self.authors.len())));
        for author in &self.authors {
            varint::write(&mut content, low_u32(to_u64(author.len())));
            content.extend_from_slice(author.as_bytes());
        }
        let mut out = Vec::new();
        varint::write(&mut out, low_u32(to_u64(content.len())));
        out.extend_from_slice(&content);
        out
    }
}

impl Program {
    /// Parses a standard program, bare or behind metadata, whose numbering the caller names.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse_spi(blob: impl Into<Bytes>, set: InstructionSet) -> Result<Self, ProgramError> {
        let blob = blob.into();
        let found = StandardProgram::parse(&blob)?;
        let cut = |range: Range<usize>| blob.slice(range).expect("the parts lie within the blob they were found in");
        let (ro_data, rw_data) = (cut(found.ro_data), cut(found.rw_data));
        let pages = align_up(to_u64(rw_data.len()), PAGE).map(|size| size + PAGE * widen(found.zero_pages));
        let rw_data_size = pages.and_then(|size| u32::try_from(size).ok());
        let parts = ProgramParts {
            ro_data_size: low_u32(to_u64(ro_data.len())),
            rw_data_size: rw_data_size.ok_or_else(|| ProgramErrorKind::MemoryTooBig.at(Part::Memory, 0))?,
            stack_size: found.stack_size,
            ro_data,
            rw_data,
            code_and_jump_table: cut(found.code),
            ..ProgramParts::empty(set)
        };
        Program::assemble(parts, Varints::Strict, JUMP_TABLE_ENTRY_SIZE_MAX)
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
        field(&mut out, to_u64(parts.code_and_jump_table.len()), 4)?;
        out.extend_from_slice(&parts.code_and_jump_table);
        Ok(out)
    }
}
