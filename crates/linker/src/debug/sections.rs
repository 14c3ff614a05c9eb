//! Debug sections as one linked file would have them: pieces of a name joined, relocations applied.

use super::address::AddressSpace;
use super::names::Slice;
use crate::elf::{Class, Elf, Home, Relocation, Symbol};
use crate::reloc::RelocKind;
use gimli::{LittleEndian, SectionId};
use pvm_num::casts::{low_u8, to_u64, to_usize, widen};
use std::borrow::Cow;

/// The sections that are read.
const READ: [SectionId; 9] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// What stands in place of an address that leads nowhere (DWARF 6, "tombstone").
const TOMBSTONE: u64 = u64::MAX;

/// Contents of debug sections; empty ones are absent.
pub(super) struct Sections<'a> {
    contents: [Cow<'a, [u8]>; READ.len()],
}

impl<'a> Sections<'a> {
    /// Contents that another linker has relocated are taken as they are, but for the offsets into sections that are joined.
    pub(super) fn read(elf: &Elf<'a>, space: &AddressSpace) -> Sections<'a> {
        let mut pieces: [Vec<u32>; READ.len()] = Default::default();
        for (id, section) in elf.sections().filter(|(_, section)| section.class == Class::NotLoaded) {
            if let Some(index) = READ.iter().position(|read| read.name() == section.name) {
                pieces[index].push(id);
            }
        }
        // The addresses of code are right in a linked file.
        let start = |id| if elf.linked { None } else { space.start(id) };
        let mut starts: Vec<Option<u64>> = elf.sections().map(|(id, _)| start(id)).collect();
        for pieces in &pieces {
            let mut size = 0;
            for id in pieces {
                starts[to_usize(*id)] = Some(size);
                size += to_u64(elf.section(*id).data.len());
            }
        }
        let relocator = Relocator { elf, starts };
        Sections { contents: pieces.map(|pieces| relocator.join(&pieces)) }
    }

    /// Bytes of all sections.
    pub(super) fn size(&self) -> usize {
        self.contents.iter().map(|contents| contents.len()).sum()
    }

    /// The sections for the reader.
    pub(super) fn dwarf(&self) -> gimli::Dwarf<Slice<'_>> {
        let contents = |id| match READ.iter().position(|read| *read == id) {
            Some(index) => &self.contents[index][..],
            None => &[],
        };
        let loaded = gimli::Dwarf::load(|id| Ok::<_, gimli::Error>(Slice::new(contents(id), LittleEndian)));
        loaded.expect("slices are always there")
    }
}

struct Relocator<'e, 'a> {
    elf: &'e Elf<'a>,
    /// The address of a code section that has none yet, and where a debug section starts in the joined one.
    starts: Vec<Option<u64>>,
}

