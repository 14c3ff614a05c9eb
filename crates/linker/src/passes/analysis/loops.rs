//! Loops within functions.

use super::edges::{Entry, walk};
use crate::ir::{BlockId, Program, Terminator};

/// Where control goes on within the function.
pub(crate) fn nexts(terminator: &Terminator) -> impl Iterator<Item = BlockId> {
    let called = matches!(terminator, Terminator::Call { .. });
    terminator.successors().filter(move |_| !called).chain(terminator.return_block())
}

/// By block: can control come back to it without a call or a return? Found as strongly connected components (Kosaraju).
pub(crate) fn in_loops(program: &Program<'_>, entries: &[Entry]) -> Vec<bool> {
    let mut previous = vec![Vec::new(); program.blocks.len()];
    let mut in_loop = vec![false; program.blocks.len()];
    for (id, block) in program.blocks_in_order() {
        for next in nexts(&block.terminator) {
            previous[next.index()].push(id);
            in_loop[id.index()] |= next == id;
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
                    in_loop[before.index()] = true;
                    in_loop[first.index()] = true;
                }
            }
        }
    }
    in_loop
}
