//! Relocations in data and debug sections: which records together say what is written at an offset (elf.md 4).

use super::RelocKind;
use crate::elf::{Elf, Place, Relocation, SectionId};
use crate::error::{LinkError, LinkErrorKind};
use pvm_num::casts::to_usize;

/// A field that gets a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Bytes from the start of the section.
    pub(crate) offset: u32,
    pub(crate) size: FieldSize,
    pub(crate) value: FieldValue,
}

/// How much of the section a field takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FieldSize {
    /// 1, 2, 4 or 8.
    Bytes(u8),
    /// The low six bits of a byte.
    SixBits,
    /// A ULEB128 number, as long as the one that is there.
    Uleb128,
}

/// What a field gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldValue {
    Address(Place),
    Difference { plus: Place, minus: Place },
}

/// What one record contributes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The value on its own, or the minuend.
    Set,
    /// The minuend; a subtrahend must follow.
    Add,
    Sub,
    /// Relative to the field itself.
    Relative,
}

fn role(kind: RelocKind) -> Option<(Role, FieldSize)> {
    use FieldSize::{Bytes, SixBits, Uleb128};
    Some(match kind {
        RelocKind::R32 => (Role::Set, Bytes(4)),
        RelocKind::R64 => (Role::Set, Bytes(8)),
        RelocKind::SET8 => (Role::Set, Bytes(1)),
        RelocKind::SET16 => (Role::Set, Bytes(2)),
        RelocKind::SET32 => (Role::Set, Bytes(4)),
        RelocKind::SET6 => (Role::Set, SixBits),
        RelocKind::SET_ULEB128 => (Role::Set, Uleb128),
        RelocKind::ADD8 => (Role::Add, Bytes(1)),
        RelocKind::ADD16 => (Role::Add, Bytes(2)),
        RelocKind::ADD32 => (Role::Add, Bytes(4)),
        RelocKind::ADD64 => (Role::Add, Bytes(8)),
        RelocKind::SUB8 => (Role::Sub, Bytes(1)),
        RelocKind::SUB16 => (Role::Sub, Bytes(2)),
        RelocKind::SUB32 => (Role::Sub, Bytes(4)),
        RelocKind::SUB64 => (Role::Sub, Bytes(8)),
        RelocKind::SUB6 => (Role::Sub, SixBits),
        RelocKind::SUB_ULEB128 => (Role::Sub, Uleb128),
        // A function's address is that of its code here, so that a way around through a PLT is the function.
        RelocKind::R32_PCREL | RelocKind::PLT32 => (Role::Relative, Bytes(4)),
        _ => return None,
    })
}

/// The fields of a section in order of offsets.
pub(crate) fn fields(elf: &Elf<'_>, section: SectionId) -> Result<Vec<Field>, LinkError> {
    let records: Vec<&Relocation> =
        elf.section(section).relocations.iter().filter(|record| !record.kind.is_hint()).collect();
    let groups = records.chunk_by(|a, b| a.offset == b.offset);
    let mut fields = Vec::new();
    let mut end = 0;
    for group in groups {
        let Some(field) = field(elf, section, group)? else { continue };
        let size = match field.size {
            FieldSize::Bytes(size) => u64::from(size),
            FieldSize::SixBits | FieldSize::Uleb128 => 1,
        };
        let start = u64::from(field.offset);
        if start < end {
            return Err(elf.error(section, field.offset, LinkErrorKind::OverlappingRelocations));
        }
        end = start + size;
        if end > u64::from(elf.section(section).size) {
            return Err(elf.error(section, field.offset, LinkErrorKind::RelocationPastSection { size }));
        }
        fields.push(field);
    }
    Ok(fields)
}

/// Combines the records at one offset; none if they have no effect.
fn field(elf: &Elf<'_>, section: SectionId, group: &[&Relocation]) -> Result<Option<Field>, LinkError> {
    let offset = group[0].offset;
    let mut set = None;
    let mut sub = None;
    for record in group {
        let kind = record.kind;
        let refuse = |kind| Err(elf.error(section, offset, kind));
        if kind.is_thread_local() {
            let name = elf.symbols.get(to_usize(record.symbol)).map_or("", |symbol| elf.symbol_name(symbol)).into();
            return refuse(LinkErrorKind::ThreadLocalRelocation { kind, name });
        }
        let Some((role, size)) = role(kind) else {
            return refuse(LinkErrorKind::UnsupportedRelocation { kind });
        };
        if record.symbol == 0 && record.addend == 0 {
            continue;
        }
        let place = elf.place(section, record)?;
        let slot = if role == Role::Sub { &mut sub } else { &mut set };
        if let Some((other, ..)) = slot.replace((kind, role, size, place)) {
            return refuse(LinkErrorKind::ConflictingRelocations { first: other, second: kind });
        }
    }
    let (size, value) = match (set, sub) {
        (None, None) => return Ok(None),
        (Some((_, Role::Set, size @ FieldSize::Bytes(_), place)), None) => (size, FieldValue::Address(place)),
        (Some((_, Role::Relative, size, plus)), None) => {
            let minus = Place::Section { section, offset: i64::from(offset) };
            (size, FieldValue::Difference { plus, minus })
        }
        (Some((first, role, size, plus)), Some((second, _, other, minus))) => {
            if size != other || role == Role::Relative {
                return Err(elf.error(section, offset, LinkErrorKind::ConflictingRelocations { first, second }));
            }
            (size, FieldValue::Difference { plus, minus })
        }
        (Some((kind, ..)), None) | (None, Some((kind, ..))) => {
            return Err(elf.error(section, offset, LinkErrorKind::HalfADifference { kind }));
        }
    };
    Ok(Some(Field { offset, size, value }))
}
