//! Stack slots: what a function has stored in its frame is taken from a register that still holds it, or written as the number
//! that it is.
//!
//! ```text
//! [sp + 8] = s0           [sp + 8] = s0
//! call f                  call f
//! a0 = [sp + 8]           a0 = s0
//!
//! [sp + 8] = 5            (in a function that calls none,
//! a0 = [sp + 8]           a0 = 5       and reads the slot nowhere else)
//! ```
//!
//! Where an address in the frame leaves the stack pointer, stores through other registers and whoever is called may change every
//! slot. Saved registers are left to [`super::frames`]. This rests on the calling convention; where the stack pointer is not
//! known in all of a function, nothing is done.

use super::Options;
use super::analysis::edges::Entry;
use super::analysis::functions::{self, Functions, StackAccess, is_function, next_of, stack_access, stack_move};
use super::analysis::size;
use super::analysis::values::{State, Value, Values, extended};
use super::constants::load_constant;
use crate::config::{Optimize, Trust};
use crate::ir::{BlockId, Inst, Program, Terminator};
use pvm_isa::{Access, Instruction, Meaning, Reg, RegSet, Width};
use pvm_num::casts::to_usize;
use std::collections::hash_map::Entry as Known;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Most blocks of a function that is looked at, most slots at one place, and most walks over a function: the bounds of what it
/// takes. What more walks would find is given up.
const BLOCKS_MAX: usize = 1 << 14;
const SLOTS_MAX: usize = 32;
const WALKS_MAX: u32 = 8;

/// Registers that a call preserves.
const PRESERVED: RegSet = RegSet::of(&[Reg::sp, Reg::s0, Reg::s1]);

/// Some bytes of the frame and what they hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    /// Distance from the stack pointer at entry.
    at: i64,
    bytes: u32,
    /// A register whose low bytes are the same.
    reg: Option<Reg>,
    /// A number whose low bytes are the same; a name only if it is as wide as a register.
    value: Option<Value>,
}

/// What is known of the frame at some place.
type Slots = Vec<Slot>;

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
    let mut values = None;
    let mut edits = Vec::new();
    let is_new = |blocks: &[BlockId]| blocks.iter().any(|id| !options.is_settled(program, *id));
    for blocks in clusters.iter().filter(|blocks| blocks.len() <= BLOCKS_MAX && is_new(blocks)) {
        if let Some(frame) = Frame::new(program, &functions, &entries, blocks) {
            let Some(values) = values.get_or_insert_with(|| Values::new(program, options)) else { return false };
            Walk { program, options, functions: &functions, entries: &entries, values, frame }
                .cluster(blocks, &mut edits);
        }
    }
    for edits in edits.chunk_by(|a, b| a.0 == b.0) {
        let Some((id, ..)) = edits.first() else { continue };
        let instructions = &mut program.blocks[id.index()].instructions;
        let mut edits = edits.iter().peekable();
        let mut at = 0;
        instructions.retain_mut(|inst| {
            let edit = edits.next_if(|edit| edit.1 == at);
            at += 1;
            if let Some((.., Some(new))) = edit {
                *inst = *new;
            }
            !matches!(edit, Some((.., None)))
        });
    }
    !edits.is_empty()
}

/// An instruction, and what becomes of it: none if it goes.
type Edit = (BlockId, usize, Option<Inst>);

/// How a cluster in which the stack pointer is known everywhere uses its frame.
struct Frame {
    /// May somebody have an address in it?
    escapes: bool,
    /// Is it gone wherever control leaves, and does control never leave but for good?
    is_private: bool,
    /// What is loaded from it but saved registers: places and bytes.
    loads: BTreeSet<(i64, i64)>,
}

impl Frame {
    /// None where the stack pointer is not known everywhere, or nothing is stored that could be known when it is loaded.
    fn new(program: &Program<'_>, functions: &Functions, entries: &[Entry], blocks: &[BlockId]) -> Option<Frame> {
        let narrow = program.width == Width::Narrow;
        let mut result = Frame { escapes: false, is_private: true, loads: BTreeSet::new() };
        let mut stores = BTreeSet::new();
        for id in blocks {
            let entry = entries[id.index()];
            if is_function(entry) && entry.returned_to {
                return None;
            }
            let Some(mut frame) = functions.frame(*id).cloned() else { continue };
            let block = program.block(*id);
            for inst in &block.instructions {
                let sp = frame.sp?;
                functions.step(&mut frame, inst);
                match stack_access(inst) {
                    Some(access) if access.reg != Some(Reg::sp) => {
                        let place = sp.checked_add(access.offset)?;
                        if place < 0 && !is_saved(&frame, place, access) {
                            let of = if access.is_store { &mut stores } else { &mut result.loads };
                            of.insert((place, access.size));
                        }
                    }
                    _ if stack_move(&inst.op, narrow).is_some() => {}
                    _ => result.escapes |= inst.op.reads().union(inst.op.writes()).contains(Reg::sp),
                }
            }
            let sp = frame.sp?;
            let leaves = matches!(block.terminator, Terminator::JumpIndirect { .. })
                || next_of(&block.terminator).any(|next| is_function(entries[next.index()]));
            result.is_private &= block.terminator.return_block().is_none() && (!leaves || sp == 0);
            result.escapes |= block.terminator.reads().union(block.terminator.writes()).contains(Reg::sp);
        }
        result.is_private &= !result.escapes;
        let is_of_use = |store: &(i64, i64)| result.loads.contains(store) || result.is_dead(*store);
        stores.iter().any(is_of_use).then_some(result)
    }

