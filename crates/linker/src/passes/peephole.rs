//! Pairs of instructions that one does the work of.
//!
//! ```text
//! b = a << 56; c = b >> 56            c = a & 0xff
//! b = a << 48; c = b >>s 48           c = sign_extend_16(a)
//! b = a >> 4;  c = b << 4             c = a & -16
//! b = a & 7;   c = b & 3              c = a & 3
//! b = a <u c;  if b != 0 goto @1      if a <u c goto @1
//! b = a ^ c;   if b == 0 goto @1      if a == c goto @1
//! b = a + 5;   if b == 7 goto @1      if a == 2 goto @1
//! ```
//!
//! The first of the two is left to other passes, which drop it if nothing else reads its result.

use super::Options;
use crate::ir::{Inst, Program, Terminator};
use pvm_isa::{Instruction, Opcode, Reg, RegSet, Width};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let width = program.width;
    let mut changed = false;
    let mut edits = Vec::new();
    for id in program.layout.clone() {
        if options.is_settled(program, id) {
            continue;
        }
        let block = program.block(id);
        let mut known = Known::default();
        edits.clear();
        for (at, inst) in block.instructions.iter().enumerate() {
            let mut inst = *inst;
            if inst.symbol.is_none()
                && let Some(first) = known.origin(inst.op.r2())
                && let Some(op) = pair(first, &inst.op, width)
                && op != inst.op
            {
                inst.op = op;
                edits.push((at, op));
            }
            known.step(&inst);
        }
        let branch = match block.terminator {
            Terminator::Branch { branch, taken, otherwise } => {
                let first = known.origin(branch.r1());
                let branch = first.and_then(|first| compare_and_branch(first, &branch, width));
                branch.map(|branch| Terminator::Branch { branch, taken, otherwise })
            }
            _ => None,
        };
        if edits.is_empty() && branch.is_none() {
            continue;
        }
        changed = true;
        let block = &mut program.blocks[id.index()];
        edits.iter().for_each(|(at, op)| block.instructions[*at].op = *op);
        block.terminator = branch.unwrap_or(block.terminator);
    }
    changed
}

/// For each register the instruction of the block that computed it, while its sources hold what they held then.
#[derive(Default)]
struct Known {
    origins: [Option<Instruction>; 13],
    /// Registers that have one.
    known: RegSet,
}

impl Known {
    fn origin(&self, reg: Reg) -> Option<&Instruction> {
        self.origins[reg.index()].as_ref()
    }

    fn step(&mut self, inst: &Inst) {
        let op = &inst.op;
        if op.opcode() == Opcode::ecalli {
            *self = Known::default();
            return;
        }
        let written = op.writes();
        for reg in self.known.iter() {
            let origin = &mut self.origins[reg.index()];
            if origin.is_some_and(|origin| !origin.reads().intersection(written).is_empty()) || written.contains(reg) {
                *origin = None;
                self.known = self.known.without(reg);
            }
        }
        if let Some(reg) = op.destination()
            && inst.symbol.is_none()
            && !op.reads().contains(reg)
        {
            self.origins[reg.index()] = Some(*op);
            self.known = self.known.with(reg);
        }
    }
}

/// What kind of shift by an immediate, and how many bits wide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shift {
    Left(u32),
    Logical(u32),
    Arithmetic(u32),
}

fn shift(op: &Instruction) -> Option<(Shift, u32)> {
    let (shift, bits) = match op.opcode() {
        Opcode::shift_logical_left_imm_64 => (Shift::Left(64), 64),
        Opcode::shift_logical_left_imm_32 => (Shift::Left(32), 32),
        Opcode::shift_logical_right_imm_64 => (Shift::Logical(64), 64),
        Opcode::shift_logical_right_imm_32 => (Shift::Logical(32), 32),
        Opcode::shift_arithmetic_right_imm_64 => (Shift::Arithmetic(64), 64),
        Opcode::shift_arithmetic_right_imm_32 => (Shift::Arithmetic(32), 32),
        _ => return None,
    };
    Some((shift, u32::try_from(op.imm1()).ok()?)).filter(|(_, amount)| *amount > 0 && *amount < bits)
}

