//! Reads the text form of a program back, for tests of passes: what [`super::text`] writes, and the contents of data.
//!
//! Sections of code are not part of the text: every block's source is the number of its line. Data sections may hold
//! characters, which the other direction does not write:
//!
//! ```text
//! ro .rodata size 8 align 8
//!   text "contents"
//! ```

use super::{
    Block, BlockId, Data, DataId, DataKind, DataRelocation, DataValue, Export, Import, ImportId, Inst, Program, Source,
    Symbolic, Target, Terminator,
};
use pvm_isa::{Format, Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{high_u32, low_u32, signed_32, unsigned_64};
use std::collections::{BTreeMap, BTreeSet};

/// A text that is not a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {at}: {kind}")]
pub struct ParseError {
    /// The cause.
    pub kind: ParseErrorKind,
    /// Number of the line, from 1.
    pub at: u32,
}

/// Causes of a [`ParseError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseErrorKind {
    /// Neither a heading nor part of one.
    #[error("unexpected line")]
    UnexpectedLine,
    /// A number that is none or too big.
    #[error("bad number")]
    BadNumber,
    /// Not the name of a register.
    #[error("bad register")]
    BadRegister,
    /// Not the name of an instruction.
    #[error("bad instruction")]
    BadOpcode,
    /// Too many or too few operands.
    #[error("wrong number of operands")]
    OperandCount,
    /// A number of a block that is too big or used twice.
    #[error("bad block")]
    BadBlock,
    /// A block that does not end, or an instruction behind its end.
    #[error("a block must end once")]
    BlockEnd,
    /// A name that is not declared.
    #[error("unknown name")]
    UnknownName,
}

use ParseErrorKind as Kind;

/// Largest number a block can have in a text.
const BLOCK_MAX: u32 = 1 << 16;

/// Reads a program.
///
/// # Errors
/// The first line that is wrong.
pub fn parse(text: &str) -> Result<Program<'_>, ParseError> {
    let mut parser = Parser {
        program: Program {
            width: if text.starts_with("// 32-bit") { Width::Narrow } else { Width::Wide },
            blocks: super::Blocks::default(),
            layout: Vec::new(),
            heat: Vec::new(),
            data: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            stack_size_min: 0,
            sections: vec!["line"],
            files: Vec::new(),
        },
        blocks: BTreeSet::new(),
        data: BTreeMap::new(),
        imports: BTreeMap::new(),
        line: 0,
        open: None,
        open_data: None,
    };
    // Names can be used before they are declared.
    for pass in [Pass::Names, Pass::Contents] {
        for (line, content) in (1..).zip(text.lines()) {
            parser.line = line;
            let content = content.split("//").next().unwrap_or_default();
            if !content.trim().is_empty() {
                parser.line(content, pass).map_err(|kind| ParseError { kind, at: line })?;
            }
        }
    }
    parser.end_block().map_err(|kind| ParseError { kind, at: parser.line })?;
    Ok(parser.program)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Names,
    Contents,
}

struct Parser<'a> {
    program: Program<'a>,
    /// What is declared, by its name: blocks, data sections, imports. Of several of a name the first stands.
    blocks: BTreeSet<BlockId>,
    data: BTreeMap<&'a str, DataId>,
    imports: BTreeMap<&'a str, ImportId>,
    line: u32,
    /// The block that has not ended.
    open: Option<BlockId>,
    /// The data section whose lines are being read, in the second reading.
    open_data: Option<usize>,
}

fn number(text: &str) -> Result<i64, Kind> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i128::from(u64::from_str_radix(digits, 16).map_err(|_| Kind::BadNumber)?),
        None => i128::from(digits.parse::<u64>().map_err(|_| Kind::BadNumber)?),
    };
    let value = if negative { -value } else { value };
    match i64::try_from(value) {
        Ok(value) => Ok(value),
        Err(_) => u64::try_from(value).map(pvm_num::casts::signed_64).map_err(|_| Kind::BadNumber),
    }
}

fn small<T: TryFrom<i64>>(text: &str) -> Result<T, Kind> {
    T::try_from(number(text)?).map_err(|_| Kind::BadNumber)
}

fn reg(text: &str) -> Result<Reg, Kind> {
    Reg::from_name(text).ok_or(Kind::BadRegister)
}

