//! Imports and exports.

use crate::ProgramCounter;
use std::fmt;

/// The name of an import or export: arbitrary bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgramSymbol<T>(T);

impl<T: AsRef<[u8]>> ProgramSymbol<T> {
    /// The symbol with this name.
    pub fn new(bytes: T) -> Self {
        ProgramSymbol(bytes)
    }

    /// Its name.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Its name.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<T: AsRef<[u8]>> PartialEq<str> for ProgramSymbol<T> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<'a, T: AsRef<[u8]>> PartialEq<&'a str> for ProgramSymbol<T> {
    fn eq(&self, other: &&'a str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

/// In quotes if it is readable, else in hexadecimal.
impl<T: AsRef<[u8]>> fmt::Display for ProgramSymbol<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(text) => write!(f, "'{text}'"),
            Err(_) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// A place in the code that the program offers to its host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProgramExport<T> {
    program_counter: ProgramCounter,
    symbol: ProgramSymbol<T>,
}

impl<T: AsRef<[u8]>> ProgramExport<T> {
    /// The export of this place under this name.
    pub fn new(program_counter: ProgramCounter, symbol: ProgramSymbol<T>) -> Self {
        ProgramExport { program_counter, symbol }
    }

    /// Where it starts.
    pub fn program_counter(&self) -> ProgramCounter {
        self.program_counter
    }

    /// Its name.
    pub fn symbol(&self) -> &ProgramSymbol<T> {
        &self.symbol
    }
}

impl<T: AsRef<[u8]>> PartialEq<str> for ProgramExport<T> {
    fn eq(&self, other: &str) -> bool {
        self.symbol == *other
    }
}

impl<'a, T: AsRef<[u8]>> PartialEq<&'a str> for ProgramExport<T> {
    fn eq(&self, other: &&'a str) -> bool {
        self.symbol == **other
    }
}

/// What the program wants from its host, by number of `ecalli`. Entries that are not readable are none.
#[derive(Clone, Copy, Debug)]
pub struct Imports<'a>(pub(super) pvm_program::Imports<'a>);

impl<'a> Imports<'a> {
    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.0.len()
    }

    /// The import with number `index`, if it exists and is readable.
    pub fn get(&self, index: u32) -> Option<ProgramSymbol<&'a [u8]>> {
        self.0.get(index).map(ProgramSymbol)
    }

    /// All of them in order.
    pub fn iter(&self) -> ImportsIter<'a> {
        ImportsIter { imports: *self, index: 0 }
    }
}

impl<'a> IntoIterator for Imports<'a> {
    type Item = Option<ProgramSymbol<&'a [u8]>>;
    type IntoIter = ImportsIter<'a>;

    fn into_iter(self) -> ImportsIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Imports<'a> {
    type Item = Option<ProgramSymbol<&'a [u8]>>;
    type IntoIter = ImportsIter<'a>;

    fn into_iter(self) -> ImportsIter<'a> {
        self.iter()
    }
}

/// Iterates over [`Imports`].
#[derive(Clone, Debug)]
pub struct ImportsIter<'a> {
    imports: Imports<'a>,
    index: u32,
}

impl<'a> Iterator for ImportsIter<'a> {
    type Item = Option<ProgramSymbol<&'a [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.imports.len() {
            return None;
        }
        let import = self.imports.get(self.index);
        self.index += 1;
        Some(import)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.imports.len() - self.index).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}
