//! Symbols: what a program imports from the host and exports to it.

use crate::error::Part;
use crate::varint::{Reader, Varints, u32_at};
use pvm_num::casts::{to_u32, to_usize, widen};

/// The imports, numbered as `ecalli` numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imports<'a> {
    offsets: &'a [u8],
    symbols: &'a [u8],
}

impl<'a> Imports<'a> {
    /// `offsets` are little-endian `u32`, the start of each symbol in `symbols`.
    pub const fn new(offsets: &'a [u8], symbols: &'a [u8]) -> Self {
        Imports { offsets, symbols }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        to_u32(self.offsets.len() / 4)
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The symbol of import `index`; none if there is no such import or its offsets are unusable. A symbol is any bytes,
    /// often UTF-8; an empty one fills a hole in the numbering.
    pub fn get(&self, index: u32) -> Option<&'a [u8]> {
        let start = u32_at(self.offsets, to_usize(index))?;
        let end = match index.checked_add(1).and_then(|next| u32_at(self.offsets, to_usize(next))) {
            Some(end) => to_usize(end),
            None => self.symbols.len(),
        };
        self.symbols.get(to_usize(start)..end)
    }

    /// All symbols in order, none for unreadable ones.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let imports = *self;
        (0..imports.len()).map(move |index| imports.get(index))
    }
}

/// An entry point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Export<'a> {
    /// Where it starts; not checked against the code.
    pub offset: u32,
    /// Its name: any bytes, often UTF-8.
    pub symbol: &'a [u8],
}

/// The exports in order. Ends at the first malformed record: exports are read when asked for, not when a blob is parsed.
#[derive(Clone, Debug)]
pub struct Exports<'a> {
    reader: Reader<'a>,
    left: u32,
}

impl<'a> Exports<'a> {
    pub(crate) fn new(payload: &'a [u8], varints: Varints) -> Self {
        let mut reader = Reader::new(payload, Part::File, varints);
        let left = reader.varint().unwrap_or(0);
        Exports { reader, left }
    }
}

impl<'a> Iterator for Exports<'a> {
    type Item = Export<'a>;

    fn next(&mut self) -> Option<Export<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut read = || {
            let offset = self.reader.varint()?;
            let length = self.reader.varint()?;
            Ok(Export { offset, symbol: self.reader.take(widen(length))? })
        };
        let export: Result<_, crate::ProgramError> = read();
        if export.is_err() {
            self.left = 0;
        }
        export.ok()
    }
}
