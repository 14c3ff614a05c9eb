//! What registers hold where blocks start: constants, addresses and known bits, over the whole program.
//!
//! Forward, and only along what can be executed: a branch whose condition is known leads one way. Blocks that the host or
//! an address leads to can be entered with anything in the registers. A function that is only called directly is entered
//! with what its callers have in common. Behind a call nothing is known, except that functions which return through `ra`
//! preserve what the calling convention says, if that is to be trusted.

use super::bits::{self, Bits};
use super::edges::Entry;
use crate::config::Trust;
use crate::ir::{Block, BlockId, DataId, DataKind, DataValue, Inst, Program, Symbolic, Target, Terminator};
use crate::passes::{Options, forms};
use pvm_isa::{Access, Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{low_u32, sign_extend_8, sign_extend_16, sign_extend_32, signed_64, to_u32, to_usize, widen_u8};
use std::cell::RefMut;
use std::collections::BTreeSet;

/// What is known of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// A number.
    Bits(Bits),
    /// A number that has a name. Never an absolute address, which is a constant.
    Symbol(Symbolic),
}

/// The registers.
pub(crate) type State = [Value; 13];

/// The registers that a function preserves which keeps the calling convention.
const PRESERVED: [Reg; 3] = [Reg::sp, Reg::s0, Reg::s1];
/// The registers that a host call may change.
const HOST_CHANGES: [Reg; 9] = Reg::ARGUMENTS;

/// Most blocks of a program that is looked at: the states of more would take too much memory.
const BLOCKS_MAX: usize = 1 << 18;
/// So often a block's state may change in small steps; then what changes is given up as unknown.
const STEPS_MAX: u8 = 5;
/// From so many changes on only what does not depend on how big a number has become is kept of it.
const STEPS_EXACT: u8 = 2;

/// States of all blocks.
pub(crate) struct Values {
    trust: Trust,
    states: Vec<Option<State>>,
}

impl Value {
    const fn unknown(width: Width) -> Value {
        Value::Bits(match width {
            Width::Narrow => Bits::WORD,
            Width::Wide => Bits::UNKNOWN,
        })
    }

    /// This number.
    pub(crate) const fn constant(value: u64) -> Value {
        Value::Bits(Bits::constant(value))
    }

    /// The number, if it is known.
    pub(crate) const fn as_constant(self) -> Option<u64> {
        match self {
            Value::Bits(bits) => bits.value(),
            Value::Symbol(_) => None,
        }
    }

    /// Its bits. An address fits 32 bits.
    pub(crate) const fn bits(self, width: Width) -> Bits {
        match (self, width) {
            (Value::Bits(bits), _) => bits,
            (Value::Symbol(Symbolic::Address(_) | Symbolic::HeapBase), Width::Wide) => Bits::below(32),
            (Value::Symbol(_), _) => Bits::WORD,
        }
    }

    fn join(self, other: Value, width: Width) -> Value {
        match self == other {
            true => self,
            false => Value::Bits(self.bits(width).join(other.bits(width))),
        }
    }
}

impl Values {
    /// Of a whole program; none if it is too big.
    pub(crate) fn new(program: &Program<'_>, options: &Options) -> Option<Values> {
        let trust = options.trust;
        if program.blocks.len() > BLOCKS_MAX {
            return None;
        }
        let entries = options.entries(program);
        let mut order = options.postorder(program).to_vec();
        order.reverse();
        let mut rank = vec![0; program.blocks.len()];
        for (number, id) in (0..).zip(&order) {
            rank[id.index()] = number;
        }
        let mut solver = Solver {
            program,
            trust,
            entries: &entries,
            rank: &rank,
            states: vec![None; program.blocks.len()],
            steps: vec![0; program.blocks.len()],
            visits: vec![0; program.blocks.len()],
            memory: options.visits.borrow_mut(),
            open: BTreeSet::new(),
        };
        solver.memory.of_block.resize(program.blocks.len(), [None; 2]);
        for (id, entry) in order.iter().map(|id| (*id, entries[id.index()])) {
            if entry.taken || entry.exported {
                solver.states[id.index()] = Some([Value::unknown(program.width); 13]);
                solver.open.insert(rank[id.index()]);
            }
        }
        while let Some(number) = solver.open.pop_first() {
            solver.block(order[to_usize(number)]);
        }
        Some(Values { trust, states: solver.states })
    }

    /// What the registers hold where a block starts; none if it is never executed.
    pub(crate) fn state(&self, block: BlockId) -> Option<&State> {
        self.states[block.index()].as_ref()
    }

