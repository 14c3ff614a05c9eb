//! The records: metadata, exports, import sites, stack sizes. Layouts are in the crate's documentation.

use crate::reader::Reader;
use crate::{AbiError, AbiErrorKind, EXPORT_VERSION, IMPORT_WORD, METADATA_VERSION_1, METADATA_VERSION_2, RecordKind};
use pvm_num::limits::{ARGUMENT_COUNT_MAX, RESULT_COUNT_MAX};

/// Size of a pointer, given by the class of the ELF file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PointerSize {
    /// 32-bit ELF.
    Four,
    /// 64-bit ELF.
    Eight,
}

impl PointerSize {
    /// 4 or 8.
    pub const fn bytes(self) -> usize {
        match self {
            PointerSize::Four => 4,
            PointerSize::Eight => 8,
        }
    }
}

/// What a guest says about one import or export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Length of the symbol in bytes, as claimed: nothing says yet that there are so many.
    pub symbol_length: u32,
    /// Offset of the pointer to the symbol's bytes.
    pub symbol_slot: usize,
    /// Argument registers, at most [`ARGUMENT_COUNT_MAX`].
    pub input_registers: u8,
    /// Result registers, at most [`RESULT_COUNT_MAX`].
    pub output_registers: u8,
    /// The number of an import, if the guest chose one.
    pub index: Option<u32>,
    /// Offset behind the record.
    pub end: usize,
}

impl Metadata {
    /// Reads the record at offset `at` of `section`.
    ///
    /// # Errors
    /// If the record does not end within the section or has a value that is not defined (elf.md 2).
    pub fn parse(section: &[u8], at: usize, pointer: PointerSize) -> Result<Metadata, AbiError> {
        let mut reader = Reader::new(section, RecordKind::Metadata, at);
        let version = reader.u8()?;
        if !matches!(version, METADATA_VERSION_1 | METADATA_VERSION_2) {
            return Err(AbiError { kind: AbiErrorKind::MetadataVersion { found: version }, at });
        }
        let flags_at = reader.at();
        let flags = reader.u32()?;
        if flags != 0 {
            return Err(AbiError { kind: AbiErrorKind::Flags { found: flags }, at: flags_at });
        }
        let symbol_length = reader.u32()?;
        let symbol_slot = reader.slot(pointer)?;
        let input_registers =
            count(&mut reader, ARGUMENT_COUNT_MAX, |found, limit| AbiErrorKind::InputRegisters { found, limit })?;
        let output_registers =
            count(&mut reader, RESULT_COUNT_MAX, |found, limit| AbiErrorKind::OutputRegisters { found, limit })?;
        let index = if version == METADATA_VERSION_2 { optional_index(&mut reader)? } else { None };
        Ok(Metadata { symbol_length, symbol_slot, input_registers, output_registers, index, end: reader.at() })
    }
}

/// One byte that is at most `limit`.
fn count(reader: &mut Reader<'_>, limit: usize, kind: fn(u8, usize) -> AbiErrorKind) -> Result<u8, AbiError> {
    let at = reader.at();
    let found = reader.u8()?;
    if usize::from(found) > limit { Err(AbiError { kind: kind(found, limit), at }) } else { Ok(found) }
}

/// The index field is there even if it does not count; what it holds then is of no concern.
fn optional_index(reader: &mut Reader<'_>) -> Result<Option<u32>, AbiError> {
    let at = reader.at();
    let has_index = match reader.u8()? {
        0 => false,
        1 => true,
        found => return Err(AbiError { kind: AbiErrorKind::HasIndex { found }, at }),
    };
    let index = reader.u32()?;
    Ok(has_index.then_some(index))
}

/// One export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Export {
    /// Offset of the record.
    pub at: usize,
    /// Offset of the pointer to the metadata.
    pub metadata_slot: usize,
    /// Offset of the pointer to the function.
    pub function_slot: usize,
}

/// The export records of `section`, a whole [`crate::EXPORTS_SECTION`], in order. After an error there are no more.
pub const fn exports(section: &[u8], pointer: PointerSize) -> Exports<'_> {
    Exports { section, pointer, at: 0 }
}

/// Iterator over export records, made by [`exports`].
#[derive(Clone, Debug)]
pub struct Exports<'a> {
    section: &'a [u8],
    pointer: PointerSize,
    at: usize,
}

impl Iterator for Exports<'_> {
    type Item = Result<Export, AbiError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.section.len() {
            return None;
        }
        let mut reader = Reader::new(self.section, RecordKind::Export, self.at);
        let export = export(&mut reader, self.pointer);
        self.at = if export.is_ok() { reader.at() } else { self.section.len() };
        Some(export)
    }
}

fn export(reader: &mut Reader<'_>, pointer: PointerSize) -> Result<Export, AbiError> {
    let at = reader.at();
    let version = reader.u8()?;
    if version != EXPORT_VERSION {
        return Err(AbiError { kind: AbiErrorKind::ExportVersion { found: version }, at });
    }
    let metadata_slot = reader.slot(pointer)?;
    let function_slot = reader.slot(pointer)?;
    Ok(Export { at, metadata_slot, function_slot })
}

/// A place in the code that calls an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImportSite {
    /// Offset of the pointer to the metadata.
    pub metadata_slot: usize,
    /// Offset where the run goes on.
    pub end: usize,
}

impl ImportSite {
    /// The import site at offset `at` of a code section, or none if another instruction stands there.
    ///
    /// # Errors
    /// If the section ends within the instruction word or within the pointer.
    pub fn parse(section: &[u8], at: usize, pointer: PointerSize) -> Result<Option<ImportSite>, AbiError> {
        let mut reader = Reader::new(section, RecordKind::ImportSite, at);
        if reader.u32()? != IMPORT_WORD {
            return Ok(None);
        }
        let metadata_slot = reader.slot(pointer)?;
        Ok(Some(ImportSite { metadata_slot, end: reader.at() }))
    }
}

/// The largest size in `section`, a whole [`crate::MIN_STACK_SIZE_SECTION`], or 0 if it has none.
///
/// # Errors
/// If the section is no whole number of sizes.
pub fn min_stack_size(section: &[u8]) -> Result<u32, AbiError> {
    let mut reader = Reader::new(section, RecordKind::MinStackSize, 0);
    let mut largest = 0;
    while reader.at() < section.len() {
        largest = largest.max(reader.u32()?);
    }
    Ok(largest)
}
