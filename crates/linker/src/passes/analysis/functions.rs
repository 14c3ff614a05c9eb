//! Functions, and what is left of their callers' registers: which blocks belong together, where the stack pointer is, which
//! registers still hold what they held at entry, and which of those were saved on the stack.
//!
//! Blocks that lead to each other without a call belong to one *cluster*: a function, or several that share code. A jump to
//! the entry of another cluster is a tail call. The point of it all is to know a return: an indirect jump through a register
//! that still holds the return address, or holds it again.
//!
//! This rests on the calling convention: calls through `ra` preserve `sp`, `s0` and `s1`, and nothing but the function
//! itself writes to where it saved a register.

use super::edges::Entry;
use super::summaries::Summaries;
use crate::ir::{BlockId, Inst, Program, Terminator};
use pvm_isa::{Instruction, Meaning, Opcode, Reg, RegSet, Width};
use pvm_num::casts::{to_u32, to_usize, widen_u8};
use std::ops::Deref;
use std::rc::Rc;

/// Clusters and the state at the start of every block.
pub(crate) struct Functions {
    /// By block.
    clusters: Vec<u32>,
    /// How many there are.
    pub(crate) count: u32,
    frames: Vec<Option<Frame>>,
    /// By block: the state where its terminator stands.
    ends: Vec<Option<Frame>>,
    narrow: bool,
}

/// Where the registers of the caller are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    /// The stack pointer, relative to what it was at entry.
    pub(crate) sp: Option<i64>,
    /// Registers that hold what they held at entry.
    pub(crate) intact: RegSet,
    /// Saved registers by where they are, relative to the stack pointer at entry.
    pub(crate) slots: Slots,
}

/// Saved registers and where they are, sorted. States are copied more often than they save something: copies share.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Slots {
    /// None if nothing is saved.
    shared: Option<Rc<Vec<(i64, Reg)>>>,
}

impl Deref for Slots {
    type Target = [(i64, Reg)];