    /// Lets an instruction change the registers.
    pub(crate) fn step(&self, program: &Program<'_>, state: &mut State, inst: &Inst) {
        step(program, self.trust, state, inst);
    }
}

struct Solver<'s, 'a> {
    program: &'s Program<'a>,
    trust: Trust,
    entries: &'s [Entry],
    /// Position of each block in the order in which they are looked at.
    rank: &'s [u32],
    states: Vec<Option<State>>,
    /// How often the state of a block has changed.
    steps: Vec<u8>,
    /// How often a block has been looked at: once and more often.
    visits: Vec<u8>,
    memory: RefMut<'s, Visits>,
    open: BTreeSet<u32>,
}

/// What blocks made of what they were entered with, the first time and the last time they were looked at: when the program
/// is looked at again, most blocks are as they were, and are entered as they were.
#[derive(Default)]
pub(crate) struct Visits {
    all: Vec<Visit>,
    /// By block, indexes.
    of_block: Vec<[Option<u32>; 2]>,
}

struct Visit {
    time: u32,
    before: State,
    after: State,
}

/// Blocks with fewer instructions are looked at as fast as what they did is found.
const REMEMBERED_MIN: usize = 8;
/// Most visits that are remembered, for the memory they take.
const VISITS_MAX: usize = 1 << 14;

impl Solver<'_, '_> {
    fn block(&mut self, id: BlockId) {
        let program = self.program;
        let block = program.block(id);
        let Some(mut state) = self.states[id.index()] else { return };
        self.instructions(id, block, &mut state);
        match block.terminator {
            Terminator::Trap | Terminator::JumpIndirect { .. } => {}
            Terminator::Jump(target) => self.flow(target, &state),
            Terminator::Call { link, target, back } => {
                self.returned(back, link, &state);
                state[link.index()] = Value::Symbol(Symbolic::Address(Target::Code(back)));
                self.flow(target, &state);
            }
            Terminator::CallIndirect { link, back, .. } => self.returned(back, link, &state),
            Terminator::Branch { branch, taken, otherwise } => {
                let holds = condition(&branch, &state, program.width);
                for (way, to) in [(true, taken), (false, otherwise)] {
                    if holds.is_none_or(|holds| holds == way) {
                        let mut state = state;
                        refine(&branch, way, &mut state, program.width);
                        self.flow(to, &state);
                    }
                }
            }
        }
    }

    /// Lets the instructions of a block change the registers.
    fn instructions(&mut self, id: BlockId, block: &Block<'_>, state: &mut State) {
        let number = std::mem::replace(&mut self.visits[id.index()], 1);
        let is_remembered = block.instructions.len() >= REMEMBERED_MIN;
        let slots = self.memory.of_block[id.index()];
        if is_remembered {
            let known = slots.into_iter().flatten().map(|slot| &self.memory.all[to_usize(slot)]);
            let mut known = known.filter(|visit| self.program.blocks.changed_at(id) < visit.time);
            if let Some(visit) = known.find(|visit| visit.before == *state) {
                *state = visit.after;
                return;
            }
        }
        let before = is_remembered.then_some(*state);
        for inst in &block.instructions {
            step(self.program, self.trust, state, inst);
        }
        if let Some(before) = before {
            let visit = Visit { time: self.program.blocks.now(), before, after: *state };
            match slots[usize::from(number)] {
                Some(slot) => self.memory.all[to_usize(slot)] = visit,
                None if self.memory.all.len() < VISITS_MAX => {
                    self.memory.of_block[id.index()][usize::from(number)] = Some(to_u32(self.memory.all.len()));
                    self.memory.all.push(visit);
                }
                None => {}
            }
        }
    }

    /// Control comes back from a call.
    fn returned(&mut self, back: BlockId, link: Reg, before: &State) {
        let mut state = [Value::unknown(self.program.width); 13];
        if self.trust == Trust::CallingConvention && link == Reg::ra {
            for reg in PRESERVED {
                state[reg.index()] = before[reg.index()];
            }
        }
        self.flow(back, &state);
    }

