//! Shifts and rotations.

use super::{Emitter, Size, by_size};
use crate::regmap::{COUNT, SCRATCH};
use pvm_num::casts::{low_u8, unsigned_64};
use pvm_x64::{Mem, Reg, Scale, inst};

/// A shift or rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    Right,
    Arithmetic,
    RotateLeft,
    RotateRight,
}

impl Emitter<'_> {
    pub(super) fn shift_imm(&mut self, shift: Shift, size: Size, d: Reg, a: Reg, imm: i32) {
        let mask = if size == Size::Double { 63 } else { 31 };
        let count = (low_u8(unsigned_64(imm.into())) & mask).cast_signed();
        if shift == Shift::Left && d != a && (1..=3).contains(&count) {
            let sum = match count {
                1 => Mem::base(a).index(a, Scale::X1),
                2 => Mem::scaled(a, Scale::X4),
                _ => Mem::scaled(a, Scale::X8),
            };
            by_size!(self, size, lea_r64_m, lea_r32_m, d, sum);
        } else if shift == Shift::RotateRight && d != a && self.features.bmi2 {
            by_size!(self, size, rorx_r64_rm64_imm8, rorx_r32_rm32_imm8, d, a, count);
        } else {
            self.copy(size, d, a);
            match shift {
                Shift::Left => by_size!(self, size, shl_rm64_imm8, shl_rm32_imm8, d, count),
                Shift::Right => by_size!(self, size, shr_rm64_imm8, shr_rm32_imm8, d, count),
                Shift::Arithmetic => by_size!(self, size, sar_rm64_imm8, sar_rm32_imm8, d, count),
                Shift::RotateLeft => by_size!(self, size, rol_rm64_imm8, rol_rm32_imm8, d, count),
                Shift::RotateRight => by_size!(self, size, ror_rm64_imm8, ror_rm32_imm8, d, count),
            }
        }
        self.extend(size, d);
    }

    /// `d = a` shifted by `b`
    pub(super) fn shift(&mut self, shift: Shift, size: Size, d: Reg, a: Reg, b: Reg) {
        if !self.shift_bmi2(shift, size, d, a, b) {
            self.borrow_count();
            self.copy(Size::Word, COUNT, b);
            self.copy(size, d, a);
            self.shift_by_cl(shift, size, d);
            self.give_back_count();
        }
        self.extend(size, d);
    }

    /// `d = imm` shifted by `a`
    pub(super) fn shift_alt(&mut self, shift: Shift, size: Size, d: Reg, a: Reg, imm: i32) {
        if self.features.bmi2 && !matches!(shift, Shift::RotateLeft | Shift::RotateRight) {
            self.scratch_imm(size, SCRATCH, imm);
            self.shift_bmi2(shift, size, d, SCRATCH, a);
        } else {
            self.borrow_count();
            self.copy(Size::Word, COUNT, a);
            self.scratch_imm(size, d, imm);
            self.shift_by_cl(shift, size, d);
            self.give_back_count();
        }
        self.extend(size, d);
    }

    /// Shifts without touching the flags or a fixed register, if that is possible.
    fn shift_bmi2(&mut self, shift: Shift, size: Size, d: Reg, a: Reg, b: Reg) -> bool {
        if !self.features.bmi2 {
            return false;
        }
        match shift {
            Shift::Left => by_size!(self, size, shlx_r64_rm64_r64, shlx_r32_rm32_r32, d, a, b),
            Shift::Right => by_size!(self, size, shrx_r64_rm64_r64, shrx_r32_rm32_r32, d, a, b),
            Shift::Arithmetic => by_size!(self, size, sarx_r64_rm64_r64, sarx_r32_rm32_r32, d, a, b),
            Shift::RotateLeft | Shift::RotateRight => return false,
        }
        true
    }

    fn shift_by_cl(&mut self, shift: Shift, size: Size, d: Reg) {
        match shift {
            Shift::Left => by_size!(self, size, shl_rm64_cl, shl_rm32_cl, d),
            Shift::Right => by_size!(self, size, shr_rm64_cl, shr_rm32_cl, d),
            Shift::Arithmetic => by_size!(self, size, sar_rm64_cl, sar_rm32_cl, d),
            Shift::RotateLeft => by_size!(self, size, rol_rm64_cl, rol_rm32_cl, d),
            Shift::RotateRight => by_size!(self, size, ror_rm64_cl, ror_rm32_cl, d),
        }
    }
}
