//! Dead stack frames: what a function saves without need is not saved, and a frame that holds nothing is not made.
//!
//! ```text
//! sp = sp - 8                     (after the inlining of a function
//! [sp] = ra                        that was called in between,
//! ecalli put          ecalli put   or when a saved register is no
//! ra = [sp]                        longer used)
//! sp = sp + 8
//! ret                 ret
//! ```
//!
//! A restore is superfluous if the register holds the caller's value anyway; a save, if nothing restores it; a frame, if
//! nothing but its making and unmaking uses the stack pointer. This rests on the calling convention, see
//! [`super::analysis::functions`]; where the stack pointer is not known everywhere, nothing is done.

use super::Options;
use super::analysis::edges::Entry;
use super::analysis::functions::{Functions, is_function, next_of, stack_access, stack_move};
use crate::config::Trust;
use crate::ir::{BlockId, Inst, Program, Terminator};
use pvm_isa::{Meaning, Opcode, Reg, RegSet, Width};
use pvm_num::casts::to_usize;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    if options.trust == Trust::Nothing {
        return false;
    }
    let entries = options.entries(program);
    let functions = options.functions(program);
    let mut clusters: Vec<Vec<BlockId>> = vec![Vec::new(); to_usize(functions.count)];
    for id in &program.layout {
        clusters[to_usize(functions.cluster(*id))].push(*id);
    }
    let mut changed = false;
    for blocks in clusters {
        if let Some(cluster) = Cluster::new(program, &functions, &entries, &blocks) {
            changed |= cluster.clean(program, &functions, &blocks);
        }
    }
    changed
}

/// What is known of a cluster in which the stack pointer is known everywhere.
struct Cluster {
    /// Where something is loaded from, relative to the stack pointer at entry; restores that will go do not count.
    loads: Vec<(i64, i64)>,
    /// Is the stack pointer used for anything but saving, restoring and moving it?
    other_uses: bool,
    /// Is the frame gone wherever control leaves?
    balanced: bool,
    narrow: bool,
}

/// What becomes of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    /// A restore of what is there.
    Superfluous,
    /// A save to this place.
    Save(i64),
    /// It moves the stack pointer.
    Move,
}

impl Cluster {
    fn new(program: &Program<'_>, functions: &Functions, entries: &[Entry], blocks: &[BlockId]) -> Option<Cluster> {
        let narrow = program.width == Width::Narrow;
        let mut cluster = Cluster { loads: Vec::new(), other_uses: false, balanced: true, narrow };
        for id in blocks {
            let entry = entries[id.index()];
            if is_function(entry) && entry.returned_to {
                return None;
            }
            let mut frame = functions.frame(*id)?.clone();
            let block = program.block(*id);
            // Registers that hold addresses in the frame. Where it is large, restores go through one.
            let mut bases: Vec<(Reg, i64)> = Vec::new();
            for inst in &block.instructions {
                let sp = frame.sp?;
                if matches!(inst.op.opcode().meaning(), Meaning::LoadIndirect(_)) && inst.op.r2() != Reg::sp {
                    let base = bases.iter().find(|(base, _)| *base == inst.op.r2());
                    match (base, inst.symbol) {
                        (Some((_, address)), None) => {
                            let at = address.checked_add(i64::from(inst.op.imm1()))?;
                            cluster.loads.push((at, i64::from(inst.op.access()?.bytes())));
                        }
                        // Nothing else is loaded into this register but what a function has saved.
                        _ if inst.op.r1() == Reg::ra => return None,
                        _ => {}
                    }
                }
                bases.retain(|(base, _)| !inst.op.writes().contains(*base));
                let adds = if narrow { Opcode::add_imm_32 } else { Opcode::add_imm_64 };
                if inst.op.opcode() == adds && inst.op.r2() == Reg::sp && inst.op.r1() != Reg::sp {
                    bases.push((inst.op.r1(), sp.checked_add(i64::from(inst.op.imm1()))?));
                }
                let fate = cluster.fate(functions, &mut frame, inst);
                if let (Some(access), Fate::Stays) = (stack_access(inst), fate) {
                    cluster.other_uses = true;
                    if !access.is_store {
                        cluster.loads.push((sp.checked_add(access.offset)?, access.size));
                    }
                } else if fate == Fate::Stays {
                    cluster.other_uses |= inst.op.reads().union(inst.op.writes()).contains(Reg::sp);
                }
            }
            let leaves = next_of(&block.terminator).any(|next| is_function(entries[next.index()]))
                || matches!(block.terminator, Terminator::JumpIndirect { .. });
            cluster.balanced &= !leaves || frame.sp? == 0;
            cluster.other_uses |= block.terminator.reads().union(block.terminator.writes()).contains(Reg::sp);
        }
        cluster.loads.sort();
        Some(cluster)
    }

