//! Instructions that are emitted together with what they use.

use super::{Emitter, Size, by_size};
use crate::plan::{Action, Plan, Sum, scale};
use crate::regmap::{SCRATCH, native};
use crate::window::Window;
use crate::{Group, Place};
use pvm_isa::{Instruction, Opcode, Reg as Guest};
use pvm_num::casts::to_u32;
use pvm_x64::{Assembler, Mem, inst};

/// What computes a sum, as an address.
pub(super) fn sum(sum: Sum) -> Mem {
    let mem = match (sum.base, sum.index) {
        (Some(base), None) => Mem::base(native(base)),
        (None, Some((index, 0))) => Mem::base(native(index)),
        (Some(base), Some((index, shift))) => Mem::base(native(base)).index(native(index), scale(shift)),
        (None, Some((index, shift))) => Mem::scaled(native(index), scale(shift)),
        (None, None) => Mem::absolute(0),
    };
    mem.disp(sum.offset)
}

impl Emitter<'_> {
    /// Emits an instruction that does the work of elided ones, or during which values of elided ones may be missing.
    pub(super) fn fused(&mut self, window: &Window, plan: &Plan, index: usize, action: Action) {
        let located = &window.items()[index];
        let instruction = &located.instruction;
        match action {
            Action::Elided => {}
            Action::Plain | Action::Address(_) => {
                if let Action::Address(sum) = action {
                    self.folded = Some(sum);
                }
                if instruction.access().is_some() {
                    self.group = self.make_group(window, plan, index);
                }
                self.instruction(located);
            }
            Action::Sum(operands) => self.add_sum(instruction, operands),
            Action::Operand(other) => {
                self.folded = plan.elided_address(index - 1);
                self.group = self.make_group(window, plan, index - 1);
                // Where the instruction faults it is the load that does.
                self.pc = window.items()[index - 1].offset;
                self.operand(instruction, window.instruction(index - 1), other);
            }
        }
        (self.folded, self.group) = (None, Place::ALONE);
    }

    /// What there is to know of the access of an instruction.
    fn make_group(&mut self, window: &Window, plan: &Plan, index: usize) -> u32 {
        let late = to_u32(self.late.len());
        self.late.extend(plan.missing(index).map(|elided| window.items()[elided].offset));
        let resume = if plan.is_open(index) { self.here() } else { Assembler::UNBOUND };
        self.groups.push(Group { resume, late, late_end: to_u32(self.late.len()) });
        to_u32(self.groups.len() - 1)
    }

    fn add_sum(&mut self, instruction: &Instruction, operands: Sum) {
        let is_word = matches!(instruction.opcode(), Opcode::add_32 | Opcode::add_imm_32);
        let size = if is_word { Size::Word } else { Size::Double };
        let d = native(instruction.r1());
        by_size!(self, size, lea_r64_m, lea_r32_m, d, sum(operands));
        self.extend(size, d);
    }

    /// An operation on `other` and what `load` gives, which comes second where the order matters.
    fn operand(&mut self, instruction: &Instruction, load: &Instruction, other: Guest) {
        use Opcode as O;
        let opcode = instruction.opcode();
        let (d, other) = (native(instruction.r1()), native(other));
        let mem = match load.opcode() {
            O::load_u32 | O::load_i32 | O::load_u64 => super::memory::absolute(load.imm1()),
            _ => self.indirect(native(load.r2()), load.imm1()),
        };
        let size = match opcode {
            O::add_32 | O::sub_32 | O::mul_32 => Size::Word,
            _ => self.full(),
        };
        if opcode == O::mul_upper_unsigned_unsigned {
            self.copy(Size::Double, SCRATCH, other);
            self.access();
            return self.emit(inst::mulx_r64_r64_rm64(d, d, mem));
        }
        self.access();
        if d == other {
            match opcode {
                O::add_32 | O::add_64 => by_size!(self, size, add_r64_rm64, add_r32_rm32, d, mem),
                O::sub_32 | O::sub_64 => by_size!(self, size, sub_r64_rm64, sub_r32_rm32, d, mem),
                O::and => by_size!(self, size, and_r64_rm64, and_r32_rm32, d, mem),
                O::or => by_size!(self, size, or_r64_rm64, or_r32_rm32, d, mem),
                O::xor => by_size!(self, size, xor_r64_rm64, xor_r32_rm32, d, mem),
                _ => by_size!(self, size, imul_r64_rm64, imul_r32_rm32, d, mem),
            }
        } else {
            // The access comes first: nothing may have changed when it faults.
            by_size!(self, size, mov_r64_rm64, mov_r32_rm32, d, mem);
            match opcode {
                O::add_32 | O::add_64 => by_size!(self, size, add_rm64_r64, add_rm32_r32, d, other),
                O::and => by_size!(self, size, and_rm64_r64, and_rm32_r32, d, other),
                O::or => by_size!(self, size, or_rm64_r64, or_rm32_r32, d, other),
                O::xor => by_size!(self, size, xor_rm64_r64, xor_rm32_r32, d, other),
                _ => by_size!(self, size, imul_r64_rm64, imul_r32_rm32, d, other),
            }
        }
        self.extend(size, d);
    }
}