    fn flow(&mut self, to: BlockId, state: &State) {
        let index = to.index();
        if self.entries[index].taken || self.entries[index].exported {
            return;
        }
        let width = self.program.width;
        let mut state = *state;
        if self.entries[index].called && self.trust == Trust::CallingConvention {
            // A function keeps these whatever they hold. If it knew, its save would become the store of a number, its restore
            // the load of one, and once nobody sets them any more it would not keep them.
            for reg in [Reg::s0, Reg::s1] {
                state[reg.index()] = Value::unknown(width);
            }
        }
        let new = match self.states[index] {
            None => state,
            Some(old) if old == state => return,
            Some(old) => {
                let steps = &mut self.steps[index];
                let steps_so_far = *steps;
                let mut new = old;
                for (new, value) in new.iter_mut().zip(&state).filter(|(new, value)| new != value) {
                    let joined = new.join(*value, width);
                    if joined != *new {
                        *new = match (steps_so_far, joined) {
                            (STEPS_MAX.., _) => Value::unknown(width),
                            (STEPS_EXACT.., Value::Bits(bits)) => narrowed(bits.low_part(), width),
                            _ => joined,
                        };
                    }
                }
                if new == old {
                    return;
                }
                *steps = steps.saturating_add(1);
                new
            }
        };
        self.states[index] = Some(new);
        self.open.insert(self.rank[index]);
    }
}

/// The value of an instruction's first immediate.
pub(crate) fn immediate(inst: &Inst, width: Width) -> Value {
    inst.symbol.map_or(Value::constant(inst.op.imm1_extended()), |symbol| symbol_value(symbol, width))
}

/// Lets an instruction change the registers.
fn step(program: &Program<'_>, trust: Trust, state: &mut State, inst: &Inst) {
    let unknown = Value::unknown(program.width);
    match inst.op.opcode().meaning() {
        Meaning::Ecalli if trust == Trust::Nothing => *state = [unknown; 13],
        Meaning::Ecalli => HOST_CHANGES.iter().for_each(|reg| state[reg.index()] = unknown),
        Meaning::Memset => {
            state[Reg::a0.index()] = unknown;
            state[Reg::a2.index()] = unknown;
        }
        _ => {
            if let Some(reg) = inst.op.destination() {
                state[reg.index()] = result(program, state, inst);
            }
        }
    }
}

/// What the destination of an instruction gets.
pub(crate) fn result(program: &Program<'_>, state: &State, inst: &Inst) -> Value {
    let width = program.width;
    let op = &inst.op;
    let opcode = op.opcode();
    let read = |reg: Reg| state[reg.index()];
    let unknown = Value::unknown(width);
    match opcode.meaning() {
        Meaning::LoadImm => immediate(inst, width),
        Meaning::LoadImm64 => Value::constant(op.imm64()),
        Meaning::MoveReg => read(op.r2()),
        Meaning::Unary(function) | Meaning::UnarySized(function, _) if width == Width::Wide => {
            match read(op.r2()).as_constant() {
                Some(value) => Value::constant(function(value)),
                None => Value::Bits(bits::unary(opcode, read(op.r2()).bits(width))),
            }
        }
        Meaning::Unary(function) | Meaning::UnarySized(_, function) => match read(op.r2()).as_constant() {
            Some(value) => Value::constant(function(value)),
            None => narrowed(bits::unary(opcode, read(op.r2()).bits(width)), width),
        },
        Meaning::Binary(_) | Meaning::BinarySized(..) => binary(program, opcode, read(op.r2()), read(op.r3())),
        Meaning::BinaryImm(_) | Meaning::BinaryImmAlt(_) => match forms::with_registers(opcode) {
            Some((opcode, false)) => binary(program, opcode, read(op.r2()), immediate(inst, width)),
            Some((opcode, true)) => binary(program, opcode, immediate(inst, width), read(op.r2())),
            None => unknown,
        },
        Meaning::Cmov(condition) => match decide(condition, read(op.r3()).bits(width)) {
            Some(true) => read(op.r2()),
            Some(false) => read(op.r1()),
            None => read(op.r1()).join(read(op.r2()), width),
        },
        Meaning::CmovImm(condition) => match decide(condition, read(op.r2()).bits(width)) {
            Some(true) => immediate(inst, width),
            Some(false) => read(op.r1()),
            None => read(op.r1()).join(immediate(inst, width), width),
        },
        Meaning::Load(access) => load(program, access, immediate(inst, width)),
        // Only a named address tells more than the width of the access.
        Meaning::LoadIndirect(access) => match read(op.r2()) {
            Value::Bits(bits) if bits.value().is_none() => loaded(access, width),
            base => load(program, access, address(program, base, inst)),
        },
        _ => unknown,
    }
}

/// The condition of a conditional move, which compares with 0.
fn decide(condition: pvm_isa::Condition, tested: Bits) -> Option<bool> {
    // Conditions of moves are equality and its opposite: what they say of 0 and of another number tells which.
    match bits::equal(tested, Bits::constant(0))? {
        true => Some(condition(0, 0)),
        false => Some(condition(1, 0)),
    }
}

