//! Jumps, calls of the host, and what the host completes.

use super::{Emitter, Late};
use crate::SiteKind;
use crate::frame::{self, Gas, field};
use crate::regmap::{COUNT, SCRATCH};
use pvm_num::casts::{signed_32, unsigned_32};
use pvm_program::Located;
use pvm_vmctx as ctx;
use pvm_x64::{Cond, Mem, Reg, Scale, inst};

impl Emitter<'_> {
    pub(super) fn fallthrough(&mut self, located: &Located) {
        if located.next >= self.code.len() {
            self.stop(SiteKind::JumpTarget);
        }
    }

    pub(super) fn jump(&mut self, located: &Located) {
        if let Some(target) = self.successor(located)
            && located.instruction.target() != Some(located.next)
        {
            self.asm.jmp(target);
        }
    }

    pub(super) fn load_imm_and_jump(&mut self, d: Reg, imm: i32, located: &Located) {
        self.load_imm(d, imm);
        self.jump(located);
    }

    /// Goes to the dynamic address `base + offset`.
    pub(super) fn jump_indirect(&mut self, base: Reg, offset: i32) {
        self.address(base, offset);
        self.jump_to_address();
    }

    pub(super) fn load_imm_and_jump_indirect(&mut self, d: Reg, imm: i32, base: Reg, offset: i32) {
        self.address(base, offset);
        self.load_imm(d, imm);
        self.jump_to_address();
    }

    /// `edx` = half the dynamic address, with its lowest bit on top
    fn address(&mut self, base: Reg, offset: i32) {
        if offset == 0 && self.features.bmi2 {
            return self.emit(inst::rorx_r32_rm32_imm8(SCRATCH, base, 1));
        }
        self.emit(inst::lea_r32_m(SCRATCH, Mem::base(base).disp(offset)));
        self.emit(inst::ror_rm32_imm8(SCRATCH, 1));
    }

    /// Entry 0 of the jump table has address 2.
    fn jump_to_address(&mut self) {
        let outside = self.asm.label();
        let site = self.site(SiteKind::JumpIndirect);
        self.late_sites.push(Late { label: outside, site, is_jump: true });
        self.emit(inst::sub_rm32_imm8(SCRATCH, 1));
        self.emit(inst::cmp_rm32_imm32(SCRATCH, signed_32(self.jump_table_len)));
        self.asm.jcc(Cond::AE, outside);
        if self.has_bad_entries {
            self.emit(inst::mov_rm32_imm32(field(ctx::JUMP_SITE), signed_32(site)));
        }
        if self.gas == Gas::Register {
            self.emit(inst::shl_rm32_imm8(SCRATCH, 3));
            self.emit(inst::add_r64_rm64(SCRATCH, frame::top()));
            self.emit(inst::jmp_rm64(Mem::base(SCRATCH)));
        } else {
            self.asm.lea(COUNT, self.table);
            self.emit(inst::jmp_rm64(Mem::base(COUNT).index(SCRATCH, Scale::X8)));
        }
    }

    pub(super) fn ecalli(&mut self, number: i32, next: u32) {
        self.pause(|resume| SiteKind::Ecalli { number: unsigned_32(number), next, resume });
    }

    pub(super) fn complete(&mut self) {
        self.pause(|resume| SiteKind::Complete { resume });
    }

    /// Leaves for a while, to go on right behind.
    fn pause(&mut self, kind: impl Fn(u32) -> SiteKind) {
        self.stop(kind(0));
        let resume = self.here();
        if let Some(site) = self.sites.last_mut() {
            site.kind = kind(resume);
        }
    }
}
