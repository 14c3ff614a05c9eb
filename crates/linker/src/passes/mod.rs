//! Passes over the intermediate form: the table of them, and the order in which the levels run them.
//!
//! ```text
//! level 0   nothing: every block and every section of the file is kept, and every block has an address
//! level 1   what no export leads to is dropped, and instructions without effect
//! level 2   everything
//! ```
//!
//! The passes of a phase run in the order of the table. Those of [`Phase::Repeat`] run in rounds until a round changes
//! nothing; the number of rounds is bounded, so that the time is linear in the size of the program times what one pass takes.
//! What runs before and after the rounds runs once: reachability first, so that what follows looks only at code that
//! stays; last what only chooses between equal programs, and would undo what the rounds normalise.
//!
//! Passes keep the invariants that [`crate::ir`] lists; builds with assertions check them after every application.

pub(crate) mod analysis;
mod coalesce;
mod constants;
mod copies;
mod dce;
mod forms;
mod frames;
mod fuse;
mod if_convert;
mod inline;
mod layout;
mod nops;
mod noreturn;
mod options;
mod peephole;
mod reachability;
mod reuse;
mod select;
mod slots;
mod tail_merge;
mod thread;
mod unlikely;
mod verify;

use analysis::savings::note_baseline;
pub(crate) use options::Options;
pub use select::{PassSelection, UnknownPass};

use crate::config::Config;
use crate::ir::{BlockId, Program};
use pvm_isa::{Encoding, InstructionSet};

/// What is known of a pass without running it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PassInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The lowest level that runs it.
    pub level: u8,
    /// Does it run in rounds, until nothing changes?
    pub repeats: bool,
}

/// One application of a pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Application {
    /// Name of the pass.
    pub pass: &'static str,
    /// Did it change anything?
    pub changed: bool,
}

/// When a pass runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Once, before the others.
    First,
    /// In rounds, until nothing changes.
    Repeat,
    /// Once, after the others.
    Last,
}