    /// Does nobody read what is stored there?
    fn is_dead(&self, (place, bytes): (i64, i64)) -> bool {
        let mut near = self.loads.range((place.saturating_sub(8), 0)..(place + bytes, 0));
        self.is_private && !near.any(|(load, bytes)| place < load + bytes)
    }
}

/// Is it the slot of a register that the function saves?
fn is_saved(frame: &functions::Frame, place: i64, access: StackAccess) -> bool {
    access.reg.is_some_and(|reg| frame.slots.contains(&(place, reg)))
}

struct Walk<'w, 'a> {
    program: &'w Program<'a>,
    options: &'w Options,
    functions: &'w Functions,
    entries: &'w [Entry],
    values: &'w Values,
    frame: Frame,
}

impl Walk<'_, '_> {
    /// Finds what to change in a cluster.
    fn cluster(&self, blocks: &[BlockId], edits: &mut Vec<Edit>) {
        let mut states: HashMap<BlockId, Slots> = HashMap::new();
        let enters = |id: &&BlockId| is_function(self.entries[id.index()]);
        states.extend(blocks.iter().filter(enters).map(|id| (*id, Slots::new())));
        let mut open: HashSet<BlockId> = states.keys().copied().collect();
        for _ in 0..WALKS_MAX {
            for id in blocks {
                if !open.remove(id) {
                    continue;
                }
                let mut slots = states.get(id).cloned().unwrap_or_default();
                self.block(*id, &mut slots, |_, _| {});
                for next in next_of(&self.program.block(*id).terminator) {
                    if !is_function(self.entries[next.index()]) && flow(states.entry(next), &slots) {
                        open.insert(next);
                    }
                }
            }
            if open.is_empty() {
                break;
            }
        }
        if open.is_empty() {
            for id in blocks {
                if let Some(mut slots) = states.remove(id) {
                    self.block(*id, &mut slots, |at, new| edits.push((*id, at, new)));
                }
            }
        }
    }

    /// Lets a block change what is known, and tells what to change in it.
    fn block(&self, id: BlockId, slots: &mut Slots, mut change: impl FnMut(usize, Option<Inst>)) {
        let (Some(mut frame), Some(mut state)) = (self.functions.frame(id).cloned(), self.values.state(id).copied())
        else {
            // It is never executed.
            return slots.clear();
        };
        let block = self.program.block(id);
        // Behind it nobody asks for values.
        let last_store =
            block.instructions.iter().rposition(|inst| stack_access(inst).is_some_and(|access| access.is_store));
        for (at, inst) in block.instructions.iter().enumerate() {
            let follow = |inst: &Inst, state: &mut State| {
                if last_store.is_some_and(|last| at < last) {
                    self.values.step(self.program, state, inst);
                }
            };
            let access =
                stack_access(inst).zip(frame.sp).map(|(access, sp)| (access, sp.saturating_add(access.offset)));
            self.functions.step(&mut frame, inst);
            let Some((access, place)) = access.filter(|(access, place)| place + access.size <= 0) else {
                self.step(slots, inst);
                follow(inst, &mut state);
                continue;
            };
            let is_saved = is_saved(&frame, place, access);
            if !access.is_store {
                let known = slots.iter().find(|slot| slot.at == place && i64::from(slot.bytes) == access.size).copied();
                let new = known.filter(|_| !is_saved).and_then(|slot| self.instead(inst, &slot));
                follow(new.as_ref().unwrap_or(inst), &mut state);
                forget(slots, inst.op.writes());
                if let Some(new) = new {
                    change(at, Some(new));
                } else if known.is_none() {
                    note(slots, Slot { at: place, bytes: inst_bytes(inst), reg: access.reg, value: None });
                }
                continue;
            }
            if !is_saved && self.frame.is_dead((place, access.size)) {
                change(at, None);
            }
            slots.retain(|slot| place + access.size <= slot.at || slot.at + i64::from(slot.bytes) <= place);
            let value = stored(inst, &state, self.word());
            note(slots, Slot { at: place, bytes: inst_bytes(inst), reg: access.reg, value });
        }
        if block.terminator.return_block().is_some() {
            // Whoever is called has its frame below.
            let sp = frame.sp.unwrap_or(0);
            let calls_by_convention = block.terminator.writes() == RegSet::of(&[Reg::ra]);
            slots.retain(|slot| calls_by_convention && !self.frame.escapes && slot.at >= sp);
            forget(slots, RegSet::ALL.difference(PRESERVED));
        }
    }

