//! The window: instructions of one block, looked at together before any is emitted.
//!
//! A register that is overwritten before the guest can stop need not be written. Where the guest can stop in between, at an access
//! that faults, its value can still be had by executing the instruction late, if what it reads is as it was. [`Window::dies`]
//! answers both.

use pvm_isa::{Instruction, Meaning, Opcode, Reg};
use pvm_num::casts::{to_usize, widen_u8};
use pvm_num::limits::REGISTER_COUNT;
use pvm_program::{Instructions, Located};

/// Most instructions of a window; longer blocks are seen in parts.
pub(crate) const WINDOW: usize = 64;
/// How many instructions are looked through for the end of a value.
const LOOK: usize = 24;

/// No instruction of the window.
pub(crate) const NONE: u8 = u8::MAX;

/// A set of instructions of the window, one bit each.
pub(crate) type Set = u64;

/// Cells of a register file: a register's has its number, and those above are for operands that do not count.
const CELLS: usize = 64;
/// What to add to the number of the first, second or third operand if it does not count. They differ, for a processor that is to
/// change a cell thrice has to wait twice.
const NOWHERE: [u8; 3] = [16, 32, 48];

/// What an instruction is to the plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    /// It may be folded into what uses its result.
    Sum,
    Load,
    /// Likewise, and what it gives may be another instruction's operand.
    Feeder,
    Store,
    /// It ends the block, or leaves to the host.
    Barrier,
    /// It sets a register to whether a comparison holds.
    Compare,
    /// A half of a product of 128 bits.
    Product,
    /// It moves a register, or does nothing.
    Move,
}

impl Class {
    const COUNT: usize = 9;

    const fn index(self) -> usize {
        match self {
            Class::Other => 0,
            Class::Sum => 1,
            Class::Load => 2,
            Class::Feeder => 3,
            Class::Store => 4,
            Class::Barrier => 5,
            Class::Compare => 6,
            Class::Product => 7,
            Class::Move => 8,
        }
    }

    const fn of(opcode: Opcode) -> Class {
        use Opcode as O;
        match opcode {
            O::add_imm_32 | O::add_imm_64 | O::add_32 | O::add_64 => return Class::Sum,
            O::shift_logical_left_imm_32 | O::shift_logical_left_imm_64 => return Class::Sum,
            O::set_less_than_unsigned | O::set_less_than_signed => return Class::Compare,
            O::set_less_than_unsigned_imm | O::set_less_than_signed_imm => return Class::Compare,
            O::set_greater_than_unsigned_imm | O::set_greater_than_signed_imm => return Class::Compare,
            O::mul_64 | O::mul_upper_unsigned_unsigned => return Class::Product,
            O::move_reg | O::unlikely => return Class::Move,
            O::load_u32 | O::load_i32 | O::load_u64 => return Class::Feeder,
            O::load_indirect_u32 | O::load_indirect_i32 | O::load_indirect_u64 => return Class::Feeder,
            _ => {}
        }
        match opcode.meaning() {
            Meaning::Load(_) | Meaning::LoadIndirect(_) => Class::Load,
            Meaning::Store(_) | Meaning::StoreImm(_) => Class::Store,
            Meaning::StoreIndirect(_) | Meaning::StoreImmIndirect(_) => Class::Store,
            Meaning::Memset | Meaning::Sbrk | Meaning::Ecalli => Class::Barrier,
            _ if opcode.ends_block() => Class::Barrier,
            _ => Class::Other,
        }
    }
}

/// What each opcode does, so far as it matters here.
#[derive(Clone, Copy)]
struct Facts {
    /// What to add to the number of each register operand that is read, and to that of the first where it is written.
    reads: [u8; 3],
    writes: u8,
    class: Class,
}

/// By opcode; as many as a byte can tell apart, so that no index is out of bounds.
static FACTS: [Facts; 256] = {
    let mut all = [Facts { reads: NOWHERE, writes: NOWHERE[0], class: Class::Other }; 256];
    let mut at = 0;
    while at < Opcode::COUNT {
        let opcode = Opcode::ALL[at];
        let registers = [Reg::ra, Reg::sp, Reg::t0];
        let instruction = Instruction::with_registers(opcode, registers);
        let facts = &mut all[opcode.index()];
        facts.class = Class::of(opcode);
        let mut operand = 0;
        while operand < registers.len() {
            if instruction.reads().contains(registers[operand]) {
                facts.reads[operand] = 0;
            }
            operand += 1;
        }
        if instruction.destination().is_some() {
            facts.writes = 0;
        }
        at += 1;
    }
    all
};

