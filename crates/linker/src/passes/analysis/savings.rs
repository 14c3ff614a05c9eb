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

/// What an instruction costs in a block that is guessed to run once: more in a loop, since loops run for longer than guesses
/// dare say, and less elsewhere, since the savings of loops are guessed too low by as much.
const IN_LOOP: f64 = 6.0;
const ONCE: f64 = 0.25;

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

/// What is saved in a program that is laid out.
pub(crate) struct Savings {
    /// By block: the start of the function, if there is one only.
    start: Vec<Option<BlockId>>,
    /// By block: can control come back to it?
    in_loop: Rc<Vec<bool>>,
    /// By block that starts a function: what is saved in it; then what is saved in blocks that several share.
    saved: Vec<f64>,
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
        let mut savings =
            Savings { start: vec![None; blocks], in_loop: options.in_loops(program), saved: vec![0.0; blocks + 1] };
        savings.find_starts(program, is_start);
        let frequency = options.frequency(program);
        for (index, id) in program.layout.iter().enumerate() {
            let start = savings.start[id.index()].map_or(blocks, BlockId::index);
            let next = program.layout.get(index + 1).copied();
            let saved = program.blocks.baseline(*id) - executed(program.block(*id), next);
            savings.saved[start] += frequency.of(*id) * f64::from(saved);
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

    /// Lets a block that is guessed to run so often execute one more instruction, if its function saves as much.
    pub(crate) fn pay(&mut self, block: BlockId, often: f64) -> bool {
        let start = self.start[block.index()].map_or(self.start.len(), BlockId::index);
        let price = often * if self.in_loop[block.index()] { IN_LOOP } else { ONCE };
        let saved = &mut self.saved[start];
        let is_paid = *saved >= price;
        if is_paid {
            *saved -= price;
        }
        is_paid
    }
}
