//! Test cases: an assembly text with what to set up, what to do and what to expect (assembly.md 6).
//!
//! Lines that start in the first column with one of three words belong to the case; all others are the program:
//!
//! ```text
//! pre:  REG = immX | gas = i64
//! step: run | map RO|RW START..END | write ADDRESS HEXBYTES | REG = immX | gas = i64
//! post: REG = immX | gas = i64 | pc = @LABEL[k]
//!     | status = halt|panic|page-fault|out-of-gas|ecalli | page-fault-address = ADDRESS | hostcall = u32
//!     | memory ADDRESS = HEXBYTES
//! ```
//!
//! The last two lines are our own; they say what the JSON vectors of assembly.md 7 say. So is `step: gas`, and that `pre:` and `post:` take
//! several of theirs, separated by commas (`pc` as the last). The program is `jam_v1` unless it names another set, starts at
//! the export `main`, and ends at the export `expected_exit` if there is one.

use crate::assembler::{
    AssembleOptions, Assembled, assemble_with, decimal_32, hex_bytes, immediate_64, signed_decimal,
};
use crate::error::AssembleError;
use pvm_isa::{InstructionSet, Reg};
use pvm_num::casts::to_u32;
use pvm_num::limits::{PAGE_SIZE_MIN, REGISTER_COUNT};
use std::ops::Range;
use thiserror::Error;

/// Gas of a case that names none.
pub const GAS_DEFAULT: i64 = 10_000;

/// A test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The program.
    pub program: Assembled,
    /// The code offset to start at.
    pub start: u32,
    /// Registers before the first step.
    pub regs: [u64; REGISTER_COUNT],
    /// Gas before the first step.
    pub gas: i64,
    /// What to do, in order; never empty.
    pub steps: Vec<Step>,
    /// What must hold after the last step.
    pub expected: Expected,
}

/// Something to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Run until an exit.
    Run,
    /// Map zeroed pages.
    Map {
        /// May the guest write to them?
        writable: bool,
        /// Addresses, both multiples of 4096.
        range: Range<u32>,
    },
    /// Write to memory, also to pages the guest may not write to.
    Write {
        /// Where.
        address: u32,
        /// What.
        bytes: Vec<u8>,
    },
    /// Set a register.
    SetReg(Reg, u64),
    /// Set the gas.
    SetGas(i64),
}

/// What must hold at the end. An absent field is not checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expected {
    /// The program counter.
    pub pc: u32,
    /// The gas left.
    pub gas: Option<i64>,
    /// Registers.
    pub regs: Vec<(Reg, u64)>,
    /// How the last run ended.
    pub status: Option<Status>,
    /// The page that faulted.
    pub page_fault_address: Option<u32>,
    /// The host call asked for.
    pub hostcall: Option<u32>,
    /// Memory contents by address.
    pub memory: Vec<(u32, Vec<u8>)>,
}

/// How a run ended, in the words of the JSON vectors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Status {
    Halt,
    Panic,
    PageFault,
    OutOfGas,
    Ecalli,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 5] = [Status::Halt, Status::Panic, Status::PageFault, Status::OutOfGas, Status::Ecalli];

    /// The name in JSON vectors.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Halt => "halt",
            Status::Panic => "panic",
            Status::PageFault => "page-fault",
            Status::OutOfGas => "out-of-gas",
            Status::Ecalli => "ecalli",
        }
    }
}

/// Why a text is no test case.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line}: {kind}")]
pub struct CaseError {
    /// The cause.
    pub kind: CaseErrorKind,
    /// The line, from 1 on; the number of lines if it concerns the case as a whole.
    pub line: u32,
}