struct Pass {
    info: PassInfo,
    phase: Phase,
    /// Returns whether it changed anything.
    run: fn(&mut Program<'_>, &Options) -> bool,
}

/// Most rounds of the passes that repeat. Programs of compilers settle in fewer; the rest of a chain that needs more stays
/// as it is.
const ROUNDS_MAX: u32 = 5;
/// More than the logarithm of any frequency.
const HEAT_OF_LOOP: u8 = 64;
/// The rounds end when one, the first excepted, makes the program smaller by less than this part of it.
const SETTLED: usize = 256;

const fn pass(
    name: &'static str,
    level: u8,
    phase: Phase,
    run: fn(&mut Program<'_>, &Options) -> bool,
    about: &'static str,
) -> Pass {
    let repeats = matches!(phase, Phase::Repeat);
    Pass { info: PassInfo { name, about, level, repeats }, phase, run }
}

/// THE list of passes, in the order in which they run.
const PASSES: &[Pass] = &[
    pass("reachability", 1, Phase::First, reachability::run, "drop code and data that no export leads to"),
    pass("nops", 1, Phase::Repeat, nops::run, "drop instructions that change nothing"),
    pass("noreturn", 2, Phase::Repeat, noreturn::run, "call functions that never return by a jump"),
    pass("thread", 2, Phase::Repeat, thread::run, "follow jumps to jumps and merge blocks"),
    pass("inline", 2, Phase::Repeat, inline::run, "inline tiny functions and those with one caller"),
    pass("slots", 2, Phase::Repeat, slots::run, "take what a stack frame holds from registers"),
    pass("constants", 2, Phase::Repeat, constants::run, "write known values into the instructions that use them"),
    pass("copies", 2, Phase::Repeat, copies::run, "read registers rather than their copies"),
    pass("peephole", 2, Phase::Repeat, peephole::run, "one instruction for pairs of them"),
    pass("if_convert", 2, Phase::Repeat, if_convert::run, "conditional moves for branches around an assignment"),
    pass("frames", 2, Phase::Repeat, frames::run, "drop saves, restores and stack frames that nothing needs"),
    pass("dce", 2, Phase::Repeat, dce::run, "drop instructions whose results nobody reads"),
    pass("prune", 2, Phase::Repeat, reachability::run, "drop what the passes before it made unreachable"),
    pass("coalesce", 2, Phase::Last, coalesce::run, "compute results where they are copied to"),
    pass("tail_merge", 2, Phase::Last, tail_merge::run, "share code of blocks that do the same"),
    pass("reuse", 2, Phase::Last, reuse::run, "take values from registers that hold them"),
    pass("layout", 2, Phase::Last, layout::run, "order blocks so that control falls through"),
    pass("fuse", 2, Phase::Last, fuse::run, "load immediates where a jump can do it"),
    pass("unlikely", 2, Phase::Last, unlikely::run, "mark blocks that make branches to them cheap"),
];

/// All passes, in the order in which they run.
pub fn passes() -> impl Iterator<Item = PassInfo> {
    PASSES.iter().map(|pass| pass.info)
}

/// Runs the passes that a configuration selects.
pub(crate) fn run(program: &mut Program<'_>, config: &Config, set: InstructionSet) -> Vec<Application> {
    let mut runner = Runner {
        program,
        config,
        options: Options::new(config, set),
        done: Vec::new(),
        changes: 0,
        idle: [None; PASSES.len()],
        last_runs: [0; PASSES.len()],
    };
    runner.phase(Phase::First);
    note_baseline(runner.program);
    for round in 0..ROUNDS_MAX {
        let before = size(runner.program);
        if !runner.phase(Phase::Repeat) {
            break;
        }
        if round > 0 && before.saturating_sub(size(runner.program)) < before / SETTLED {
            break;
        }
    }
    runner.phase(Phase::Last);
    if config.opt_level >= 2 && set.encoding() == Encoding::MacroBlock {
        runner.program.heat = heat(runner.program, &runner.options);
    }
    runner.done
}

/// By block, how often it is thought to run, as a power of two; blocks in loops are more than all others.
fn heat(program: &Program<'_>, options: &Options) -> Vec<u8> {
    let (frequency, loops) = (options.frequency(program), options.loops(program));
    let of = |(index, first): (usize, &Option<BlockId>)| {
        let mut heat = if first.is_some() { HEAT_OF_LOOP } else { 0 };
        let mut often = frequency.of(BlockId::new(index));
        while often >= 2.0 {
            (often, heat) = (often / 2.0, heat + 1);
        }
        heat
    };
    loops.iter().enumerate().map(of).collect()
}

/// Instructions of a program.
fn size(program: &Program<'_>) -> usize {
    program.blocks_in_order().map(|(_, block)| block.instructions.len() + 1).sum()
}

struct Runner<'r, 'a> {
    program: &'r mut Program<'a>,
    config: &'r Config,
    options: Options,
    done: Vec<Application>,
    /// How many applications have changed something.
    changes: u32,
    /// By pass: the number of changes at which it had nothing to do. Until there are more, it has not.
    idle: [Option<u32>; PASSES.len()],
    /// By pass: when it ran last.
    last_runs: [u32; PASSES.len()],
}

impl Runner<'_, '_> {
    /// Runs the passes of a phase once each.
    fn phase(&mut self, phase: Phase) -> bool {
        let mut any = false;
        for (index, pass) in PASSES.iter().enumerate() {
            let limit = self.config.stop_after.map_or(usize::MAX, pvm_num::casts::to_usize);
            let selected = pass.phase == phase && self.config.passes.selects(index, self.config.opt_level);
            if !selected || self.done.len() >= limit || self.idle[index] == Some(self.changes) {
                continue;
            }
            let last_run = std::mem::replace(&mut self.last_runs[index], self.program.blocks.tick());
            self.options.start(last_run);
            let changed = (pass.run)(self.program, &self.options);
            if cfg!(debug_assertions) {
                verify::verify(self.program, pass.info.name);
            }
            self.done.push(Application { pass: pass.info.name, changed });
            if changed {
                self.changes += 1;
                self.options.changed(&pass.info);
            } else {
                self.idle[index] = Some(self.changes);
            }
            any |= changed;
        }
        any
    }
}
