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
mod constants;
mod copies;
mod dce;
mod forms;
mod frames;
mod inline;
mod layout;
mod nops;
mod noreturn;
mod reachability;
mod select;
mod thread;
mod unlikely;
mod verify;

pub use select::{PassSelection, UnknownPass};

use crate::config::{Config, Optimize, Trust};
use crate::ir::Program;
use pvm_isa::InstructionSet;

/// What is known of a pass without running it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PassInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The lowest level that runs it.
    pub level: u8,
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

/// What passes know beside the program.
#[allow(dead_code, reason = "what only some kinds of passes ask for")]
pub(crate) struct Options {
    /// The instruction set that the program is for.
    pub(crate) set: InstructionSet,
    pub(crate) optimize: Optimize,
    pub(crate) trust: Trust,
}

/// Most rounds of the passes that repeat. Programs of compilers settle in fewer; the rest of a chain that needs more stays
/// as it is.
const ROUNDS_MAX: u32 = 8;

const fn pass(
    name: &'static str,
    level: u8,
    phase: Phase,
    run: fn(&mut Program<'_>, &Options) -> bool,
    about: &'static str,
) -> Pass {
    Pass { info: PassInfo { name, about, level }, phase, run }
}

/// THE list of passes, in the order in which they run.
const PASSES: &[Pass] = &[
    pass("reachability", 1, Phase::First, reachability::run, "drop code and data that no export leads to"),
    pass("nops", 1, Phase::Repeat, nops::run, "drop instructions that change nothing"),
    pass("noreturn", 2, Phase::Repeat, noreturn::run, "call functions that never return by a jump"),
    pass("thread", 2, Phase::Repeat, thread::run, "follow jumps to jumps and merge blocks"),
    pass("inline", 2, Phase::Repeat, inline::run, "inline tiny functions and those with one caller"),
    pass("constants", 2, Phase::Repeat, constants::run, "write known values into the instructions that use them"),
    pass("copies", 2, Phase::Repeat, copies::run, "read registers rather than their copies"),
    pass("frames", 2, Phase::Repeat, frames::run, "drop saves, restores and stack frames that nothing needs"),
    pass("dce", 2, Phase::Repeat, dce::run, "drop instructions whose results nobody reads"),
    pass("prune", 2, Phase::Repeat, reachability::run, "drop what the passes before it made unreachable"),
    pass("layout", 2, Phase::Last, layout::run, "order blocks so that control falls through"),
    pass("unlikely", 2, Phase::Last, unlikely::run, "mark blocks that make branches to them cheap"),
];

/// All passes, in the order in which they run.
pub fn passes() -> impl Iterator<Item = PassInfo> {
    PASSES.iter().map(|pass| pass.info)
}

/// Runs the passes that a configuration selects.
pub(crate) fn run(program: &mut Program<'_>, config: &Config, set: InstructionSet) -> Vec<Application> {
    let options = Options { set, optimize: config.optimize, trust: config.trust };
    let mut runner = Runner { program, config, options, done: Vec::new() };
    runner.phase(Phase::First);
    for _ in 0..ROUNDS_MAX {
        if !runner.phase(Phase::Repeat) {
            break;
        }
    }
    runner.phase(Phase::Last);
    runner.done
}

struct Runner<'r, 'a> {
    program: &'r mut Program<'a>,
    config: &'r Config,
    options: Options,
    done: Vec<Application>,
}

impl Runner<'_, '_> {
    /// Runs the passes of a phase once each.
    fn phase(&mut self, phase: Phase) -> bool {
        let mut any = false;
        for (index, pass) in PASSES.iter().enumerate() {
            let limit = self.config.stop_after.map_or(usize::MAX, pvm_num::casts::to_usize);
            let selected = pass.phase == phase && self.config.passes.selects(index, self.config.opt_level);
            if !selected || self.done.len() >= limit {
                continue;
            }
            let changed = (pass.run)(self.program, &self.options);
            if cfg!(debug_assertions) {
                verify::verify(self.program, pass.info.name);
            }
            self.done.push(Application { pass: pass.info.name, changed });
            any |= changed;
        }
        any
    }
}
