//! Numbers of the host calls (elf.md 5.3).

use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{Import, ImportId, Program, Symbolic};
use pvm_num::casts::{to_u64, to_usize, widen};
use pvm_num::limits::IMPORT_COUNT_MAX;
use std::collections::BTreeMap;

/// The imports of the program, numbered.
pub(super) struct Imports<'a> {
    numbers: Vec<Option<u32>>,
    /// In order of numbers; empty where a number is not used.
    symbols: Vec<&'a [u8]>,
}

impl<'a> Imports<'a> {
    /// If any import has a number, all must; otherwise the imports that the code calls are numbered in order of names.
    pub(super) fn new(program: &Program<'a>) -> Result<Imports<'a>, LinkError> {
        let imports = &program.imports;
        let numbers = match imports.iter().any(|import| import.index.is_some()) {
            true => given_numbers(imports)?,
            false => numbers_by_name(program)?,
        };
        let count = numbers.iter().flatten().max().map_or(0, |last| last + 1);
        let mut symbols = vec![&[][..]; to_usize(count)];
        for (import, number) in imports.iter().zip(&numbers) {
            if let Some(number) = number {
                symbols[to_usize(*number)] = import.symbol;
            }
        }
        Ok(Imports { numbers, symbols })
    }

    /// The number of an import that is called.
    pub(super) fn number(&self, import: ImportId) -> u32 {
        self.numbers[import.index()].expect("every import that is called has a number")
    }

    /// The symbols in order of their numbers.
    pub(super) fn symbols(&self) -> &[&'a [u8]] {
        &self.symbols
    }
}

fn name(import: &Import<'_>) -> Box<str> {
    String::from_utf8_lossy(import.symbol).into()
}

fn refuse<T>(kind: LinkErrorKind) -> Result<T, LinkError> {
    Err(LinkError { kind, at: Location::default() })
}

fn given_numbers(imports: &[Import<'_>]) -> Result<Vec<Option<u32>>, LinkError> {
    let mut owners: BTreeMap<u32, &Import<'_>> = BTreeMap::new();
    for import in imports {
        let Some(index) = import.index else {
            return refuse(LinkErrorKind::ImportWithoutIndex { name: name(import) });
        };
        if index >= IMPORT_COUNT_MAX {
            return refuse(LinkErrorKind::TooManyImports { index: widen(index), limit: IMPORT_COUNT_MAX });
        }
        if let Some(other) = owners.insert(index, import) {
            return refuse(LinkErrorKind::ImportIndexTaken { first: name(other), second: name(import), index });
        }
    }
    Ok(imports.iter().map(|import| import.index).collect())
}

fn numbers_by_name(program: &Program<'_>) -> Result<Vec<Option<u32>>, LinkError> {
    let mut called = vec![false; program.imports.len()];
    for (_, block) in program.blocks_in_order() {
        for inst in &block.instructions {
            if let Some(Symbolic::Import(import)) = inst.symbol {
                called[import.index()] = true;
            }
        }
    }
    let mut order: Vec<usize> = (0..called.len()).filter(|index| called[*index]).collect();
    if order.len() > to_usize(IMPORT_COUNT_MAX) {
        return refuse(LinkErrorKind::TooManyImports { index: to_u64(order.len()) - 1, limit: IMPORT_COUNT_MAX });
    }
    order.sort_by_key(|index| program.imports[*index].symbol);
    let mut numbers = vec![None; called.len()];
    for (number, index) in (0..).zip(order) {
        numbers[index] = Some(number);
    }
    Ok(numbers)
}
