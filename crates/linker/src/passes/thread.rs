//! Jump threading and block merging: control goes where it ends up, and straight-line code becomes one block.
//!
//! ```text
//! jump @1;  @1: jump @2               jump @2
//! jump @1;  @1: jump_indirect ra, 0   jump_indirect ra, 0
//! jump @1;  @1: (nobody else's)       the instructions of @1 follow
//! ```
//!
//! A block whose address is taken keeps its place: two functions have two addresses, even if one only jumps to the other.

use super::Options;
use crate::ir::{BlockId, Program, Terminator};

/// Longest chain of jumps that is followed at once.
const CHAIN_MAX: usize = 64;
/// So many instructions before an indirect jump are rather repeated than jumped to.
const REPEATED_MAX: usize = 1;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let mut changed = false;
    for id in program.layout.clone() {
        changed |= thread(program, id);
    }
    for index in 0..program.exports.len() {
        let block = program.exports[index].block;
        let end = end_of_jumps(program, block);
        changed |= end != block;
        program.exports[index].block = end;
    }
    options.outdated();
    changed | merge(program, options)
}

/// The block that control reaches through blocks that only jump.
fn end_of_jumps(program: &Program<'_>, start: BlockId) -> BlockId {
    let mut at = start;
    for _ in 0..CHAIN_MAX {
        match program.block(at) {
            block if !block.instructions.is_empty() => break,
            block => match block.terminator {
                Terminator::Jump(next) if next != at => at = next,
                _ => break,
            },
        }
    }
    at
}

/// Counts what a block saves that goes to the end of jumps itself.
fn skip(program: &mut Program<'_>, id: BlockId, start: BlockId) {
    let end = end_of_jumps(program, start);
    let mut at = start;
    while at != end {
        program.blocks.add_baseline(id, at);
        let Terminator::Jump(next) = program.block(at).terminator else { unreachable!("the chain consists of jumps") };
        at = next;
    }
}

fn thread(program: &mut Program<'_>, id: BlockId) -> bool {
    let end = |block| end_of_jumps(program, block);
    let old = program.block(id).terminator;
    let new = match old {
        Terminator::Jump(target) => Terminator::Jump(end(target)),
        Terminator::Call { link, target, back } => Terminator::Call { link, target: end(target), back },
        Terminator::Branch { branch, taken, otherwise } => match (end(taken), end(otherwise)) {
            (taken, otherwise) if taken == otherwise => Terminator::Jump(taken),
            (taken, otherwise) => Terminator::Branch { branch, taken, otherwise },
        },
        other => other,
    };
    if let Terminator::Jump(target) | Terminator::Call { target, .. } = old {
        skip(program, id, target);
    }
    if let Terminator::Jump(target) = new {
        let from = target;
        let target = program.block(target);
        let leaves = matches!(target.terminator, Terminator::JumpIndirect { .. } | Terminator::Trap);
        if leaves && target.instructions.len() <= REPEATED_MAX {
            let (instructions, terminator) = (target.instructions.clone(), target.terminator);
            let source = target.terminator_source;
            let block = &mut program.blocks[id.index()];
            block.instructions.extend(instructions);
            (block.terminator, block.terminator_source) = (terminator, source);
            program.blocks.add_baseline(id, from);
            return true;
        }
    }
    if new != old {
        program.blocks[id.index()].terminator = new;
    }
    new != old
}

/// Appends blocks to the only block that leads to them.
fn merge(program: &mut Program<'_>, options: &Options) -> bool {
    let entries = options.entries(program);
    let predecessors = options.predecessors(program);
    let mut gone = vec![false; program.blocks.len()];
    for id in program.layout.clone() {
        if gone[id.index()] {
            continue;
        }
        while let Terminator::Jump(next) = program.block(id).terminator {
            if next == id || entries[next.index()].is_entry() || predecessors.of(next).len() != 1 {
                break;
            }
            let block = &mut program.blocks[next.index()];
            let instructions = std::mem::take(&mut block.instructions);
            let (terminator, source) = (block.terminator, block.terminator_source);
            block.terminator = Terminator::Trap;
            gone[next.index()] = true;
            let block = &mut program.blocks[id.index()];
            block.instructions.extend(instructions);
            (block.terminator, block.terminator_source) = (terminator, source);
            program.blocks.add_baseline(id, next);
        }
    }
    let before = program.layout.len();
    program.layout.retain(|id| !gone[id.index()]);
    program.layout.len() != before
}
