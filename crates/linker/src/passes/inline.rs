//! Inlining: tiny functions go where they are called, functions with one caller become part of it.
//!
//! Only functions that leave the link register alone and return through it are taken, so that control certainly comes back
//! to where the call says. What that register would hold behind the call must not matter there.

use super::Options;
use super::analysis::edges::{Entry, Predecessors};
use crate::config::{Optimize, Trust};
use crate::ir::{BlockId, Program, Terminator};
use pvm_isa::{Meaning, Reg};

/// So many instructions are inlined wherever they are called from: a call is about as long.
const TINY_SIZE: usize = 2;
/// As [`TINY_SIZE`], if gas counts more than size.
const TINY_GAS: usize = 6;
/// Most blocks of a function with one caller.
const BLOCKS_MAX: usize = 256;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let tiny = match options.optimize {
        Optimize::Size => TINY_SIZE,
        Optimize::Gas => TINY_GAS,
    };
    let liveness = options.liveness(program);
    let entries = options.entries(program);
    let predecessors = options.predecessors(program);
    let mut changed = false;
    for id in program.layout.clone() {
        let Terminator::Call { link, target, back } = program.block(id).terminator else { continue };
        if liveness.live_in(back).contains(link) || target == id {
            continue;
        }
        if is_tiny(program, target, link, tiny, options.trust) {
            let body = program.block(target).instructions.clone();
            let block = &mut program.blocks[id.index()];
            block.instructions.extend(body);
            block.terminator = Terminator::Jump(back);
            program.blocks.add_baseline(id, target);
            changed = true;
        } else if only_called_once(&entries, &predecessors, target)
            && let Some(returns) = own_returns(program, &entries, &predecessors, target, link, options.trust)
        {
            for block in returns {
                program.blocks[block.index()].terminator = Terminator::Jump(back);
            }
            program.blocks[id.index()].terminator = Terminator::Jump(target);
            changed = true;
        }
    }
    changed
}

/// May the instructions of a block run with another value in a register?
fn ignores(program: &Program<'_>, id: BlockId, reg: Reg, trust: Trust) -> bool {
    program.block(id).instructions.iter().all(|inst| {
        let host_call = matches!(inst.op.opcode().meaning(), Meaning::Ecalli);
        let touches = inst.op.reads().union(inst.op.writes()).contains(reg);
        !(touches || host_call && trust == Trust::Nothing)
    })
}

const fn returns_through(terminator: &Terminator, link: Reg) -> bool {
    matches!(terminator, Terminator::JumpIndirect { base, offset: 0 } if base.index() == link.index())
}

fn is_tiny(program: &Program<'_>, function: BlockId, link: Reg, max: usize, trust: Trust) -> bool {
    let block = program.block(function);
    block.instructions.len() <= max
        && returns_through(&block.terminator, link)
        && ignores(program, function, link, trust)
}

fn only_called_once(entries: &[Entry], predecessors: &Predecessors, function: BlockId) -> bool {
    let entry = entries[function.index()];
    !entry.has_address() && !entry.exported && predecessors.of(function).len() == 1
}

/// The blocks in which a function returns, if all of it is its own and it does not touch the link register.
fn own_returns(
    program: &Program<'_>,
    entries: &[Entry],
    predecessors: &Predecessors,
    function: BlockId,
    link: Reg,
    trust: Trust,
) -> Option<Vec<BlockId>> {
    let mut blocks = vec![function];
    let mut returns = Vec::new();
    let mut index = 0;
    while let Some(id) = blocks.get(index).copied() {
        index += 1;
        if blocks.len() > BLOCKS_MAX || !ignores(program, id, link, trust) {
            return None;
        }
        match program.block(id).terminator {
            Terminator::Trap => {}
            Terminator::Jump(_) => {}
            Terminator::Branch { branch, .. } if !branch.reads().contains(link) => {}
            ref terminator if returns_through(terminator, link) => returns.push(id),
            _ => return None,
        }
        for next in program.block(id).terminator.successors() {
            if next != function && entries[next.index()].is_entry() {
                return None;
            }
            if !blocks.contains(&next) {
                blocks.push(next);
            }
        }
    }
    // Nobody else may jump into it. The function itself has its caller for a predecessor.
    let own = |id: &BlockId| *id == function || predecessors.of(*id).iter().all(|previous| blocks.contains(previous));
    blocks.iter().all(own).then_some(returns)
}