/// Registers of 32 bits hold sign-extended numbers, whatever else is known.
fn narrowed(bits: Bits, width: Width) -> Value {
    Value::Bits(match width {
        Width::Wide => bits,
        Width::Narrow => bits.and_also(Bits::WORD),
    })
}

fn binary(program: &Program<'_>, opcode: Opcode, a: Value, b: Value) -> Value {
    let width = program.width;
    if let (Some(a), Some(b)) = (a.as_constant(), b.as_constant()) {
        let value = match (opcode.meaning(), width) {
            (Meaning::Binary(function), _)
            | (Meaning::BinarySized(function, _), Width::Wide)
            | (Meaning::BinarySized(_, function), Width::Narrow) => function(a, b),
            _ => return Value::unknown(width),
        };
        return Value::constant(value);
    }
    let adds = matches!((opcode, width), (Opcode::add_64, Width::Wide) | (Opcode::add_32, Width::Narrow));
    if adds && let Some(sum) = add_symbol(program, a, b).or_else(|| add_symbol(program, b, a)) {
        return sum;
    }
    match (opcode.meaning(), width) {
        // What 64-bit variants give says nothing of the 32-bit ones.
        (Meaning::BinarySized(..), Width::Narrow) => Value::unknown(width),
        _ => narrowed(bits::binary(opcode, a.bits(width), b.bits(width)), width),
    }
}

/// How far from a data section the distance to it still counts as exact: there is that much of nothing on both sides of the
/// data, so that no such sum leaves the 32 bits of an address.
const MARGIN: i64 = 0x1_0000;

fn add_symbol(program: &Program<'_>, a: Value, b: Value) -> Option<Value> {
    let (Value::Symbol(symbol), other) = (a, b) else { return None };
    match (symbol, other) {
        (Symbolic::High(high), Value::Symbol(Symbolic::Low(low))) if high == low => {
            Some(symbol_value(Symbolic::Address(high), program.width))
        }
        (symbol, Value::Bits(bits)) if bits.value() == Some(0) => Some(Value::Symbol(symbol)),
        (Symbolic::Address(Target::Data { section, offset: start }), Value::Bits(bits)) => {
            let offset = start.checked_add(signed_64(bits.value()?))?;
            let range = -MARGIN..=i64::from(program.data[section.index()].size) + MARGIN;
            let exact = range.contains(&start) && range.contains(&offset);
            exact.then_some(Value::Symbol(Symbolic::Address(Target::Data { section, offset })))
        }
        _ => None,
    }
}

/// The value of a name, a constant if it is none but a way to write one.
fn symbol_value(symbol: Symbolic, width: Width) -> Value {
    match (symbol, width) {
        (Symbolic::Address(Target::Absolute(value)), Width::Wide) => Value::constant(value),
        (Symbolic::Address(Target::Absolute(value)), Width::Narrow) => Value::constant(sign_extend_32(low_u32(value))),
        _ => Value::Symbol(symbol),
    }
}

/// Base plus first immediate.
pub(crate) fn address(program: &Program<'_>, base: Value, inst: &Inst) -> Value {
    let opcode = match program.width {
        Width::Wide => Opcode::add_64,
        Width::Narrow => Opcode::add_32,
    };
    binary(program, opcode, base, immediate(inst, program.width))
}

fn load(program: &Program<'_>, access: Access, address: Value) -> Value {
    if let Value::Symbol(Symbolic::Address(Target::Data { section, offset })) = address
        && let Some(value) = read_only(program, access, section, offset)
    {
        return value;
    }
    loaded(access, program.width)
}

/// What is known of whatever a load gives.
fn loaded(access: Access, width: Width) -> Value {
    let bits = match access {
        Access::u8 => Bits::below(8),
        Access::u16 => Bits::below(16),
        Access::u32 => Bits::below(32),
        Access::i8 => Bits::signed(8),
        Access::i16 => Bits::signed(16),
        Access::i32 => Bits::WORD,
        Access::u64 => Bits::UNKNOWN,
    };
    narrowed(bits, width)
}