    /// Looks at an instruction and lets it change the state.
    fn fate(&self, functions: &Functions, frame: &mut super::analysis::functions::Frame, inst: &Inst) -> Fate {
        let before = frame.intact;
        let slots = frame.slots.len();
        let access = stack_access(inst);
        let at = access.and_then(|access| frame.sp?.checked_add(access.offset));
        functions.step(frame, inst);
        if stack_move(&inst.op, self.narrow).is_some() {
            return Fate::Move;
        }
        let (Some(access), Some(at)) = (access, at) else { return Fate::Stays };
        let Some(reg) = access.reg else { return Fate::Stays };
        let slot = frame.slots.contains(&(at, reg));
        if access.is_store {
            return if slot && frame.slots.len() > slots { Fate::Save(at) } else { Fate::Stays };
        }
        // Only a load from the register's own slot leaves it intact.
        let same = before.intersection(RegSet::of(&[reg])) == frame.intact.intersection(RegSet::of(&[reg]));
        if slot && same && frame.intact.contains(reg) { Fate::Superfluous } else { Fate::Stays }
    }

    fn is_loaded(&self, at: i64) -> bool {
        self.loads.iter().any(|(load, size)| *load < at + 8 && at < load + size)
    }

    fn clean(&self, program: &mut Program<'_>, functions: &Functions, blocks: &[BlockId]) -> bool {
        // The frame goes if all that is left in it goes.
        let mut saves_stay = false;
        let mut any_goes = false;
        for id in blocks {
            self.fates(program, functions, *id, !self.other_uses, |inst, goes| {
                saves_stay |= !goes && stack_access(inst).is_some_and(|access| access.is_store);
                any_goes |= goes;
            });
        }
        if !any_goes {
            return false;
        }
        let mut changed = false;
        let mut stay = Vec::new();
        for id in blocks {
            stay.clear();
            self.fates(program, functions, *id, !self.other_uses && !saves_stay, |_, goes| stay.push(!goes));
            if stay.contains(&false) {
                changed = true;
                let mut stay = stay.iter();
                program.blocks[id.index()].instructions.retain(|_| *stay.next().expect("one flag per instruction"));
            }
        }
        changed
    }

    /// Tells of each instruction of a block whether it goes, given whether the frame does unless control leaves with it.
    fn fates(
        &self,
        program: &Program<'_>,
        functions: &Functions,
        id: BlockId,
        frame_goes: bool,
        mut each: impl FnMut(&Inst, bool),
    ) {
        let Some(mut frame) = functions.frame(id).cloned() else { return };
        for inst in &program.block(id).instructions {
            let goes = match self.fate(functions, &mut frame, inst) {
                Fate::Stays => false,
                Fate::Superfluous => true,
                // What control leaves to with the frame in place may restore it.
                Fate::Save(at) => self.balanced && !self.is_loaded(at),
                Fate::Move => self.balanced && frame_goes,
            };
            each(inst, goes);
        }
    }
}
