//! What blocks do by themselves, whatever is around them: looked at once, and again when a block has changed.

use super::liveness::before;
use crate::config::Trust;
use crate::ir::{BlockId, Program, Symbolic, Target};
use pvm_isa::RegSet;

/// What a block does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Summary {
    /// Live before its instructions, whatever is behind them.
    pub(crate) reads: RegSet,
    /// Not live before them because of what is live behind.
    pub(crate) writes: RegSet,
    /// Does an instruction name the address of code?
    pub(crate) names_code: bool,
}

/// What each block does.
#[derive(Default)]
pub(crate) struct Summaries {
    all: Vec<Summary>,
    /// When the program was looked at last.
    time: u32,
}

impl Summaries {
    /// Looks at the blocks of the layout that may have changed since.
    pub(crate) fn refresh(&mut self, program: &Program<'_>, trust: Trust) {
        self.all.resize(program.blocks.len(), Summary::default());
        for id in program.layout.iter().filter(|id| program.blocks.changed_at(**id) >= self.time) {
            let mut summary = Summary::default();
            for inst in program.block(*id).instructions.iter().rev() {
                // What is live before if nothing or everything is live behind tells what is read and what is not passed on.
                let none = before(program, trust, inst, RegSet::EMPTY);
                let all = before(program, trust, inst, RegSet::ALL);
                summary.writes = summary.writes.union(RegSet::ALL.difference(all)).difference(none);
                summary.reads = summary.reads.intersection(all).union(none);
                summary.names_code |=
                    inst.symbol.and_then(Symbolic::target).is_some_and(|target| matches!(target, Target::Code(_)));
            }
            self.all[id.index()] = summary;
        }
        self.time = program.blocks.now();
    }

    /// Of a block.
    pub(crate) fn of(&self, block: BlockId) -> Summary {
        self.all[block.index()]
    }
}
