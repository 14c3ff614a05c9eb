//! Imports: which host call has which number (elf.md 5.3).

use super::whole;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{Import, Program, Symbolic};
use pvm_num::casts::{to_u32, to_u64, to_usize, widen};
use pvm_num::limits::IMPORT_COUNT_MAX;
use std::collections::BTreeMap;

/// The import table.
pub(crate) struct Imports {
    /// Symbol of each number; empty where a number is not used.
    pub(crate) symbols: Vec<Vec<u8>>,
    /// Number of each import of the intermediate form.
    pub(crate) numbers: Vec<u32>,
}

/// Numbers the imports the program calls: by their index if they have one, else in order of their symbols.
pub(crate) fn number(program: &Program<'_>) -> Result<Imports, LinkError> {
    let mut called = vec![false; program.imports.len()];
    for (_, block) in program.blocks_in_order() {
        for inst in &block.instructions {
            if let Some(Symbolic::Import(id)) = inst.symbol {
                called[id.index()] = true;
            }
        }
    }
    let name = |import: &Import<'_>| String::from_utf8_lossy(import.symbol).into();
    let indexed = program.imports.iter().any(|import| import.index.is_some());
    let mut numbers = vec![0; program.imports.len()];
    if indexed {
        let mut by_index: BTreeMap<u32, &Import<'_>> = BTreeMap::new();
        for (import, number) in program.imports.iter().zip(&mut numbers) {
            let Some(index) = import.index else {
                return Err(whole(LinkErrorKind::ImportWithoutIndex { name: name(import) }));
            };
            if index >= IMPORT_COUNT_MAX {
                let index = widen(index);
                return Err(whole(LinkErrorKind::TooManyImports { index, limit: IMPORT_COUNT_MAX }));
            }
            if let Some(first) = by_index.insert(index, import) {
                let (first, second) = (name(first), name(import));
                return Err(whole(LinkErrorKind::ImportIndexTaken { first, second, index }));
            }
            *number = index;
        }
        let count = by_index.keys().next_back().map_or(0, |last| to_usize(*last) + 1);
        let mut symbols = vec![Vec::new(); count];
        for (index, import) in by_index {
            symbols[to_usize(index)] = import.symbol.to_vec();
        }
        return Ok(Imports { symbols, numbers });
    }
    let mut order: Vec<usize> = (0..program.imports.len()).filter(|index| called[*index]).collect();
    order.sort_by_key(|index| program.imports[*index].symbol);
    if to_u64(order.len()) > widen(IMPORT_COUNT_MAX) {
        let index = to_u64(order.len());
        return Err(whole(LinkErrorKind::TooManyImports { index, limit: IMPORT_COUNT_MAX }));
    }
    for (number, index) in order.iter().enumerate() {
        numbers[*index] = to_u32(number);
    }
    let symbols = order.iter().map(|index| program.imports[*index].symbol.to_vec()).collect();
    Ok(Imports { symbols, numbers })
}
