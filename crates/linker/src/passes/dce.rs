//! Drops instructions whose results nobody reads.
//!
//! What has other effects stays: stores, host calls, `sbrk` and `memset`. A load may go although it could have trapped,
//! unless nothing is to be trusted.

use super::Options;
use crate::config::Trust;
use crate::ir::{Inst, Program};
use pvm_isa::{Meaning, RegSet};

/// What was live where blocks end when the pass ran last.
#[derive(Default)]
pub(crate) struct Memory {
    live: Vec<RegSet>,
}

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let liveness = options.exact_liveness(program);
    let mut changed = false;
    let mut keep = Vec::new();
    let memory = &mut options.dce.borrow_mut().live;
    memory.resize(program.blocks.len(), RegSet::EMPTY);
    for id in program.layout.clone() {
        let block = program.block(id);
        let mut live = liveness.before_terminator(program, id);
        if std::mem::replace(&mut memory[id.index()], live) == live && options.is_settled(program, id) {
            continue;
        }
        keep.clear();
        for inst in block.instructions.iter().rev() {
            let needed = has_effect(inst, options.trust) || !inst.op.writes().intersection(live).is_empty();
            if needed {
                live = liveness.before(program, inst, live);
            }
            keep.push(needed);
        }
        if keep.iter().all(|needed| *needed) {
            continue;
        }
        changed = true;
        let mut keep = keep.iter().rev();
        program.blocks[id.index()].instructions.retain(|_| *keep.next().expect("one flag per instruction"));
    }
    changed
}

/// Does it do something beside writing registers?
fn has_effect(inst: &Inst, trust: Trust) -> bool {
    match inst.op.opcode().meaning() {
        Meaning::Load(_) | Meaning::LoadIndirect(_) => trust == Trust::Nothing,
        Meaning::LoadImm
        | Meaning::LoadImm64
        | Meaning::MoveReg
        | Meaning::Unary(_)
        | Meaning::UnarySized(..)
        | Meaning::Binary(_)
        | Meaning::BinarySized(..)
        | Meaning::BinaryImm(_)
        | Meaning::BinaryImmAlt(_)
        | Meaning::Cmov(_)
        | Meaning::CmovImm(_) => false,
        _ => true,
    }
}
