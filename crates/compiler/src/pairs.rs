//! Pairs of instructions of which the second uses what the processor has from the first besides its result.
//!
//! ```text
//! a = a + b                            add, which leaves the carry flag
//! c = a <u b                           elided
//! d = u64 [p]
//! e = d + c                            adc e, 0
//!
//! l = a * b                            mulx: the low half, and the high one in the scratch register
//! u64 [p] = l
//! h = a mulhu b                        mov
//!
//! c = a <u b                           elided
//! d = e if c != 0                      cmp, cmov
//!
//! c = a <u b                           elided
//! d = d + c                            cmp, adc
//!
//! t = a << 48                          elided
//! d = t >> 48                          movzx
//!
//! t = a << 12                          elided
//! d = t >> 60                          rorx, and
//! ```
//!
//! What lies between the two leaves flags and the scratch register alone. If the guest stops there both are lost: instructions
//! behind the first up to the second cannot be entered.

use crate::plan::{Action, Plan, REACH};
use crate::window::{Window, before, behind, between, ones, reads};
use pvm_isa::{Opcode, Reg, Width};

fn set_of(registers: [Reg; 2]) -> u16 {
    registers.into_iter().fold(0, |all, reg| all | 1 << reg.number())
}

/// Of two operands the one that is not `reg`, if just one is.
fn other([first, second]: [Reg; 2], reg: Reg) -> Option<Reg> {
    match (first == reg, second == reg) {
        (true, false) => Some(second),
        (false, true) => Some(first),
        _ => None,
    }
}

impl Plan {
    /// Do the instructions between two leave flags and scratch registers alone? Copies and accesses do, but for updates, and sums that become `lea`.
    fn keeps_flags(&self, window: &Window, from: usize, to: usize) -> bool {
        let silent = window.accesses() & !self.updates | window.moves() | self.elided;
        ones(behind(from) & before(to) & !silent).all(|index| {
            let instruction = window.instruction(index);
            matches!(instruction.opcode(), Opcode::add_imm_32 | Opcode::add_imm_64)
                && instruction.r1() != instruction.r2()
        })
    }

    /// Makes a comparison part of what uses it.
    pub(crate) fn compare(&mut self, window: &Window, index: usize, width: Width) {
        if self.condition(window, index) {
            return;
        }
        match window.instruction(index).opcode() {
            Opcode::set_less_than_unsigned if self.carry(window, index, width) => {}
            Opcode::set_less_than_unsigned | Opcode::set_less_than_unsigned_imm => self.counted(window, index, width),
            _ => {}
        }
    }

    /// `c = a <u b`, if `c` is but added to something or subtracted from it.
    fn counted(&mut self, window: &Window, index: usize, width: Width) {
        let Some(user) = window.reader(index).filter(|user| user - index <= REACH) else { return };
        let (comparison, instruction) = (window.instruction(index), window.instruction(user));
        let (register, inputs) = (comparison.r1(), reads(comparison));
        let other = match (instruction.opcode(), width) {
            (Opcode::add_64, Width::Wide) | (Opcode::add_32, Width::Narrow) => {
                other([instruction.r2(), instruction.r3()], register)
            }
            (Opcode::sub_64, Width::Wide) | (Opcode::sub_32, Width::Narrow) => {
                Some(instruction.r2()).filter(|minuend| *minuend != register && instruction.r3() == register)
            }
            _ => None,
        };
        if let Some(other) = other
            && self.action(user) == Action::Plain
            && window.leave_alone(index + 1, user, inputs)
            && let Some(last) = window.dies(user, register, inputs, None)
            && let Ok(place) = u8::try_from(index)
        {
            self.set(user, Action::Counted(place, other));
            self.elide(index, last);
        }
    }

    /// `c = a <u b`, if `c` is but the condition of a move.
    fn condition(&mut self, window: &Window, index: usize) -> bool {
        let Some(user) = window.reader(index).filter(|user| user - index <= REACH) else { return false };
        let (comparison, instruction) = (window.instruction(index), window.instruction(user));
        let (condition, operands) = match instruction.opcode() {
            Opcode::cmov_if_zero | Opcode::cmov_if_not_zero => (instruction.r3(), [instruction.r1(), instruction.r2()]),
            Opcode::cmov_if_zero_imm | Opcode::cmov_if_not_zero_imm => (instruction.r2(), [instruction.r1(); 2]),
            _ => return false,
        };
        let register = comparison.r1();
        let inputs = reads(comparison);
        if condition != register
            || operands.contains(&register)
            || self.action(user) != Action::Plain
            || !window.leave_alone(index + 1, user, inputs)
        {
            return false;
        }
        let Some(last) = window.dies(user, register, inputs, None) else { return false };
        let Ok(place) = u8::try_from(index) else { return false };
        self.set(user, Action::Condition(place));
        self.elide(index, last);
        true
    }

