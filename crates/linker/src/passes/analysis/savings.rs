//! How many instructions less than at level 1 the functions of a program execute, as a guess.
//!
//! Every block knows what level 1 executes at least whenever it runs ([`note_baseline`]); passes that join blocks add that up. What
//! a block executes at the end is counted here. The difference, as often as the block is thought to run, is what a pass
//! may spend that makes code cheaper by an instruction more.

use super::super::Options;
use super::super::nops::is_nop;
use super::loops::nexts;
use crate::ir::{Block, BlockId, Program, Terminator};
use pvm_isa::Opcode;
use pvm_num::casts::{signed_32, to_u32};
use std::rc::Rc;

/// What an instruction costs in a block outside of loops that is guessed to run once. What loops save there is not counted, which
/// is more.
const ONCE: f64 = 0.25;

/// What it costs in a loop. What was saved there may lie on another way through the loop than the one that is taken.
const IN_LOOP: f64 = 3.0;

/// Notes what level 1 executes for each block: everything but what the pass `nops` drops.
pub(crate) fn note_baseline(program: &mut Program<'_>) {
    for index in 0..program.layout.len() {
        let (id, next) = (program.layout[index], program.layout.get(index + 1).copied());
        let block = program.block(id);
        let done = block.instructions.iter().filter(|inst| !is_nop(inst, program.width)).count();
        let executed = count(done) + at_end(&block.terminator, next);
        program.blocks.set_baseline(id, executed);
    }
}

/// Instructions that a terminator becomes on every way that leaves it.
fn at_end(terminator: &Terminator, next: Option<BlockId>) -> i32 {
    match terminator {
        Terminator::Call { back, .. } if next != Some(*back) => 2,
        _ => 1,
    }
}

/// How many instructions a block executes in front of another at the end of level 2, or more.
fn executed(block: &Block<'_>, next: Option<BlockId>) -> i32 {
    let joined = match (&block.terminator, block.instructions.last()) {
        (Terminator::Jump(target), Some(last)) => {
            next != Some(*target) && last.op.opcode() == Opcode::load_imm && last.symbol.is_none()
        }
        _ => false,
    };
    count(block.instructions.len()) + at_end(&block.terminator, next) - i32::from(joined)
}

fn count(instructions: usize) -> i32 {
    signed_32(to_u32(instructions))
}

/// What is saved in a program that is laid out. Loops pay for themselves, since nobody knows how long they run.
pub(crate) struct Savings {
    /// By block: the start of the function, if there is one only.
    start: Vec<Option<BlockId>>,
    /// By block: what stands for the loop that it is in.
    loops: Rc<Vec<Option<BlockId>>>,
    /// By block that starts a function: what is saved in it outside of loops; then what is saved in blocks that several share.
    in_function: Vec<f64>,
    /// By block that stands for a loop: what is saved in it.
    in_loop: Vec<f64>,
}

impl Savings {
    /// Of the blocks in the layout.
    pub(crate) fn new(program: &Program<'_>, options: &Options) -> Savings {
        let entries = options.entries(program);
        let is_start = |id: BlockId| {
            let entry = entries[id.index()];
            entry.taken || entry.exported || entry.called
        };
        let blocks = program.blocks.len();
        let mut savings = Savings {
            start: vec![None; blocks],
            loops: options.loops(program),
            in_function: vec![0.0; blocks + 1],
            in_loop: vec![0.0; blocks],
        };
        savings.find_starts(program, is_start);
        let frequency = options.frequency(program);
        for (index, id) in program.layout.iter().enumerate() {
            let next = program.layout.get(index + 1).copied();
            let saved = program.blocks.baseline(*id) - executed(program.block(*id), next);
            *savings.of(*id) += frequency.of(*id) * f64::from(saved);
        }
        savings
    }

    /// Finds the only start that leads to each block.
    fn find_starts(&mut self, program: &Program<'_>, is_start: impl Fn(BlockId) -> bool) {
        let mut reached = vec![false; program.blocks.len()];
        for start in program.layout.iter().copied().filter(|id| is_start(*id)) {
            let mut open = vec![start];
            while let Some(id) = open.pop() {
                if std::mem::replace(&mut reached[id.index()], true) {
                    if self.start[id.index()] != Some(start) {
                        self.start[id.index()] = None;
                    }
                    continue;
                }
                self.start[id.index()] = Some(start);
                open.extend(nexts(&program.block(id).terminator).filter(|next| !is_start(*next)));
            }
        }
    }

    /// Lets a block that is guessed to run so often execute one more instruction, if its loop, or else its function, saves as much.
    pub(crate) fn pay(&mut self, block: BlockId, often: f64) -> bool {
        let price = if self.loops[block.index()].is_some() { often * IN_LOOP } else { often * ONCE };
        let saved = self.of(block);
        let is_paid = *saved >= price;
        if is_paid {
            *saved -= price;
        }
        is_paid
    }

    /// What is saved in the loop that a block is in, or in the function.
    fn of(&mut self, block: BlockId) -> &mut f64 {
        match self.loops[block.index()] {
            Some(first) => &mut self.in_loop[first.index()],
            None => &mut self.in_function[self.start[block.index()].map_or(self.start.len(), BlockId::index)],
        }
    }
}