/// `second` reads the result of `first`; what does both?
fn pair(first: &Instruction, second: &Instruction, width: Width) -> Option<Instruction> {
    let (rd, rs) = (second.r1(), first.r2());
    if (first.opcode(), second.opcode()) == (Opcode::and_imm, Opcode::and_imm) {
        return Some(Instruction::and_imm(rd, rs, first.imm1() & second.imm1()));
    }
    let ((first, by), (second, amount)) = (shift(first)?, shift(second)?);
    match (first, second) {
        (Shift::Left(bits), Shift::Logical(same)) if bits == same && by == amount => match bits - by {
            16 => Some(Instruction::zero_extend_16(rd, rs)),
            // The mask has a positive sign: it is no longer than the immediate.
            left @ 1..=31 => Some(Instruction::and_imm(rd, rs, i32::MAX >> (31 - left))),
            _ => None,
        },
        (Shift::Left(bits), Shift::Arithmetic(same)) if bits == same && by == amount => match bits - by {
            8 => Some(Instruction::sign_extend_8(rd, rs)),
            16 => Some(Instruction::sign_extend_16(rd, rs)),
            32 if bits == 64 => Some(Instruction::add_imm_32(rd, rs, 0)),
            _ => None,
        },
        (Shift::Logical(bits) | Shift::Arithmetic(bits), Shift::Left(same)) if bits == same && by == amount => {
            // With fewer bits than the register has, the result is sign-extended, which a mask does not do.
            let is_whole = bits == 64 || width == Width::Narrow;
            (is_whole && by < 32).then(|| Instruction::and_imm(rd, rs, -1 << by))
        }
        (Shift::Left(64), Shift::Left(64)) if by + amount < 64 => {
            Some(Instruction::shift_logical_left_imm_64(rd, rs, (by + amount).cast_signed()))
        }
        (Shift::Logical(64), Shift::Logical(64)) if by + amount < 64 => {
            Some(Instruction::shift_logical_right_imm_64(rd, rs, (by + amount).cast_signed()))
        }
        (Shift::Left(32), Shift::Left(32)) if by + amount < 32 => {
            Some(Instruction::shift_logical_left_imm_32(rd, rs, (by + amount).cast_signed()))
        }
        _ => None,
    }
}

/// `branch` compares the result of `first` with an immediate; which branch compares its operands?
fn compare_and_branch(first: &Instruction, branch: &Instruction, width: Width) -> Option<Instruction> {
    let is_equal = match branch.opcode() {
        Opcode::branch_eq_imm => true,
        Opcode::branch_not_eq_imm => false,
        _ => return None,
    };
    let (a, b, imm, value) = (first.r2(), first.r3(), first.imm1(), branch.imm1());
    if value == 0 {
        // The comparison holds if the branch is one of "not equal".
        let compared = match (first.opcode(), is_equal) {
            (Opcode::set_less_than_unsigned, false) => Instruction::branch_less_unsigned(a, b, 0),
            (Opcode::set_less_than_unsigned, true) => Instruction::branch_greater_or_equal_unsigned(a, b, 0),
            (Opcode::set_less_than_signed, false) => Instruction::branch_less_signed(a, b, 0),
            (Opcode::set_less_than_signed, true) => Instruction::branch_greater_or_equal_signed(a, b, 0),
            (Opcode::set_less_than_unsigned_imm, false) => Instruction::branch_less_unsigned_imm(a, imm, 0),
            (Opcode::set_less_than_unsigned_imm, true) => Instruction::branch_greater_or_equal_unsigned_imm(a, imm, 0),
            (Opcode::set_less_than_signed_imm, false) => Instruction::branch_less_signed_imm(a, imm, 0),
            (Opcode::set_less_than_signed_imm, true) => Instruction::branch_greater_or_equal_signed_imm(a, imm, 0),
            (Opcode::set_greater_than_unsigned_imm, false) => Instruction::branch_greater_unsigned_imm(a, imm, 0),
            (Opcode::set_greater_than_unsigned_imm, true) => Instruction::branch_less_or_equal_unsigned_imm(a, imm, 0),
            (Opcode::set_greater_than_signed_imm, false) => Instruction::branch_greater_signed_imm(a, imm, 0),
            (Opcode::set_greater_than_signed_imm, true) => Instruction::branch_less_or_equal_signed_imm(a, imm, 0),
            (Opcode::xor | Opcode::sub_64, true) => Instruction::branch_eq(a, b, 0),
            (Opcode::xor | Opcode::sub_64, false) => Instruction::branch_not_eq(a, b, 0),
            (Opcode::sub_32, true) if width == Width::Narrow => Instruction::branch_eq(a, b, 0),
            (Opcode::sub_32, false) if width == Width::Narrow => Instruction::branch_not_eq(a, b, 0),
            _ => return sum_and_branch(first, is_equal, value, width),
        };
        return Some(compared);
    }
    sum_and_branch(first, is_equal, value, width)
}

/// `a + imm == value`
fn sum_and_branch(first: &Instruction, is_equal: bool, value: i32, width: Width) -> Option<Instruction> {
    let wanted = match (first.opcode(), width) {
        (Opcode::add_imm_64, Width::Wide) => {
            let exact = i64::from(value).checked_sub(i64::from(first.imm1()))?;
            i32::try_from(exact).ok()?
        }
        (Opcode::add_imm_32, Width::Narrow) => value.wrapping_sub(first.imm1()),
        _ => return None,
    };
    let a = first.r2();
    Some(match is_equal {
        true => Instruction::branch_eq_imm(a, wanted, 0),
        false => Instruction::branch_not_eq_imm(a, wanted, 0),
    })
}