    /// `c = total <u operand`, if that is what the addition of `operand` that gave `total` carried.
    fn carry(&mut self, window: &Window, index: usize, width: Width) -> bool {
        let comparison = window.instruction(index);
        let (total, operand) = (comparison.r2(), comparison.r3());
        let Some(sum) = window.writer_before(index, total) else { return false };
        let addition = if width == Width::Wide { Opcode::add_64 } else { Opcode::add_32 };
        let instruction = window.instruction(sum);
        let is_carry = match self.action(sum) {
            Action::Plain | Action::Operand(_) => [instruction.r2(), instruction.r3()].contains(&operand),
            Action::Carry(other) => other == operand,
            _ => false,
        };
        if !is_carry
            || instruction.opcode() != addition
            || operand == total
            || !window.leave_alone(sum + 1, index, set_of([operand, total]))
            || !self.keeps_flags(window, sum, index)
        {
            return false;
        }
        if self.action(sum) == Action::Plain {
            self.set(sum, Action::Carrying);
        }
        let last = match self.carry_in(window, index, addition) {
            Some(user) => user,
            None => {
                self.set(index, Action::CarryFlag);
                index
            }
        };
        self.closed |= between(sum, last);
        true
    }

    /// `e = d + c`, if `c` is a comparison that is found in the carry flag.
    fn carry_in(&mut self, window: &Window, index: usize, addition: Opcode) -> Option<usize> {
        let comparison = window.instruction(index);
        let inputs = reads(comparison);
        let user = window.reader(index)?;
        let instruction = window.instruction(user);
        let other = other([instruction.r2(), instruction.r3()], comparison.r1())?;
        if instruction.opcode() != addition
            || self.action(user) != Action::Plain
            || !window.leave_alone(index + 1, user, inputs)
            || !self.keeps_flags(window, index, user)
        {
            return None;
        }
        let last = window.dies(user, comparison.r1(), inputs, None)?;
        self.set(user, Action::Carry(other));
        self.elide(index, last);
        Some(user)
    }

    /// `a * b`, if both halves are wanted.
    pub(crate) fn product(&mut self, window: &Window, index: usize) {
        let rest = window.products() & behind(index);
        if rest == 0 {
            return;
        }
        let user = ones(rest).next().unwrap_or(index);
        let (first, second) = (window.instruction(index), window.instruction(user));
        let (d, a, b) = (first.r1(), first.r2(), first.r3());
        let operands = [second.r2(), second.r3()];
        if user - index <= REACH
            && first.opcode() != second.opcode()
            && (operands == [a, b] || operands == [b, a])
            && d != a
            && d != b
            && self.action(user) == Action::Plain
            && window.leave_alone(index + 1, user, set_of([a, b]))
            && self.keeps_flags(window, index, user)
        {
            self.set(index, Action::Product);
            self.set(user, Action::OtherHalf);
            self.closed |= between(index, user);
        }
    }

    /// `t = a << n`, if it is only shifted back, as far or farther.
    pub(crate) fn extend(&mut self, window: &Window, index: usize, user: usize) {
        use Opcode as O;
        let (shift, instruction) = (window.instruction(index), window.instruction(user));
        if shift.opcode() != O::shift_logical_left_imm_64 || self.action(user) != Action::Plain || user - index > REACH
        {
            return;
        }
        // What is left of a logical shift is masked by 31 bits at most, but where there is an instruction for it.
        let is_possible = match (instruction.opcode(), shift.imm1(), instruction.imm1()) {
            (O::shift_logical_right_imm_64, 32, 32) => true,
            (O::shift_logical_right_imm_64, 4..64, back @ 33..64) => back >= shift.imm1(),
            (O::shift_arithmetic_right_imm_64, 32 | 48 | 56, back) => back == shift.imm1(),
            _ => false,
        };
        if !is_possible {
            return;
        }
        let inputs = reads(shift);
        if window.leave_alone(index + 1, user, inputs)
            && let Some(last) = window.dies(user, shift.r1(), inputs, None)
        {
            let left = u8::try_from(shift.imm1()).unwrap_or(0);
            self.set(user, Action::Extension(shift.r2(), left));
            self.elide(index, last);
        }
    }
}
