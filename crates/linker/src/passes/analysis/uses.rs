//! How often values are read within the block that makes them.

use super::liveness::Liveness;
use crate::ir::{BlockId, Program};
use pvm_isa::{Reg, RegSet};

/// How often the values in registers of a block are read. It is counted when it is first asked for, which for most blocks
/// is never; questions come in the order of the instructions.
#[derive(Default)]
pub(crate) struct Uses {
    /// Of each value that a register of the block holds, in the order in which they get there.
    values: Vec<Use>,
    /// The value each register holds before the instruction at `at`.
    current: [usize; 13],
    next: usize,
    at: usize,
    is_counted: bool,
    /// What is live behind each instruction, if that is known already.
    live_after: Vec<RegSet>,
}

#[derive(Clone, Copy, Default)]
struct Use {
    reads: u32,
    /// Does it come from or go to other blocks?
    crosses: bool,
}

/// A block, and what is live around it.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a, 'p> {
    pub(crate) program: &'a Program<'p>,
    pub(crate) liveness: &'a Liveness,
    pub(crate) id: BlockId,
}

impl Uses {
    /// Another block is next.
    pub(crate) fn reset(&mut self) {
        self.is_counted = false;
        self.live_after.clear();
    }

    fn count_all(&mut self, around: Around<'_, '_>) {
        let Around { program, liveness, id } = around;
        let block = program.block(id);
        self.values.clear();
        self.values.resize(13, Use { reads: 0, crosses: true });
        self.current = std::array::from_fn(|reg| reg);
        for inst in &block.instructions {
            self.count(inst.op.reads());
            for reg in inst.op.writes().iter() {
                self.current[reg.index()] = self.values.len();
                self.values.push(Use::default());
            }
        }
        let reads = block.terminator.reads();
        self.count(reads);
        for reg in liveness.before_terminator(program, id).difference(reads).iter() {
            self.values[self.current[reg.index()]].crosses = true;
        }
        self.current = std::array::from_fn(|reg| reg);
        (self.next, self.at, self.is_counted) = (13, 0, true);
    }

    fn count(&mut self, reads: RegSet) {
        reads.iter().for_each(|reg| self.values[self.current[reg.index()]].reads += 1);
    }

    /// Is the value that a register holds before an instruction, or the terminator, made and used up within the block, with
    /// so many reads at most?
    pub(crate) fn few(&mut self, around: Around<'_, '_>, at: usize, reg: Reg, max: u32) -> bool {
        if !self.is_counted {
            self.count_all(around);
        }
        for inst in &around.program.block(around.id).instructions[self.at..at] {
            for reg in inst.op.writes().iter() {
                self.current[reg.index()] = self.next;
                self.next += 1;
            }
        }
        self.at = at;
        let value = self.values[self.current[reg.index()]];
        !value.crosses && value.reads <= max
    }

    /// Live behind an instruction, by its position.
    pub(crate) fn live_after(&mut self, around: Around<'_, '_>, at: usize) -> RegSet {
        if self.live_after.is_empty() {
            let Around { program, liveness, id } = around;
            let mut live = liveness.before_terminator(program, id);
            for inst in program.block(id).instructions.iter().rev() {
                self.live_after.push(live);
                live = liveness.before(program, inst, live);
            }
            self.live_after.reverse();
        }
        self.live_after[at]
    }
}