/// What a load from read-only data gives, if it is known.
fn read_only(program: &Program<'_>, access: Access, section: DataId, offset: i64) -> Option<Value> {
    let data = &program.data[section.index()];
    let size = access.bytes();
    let start = u32::try_from(offset).ok()?;
    let end = start.checked_add(size)?;
    if data.kind != DataKind::Ro || end > data.size {
        return None;
    }
    // Fields are at most 8 bytes wide, so that one that reaches into the range starts less than 8 bytes before it.
    let first = data.relocations.partition_point(|field| field.offset.saturating_add(8) <= start);
    let fields = data.relocations[first..].iter().take_while(|field| field.offset < end);
    let mut touched = fields.filter(|field| field.offset + widen_u8(field.size) > start);
    if let Some(field) = touched.next() {
        let whole = field.offset == start && widen_u8(field.size) == size;
        let extended = match program.width {
            Width::Wide => matches!(access, Access::u32 | Access::u64),
            Width::Narrow => access == Access::i32,
        };
        return match field.value {
            DataValue::Address(Target::Absolute(_)) => None,
            DataValue::Address(target) if whole && extended => Some(Value::Symbol(Symbolic::Address(target))),
            _ => None,
        };
    }
    let mut bytes = [0; 8];
    let at = to_usize(start);
    for (index, byte) in bytes.iter_mut().enumerate().take(to_usize(size)) {
        *byte = data.bytes.get(at + index).copied().unwrap_or(0);
    }
    Some(Value::constant(extended(access, u64::from_le_bytes(bytes))))
}

/// What a load gives where the low bytes of a number are.
pub(crate) fn extended(access: Access, value: u64) -> u64 {
    match access {
        Access::u8 => value & 0xff,
        Access::u16 => value & 0xffff,
        Access::u32 => value & 0xffff_ffff,
        Access::u64 => value,
        Access::i8 => sign_extend_8(value),
        Access::i16 => sign_extend_16(value),
        Access::i32 => sign_extend_32(low_u32(value)),
    }
}

/// The two sides that a branch compares.
fn compared(branch: &Instruction, state: &State, width: Width) -> (Bits, Bits) {
    let a = state[branch.r1().index()].bits(width);
    match branch.opcode().meaning() {
        Meaning::Branch(_) => (a, state[branch.r2().index()].bits(width)),
        _ => (a, Bits::constant(branch.imm1_extended())),
    }
}

/// Does a branch's condition hold?
pub(crate) fn condition(branch: &Instruction, state: &State, width: Width) -> Option<bool> {
    let (a, b) = compared(branch, state, width);
    let opcode = branch.opcode();
    if matches!(opcode.meaning(), Meaning::Branch(_)) && branch.r1() == branch.r2() {
        return match opcode.meaning() {
            Meaning::Branch(condition) => Some(condition(0, 0)),
            _ => None,
        };
    }
    match opcode {
        Opcode::branch_eq | Opcode::branch_eq_imm => bits::equal(a, b),
        Opcode::branch_not_eq | Opcode::branch_not_eq_imm => bits::equal(a, b).map(|equal| !equal),
        Opcode::branch_less_unsigned | Opcode::branch_less_unsigned_imm => bits::less_unsigned(a, b),
        Opcode::branch_greater_or_equal_unsigned | Opcode::branch_greater_or_equal_unsigned_imm => {
            bits::less_unsigned(a, b).map(|less| !less)
        }
        Opcode::branch_greater_unsigned_imm => bits::less_unsigned(b, a),
        Opcode::branch_less_or_equal_unsigned_imm => bits::less_unsigned(b, a).map(|less| !less),
        Opcode::branch_less_signed | Opcode::branch_less_signed_imm => bits::less_signed(a, b),
        Opcode::branch_greater_or_equal_signed | Opcode::branch_greater_or_equal_signed_imm => {
            bits::less_signed(a, b).map(|less| !less)
        }
        Opcode::branch_greater_signed_imm => bits::less_signed(b, a),
        Opcode::branch_less_or_equal_signed_imm => bits::less_signed(b, a).map(|less| !less),
        _ => None,
    }
}

/// What a branch that went one way says of its register.
fn refine(branch: &Instruction, way: bool, state: &mut State, width: Width) {
    let imm = branch.imm1_extended();
    let known = match (branch.opcode(), way) {
        (Opcode::branch_eq_imm, true) | (Opcode::branch_not_eq_imm, false) => Bits::constant(imm),
        (Opcode::branch_less_unsigned_imm, true) | (Opcode::branch_greater_or_equal_unsigned_imm, false) if imm > 0 => {
            Bits::up_to(imm - 1)
        }
        (Opcode::branch_less_or_equal_unsigned_imm, true) | (Opcode::branch_greater_unsigned_imm, false) => {
            Bits::up_to(imm)
        }
        _ => return,
    };
    let value = &mut state[branch.r1().index()];
    if let Value::Bits(bits) = value {
        *value = narrowed(bits.and_also(known), width);
    }
}
