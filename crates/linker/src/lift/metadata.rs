//! Records of imports, exports and stack sizes, with their pointers followed (elf.md 2).

use crate::elf::{Class, Elf, Place, Relocation, SectionId, word};
use crate::error::{LinkError, LinkErrorKind};
use crate::limits::{EXPORT_SYMBOLS_SIZE_MAX, HOST_SYMBOL_SIZE_MAX};
use crate::reloc::RelocKind;
use pvm_guest_abi::{AbiError, PointerSize};
use pvm_num::casts::{signed_64, to_usize, try_u32};
use pvm_riscv::Xlen;

/// Name and prototype of an import or export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Metadata<'a> {
    pub(crate) symbol: &'a [u8],
    pub(crate) inputs: u8,
    pub(crate) outputs: u8,
    pub(crate) index: Option<u32>,
}

/// An entry of `.polkavm_exports`.
pub(crate) struct ExportRecord<'a> {
    pub(crate) metadata: Metadata<'a>,
    pub(crate) function: Place,
    /// Where its pointer to the function stands.
    pub(crate) section: SectionId,
    pub(crate) offset: u32,
}

/// The size of a pointer in records of this file.
pub(crate) const fn pointer_size(xlen: Xlen) -> PointerSize {
    match xlen {
        Xlen::Rv32 => PointerSize::Four,
        Xlen::Rv64 => PointerSize::Eight,
    }
}

fn record_error(elf: &Elf<'_>, section: SectionId, error: AbiError) -> LinkError {
    elf.error(section, try_u32(error.at).unwrap_or(u32::MAX), LinkErrorKind::BadRecord(error.kind))
}

/// What a slot points to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PointsTo {
    Record,
    Other,
}

/// Where the pointer slot at an offset of a section points to. What stands in the slot does not matter, its relocation
/// does; but a linker that relaxes leaves none to records that are not loaded, and has written the address.
fn pointer(elf: &Elf<'_>, section: SectionId, slot: usize, to: PointsTo) -> Result<(u32, Place), LinkError> {
    let at = try_u32(slot).unwrap_or(u32::MAX);
    let refuse = |kind| Err(elf.error(section, at, kind));
    let whole = match elf.xlen {
        Xlen::Rv32 => RelocKind::R32,
        Xlen::Rv64 => RelocKind::R64,
    };
    let records = &elf.section(section).relocations;
    let first = records.partition_point(|record| record.offset < at);
    let here = records[first..].iter().take_while(|record| record.offset == at);
    let mut pointer: Option<&Relocation> = None;
    for record in here.filter(|record| !record.kind.is_hint()) {
        if let Some(other) = pointer {
            return refuse(LinkErrorKind::ConflictingRelocations { first: other.kind, second: record.kind });
        }
        // The second kind is that of `auipc zero, %pcrel_hi(symbol)`, a pointer that may stand in read-only memory.
        if record.kind != whole && record.kind != RelocKind::PCREL_HI20 {
            return refuse(LinkErrorKind::UnsupportedRelocation { kind: record.kind });
        }
        pointer = Some(record);
    }
    match pointer {
        Some(record) => Ok((at, elf.place(section, record)?)),
        None => match written(elf, (section, at), to) {
            Some(place) => Ok((at, place)),
            None => refuse(LinkErrorKind::RecordWithoutPointer),
        },
    }
}

/// The place whose address a linked file has at an offset of a section.
fn written(elf: &Elf<'_>, (section, at): (SectionId, u32), to: PointsTo) -> Option<Place> {
    if !elf.linked {
        return None;
    }
    let address = word(elf.section(section), at, elf.xlen.bits() / 8)?;
    let (section, offset) = match to {
        PointsTo::Record => elf.addresses.find_record(address)?,
        PointsTo::Other => elf.addresses.find(address)?,
    };
    Some(Place::Section { section, offset: signed_64(offset) })
}

/// The record that the pointer at `from` points to.
pub(crate) fn metadata<'a>(elf: &Elf<'a>, from: (SectionId, u32), place: Place) -> Result<Metadata<'a>, LinkError> {
    let nowhere = || elf.error(from.0, from.1, LinkErrorKind::RecordPointsNowhere);
    let Place::Section { section, offset } = place else { return Err(nowhere()) };
    let at = u32::try_from(offset).map(to_usize).map_err(|_| nowhere())?;
    let data = elf.section(section).data;
    if at >= data.len() {
        return Err(nowhere());
    }
    let record = pvm_guest_abi::Metadata::parse(data, at, pointer_size(elf.xlen))
        .map_err(|error| record_error(elf, section, error))?;
    let size = record.symbol_length;
    if size > HOST_SYMBOL_SIZE_MAX {
        let kind = LinkErrorKind::NameTooLong { size, limit: HOST_SYMBOL_SIZE_MAX };
        return Err(elf.error(section, try_u32(at).unwrap_or(u32::MAX), kind));
    }
    let symbol = if size == 0 {
        &[]
    } else {
        let (slot, name) = pointer(elf, section, record.symbol_slot, PointsTo::Other)?;
        let bytes = match name {
            Place::Section { section, offset } => {
                let start = u32::try_from(offset).ok().map(to_usize);
                let data = elf.section(section).data;
                start.and_then(|start| data.get(start..)).and_then(|data| data.get(..to_usize(size)))
            }
            Place::Absolute(_) | Place::Nowhere => None,
        };
        bytes.ok_or_else(|| elf.error(section, slot, LinkErrorKind::RecordPointsNowhere))?
    };
    Ok(Metadata { symbol, inputs: record.input_registers, outputs: record.output_registers, index: record.index })
}

/// All exports in file order.
pub(crate) fn exports<'a>(elf: &Elf<'a>) -> Result<Vec<ExportRecord<'a>>, LinkError> {
    let mut exports = Vec::new();
    let mut names = 0;
    for (section, header) in elf.sections().filter(|(_, section)| section.class == Class::Exports) {
        for record in pvm_guest_abi::exports(header.data, pointer_size(elf.xlen)) {
            let record = record.map_err(|error| record_error(elf, section, error))?;
            let (at, place) = pointer(elf, section, record.metadata_slot, PointsTo::Record)?;
            let metadata = metadata(elf, (section, at), place)?;
            let (offset, function) = pointer(elf, section, record.function_slot, PointsTo::Other)?;
            names += metadata.symbol.len();
            if names > EXPORT_SYMBOLS_SIZE_MAX {
                let kind = LinkErrorKind::ExportNamesTooLong { limit: EXPORT_SYMBOLS_SIZE_MAX };
                return Err(elf.error(section, at, kind));
            }
            exports.push(ExportRecord { metadata, function, section, offset });
        }
    }
    Ok(exports)
}

/// The largest stack any part of the program asks for; 0 if none does.
pub(crate) fn stack_size(elf: &Elf<'_>) -> Result<u32, LinkError> {
    let mut size = 0;
    for (section, header) in elf.sections().filter(|(_, section)| section.class == Class::MinStackSize) {
        let wanted = pvm_guest_abi::min_stack_size(header.data);
        size = size.max(wanted.map_err(|error| record_error(elf, section, error))?);
    }
    Ok(size)
}
