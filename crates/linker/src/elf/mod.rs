//! ELF files as the linker needs them: sections with their class, symbols, and relocations sorted by offset.
//!
//! [`parse`] makes a [`File`] of each file, and [`crate::merge`] one [`Elf`] of all of them. Everything is relative to a
//! section: addresses another linker assigned are subtracted here and play no part later.

mod addresses;
mod classify;
mod read;

pub(crate) use addresses::{Addresses, word};
pub(crate) use classify::{ArrayKind, Class};
pub(crate) use read::{outline, parse};

use crate::error::{LinkError, LinkErrorKind, Location};
use crate::limits::SYMBOL_NAME_SIZE_MAX;
use crate::reloc::RelocKind;
use pvm_num::casts::{to_usize, unsigned_64};
use pvm_riscv::Xlen;

/// Index of a section in the section table: the file's own in a [`File`], of all files in an [`Elf`].
pub(crate) type SectionId = u32;

/// One file.
pub(crate) struct File<'a> {
    pub(crate) xlen: Xlen,
    /// The flags of the header that must be the same in all files: [`ABI_FLAGS`].
    pub(crate) abi: u32,
    /// Did a linker make it, so that its sections have addresses?
    pub(crate) linked: bool,
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) symbols: Vec<Symbol<'a>>,
    /// Sections of which one copy is enough.
    pub(crate) groups: Vec<Group<'a>>,
}

/// Sections that are kept or dropped together (COMDAT).
pub(crate) struct Group<'a> {
    /// Name of the symbol that stands for the group, as in [`Symbol::name`].
    pub(crate) signature: &'a [u8],
    pub(crate) sections: Vec<SectionId>,
}

/// The profile and the floating-point ABI (psABI, "File header").
pub(crate) const ABI_FLAGS: u32 = 0x8 | 0x6;

/// All files as one.
pub(crate) struct Elf<'a> {
    pub(crate) xlen: Xlen,
    /// Did a linker make it, so that its sections have addresses? It is the only file then.
    pub(crate) linked: bool,
    /// Where these are.
    pub(crate) addresses: Addresses,
    /// The address in gp, if the file says it.
    pub(crate) global_pointer: Option<u64>,
    /// Names of the files, for messages; empty if there is nothing to tell apart.
    pub(crate) files: Vec<&'a str>,
    /// In file order, so that a [`SectionId`] is an index.
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) symbols: Vec<Symbol<'a>>,
}

/// A section.
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    /// Index of the file it is from.
    pub(crate) file: u32,
    pub(crate) class: Class,
    /// Does it list constructors or destructors?
    pub(crate) array: Option<ArrayKind>,
    /// Empty for sections without file contents.
    pub(crate) data: &'a [u8],
    /// Size in memory.
    pub(crate) size: u32,
    /// Alignment in bytes, a power of two.
    pub(crate) align: u32,
    /// Address the file gives it; 0 in relocatable files.
    pub(crate) address: u64,
    /// Sorted by offset.
    pub(crate) relocations: Vec<Relocation>,
}

/// A relocation record.
#[derive(Clone, Copy)]
pub(crate) struct Relocation {
    /// Bytes from the start of its section.
    pub(crate) offset: u32,
    pub(crate) kind: RelocKind,
    /// Index of the symbol; 0 is none.
    pub(crate) symbol: u32,
    pub(crate) addend: i64,
}

/// A symbol.
#[derive(Clone, Copy)]
pub(crate) struct Symbol<'a> {
    /// The string table from the name on. What belongs to the name is looked at only when it is needed, since nothing keeps
    /// a file from having a million long names in one short table.
    pub(crate) name: &'a [u8],
    pub(crate) home: Home,
    /// Value relative to its section, for symbols that have one; the alignment of a common one.
    pub(crate) value: u64,
    pub(crate) size: u64,
    pub(crate) kind: SymbolKind,
    pub(crate) binding: Binding,
}

/// Where a symbol is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Home {
    Undefined {
        weak: bool,
    },
    Absolute,
    Common,
    Section(SectionId),
    /// Of a part of the file that a program does not have.
    Nowhere,
}

/// Who sees a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Binding {
    Local,
    Global,
    Weak,
}

/// What a symbol stands for, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SymbolKind {
    Function,
    /// Data, labels, sections, files.
    Other,
    /// Thread-local, indirect function or a processor's own kind: nothing that can be linked.
    Unsupported(u8),
}