    /// Bytes of a register.
    fn word(&self) -> u32 {
        if self.program.width == Width::Narrow { 4 } else { 8 }
    }

    /// Lets an instruction that is no access to the frame change what is known.
    fn step(&self, slots: &mut Slots, inst: &Inst) {
        let written = match inst.op.opcode().meaning() {
            Meaning::Ecalli => RegSet::of(&Reg::ARGUMENTS),
            _ => inst.op.writes(),
        };
        forget(slots, written);
        let may_store = matches!(
            inst.op.opcode().meaning(),
            Meaning::Store(_)
                | Meaning::StoreImm(_)
                | Meaning::StoreIndirect(_)
                | Meaning::StoreImmIndirect(_)
                | Meaning::Ecalli
                | Meaning::Memset
        );
        if may_store && self.frame.escapes {
            slots.clear();
        }
    }

    /// What gives the same as a load from a slot, if that is better.
    fn instead(&self, inst: &Inst, slot: &Slot) -> Option<Inst> {
        let Meaning::LoadIndirect(access) = inst.op.opcode().meaning() else { return None };
        let rd = inst.op.r1();
        let is_whole = slot.bytes == self.word();
        let number = slot.value.and_then(|value| match (value, is_whole) {
            (Value::Symbol(symbol), true) => {
                Some(Inst { op: Instruction::load_imm(rd, 0), symbol: Some(symbol), ..*inst })
            }
            (value, _) => {
                let value = value.as_constant()?;
                let value = if is_whole { value } else { extended(access, value) };
                Some(Inst { op: load_constant(rd, value), ..*inst })
            }
        });
        let bytes = |inst: &Inst| size::of_inst(self.options.set, inst);
        // A byte more is worth it: the number goes on to where it is used.
        let number = number.filter(|new| self.options.optimize == Optimize::Gas || bytes(new) <= bytes(inst) + 1);
        number.or_else(|| {
            let reg = slot.reg?;
            let op = match access {
                _ if is_whole => Instruction::move_reg(rd, reg),
                Access::i32 => Instruction::add_imm_32(rd, reg, 0),
                Access::u8 => Instruction::and_imm(rd, reg, 0xff),
                _ => return None,
            };
            Some(Inst { op, ..*inst })
        })
    }
}

fn inst_bytes(inst: &Inst) -> u32 {
    inst.op.access().map_or(0, Access::bytes)
}

/// The number that a store stores, if it is known.
fn stored(inst: &Inst, state: &State, word: u32) -> Option<Value> {
    match inst.op.opcode().meaning() {
        Meaning::StoreImmIndirect(_) => Some(Value::constant(inst.op.imm2_extended())),
        _ => match state[inst.op.r1().index()] {
            value @ Value::Symbol(_) => Some(value).filter(|_| inst_bytes(inst) == word),
            value => value.as_constant().map(Value::constant),
        },
    }
}

fn note(slots: &mut Slots, slot: Slot) {
    if slots.len() < SLOTS_MAX && (slot.reg.is_some() || slot.value.is_some()) {
        slots.push(slot);
    }
}

/// Registers get new values.
fn forget(slots: &mut Slots, written: RegSet) {
    slots.retain_mut(|slot| {
        slot.reg = slot.reg.filter(|reg| !written.contains(*reg));
        slot.reg.is_some() || slot.value.is_some()
    });
}

/// Control goes on where something may be known already. Does that change what is?
fn flow(to: Known<'_, BlockId, Slots>, slots: &Slots) -> bool {
    let mut known = match to {
        Known::Vacant(to) => {
            to.insert(slots.clone());
            return true;
        }
        Known::Occupied(known) => known,
    };
    let mut changed = false;
    known.get_mut().retain_mut(|slot| {
        let other = slots.iter().find(|other| (other.at, other.bytes) == (slot.at, slot.bytes));
        let reg = slot.reg.filter(|reg| other.is_some_and(|other| other.reg == Some(*reg)));
        let value = slot.value.filter(|value| other.is_some_and(|other| other.value == Some(*value)));
        changed |= (reg, value) != (slot.reg, slot.value);
        (slot.reg, slot.value) = (reg, value);
        reg.is_some() || value.is_some()
    });
    changed
}
