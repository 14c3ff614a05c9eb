//! `pvm disasm --native`: each instruction of the guest with the machine code that it became.
//!
//! ```text
//! @2 (gas: 5)                                            block, what it costs
//!      9: a0 = a0 + a1                                    instruction of the guest by code offset
//!             1c0: 4801f7               add rdi,rsi       native ones by their offset in the machine code
//! ```
//!
//! Instructions that became native ones together stand above these together. What an instruction was moved out of its way for
//! stands behind all others.

use crate::failure::{Failure, Outcome};
use crate::input::Loaded;
use clap::ValueEnum;
use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter, Mnemonic, Register};
use pvm_compiler::{Check, Features, Map, Scratch, compile};
use pvm_gas::Rule;
use pvm_isa::display::Options;
use pvm_num::casts::{low_u32, to_usize};
use pvm_program::Program;
use pvm_vmctx::CONTEXT_SIZE;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;

/// Processors to compile for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Cpu {
    /// Whatever any x86-64 can do
    Baseline,
    /// What this machine can do
    Host,
    /// BMI1, BMI2, LZCNT and POPCNT as well
    Full,
}

impl Cpu {
    fn features(self) -> Features {
        match self {
            Cpu::Baseline => Features::BASELINE,
            Cpu::Full => Features::ALL,
            #[cfg(target_arch = "x86_64")]
            Cpu::Host => Features::of_host(),
            #[cfg(not(target_arch = "x86_64"))]
            Cpu::Host => Features::ALL,
        }
    }
}

/// A listing of machine code, ready to be written.
pub(crate) struct Listing<'a> {
    program: &'a Program,
    text: Vec<u8>,
    map: Map,
    /// Numbers of blocks and what each costs, by code offset.
    blocks: BTreeMap<u32, (u32, u32)>,
    is_metered: bool,
    /// Code offsets of instructions by where they are entered.
    entries: Vec<(u32, u32)>,
}

impl<'a> Listing<'a> {
    /// Compiles a program.
    ///
    /// # Errors
    /// If it cannot be compiled so.
    pub(crate) fn new(loaded: &'a Loaded, gas: Option<&Rule>, cpu: Cpu) -> Outcome<Self> {
        let program = &loaded.program;
        let code = program.code();
        let (gas_rule, mut scratch) = (gas.map(|rule| (rule, Check::Coarse)), Scratch::default());
        let output = compile(code, program.jump_table(), gas_rule, cpu.features(), &mut scratch)
            .map_err(|error| Failure::input(&loaded.name, error))?;
        let blocks = gas.unwrap_or(&Rule::Simple).blocks(code).zip(0..);
        let blocks = blocks.map(|((offset, cost), number)| (offset, (number, cost))).collect();
        // What has no place of its own is part of the group before it.
        let mut group = output.map().guest().start;
        let mut entries = Vec::new();
        for located in code.iter() {
            group = output.map().at(located.offset).unwrap_or(group);
            entries.push((group, located.offset));
        }
        entries.sort_unstable();
        let text = output.text().to_vec();
        Ok(Listing { program, text, map: output.into_map(), blocks, is_metered: gas.is_some(), entries })
    }

    /// Writes the listing.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let code = self.program.code();
        let guest = self.map.guest();
        let text = self.end();
        writeln!(out, "// Code size = {} bytes", code.len())?;
        writeln!(out, "// Machine code = {} bytes, those of instructions {}", text, guest.end - guest.start)?;
        let mut natives = Natives { text: &self.text, formatter: formatter() };
        writeln!(out, "\n// entering and leaving")?;
        natives.write(0..guest.start, out)?;
        let mut late = false;
        for (index, (offset, pc)) in self.entries.iter().enumerate() {
            if *offset >= guest.end && !late {
                writeln!(out, "\n// out of the way")?;
                late = true;
            }
            self.instruction(*pc, out)?;
            let next = self.entries.get(index + 1).map_or(u32::MAX, |(next, _)| *next);
            if next != *offset {
                let limit = if *offset < guest.end { guest.end } else { text };
                natives.write(*offset..next.min(limit), out)?;
            }
        }
        if !late {
            writeln!(out, "\n// out of the way")?;
            natives.write(guest.end..text, out)?;
        }
        out.flush()
    }

    /// Where the machine code ends and its padding starts.
    fn end(&self) -> u32 {
        let guest = self.map.guest();
        let late = &self.text[to_usize(guest.end)..];
        let decoder = Decoder::with_ip(64, late, u64::from(guest.end), DecoderOptions::NONE);
        let last = decoder.into_iter().filter(|instruction| instruction.mnemonic() != Mnemonic::Nop).last();
        last.map_or(guest.end, |last| low_u32(last.next_ip()))
    }

    fn instruction(&self, pc: u32, out: &mut dyn Write) -> io::Result<()> {
        let code = self.program.code();
        if let Some((number, cost)) = self.blocks.get(&pc) {
            write!(out, "\n@{number}")?;
            match self.is_metered {
                true => writeln!(out, " (gas: {cost})")?,
                false => writeln!(out)?,
            }
        }
        let options = Options { width: code.set().width(), ..Options::default() };
        match code.instruction_at(pc) {
            Some(located) => writeln!(out, "{pc:>6}: {}", located.instruction.display(options)),
            None => writeln!(out, "{pc:>6}:"),
        }
    }
}

/// Writes machine code.
struct Natives<'a> {
    text: &'a [u8],
    formatter: IntelFormatter,
}

impl Natives<'_> {
    fn write(&mut self, range: Range<u32>, out: &mut dyn Write) -> io::Result<()> {
        let bytes = &self.text[to_usize(range.start)..to_usize(range.end)];
        let mut text = String::new();
        for instruction in Decoder::with_ip(64, bytes, u64::from(range.start), DecoderOptions::NONE) {
            text.clear();
            self.formatter.format(&instruction, &mut text);
            // The context lies before the segment's base.
            let distance = instruction.memory_displacement64().wrapping_neg();
            if instruction.memory_segment() == Register::GS && distance <= u64::from(CONTEXT_SIZE) {
                text = text.replacen(&format!("{:#x}", distance.wrapping_neg()), &format!("-{distance:#x}"), 1);
            }
            let start = to_usize(low_u32(instruction.ip()));
            let shown = &self.text[start..start + instruction.len()];
            let hex: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(out, "{start:>16x}: {hex:<24} {text}")?;
        }
        Ok(())
    }
}

fn formatter() -> IntelFormatter {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_signed_memory_displacements(true);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    formatter
}
