//! Symbols of several files: which of the definitions of a name stands, and what everyone who names it gets.
//!
//! A strong definition goes before a common one, a common one before a weak one; of several weak ones the first stands. Of
//! sections in groups with the same signature the first group stands, and the symbols of the others are references to it.

use super::load::{NameBudget, Unit, is_definition};
use crate::elf::{Binding, Class, Elf, Home};
use crate::error::{LinkError, LinkErrorKind, Location};
use pvm_num::casts::to_usize;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Discards sections of groups that an earlier file has.
pub(super) fn resolve(units: &mut [Unit<'_>]) -> Result<(), LinkError> {
    let mut names = NameBudget::default();
    let mut seen = BTreeSet::new();
    for unit in units {
        for group in &unit.file.groups {
            if seen.insert(names.whole(&unit.name, group.signature)?) {
                continue;
            }
            for section in &group.sections {
                let section = &mut unit.file.sections[to_usize(*section)];
                section.class = Class::Discarded;
                section.relocations = Vec::new();
            }
        }
        for symbol in unit.file.symbols.iter_mut().filter(|symbol| is_definition(symbol)) {
            if let Home::Section(section) = symbol.home
                && unit.file.sections[to_usize(section)].class == Class::Discarded
            {
                symbol.home = Home::Undefined { weak: symbol.binding == Binding::Weak };
            }
        }
    }
    Ok(())
}

/// How strong a definition is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Weak,
    Common,
    Strong,
}

/// Gives every symbol that several files can see its one definition. Those of each file start where `starts` says.
pub(super) fn bind(elf: &mut Elf<'_>, starts: &[usize]) -> Result<(), LinkError> {
    let mut names = NameBudget::default();
    let mut definitions: BTreeMap<&[u8], (Rank, usize)> = BTreeMap::new();
    // A common symbol is as large and as aligned as the most demanding file wants it.
    let mut commons: BTreeMap<&[u8], (u64, u64)> = BTreeMap::new();
    let file_of = |index: usize| {
        let file = starts.partition_point(|start| *start <= index).saturating_sub(1);
        elf.files.get(file).copied().unwrap_or_default().into()
    };
    for (index, symbol) in elf.symbols.iter().enumerate().filter(|(_, symbol)| is_definition(symbol)) {
        let name = names.whole("", symbol.name)?;
        if name.is_empty() {
            continue;
        }
        let rank = match (symbol.home, symbol.binding) {
            (Home::Common, _) => Rank::Common,
            (_, Binding::Weak) => Rank::Weak,
            _ => Rank::Strong,
        };
        if rank == Rank::Common {
            let (size, align) = commons.entry(name).or_default();
            (*size, *align) = ((*size).max(symbol.size), (*align).max(symbol.value));
        }
        match definitions.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert((rank, index));
            }
            Entry::Occupied(mut entry) => {
                let (other, first) = *entry.get();
                if rank == Rank::Strong && other == Rank::Strong && !same_number(elf, first, index) {
                    let [first, second] = [first, index].map(file_of);
                    let name = elf.symbol_name(symbol).into();
                    let kind = LinkErrorKind::DuplicateSymbol { name, first, second };
                    return Err(LinkError { kind, at: Location::default() });
                }
                if rank > other {
                    entry.insert((rank, index));
                }
            }
        }
    }
    let mut bound = Vec::new();
    for (index, symbol) in elf.symbols.iter().enumerate().filter(|(_, symbol)| symbol.binding != Binding::Local) {
        let name = names.whole("", symbol.name)?;
        let Some((_, chosen)) = definitions.get(name) else { continue };
        let mut definition = elf.symbols[*chosen];
        if definition.home == Home::Common
            && let Some(common) = commons.get(name)
        {
            (definition.size, definition.value) = *common;
        }
        bound.push((index, definition));
    }
    for (index, definition) in bound {
        elf.symbols[index] = definition;
    }
    Ok(())
}

fn same_number(elf: &Elf<'_>, first: usize, second: usize) -> bool {
    let [first, second] = [first, second].map(|index| &elf.symbols[index]);
    first.home == Home::Absolute && second.home == Home::Absolute && first.value == second.value
}
