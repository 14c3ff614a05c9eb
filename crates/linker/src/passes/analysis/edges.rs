//! Who leads where: predecessors of blocks, and the blocks whose address is taken.

use super::summaries::Summaries;
use crate::ir::{BlockId, Program, Symbolic, Target, Terminator};
use pvm_num::casts::to_usize;

/// Predecessors: for each block the blocks whose terminator names it as a successor. A call's return block is no
/// successor (see [`crate::ir::Terminator::successors`]).
pub(crate) struct Predecessors {
    /// Where the list of each block starts in `all`; one more entry for the end.
    starts: Vec<u32>,
    all: Vec<BlockId>,
}

impl Predecessors {
    /// Of the blocks in the layout.
    pub(crate) fn new(program: &Program<'_>) -> Predecessors {
        let mut starts = vec![0u32; program.blocks.len() + 1];
        for (_, block) in program.blocks_in_order() {
            block.terminator.successors().for_each(|next| starts[next.index()] += 1);
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut all = vec![BlockId::new(0); to_usize(sum)];
        for (id, block) in program.blocks_in_order() {
            for next in block.terminator.successors() {
                let slot = &mut starts[next.index()];
                *slot -= 1;
                all[to_usize(*slot)] = id;
            }
        }
        Predecessors { starts, all }
    }

    /// The predecessors of a block; a branch with both ways to the same block counts twice.
    pub(crate) fn of(&self, block: BlockId) -> &[BlockId] {
        let [start, end] = [block.index(), block.index() + 1].map(|index| to_usize(self.starts[index]));
        &self.all[start..end]
    }
}

/// How a block can be reached other than by the terminators that name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry {
    /// By its address, which is taken in code or data.
    pub(crate) taken: bool,
    /// As the block that a call returns to.
    pub(crate) returned_to: bool,
    /// By the host.
    pub(crate) exported: bool,
    /// As the target of a call.
    pub(crate) called: bool,
}

impl Entry {
    /// Can control arrive from an indirect jump?
    pub(crate) const fn has_address(self) -> bool {
        self.taken || self.returned_to
    }

    /// Can control arrive in a way that no jump or branch shows?
    pub(crate) const fn is_entry(self) -> bool {
        self.taken || self.returned_to || self.exported || self.called
    }
}

/// The entries of all blocks, by block.
pub(crate) fn entries(program: &Program<'_>, summaries: &Summaries) -> Vec<Entry> {
    let mut entries = vec![Entry::default(); program.blocks.len()];
    let take = |entries: &mut Vec<Entry>, target: Target| {
        if let Target::Code(block) = target {
            entries[block.index()].taken = true;
        }
    };
    for export in &program.exports {
        entries[export.block.index()].exported = true;
    }
    for (id, block) in program.blocks_in_order() {
        if summaries.of(id).names_code {
            let targets = block.instructions.iter().filter_map(|inst| inst.symbol.and_then(Symbolic::target));
            targets.for_each(|target| take(&mut entries, target));
        }
        if let Some(back) = block.terminator.return_block() {
            entries[back.index()].returned_to = true;
        }
        if let Terminator::Call { target, .. } = block.terminator {
            entries[target.index()].called = true;
        }
    }
    for (_, data) in program.data_kept() {
        for relocation in &data.relocations {
            relocation.value.targets().for_each(|target| take(&mut entries, target));
        }
    }
    entries
}

/// The blocks of the layout in postorder of a walk from all entries along successors: successors before their
/// predecessors, as far as there are no loops.
pub(crate) fn postorder(program: &Program<'_>, entries: &[Entry]) -> Vec<BlockId> {
    walk(program, |id| entries[id.index()].is_entry(), Terminator::successors)
}

/// The blocks of the layout in postorder of a walk along `successors`, from `starts` first and then from what is left.
pub(crate) fn walk<'p, S: Iterator<Item = BlockId>>(
    program: &'p Program<'_>,
    starts: impl Fn(BlockId) -> bool,
    successors: impl Fn(&'p Terminator) -> S,
) -> Vec<BlockId> {
    let mut order = Vec::with_capacity(program.layout.len());
    let mut seen = vec![false; program.blocks.len()];
    let mut stack = Vec::new();
    let first = program.layout.iter().filter(|id| starts(**id));
    for start in first.chain(&program.layout) {
        if std::mem::replace(&mut seen[start.index()], true) {
            continue;
        }
        stack.push((*start, successors(&program.block(*start).terminator)));
        while let Some((id, rest)) = stack.last_mut() {
            match rest.next() {
                Some(next) => {
                    if !std::mem::replace(&mut seen[next.index()], true) {
                        stack.push((next, successors(&program.block(next).terminator)));
                    }
                }
                None => {
                    order.push(*id);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// A queue of blocks without duplicates.
pub(crate) struct Worklist {
    open: std::collections::VecDeque<BlockId>,
    queued: Vec<bool>,
}

impl Worklist {
    /// With these blocks in this order.
    pub(crate) fn new(program: &Program<'_>, blocks: impl IntoIterator<Item = BlockId>) -> Worklist {
        let mut list = Worklist { open: Default::default(), queued: vec![false; program.blocks.len()] };
        blocks.into_iter().for_each(|block| list.push(block));
        list
    }

    /// Adds a block unless it is queued.
    pub(crate) fn push(&mut self, block: BlockId) {
        if !std::mem::replace(&mut self.queued[block.index()], true) {
            self.open.push_back(block);
        }
    }

    /// The next block.
    pub(crate) fn pop(&mut self) -> Option<BlockId> {
        let block = self.open.pop_front()?;
        self.queued[block.index()] = false;
        Some(block)
    }
}