#[inline(always)]
fn facts(instruction: &Instruction) -> &'static Facts {
    &FACTS[instruction.opcode().index()]
}

#[inline(always)]
fn cell(reg: Reg, add: u8) -> usize {
    usize::from(reg.number() | add) % CELLS
}

/// Registers that the instruction reads, as bits.
#[inline(always)]
pub(crate) fn reads(instruction: &Instruction) -> u16 {
    let [first, second, third] = facts(instruction).reads;
    let one = |add: u8, reg: Reg| u16::from(add == 0) << reg.number();
    one(first, instruction.r1()) | one(second, instruction.r2()) | one(third, instruction.r3())
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

    /// The register that it is relative to.
    pub(crate) fn base(self) -> Option<Reg> {
        self.base
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
    /// By register: the instructions that read it, and those that write it.
    readers: [Set; CELLS],
    writers: [Set; CELLS],
    classes: [Set; Class::COUNT],
}

impl Window {
    pub(crate) fn new() -> Window {
        let nothing = Located { instruction: Instruction::invalid(), offset: 0, next: 0 };
        Window {
            items: [nothing; WINDOW],
            len: 0,
            readers: [0; CELLS],
            writers: [0; CELLS],
            classes: [0; Class::COUNT],
        }
    }

    /// Takes the instructions up to the end of the block, as far as there is room; is the block at its end?
    pub(crate) fn fill(&mut self, instructions: &mut Instructions<'_>) -> bool {
        self.readers[..REGISTER_COUNT].fill(0);
        self.writers[..REGISTER_COUNT].fill(0);
        self.classes = [0; Class::COUNT];
        self.len = 0;
        for (item, bit) in self.items.iter_mut().zip(Bits(1)) {
            let Some(located) = instructions.next() else { return false };
            let instruction = &located.instruction;
            let facts = facts(instruction);
            let [first, second, third] = facts.reads;
            self.readers[cell(instruction.r1(), first)] |= bit;
            self.readers[cell(instruction.r2(), second)] |= bit;
            self.readers[cell(instruction.r3(), third)] |= bit;
            self.writers[cell(instruction.r1(), facts.writes)] |= bit;
            self.classes[facts.class.index()] |= bit;
            let ends_block = instruction.opcode().ends_block();
            *item = located;
            self.len += 1;
            if ends_block {
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

    #[inline(always)]
    fn class(&self, class: Class) -> Set {
        self.classes[class.index()]
    }

    /// Sums that may be folded into what uses them.
    #[inline(always)]
    pub(crate) fn sums(&self) -> Set {
        self.class(Class::Sum)
    }

    /// Loads that may be the operand of what uses them.
    #[inline(always)]
    pub(crate) fn feeders(&self) -> Set {
        self.class(Class::Feeder)
    }

    #[inline(always)]
    pub(crate) fn loads(&self) -> Set {
        self.class(Class::Load) | self.class(Class::Feeder)
    }

    #[inline(always)]
    pub(crate) fn stores(&self) -> Set {
        self.class(Class::Store)
    }

    /// What sets a register to whether a comparison holds.
    #[inline(always)]
    pub(crate) fn compares(&self) -> Set {
        self.class(Class::Compare)
    }

    /// Halves of products.
    #[inline(always)]
    pub(crate) fn products(&self) -> Set {
        self.class(Class::Product)
    }

    /// Copies of registers, and what does nothing.
    #[inline(always)]
    pub(crate) fn moves(&self) -> Set {
        self.class(Class::Move)
    }

    /// The last instruction before one that writes a register.
    pub(crate) fn writer_before(&self, index: usize, reg: Reg) -> Option<usize> {
        let writers = self.writers[cell(reg, 0)] & before(index);
        (writers != 0).then(|| to_usize(writers.ilog2()))
    }

    /// Loads and stores.
    #[inline(always)]
    pub(crate) fn accesses(&self) -> Set {
        self.loads() | self.stores()
    }

    /// The first instruction that reads what one writes, if that is not overwritten before.
    #[inline(always)]
    pub(crate) fn reader(&self, index: usize) -> Option<usize> {
        let instruction = self.instruction(index);
        let at = cell(instruction.r1(), facts(instruction).writes);
        let reads = self.readers[at] & behind(index);
        if reads == 0 || facts(instruction).writes != 0 {
            return None;
        }
        let writes = self.writers[at] & behind(index);
        // An instruction that reads the register and writes it reads it first.
        (reads.trailing_zeros() <= writes.trailing_zeros()).then(|| to_usize(reads.trailing_zeros()))
    }

    /// The instructions of a set that write one of these registers.
    #[inline(always)]
    fn writers_in(&self, set: Set, registers: u16) -> Set {
        // How many there are is hard to foresee, but mostly two at most. Of none the cell is one that no instruction writes.
        let first = u32::from(registers);
        let second = first & first.wrapping_sub(1);
        let rest = second & second.wrapping_sub(1);
        let writers = |registers: u32| self.writers[to_usize(registers.trailing_zeros()) % CELLS];
        let others = ones(rest.into()).map(|reg| self.writers[reg % CELLS]).fold(0, |all, writers| all | writers);
        set & (writers(first) | writers(second) | others)
    }

    /// Do the instructions from one up to another, which does not count, leave these registers alone and stay in the block?
    pub(crate) fn leave_alone(&self, from: usize, to: usize, registers: u16) -> bool {
        let span = behind(from) & before(to) | bit(from) & before(to);
        self.class(Class::Barrier) & span | self.writers_in(span, registers) == 0
    }

    /// Do the instructions behind one up to another, which does not count, leave a place as it is? Bases are as they were.
    pub(crate) fn is_kept(&self, place: Place, from: usize, to: usize) -> bool {
        self.overwrites(place, behind(from) & before(to)).is_none()
    }

    /// The first store of a set that may write to a place.
    fn overwrites(&self, place: Place, set: Set) -> Option<usize> {
        let overlaps = |at: &usize| Place::of(self.instruction(*at)).is_none_or(|other| other.overlaps(place));
        ones(self.stores() & set).find(overlaps)
    }

    /// Whether the value of `reg` is of no use to the instructions behind `from`, which may read it itself.
    ///
    /// The answer is the last instruction at which the guest can stop and must be told the value (`from` if there is none): up to it
    /// the value can be computed from `inputs` and, if it was loaded, from the place.
    pub(crate) fn dies(&self, from: usize, reg: Reg, inputs: u16, place: Option<Place>) -> Option<usize> {
        let end = self.writers[cell(reg, 0)] & (bit(from) | behind(from));
        if end == 0 || to_usize(end.trailing_zeros()) >= from + LOOK {
            return None;
        }
        let end = to_usize(end.trailing_zeros());
        let rest = between(from, end);
        let span = bit(from) | rest;
        if self.class(Class::Barrier) & span | self.readers[cell(reg, 0)] & rest != 0 {
            return None;
        }
        let accesses = self.accesses() & span;
        if accesses == 0 {
            return Some(from);
        }
        // From the first of these on, behind itself, the value cannot be computed any more.
        let mut losses = self.writers_in(span & before(end), inputs);
        if let Some(place) = place {
            losses |= self.overwrites(place, span).map_or(0, bit);
        }
        if losses != 0 && accesses & behind(to_usize(losses.trailing_zeros())) != 0 {
            return None;
        }
        Some(to_usize(accesses.ilog2()))
    }
}

/// The set of one instruction.
#[inline(always)]
pub(crate) fn bit(index: usize) -> Set {
    1 << (index % WINDOW)
}

/// The instructions behind one.
#[inline(always)]
pub(crate) fn behind(index: usize) -> Set {
    Set::MAX << (index % WINDOW) << 1
}

/// The instructions behind one up to another, which counts.
#[inline(always)]
pub(crate) fn between(from: usize, to: usize) -> Set {
    behind(from) & (before(to) | bit(to))
}

/// The instructions before one.
#[inline(always)]
pub(crate) fn before(index: usize) -> Set {
    bit(index) - 1
}

/// The sets of one instruction, one after the other.
struct Bits(Set);

impl Iterator for Bits {
    type Item = Set;

    #[inline(always)]
    fn next(&mut self) -> Option<Set> {
        let bit = self.0;
        self.0 <<= 1;
        Some(bit)
    }
}

/// The numbers of the set bits, lowest first.
#[inline(always)]
pub(crate) fn ones(mut bits: Set) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let lowest = bits.trailing_zeros();
        bits &= bits - 1;
        Some(to_usize(lowest))
    })
}

const _: () =
    assert!(WINDOW == 64 && REGISTER_COUNT <= to_usize(widen_u8(NOWHERE[0])), "sets of instructions are words");