/// Causes of a [`CaseError`].
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CaseErrorKind {
    /// The program does not assemble.
    #[error("{0}")]
    Program(AssembleError),
    /// A line of the case that the syntax does not know.
    #[error("neither a setting nor an action nor an expectation")]
    BadLine,
    /// Pages to map must be whole.
    #[error("a mapping must go from one multiple of {PAGE_SIZE_MIN} to a greater one")]
    BadRange,
    /// No export has the name.
    #[error("the program has no export \"{name}\"")]
    NoExport {
        /// The name.
        name: String,
    },
    /// There are not that many instructions behind the label.
    #[error("no instruction {index} after the export")]
    NoInstruction {
        /// How many instructions behind.
        index: u32,
    },
}

/// A `pc = @LABEL[k]`, resolved once the program is assembled.
struct Place<'a> {
    label: &'a str,
    index: u32,
    line: u32,
}

impl Case {
    /// Parses a case; its program is `jam_v1` unless it names another set.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Case, CaseError> {
        let default_set = Some(InstructionSet::JamV1);
        Case::parse_with(text, &AssembleOptions { default_set, ..AssembleOptions::default() })
    }

    /// Parses a case whose program is assembled with options.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse_with(text: &str, options: &AssembleOptions) -> Result<Case, CaseError> {
        let line_count = to_u32(text.lines().count());
        let mut program_text = String::with_capacity(text.len());
        let (mut regs, mut gas) = ([0; REGISTER_COUNT], GAS_DEFAULT);
        let (mut steps, mut expected, mut place) = (Vec::new(), Expected::default(), None);
        for (number, line) in (1..).zip(text.lines()) {
            let parsed = if let Some(rest) = line.strip_prefix("pre:") {
                rest.split(',').try_for_each(|part| setting(part.trim(), &mut regs, &mut gas))
            } else if let Some(rest) = line.strip_prefix("step:") {
                step(rest.trim()).map(|step| steps.push(step))
            } else if let Some(rest) = line.strip_prefix("post:") {
                expectations(rest, number, &mut expected, &mut place)
            } else {
                program_text.push_str(line);
                Ok(())
            };
            parsed.map_err(|kind| CaseError { kind, line: number })?;
            program_text.push('\n');
        }
        if steps.is_empty() {
            steps.push(Step::Run);
        }
        let program = assemble_with(&program_text, options)
            .map_err(|error| CaseError { line: error.line, kind: CaseErrorKind::Program(error) })?;
        let whole = |kind| CaseError { kind, line: line_count };
        let start = export(&program, "main").map_err(whole)?;
        expected.pc = match place {
            Some(Place { label, index, line }) => {
                let at_line = |kind| CaseError { kind, line };
                let from = export(&program, label).map_err(at_line)?;
                let mut instructions = program.code().iter_from(from);
                let kind = CaseErrorKind::NoInstruction { index };
                instructions.nth(pvm_num::casts::to_usize(index)).ok_or(at_line(kind))?.offset
            }
            None => export(&program, "expected_exit").unwrap_or(program.code().len()),
        };
        Ok(Case { program, start, regs, gas, steps, expected })
    }
}

fn export(program: &Assembled, name: &str) -> Result<u32, CaseErrorKind> {
    let found = program.exports.iter().find(|export| export.symbol == name.as_bytes());
    found.map(|export| export.offset).ok_or_else(|| CaseErrorKind::NoExport { name: name.into() })
}

type Parsed<T> = Result<T, CaseErrorKind>;

/// `NAME = VALUE`
fn equation(text: &str) -> Parsed<(&str, &str)> {
    let (name, value) = text.split_once('=').ok_or(CaseErrorKind::BadLine)?;
    Ok((name.trim(), value.trim()))
}

fn register(text: &str) -> Parsed<(Reg, u64)> {
    let (name, value) = equation(text)?;
    let reg = Reg::from_name(name).ok_or(CaseErrorKind::BadLine)?;
    Ok((reg, immediate_64(value).ok_or(CaseErrorKind::BadLine)?))
}

