//! Pointers of linked files that only the loader's tables know.
//!
//! lld empties the record of a pointer that needs no symbol when it relaxes (`--relax -pie`), and no linker keeps records of
//! the tables it makes itself, the GOT first of all. What is left is the address the linker gave to the target, in the
//! loader's relocations or in place. An address that is the end of one section and the start of the next means the next:
//! nothing tells them apart, and the start of something is asked for more often.

use super::{Binding, Class, File, Home, Relocation, Section, SectionId, Symbol, SymbolKind};
use crate::reloc::RelocKind;
use pvm_num::casts::{signed_64, to_u32, to_usize, widen};
use pvm_riscv::Xlen;

/// Sections of a linked file by the addresses they have there; none of a relocatable one.
#[derive(Default)]
pub(crate) struct Addresses {
    /// Sorted by start; sections that are part of the program, or that the linker reads.
    ranges: Vec<(u64, u64, SectionId)>,
    /// The section of import and export records, if it is the only one and not loaded. Its address is 0 then, where other
    /// sections may be too.
    records: Option<(u64, SectionId)>,
}

impl Addresses {
    pub(crate) fn new(sections: &[Section<'_>]) -> Addresses {
        let known = |section: &Section<'_>| section.class.is_loaded() || (is_record(section) && section.address != 0);
        let loaded = (0..).zip(sections).filter(|(_, section)| known(section) && section.size != 0);
        let mut ranges: Vec<(u64, u64, SectionId)> = loaded
            .filter_map(|(id, section)| Some((section.address, section.address.checked_add(widen(section.size))?, id)))
            .collect();
        ranges.sort_unstable();
        let mut records = (0..).zip(sections).filter(|(_, section)| section.class == Class::Metadata);
        let only = records.next().filter(|(_, section)| section.address == 0 && records.next().is_none());
        Addresses { ranges, records: only.map(|(id, section)| (widen(section.size), id)) }
    }

    /// The place at an address: in a section or, if nothing starts there, at the end of one.
    pub(crate) fn find(&self, address: u64) -> Option<(SectionId, u64)> {
        let after = self.ranges.partition_point(|(start, _, _)| *start <= address);
        let (start, end, id) = *self.ranges.get(after.checked_sub(1)?)?;
        (address <= end).then_some((id, address - start))
    }

    /// The same for a pointer that can only point to a record.
    pub(crate) fn find_record(&self, address: u64) -> Option<(SectionId, u64)> {
        match self.records {
            Some((size, id)) if address < size => Some((id, address)),
            _ => self.find(address),
        }
    }
}

fn is_record(section: &Section<'_>) -> bool {
    matches!(section.class, Class::Metadata | Class::Exports)
}

/// A pointer at an address, and what it points to.
pub(super) struct Pointer {
    pub(super) at: u64,
    /// None: what stands there.
    pub(super) target: Option<u64>,
}

/// Adds relocations for the pointers in sections that have none there yet, and for the words of the GOT.
pub(super) fn relocate(file: &mut File<'_>, pointers: &[Pointer], got: bool) {
    let addresses = Addresses::new(&file.sections);
    let (kind, size) = match file.xlen {
        Xlen::Rv32 => (RelocKind::R32, 4),
        Xlen::Rv64 => (RelocKind::R64, 8),
    };
    let mut found: Vec<(SectionId, u32, u64)> = Vec::new();
    for pointer in pointers {
        let Some((section, offset)) = addresses.find(pointer.at) else { continue };
        let header = &file.sections[to_usize(section)];
        let Ok(offset) = u32::try_from(offset) else { continue };
        let target = pointer.target.or_else(|| word(header, offset, size));
        if (header.class.is_loaded() || is_record(header))
            && let Some(target) = target
        {
            found.push((section, offset, target));
        }
    }
    let tables = (0..).zip(&file.sections).filter(|(_, section)| got && section.name == ".got");
    for (id, section) in tables.filter(|(_, section)| section.class.is_data()) {
        let words = (0..section.size).step_by(to_usize(size));
        found.extend(words.filter_map(|offset| Some((id, offset, word(section, offset, size)?))));
    }
    // The null pointer is one, wherever the file would be loaded; and code has none.
    let is_code = |section: SectionId| file.sections[to_usize(section)].class == Class::Code;
    found.retain(|(section, _, target)| *target != 0 || is_code(*section));
    found.sort_unstable();
    found.dedup_by_key(|(section, offset, _)| (*section, *offset));
    let mut symbols: Vec<Option<u32>> = vec![None; file.sections.len()];
    for pointers in found.chunk_by(|a, b| a.0 == b.0) {
        let section = pointers[0].0;
        // Pointers in code are those of calls of the host.
        let in_code = file.sections[to_usize(section)].class == Class::Code;
        let find = |address| if in_code { addresses.find_record(address) } else { addresses.find(address) };
        let known = std::mem::take(&mut file.sections[to_usize(section)].relocations);
        let mut all = Vec::with_capacity(known.len() + pointers.len());
        let is_known = |offset: u32| {
            let first = known.partition_point(|record| record.offset < offset);
            known[first..].iter().take_while(|record| record.offset == offset).any(|record| !record.kind.is_hint())
        };
        for (_, offset, target) in pointers {
            let Some((home, at)) = find(*target).filter(|_| !is_known(*offset)) else { continue };
            let symbol = *symbols[to_usize(home)].get_or_insert_with(|| {
                file.symbols.push(Symbol {
                    name: &[],
                    home: Home::Section(home),
                    value: 0,
                    size: 0,
                    kind: SymbolKind::Other,
                    binding: Binding::Local,
                });
                to_u32(file.symbols.len() - 1)
            });
            all.push(Relocation { offset: *offset, kind, symbol, addend: signed_64(at) });
        }
        all.extend(known);
        all.sort_by_key(|relocation| relocation.offset);
        file.sections[to_usize(section)].relocations = all;
    }
}

/// The number of `size` bytes at an offset of a section.
pub(crate) fn word(section: &Section<'_>, offset: u32, size: u32) -> Option<u64> {
    let bytes = section.data.get(to_usize(offset)..)?.get(..to_usize(size))?;
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    Some(u64::from_le_bytes(word))
}
