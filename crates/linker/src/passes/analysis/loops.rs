//! Loops within functions.

use super::edges::Entry;
use crate::ir::{BlockId, Program, Terminator};

/// Loops within loops are told apart so deep.
const DEPTH_MAX: u32 = 4;

/// Where control goes on within the function.
pub(crate) fn nexts(terminator: &Terminator) -> impl Iterator<Item = BlockId> {
    let called = matches!(terminator, Terminator::Call { .. });
    terminator.successors().filter(move |_| !called).chain(terminator.return_block())
}

/// By block that control can come back to without a call or a return: a block that stands for the innermost loop that it is in.
pub(crate) fn loops(program: &Program<'_>, entries: &[Entry]) -> Vec<Option<BlockId>> {
    let (enter, others): (Vec<_>, Vec<_>) = program.layout.iter().partition(|id| entries[id.index()].is_entry());
    let mut graph = Graph {
        program,
        previous: vec![Vec::new(); program.blocks.len()],
        blocks: [enter, others].concat(),
        is_in: vec![true; program.blocks.len()],
        is_start: vec![false; program.blocks.len()],
    };
    for (id, block) in program.blocks_in_order() {
        nexts(&block.terminator).for_each(|next| graph.previous[next.index()].push(id));
    }
    let mut loops = vec![None; program.blocks.len()];
    for _ in 0..DEPTH_MAX {
        graph.find(&mut loops);
        if graph.blocks.is_empty() {
            break;
        }
    }
    loops
}

/// Blocks, and the ways between them but those to the starts of loops.
struct Graph<'g, 'a> {
    program: &'g Program<'a>,
    /// By block, those of the program that lead to it.
    previous: Vec<Vec<BlockId>>,
    blocks: Vec<BlockId>,
    /// By block, is it one of them?
    is_in: Vec<bool>,
    /// By block, is it the start of a loop that is known?
    is_start: Vec<bool>,
}

impl Graph<'_, '_> {
    /// Finds the outermost loops as strongly connected components (Kosaraju). Their blocks are left.
    fn find(&mut self, loops: &mut [Option<BlockId>]) {
        let mut left = Vec::new();
        let mut starts = Vec::new();
        let mut seen = vec![false; self.is_in.len()];
        for first in self.postorder().into_iter().rev() {
            if std::mem::replace(&mut seen[first.index()], true) {
                continue;
            }
            let from = left.len();
            left.push(first);
            let mut comes_back = false;
            let mut index = from;
            while let Some(id) = left.get(index).copied() {
                index += 1;
                for before in self.previous[id.index()].iter().filter(|_| !self.is_start[id.index()]) {
                    comes_back |= *before == id;
                    if self.is_in[before.index()] && !std::mem::replace(&mut seen[before.index()], true) {
                        left.push(*before);
                    }
                }
            }
            if comes_back || left.len() - from > 1 {
                left[from..].iter().for_each(|id| loops[id.index()] = Some(first));
                starts.push(first);
            } else {
                left.truncate(from);
            }
        }
        self.is_in.fill(false);
        left.iter().for_each(|id| self.is_in[id.index()] = true);
        starts.iter().for_each(|id| self.is_start[id.index()] = true);
        self.blocks = left;
    }

    fn postorder(&self) -> Vec<BlockId> {
        let program = self.program;
        let nexts = |id: BlockId| nexts(&program.block(id).terminator);
        let mut order = Vec::with_capacity(self.blocks.len());
        let mut seen = vec![false; self.is_in.len()];
        let mut stack = Vec::new();
        for block in &self.blocks {
            if std::mem::replace(&mut seen[block.index()], true) {
                continue;
            }
            stack.push((*block, nexts(*block)));
            while let Some((id, rest)) = stack.last_mut() {
                match rest.next() {
                    Some(next) if !self.is_in[next.index()] || self.is_start[next.index()] => {}
                    Some(next) if std::mem::replace(&mut seen[next.index()], true) => {}
                    Some(next) => stack.push((next, nexts(next))),
                    None => {
                        order.push(*id);
                        stack.pop();
                    }
                }
            }
        }
        order
    }
}
