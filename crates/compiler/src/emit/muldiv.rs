//! Multiplication and division.
//!
//! The one-operand forms of the processor work on `rax` and `rdx`; `rax` holds a register of the guest and is kept in `rcx`
//! meanwhile.

use super::{Emitter, Size, by_size, sized};
use crate::regmap::{COUNT, SCRATCH};
use pvm_x64::{Cond, Reg, inst};

/// What is wanted of a division.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Quotient,
    Remainder,
}

/// Does a division look at signs?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Unsigned,
    Signed,
}

impl Emitter<'_> {
    pub(super) fn mul(&mut self, size: Size, d: Reg, a: Reg, b: Reg) {
        let (a, b) = if d == b { (b, a) } else { (a, b) };
        self.copy(size, d, a);
        by_size!(self, size, imul_r64_rm64, imul_r32_rm32, d, b);
        self.extend(size, d);
    }

    pub(super) fn mul_imm(&mut self, size: Size, d: Reg, a: Reg, imm: i32) {
        match i8::try_from(imm) {
            Ok(imm) => by_size!(self, size, imul_r64_rm64_imm8, imul_r32_rm32_imm8, d, a, imm),
            Err(_) => by_size!(self, size, imul_r64_rm64_imm32, imul_r32_rm32_imm32, d, a, imm),
        }
        self.extend(size, d);
    }

    pub(super) fn mul_upper_unsigned_unsigned(&mut self, d: Reg, a: Reg, b: Reg) {
        if !self.wide {
            // Narrow registers are zero-extended: the whole product fits one register.
            self.copy(Size::Word, SCRATCH, a);
            self.emit(inst::imul_r64_rm64(SCRATCH, b));
            return self.high_half(d);
        }
        if self.features.bmi2 {
            // Of two equal destinations the high half wins.
            self.copy(Size::Double, SCRATCH, a);
            return self.emit(inst::mulx_r64_r64_rm64(d, d, b));
        }
        self.high_of_unsigned(a, b);
        self.copy(Size::Double, d, SCRATCH);
    }

    /// Leaves the high half of `a * b` in `rdx`.
    fn high_of_unsigned(&mut self, a: Reg, b: Reg) {
        if self.features.bmi2 {
            self.copy(Size::Double, SCRATCH, a);
            self.emit(inst::mulx_r64_r64_rm64(SCRATCH, SCRATCH, b));
        } else {
            let b = self.accumulator_of(a, b);
            self.emit(inst::mul_rm64(b));
            self.emit(inst::mov_rm64_r64(Reg::RAX, COUNT));
        }
    }

    pub(super) fn mul_upper_signed_signed(&mut self, d: Reg, a: Reg, b: Reg) {
        if !self.wide {
            self.borrow_count();
            self.emit(inst::movsxd_r64_rm32(COUNT, a));
            self.emit(inst::movsxd_r64_rm32(SCRATCH, b));
            self.emit(inst::imul_r64_rm64(SCRATCH, COUNT));
            self.give_back_count();
            return self.high_half(d);
        }
        self.borrow_count();
        let b = self.accumulator_of(a, b);
        self.emit(inst::imul_rm64(b));
        self.emit(inst::mov_rm64_r64(Reg::RAX, COUNT));
        self.give_back_count();
        self.copy(Size::Double, d, SCRATCH);
    }

    pub(super) fn mul_upper_signed_unsigned(&mut self, d: Reg, a: Reg, b: Reg) {
        if !self.wide {
            self.emit(inst::movsxd_r64_rm32(SCRATCH, a));
            self.emit(inst::imul_r64_rm64(SCRATCH, b));
            return self.high_half(d);
        }
        // A negative `a` counts 2^64 too much as an unsigned number: `b` too much in the high half.
        self.borrow_count();
        self.high_of_unsigned(a, b);
        self.copy(Size::Double, COUNT, a);
        self.emit(inst::sar_rm64_imm8(COUNT, 63));
        self.emit(inst::and_rm64_r64(COUNT, b));
        self.emit(inst::sub_rm64_r64(SCRATCH, COUNT));
        self.give_back_count();
        self.copy(Size::Double, d, SCRATCH);
    }

    /// `d` = the high half of the 64-bit product in `rdx`
    fn high_half(&mut self, d: Reg) {
        self.emit(inst::shr_rm64_imm8(SCRATCH, 32));
        self.emit(inst::mov_rm32_r32(d, SCRATCH));
    }

    /// Keeps `rax` in `rcx`, copies `a` to `rax`, and says where `b` is then.
    fn accumulator_of(&mut self, a: Reg, b: Reg) -> Reg {
        self.emit(inst::mov_rm64_r64(COUNT, Reg::RAX));
        self.copy(Size::Double, Reg::RAX, a);
        if b == Reg::RAX { COUNT } else { b }
    }

    /// Division as isa.md has it: by zero it gives ones and the dividend, and the least number by -1 gives itself and 0.
    pub(super) fn div(&mut self, part: Part, sign: Sign, size: Size, d: Reg, a: Reg, b: Reg) {
        let [by_zero, by_minus_one, done] = [self.asm.label(), self.asm.label(), self.asm.label()];
        self.borrow_count();
        by_size!(self, size, test_rm64_r64, test_rm32_r32, b, b);
        self.asm.jcc_short(Cond::E, by_zero);
        if sign == Sign::Signed {
            by_size!(self, size, cmp_rm64_imm8, cmp_rm32_imm8, b, -1);
            self.asm.jcc_short(Cond::E, by_minus_one);
        }
        let divisor = self.accumulator_of(a, b);
        match sign {
            Sign::Unsigned => {
                self.emit(inst::xor_rm32_r32(SCRATCH, SCRATCH));
                by_size!(self, size, div_rm64, div_rm32, divisor);
            }
            Sign::Signed => {
                by_size!(self, size, cqo, cdq,);
                by_size!(self, size, idiv_rm64, idiv_rm32, divisor);
            }
        }
        if part == Part::Quotient {
            self.emit(inst::mov_rm64_r64(SCRATCH, Reg::RAX));
        }
        self.emit(inst::mov_rm64_r64(Reg::RAX, COUNT));
        self.copy(size, d, SCRATCH);
        self.extend(size, d);
        self.asm.jmp_short(done);
        if sign == Sign::Signed {
            self.asm.bind(by_minus_one);
            match part {
                Part::Quotient => self.negate_and_add_imm(size, d, a, 0),
                Part::Remainder => self.emit(inst::xor_rm32_r32(d, d)),
            }
            self.asm.jmp_short(done);
        }
        self.asm.bind(by_zero);
        match part {
            Part::Quotient => sized!(self, mov_rm64_imm32, mov_r32_imm32, d, -1),
            Part::Remainder => {
                self.copy(size, d, a);
                self.extend(size, d);
            }
        }
        self.asm.bind(done);
        self.give_back_count();
    }
}
