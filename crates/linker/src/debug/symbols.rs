//! Functions as the symbol table knows them, for code that no debug information describes.

use super::address::AddressSpace;
use crate::elf::{Elf, Home, SymbolKind};
use pvm_num::casts::to_u32;

/// Functions by their addresses.
pub(super) struct Symbols {
    /// Sorted; of several that start at an address the first in the symbol table stands.
    functions: Vec<Symbol>,
}

struct Symbol {
    start: u64,
    end: u64,
    /// Index in the symbol table.
    index: u32,
}

impl Symbols {
    pub(super) fn new(elf: &Elf<'_>, space: &AddressSpace) -> Symbols {
        let mut functions = Vec::new();
        for (index, symbol) in elf.symbols.iter().enumerate() {
            if let (SymbolKind::Function, Home::Section(section)) = (symbol.kind, symbol.home)
                && let Some(start) = space.start(section).and_then(|start| start.checked_add(symbol.value))
                // One without a size goes on up to the next, or to the end of the section.
                && let Some(range) = space.clip(start..start.checked_add(symbol.size).filter(|end| *end > start).unwrap_or(u64::MAX))
            {
                functions.push(Symbol { start, end: range.end, index: to_u32(index) });
            }
        }
        functions.sort_by_key(|symbol| symbol.start);
        functions.dedup_by_key(|symbol| symbol.start);
        Symbols { functions }
    }

    /// The index of the symbol of the function around an address.
    pub(super) fn at(&self, address: u64) -> Option<u32> {
        let index = self.functions.partition_point(|symbol| symbol.start <= address).checked_sub(1)?;
        let symbol = &self.functions[index];
        (address < symbol.end).then_some(symbol.index)
    }
}
