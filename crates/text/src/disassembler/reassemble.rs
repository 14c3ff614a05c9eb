//! Listings for the assembler: text that becomes the same code again, byte by byte.
//!
//! An instruction is written as text only if the assembler turns that text into its bytes; all others, and bytes that are no
//! instruction, are written as they are (`%raw`, `%gap`). One thing about a jump's bytes is not a matter of its own text: the
//! assembler looks for the smallest layout, and a jump over a distance that its own size decides may be longer than
//! that. So the plan's layout is foreseen and compared before anything is written.

use super::layout::Layout;
use super::map::{self, Blocks, Numbered, Pointers};
use super::{DisassembleOptions, Hex, Source, source_lines, write_header};
use crate::assembler::instruction::{Line, parse};
use crate::symbol::{Escaped, Shortened};
use pvm_isa::display::{Options, Style};
use pvm_isa::{Encoding, InstructionSet, Opcode, encode};
use pvm_num::casts::{to_usize, unsigned_32};
use pvm_program::{Code, Export, Located};
use std::fmt::{self, Write as _};

/// Jump table entries in a line.
const ENTRIES_PER_LINE: u32 = 16;
/// Rounds in which the sizes of jumps may settle before all jumps are written as bytes.
const ROUNDS_MAX: u32 = 40;

pub(super) struct Listing<'a, 'b> {
    source: &'a Source<'a>,
    options: &'a DisassembleOptions,
    blocks: Blocks,
    plan: Plan,
    exports: Pointers<Numbered<'a>>,
    out: &'b mut dyn fmt::Write,
}

/// Which instructions are written as bytes: one bit for each, by number.
pub(super) struct Plan(Vec<u64>);

impl Plan {
    fn new(code: Code<'_>, blocks: &Blocks) -> Self {
        let mut plan = Plan(vec![0; to_usize(blocks.instruction_count().div_ceil(64))]);
        let mut text = String::new();
        let mut jumps = false;
        for (number, located) in numbered(code) {
            let bytes = &code.bytes()[to_usize(located.offset)..to_usize(located.next)];
            if !is_canonical(code, blocks, &located, bytes) || !reads_back(code, &located, &mut text) {
                plan.set(number);
            } else {
                jumps |= located.instruction.target().is_some();
            }
        }
        if !jumps {
            return plan; // nothing depends on the layout
        }
        let mut rounds = ROUNDS_MAX;
        loop {
            let mut layout = Layout::new(code, blocks, &plan);
            if !layout.settle(&mut rounds) {
                break;
            }
            if layout.is_that_of_the_code() {
                return plan;
            }
            let different = layout.different_jumps();
            if different.iter().all(|word| *word == 0) {
                break;
            }
            plan.0.iter_mut().zip(different).for_each(|(word, more)| *word |= more);
        }
        for (number, located) in numbered(code) {
            if located.instruction.target().is_some() {
                plan.set(number);
            }
        }
        plan
    }

    fn set(&mut self, number: u32) {
        self.0[to_usize(number / 64)] |= 1 << (number % 64);
    }

    pub(super) fn is_bytes(&self, number: u32) -> bool {
        self.0[to_usize(number / 64)] >> (number % 64) & 1 != 0
    }
}

/// Instructions with their numbers, without the implicit one at the end.
fn numbered(code: Code<'_>) -> impl Iterator<Item = (u32, Located)> {
    (0..).zip(code.iter().filter(|located| located.next > located.offset))
}

/// Does the assembler encode the instruction to these bytes? Its target must be a block, which has a label.
fn is_canonical(code: Code<'_>, blocks: &Blocks, located: &Located, bytes: &[u8]) -> bool {
    located.instruction.target().is_none_or(|target| blocks.number(target).is_some())
        && encode(code.set(), located.offset, &located.instruction).is_some_and(|encoded| &encoded[..] == bytes)
}

/// Does the assembler read the text as this instruction? Not if it stores an immediate wider than memory.
fn reads_back(code: Code<'_>, located: &Located, text: &mut String) -> bool {
    let width = code.set().width();
    let target = |_, f: &mut fmt::Formatter<'_>| f.write_str("@");
    let options = Options { width, style: Style::Exact, target: Some(&target), ..Options::default() };
    text.clear();
    write!(text, "{}", located.instruction.display(options)).expect("strings take everything");
    match parse(text, width) {
        Ok(Line::Plain(instruction)) => instruction == located.instruction,
        Ok(Line::Jump(instruction, _)) => instruction == located.instruction.with_target(0),
        Ok(Line::Address(..)) | Err(_) => false,
    }
}

/// Does an instruction start at `offset`, where one is listed? Not where it was injected into a gap.
fn is_marked(code: Code<'_>, offset: u32) -> bool {
    match code.set().encoding() {
        Encoding::MacroBlock => true,
        Encoding::Bitmask => code.bitmask().get(to_usize(offset / 8)).is_some_and(|bits| bits >> (offset % 8) & 1 != 0),
    }
}

impl<'a, 'b> Listing<'a, 'b> {
    pub(super) fn new(source: &'a Source<'a>, options: &'a DisassembleOptions, out: &'b mut dyn fmt::Write) -> Self {
        let blocks = Blocks::new(source.code);
        let labelled = options.show_exports && are_labels(&source.exports, &blocks);
        let exports = if labelled { &source.exports[..] } else { &[] };
        let plan = Plan::new(source.code, &blocks);
        Listing { exports: map::exports(exports, &source.jump_table), plan, blocks, source, options, out }
    }

