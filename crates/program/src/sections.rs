//! The frame of a `.polkavm` blob: magic, version, length, and sections in a fixed order.
//!
//! ```text
//! 50 56 4d 00 | version | u64 length of the whole | section ... section | 00
//!                                                   id, varint length, payload
//! ```

use crate::error::{Part, ProgramError, ProgramErrorKind, Region};
use crate::options::ParseOptions;
use crate::varint::{Reader, Varints};
use core::ops::Range;
use pvm_num::casts::{to_u64, widen};
use pvm_num::limits::IMPORT_COUNT_MAX;

/// First bytes of every blob.
pub const MAGIC: [u8; 4] = *b"PVM\0";
/// Bytes in front of the first section.
pub const HEADER_SIZE: usize = 13;
/// Ids with this bit are optional: a reader that does not know them skips them.
pub const OPTIONAL: u8 = 0x80;
/// The id that ends the blob.
pub const END: u8 = 0;

/// The sections, in the order they must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Section {
    /// Sizes of the memory regions.
    MemoryConfig,
    /// Initial read-only data.
    RoData,
    /// Initial read-write data.
    RwData,
    /// Symbols of host functions.
    Imports,
    /// Symbols of entry points.
    Exports,
    /// Jump table and code.
    Code,
    /// Strings of the debug sections.
    DebugStrings,
    /// Line programs.
    DebugLinePrograms,
    /// Which line program describes which code.
    DebugLineProgramRanges,
    /// A hash of metadata kept elsewhere (polkavm 0.36).
    MetadataHash,
}

impl Section {
    /// All sections in order.
    pub const ALL: [Section; 10] = [
        Section::MemoryConfig,
        Section::RoData,
        Section::RwData,
        Section::Imports,
        Section::Exports,
        Section::Code,
        Section::DebugStrings,
        Section::DebugLinePrograms,
        Section::DebugLineProgramRanges,
        Section::MetadataHash,
    ];

    /// The id byte.
    pub const fn id(self) -> u8 {
        match self {
            Section::MemoryConfig => 1,
            Section::RoData => 2,
            Section::RwData => 3,
            Section::Imports => 4,
            Section::Exports => 5,
            Section::Code => 6,
            Section::DebugStrings => 128,
            Section::DebugLinePrograms => 129,
            Section::DebugLineProgramRanges => 130,
            Section::MetadataHash => 131,
        }
    }

    const fn index(self) -> usize {
        match self {
            Section::MemoryConfig => 0,
            Section::RoData => 1,
            Section::RwData => 2,
            Section::Imports => 3,
            Section::Exports => 4,
            Section::Code => 5,
            Section::DebugStrings => 6,
            Section::DebugLinePrograms => 7,
            Section::DebugLineProgramRanges => 8,
            Section::MetadataHash => 9,
        }
    }
}

/// The length a blob claims, once its first 13 bytes are there. For readers that stream.
pub fn blob_length(prefix: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*prefix.get(5..HEADER_SIZE)?.first_chunk::<8>()?))
}

/// A blob cut into its sections: the zero-copy view that everything else is made from.
#[derive(Clone, Debug)]
pub struct Sections<'a> {
    bytes: &'a [u8],
    version: u8,
    ranges: [Range<usize>; 10],
    sizes: [u32; 3],
    import_offsets: Range<usize>,
    import_symbols: Range<usize>,
}

impl<'a> Sections<'a> {
    /// Cuts a blob. Looks into the memory configuration and the imports, not into code.
    ///
    /// # Errors
    /// Whatever is wrong with the frame, in the order a reader meets it.
    pub fn parse(bytes: &'a [u8], options: &ParseOptions) -> Result<Self, ProgramError> {
        let mut reader = Reader::new(bytes, Part::File, options.varints);
        if !bytes.starts_with(&MAGIC) {
            return Err(reader.error(ProgramErrorKind::BadMagic));
        }
        reader.take(4)?;
        let version_at = reader;
        let version = reader.u8()?;
        if version > 3 {
            return Err(version_at.error(ProgramErrorKind::UnsupportedVersion { version }));
        }
        let length_at = reader;
        let (declared, actual) = (reader.le(8)?, to_u64(bytes.len()));
        if declared != actual {
            return Err(length_at.error(ProgramErrorKind::LengthMismatch { declared, actual }));
        }
        let none = || 0..0;
        let mut sections = Sections {
            bytes,
            version,
            ranges: core::array::from_fn(|_| none()),
            sizes: [0; 3],
            import_offsets: none(),
            import_symbols: none(),
        };
        let mut expected = &Section::ALL[..];
        loop {
            let id_at = reader;
            let id = reader.u8()?;
            if id == END {
                return Ok(sections);
            }
            let position = expected.iter().position(|section| section.id() == id);
            if position.is_none() && id & OPTIONAL == 0 {
                return Err(id_at.error(ProgramErrorKind::UnexpectedSection { id }));
            }
            let length = reader.varint()?;
            let payload = reader.sub(widen(length))?;
            let Some(position) = position else {
                // An unknown section ends the order: known ones behind it count as unknown too.
                expected = &[];
                continue;
            };
            let section = expected[position];
            expected = &expected[position + 1..];
            sections.ranges[section.index()] = payload.index()..reader.index();
            match section {
                Section::MemoryConfig => sections.sizes = parse_memory_config(payload)?,
                Section::Imports => {
                    (sections.import_offsets, sections.import_symbols) = parse_imports(payload)?;
                }
                _ => {}
            }
        }
    }

