//! Puts blocks into an order in which control seldom has to jump, and turns branches so that they fall through.
//!
//! ```text
//! ways between blocks, most worth first  --join-->  chains  --in file order-->  layout
//! ```
//!
//! What a way is worth when its ends are neighbours: a jump becomes a `fallthrough`, a branch needs no jump behind it, a
//! call is one instruction. The new order is taken only if it is worth more than the old one.

use super::Options;
use super::analysis::frequency::Frequency;
use crate::config::Optimize;
use crate::ir::{BlockId, Program, Terminator};
use pvm_isa::{Instruction, Opcode};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let frequency = options.frequency(program);
    let worth = Worth { frequency: &frequency, optimize: options.optimize };
    let order = chained(program, &worth);
    let mut changed = false;
    if total(program, &order, &worth) > total(program, &program.layout, &worth) {
        changed = order != program.layout;
        program.layout = order;
    }
    for index in 0..program.layout.len() {
        let next = program.layout.get(index + 1).copied();
        changed |= turn(program, program.layout[index], next, &frequency);
    }
    changed
}

/// Makes a branch fall through if it can. If it cannot, the likely side is the one that needs no second jump.
fn turn(program: &mut Program<'_>, id: BlockId, next: Option<BlockId>, frequency: &Frequency) -> bool {
    let Terminator::Branch { branch, taken, otherwise } = program.block(id).terminator else { return false };
    let is_better =
        if next == Some(otherwise) { false } else { next == Some(taken) || frequency.taken_share(id) < 0.5 };
    if is_better && taken != otherwise {
        let branch = opposite(&branch);
        program.blocks[id.index()].terminator = Terminator::Branch { branch, taken: otherwise, otherwise: taken };
    }
    is_better && taken != otherwise
}

/// The branch with the opposite condition.
fn opposite(branch: &Instruction) -> Instruction {
    let opcode = match branch.opcode() {
        Opcode::branch_eq => Opcode::branch_not_eq,
        Opcode::branch_not_eq => Opcode::branch_eq,
        Opcode::branch_less_unsigned => Opcode::branch_greater_or_equal_unsigned,
        Opcode::branch_greater_or_equal_unsigned => Opcode::branch_less_unsigned,
        Opcode::branch_less_signed => Opcode::branch_greater_or_equal_signed,
        Opcode::branch_greater_or_equal_signed => Opcode::branch_less_signed,
        Opcode::branch_eq_imm => Opcode::branch_not_eq_imm,
        Opcode::branch_not_eq_imm => Opcode::branch_eq_imm,
        Opcode::branch_less_unsigned_imm => Opcode::branch_greater_or_equal_unsigned_imm,
        Opcode::branch_greater_or_equal_unsigned_imm => Opcode::branch_less_unsigned_imm,
        Opcode::branch_less_or_equal_unsigned_imm => Opcode::branch_greater_unsigned_imm,
        Opcode::branch_greater_unsigned_imm => Opcode::branch_less_or_equal_unsigned_imm,
        Opcode::branch_less_signed_imm => Opcode::branch_greater_or_equal_signed_imm,
        Opcode::branch_greater_or_equal_signed_imm => Opcode::branch_less_signed_imm,
        Opcode::branch_less_or_equal_signed_imm => Opcode::branch_greater_signed_imm,
        Opcode::branch_greater_signed_imm => Opcode::branch_less_or_equal_signed_imm,
        other => unreachable!("{other} is no branch"),
    };
    Instruction::with_registers(opcode, [branch.r1(), branch.r2(), branch.r3()]).with_imm1(branch.imm1())
}

/// What neighbours are worth.
struct Worth<'f> {
    frequency: &'f Frequency,
    optimize: Optimize,
}

