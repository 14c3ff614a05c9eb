//! Constants and addresses: what is known is written into the instructions that use it.
//!
//! ```text
//! t = 5; a = a + t       a = a + 5            results that are known become loads of an immediate; operands
//! t = &x; a = [t + 4]    a = [&x + 4]         that are known become immediates or fixed addresses; branches
//! if 1 < 2 goto @3       goto @3              and indirect jumps that always go one way become jumps
//! ```
//!
//! The register that held the constant often dies by that, which is left to other passes. An immediate of several bytes
//! makes its instruction longer: one that is used more often than twice stays in its register.

use super::Options;
use super::analysis::bits::{self, Bits};
use super::analysis::uses::{Around, Uses};
use super::analysis::values::{self, State, Value, Values};
use super::forms;
use crate::ir::{BlockId, Inst, Program, Symbolic, Target, Terminator};
use pvm_isa::{Instruction, Meaning, Opcode, Reg, RegSet};
use pvm_num::casts::{low_u32, signed_32, signed_64};
use std::cell::RefCell;

/// What was known where blocks start and live where they end when the pass ran last.
#[derive(Default)]
pub(crate) struct Memory {
    values: Option<Values>,
    live: Vec<RegSet>,
}

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let Some(values) = Values::new(program, options) else { return false };
    let liveness = options.liveness(program);
    let mut memory = options.constants.borrow_mut();
    let last = memory.values.take();
    memory.live.resize(program.blocks.len(), RegSet::EMPTY);
    let uses = RefCell::new(Uses::default());
    let mut edits = Vec::new();
    let mut changed = false;
    for id in program.layout.clone() {
        let Some(state) = values.state(id) else { continue };
        let live = liveness.before_terminator(program, id);
        let live_before = std::mem::replace(&mut memory.live[id.index()], live);
        let is_settled = options.is_settled(program, id) && live == live_before;
        if is_settled && last.as_ref().is_some_and(|last| last.state(id) == Some(state)) {
            continue;
        }
        let mut state = *state;
        uses.borrow_mut().reset();
        let around = Around { program, liveness: &liveness, id };
        let mut rewriter = Rewriter { program, around, uses: &uses, at: 0 };
        let block = program.block(id);
        edits.clear();
        for (at, inst) in block.instructions.iter().enumerate() {
            rewriter.at = at;
            let result = inst.op.destination().map(|reg| (reg, values::result(program, &state, inst)));
            if let Some(new) = rewriter.inst(&state, inst, result.map(|(_, result)| result)) {
                edits.push((at, new));
            }
            match result {
                Some((reg, result)) => state[reg.index()] = result,
                None => values.step(program, &mut state, inst),
            }
        }
        rewriter.at = block.instructions.len();
        let terminator = rewriter.terminator(&state, &block.terminator);
        if edits.is_empty() && terminator.is_none() {
            continue;
        }
        changed = true;
        let block = &mut program.blocks[id.index()];
        edits.iter().for_each(|(at, new)| block.instructions[*at] = *new);
        block.terminator = terminator.unwrap_or(block.terminator);
    }
    memory.values = Some(values);
    changed
}

/// An immediate up to this number of bytes is always better than a register.
const SHORT: u32 = 2;

/// A longer one, if it replaces the register so often at most.
const USES_MAX: u32 = 2;

struct Rewriter<'r, 'a> {
    program: &'r Program<'a>,
    around: Around<'r, 'a>,
    uses: &'r RefCell<Uses>,
    /// Position of the instruction that is looked at, or of the terminator.
    at: usize,
}

/// Bytes of an immediate.
fn size(value: i32) -> u32 {
    match value {
        0 => 0,
        -0x80..=0x7f => 1,
        -0x8000..=0x7fff => 2,
        -0x80_0000..=0x7f_ffff => 3,
        _ => 4,
    }
}

fn as_imm(value: u64) -> Option<i32> {
    i32::try_from(signed_64(value)).ok()
}

/// The instruction that loads a constant.
pub(super) fn load_constant(reg: Reg, value: u64) -> Instruction {
    match as_imm(value) {
        Some(value) => Instruction::load_imm(reg, value),
        None => Instruction::load_imm64(reg, value),
    }
}

