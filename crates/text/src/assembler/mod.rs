//! The assembler: from text to code, data and symbols (assembly.md 1 to 4, and the extensions of docs/assembly.md).
//!
//! ```text
//! text -> lines -> directives | labels | instructions -> items -> CodeBuilder -> Assembled
//! ```

mod directive;
pub(crate) mod instruction;
mod number;
mod operator;

pub(crate) use number::{decimal_32, hex_bytes, immediate_64, signed_decimal};

use crate::error::{AssembleError, AssembleErrorKind, Reason};
use directive::{Directive, IsaName, Label, Place};
use instruction::{Line, Target};
use pvm_isa::{Encoding, Instruction, InstructionSet};
use pvm_num::casts::{signed_32, to_u32, to_usize};
use pvm_num::limits::{CODE_SIZE_MAX, IMPORT_COUNT_MAX, JUMP_TABLE_LENGTH_MAX};
use pvm_program::{
    Code, CodeBuilder, CodeLayout, JumpTable, Program, ProgramBuilder, ProgramError, ProgramErrorKind, ProgramParts,
    Varints,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What a text does not have to say itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssembleOptions {
    /// The set of a text without `%isa`.
    pub default_set: Option<InstructionSet>,
    /// The encoding that `%isa = latest64` means in a text without `%latest64_layout`.
    pub latest64_layout: Encoding,
}

impl Default for AssembleOptions {
    fn default() -> Self {
        AssembleOptions { default_set: None, latest64_layout: Encoding::MacroBlock }
    }
}

/// An export: a name and the code offset it stands for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ExportedSymbol {
    /// The name: any bytes.
    pub symbol: Vec<u8>,
    /// The code offset.
    pub offset: u32,
}

/// An assembled text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assembled {
    /// Code, bitmask and jump table.
    pub layout: CodeLayout,
    /// Contents of the read-only data. Longer data than declared is an error of whoever makes a program of it.
    pub ro_data: Vec<u8>,
    /// Contents of the read-write data.
    pub rw_data: Vec<u8>,
    /// Declared size of the read-only data in bytes.
    pub ro_data_size: u32,
    /// Declared size of the read-write data in bytes.
    pub rw_data_size: u32,
    /// Declared size of the stack in bytes.
    pub stack_size: u32,
    /// Imports in the order of their numbers.
    pub imports: Vec<Vec<u8>>,
    /// Exports in the order they are written: `pub` labels by name, then those of `%export`.
    pub exports: Vec<ExportedSymbol>,
    /// The code offset of every label.
    pub labels: BTreeMap<String, u32>,
    /// The line of every instruction written in the text, as (code offset, line), in rising order of both.
    pub lines: Vec<(u32, u32)>,
}

impl Assembled {
    /// The instruction set.
    pub fn set(&self) -> InstructionSet {
        self.layout.set
    }

    /// The code as instructions.
    pub fn code(&self) -> Code<'_> {
        Code::new(self.layout.set, &self.layout.code, &self.layout.bitmask)
    }

    /// The program, ready to be written as a blob.
    ///
    /// # Errors
    /// Data longer than its declared size, or symbols beyond 32 bits.
    pub fn to_program(&self) -> Result<Program, ProgramError> {
        let mut builder = ProgramBuilder::new(&self.layout);
        builder.ro_data(&self.ro_data[..]).rw_data(&self.rw_data[..]).stack_size(self.stack_size);
        for symbol in &self.imports {
            builder.import(symbol);
        }
        for export in &self.exports {
            builder.export(export.offset, &export.symbol);
        }
        // The builder would make the regions as large as their data; a text has to say so.
        let parts = ProgramParts {
            ro_data_size: self.ro_data_size,
            rw_data_size: self.rw_data_size,
            ..builder.build()?.parts().clone()
        };
        Program::from_parts(parts, Varints::Strict)
    }

    /// The jump table.
    pub fn jump_table(&self) -> JumpTable<'_> {
        JumpTable::new(&self.layout.jump_table, self.layout.jump_table_entry_size)
    }
}

