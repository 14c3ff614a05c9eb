//! Addresses made in two halves: where can the second half stand for the whole?
//!
//! `auipc a0, %pcrel_hi(x)` and `lw a1, %pcrel_lo(.L)(a0)` become one load from an absolute address, and the `auipc`
//! disappears. This is right only if `a0` still holds what the `auipc` wrote. Within a block that can be seen; where it
//! cannot (the halves are in different blocks, or something was added to the register in between) the first half loads the
//! address and the second uses its register as it stands.
//!
//! The two kinds of halves differ in what the first one loads then. A pc-relative low half names its high half, so that
//! the high half can load the *whole* address of what they share and the low half adds nothing. An absolute low half
//! names its symbol only, and another high half may serve it (`%hi(x)` with `%lo(x + 4)`); there the halves stay halves.

use super::decode::{Code, Step, What};
use super::leaders::Leaders;
use super::registers::uses;
use crate::reloc::code::Base;
use pvm_num::casts::{to_usize, widen_u8};
use pvm_riscv::{Instruction, Reg};

/// For each register the step that made the upper half it holds.
type Holds = [Option<usize>; 32];

/// Sets `direct` of low halves and `needed` of high halves.
pub(crate) fn resolve(code: &mut Code, leaders: &Leaders) {
    let mut holds: Holds = [None; 32];
    for index in 0..code.steps.len() {
        let step = code.steps[index];
        if leaders.contains(code.section, step.at) {
            end_block(&mut code.steps, &mut holds);
        }
        let used = uses(&step);
        match step.what {
            What::Low { instruction, target, high, .. } => {
                let base = base_of(&instruction);
                let held = holds[slot(base)];
                // Nothing else can have been in the global pointer: see `lower`.
                let direct = base == Reg::zero
                    || base == Reg::gp
                    || match high {
                        Some(high) => held == Some(to_usize(high)),
                        None => held.is_some_and(|held| is_absolute(&code.steps[held])),
                    };
                if let Instruction::Store { src, .. } = instruction {
                    need(&mut code.steps, holds[slot(src)]);
                }
                if !direct {
                    need(&mut code.steps, held);
                    need(&mut code.steps, high.map(to_usize));
                }
                code.steps[index].what = What::Low { instruction, target, high, direct };
            }
            _ => {
                for reg in used.reads.iter() {
                    need(&mut code.steps, holds[slot(reg)]);
                }
            }
        }
        for reg in used.writes.iter() {
            holds[slot(reg)] = match step.what {
                What::High { .. } => Some(index),
                _ => None,
            };
        }
    }
    end_block(&mut code.steps, &mut holds);
}

fn slot(reg: Reg) -> usize {
    to_usize(widen_u8(reg.number()))
}

/// The base register of a low half.
pub(crate) fn base_of(instruction: &Instruction) -> Reg {
    match *instruction {
        Instruction::Load { base, .. } | Instruction::Store { base, .. } => base,
        Instruction::RegImm { rs1, .. } => rs1,
        _ => Reg::zero,
    }
}

fn is_absolute(step: &Step) -> bool {
    matches!(step.what, What::High { base: Base::Zero, .. })
}

/// Do low halves name it?
fn is_named(step: &Step) -> bool {
    matches!(step.what, What::High { base: Base::Pc | Base::Got, .. })
}

fn need(steps: &mut [Step], high: Option<usize>) {
    if let Some(What::High { needed, .. }) = high.map(|high| &mut steps[high].what) {
        *needed = true;
    }
}

/// A low half in a later block names its pc-relative high half, but neither an absolute one nor one without relocation: any
/// of those that is still in a register may be used.
fn end_block(steps: &mut [Step], holds: &mut Holds) {
    for held in holds.iter_mut() {
        if let Some(high) = held.take().filter(|high| !is_named(&steps[*high])) {
            need(steps, Some(high));
        }
    }
}
