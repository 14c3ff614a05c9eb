//! Marks blocks as unlikely where that makes branches to them cheap.
//!
//! Under the pipeline gas model a branch takes 20 cycles, or one if it leads, or falls, into a block that starts with
//! `unlikely` or `trap`. The mark itself takes 40 cycles, most of them hidden behind loads, and an instruction whenever
//! the block runs. So it pays on the side of a branch that is seldom taken, and on blocks that take as long anyway.
//!
//! Unless gas is all that counts, the loop or the function that gets marks must have saved as many instructions since level 1, see
//! [`Savings`]. Blocks that only trap run once, and are marked wherever it pays.

use super::Options;
use super::analysis::frequency::Frequency;
use super::analysis::savings::Savings;
use crate::config::Optimize;
use crate::ir::{Block, BlockId, Inst, Program, Terminator};
use pvm_gas::{BlockMeter, Pipeline, Rule};
use pvm_isa::{Instruction, InstructionSet, Opcode};
use pvm_program::Located;
use std::rc::Rc;

/// What the size of the code and the number of instructions weigh against gas.
struct Weights {
    /// Gas that executing a mark is thought to cost beyond what it does.
    executed: f64,
    /// Gas that a mark must save at least, for the byte that it takes.
    written: f64,
}

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    if !options.set.supports(Opcode::unlikely) {
        return false;
    }
    let weights = match options.optimize {
        Optimize::Size => Weights { executed: 3.0, written: 8.0 },
        Optimize::Gas => Weights { executed: 0.0, written: 0.0 },
    };
    let mut savings = match options.optimize {
        Optimize::Size => Some(Savings::new(program, options)),
        Optimize::Gas => None,
    };
    let flow = options.flow(program);
    let mut marks = Marks {
        frequency: options.frequency(program),
        simulator: Simulator::new(options.set),
        costs: vec![[None; 4]; program.blocks.len()],
        marked: vec![false; program.blocks.len()],
        program,
    };
    let branches = marks.branches();
    let branches_to = users(marks.program, &branches);
    let mut gains: Vec<(f64, usize)> =
        branches.iter().enumerate().map(|(index, branch)| (marks.gain(branch), index)).collect();
    gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in gains {
        let branch = branches[index];
        if marks.is_near(&branch) {
            continue;
        }
        let candidate = |block: BlockId, marks: &mut Marks<'_, '_>| {
            let users = branches_to[block.index()].iter().map(|index| branches[*index]);
            let far: Vec<Branch> = users.filter(|user| !marks.is_near(user)).collect();
            let gain: f64 = far.iter().map(|user| marks.gain(user)).sum();
            gain - marks.price(block, &weights)
        };
        let mut best: Vec<(f64, BlockId)> = [Some(branch.taken), branch.behind]
            .into_iter()
            .flatten()
            .map(|block| (candidate(block, &mut marks), block))
            .filter(|(net, _)| *net > weights.written)
            .collect();
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut is_paid = |block: BlockId| match &mut savings {
            Some(savings) => flow.is_doomed(block) || savings.pay(block, marks.frequency.of(block)),
            None => true,
        };
        if let Some((_, block)) = best.into_iter().find(|(_, block)| is_paid(*block)) {
            marks.marked[block.index()] = true;
        }
    }
    let marked = marks.marked;
    let mut changed = false;
    for id in program.layout.clone() {
        if marked[id.index()] {
            let block = &mut program.blocks[id.index()];
            let mark = Inst { op: Instruction::unlikely(), symbol: None, source: block.source };
            block.instructions.insert(0, mark);
            changed = true;
        }
    }
    changed
}

/// A block that ends with a branch, and the blocks whose first byte the price of the branch depends on.
#[derive(Clone, Copy)]
struct Branch {
    id: BlockId,
    taken: BlockId,
    /// The block that is written behind it, if control falls into it.
    behind: Option<BlockId>,
}

/// For each block the branches that look at it.
fn users(program: &Program<'_>, branches: &[Branch]) -> Vec<Vec<usize>> {
    let mut users = vec![Vec::new(); program.blocks.len()];
    for (index, branch) in branches.iter().enumerate() {
        for block in [Some(branch.taken), branch.behind].into_iter().flatten() {
            users[block.index()].push(index);
        }
    }
    users
}

