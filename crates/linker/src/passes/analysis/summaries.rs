//! What blocks do by themselves, whatever is around them: looked at once, and again when a block has changed.

use super::functions::may_use_stack;
use super::liveness::before;
use crate::config::Trust;
use crate::ir::{BlockId, Program, Symbolic, Target};
use pvm_isa::{Opcode, RegSet};

/// What a block does.
#[derive(Clone, Copy, Default)]
pub(crate) struct Summary {
    /// Live before its instructions, whatever is behind them.
    pub(crate) reads: RegSet,
    /// Not live before them because of what is live behind.
    pub(crate) writes: RegSet,
    /// Registers that get a new value.
    pub(crate) changes: RegSet,
    /// Is there an instruction that may save or restore a register or move the stack pointer, or a host call?
    pub(crate) uses_stack: bool,
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
                let (reads, writes) = if inst.op.opcode() == Opcode::ecalli {
                    // What is live before if nothing or everything is live behind tells what is read and not passed on.
                    let [none, all] = [RegSet::EMPTY, RegSet::ALL].map(|after| before(program, trust, inst, after));
                    summary.uses_stack = true;
                    (none, RegSet::ALL.difference(all))
                } else {
                    (inst.op.reads(), inst.op.writes())
                };
                summary.writes = summary.writes.union(writes).difference(reads);
                summary.reads = summary.reads.difference(writes).union(reads);
                summary.changes = summary.changes.union(writes);
                summary.uses_stack |= may_use_stack(inst);
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