impl<'a> Relocator<'_, 'a> {
    fn join(&self, pieces: &[u32]) -> Cow<'a, [u8]> {
        if let [id] = pieces
            && self.elf.section(*id).relocations.is_empty()
        {
            return Cow::Borrowed(self.elf.section(*id).data);
        }
        let mut joined = Vec::new();
        for id in pieces {
            let section = self.elf.section(*id);
            let start = joined.len();
            joined.extend_from_slice(section.data);
            for relocation in &section.relocations {
                // What cannot be applied stays as it is: it spoils one number, which makes no place wrong but its own.
                let _ = match self.elf.linked {
                    true => self.apply_offset(&mut joined[start..], relocation),
                    false => self.apply(&mut joined[start..], to_u64(start), relocation),
                };
            }
        }
        Cow::Owned(joined)
    }

    fn symbol(&self, relocation: &Relocation) -> Option<&Symbol<'a>> {
        self.elf.symbols.get(to_usize(relocation.symbol)).filter(|_| relocation.symbol != 0)
    }

    /// Applies a record of a linked file if it is an offset into a debug section, which another linker has counted from the
    /// start of the piece.
    fn apply_offset(&self, piece: &mut [u8], relocation: &Relocation) -> Option<()> {
        let symbol = self.symbol(relocation)?;
        let Home::Section(section) = symbol.home else { return None };
        let value = self.starts[to_usize(section)]?.wrapping_add(symbol.value).wrapping_add_signed(relocation.addend);
        let at = piece.get_mut(to_usize(relocation.offset)..)?;
        match relocation.kind {
            RelocKind::R32 => write(at, 4, value),
            RelocKind::R64 => write(at, 8, value),
            _ => None,
        }
    }

    /// The value of the relocation's symbol plus addend.
    fn value(&self, relocation: &Relocation) -> u64 {
        let symbol = self.symbol(relocation);
        let value = match symbol.map(|symbol| (symbol.home, symbol.value)) {
            None => Some(0),
            Some((Home::Absolute, value)) => Some(value),
            Some((Home::Section(section), value)) => {
                self.starts[to_usize(section)].map(|start| start.wrapping_add(value))
            }
            Some(_) => None,
        };
        value.map_or(TOMBSTONE, |value| value.wrapping_add_signed(relocation.addend))
    }

    /// Applies a record as the psABI describes it: those that come in pairs act on the field one after the other.
    fn apply(&self, piece: &mut [u8], start: u64, relocation: &Relocation) -> Option<()> {
        let value = self.value(relocation);
        let at = piece.get_mut(to_usize(relocation.offset)..)?;
        match relocation.kind {
            RelocKind::R32 | RelocKind::SET32 => write(at, 4, value),
            RelocKind::R64 => write(at, 8, value),
            RelocKind::SET8 => write(at, 1, value),
            RelocKind::SET16 => write(at, 2, value),
            RelocKind::ADD8 => write(at, 1, read(at, 1)?.wrapping_add(value)),
            RelocKind::ADD16 => write(at, 2, read(at, 2)?.wrapping_add(value)),
            RelocKind::ADD32 => write(at, 4, read(at, 4)?.wrapping_add(value)),
            RelocKind::ADD64 => write(at, 8, read(at, 8)?.wrapping_add(value)),
            RelocKind::SUB8 => write(at, 1, read(at, 1)?.wrapping_sub(value)),
            RelocKind::SUB16 => write(at, 2, read(at, 2)?.wrapping_sub(value)),
            RelocKind::SUB32 => write(at, 4, read(at, 4)?.wrapping_sub(value)),
            RelocKind::SUB64 => write(at, 8, read(at, 8)?.wrapping_sub(value)),
            RelocKind::SET6 => write_six_bits(at, value),
            RelocKind::SUB6 => write_six_bits(at, read(at, 1)?.wrapping_sub(value)),
            RelocKind::R32_PCREL => write(at, 4, value.wrapping_sub(start.wrapping_add(widen(relocation.offset)))),
            RelocKind::SET_ULEB128 => write_uleb128(at, value),
            RelocKind::SUB_ULEB128 => write_uleb128(at, read_uleb128(at)?.wrapping_sub(value)),
            _ => None,
        }
    }
}

fn read(at: &[u8], size: usize) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes[..size].copy_from_slice(at.get(..size)?);
    Some(u64::from_le_bytes(bytes))
}

fn write(at: &mut [u8], size: usize, value: u64) -> Option<()> {
    at.get_mut(..size)?.copy_from_slice(&value.to_le_bytes()[..size]);
    Some(())
}

/// The upper two bits belong to an operation.
fn write_six_bits(at: &mut [u8], value: u64) -> Option<()> {
    let byte = at.first_mut()?;
    *byte = *byte & 0xc0 | low_u8(value) & 0x3f;
    Some(())
}

/// Bytes of a number: all with the upper bit set, and one without.
fn uleb128_length(at: &[u8]) -> Option<usize> {
    at.iter().take(10).position(|byte| byte & 0x80 == 0).map(|last| last + 1)
}

fn read_uleb128(at: &[u8]) -> Option<u64> {
    let bytes = &at[..uleb128_length(at)?];
    let digits = bytes.iter().rev();
    Some(digits.fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
}

/// Writes a number with as many bytes as the one that is there.
fn write_uleb128(at: &mut [u8], mut value: u64) -> Option<()> {
    let length = uleb128_length(at)?;
    for byte in &mut at[..length] {
        *byte = *byte & 0x80 | low_u8(value) & 0x7f;
        value >>= 7;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_variable_length_keep_their_length() {
        let mut bytes = [0x80, 0x80, 0x00, 0xff];
        assert_eq!(write_uleb128(&mut bytes, 0x3fff), Some(()));
        assert_eq!(bytes, [0xff, 0xff, 0x00, 0xff]);
        assert_eq!(read_uleb128(&bytes), Some(0x3fff));
        assert_eq!(write_uleb128(&mut bytes[3..], 1), None, "one that does not end is left alone");
        assert_eq!(bytes[3], 0xff);
    }

    #[test]
    fn six_bits_leave_the_operation_alone() {
        let mut bytes = [0x40];
        assert_eq!(write_six_bits(&mut bytes, 0xff), Some(()));
        assert_eq!(bytes, [0x7f]);
        assert_eq!(write_six_bits(&mut [], 0), None);
    }
}