impl Rewriter<'_, '_> {
    /// What an instruction becomes, if it changes.
    fn inst(&self, state: &State, inst: &Inst, result: Option<Value>) -> Option<Inst> {
        let known = result.and_then(|result| self.known_result(state, inst, result));
        let (op, symbol) = known.or_else(|| self.operands(state, inst))?;
        if (op, symbol) == (inst.op, inst.symbol) {
            return None;
        }
        Some(Inst { op, symbol, source: inst.source })
    }

    /// The number in a register, if it is known and fits an immediate.
    fn imm(&self, state: &State, reg: Reg) -> Option<i32> {
        state[reg.index()].as_constant().and_then(as_imm)
    }

    /// As `imm`, if it should stand in the instruction.
    fn operand(&self, state: &State, reg: Reg) -> Option<i32> {
        self.imm(state, reg).filter(|imm| size(*imm) <= SHORT || self.is_used_few_times(reg))
    }

    fn is_used_few_times(&self, reg: Reg) -> bool {
        self.uses.borrow_mut().few(self.around, self.at, reg, USES_MAX)
    }

    /// A pure instruction whose result is known, or one of its sources.
    fn known_result(&self, state: &State, inst: &Inst, result: Value) -> Option<(Instruction, Option<Symbolic>)> {
        let op = &inst.op;
        let meaning = op.opcode().meaning();
        let pure = !matches!(meaning, Meaning::Sbrk | Meaning::Ecalli | Meaning::Memset);
        let rd = op.destination().filter(|_| pure)?;
        // What is short already, and whose source will be needed anyway, does not become shorter.
        let short = matches!(op.opcode(), Opcode::move_reg | Opcode::add_imm_64 | Opcode::add_imm_32);
        let live_after = || self.uses.borrow_mut().live_after(self.around, self.at);
        let source_stays = || short && op.r2() != rd && live_after().contains(op.r2());
        match result {
            Value::Symbol(symbol) if !source_stays() => return Some((Instruction::load_imm(rd, 0), Some(symbol))),
            Value::Bits(bits) => {
                if let Some(value) = bits.value()
                    && (!source_stays() || as_imm(value).is_some_and(|value| size(value) <= 1))
                {
                    return Some((load_constant(rd, value), None));
                }
            }
            Value::Symbol(_) => {}
        }
        let same = self.same_as_source(state, inst)?;
        Some((Instruction::move_reg(rd, same), None))
    }

    /// The source that an instruction only copies.
    fn same_as_source(&self, state: &State, inst: &Inst) -> Option<Reg> {
        let op = &inst.op;
        let width = self.program.width;
        let known = |reg: Reg| state[reg.index()].bits(width);
        let first = op.r2();
        if let Meaning::Cmov(condition) = op.opcode().meaning() {
            let zero = bits::equal(known(op.r3()), Bits::constant(0))?;
            let moves = if zero { condition(0, 0) } else { condition(1, 0) };
            return Some(if moves { first } else { op.r1() });
        }
        let (opcode, second, other) = match op.opcode().meaning() {
            Meaning::Binary(_) => (op.opcode(), known(op.r3()), Some(op.r3())),
            Meaning::BinaryImm(_) if inst.symbol.is_none() => match forms::with_registers(op.opcode())? {
                (opcode, false) => (opcode, Bits::constant(op.imm1_extended()), None),
                (_, true) => return None,
            },
            Meaning::Unary(_) => {
                let unchanged = match op.opcode() {
                    Opcode::zero_extend_16 => known(first).max() <= 0xffff,
                    _ => false,
                };
                return unchanged.then_some(first);
            }
            _ => return None,
        };
        let a = known(first);
        let unchanged = match opcode {
            // Every bit is 1 in the mask or 0 already.
            Opcode::and => second.ones | a.zeros == u64::MAX,
            Opcode::or => second.zeros | a.ones == u64::MAX,
            Opcode::add_64 | Opcode::sub_64 | Opcode::xor => second.value() == Some(0),
            Opcode::add_32 | Opcode::sub_32 => second.value() == Some(0) && a.is_word(),
            Opcode::mul_64 => second.value() == Some(1),
            Opcode::shift_logical_left_64 | Opcode::shift_logical_right_64 | Opcode::shift_arithmetic_right_64 => {
                second.value().is_some_and(|amount| low_u32(amount) & 63 == 0)
            }
            Opcode::shift_logical_left_32 | Opcode::shift_logical_right_32 | Opcode::shift_arithmetic_right_32 => {
                second.value().is_some_and(|amount| low_u32(amount) & 31 == 0) && a.is_word()
            }
            _ => false,
        };
        if unchanged {
            return Some(first);
        }
        let other = other.filter(|_| forms::commutes(opcode))?;
        let swapped = match opcode {
            Opcode::and => a.ones | second.zeros == u64::MAX,
            Opcode::or => a.zeros | second.ones == u64::MAX,
            Opcode::add_64 | Opcode::xor => a.value() == Some(0),
            Opcode::add_32 => a.value() == Some(0) && second.is_word(),
            Opcode::mul_64 => a.value() == Some(1),
            _ => false,
        };
        swapped.then_some(other)
    }