    pub(super) fn write(mut self) -> fmt::Result {
        if self.options.show_header {
            write_header(self.source, self.blocks.instruction_count(), self.out)?;
        }
        self.directives()?;
        let mut costs = self.options.gas.as_ref().map(|rule| rule.blocks(self.source.code));
        let mut lines = source_lines(self.source, self.options);
        for (number, located) in numbered(self.source.code) {
            let block = self.blocks.number(located.offset);
            if let Some(block) = block {
                let cost = costs.as_mut().and_then(Iterator::next).map(|(_, cost)| cost);
                self.remarks(located.offset, cost)?;
                writeln!(self.out, "@{block}:")?;
            }
            let within_block = if block.is_some() { "" } else { " %no_fallthrough" };
            for Numbered(_, export) in self.exports.at(located.offset, &self.source.jump_table) {
                writeln!(self.out, "pub @{}:{within_block}", Escaped(export.symbol))?;
            }
            if let Some(line) = lines.as_mut().and_then(|lines| lines.at(located.offset)) {
                writeln!(self.out, "    // {line}")?;
            }
            self.instruction(number, &located)?;
        }
        Ok(())
    }

    fn directives(&mut self) -> fmt::Result {
        let source = self.source;
        let set = source.code.set();
        writeln!(self.out, "%isa = {set}")?;
        match set {
            InstructionSet::Latest64 => self.out.write_str("%latest64_layout = macro_block\n")?,
            InstructionSet::Latest64Bitmask => self.out.write_str("%latest64_layout = bitmask\n")?,
            _ => {}
        }
        let sizes = [
            ("ro_data_size", source.ro_data_size),
            ("rw_data_size", source.rw_data_size),
            ("stack_size", source.stack_size),
        ];
        for (name, size) in sizes.into_iter().filter(|(_, size)| *size != 0) {
            writeln!(self.out, "%{name} = {size}")?;
        }
        let data = [("ro_data", source.ro_data), ("rw_data", source.rw_data)];
        for (name, bytes) in data.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            writeln!(self.out, "%{name} = {}", Hex(bytes))?;
        }
        for symbol in source.imports.iter().flat_map(|imports| imports.iter()) {
            writeln!(self.out, "%import = \"{}\"", Escaped(symbol.unwrap_or_default()))?;
        }
        for (index, offset) in (0..).zip(source.jump_table.iter()) {
            self.out.write_str(match index % ENTRIES_PER_LINE {
                0 if index == 0 => "%jump_table = ",
                0 => "\n%jump_table = ",
                _ => " ",
            })?;
            match self.blocks.number(offset) {
                Some(number) => write!(self.out, "@{number}")?,
                None => write!(self.out, "{offset}")?,
            }
        }
        if !source.jump_table.is_empty() {
            self.out.write_str("\n")?;
        }
        if self.options.show_exports && !are_labels(&source.exports, &self.blocks) {
            for export in &source.exports {
                writeln!(self.out, "%export = {} \"{}\"", export.offset, Escaped(export.symbol))?;
            }
        }
        self.out.write_str("\n")
    }

    /// A comment about a block, since nothing may stand behind its label.
    fn remarks(&mut self, offset: u32, cost: Option<u32>) -> fmt::Result {
        match (self.options.show_offsets, cost) {
            (true, Some(cost)) => writeln!(self.out, "// offset {offset}, gas {cost}"),
            (true, None) => writeln!(self.out, "// offset {offset}"),
            (false, Some(cost)) => writeln!(self.out, "// gas {cost}"),
            (false, None) => Ok(()),
        }
    }

    fn instruction(&mut self, number: u32, located: &Located) -> fmt::Result {
        let code = self.source.code;
        let blocks = &self.blocks;
        let target = |target: u32, f: &mut fmt::Formatter<'_>| match blocks.number(target) {
            Some(number) => write!(f, "@{number}"),
            None => write!(f, "{target}"),
        };
        let text = located.instruction.display(Options {
            width: code.set().width(),
            unaliased: self.options.unaliased,
            numbered_registers: self.options.numbered_registers,
            style: Style::Exact,
            target: Some(&target),
        });
        if self.plan.is_bytes(number) {
            if located.instruction.opcode() != Opcode::invalid {
                writeln!(self.out, "    // {text}")?;
            }
            let name = if is_marked(code, located.offset) { "raw" } else { "gap" };
            let bytes = &code.bytes()[to_usize(located.offset)..to_usize(located.next)];
            return writeln!(self.out, "    %{name} = {}", Hex(bytes));
        }
        write!(self.out, "    {text}")?;
        if located.instruction.opcode() == Opcode::ecalli
            && let Some(imports) = self.source.imports
            && let Some(symbol) = imports.get(unsigned_32(located.instruction.imm1()))
        {
            write!(self.out, " // '{}'", Shortened(symbol))?;
        }
        self.out.write_str("\n")
    }
}

/// Can labels stand for all exports? They must be in order, as the assembler sorts labels, and stand before instructions,
/// and their names must be plain words that are not the numbers of blocks.
fn are_labels(exports: &[Export<'_>], blocks: &Blocks) -> bool {
    let plain = |name: &[u8]| {
        name.first().is_some_and(|byte| !byte.is_ascii_digit())
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
    };
    exports.is_sorted_by(|a, b| a.symbol < b.symbol)
        && exports.iter().all(|export| plain(export.symbol) && blocks.instruction_number(export.offset).is_some())
}
