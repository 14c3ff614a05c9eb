//! Loops within functions.

use super::edges::{Entry, walk};
use crate::ir::{BlockId, Program, Terminator};

/// Where control goes on within the function.
pub(crate) fn nexts(terminator: &Terminator) -> impl Iterator<Item = BlockId> {
    let called = matches!(terminator, Terminator::Call { .. });
    terminator.successors().filter(move |_| !called).chain(terminator.return_block())
}

/// By block that control can come back to without a call or a return: a block that stands for all that do with it. Found as
/// strongly connected components (Kosaraju).
pub(crate) fn loops(program: &Program<'_>, entries: &[Entry]) -> Vec<Option<BlockId>> {
    let mut previous = vec![Vec::new(); program.blocks.len()];
    let mut loops = vec![None; program.blocks.len()];
    for (id, block) in program.blocks_in_order() {
        for next in nexts(&block.terminator) {
            previous[next.index()].push(id);
            if next == id {
                loops[id.index()] = Some(id);
            }
        }
    }
    let mut seen = vec![false; program.blocks.len()];
    let mut open = Vec::new();
    for first in walk(program, |id| entries[id.index()].is_entry(), nexts).into_iter().rev() {
        if std::mem::replace(&mut seen[first.index()], true) {
            continue;
        }
        open.push(first);
        while let Some(id) = open.pop() {
            for before in &previous[id.index()] {
                if !std::mem::replace(&mut seen[before.index()], true) {
                    open.push(*before);
                    loops[before.index()] = Some(first);
                    loops[first.index()] = Some(first);
                }
            }
        }
    }
    loops
}