    /// An instruction some of whose operands are known.
    fn operands(&self, state: &State, inst: &Inst) -> Option<(Instruction, Option<Symbolic>)> {
        let op = &inst.op;
        let (r1, r2, r3) = (op.r1(), op.r2(), op.r3());
        match op.opcode().meaning() {
            Meaning::Binary(_) => Some((self.binary(state, op)?, None)),
            Meaning::BinaryImm(_) if inst.symbol.is_none() => Some((cheaper(op)?, None)),
            Meaning::Cmov(_) => {
                let value = self.operand(state, r2)?;
                Some((
                    match op.opcode() {
                        Opcode::cmov_if_zero => Instruction::cmov_if_zero_imm(r1, r3, value),
                        _ => Instruction::cmov_if_not_zero_imm(r1, r3, value),
                    },
                    None,
                ))
            }
            Meaning::LoadIndirect(_) => self.fixed_address(state, r2, inst),
            Meaning::StoreIndirect(_) => self.fixed_address(state, r2, inst).or_else(|| self.stored(state, inst)),
            Meaning::StoreImmIndirect(_) => self.fixed_address(state, r1, inst),
            Meaning::Store(_) => self.stored(state, inst),
            _ => None,
        }
    }

    fn stored(&self, state: &State, inst: &Inst) -> Option<(Instruction, Option<Symbolic>)> {
        let value = self.operand(state, inst.op.r1())?;
        // Only the stored bytes count.
        let value = match inst.op.access()?.bytes() {
            1 => i32::from(i8::from_le_bytes([value.to_le_bytes()[0]])),
            2 => i32::from(i16::from_le_bytes([value.to_le_bytes()[0], value.to_le_bytes()[1]])),
            _ => value,
        };
        Some((forms::store_of_immediate(&inst.op, value)?, inst.symbol))
    }

    fn fixed_address(&self, state: &State, base: Reg, inst: &Inst) -> Option<(Instruction, Option<Symbolic>)> {
        if matches!(state[base.index()], Value::Bits(bits) if bits.value().is_none()) && inst.symbol.is_none() {
            return None;
        }
        let op = forms::at_fixed_address(&inst.op)?;
        let fixed = match values::address(self.program, state[base.index()], inst) {
            Value::Symbol(symbol @ Symbolic::Address(_)) => (op, Some(symbol)),
            Value::Bits(bits) => (op.with_imm1(signed_32(low_u32(bits.value()?))), None),
            Value::Symbol(_) => return None,
        };
        self.is_used_few_times(base).then_some(fixed)
    }