fn setting(text: &str, regs: &mut [u64; REGISTER_COUNT], gas: &mut i64) -> Parsed<()> {
    match equation(text)? {
        ("gas", value) => *gas = signed_decimal(value).ok_or(CaseErrorKind::BadLine)?,
        _ => {
            let (reg, value) = register(text)?;
            regs[reg.index()] = value;
        }
    }
    Ok(())
}

fn address(text: &str) -> Parsed<u32> {
    let value = immediate_64(text.trim()).ok_or(CaseErrorKind::BadLine)?;
    u32::try_from(value).map_err(|_| CaseErrorKind::BadLine)
}

fn step(text: &str) -> Parsed<Step> {
    if text == "run" {
        return Ok(Step::Run);
    }
    if let Some(rest) = text.strip_prefix("map ") {
        let (kind, range) = rest.trim().split_once(' ').ok_or(CaseErrorKind::BadLine)?;
        let writable = match kind {
            "RW" => true,
            "RO" => false,
            _ => return Err(CaseErrorKind::BadLine),
        };
        let (start, end) = range.split_once("..").ok_or(CaseErrorKind::BadLine)?;
        let range = address(start)?..address(end)?;
        let whole = |address: u32| address.is_multiple_of(PAGE_SIZE_MIN);
        if range.is_empty() || !whole(range.start) || !whole(range.end) {
            return Err(CaseErrorKind::BadRange);
        }
        return Ok(Step::Map { writable, range });
    }
    if let Some(rest) = text.strip_prefix("write ") {
        let (at, bytes) = rest.trim().split_once(' ').ok_or(CaseErrorKind::BadLine)?;
        return Ok(Step::Write { address: address(at)?, bytes: hex_bytes(bytes).ok_or(CaseErrorKind::BadLine)? });
    }
    if let ("gas", value) = equation(text)? {
        return Ok(Step::SetGas(signed_decimal(value).ok_or(CaseErrorKind::BadLine)?));
    }
    let (reg, value) = register(text)?;
    Ok(Step::SetReg(reg, value))
}

fn expectations<'a>(
    mut text: &'a str,
    line: u32,
    expected: &mut Expected,
    place: &mut Option<Place<'a>>,
) -> Parsed<()> {
    loop {
        text = text.trim();
        // A label may contain anything, commas as well.
        if let Some(rest) = text.strip_prefix("pc = @") {
            *place = Some(label(rest, line)?);
            return Ok(());
        }
        let (part, rest) = text.split_once(',').map_or((text, None), |(part, rest)| (part, Some(rest)));
        expectation(part.trim_end(), expected)?;
        match rest {
            Some(rest) => text = rest,
            None => return Ok(()),
        }
    }
}

fn expectation(text: &str, expected: &mut Expected) -> Parsed<()> {
    let (name, value) = equation(text)?;
    let bad = || CaseErrorKind::BadLine;
    match name {
        "gas" => expected.gas = Some(signed_decimal(value).ok_or_else(bad)?),
        "status" => {
            let status = Status::ALL.into_iter().find(|status| status.name() == value);
            expected.status = Some(status.ok_or_else(bad)?);
        }
        "page-fault-address" => expected.page_fault_address = Some(address(value)?),
        "hostcall" => expected.hostcall = Some(decimal_32(value).ok_or_else(bad)?),
        _ => match name.strip_prefix("memory ") {
            Some(at) => expected.memory.push((address(at)?, hex_bytes(value).ok_or_else(bad)?)),
            None => expected.regs.push(register(text)?),
        },
    }
    Ok(())
}

/// Behind `pc = @`: `LABEL[k]` or `LABEL`.
fn label(text: &str, line: u32) -> Parsed<Place<'_>> {
    match text.strip_suffix(']') {
        Some(rest) => {
            let (label, index) = rest.rsplit_once('[').ok_or(CaseErrorKind::BadLine)?;
            Ok(Place { label, index: decimal_32(index).ok_or(CaseErrorKind::BadLine)?, line })
        }
        None => Ok(Place { label: text, index: 0, line }),
    }
}