/// Assembles a text. `default_set` is for texts without `%isa`; `latest64` means the macro-block encoding.
///
/// # Errors
/// The first line that is wrong, or what is wrong with the whole.
pub fn assemble(text: &str, default_set: Option<InstructionSet>) -> Result<Assembled, AssembleError> {
    assemble_with(text, &AssembleOptions { default_set, ..AssembleOptions::default() })
}

/// Assembles a text with options.
///
/// # Errors
/// As [`assemble`].
pub fn assemble_with(text: &str, options: &AssembleOptions) -> Result<Assembled, AssembleError> {
    let line_count = to_u32(text.lines().count());
    let set = declared_set(text, options);
    let mut assembler = Assembler::new(set, line_count);
    for (number, line) in (1..).zip(text.lines()) {
        assembler.line(number, line.trim()).map_err(|kind| kind.at(number))?;
    }
    if set.is_none() {
        return Err(AssembleErrorKind::NoInstructionSet.at(line_count));
    }
    assembler.finish()
}

/// The set the text is for. Known before the first line is parsed, because the width of registers decides what immediates
/// mean; a malformed directive is reported when its line is.
fn declared_set(text: &str, options: &AssembleOptions) -> Option<InstructionSet> {
    let mut name: Option<IsaName> = None;
    let mut layout = options.latest64_layout;
    let declares = |line: &&str| line.starts_with("%isa") || line.starts_with("%latest64_layout");
    for line in text.lines().map(str::trim).filter(declares) {
        match directive::parse(line) {
            Some(Directive::Isa(isa)) => name = Some(isa),
            Some(Directive::Latest64Layout(encoding)) => layout = encoding,
            _ => {}
        }
    }
    match name {
        Some(name) => Some(name.with_layout(layout)),
        None => options.default_set,
    }
}

/// A label that has been seen.
struct Defined {
    /// The item it stands before.
    item: u32,
    /// The item jumps to it go to: the start of its block.
    jump_item: u32,
    line: u32,
}

/// A use of a label that is resolved when all are known.
struct Use<'a> {
    name: &'a str,
    line: u32,
}

