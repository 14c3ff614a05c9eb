//! Updates of memory: one native instruction that loads, operates and stores.

use super::Emitter;
use crate::updates::Operation;
use pvm_isa::{Instruction, Opcode as O};
use pvm_num::casts::{low_u8, low_u16, unsigned_64};
use pvm_x64::{Reg, inst};

/// The instruction of an operation; they are given in the order of [`Operation`].
macro_rules! by_operation {
    ($emitter:expr, $operation:expr, $mem:expr, $operand:expr, $($name:ident)*) => {
        by_operation!(@ $emitter, $operation, $mem, $operand, [Add Sub And Or Xor] [$($name)*])
    };
    (@ $emitter:expr, $operation:expr, $mem:expr, $operand:expr, [$($variant:ident)*] [$($name:ident)*]) => {
        match $operation {
            $(Operation::$variant => $emitter.asm.emit(inst::$name($mem, $operand)),)*
        }
    };
}

impl Emitter<'_> {
    /// Does to the place that `load` loads from what `instruction` does to the value.
    pub(super) fn update(&mut self, load: &Instruction, instruction: &Instruction, other: Reg) {
        let Some((operation, has_imm)) = Operation::of(instruction.opcode()) else { return };
        let mem = match load.place() {
            Some((Some(_), _)) => self.indirect(crate::regmap::native(load.r2()), load.imm1()),
            _ => super::memory::absolute(load.imm1()),
        };
        self.access();
        if has_imm {
            return self.update_imm(load.opcode(), operation, mem, instruction.imm1());
        }
        match load.opcode() {
            O::load_u8 | O::load_i8 | O::load_indirect_u8 | O::load_indirect_i8 => {
                by_operation!(self, operation, mem, other, add_rm8_r8 sub_rm8_r8 and_rm8_r8 or_rm8_r8 xor_rm8_r8);
            }
            O::load_u16 | O::load_i16 | O::load_indirect_u16 | O::load_indirect_i16 => {
                by_operation!(self, operation, mem, other, add_rm16_r16 sub_rm16_r16 and_rm16_r16 or_rm16_r16 xor_rm16_r16);
            }
            O::load_u64 | O::load_indirect_u64 => {
                by_operation!(self, operation, mem, other, add_rm64_r64 sub_rm64_r64 and_rm64_r64 or_rm64_r64 xor_rm64_r64);
            }
            _ => {
                by_operation!(self, operation, mem, other, add_rm32_r32 sub_rm32_r32 and_rm32_r32 or_rm32_r32 xor_rm32_r32);
            }
        }
    }

    fn update_imm(&mut self, load: O, operation: Operation, mem: pvm_x64::Mem, imm: i32) {
        let bits = unsigned_64(imm.into());
        let short = i8::try_from(imm);
        match load {
            O::load_u8 | O::load_i8 | O::load_indirect_u8 | O::load_indirect_i8 => {
                let imm = low_u8(bits).cast_signed();
                by_operation!(self, operation, mem, imm, add_rm8_imm8 sub_rm8_imm8 and_rm8_imm8 or_rm8_imm8 xor_rm8_imm8);
            }
            O::load_u16 | O::load_i16 | O::load_indirect_u16 | O::load_indirect_i16 => {
                let imm = low_u16(bits).cast_signed();
                match i8::try_from(imm) {
                    Ok(imm) => by_operation!(self, operation, mem, imm,
                        add_rm16_imm8 sub_rm16_imm8 and_rm16_imm8 or_rm16_imm8 xor_rm16_imm8),
                    Err(_) => by_operation!(self, operation, mem, imm,
                        add_rm16_imm16 sub_rm16_imm16 and_rm16_imm16 or_rm16_imm16 xor_rm16_imm16),
                }
            }
            O::load_u64 | O::load_indirect_u64 => match short {
                Ok(imm) => by_operation!(self, operation, mem, imm,
                    add_rm64_imm8 sub_rm64_imm8 and_rm64_imm8 or_rm64_imm8 xor_rm64_imm8),
                Err(_) => by_operation!(self, operation, mem, imm,
                    add_rm64_imm32 sub_rm64_imm32 and_rm64_imm32 or_rm64_imm32 xor_rm64_imm32),
            },
            _ => match short {
                Ok(imm) => by_operation!(self, operation, mem, imm,
                    add_rm32_imm8 sub_rm32_imm8 and_rm32_imm8 or_rm32_imm8 xor_rm32_imm8),
                Err(_) => by_operation!(self, operation, mem, imm,
                    add_rm32_imm32 sub_rm32_imm32 and_rm32_imm32 or_rm32_imm32 xor_rm32_imm32),
            },
        }
    }
}
