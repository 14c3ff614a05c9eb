//! Loads and stores: one native instruction each, which faults where the guest may not go.

use super::{Emitter, sized};
use crate::Place;
use crate::plan::Sum;
use pvm_isa::Opcode;
use pvm_num::casts::{low_u8, low_u16, unsigned_64};
use pvm_x64::{Mem, Reg, Segment, inst};

/// The guest's address `address`.
pub(super) fn absolute(address: i32) -> Mem {
    Mem::absolute(address).segment(Segment::Gs).narrow()
}

impl Emitter<'_> {
    /// The guest's address `base + offset`, modulo 2^32, where what was folded into it stands for the base.
    pub(super) fn indirect(&self, base: Reg, offset: i32) -> Mem {
        let mem = match self.folded {
            None => Mem::base(base).disp(offset),
            Some(sum) => super::fused::sum(Sum { offset: sum.offset.wrapping_add(offset), ..sum }),
        };
        mem.segment(Segment::Gs).narrow()
    }

    pub(super) fn access(&mut self) {
        let place = Place { offset: self.here(), pc: self.pc, group: self.group };
        self.accesses.push(place);
    }

    pub(super) fn load(&mut self, opcode: Opcode, d: Reg, from: Mem) {
        use Opcode as O;
        self.access();
        match opcode {
            O::load_u8 | O::load_indirect_u8 => self.emit(inst::movzx_r32_rm8(d, from)),
            O::load_i8 | O::load_indirect_i8 => sized!(self, movsx_r64_rm8, movsx_r32_rm8, d, from),
            O::load_u16 | O::load_indirect_u16 => self.emit(inst::movzx_r32_rm16(d, from)),
            O::load_i16 | O::load_indirect_i16 => sized!(self, movsx_r64_rm16, movsx_r32_rm16, d, from),
            O::load_u32 | O::load_indirect_u32 => self.emit(inst::mov_r32_rm32(d, from)),
            O::load_i32 | O::load_indirect_i32 => sized!(self, movsxd_r64_rm32, mov_r32_rm32, d, from),
            _ => self.emit(inst::mov_r64_rm64(d, from)),
        }
    }

    pub(super) fn store(&mut self, opcode: Opcode, s: Reg, to: Mem) {
        use Opcode as O;
        self.access();
        match opcode {
            O::store_u8 | O::store_indirect_u8 => self.emit(inst::mov_rm8_r8(to, s)),
            O::store_u16 | O::store_indirect_u16 => self.emit(inst::mov_rm16_r16(to, s)),
            O::store_u32 | O::store_indirect_u32 => self.emit(inst::mov_rm32_r32(to, s)),
            _ => self.emit(inst::mov_rm64_r64(to, s)),
        }
    }

    pub(super) fn store_imm(&mut self, opcode: Opcode, value: i32, to: Mem) {
        use Opcode as O;
        self.access();
        let bits = unsigned_64(value.into());
        match opcode {
            O::store_imm_u8 | O::store_imm_indirect_u8 => {
                self.emit(inst::mov_rm8_imm8(to, low_u8(bits).cast_signed()));
            }
            O::store_imm_u16 | O::store_imm_indirect_u16 => {
                self.emit(inst::mov_rm16_imm16(to, low_u16(bits).cast_signed()));
            }
            O::store_imm_u32 | O::store_imm_indirect_u32 => self.emit(inst::mov_rm32_imm32(to, value)),
            _ => self.emit(inst::mov_rm64_imm32(to, value)),
        }
    }
}