    /// The version byte, 0 to 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The payload of a section; empty if it is absent.
    pub fn payload(&self, section: Section) -> &'a [u8] {
        &self.bytes[self.range(section)]
    }

    /// Where the payload lies in the blob.
    pub fn range(&self, section: Section) -> Range<usize> {
        self.ranges[section.index()].clone()
    }

    /// Declared size of read-only data, read-write data and stack in bytes.
    pub fn sizes(&self) -> [u32; 3] {
        self.sizes
    }

    pub(crate) fn import_ranges(&self) -> (Range<usize>, Range<usize>) {
        (self.import_offsets.clone(), self.import_symbols.clone())
    }
}

fn parse_memory_config(mut payload: Reader<'_>) -> Result<[u32; 3], ProgramError> {
    let sizes = [payload.varint()?, payload.varint()?, payload.varint()?];
    payload.finish()?;
    Ok(sizes)
}

fn parse_imports(mut payload: Reader<'_>) -> Result<(Range<usize>, Range<usize>), ProgramError> {
    if payload.is_empty() {
        return Ok((0..0, 0..0));
    }
    let count_at = payload;
    let count = payload.varint()?;
    if count > IMPORT_COUNT_MAX {
        let kind = ProgramErrorKind::TooManyImports { count: widen(count), limit: widen(IMPORT_COUNT_MAX) };
        return Err(count_at.error(kind));
    }
    let start = payload.index();
    payload.take(4 * widen(count))?;
    let middle = payload.index();
    payload.take_rest();
    Ok((start..middle, middle..payload.index()))
}

/// The parts of a code section, as ranges of its payload.
#[derive(Clone, Debug)]
pub(crate) struct CodeSection {
    pub(crate) entry_size: u8,
    pub(crate) jump_table: Range<usize>,
    pub(crate) code: Range<usize>,
    pub(crate) bitmask: Range<usize>,
}

impl CodeSection {
    /// Cuts the payload of section 6, or a generic program (blob.md 3, latest037.md 1).
    pub(crate) fn parse(
        payload: &[u8],
        encoding: pvm_isa::Encoding,
        entry_size_max: u8,
        varints: Varints,
    ) -> Result<Self, ProgramError> {
        use pvm_num::limits::{CODE_SIZE_MAX, JUMP_TABLE_LENGTH_MAX};
        let mut reader = Reader::new(payload, Part::CodeSection, varints);
        let code_too_long = |length| ProgramErrorKind::CodeTooLong { length, limit: widen(CODE_SIZE_MAX) };

        let count_at = reader;
        let count = reader.varint()?;
        if count > JUMP_TABLE_LENGTH_MAX {
            let limit = widen(JUMP_TABLE_LENGTH_MAX);
            return Err(count_at.error(ProgramErrorKind::JumpTableTooLong { length: widen(count), limit }));
        }
        let entry_size_at = reader;
        let entry_size = reader.u8()?;
        if entry_size > entry_size_max {
            let kind = ProgramErrorKind::JumpTableEntrySize { size: entry_size, limit: entry_size_max };
            return Err(entry_size_at.error(kind));
        }
        let code_length = match encoding {
            pvm_isa::Encoding::MacroBlock => None,
            pvm_isa::Encoding::Bitmask => {
                let length_at = reader;
                let length = reader.varint()?;
                if length > CODE_SIZE_MAX {
                    return Err(length_at.error(code_too_long(widen(length))));
                }
                Some(widen(length))
            }
        };
        let start = reader.index();
        reader.take(widen(count) * u64::from(entry_size))?;
        let jump_table = start..reader.index();
        let code_at = reader;
        let Some(code_length) = code_length else {
            let code = reader.take_rest();
            if to_u64(code.len()) > widen(CODE_SIZE_MAX) {
                return Err(code_at.error(code_too_long(to_u64(code.len()))));
            }
            let end = reader.index();
            return Ok(CodeSection { entry_size, jump_table, code: code_at.index()..end, bitmask: end..end });
        };
        reader.take(code_length)?;
        let code = code_at.index()..reader.index();
        let bitmask_at = reader;
        check_bitmask(code_length, reader.take_rest()).map_err(|kind| bitmask_at.error(kind))?;
        Ok(CodeSection { entry_size, jump_table, code, bitmask: bitmask_at.index()..reader.index() })
    }
}

fn check_bitmask(code_length: u64, bitmask: &[u8]) -> Result<(), ProgramErrorKind> {
    let wanted = code_length.div_ceil(8);
    if to_u64(bitmask.len()) != wanted {
        return Err(ProgramErrorKind::BitmaskLength { wanted, found: to_u64(bitmask.len()) });
    }
    let used = code_length % 8;
    match bitmask.last() {
        Some(last) if used != 0 && last >> used != 0 => Err(ProgramErrorKind::BitmaskPadding),
        _ => Ok(()),
    }
}

/// Refuses data that is longer than its declared size.
pub(crate) fn check_data(region: Region, declared: u32, data: &[u8]) -> Result<(), ProgramError> {
    let (declared, stored) = (widen(declared), to_u64(data.len()));
    if stored > declared {
        return Err(ProgramErrorKind::DataTooLong { region, declared, stored }.at(Part::Memory, 0));
    }
    Ok(())
}
