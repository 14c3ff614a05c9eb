//! ELF files as a fuzzer sees them: headers and tables that can be read and overwritten in place, in both widths.

pub(crate) mod generate;
pub(crate) mod mutate;
mod object;

use pvm_num::casts::{low_u8, low_u32, to_usize_saturating, widen};

/// A number in the file: where, and how many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    pub(crate) at: usize,
    pub(crate) size: usize,
}

impl Field {
    pub(crate) fn read(self, bytes: &[u8]) -> u64 {
        let field = bytes.get(self.at..self.at + self.size).unwrap_or_default();
        field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// Writes the low bytes of `value`, as far as the file reaches.
    pub(crate) fn write(self, bytes: &mut [u8], value: u64) {
        for (index, byte) in bytes.iter_mut().skip(self.at).take(self.size).enumerate() {
            *byte = low_u8(value >> (8 * index));
        }
    }
}

/// Where fields are in each of the two widths: (offset, size).
type Places = (usize, usize);

/// A table's record: the same fields at other places in each width.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    at: usize,
    wide: bool,
}

impl Record {
    fn field(self, wide: Places, narrow: Places) -> Field {
        let (offset, size) = if self.wide { wide } else { narrow };
        Field { at: self.at + offset, size }
    }
}

macro_rules! fields {
    ($($name:ident $wide:expr, $narrow:expr;)*) => {
        $(pub(crate) fn $name(self) -> Field {
            self.0.field($wide, $narrow)
        })*
    };
}

/// A section header.
#[derive(Clone, Copy)]
pub(crate) struct Section(Record);

impl Section {
    fields! {
        kind (4, 4), (4, 4);
        flags (8, 8), (8, 4);
        address (16, 8), (12, 4);
        offset (24, 8), (16, 4);
        size (32, 8), (20, 4);
        link (40, 4), (24, 4);
        info (44, 4), (28, 4);
        align (48, 8), (32, 4);
        entry_size (56, 8), (36, 4);
    }
}

/// A symbol.
#[derive(Clone, Copy)]
pub(crate) struct Symbol(Record);

impl Symbol {
    fields! {
        info (4, 1), (12, 1);
        section (6, 2), (14, 2);
        value (8, 8), (4, 4);
        size (16, 8), (8, 4);
    }
}

/// A relocation with addend.
#[derive(Clone, Copy)]
pub(crate) struct Relocation(Record);

impl Relocation {
    fields! {
        offset (0, 8), (0, 4);
        kind (8, 4), (4, 1);
        symbol (12, 4), (5, 3);
        addend (16, 8), (8, 4);
    }
}

const SHT_PROGBITS: u64 = 1;
const SHT_SYMTAB: u64 = 2;
const SHT_RELA: u64 = 4;
const SHF_EXECINSTR: u64 = 4;
const SHF_ALLOC: u64 = 2;

/// What there is to change in a file.
pub(crate) struct Layout {
    pub(crate) sections: Vec<Section>,
    pub(crate) symbols: Vec<Symbol>,
    /// Relocations of sections that the program loads.
    pub(crate) relocations: Vec<Relocation>,
    /// Code: start and size in the file.
    pub(crate) code: Vec<(usize, usize)>,
    /// Loaded data.
    pub(crate) data: Vec<(usize, usize)>,
}

/// Most records of one table that are looked at.
const RECORDS_MAX: usize = 1 << 20;

impl Layout {
    /// The layout of a file, as far as its headers are in order.
    pub(crate) fn of(bytes: &[u8]) -> Layout {
        let wide = bytes.get(4) == Some(&2);
        let header = Record { at: 0, wide };
        let start = to_usize_saturating(header.field((0x28, 8), (0x20, 4)).read(bytes));
        let count = to_usize_saturating(header.field((0x3c, 2), (0x30, 2)).read(bytes));
        let record_size = if wide { 64 } else { 40 };
        let sections = records(bytes, (start, count.saturating_mul(record_size)), record_size, wide);
        let sections: Vec<Section> = sections.map(Section).collect();
        let mut layout = Layout {
            sections: Vec::new(),
            symbols: Vec::new(),
            relocations: Vec::new(),
            code: Vec::new(),
            data: Vec::new(),
        };
        for section in &sections {
            let read = |field: Field| field.read(bytes);
            let flags = read(section.flags());
            let span = (to_usize_saturating(read(section.offset())), to_usize_saturating(read(section.size())));
            let inside = span.0.checked_add(span.1).is_some_and(|end| end <= bytes.len()) && span.1 >= 4;
            match read(section.kind()) {
                SHT_SYMTAB => {
                    layout.symbols.extend(records(bytes, span, if wide { 24 } else { 16 }, wide).map(Symbol));
                }
                SHT_RELA => {
                    let target = sections.get(to_usize_saturating(read(section.info())));
                    if target.is_some_and(|target| read(target.flags()) & SHF_ALLOC != 0) {
                        let all = records(bytes, span, if wide { 24 } else { 12 }, wide);
                        layout.relocations.extend(all.map(Relocation));
                    }
                }
                SHT_PROGBITS if inside && flags & SHF_EXECINSTR != 0 => layout.code.push(span),
                SHT_PROGBITS if inside && flags & SHF_ALLOC != 0 => layout.data.push(span),
                _ => {}
            }
        }
        layout.sections = sections;
        layout
    }
}

fn records(
    bytes: &[u8],
    (start, size): (usize, usize),
    each: usize,
    wide: bool,
) -> impl Iterator<Item = Record> + use<> {
    let size = size.min(bytes.len().saturating_sub(start));
    (0..(size / each).min(RECORDS_MAX)).map(move |index| Record { at: start + index * each, wide })
}

/// The instruction word at an offset of the file.
pub(crate) fn word(bytes: &[u8], at: usize) -> u32 {
    low_u32(Field { at, size: 4 }.read(bytes))
}

/// Overwrites the instruction word at an offset of the file.
pub(crate) fn set_word(bytes: &mut [u8], at: usize, word: u32) {
    Field { at, size: 4 }.write(bytes, widen(word));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_both_widths_are_found() {
        for elf in crate::corpus::ELFS {
            let layout = Layout::of(elf);
            assert!(layout.sections.len() > 5 && layout.symbols.len() > 2 && !layout.code.is_empty());
            let inside = |section: &Section| to_usize_saturating(section.offset().read(elf)) <= elf.len();
            assert!(layout.sections.iter().all(inside));
            let kinds = layout.relocations.iter().map(|relocation| relocation.kind().read(elf));
            // lld leaves the kinds of its own behind when it relaxes.
            let is_known = |kind| kind < 66 || matches!(kind, 256 | 257);
            assert!(kinds.clone().count() > 0 && kinds.clone().all(is_known), "{:?}", kinds.collect::<Vec<_>>());
        }
    }
}
