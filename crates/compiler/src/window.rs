//! The window: instructions of one block, looked at together before any is emitted.
//!
//! A register that is overwritten before the guest can stop need not be written. Where the guest can stop in between, at an access
//! that faults, its value can still be had by executing the instruction late, if what it reads is as it was. [`Window::dies`]
//! answers both.

use pvm_isa::{Instruction, Meaning, Opcode, Reg};
use pvm_num::casts::to_usize;
use pvm_program::{Instructions, Located};

/// Most instructions of a window; longer blocks are seen in parts.
pub(crate) const WINDOW: usize = 64;
/// How many instructions are looked through for the end of a value.
const LOOK: usize = 24;

/// No instruction of the window.
pub(crate) const NONE: u8 = u8::MAX;

const READS: [u8; 3] = [1, 2, 4];
const WRITES: u8 = 8;
const LOADS: u8 = 16;
const STORES: u8 = 32;
/// It ends the block, or leaves to the host.
const BARRIER: u8 = 64;

/// What each opcode does, so far as it matters here.
static FACTS: [u8; Opcode::COUNT] = {
    let mut facts = [0; Opcode::COUNT];
    let mut at = 0;
    while at < Opcode::COUNT {
        let opcode = Opcode::ALL[at];
        let [first, second, third] = [Reg::ra, Reg::sp, Reg::t0];
        let instruction = Instruction::with_registers(opcode, [first, second, third]);
        let reads = instruction.reads();
        let mut fact = 0;
        if reads.contains(first) {
            fact |= READS[0];
        }
        if reads.contains(second) {
            fact |= READS[1];
        }
        if reads.contains(third) {
            fact |= READS[2];
        }
        if instruction.destination().is_some() {
            fact |= WRITES;
        }
        match opcode.meaning() {
            Meaning::Load(_) | Meaning::LoadIndirect(_) => fact |= LOADS,
            Meaning::Store(_) | Meaning::StoreImm(_) | Meaning::StoreIndirect(_) | Meaning::StoreImmIndirect(_) => {
                fact |= STORES;
            }
            Meaning::Memset | Meaning::Sbrk | Meaning::Ecalli => fact |= BARRIER,
            _ if opcode.ends_block() => fact |= BARRIER,
            _ => {}
        }
        facts[opcode.index()] = fact;
        at += 1;
    }
    facts
};

#[inline(always)]
fn facts(instruction: &Instruction) -> u8 {
    FACTS[instruction.opcode().index()]
}

#[inline(always)]
pub(crate) fn bit(reg: Reg) -> u16 {
    1 << reg.number()
}

/// Registers that the instruction reads, as bits.
#[inline(always)]
pub(crate) fn reads(instruction: &Instruction) -> u16 {
    let facts = facts(instruction);
    let one = |fact: u8, reg: Reg| u16::from(facts & fact != 0) << reg.number();
    one(READS[0], instruction.r1()) | one(READS[1], instruction.r2()) | one(READS[2], instruction.r3())
}

/// A place in memory that a value was loaded from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    base: Option<Reg>,
    offset: u32,
    bytes: u32,
}

impl Place {
    /// The place that an instruction accesses.
    pub(crate) fn of(instruction: &Instruction) -> Option<Place> {
        let (base, offset) = instruction.place()?;
        Some(Place { base, offset, bytes: instruction.access()?.bytes() })
    }

    /// Can they share a byte? Bases are as they were when both were made.
    fn overlaps(self, other: Place) -> bool {
        self.base != other.base
            || self.offset.wrapping_sub(other.offset) < other.bytes
            || other.offset.wrapping_sub(self.offset) < self.bytes
    }
}

/// Instructions in a row, of one block.
pub(crate) struct Window {
    items: [Located; WINDOW],
    len: usize,
    /// For each instruction, the first behind it that reads what it writes, unless that is overwritten before: then [`NONE`].
    next_read: [u8; WINDOW],
}

impl Window {
    pub(crate) fn new() -> Window {
        let nothing = Located { instruction: Instruction::invalid(), offset: 0, next: 0 };
        Window { items: [nothing; WINDOW], len: 0, next_read: [NONE; WINDOW] }
    }