impl Worth<'_> {
    /// What it is worth if `next` follows a block. Bytes count once, instructions and gas as often as the block runs.
    fn of(&self, program: &Program<'_>, id: BlockId, next: BlockId) -> f64 {
        let often = self.frequency.of(id);
        let (bytes, instructions, gas) = match program.block(id).terminator {
            Terminator::Jump(target) if target == next => (1.5, 0.0, 13.0),
            // Engines tell calls from jumps by it, so that it is worth more than its byte.
            Terminator::Call { back, .. } if back == next => (3.0, 1.0, 1.0),
            Terminator::Branch { taken, otherwise, .. } if taken == next || otherwise == next => {
                let share = self.frequency.taken_share(id);
                // Of two neighbours that are worth the same the likely one: native code runs straight then.
                let likely = if taken == next { share } else { 1.0 - share };
                let seldom = share.min(1.0 - share);
                (3.0 + 0.25 * likely, seldom + 0.05 * likely, 15.0 * seldom)
            }
            _ => return 0.0,
        };
        match self.optimize {
            Optimize::Size => bytes + often * (instructions + gas / 8.0),
            Optimize::Gas => bytes / 64.0 + often * gas,
        }
    }
}

fn total(program: &Program<'_>, order: &[BlockId], worth: &Worth<'_>) -> f64 {
    order.windows(2).map(|pair| worth.of(program, pair[0], pair[1])).sum()
}

/// Joins blocks to chains, the ways that are worth most first; chains stand in the order in which their first blocks did.
fn chained(program: &Program<'_>, worth: &Worth<'_>) -> Vec<BlockId> {
    let mut ways = Vec::new();
    for (position, (id, block)) in program.blocks_in_order().enumerate() {
        let terminator = &block.terminator;
        let called = match terminator {
            Terminator::Call { target, .. } => Some(*target),
            _ => None,
        };
        let nexts = terminator.successors().filter(|next| Some(*next) != called).chain(terminator.return_block());
        for next in nexts.filter(|next| *next != id) {
            ways.push((worth.of(program, id, next), position, id, next));
        }
    }
    ways.retain(|way| way.0 > 0.0);
    ways.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));

    let mut chains = Chains::new(program.blocks.len());
    for (_, _, from, to) in ways {
        chains.join(from, to);
    }
    let mut order = Vec::with_capacity(program.layout.len());
    let mut placed = vec![false; program.blocks.len()];
    for id in &program.layout {
        let mut at = Some(chains.first_of(*id));
        while let Some(block) = at.filter(|block| !placed[block.index()]) {
            placed[block.index()] = true;
            order.push(block);
            at = chains.next[block.index()];
        }
    }
    order
}

/// Blocks in a row.
struct Chains {
    next: Vec<Option<BlockId>>,
    has_previous: Vec<bool>,
    /// Towards the block that stands for the chain.
    parent: Vec<BlockId>,
    /// Of a block that stands for a chain: its first block.
    first: Vec<BlockId>,
}

impl Chains {
    fn new(count: usize) -> Chains {
        let own: Vec<BlockId> = (0..count).map(BlockId::new).collect();
        Chains { next: vec![None; count], has_previous: vec![false; count], parent: own.clone(), first: own }
    }

    fn root(&mut self, mut id: BlockId) -> BlockId {
        while self.parent[id.index()] != id {
            self.parent[id.index()] = self.parent[self.parent[id.index()].index()];
            id = self.parent[id.index()];
        }
        id
    }

    fn first_of(&mut self, id: BlockId) -> BlockId {
        let root = self.root(id);
        self.first[root.index()]
    }

    /// Puts `to` behind `from`, if one ends a chain and the other begins another.
    fn join(&mut self, from: BlockId, to: BlockId) {
        if self.next[from.index()].is_some() || self.has_previous[to.index()] {
            return;
        }
        let (front, back) = (self.root(from), self.root(to));
        if front == back {
            return;
        }
        self.next[from.index()] = Some(to);
        self.has_previous[to.index()] = true;
        self.parent[back.index()] = front;
    }
}