struct Marks<'m, 'a> {
    program: &'m Program<'a>,
    frequency: Rc<Frequency>,
    simulator: Simulator,
    /// By block, what [`Marks::cost`] has found out.
    costs: Vec<[Option<u32>; 4]>,
    marked: Vec<bool>,
}

impl Marks<'_, '_> {
    fn branches(&self) -> Vec<Branch> {
        let mut branches = Vec::new();
        for (index, (id, block)) in self.program.blocks_in_order().enumerate() {
            if let Terminator::Branch { taken, otherwise, .. } = block.terminator
                && taken != otherwise
            {
                let behind = self.program.layout.get(index + 1).copied().filter(|next| *next == otherwise);
                branches.push(Branch { id, taken, behind });
            }
        }
        branches
    }

    /// Is the branch cheap?
    fn is_near(&self, branch: &Branch) -> bool {
        [Some(branch.taken), branch.behind].into_iter().flatten().any(|block| self.is_marked(block))
    }

    fn is_marked(&self, id: BlockId) -> bool {
        let block = self.program.block(id);
        self.marked[id.index()]
            || match block.instructions.first() {
                Some(first) => first.op.opcode() == Opcode::unlikely,
                None => block.terminator == Terminator::Trap,
            }
    }

    /// Gas saved if the branch becomes cheap.
    fn gain(&mut self, branch: &Branch) -> f64 {
        let marked = self.marked[branch.id.index()];
        let [far, near] = [false, true].map(|is_near| self.cost(branch.id, marked, is_near));
        self.frequency.of(branch.id) * f64::from(far.saturating_sub(near))
    }

    /// The gas of a block; blocks stay as they are until all marks are known.
    fn cost(&mut self, id: BlockId, is_marked: bool, is_near: bool) -> u32 {
        let known = &mut self.costs[id.index()][usize::from(is_marked) * 2 + usize::from(is_near)];
        *known.get_or_insert_with(|| self.simulator.cost(self.program.block(id), is_marked, is_near))
    }

    /// What a mark costs, in gas.
    fn price(&mut self, id: BlockId, weights: &Weights) -> f64 {
        let block = self.program.block(id);
        let is_near = match block.terminator {
            Terminator::Branch { taken, otherwise, .. } => self.is_marked(taken) || self.is_marked(otherwise),
            _ => false,
        };
        let [plain, marked] = [false, true].map(|is_marked| self.cost(id, is_marked, is_near));
        self.frequency.of(id) * (f64::from(marked) - f64::from(plain) + weights.executed)
    }
}

/// Prices blocks that have no place yet.
struct Simulator {
    meter: BlockMeter,
}

impl Simulator {
    fn new(set: InstructionSet) -> Simulator {
        Simulator { meter: BlockMeter::new(&Rule::Full(Pipeline::default()), set) }
    }

    /// The gas of a block whose branch, if it ends with one, is cheap or not.
    fn cost(&mut self, block: &Block<'_>, is_marked: bool, is_near: bool) -> u32 {
        // What the model looks at behind a branch and at its target: a byte that is `trap`, or one that is no mark.
        let code = [if is_near { 0 } else { 0xff }];
        self.meter.start();
        let mut push = |instruction: Instruction| {
            self.meter.push(&Located { instruction, offset: 0, next: 0 }, &code);
        };
        if is_marked {
            push(Instruction::unlikely());
        }
        block.instructions.iter().for_each(|inst| push(inst.op));
        let last = match block.terminator {
            Terminator::Trap => Instruction::trap(),
            Terminator::Jump(_) => Instruction::jump(0),
            Terminator::Call { link, .. } => Instruction::load_imm_and_jump(link, 0, 0),
            Terminator::JumpIndirect { base, offset } => Instruction::jump_indirect(base, offset),
            Terminator::CallIndirect { link, base, offset, .. } => {
                Instruction::load_imm_and_jump_indirect(link, base, 0, offset)
            }
            Terminator::Branch { branch, .. } => branch.with_target(0),
        };
        push(last);
        self.meter.finish()
    }
}
