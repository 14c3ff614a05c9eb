//! `pvm stats`: how often each instruction occurs, how long blocks are, and where the bytes of the code go.

use crate::failure::Outcome;
use crate::input::{InputArgs, Loaded};
use crate::output::{print_json, write_stdout};
use clap::Args;
use pvm_isa::{Encoding, Format, Opcode};
use pvm_num::casts::widen;
use pvm_program::{Code, Instructions, Located};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;

/// Arguments of `pvm stats`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm stats program.polkavm
  pvm stats hello.elf --why-big
  pvm stats hello.elf --json | jq '.opcodes[:5]'")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Tell which functions, sections and crates the bytes belong to instead
    #[arg(long)]
    why_big: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Counts.
///
/// # Errors
/// If the program cannot be read.
pub(crate) fn stats(args: &StatsArgs) -> Outcome {
    if args.why_big {
        crate::why_big::why_big(&args.input, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = Report::new(&args.input.load()?);
    match args.json {
        true => print_json(&report)?,
        false => write_stdout(report.to_string().as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A basic block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    /// Number of its instructions.
    pub(crate) instructions: u64,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// Iterator over the blocks of a code. The `invalid` that stands behind a code which can run off its end is left out.
pub(crate) struct Blocks<'a> {
    instructions: Instructions<'a>,
    length: u32,
}

impl<'a> Blocks<'a> {
    /// All blocks in order.
    pub(crate) fn new(code: Code<'a>) -> Self {
        Blocks { instructions: code.iter(), length: code.len() }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let mut block = Block { instructions: 0, bytes: 0 };
        for located in self.instructions.by_ref().take_while(|located| located.offset < self.length) {
            block.instructions += 1;
            block.bytes += widen(located.next - located.offset);
            if located.instruction.opcode().ends_block() {
                break;
            }
        }
        (block.instructions > 0).then_some(block)
    }
}

#[derive(Serialize)]
struct Report {
    file: String,
    instruction_set: &'static str,
    encoding: &'static str,
    code_bytes: u32,
    instructions: u64,
    blocks: u64,
    jump_table_entries: u32,
    /// Most frequent first.
    opcodes: Vec<OpcodeCount>,
    /// By length of the instruction.
    instruction_lengths: Vec<Count>,
    /// By bytes of its immediates.
    immediate_lengths: Vec<Count>,
    /// By number of instructions, in ranges up to powers of two.
    block_sizes: Vec<Range>,
}

#[derive(Serialize)]
struct OpcodeCount {
    name: &'static str,
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Count {
    length: u64,
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Range {
    from: u64,
    to: u64,
    blocks: u64,
    instructions: u64,
}

/// How many, and how many bytes together.
#[derive(Clone, Copy, Default)]
struct Tally {
    count: u64,
    sum: u64,
}

impl Tally {
    fn add(&mut self, amount: u64) {
        self.count += 1;
        self.sum += amount;
    }
}

impl Report {
    fn new(loaded: &Loaded) -> Report {
        let program = &loaded.program;
        let code = program.code();
        let mut opcodes: BTreeMap<Opcode, Tally> = BTreeMap::new();
        let mut lengths: BTreeMap<u64, Tally> = BTreeMap::new();
        let mut immediates: BTreeMap<u64, Tally> = BTreeMap::new();
        for located in code.iter().take_while(|located| located.offset < code.len()) {
            let size = widen(located.next - located.offset);
            let opcode = located.instruction.opcode();
            opcodes.entry(opcode).or_default().add(size);
            lengths.entry(size).or_default().add(size);
            if opcode != Opcode::invalid {
                let length = immediate_length(code, &located);
                immediates.entry(length).or_default().add(length);
            }
        }
        let mut sizes: BTreeMap<u32, Tally> = BTreeMap::new();
        for block in Blocks::new(code) {
            sizes.entry(block.instructions.next_power_of_two().ilog2()).or_default().add(block.instructions);
        }
        let mut opcodes: Vec<OpcodeCount> = opcodes
            .into_iter()
            .map(|(opcode, tally)| OpcodeCount { name: opcode.name(), count: tally.count, bytes: tally.sum })
            .collect();
        opcodes.sort_by(|a, b| b.count.cmp(&a.count).then(a.name.cmp(b.name)));
        let counts = |map: BTreeMap<u64, Tally>| {
            map.into_iter().map(|(length, tally)| Count { length, count: tally.count, bytes: tally.sum }).collect()
        };
        Report {
            file: loaded.name.clone(),
            instruction_set: program.set().name(),
            encoding: match program.set().encoding() {
                Encoding::Bitmask => "bitmask",
                Encoding::MacroBlock => "macro blocks",
            },
            code_bytes: code.len(),
            instructions: opcodes.iter().map(|opcode| opcode.count).sum(),
            blocks: sizes.values().map(|tally| tally.count).sum(),
            jump_table_entries: program.jump_table().len(),
            opcodes,
            instruction_lengths: counts(lengths),
            immediate_lengths: counts(immediates),
            block_sizes: sizes
                .into_iter()
                .map(|(power, tally)| Range {
                    from: if power == 0 { 1 } else { (1 << (power - 1)) + 1 },
                    to: 1 << power,
                    blocks: tally.count,
                    instructions: tally.sum,
                })
                .collect(),
        }
    }
}

/// Bytes of an instruction that are neither opcode nor registers nor the lengths of immediates.
fn immediate_length(code: Code<'_>, located: &Located) -> u64 {
    let at = pvm_num::casts::to_usize(located.offset);
    let opcode_bytes = match (code.set().encoding(), code.bytes()[at]) {
        (Encoding::MacroBlock, 0xff) => 2,
        _ => 1,
    };
    let fixed = match located.instruction.opcode().format() {
        Format::None | Format::Imm | Format::Offset => 0,
        Format::ImmImm | Format::RegImm | Format::RegImm64 | Format::RegImmImm | Format::RegImmOffset => 1,
        Format::RegReg | Format::RegRegImm | Format::RegRegOffset => 1,
        Format::RegRegImmImm | Format::RegRegReg => 2,
    };
    widen(located.next - located.offset).saturating_sub(opcode_bytes + fixed)
}

/// A share in tenths of a percent, as text.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let tenths = (part * 1000 + whole / 2).checked_div(whole).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, {})", self.file, self.instruction_set, self.encoding)?;
        writeln!(
            f,
            "{} instructions in {} blocks, {} bytes of code, {} jump table entries",
            self.instructions, self.blocks, self.code_bytes, self.jump_table_entries
        )?;
        let bytes: u64 = self.opcodes.iter().map(|opcode| opcode.bytes).sum();
        writeln!(f, "\n{:<36} {:>9} {:>7} {:>10}", "opcode", "count", "", "bytes")?;
        for OpcodeCount { name, count, bytes: size } in &self.opcodes {
            let (of_all, of_bytes) = (percent(*count, self.instructions), percent(*size, bytes));
            writeln!(f, "{name:<36} {count:>9} {of_all:>7} {size:>10} {of_bytes:>7}")?;
        }
        for (title, counts) in [("length", &self.instruction_lengths), ("immediate bytes", &self.immediate_lengths)] {
            writeln!(f, "\n{title:<36} {:>9} {:>7} {:>10}", "count", "", "bytes")?;
            for Count { length, count, bytes } in counts {
                writeln!(f, "{length:<36} {count:>9} {:>7} {bytes:>10}", percent(*count, self.instructions))?;
            }
        }
        writeln!(f, "\n{:<36} {:>9} {:>7} {:>12}", "instructions in a block", "blocks", "", "instructions")?;
        for Range { from, to, blocks, instructions } in &self.block_sizes {
            let range = if from == to { from.to_string() } else { format!("{from} to {to}") };
            writeln!(f, "{range:<36} {blocks:>9} {:>7} {instructions:>12}", percent(*blocks, self.blocks))?;
        }
        if self.opcodes.is_empty() {
            writeln!(f, "(no code)")?;
        }
        Ok(())
    }
}