    /// Takes the instructions up to the end of the block, as far as there is room; is the block at its end?
    pub(crate) fn fill(&mut self, instructions: &mut Instructions<'_>) -> bool {
        self.len = 0;
        while self.len < WINDOW {
            let Some(located) = instructions.next() else { return false };
            self.items[self.len] = located;
            self.len += 1;
            if located.instruction.opcode().ends_block() {
                return true;
            }
        }
        false
    }

    #[inline(always)]
    pub(crate) fn items(&self) -> &[Located] {
        self.items.get(..self.len).unwrap_or(&[])
    }

    #[inline(always)]
    pub(crate) fn instruction(&self, index: usize) -> &Instruction {
        &self.items[index % WINDOW].instruction
    }

    /// Finds for each value its first reader, from the end to the start.
    pub(crate) fn find_readers(&mut self) {
        let mut next = [NONE; 16];
        for (index, located) in self.items[..self.len].iter().enumerate().rev() {
            let instruction = &located.instruction;
            let facts = facts(instruction);
            let here = u8::try_from(index).unwrap_or(NONE);
            let mut reader = NONE;
            if facts & WRITES != 0 {
                reader = core::mem::replace(&mut next[instruction.r1().index()], NONE);
            }
            self.next_read[index] = reader;
            for (fact, reg) in READS.into_iter().zip([instruction.r1(), instruction.r2(), instruction.r3()]) {
                if facts & fact != 0 {
                    next[reg.index()] = here;
                }
            }
        }
    }

    /// The first reader of what an instruction writes.
    #[inline(always)]
    pub(crate) fn reader(&self, index: usize) -> Option<usize> {
        let reader = self.next_read[index % WINDOW];
        (reader != NONE).then(|| usize::from(reader))
    }

    /// Do the instructions from one up to another, which does not count, leave these registers alone and stay in the block?
    pub(crate) fn leave_alone(&self, from: usize, to: usize, registers: u16) -> bool {
        self.items[from..to].iter().all(|located| {
            let instruction = &located.instruction;
            let facts = facts(instruction);
            facts & BARRIER == 0 && (facts & WRITES == 0 || bit(instruction.r1()) & registers == 0)
        })
    }

    /// Whether the value of `reg` is of no use to the instructions behind `from`, which may read it itself.
    ///
    /// The answer is the last instruction at which the guest can stop and must be told the value (`from` if there is none): up to it
    /// the value can be computed from `inputs` and, if it was loaded, from the place.
    pub(crate) fn dies(&self, from: usize, reg: Reg, inputs: u16, place: Option<Place>) -> Option<usize> {
        let mut last = from;
        let mut is_lost = false;
        let end = self.len.min(from + LOOK);
        for (index, located) in self.items[..end].iter().enumerate().skip(from) {
            let instruction = &located.instruction;
            let facts = facts(instruction);
            if facts & BARRIER != 0 || (index > from && reads(instruction) & bit(reg) != 0) {
                return None;
            }
            if facts & (LOADS | STORES) != 0 {
                if is_lost {
                    return None;
                }
                last = index;
            }
            if facts & STORES != 0
                && let Some(place) = place
                && Place::of(instruction).is_none_or(|other| other.overlaps(place))
            {
                is_lost = true;
            }
            if facts & WRITES != 0 {
                if instruction.r1() == reg {
                    return Some(last);
                }
                is_lost |= bit(instruction.r1()) & inputs != 0;
            }
        }
        None
    }
}

/// Bits from one index up to another, which counts.
pub(crate) fn bits(from: usize, to: usize) -> u64 {
    let below = |index: usize| if index >= WINDOW { u64::MAX } else { (1 << index) - 1 };
    below(to + 1) & !below(from)
}

/// The numbers of the set bits, lowest first.
pub(crate) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let lowest = bits.trailing_zeros();
        bits &= bits - 1;
        Some(to_usize(lowest))
    })
}

const _: () = assert!(WINDOW <= 64, "sets of instructions are words");
