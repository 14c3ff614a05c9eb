//! From the files that are given to one set of sections and symbols.
//!
//! ```text
//! inputs --load--> files: those given, and the members of archives they need
//!        --resolve--> which definition every symbol has, which copy of a group stays
//!        --join--> one Elf --combine--> lists of constructors and named sections in one piece, common symbols
//!                          --provide--> symbols that a linker defines
//! ```
//!
//! Files stand in the order in which they are given, members of an archive in its order, whatever asked for them first:
//! the result does not depend on who needs whom. Names of files are for messages only.

mod combine;
mod load;
mod provide;
mod resolve;

use crate::config::Config;
use crate::elf::{Addresses, Elf, File, Home};
use crate::error::{LinkError, LinkErrorKind, Location};
use load::Unit;
use pvm_num::casts::{to_u32, to_usize};
use std::cell::OnceCell;

/// A file to link: a relocatable file, an archive of them, or one linked file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Input<'a> {
    /// What messages call it; empty if there is nothing to tell apart.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// What an [`Elf`] refers to that is in no file.
#[derive(Default)]
pub(crate) struct Storage {
    names: OnceCell<Vec<Box<str>>>,
    contents: OnceCell<Vec<Vec<u8>>>,
}

/// Reads all files and makes one of them.
pub(crate) fn merge<'a>(inputs: &[Input<'a>], config: &Config, storage: &'a Storage) -> Result<Elf<'a>, LinkError> {
    let mut units = load::load(inputs, config)?;
    resolve::resolve(&mut units)?;
    let mut elf = join(units, storage)?;
    combine::commons(&mut elf)?;
    combine::combine(&mut elf, storage)?;
    provide::provide(&mut elf);
    Ok(elf)
}

/// An error that concerns a file as a whole.
fn file_error(name: &str, kind: LinkErrorKind) -> LinkError {
    LinkError { kind, at: Location::default() }.in_file(name)
}

/// Puts the sections and symbols of all files into one table each.
fn join<'a>(units: Vec<Unit<'a>>, storage: &'a Storage) -> Result<Elf<'a>, LinkError> {
    let names = units.iter().map(|unit| unit.name.clone()).collect();
    let files = storage.names.get_or_init(|| names).iter().map(|name| &**name).collect();
    let xlen = units[0].file.xlen;
    let linked = units[0].file.linked;
    let addresses = if linked { Addresses::new(&units[0].file.sections) } else { Addresses::default() };
    let global_pointer = if linked { global_pointer(&units[0].file) } else { None };
    let mut elf = Elf { xlen, linked, addresses, global_pointer, files, sections: Vec::new(), symbols: Vec::new() };
    let mut starts = Vec::with_capacity(units.len());
    for (index, unit) in units.into_iter().enumerate() {
        starts.push(elf.symbols.len());
        let first_section = to_u32(elf.sections.len());
        let first_symbol = to_u32(elf.symbols.len());
        for mut section in unit.file.sections {
            section.file = to_u32(index);
            // Symbol 0 is none in every file.
            for relocation in section.relocations.iter_mut().filter(|relocation| relocation.symbol != 0) {
                relocation.symbol += first_symbol;
            }
            elf.sections.push(section);
        }
        for mut symbol in unit.file.symbols {
            if let Home::Section(section) = &mut symbol.home {
                *section += first_section;
            }
            elf.symbols.push(symbol);
        }
    }
    if !linked {
        resolve::bind(&mut elf, &starts)?;
    }
    Ok(elf)
}

/// The address that a linked file has in gp.
fn global_pointer(file: &File<'_>) -> Option<u64> {
    let symbol = file.symbols.iter().find(|symbol| symbol.name.starts_with(b"__global_pointer$\0"))?;
    match symbol.home {
        Home::Section(section) => Some(symbol.value.wrapping_add(file.sections[to_usize(section)].address)),
        Home::Absolute => Some(symbol.value),
        _ => None,
    }
}
