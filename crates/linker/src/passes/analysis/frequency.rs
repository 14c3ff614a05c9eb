//! How often blocks run, as far as their shape tells: a guess for choices that are right either way.
//!
//! Branches that lead to nothing but a trap are all but never taken, those that go back in a loop mostly are, equality is
//! rarer than its opposite. Frequencies flow along successors, calls and returns in a fixed number of sweeps; a sweep does
//! not wait for loops to settle, so that time is linear in the size of the program.

use super::edges::{Entry, walk};
use super::flow::Flow;
use crate::ir::{BlockId, Program, Terminator};
use pvm_isa::Opcode;
use pvm_num::casts::to_usize;

/// Enough that loops within loops stand out.
const SWEEPS: u32 = 12;
/// Beyond it there is nothing to be told apart.
const FREQUENCY_MAX: f64 = 1e9;
/// Share of a branch that only leads to a trap.
const DOOMED: f64 = 1.0 / 4096.0;
/// Share of the way that stays in a loop.
const LOOP: f64 = 0.875;
/// Share of two values being equal, or of a number being negative.
const RARE: f64 = 0.3125;

/// Guesses for every block.
pub(crate) struct Frequency {
    /// Runs per run of an entry of the program.
    block: Vec<f64>,
    /// Share of branches that are taken; of other blocks it means nothing.
    taken: Vec<f64>,
}

impl Frequency {
    /// Of the blocks in the layout.
    pub(crate) fn new(program: &Program<'_>, flow: &Flow, entries: &[Entry]) -> Frequency {
        let order = order(program, entries);
        let mut position = vec![0; program.blocks.len()];
        for (index, id) in order.iter().enumerate() {
            position[id.index()] = index;
        }
        // In postorder a way to a later or the same block goes back.
        let is_back = |from: BlockId, to: BlockId| position[to.index()] >= position[from.index()];
        let mut frequency =
            Frequency { block: vec![0.0; program.blocks.len()], taken: vec![0.5; program.blocks.len()] };
        for (id, block) in program.blocks_in_order() {
            if let Terminator::Branch { branch, taken, otherwise } = block.terminator {
                let doomed = [taken, otherwise].map(|next| flow.is_doomed(next));
                let back = [taken, otherwise].map(|next| is_back(id, next));
                frequency.taken[id.index()] = match (doomed, back) {
                    ([true, false], _) => DOOMED,
                    ([false, true], _) => 1.0 - DOOMED,
                    (_, [true, false]) => LOOP,
                    (_, [false, true]) => 1.0 - LOOP,
                    _ => taken_share(branch.opcode()),
                };
            }
        }
        let start = |entry: Entry| if entry.exported || entry.taken && !entry.returned_to { 1.0 } else { 0.0 };
        let initial: Vec<f64> = entries.iter().map(|entry| start(*entry)).collect();
        let ways = Ways::new(program, flow, &order, &position, &frequency.taken);
        let mut last = vec![0.0; program.blocks.len()];
        for _ in 0..SWEEPS {
            std::mem::swap(&mut last, &mut frequency.block);
            frequency.block.copy_from_slice(&initial);
            // Ways that go back carry what the last sweep found, the others what this one does.
            for way in &ways.back {
                frequency.block[to_usize(way.to)] += last[to_usize(way.from)] * way.share;
            }
            let mut forward = ways.forward.iter().peekable();
            for id in order.iter().rev() {
                let own = frequency.block[id.index()].min(FREQUENCY_MAX);
                frequency.block[id.index()] = own;
                while let Some(way) = forward.next_if(|way| way.from == id.0) {
                    frequency.block[to_usize(way.to)] += own * way.share;
                }
            }
        }
        frequency
    }

    /// How often a block runs.
    pub(crate) fn of(&self, block: BlockId) -> f64 {
        self.block[block.index()]
    }

    /// The share of a block's branch that is taken.
    pub(crate) fn taken_share(&self, block: BlockId) -> f64 {
        self.taken[block.index()]
    }
}

/// Numbers of two blocks, and how much of what leaves one goes to the other.
struct Way {
    from: u32,
    to: u32,
    share: f64,
}

/// All ways, in the order in which a sweep takes them.
struct Ways {
    /// Those that go back, in postorder.
    back: Vec<Way>,
    /// The others, in reverse postorder.
    forward: Vec<Way>,
}

impl Ways {
    fn new(program: &Program<'_>, flow: &Flow, order: &[BlockId], position: &[usize], taken: &[f64]) -> Ways {
        let mut all = Ways { back: Vec::new(), forward: Vec::new() };
        let of = |id: BlockId| {
            let ways = ways(&program.block(id).terminator, flow, taken[id.index()]);
            // In postorder a way to a later or the same block goes back.
            ways.map(move |(to, share)| {
                (position[to.index()] >= position[id.index()], Way { from: id.0, to: to.0, share })
            })
        };
        for id in order {
            all.back.extend(of(*id).filter_map(|(is_back, way)| is_back.then_some(way)));
        }
        for id in order.iter().rev() {
            all.forward.extend(of(*id).filter_map(|(is_back, way)| (!is_back).then_some(way)));
        }
        all
    }
}

/// Where control goes on from a block, and how much of it. What is behind a call gets what went into the call.
fn ways(terminator: &Terminator, flow: &Flow, taken_share: f64) -> impl Iterator<Item = (BlockId, f64)> {
    let ways = match *terminator {
        Terminator::Trap | Terminator::JumpIndirect { .. } => [None, None],
        Terminator::Jump(target) => [Some((target, 1.0)), None],
        Terminator::Call { target, back, .. } => [Some((target, 1.0)), flow.can_return(target).then_some((back, 1.0))],
        Terminator::CallIndirect { back, .. } => [Some((back, 1.0)), None],
        Terminator::Branch { taken, otherwise, .. } => {
            [Some((taken, taken_share)), Some((otherwise, 1.0 - taken_share))]
        }
    };
    ways.into_iter().flatten()
}

/// The blocks in postorder of a walk from the entries of the program along successors, calls and returns.
fn order<'p>(program: &'p Program<'_>, entries: &[Entry]) -> Vec<BlockId> {
    let along = |terminator: &'p Terminator| terminator.successors().chain(terminator.return_block());
    walk(program, |id| entries[id.index()].exported, along)
}

fn taken_share(branch: Opcode) -> f64 {
    match branch {
        Opcode::branch_eq | Opcode::branch_eq_imm | Opcode::branch_less_signed_imm => RARE,
        Opcode::branch_not_eq | Opcode::branch_not_eq_imm | Opcode::branch_greater_or_equal_signed_imm => 1.0 - RARE,
        _ => 0.5,
    }
}