    fn deref(&self) -> &[(i64, Reg)] {
        self.shared.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl Slots {
    fn insert(&mut self, slot: (i64, Reg)) {
        let slots = Rc::make_mut(self.shared.get_or_insert_default());
        slots.push(slot);
        slots.sort_unstable();
    }

    fn retain(&mut self, stays: impl Fn(&(i64, Reg)) -> bool) {
        if self.iter().all(&stays) {
            return;
        }
        let left: Vec<_> = self.iter().copied().filter(|slot| stays(slot)).collect();
        self.shared = Some(left).filter(|left| !left.is_empty()).map(Rc::new);
    }

    fn clear(&mut self) {
        self.shared = None;
    }
}

/// Registers whose places on the stack are kept track of: those that a function saves because it must.
const SAVED: RegSet = RegSet::of(&[Reg::ra, Reg::s0, Reg::s1]);
/// Registers that a call preserves.
const PRESERVED: RegSet = RegSet::of(&[Reg::sp, Reg::s0, Reg::s1]);

impl Frame {
    fn at_entry() -> Frame {
        Frame { sp: Some(0), intact: RegSet::ALL, slots: Slots::default() }
    }

    fn unknown() -> Frame {
        Frame { sp: None, intact: RegSet::EMPTY, slots: Slots::default() }
    }

    /// Does all of it hold of another?
    fn holds_of(&self, other: &Frame) -> bool {
        self.sp.is_none_or(|sp| other.sp == Some(sp))
            && self.intact.difference(other.intact).is_empty()
            && self.slots.iter().all(|slot| other.slots.contains(slot))
    }

    /// What holds of both.
    fn meet(&self, other: &Frame) -> Frame {
        let mut slots = self.slots.clone();
        slots.retain(|slot| other.slots.contains(slot));
        Frame { sp: self.sp.filter(|sp| other.sp == Some(*sp)), intact: self.intact.intersection(other.intact), slots }
    }

    fn call(&mut self, link: Reg) {
        if link == Reg::ra {
            self.intact = self.intact.intersection(PRESERVED);
        } else {
            // Helpers that are called otherwise may have conventions of their own.
            *self = Frame::unknown();
        }
    }

    fn forget(&mut self, at: i64, size: i64) {
        self.slots.retain(|(slot, _)| at + size <= *slot || slot + 8 <= at);
    }
}

/// A memory access relative to the stack pointer.
#[derive(Clone, Copy)]
pub(crate) struct StackAccess {
    /// Distance from the stack pointer as it is.
    pub(crate) offset: i64,
    /// Bytes.
    pub(crate) size: i64,
    /// The register that is loaded or stored; none if an immediate is.
    pub(crate) reg: Option<Reg>,
    pub(crate) is_store: bool,
}

/// The stack access that an instruction makes, if it makes one.
pub(crate) fn stack_access(inst: &Inst) -> Option<StackAccess> {
    let op = &inst.op;
    let (base, reg, is_store) = match op.opcode().meaning() {
        Meaning::LoadIndirect(_) => (op.r2(), Some(op.r1()), false),
        Meaning::StoreIndirect(_) => (op.r2(), Some(op.r1()), true),
        Meaning::StoreImmIndirect(_) => (op.r1(), None, true),
        _ => return None,
    };
    if base != Reg::sp || inst.symbol.is_some() {
        return None;
    }
    let size = i64::from(op.access()?.bytes());
    Some(StackAccess { offset: i64::from(op.imm1()), size, reg, is_store })
}

/// Does an instruction do more to the state than change registers other than the stack pointer?
pub(super) fn may_use_stack(inst: &Inst) -> bool {
    inst.op.writes().contains(Reg::sp)
        || stack_access(inst).is_some_and(|access| match access.reg {
            // Only these are restored.
            Some(reg) => access.is_store || SAVED.contains(reg),
            None => true,
        })
}

/// By how much an instruction moves the stack pointer, if it does so in the usual way.
pub(crate) fn stack_move(op: &Instruction, narrow: bool) -> Option<i64> {
    let adds = if narrow { Opcode::add_imm_32 } else { Opcode::add_imm_64 };
    (op.opcode() == adds && op.r1() == Reg::sp && op.r2() == Reg::sp).then_some(i64::from(op.imm1()))
}

impl Functions {
    /// Of a whole program.
    pub(crate) fn new(program: &Program<'_>, entries: &[Entry], summaries: &Summaries) -> Functions {
        let (clusters, count) = clusters(program, entries);
        let narrow = program.width == Width::Narrow;
        let none = vec![None; program.blocks.len()];
        let mut functions = Functions { clusters, count, frames: none.clone(), ends: none, narrow };
        let mut open: Vec<BlockId> = Vec::new();
        for id in program.layout.iter().rev() {
            let entry = entries[id.index()];
            // A name tells the entry of a function from other places that have an address, such as those that a `switch`
            // leads to, where the registers may be anywhere.
            let function = entry.called || entry.exported || entry.taken && program.block(*id).label.is_some();
            if function || entry.taken {
                let frame = if function { Frame::at_entry() } else { Frame::unknown() };
                functions.frames[id.index()] = Some(frame);
                open.push(*id);
            }
        }
        while let Some(id) = open.pop() {
            let Some(mut frame) = functions.frames[id.index()].clone() else { continue };
            let block = program.block(id);
            let summary = summaries.of(id);
            match summary.uses_stack {
                true => block.instructions.iter().for_each(|inst| functions.step(&mut frame, inst)),
                false => frame.intact = frame.intact.difference(summary.changes),
            }
            functions.ends[id.index()] = Some(frame.clone());
            if block.terminator.return_block().is_some() {
                frame.call(block.terminator.writes().iter().next().unwrap_or(Reg::ra));
            }
            for next in next_of(&block.terminator) {
                if !is_function(entries[next.index()]) {
                    functions.flow(&mut open, next, &frame);
                }
            }
        }
        functions
    }

    fn flow(&mut self, open: &mut Vec<BlockId>, to: BlockId, frame: &Frame) {
        let old = &mut self.frames[to.index()];
        let new = match old {
            Some(old) if old.holds_of(frame) => return,
            Some(old) => old.meet(frame),
            None => frame.clone(),
        };
        *old = Some(new);
        open.push(to);
    }

    /// The cluster that a block belongs to.
    pub(crate) fn cluster(&self, block: BlockId) -> u32 {
        self.clusters[block.index()]
    }

    /// The state where a block starts; none if no function leads there.
    pub(crate) fn frame(&self, block: BlockId) -> Option<&Frame> {
        self.frames[block.index()].as_ref()
    }

    /// The state where the terminator of a block stands.
    pub(crate) fn frame_at_end(&self, block: BlockId) -> Option<&Frame> {
        self.ends[block.index()].as_ref()
    }

    /// Lets an instruction change the state.
    pub(crate) fn step(&self, frame: &mut Frame, inst: &Inst) {
        if let Some(distance) = stack_move(&inst.op, self.narrow) {
            frame.sp = frame.sp.and_then(|sp| sp.checked_add(distance));
            return;
        }
        if let Some(access) = stack_access(inst) {
            self.access(frame, access);
            return;
        }
        if inst.op.opcode() == Opcode::ecalli {
            frame.intact = frame.intact.difference(RegSet::of(&Reg::ARGUMENTS));
        }
        let written = inst.op.writes();
        if written.contains(Reg::sp) {
            frame.sp = None;
        }
        frame.intact = frame.intact.difference(written);
    }

    fn access(&self, frame: &mut Frame, access: StackAccess) {
        let whole = access.size == if self.narrow { 4 } else { 8 };
        let Some(sp) = frame.sp else {
            // It may be any slot.
            if access.is_store {
                frame.slots.clear();
            } else if let Some(reg) = access.reg {
                frame.intact = frame.intact.without(reg);
            }
            return;
        };
        let at = sp.saturating_add(access.offset);
        match (access.is_store, access.reg) {
            (true, reg) => {
                frame.forget(at, access.size);
                if let Some(reg) = reg.filter(|reg| whole && SAVED.contains(*reg) && frame.intact.contains(*reg)) {
                    frame.slots.insert((at, reg));
                }
            }
            (false, Some(reg)) => {
                if reg == Reg::sp {
                    frame.sp = None;
                }
                let saved = whole && frame.slots.contains(&(at, reg));
                frame.intact = if saved { frame.intact.with(reg) } else { frame.intact.without(reg) };
            }
            (false, None) => {}
        }
    }
}

/// Can a block be entered as a function?
pub(crate) const fn is_function(entry: Entry) -> bool {
    entry.called || entry.exported || entry.taken
}

/// Where control goes on within a function, or with a tail call: calls come back.
pub(crate) fn next_of(terminator: &Terminator) -> impl Iterator<Item = BlockId> {
    let back = terminator.return_block();
    let next = terminator.successors().filter(move |_| back.is_none());
    next.chain(back)
}

/// Blocks that lead to each other other than by calls get the same number.
fn clusters(program: &Program<'_>, entries: &[Entry]) -> (Vec<u32>, u32) {
    let mut parents: Vec<u32> = (0..to_u32(program.blocks.len())).collect();
    for (id, block) in program.blocks_in_order() {
        for next in next_of(&block.terminator).filter(|next| !is_function(entries[next.index()])) {
            let (a, b) = (root(&mut parents, id.0), root(&mut parents, next.0));
            // The lower number stays, which makes the result independent of the order.
            parents[to_usize(a.max(b))] = a.min(b);
        }
    }
    let mut numbers = vec![u32::MAX; parents.len()];
    let mut clusters = vec![0; parents.len()];
    let mut count = 0;
    for id in &program.layout {
        let root = to_usize(root(&mut parents, id.0));
        if numbers[root] == u32::MAX {
            numbers[root] = count;
            count += 1;
        }
        clusters[id.index()] = numbers[root];
    }
    (clusters, count)
}

fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[to_usize(at)] != at {
        let parent = parents[to_usize(at)];
        parents[to_usize(at)] = parents[to_usize(parent)];
        at = parents[to_usize(at)];
    }
    at
}

/// Registers through which functions return: `ra`, and `t0` for helpers of the compiler.
pub(crate) const LINKS: [Reg; 2] = [Reg::ra, Reg::t0];

/// The position in [`LINKS`] of a register through which control returns to a caller for certain.
pub(crate) fn known_return(frame: Option<&Frame>, terminator: &Terminator) -> Option<u32> {
    let Terminator::JumpIndirect { base, offset: 0 } = *terminator else { return None };
    let link = LINKS.iter().position(|link| *link == base)?;
    frame.filter(|frame| frame.intact.contains(base)).map(|_| to_u32(link))
}

/// The position in [`LINKS`] of a register.
pub(crate) fn link_number(reg: Reg) -> Option<u32> {
    LINKS.iter().position(|link| *link == reg).map(|link| widen_u8(pvm_num::casts::to_u8(link)))
}