fn block(text: &str) -> Result<BlockId, Kind> {
    let number: u32 = small(text.strip_prefix('@').ok_or(Kind::BadBlock)?)?;
    if number > BLOCK_MAX { Err(Kind::BadBlock) } else { Ok(BlockId(number)) }
}

fn quoted(text: &str) -> Result<&str, Kind> {
    text.trim().strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or(Kind::UnknownName)
}

/// `"name"(inputs) -> outputs` and what follows.
fn signature(text: &str) -> Result<(&str, u8, u8, &str), Kind> {
    let (name, rest) = text.split_once('(').ok_or(Kind::UnexpectedLine)?;
    let (inputs, rest) = rest.split_once(')').ok_or(Kind::UnexpectedLine)?;
    let rest = rest.trim_start().strip_prefix("->").ok_or(Kind::UnexpectedLine)?.trim_start();
    let (outputs, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok((quoted(name)?, small(inputs)?, small(outputs)?, rest.trim()))
}

impl<'a> Parser<'a> {
    fn line(&mut self, text: &'a str, pass: Pass) -> Result<(), Kind> {
        let names = pass == Pass::Names;
        if let Some(inner) = text.strip_prefix("  ") {
            return if names { self.contents(inner.trim()) } else { self.part(inner.trim()) };
        }
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        match word {
            "import" if names => {
                let (symbol, inputs, outputs, index) = signature(rest)?;
                let index = index.strip_prefix("at ").map(small).transpose()?;
                self.imports.entry(symbol).or_insert(ImportId::new(self.program.imports.len()));
                self.program.imports.push(Import { symbol: symbol.as_bytes(), index, inputs, outputs });
            }
            "export" if !names => {
                let (symbol, inputs, outputs, place) = signature(rest)?;
                let block = self.known(place.strip_prefix("= ").ok_or(Kind::UnexpectedLine)?)?;
                self.program.exports.push(Export { symbol: symbol.as_bytes(), block, inputs, outputs });
            }
            "ro" | "rw" | "bss" if names => self.data(word, rest)?,
            "ro" | "rw" | "bss" => self.open_data = Some(self.open_data.map_or(0, |data| data + 1)),
            "import" | "export" => {}
            _ => self.heading(text.trim(), names)?,
        }
        Ok(())
    }

    fn data(&mut self, kind: &str, rest: &'a str) -> Result<(), Kind> {
        let words: Vec<&'a str> = rest.split_whitespace().collect();
        let [name, "size", size, "align", align] = words[..] else { return Err(Kind::UnexpectedLine) };
        self.data.entry(name).or_insert(DataId::new(self.program.data.len()));
        self.program.data.push(Data {
            name,
            kind: match kind {
                "ro" => DataKind::Ro,
                "rw" => DataKind::Rw,
                _ => DataKind::Bss,
            },
            bytes: &[],
            size: small(size)?,
            align: small(align)?,
            relocations: Vec::new(),
            section: 0,
            kept: true,
        });
        Ok(())
    }

    /// `@2 main:`
    fn heading(&mut self, text: &'a str, names: bool) -> Result<(), Kind> {
        let (id, label) = text
            .strip_suffix(':')
            .ok_or(Kind::UnexpectedLine)?
            .split_once(' ')
            .map_or((text.trim_end_matches(':'), None), |(id, label)| (id, Some(label)));
        let id = block(id)?;
        if !names {
            self.end_block()?;
            self.open = Some(id);
            return Ok(());
        }
        if !self.blocks.insert(id) {
            return Err(Kind::BadBlock);
        }
        let source = Source { section: 0, offset: self.line };
        let empty = |label| Block {
            source,
            label,
            instructions: Vec::new(),
            terminator: Terminator::Trap,
            terminator_source: source,
        };
        while self.program.blocks.len() <= id.index() {
            self.program.blocks.push(empty(None));
        }
        self.program.blocks[id.index()] = empty(label);
        self.program.layout.push(id);
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), Kind> {
        if self.open.take().is_some() { Err(Kind::BlockEnd) } else { Ok(()) }
    }

    /// `text "..."` of the data section declared last, in the first reading.
    fn contents(&mut self, text: &'a str) -> Result<(), Kind> {
        if let Some(contents) = text.strip_prefix("text ") {
            let data = self.program.data.last_mut().ok_or(Kind::UnexpectedLine)?;
            data.bytes = quoted(contents)?.as_bytes();
        }
        Ok(())
    }

    /// Part of a data section or of a block, in the second reading.
    fn part(&mut self, text: &'a str) -> Result<(), Kind> {
        if text.starts_with("text ") {
            return Ok(());
        }
        if text.starts_with('+') {
            return self.relocation(text);
        }
        let id = self.open.ok_or(Kind::BlockEnd)?;
        let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
        let operands: Vec<&str> = operands.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        let terminator = self.terminator(mnemonic, &operands)?;
        let source = Source { section: 0, offset: self.line };
        match terminator {
            Some(terminator) => {
                let block = &mut self.program.blocks[id.index()];
                (block.terminator, block.terminator_source) = (terminator, source);
                self.open = None;
            }
            None => {
                let (op, symbol) = self.instruction(mnemonic, &operands)?;
                self.program.blocks[id.index()].instructions.push(Inst { op, symbol, source });
            }
        }
        Ok(())
    }

    /// `+0x8: u64 &@3`.
    fn relocation(&mut self, text: &'a str) -> Result<(), Kind> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (at, size, values) = match words[..] {
            [at, size, value] => (at, size, [value, ""]),
            [at, size, plus, "-", minus] => (at, size, [plus, minus]),
            _ => return Err(Kind::OperandCount),
        };
        let offset = small(at.trim_start_matches('+').trim_end_matches(':'))?;
        let bits: u32 = small(size.strip_prefix('u').ok_or(Kind::BadNumber)?)?;
        let size = u8::try_from(bits / 8).map_err(|_| Kind::BadNumber)?;
        let value = match values {
            [value, ""] => DataValue::Address(self.target(value)?),
            [plus, minus] => DataValue::Difference { plus: self.target(plus)?, minus: self.target(minus)? },
        };
        let section = self.open_data.ok_or(Kind::UnexpectedLine)?;
        self.program.data[section].relocations.push(DataRelocation { offset, size, value });
        Ok(())
    }

    fn known(&self, text: &str) -> Result<BlockId, Kind> {
        let id = block(text)?;
        if self.blocks.contains(&id) { Ok(id) } else { Err(Kind::BadBlock) }
    }

    fn terminator(&self, mnemonic: &str, operands: &[&str]) -> Result<Option<Terminator>, Kind> {
        Ok(Some(match (mnemonic, operands) {
            ("trap", []) => Terminator::Trap,
            ("jump", [target]) => Terminator::Jump(self.known(target)?),
            ("call", [link, target, "->", back]) => {
                Terminator::Call { link: reg(link)?, target: self.known(target)?, back: self.known(back)? }
            }
            ("jump_indirect", [base, offset]) => Terminator::JumpIndirect { base: reg(base)?, offset: small(offset)? },
            ("call_indirect", [link, base, offset, "->", back]) => Terminator::CallIndirect {
                link: reg(link)?,
                base: reg(base)?,
                offset: small(offset)?,
                back: self.known(back)?,
            },
            (_, [first, second, taken, "else", otherwise]) => {
                let opcode = Opcode::from_name(mnemonic).ok_or(Kind::BadOpcode)?;
                let first = reg(first)?;
                let branch = match opcode.meaning() {
                    Meaning::Branch(_) => Instruction::with_registers(opcode, [first, reg(second)?, Reg::ra]),
                    Meaning::BranchImm(_) => {
                        Instruction::with_registers(opcode, [first, Reg::ra, Reg::ra]).with_imm1(small(second)?)
                    }
                    _ => return Err(Kind::BadOpcode),
                };
                Terminator::Branch { branch, taken: self.known(taken)?, otherwise: self.known(otherwise)? }
            }
            _ => return Ok(None),
        }))
    }

    fn instruction(&self, mnemonic: &str, operands: &[&str]) -> Result<(Instruction, Option<Symbolic>), Kind> {
        let opcode = Opcode::from_name(mnemonic).filter(|opcode| !opcode.ends_block()).ok_or(Kind::BadOpcode)?;
        let format = opcode.format();
        let immediates = match format {
            Format::None | Format::RegReg | Format::RegRegReg => 0,
            Format::ImmImm | Format::RegImmImm | Format::RegRegImmImm => 2,
            _ => 1,
        };
        let count = format.register_count();
        if operands.len() != count + immediates {
            return Err(Kind::OperandCount);
        }
        let mut regs = [Reg::ra; 3];
        for (slot, operand) in regs.iter_mut().zip(&operands[..count]) {
            *slot = reg(operand)?;
        }
        let mut op = Instruction::with_registers(opcode, regs);
        let mut symbol = None;
        if format == Format::RegImm64 {
            let value = unsigned_64(number(operands[count])?);
            op = op.with_imm1(signed_32(low_u32(value))).with_imm2(signed_32(high_u32(value)));
        } else if let [first, rest @ ..] = &operands[count..] {
            symbol = self.symbolic(first)?;
            if symbol.is_none() {
                op = op.with_imm1(small(first)?);
            }
            if let [second] = rest {
                op = op.with_imm2(small(second)?);
            }
        }
        Ok((op, symbol))
    }

    fn symbolic(&self, text: &str) -> Result<Option<Symbolic>, Kind> {
        let wrapped = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        Ok(Some(if let Some(target) = wrapped("high") {
            Symbolic::High(self.target(target)?)
        } else if let Some(target) = wrapped("low") {
            Symbolic::Low(self.target(target)?)
        } else if text == "heap_base" {
            Symbolic::HeapBase
        } else if text.starts_with('"') {
            Symbolic::Import(*self.imports.get(quoted(text)?).ok_or(Kind::UnknownName)?)
        } else if text.starts_with('&') {
            Symbolic::Address(self.target(text)?)
        } else {
            return Ok(None);
        }))
    }

    fn target(&self, text: &str) -> Result<Target, Kind> {
        let Some(name) = text.strip_prefix('&') else { return Ok(Target::Absolute(unsigned_64(number(text)?))) };
        if name.starts_with('@') {
            return self.known(name).map(Target::Code);
        }
        let (name, offset) = match name.find(['+', '-']) {
            Some(at) => (&name[..at], number(name[at..].trim_start_matches('+'))?),
            None => (name, 0),
        };
        let section = *self.data.get(name).ok_or(Kind::UnknownName)?;
        Ok(Target::Data { section, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
// 64-bit registers, stack of at least 0 bytes
import \"put\"(1) -> 0
export \"main\"(0) -> 1 = @0
ro .rodata size 16 align 8
  +0x8: u64 &@2
rw .data size 8 align 8
  +0x0: u64 &.rodata+0x8

@0 main: // line+0x9
  load_imm a0, &.data+0x4
  load_imm64 a1, 0x123456789
  add_imm_64 a0, a0, -1
  store_imm_indirect_u8 a0, 4, 1
  ecalli \"put\"
  branch_eq_imm a0, 3, @1 else @2

@1: // line+0x11
  call_indirect ra, a0, 0 -> @2

@2: // line+0x14
  jump_indirect ra, 0
";

    #[test]
    fn what_is_read_is_written_alike() {
        assert_eq!(parse(TEXT).unwrap().to_string(), TEXT);
    }

    #[test]
    fn bad_lines_are_refused() {
        for (line, kind) in [
            ("  load_imm a0, 1", Kind::BlockEnd),
            ("@0:\n  nosuch", Kind::BadOpcode),
            ("@0:\n  load_imm x9, 1", Kind::BadRegister),
            ("@0:\n  load_imm a0", Kind::OperandCount),
            ("@0:\n  load_imm a0, &.data", Kind::UnknownName),
            ("@0:\n  jump @1", Kind::BadBlock),
            ("@0:\n  load_imm a0, 0x100000000", Kind::BadNumber),
            ("@0:\n  load_imm a0, 1", Kind::BlockEnd),
            ("@70000:\n  trap", Kind::BadBlock),
            ("@0:\n  trap\n@0:\n  trap", Kind::BadBlock),
            ("@0:\n  ecalli \"nobody\"", Kind::UnknownName),
            ("something else", Kind::UnexpectedLine),
        ] {
            assert_eq!(parse(line).unwrap_err().kind, kind, "{line}");
        }
    }
}
