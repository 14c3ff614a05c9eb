//! `pvm run --perf-map`: names for the machine code, in the form that `perf` reads.
//!
//! A line has start, size and name: of the function that the debug information or an export names, else of the block.

use pvm::Module;
use pvm_num::casts::widen;
use pvm_program::Program;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// Where `perf` looks for the names of this process.
pub(crate) fn default_path() -> PathBuf {
    PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()))
}

/// Writes the map of a module; whether it has machine code.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write_map(module: &Module, out: &mut dyn Write) -> io::Result<bool> {
    let all =
        (module.machine_code_extent(), module.machine_code_origin(), module.program_counter_to_machine_code_offset());
    let (Some((guest, end)), Some(origin), Some(map)) = all else { return Ok(false) };
    let names = Names::new(module.blob().program());
    let mut places: Vec<(u64, u32)> = map.iter().map(|(pc, offset)| (widen(*offset), pc.0)).collect();
    places.sort_unstable();
    let mut start = 0;
    let mut name = "pvm: enter and leave".to_owned();
    for (offset, pc) in places {
        let new = names.of(pc);
        if new != name {
            line(origin, start..offset, &name, out)?;
            (start, name) = (offset, new);
        }
    }
    line(origin, start..widen(guest.end), &name, out)?;
    line(origin, widen(guest.end)..widen(end), "pvm: leave", out)?;
    out.flush()?;
    Ok(true)
}

fn line(origin: u64, range: std::ops::Range<u64>, name: &str, out: &mut dyn Write) -> io::Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    writeln!(out, "{:x} {:x} {name}", origin + range.start, range.end - range.start)
}

/// What code is called.
struct Names<'a> {
    program: &'a Program,
    exports: BTreeMap<u32, String>,
    /// Start of the block of each instruction that starts one.
    blocks: Vec<u32>,
}

impl<'a> Names<'a> {
    fn new(program: &'a Program) -> Self {
        let name = |symbol: &[u8]| shown(&String::from_utf8_lossy(symbol));
        let exports = program.exports().map(|export| (export.offset, name(export.symbol))).collect();
        let mut starts = true;
        let mut blocks = Vec::new();
        for located in program.code().iter() {
            if starts {
                blocks.push(located.offset);
            }
            starts = located.instruction.opcode().ends_block();
        }
        Names { program, exports, blocks }
    }

    fn of(&self, pc: u32) -> String {
        if let Some(function) = self.function(pc) {
            return function;
        }
        let block = self.blocks[self.blocks.partition_point(|start| *start <= pc) - 1];
        match self.exports.range(..=block).next_back() {
            Some((start, name)) if *start == block => name.clone(),
            Some((start, name)) => format!("{name}+{:#x}", block - start),
            None => format!("block {block:#x}"),
        }
    }

    /// The function that debug information says the code at `pc` lies in, whatever is inlined there.
    fn function(&self, pc: u32) -> Option<String> {
        let mut lines = self.program.get_debug_line_program_at(pc).ok()??;
        let region = lines.find(pc).ok()??;
        let name = region.frames().next()?.full_name().ok()??;
        Some(shown(&name.to_string()))
    }
}

/// A name in one line.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