struct Assembler<'a> {
    set: InstructionSet,
    line_count: u32,
    builder: CodeBuilder,
    /// The line of each item.
    item_lines: Vec<u32>,
    labels: BTreeMap<&'a str, Defined>,
    /// Items whose target is a label.
    jumps: Vec<(u32, Use<'a>)>,
    /// Items whose target is an offset.
    offset_jumps: Vec<u32>,
    jump_table: Vec<(Place<'a>, u32)>,
    public: BTreeMap<&'a str, ()>,
    exports: Vec<(Place<'a>, Vec<u8>, u32)>,
    /// Where the current block starts.
    block_start: u32,
    /// Does the next item start a block?
    block_ended: bool,
    ro_data: Vec<u8>,
    rw_data: Vec<u8>,
    ro_data_size: u32,
    rw_data_size: u32,
    stack_size: u32,
    imports: Vec<Vec<u8>>,
}

impl<'a> Assembler<'a> {
    fn new(set: Option<InstructionSet>, line_count: u32) -> Self {
        let set = set.unwrap_or(InstructionSet::Latest64);
        Assembler {
            set,
            line_count,
            builder: CodeBuilder::new(set),
            item_lines: Vec::new(),
            labels: BTreeMap::new(),
            jumps: Vec::new(),
            offset_jumps: Vec::new(),
            jump_table: Vec::new(),
            public: BTreeMap::new(),
            exports: Vec::new(),
            block_start: 0,
            block_ended: true,
            ro_data: Vec::new(),
            rw_data: Vec::new(),
            ro_data_size: 0,
            rw_data_size: 0,
            stack_size: 0,
            imports: Vec::new(),
        }
    }

    fn line(&mut self, number: u32, line: &'a str) -> Result<(), AssembleErrorKind> {
        if line.is_empty() || line.starts_with("//") {
            return Ok(());
        }
        if line.starts_with('%') {
            let directive = directive::parse(line).ok_or(AssembleErrorKind::BadDirective)?;
            return self.directive(number, directive);
        }
        if line.starts_with('@') || line.starts_with("pub ") {
            let unknown = || AssembleErrorKind::UnknownLine { text: line.into() };
            return self.label(number, directive::parse_label(line).ok_or_else(unknown)?);
        }
        match instruction::parse(line, self.set.width())? {
            Line::Plain(instruction) => self.push(number, instruction)?,
            Line::Jump(instruction, Target::Label(name)) => {
                self.jumps.push((self.next_item(), Use { name, line: number }));
                self.push(number, instruction)?;
            }
            Line::Jump(instruction, Target::Offset(offset)) => {
                self.offset_jumps.push(self.next_item());
                self.push(number, instruction.with_target(offset))?;
            }
            Line::Address(reg, name) => {
                self.push_jump_table(Place::Label(name), number)?;
                let address = signed_32(2 * to_u32(self.jump_table.len()));
                self.push(number, Instruction::load_imm(reg, address))?;
            }
        }
        Ok(())
    }

    fn directive(&mut self, number: u32, directive: Directive<'a>) -> Result<(), AssembleErrorKind> {
        match directive {
            Directive::Isa(_) | Directive::Latest64Layout(_) => {}
            Directive::RoDataSize(size) => self.ro_data_size = size,
            Directive::RwDataSize(size) => self.rw_data_size = size,
            Directive::StackSize(size) => self.stack_size = size,
            Directive::RoData(bytes) => self.ro_data = bytes,
            Directive::RwData(bytes) => self.rw_data = bytes,
            Directive::Import(symbol) => {
                if self.imports.len() >= to_usize(IMPORT_COUNT_MAX) {
                    return Err(AssembleErrorKind::TooLong { what: "import table", limit: IMPORT_COUNT_MAX });
                }
                self.imports.push(symbol);
            }
            Directive::Export(place, symbol) => self.exports.push((place, symbol, number)),
            Directive::JumpTable(places) => {
                for place in places {
                    self.push_jump_table(place, number)?;
                }
            }
            Directive::Raw(bytes) if bytes.is_empty() => return Err(AssembleErrorKind::BadLine(Reason::NoBytes)),
            Directive::Raw(bytes) => self.push_bytes(number, &bytes, true)?,
            Directive::Gap(_) if self.set.encoding() == Encoding::MacroBlock => {
                return Err(AssembleErrorKind::BadLine(Reason::GapWithoutBitmask));
            }
            Directive::Gap(bytes) if bytes.is_empty() => {}
            Directive::Gap(bytes) => self.push_bytes(number, &bytes, false)?,
        }
        Ok(())
    }

    fn label(&mut self, number: u32, label: Label<'a>) -> Result<(), AssembleErrorKind> {
        let Entry::Vacant(entry) = self.labels.entry(label.name) else {
            return Err(AssembleErrorKind::DuplicateLabel { name: label.name.into() });
        };
        if !self.block_ended && !label.no_fallthrough {
            self.item_lines.push(number);
            self.builder.push(Instruction::fallthrough());
            self.block_ended = true;
        }
        let item = to_u32(self.item_lines.len());
        let jump_item = if self.block_ended { item } else { self.block_start };
        entry.insert(Defined { item, jump_item, line: number });
        if label.public {
            self.public.insert(label.name, ());
        }
        Ok(())
    }

    fn next_item(&self) -> u32 {
        to_u32(self.item_lines.len())
    }

    fn push(&mut self, number: u32, instruction: Instruction) -> Result<(), AssembleErrorKind> {
        let opcode = instruction.opcode();
        if !self.set.supports(opcode) {
            return Err(AssembleErrorKind::Unavailable { opcode, set: self.set });
        }
        self.begin_item(number)?;
        self.builder.push(instruction);
        self.block_ended = opcode.ends_block();
        Ok(())
    }

    /// Bytes as they are count as ending a block: nobody else can know.
    fn push_bytes(&mut self, number: u32, bytes: &[u8], starts_instruction: bool) -> Result<(), AssembleErrorKind> {
        self.begin_item(number)?;
        self.builder.push_verbatim(bytes, starts_instruction);
        self.block_ended = true;
        Ok(())
    }

    fn begin_item(&mut self, number: u32) -> Result<(), AssembleErrorKind> {
        if self.item_lines.len() >= to_usize(CODE_SIZE_MAX) {
            return Err(code_too_long());
        }
        if self.block_ended {
            self.block_start = self.next_item();
        }
        self.item_lines.push(number);
        Ok(())
    }

    fn push_jump_table(&mut self, place: Place<'a>, number: u32) -> Result<(), AssembleErrorKind> {
        if self.jump_table.len() >= to_usize(JUMP_TABLE_LENGTH_MAX) {
            return Err(AssembleErrorKind::TooLong { what: "jump table", limit: JUMP_TABLE_LENGTH_MAX });
        }
        self.jump_table.push((place, number));
        Ok(())
    }

    fn defined(&self, name: &str, line: u32) -> Result<&Defined, AssembleError> {
        self.labels.get(name).ok_or_else(|| AssembleErrorKind::UndefinedLabel { name: name.into() }.at(line))
    }

    fn finish(mut self) -> Result<Assembled, AssembleError> {
        let at_end = |(_, label): &(&&str, &Defined)| label.item == self.next_item();
        if let Some((name, label)) = self.labels.iter().filter(at_end).min_by_key(|(_, label)| label.line) {
            return Err(AssembleErrorKind::LabelAtEnd { name: (*name).into() }.at(label.line));
        }
        for (item, jump) in &self.jumps {
            let target = self.defined(jump.name, jump.line)?.jump_item;
            self.builder.items[to_usize(*item)].target = Some(target);
        }
        let mut layout = self.builder.build().map_err(|error| self.build_error(error.kind))?;
        let jump_table = self.jump_table.iter().map(|(place, line)| match place {
            Place::Label(name) => Ok(layout.offsets[to_usize(self.defined(name, *line)?.jump_item)]),
            Place::Offset(offset) => Ok(*offset),
        });
        let jump_table = jump_table.collect::<Result<Vec<u32>, AssembleError>>()?;
        layout.set_jump_table(&jump_table);
        self.check_offset_jumps(&layout)?;

        let offset_of = |label: &Defined| layout.offsets[to_usize(label.item)];
        let mut exports = Vec::with_capacity(self.public.len() + self.exports.len());
        for name in self.public.keys() {
            let offset = offset_of(&self.labels[name]);
            exports.push(ExportedSymbol { symbol: name.as_bytes().to_vec(), offset });
        }
        for (place, symbol, line) in std::mem::take(&mut self.exports) {
            let offset = match place {
                Place::Label(name) => offset_of(self.defined(name, line)?),
                Place::Offset(offset) => offset,
            };
            exports.push(ExportedSymbol { symbol, offset });
        }
        Ok(Assembled {
            labels: self.labels.iter().map(|(name, label)| ((*name).into(), offset_of(label))).collect(),
            lines: layout.offsets.iter().copied().zip(self.item_lines).collect(),
            exports,
            layout,
            ro_data: self.ro_data,
            rw_data: self.rw_data,
            ro_data_size: self.ro_data_size,
            rw_data_size: self.rw_data_size,
            stack_size: self.stack_size,
            imports: self.imports,
        })
    }

    /// Plain offsets must be those of instructions; an engine would trap at others.
    fn check_offset_jumps(&self, layout: &CodeLayout) -> Result<(), AssembleError> {
        if self.offset_jumps.is_empty() {
            return Ok(());
        }
        let code = Code::new(layout.set, &layout.code, &layout.bitmask);
        let starts: Vec<u32> = code.iter().filter(|at| at.next > at.offset).map(|at| at.offset).collect();
        for item in &self.offset_jumps {
            let target = self.builder.items[to_usize(*item)].instruction.target();
            let offset = target.expect("only instructions with a target are recorded");
            if starts.binary_search(&offset).is_err() {
                return Err(AssembleErrorKind::NoInstructionAt { offset }.at(self.item_lines[to_usize(*item)]));
            }
        }
        Ok(())
    }

    fn build_error(&self, kind: ProgramErrorKind) -> AssembleError {
        let kind = match kind {
            ProgramErrorKind::CodeTooLong { .. } => code_too_long(),
            other => unreachable!("labels, tables and instructions were checked before: {other:?}"),
        };
        kind.at(self.line_count)
    }
}

fn code_too_long() -> AssembleErrorKind {
    AssembleErrorKind::TooLong { what: "code section", limit: CODE_SIZE_MAX }
}