    fn binary(&self, state: &State, op: &Instruction) -> Option<Instruction> {
        let (opcode, rd, a, b) = (op.opcode(), op.r1(), op.r2(), op.r3());
        if let Some(imm) = self.operand(state, b) {
            let replaced = match opcode {
                Opcode::sub_32 => imm.checked_neg().map(|imm| Instruction::add_imm_32(rd, a, imm)),
                Opcode::sub_64 => imm.checked_neg().map(|imm| Instruction::add_imm_64(rd, a, imm)),
                Opcode::and_inverted => Some(Instruction::and_imm(rd, a, !imm)),
                Opcode::or_inverted => Some(Instruction::or_imm(rd, a, !imm)),
                Opcode::xnor => Some(Instruction::xor_imm(rd, a, !imm)),
                Opcode::rotate_left_32 => Some(Instruction::rotate_right_imm_32(rd, a, imm.wrapping_neg() & 31)),
                Opcode::rotate_left_64 => Some(Instruction::rotate_right_imm_64(rd, a, imm.wrapping_neg() & 63)),
                Opcode::div_unsigned_64 if imm > 0 && imm.count_ones() == 1 => {
                    Some(Instruction::shift_logical_right_imm_64(rd, a, signed_32(imm.trailing_zeros())))
                }
                Opcode::rem_unsigned_64 if imm > 0 && imm.count_ones() == 1 => {
                    Some(Instruction::and_imm(rd, a, imm - 1))
                }
                _ => forms::with_second_immediate(opcode).map(|opcode| forms::reg_reg_imm(opcode, rd, a, imm)),
            };
            if let Some(replaced) = replaced {
                return Some(cheaper(&replaced).unwrap_or(replaced));
            }
        }
        let imm = self.operand(state, a)?;
        if forms::commutes(opcode) {
            let replaced = match opcode {
                Opcode::xnor => Instruction::xor_imm(rd, b, !imm),
                _ => forms::reg_reg_imm(forms::with_second_immediate(opcode)?, rd, b, imm),
            };
            return Some(cheaper(&replaced).unwrap_or(replaced));
        }
        Some(forms::reg_reg_imm(forms::with_first_immediate(opcode)?, rd, b, imm))
    }

    /// What a terminator becomes, if it changes.
    fn terminator(&self, state: &State, terminator: &Terminator) -> Option<Terminator> {
        match *terminator {
            Terminator::Branch { branch, taken, otherwise } => {
                match values::condition(&branch, state, self.program.width) {
                    Some(true) => Some(Terminator::Jump(taken)),
                    Some(false) => Some(Terminator::Jump(otherwise)),
                    None => self.branch(state, &branch).map(|branch| Terminator::Branch { branch, taken, otherwise }),
                }
            }
            Terminator::JumpIndirect { base, offset: 0 } => code(state[base.index()]).map(Terminator::Jump),
            Terminator::CallIndirect { link, base, offset: 0, back } => {
                code(state[base.index()]).map(|target| Terminator::Call { link, target, back })
            }
            _ => None,
        }
    }

    fn branch(&self, state: &State, branch: &Instruction) -> Option<Instruction> {
        let (second, first) = forms::branch_immediates(branch.opcode())?;
        let with = |opcode, reg, imm| Instruction::with_registers(opcode, [reg, Reg::ra, Reg::ra]).with_imm1(imm);
        if let Some(imm) = self.operand(state, branch.r2()) {
            return Some(with(second, branch.r1(), imm));
        }
        self.operand(state, branch.r1()).map(|imm| with(first, branch.r2(), imm))
    }
}

/// The block whose address a register holds.
fn code(value: Value) -> Option<BlockId> {
    match value {
        Value::Symbol(Symbolic::Address(Target::Code(block))) => Some(block),
        _ => None,
    }
}

/// A cheaper instruction that does the same.
fn cheaper(op: &Instruction) -> Option<Instruction> {
    let (rd, rs, imm) = (op.r1(), op.r2(), op.imm1());
    let power = imm > 1 && imm.count_ones() == 1;
    match op.opcode() {
        Opcode::mul_imm_64 if power => {
            Some(Instruction::shift_logical_left_imm_64(rd, rs, signed_32(imm.trailing_zeros())))
        }
        Opcode::mul_imm_32 if power => {
            Some(Instruction::shift_logical_left_imm_32(rd, rs, signed_32(imm.trailing_zeros())))
        }
        Opcode::and_imm if imm == 0xffff => Some(Instruction::zero_extend_16(rd, rs)),
        _ => None,
    }
}
