//! Listings for people: one line per instruction, one per block.

use super::map::{self, Blocks, Entry, Numbered, Pointers};
use super::{DisassembleOptions, Format, Hex, Source, source_lines, write_header};
use crate::symbol::{Escaped, Shortened};
use pvm_isa::Opcode;
use pvm_isa::display::Options;
use pvm_num::casts::{to_usize, unsigned_32};
use pvm_program::Located;
use std::fmt;

/// Columns of the bytes.
const RAW_BYTES_WIDTH: usize = 24;

pub(super) struct Listing<'a, 'b> {
    source: &'a Source<'a>,
    options: &'a DisassembleOptions,
    blocks: Blocks,
    entries: Pointers<Entry>,
    exports: Pointers<Numbered<'a>>,
    out: &'b mut dyn fmt::Write,
}

impl<'a, 'b> Listing<'a, 'b> {
    pub(super) fn new(source: &'a Source<'a>, options: &'a DisassembleOptions, out: &'b mut dyn fmt::Write) -> Self {
        let exports = if options.show_exports { &source.exports[..] } else { &[] };
        Listing {
            blocks: Blocks::new(source.code),
            entries: map::entries(&source.jump_table),
            exports: map::exports(exports, &source.jump_table),
            source,
            options,
            out,
        }
    }

    pub(super) fn write(mut self) -> fmt::Result {
        if self.options.show_header {
            write_header(self.source, self.blocks.instruction_count(), self.out)?;
        }
        let mut costs = self.options.gas.as_ref().map(|rule| rule.blocks(self.source.code));
        let mut lines = source_lines(self.source, self.options);
        for located in self.source.code.iter() {
            match self.blocks.number(located.offset) {
                Some(number) => {
                    let cost = costs.as_mut().and_then(Iterator::next).map(|(_, cost)| cost);
                    self.block(number, located.offset, cost)?;
                }
                None => self.exports_within_block(located.offset)?,
            }
            if let Some(line) = lines.as_mut().and_then(|lines| lines.at(located.offset)) {
                let margin = if self.options.show_offsets { "      : " } else { "" };
                writeln!(self.out, "{margin}// {line}")?;
            }
            self.instruction(&located)?;
        }
        Ok(())
    }

    fn diff_friendly(&self) -> bool {
        self.options.format == Format::DiffFriendly
    }

    fn block(&mut self, number: u32, offset: u32, cost: Option<u32>) -> fmt::Result {
        let table = &self.source.jump_table;
        let (entries, exports) = (self.entries.at(offset, table), self.exports.at(offset, table));
        if self.options.format == Format::DiffFriendly {
            self.out.write_str("@_:")?;
            for Numbered(_, export) in exports {
                write!(self.out, " [export: '{}']", Escaped(export.symbol))?;
            }
            return self.out.write_str("\n");
        }
        self.out.write_str(if self.options.show_offsets { "      : " } else { "" })?;
        write!(self.out, "@{number}")?;
        for Entry(index) in entries {
            write!(self.out, " [@dyn {}]", index + 1)?;
        }
        for export in exports {
            write!(self.out, " {export}")?;
        }
        if let Some(cost) = cost {
            write!(self.out, " (gas: {cost})")?;
        }
        self.out.write_str("\n")
    }

    /// Exports may point anywhere; those at an instruction within a block get a line of their own.
    fn exports_within_block(&mut self, offset: u32) -> fmt::Result {
        let exports = self.exports.at(offset, &self.source.jump_table);
        if exports.is_empty() {
            return Ok(());
        }
        self.out.write_str(if self.options.show_offsets { "      :" } else { "//" })?;
        for export in exports {
            match self.options.format {
                Format::DiffFriendly => write!(self.out, " [export: '{}']", Escaped(export.1.symbol))?,
                _ => write!(self.out, " {export}")?,
            }
        }
        self.out.write_str("\n")
    }

    fn instruction(&mut self, located: &Located) -> fmt::Result {
        let diff_friendly = self.diff_friendly();
        match (self.options.show_offsets, diff_friendly) {
            (true, true) => write!(self.out, "{:>6}: ", "_")?,
            (true, false) => write!(self.out, "{:6}: ", located.offset)?,
            (false, _) => {}
        }
        if self.options.show_raw_bytes && !diff_friendly {
            let bytes = &self.source.code.bytes()[to_usize(located.offset)..to_usize(located.next)];
            write!(self.out, "{}", Hex(bytes))?;
            let width = (3 * bytes.len()).saturating_sub(1);
            write!(self.out, "{:1$} ", "", RAW_BYTES_WIDTH.saturating_sub(width))?;
        }
        let (blocks, offset_targets) = (&self.blocks, self.options.offset_targets);
        let target = |target: u32, f: &mut fmt::Formatter<'_>| match blocks.number(target) {
            Some(number) if !offset_targets => write!(f, "@{number}"),
            _ => write!(f, "{target}"),
        };
        let display = located.instruction.display(Options {
            width: self.source.code.set().width(),
            unaliased: self.options.unaliased,
            numbered_registers: self.options.numbered_registers,
            style: self.options.style,
            target: Some(&target),
        });
        match diff_friendly {
            true => {
                let mut out = WithoutNumbers { out: self.out, within: Within::Nothing };
                fmt::Write::write_fmt(&mut out, format_args!("{display}"))?;
            }
            false => write!(self.out, "{display}")?,
        }
        if located.instruction.opcode() == Opcode::ecalli {
            self.import(unsigned_32(located.instruction.imm1()))?;
        }
        self.out.write_str("\n")
    }

    fn import(&mut self, index: u32) -> fmt::Result {
        let Some(imports) = self.source.imports else { return Ok(()) };
        match imports.get(index) {
            Some(symbol) => write!(self.out, " // '{}'", Shortened(symbol)),
            None => self.out.write_str(" // INVALID"),
        }
    }
}

impl fmt::Display for Numbered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[export #{}: '{}']", self.0, Escaped(self.1.symbol))
    }
}

/// Replaces numbers by `_`. Digits within a word, such as those of `a0` and `i32`, are not numbers.
struct WithoutNumbers<'a> {
    out: &'a mut dyn fmt::Write,
    within: Within,
}

/// What the last character was part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Word,
    Number,
}

impl fmt::Write for WithoutNumbers<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            self.within = match self.within {
                Within::Number if char.is_ascii_alphanumeric() => continue,
                Within::Nothing | Within::Number if char.is_ascii_digit() => {
                    self.out.write_char('_')?;
                    Within::Number
                }
                _ => {
                    self.out.write_char(char)?;
                    if char.is_ascii_alphanumeric() { Within::Word } else { Within::Nothing }
                }
            };
        }
        Ok(())
    }
}
