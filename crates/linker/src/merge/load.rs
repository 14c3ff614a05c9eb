//! Which files take part: those that are given, and what they need of the archives.
//!
//! A member of an archive is taken if it defines a symbol that a file which takes part leaves undefined, or that
//! [`Config::required_symbols`] names, or if it exports functions to the host: exports are where a program starts, and
//! nothing in the files refers to them. The order of the archives decides only which of two definitions is taken.

use super::{Input, file_error};
use crate::config::Config;
use crate::elf::{self, Binding, File, Home, whole_name};
use crate::error::{LinkError, LinkErrorKind};
use crate::limits::SYMBOL_NAMES_SIZE_MAX;
use object::read::archive::ArchiveFile;
use std::collections::{BTreeMap, BTreeSet};

/// A file that takes part.
pub(super) struct Unit<'a> {
    /// For messages; `archive(member)` for members.
    pub(super) name: Box<str>,
    pub(super) file: File<'a>,
    /// Index of the input, and of the member in an archive.
    order: (usize, usize),
}

/// A member of an archive that may be needed.
struct Member<'a> {
    name: Box<str>,
    bytes: &'a [u8],
    order: (usize, usize),
}

struct Loader<'a, 'c> {
    config: &'c Config,
    units: Vec<Unit<'a>>,
    members: Vec<Option<Member<'a>>>,
    /// The first member that defines a symbol.
    offered: BTreeMap<&'a [u8], usize>,
    defined: BTreeSet<&'a [u8]>,
    wanted: Vec<&'a [u8]>,
    /// Members that are taken anyway.
    exporting: Vec<usize>,
    names: NameBudget,
}

/// Bounds the work on names, of which a small file can have many that share their bytes.
#[derive(Default)]
pub(super) struct NameBudget(usize);

impl NameBudget {
    /// The whole name at the start of a string table's rest.
    pub(super) fn whole<'a>(&mut self, file: &str, name: &'a [u8]) -> Result<&'a [u8], LinkError> {
        let name = whole_name(name);
        self.0 += name.len();
        if self.0 > SYMBOL_NAMES_SIZE_MAX {
            return Err(file_error(file, LinkErrorKind::SymbolNamesTooLong { limit: SYMBOL_NAMES_SIZE_MAX }));
        }
        Ok(name)
    }
}

/// Reads the files; there is at least one, all are of one width and ABI, and a linked one is alone.
pub(super) fn load<'a>(inputs: &[Input<'a>], config: &Config) -> Result<Vec<Unit<'a>>, LinkError> {
    let mut loader = Loader {
        config,
        units: Vec::new(),
        members: Vec::new(),
        offered: BTreeMap::new(),
        defined: BTreeSet::new(),
        wanted: Vec::new(),
        exporting: Vec::new(),
        names: NameBudget::default(),
    };
    for (index, input) in inputs.iter().enumerate() {
        if input.bytes.starts_with(&object::archive::THIN_MAGIC) {
            return Err(file_error(input.name, LinkErrorKind::ThinArchive));
        }
        if input.bytes.starts_with(&object::archive::MAGIC) {
            loader.archive(index, input)?;
        } else {
            loader.add(input.name.into(), input.bytes, (index, 0))?;
        }
    }
    for index in std::mem::take(&mut loader.exporting) {
        loader.take(index)?;
    }
    // Files are looked into once the direct ones are all known, so that these go before any archive.
    let required = config.required_symbols.iter();
    let required: Vec<usize> = required.filter_map(|name| loader.offered.get(&**name).copied()).collect();
    for index in required {
        loader.take(index)?;
    }
    while let Some(name) = loader.wanted.pop() {
        if !loader.defined.contains(name)
            && let Some(index) = loader.offered.get(name)
        {
            loader.take(*index)?;
        }
    }
    let mut units = loader.units;
    units.sort_by_key(|unit| unit.order);
    agree(&units)?;
    Ok(units)
}