/// What a symbol plus addend names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Place {
    /// A number, not an address of this program.
    Absolute(u64),
    /// The symbol belongs to no section that is part of the program; linkers give such places to the start and end of
    /// something that is not there. Only equal to itself.
    Nowhere,
    /// Bytes from the start of a section; may lie outside it.
    Section { section: SectionId, offset: i64 },
}

impl<'a> Elf<'a> {
    /// The section. Identifiers come from the file's own tables and are checked when read.
    pub(crate) fn section(&self, id: SectionId) -> &Section<'a> {
        &self.sections[to_usize(id)]
    }

    /// Sections in file order with their identifiers.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (SectionId, &Section<'a>)> {
        (0..).zip(&self.sections)
    }

    /// What the relocation's symbol plus addend names.
    pub(crate) fn place(&self, section: SectionId, relocation: &Relocation) -> Result<Place, LinkError> {
        let refuse = |kind| Err(self.error(section, relocation.offset, kind));
        let Some(symbol) = self.symbols.get(to_usize(relocation.symbol)).filter(|_| relocation.symbol != 0) else {
            return refuse(LinkErrorKind::RelocationWithoutSymbol { kind: relocation.kind });
        };
        let name = || self.symbol_name(symbol).into();
        if let SymbolKind::Unsupported(kind) = symbol.kind {
            return refuse(LinkErrorKind::UnsupportedSymbolKind { name: name(), kind });
        }
        match symbol.home {
            Home::Undefined { weak: false } => refuse(LinkErrorKind::UndefinedSymbol { name: name() }),
            // An undefined weak symbol has the value 0 (ELF gABI, "Symbol Table").
            Home::Undefined { weak: true } => Ok(Place::Absolute(unsigned_64(relocation.addend))),
            Home::Absolute => Ok(Place::Absolute(symbol.value.wrapping_add(unsigned_64(relocation.addend)))),
            // `merge` leaves no common symbol.
            Home::Nowhere | Home::Common => Ok(Place::Nowhere),
            Home::Section(home) if symbol.value > u64::from(self.section(home).size) => Ok(Place::Nowhere),
            Home::Section(home) => {
                let offset = i64::try_from(symbol.value).ok().and_then(|value| value.checked_add(relocation.addend));
                match offset.filter(|offset| (-OFFSET_MAX..=OFFSET_MAX).contains(offset)) {
                    Some(offset) => Ok(Place::Section { section: home, offset }),
                    None => refuse(LinkErrorKind::AddendTooBig { name: name(), addend: relocation.addend }),
                }
            }
        }
    }

    /// The name of a symbol, cut at a sane length and where it stops being UTF-8; names are for people here.
    pub(crate) fn symbol_name(&self, symbol: &Symbol<'a>) -> &'a str {
        readable(symbol.name)
    }

    /// The name of the file a section is from, if there are several.
    pub(crate) fn file_name(&self, section: SectionId) -> Option<&'a str> {
        let name = *self.files.get(to_usize(self.section(section).file))?;
        Some(name).filter(|name| !name.is_empty())
    }

    /// An error at a place of the file.
    #[cold]
    pub(crate) fn error(&self, section: SectionId, offset: u32, kind: LinkErrorKind) -> LinkError {
        LinkError { kind, at: self.location(section, u64::from(offset)) }
    }

    fn location(&self, section: SectionId, offset: u64) -> Location {
        let around = self
            .symbols
            .iter()
            .filter(|symbol| symbol.home == Home::Section(section) && symbol.kind == SymbolKind::Function)
            .filter(|symbol| symbol.value <= offset && (symbol.size == 0 || offset - symbol.value < symbol.size))
            .max_by_key(|symbol| symbol.value);
        Location {
            file: self.file_name(section).map(Into::into),
            section: Some(self.section(section).name.into()),
            offset: Some(offset),
            symbol: around.map(|symbol| self.symbol_name(symbol).into()),
        }
    }
}

/// Offsets beyond this cannot name anything in a 32-bit address space.
const OFFSET_MAX: i64 = 1 << 32;

/// The name at the start of a string table's rest, cut at a sane length and where it stops being UTF-8.
pub(crate) fn readable(name: &[u8]) -> &str {
    let name = &name[..name.len().min(SYMBOL_NAME_SIZE_MAX)];
    let name = whole_name(name);
    match std::str::from_utf8(name) {
        Ok(name) => name,
        Err(error) => std::str::from_utf8(&name[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// The name at the start of a string table's rest.
pub(crate) fn whole_name(name: &[u8]) -> &[u8] {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    &name[..end]
}
