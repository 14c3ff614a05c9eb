//! Addition, logic, comparison and moves.

use super::{Emitter, Size, by_size, sized};
use crate::regmap::{COUNT, SCRATCH};
use pvm_num::casts::{low_u32, sign_extend_32, signed_32, signed_64, unsigned_32};
use pvm_x64::{Cond, Mem, Reg, Scale, inst};

/// A bitwise operation, which is the same on both sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
    Xor,
}

impl Emitter<'_> {
    /// `d = imm`, sign-extended.
    pub(super) fn load_imm(&mut self, d: Reg, imm: i32) {
        match imm {
            0 => self.emit(inst::xor_rm32_r32(d, d)),
            _ => self.load_imm_keeping_flags(d, imm),
        }
    }

    pub(super) fn scratch_imm_keeping_flags(&mut self, imm: i32) {
        self.load_imm_keeping_flags(SCRATCH, imm);
    }

    /// As [`Emitter::load_imm`], leaving the flags alone.
    fn load_imm_keeping_flags(&mut self, d: Reg, imm: i32) {
        match imm {
            0.. => self.emit(inst::mov_r32_imm32(d, imm)),
            _ => sized!(self, mov_rm64_imm32, mov_r32_imm32, d, imm),
        }
    }

    pub(super) fn load_imm64(&mut self, d: Reg, imm: u64) {
        let low = low_u32(imm);
        if imm == u64::from(low) {
            self.load_imm_unsigned(d, low);
        } else if imm == sign_extend_32(low) {
            self.load_imm(d, signed_32(low));
        } else {
            self.emit(inst::mov_r64_imm64(d, signed_64(imm)));
        }
    }

    fn load_imm_unsigned(&mut self, d: Reg, imm: u32) {
        match imm {
            0 => self.emit(inst::xor_rm32_r32(d, d)),
            _ => self.emit(inst::mov_r32_imm32(d, signed_32(imm))),
        }
    }

    pub(super) fn move_reg(&mut self, d: Reg, a: Reg) {
        self.copy(self.full(), d, a);
    }

    pub(super) fn add(&mut self, size: Size, d: Reg, a: Reg, b: Reg) {
        if d == a {
            by_size!(self, size, add_rm64_r64, add_rm32_r32, d, b);
        } else if d == b {
            by_size!(self, size, add_rm64_r64, add_rm32_r32, d, a);
        } else {
            let sum = Mem::base(a).index(b, Scale::X1);
            by_size!(self, size, lea_r64_m, lea_r32_m, d, sum);
        }
        self.extend(size, d);
    }

    pub(super) fn add_imm(&mut self, size: Size, d: Reg, a: Reg, imm: i32) {
        if imm == 0 && size == Size::Word && self.wide {
            return self.emit(inst::movsxd_r64_rm32(d, a));
        }
        if d != a {
            let sum = Mem::base(a).disp(imm);
            by_size!(self, size, lea_r64_m, lea_r32_m, d, sum);
        } else if let Ok(imm) = i8::try_from(imm) {
            by_size!(self, size, add_rm64_imm8, add_rm32_imm8, d, imm);
        } else {
            by_size!(self, size, add_rm64_imm32, add_rm32_imm32, d, imm);
        }
        self.extend(size, d);
    }

    pub(super) fn sub(&mut self, size: Size, d: Reg, a: Reg, b: Reg) {
        if d == b && d != a {
            by_size!(self, size, neg_rm64, neg_rm32, d);
            by_size!(self, size, add_rm64_r64, add_rm32_r32, d, a);
        } else {
            self.copy(size, d, a);
            by_size!(self, size, sub_rm64_r64, sub_rm32_r32, d, b);
        }
        self.extend(size, d);
    }

    /// `d = imm - a`
    pub(super) fn negate_and_add_imm(&mut self, size: Size, d: Reg, a: Reg, imm: i32) {
        self.copy(size, d, a);
        by_size!(self, size, neg_rm64, neg_rm32, d);
        if imm == 0 {
            self.extend(size, d);
        } else {
            self.add_imm(size, d, d, imm);
        }
    }

    fn logic_in_place(&mut self, logic: Logic, d: Reg, a: Reg) {
        match logic {
            Logic::And => sized!(self, and_rm64_r64, and_rm32_r32, d, a),
            Logic::Or => sized!(self, or_rm64_r64, or_rm32_r32, d, a),
            Logic::Xor => sized!(self, xor_rm64_r64, xor_rm32_r32, d, a),
        }
    }

    pub(super) fn logic(&mut self, logic: Logic, d: Reg, a: Reg, b: Reg) {
        let (a, b) = if d == b { (b, a) } else { (a, b) };
        self.copy(self.full(), d, a);
        self.logic_in_place(logic, d, b);
    }

    pub(super) fn logic_imm(&mut self, logic: Logic, d: Reg, a: Reg, imm: i32) {
        if logic == Logic::And && imm == 0xff {
            return self.emit(inst::movzx_r32_rm8(d, a));
        }
        if logic == Logic::And && imm >= 0 {
            // The high half becomes zero all the same.
            self.copy(Size::Word, d, a);
            return match i8::try_from(imm) {
                Ok(imm) => self.emit(inst::and_rm32_imm8(d, imm)),
                Err(_) => self.emit(inst::and_rm32_imm32(d, imm)),
            };
        }
        self.copy(self.full(), d, a);
        match (logic, i8::try_from(imm)) {
            (Logic::Xor, Ok(-1)) => sized!(self, not_rm64, not_rm32, d),
            (Logic::And, Ok(imm)) => sized!(self, and_rm64_imm8, and_rm32_imm8, d, imm),
            (Logic::Or, Ok(imm)) => sized!(self, or_rm64_imm8, or_rm32_imm8, d, imm),
            (Logic::Xor, Ok(imm)) => sized!(self, xor_rm64_imm8, xor_rm32_imm8, d, imm),
            (Logic::And, Err(_)) => sized!(self, and_rm64_imm32, and_rm32_imm32, d, imm),
            (Logic::Or, Err(_)) => sized!(self, or_rm64_imm32, or_rm32_imm32, d, imm),
            (Logic::Xor, Err(_)) => sized!(self, xor_rm64_imm32, xor_rm32_imm32, d, imm),
        }
    }

    /// `d = a & !b`
    pub(super) fn and_inverted(&mut self, d: Reg, a: Reg, b: Reg) {
        if self.features.bmi1 {
            return sized!(self, andn_r64_r64_rm64, andn_r32_r32_rm32, d, b, a);
        }
        self.inverted(Logic::And, d, a, b);
    }

    /// `d = a | !b`
    pub(super) fn or_inverted(&mut self, d: Reg, a: Reg, b: Reg) {
        self.inverted(Logic::Or, d, a, b);
    }

    fn inverted(&mut self, logic: Logic, d: Reg, a: Reg, b: Reg) {
        let target = if d == a { SCRATCH } else { d };
        self.copy(self.full(), target, b);
        sized!(self, not_rm64, not_rm32, target);
        if d == a {
            self.logic_in_place(logic, d, SCRATCH);
        } else {
            self.logic_in_place(logic, d, a);
        }
    }

    pub(super) fn xnor(&mut self, d: Reg, a: Reg, b: Reg) {
        self.logic(Logic::Xor, d, a, b);
        sized!(self, not_rm64, not_rm32, d);
    }

    pub(super) fn compare(&mut self, a: Reg, b: Reg) {
        sized!(self, cmp_rm64_r64, cmp_rm32_r32, a, b);
    }

    pub(super) fn compare_imm(&mut self, a: Reg, imm: i32) {
        match i8::try_from(imm) {
            Ok(0) => sized!(self, test_rm64_r64, test_rm32_r32, a, a),
            Ok(imm) => sized!(self, cmp_rm64_imm8, cmp_rm32_imm8, a, imm),
            Err(_) => sized!(self, cmp_rm64_imm32, cmp_rm32_imm32, a, imm),
        }
    }

    pub(super) fn set(&mut self, cond: Cond, d: Reg, a: Reg, b: Reg) {
        if d != a && d != b {
            self.emit(inst::xor_rm32_r32(d, d));
            self.compare(a, b);
            self.emit(inst::set_rm8(cond, d));
        } else {
            self.compare(a, b);
            self.set_over(cond, d);
        }
    }

    pub(super) fn set_imm(&mut self, cond: Cond, d: Reg, a: Reg, imm: i32) {
        if d != a {
            self.emit(inst::xor_rm32_r32(d, d));
            self.compare_imm(a, imm);
            self.emit(inst::set_rm8(cond, d));
        } else {
            self.compare_imm(a, imm);
            self.set_over(cond, d);
        }
    }

    /// Sets a register that could not be cleared before the comparison.
    fn set_over(&mut self, cond: Cond, d: Reg) {
        self.emit(inst::set_rm8(cond, d));
        self.emit(inst::movzx_r32_rm8(d, d));
    }

    /// `d = a` if the condition holds of `c` and 0.
    pub(super) fn cmov(&mut self, cond: Cond, d: Reg, a: Reg, c: Reg) {
        self.compare_imm(c, 0);
        sized!(self, cmov_r64_rm64, cmov_r32_rm32, cond, d, a);
    }

    /// `d = imm` if the condition holds of `c` and 0.
    pub(super) fn cmov_imm(&mut self, cond: Cond, d: Reg, imm: i32, c: Reg) {
        self.compare_imm(c, 0);
        self.scratch_imm_keeping_flags(imm);
        sized!(self, cmov_r64_rm64, cmov_r32_rm32, cond, d, SCRATCH);
    }

    /// `d = a` if the condition holds of `a` and `b`, else `b`.
    pub(super) fn choose(&mut self, cond: Cond, d: Reg, a: Reg, b: Reg) {
        self.compare(a, b);
        if d == a {
            sized!(self, cmov_r64_rm64, cmov_r32_rm32, cond.not(), d, b);
        } else {
            self.copy(self.full(), d, b);
            sized!(self, cmov_r64_rm64, cmov_r32_rm32, cond, d, a);
        }
    }

    pub(super) fn count_set_bits(&mut self, size: Size, d: Reg, a: Reg) {
        if self.features.popcnt {
            return by_size!(self, size, popcnt_r64_rm64, popcnt_r32_rm32, d, a);
        }
        // One bit after the other: `rcx` holds those that are left.
        self.copy(size, COUNT, a);
        self.emit(inst::xor_rm32_r32(d, d));
        let [again, done] = [self.asm.label(), self.asm.label()];
        self.asm.bind(again);
        by_size!(self, size, test_rm64_r64, test_rm32_r32, COUNT, COUNT);
        self.asm.jcc_short(Cond::E, done);
        self.emit(inst::lea_r64_m(SCRATCH, Mem::base(COUNT).disp(-1)));
        by_size!(self, size, and_rm64_r64, and_rm32_r32, COUNT, SCRATCH);
        self.emit(inst::inc_rm32(d));
        self.asm.jmp(again);
        self.asm.bind(done);
    }

    pub(super) fn count_leading_zero_bits(&mut self, size: Size, d: Reg, a: Reg) {
        if self.features.lzcnt {
            return by_size!(self, size, lzcnt_r64_rm64, lzcnt_r32_rm32, d, a);
        }
        // The highest bit's number, or -1 + 2 * bits so that the exclusive or below gives the number of bits for zero.
        let bits = if size == Size::Double { 64 } else { 32 };
        by_size!(self, size, bsr_r64_rm64, bsr_r32_rm32, COUNT, a);
        self.emit(inst::mov_r32_imm32(SCRATCH, 2 * bits - 1));
        self.emit(inst::cmov_r32_rm32(Cond::E, COUNT, SCRATCH));
        self.emit(inst::xor_rm32_imm8(COUNT, if bits == 64 { 63 } else { 31 }));
        self.emit(inst::mov_rm32_r32(d, COUNT));
    }

    pub(super) fn count_trailing_zero_bits(&mut self, size: Size, d: Reg, a: Reg) {
        if self.features.bmi1 {
            return by_size!(self, size, tzcnt_r64_rm64, tzcnt_r32_rm32, d, a);
        }
        let bits = if size == Size::Double { 64 } else { 32 };
        by_size!(self, size, bsf_r64_rm64, bsf_r32_rm32, COUNT, a);
        self.emit(inst::mov_r32_imm32(SCRATCH, bits));
        self.emit(inst::cmov_r32_rm32(Cond::E, COUNT, SCRATCH));
        self.emit(inst::mov_rm32_r32(d, COUNT));
    }

    pub(super) fn reverse_byte(&mut self, d: Reg, a: Reg) {
        self.copy(self.full(), d, a);
        sized!(self, bswap_r64, bswap_r32, d);
    }

    /// Loads an immediate, extended as the guest's registers are, into a scratch register.
    pub(super) fn scratch_imm(&mut self, size: Size, scratch: Reg, imm: i32) {
        match size {
            Size::Double => self.load_imm_keeping_flags(scratch, imm),
            Size::Word => self.load_imm_unsigned(scratch, unsigned_32(imm)),
        }
    }
}