impl<'a> Loader<'a, '_> {
    fn archive(&mut self, index: usize, input: &Input<'a>) -> Result<(), LinkError> {
        let malformed = |_| file_error(input.name, LinkErrorKind::MalformedArchive);
        let archive = ArchiveFile::parse(input.bytes).map_err(malformed)?;
        for (position, member) in archive.members().enumerate() {
            let member = member.map_err(malformed)?;
            let bytes = member.data(input.bytes).map_err(malformed)?;
            let name = String::from_utf8_lossy(member.name());
            let name: Box<str> = match input.name {
                "" => name.into(),
                archive => format!("{archive}({name})").into(),
            };
            // Archives hold other files too, such as those of Rust's crates. What is no ELF file offers nothing.
            let Ok(outline) = elf::outline(bytes) else { continue };
            let number = self.members.len();
            for symbol in outline.symbols.iter().filter(|symbol| is_definition(symbol)) {
                let symbol = self.names.whole(&name, symbol.name)?;
                self.offered.entry(symbol).or_insert(number);
            }
            if outline.exports {
                self.exporting.push(number);
            }
            self.members.push(Some(Member { name, bytes, order: (index, position) }));
        }
        Ok(())
    }

    fn take(&mut self, member: usize) -> Result<(), LinkError> {
        match self.members[member].take() {
            Some(member) => self.add(member.name, member.bytes, member.order),
            None => Ok(()),
        }
    }

    fn add(&mut self, name: Box<str>, bytes: &'a [u8], order: (usize, usize)) -> Result<(), LinkError> {
        let file = elf::parse(bytes, !self.config.strip).map_err(|error| error.in_file(&name))?;
        for symbol in &file.symbols {
            if is_definition(symbol) {
                self.defined.insert(self.names.whole(&name, symbol.name)?);
            } else if symbol.home == (Home::Undefined { weak: false }) && symbol.binding == Binding::Global {
                self.wanted.push(self.names.whole(&name, symbol.name)?);
            }
        }
        self.units.push(Unit { name, file, order });
        Ok(())
    }
}

/// Does the symbol define something for other files?
pub(super) fn is_definition(symbol: &elf::Symbol<'_>) -> bool {
    symbol.binding != Binding::Local && !matches!(symbol.home, Home::Undefined { .. })
}

fn agree(units: &[Unit<'_>]) -> Result<(), LinkError> {
    let Some((first, others)) = units.split_first() else {
        return Err(file_error("", LinkErrorKind::NothingToLink));
    };
    if others.is_empty() {
        return Ok(());
    }
    for unit in units {
        let kind = if unit.file.linked {
            LinkErrorKind::LinkedAmongSeveral
        } else if unit.file.xlen != first.file.xlen {
            let [bits, other] = [unit, first].map(|unit| unit.file.xlen.bits());
            LinkErrorKind::MixedWidths { bits, first: first.name.clone(), other }
        } else if unit.file.abi != first.file.abi {
            let [abi, other] = [unit, first].map(|unit| abi_name(&unit.file));
            LinkErrorKind::MixedAbis { abi, first: first.name.clone(), other }
        } else {
            continue;
        };
        return Err(file_error(&unit.name, kind));
    }
    Ok(())
}

/// The name of an ABI as compilers take it (psABI, "Named ABIs").
fn abi_name(file: &File<'_>) -> &'static str {
    let wide = file.xlen == pvm_riscv::Xlen::Rv64;
    match (file.abi, wide) {
        (0x0, true) => "lp64",
        (0x2, true) => "lp64f",
        (0x4, true) => "lp64d",
        (0x8, true) => "lp64e",
        (0x0, false) => "ilp32",
        (0x2, false) => "ilp32f",
        (0x4, false) => "ilp32d",
        (0x8, false) => "ilp32e",
        _ => "an ABI without a name",
    }
}
