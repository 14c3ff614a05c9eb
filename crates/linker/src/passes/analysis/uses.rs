//! How often values are read within the block that makes them.

use super::liveness::Liveness;
use crate::ir::{BlockId, Inst, Program};
use pvm_isa::{Reg, RegSet};

/// How often the values in registers are read.
pub(crate) struct Uses {
    /// Of each value that a register of the block holds, in the order in which they get there.
    values: Vec<Use>,
    /// The value each register holds.
    current: [usize; 13],
    next: usize,
    /// What is live behind each instruction.
    live_after: Vec<RegSet>,
}

#[derive(Clone, Copy, Default)]
struct Use {
    reads: u32,
    /// Does it come from or go to other blocks?
    crosses: bool,
}

impl Uses {
    /// Of a block, nothing of which has been looked at yet.
    pub(crate) fn new(program: &Program<'_>, liveness: &Liveness, id: BlockId) -> Uses {
        let block = program.block(id);
        let mut live = liveness.before_terminator(program, id);
        let at_end = live.difference(block.terminator.reads());
        let mut live_after = Vec::with_capacity(block.instructions.len());
        for inst in block.instructions.iter().rev() {
            live_after.push(live);
            live = liveness.before(program, inst, live);
        }
        live_after.reverse();
        let entering = Use { reads: 0, crosses: true };
        let mut uses =
            Uses { values: vec![entering; 13], current: std::array::from_fn(|reg| reg), next: 13, live_after };
        for inst in &block.instructions {
            uses.count(inst.op.reads());
            for reg in inst.op.writes().iter() {
                uses.current[reg.index()] = uses.values.len();
                uses.values.push(Use::default());
            }
        }
        uses.count(block.terminator.reads());
        for reg in at_end.iter() {
            uses.values[uses.current[reg.index()]].crosses = true;
        }
        uses.current = std::array::from_fn(|reg| reg);
        uses
    }

    fn count(&mut self, reads: RegSet) {
        reads.iter().for_each(|reg| self.values[self.current[reg.index()]].reads += 1);
    }

    /// The instruction has been looked at.
    pub(crate) fn advance(&mut self, inst: &Inst) {
        for reg in inst.op.writes().iter() {
            self.current[reg.index()] = self.next;
            self.next += 1;
        }
    }

    /// Is the value that a register holds made and used up within the block, with so many reads at most?
    pub(crate) fn few(&self, reg: Reg, max: u32) -> bool {
        let value = self.values[self.current[reg.index()]];
        !value.crosses && value.reads <= max
    }

    /// Live behind an instruction, by its position.
    pub(crate) fn live_after(&self, at: usize) -> RegSet {
        self.live_after[at]
    }
}
