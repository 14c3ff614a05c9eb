//! Instructions that are emitted together with what they use.

use super::alu::Logic;
use super::shift::Shift;
use super::{Emitter, Size, by_size, sized};
use crate::plan::{Action, Plan, Sum, scale};
use crate::regmap::{SCRATCH, native};
use crate::window::Window;
use crate::{Group, Place};
use pvm_isa::{Instruction, Opcode, Reg as Guest};
use pvm_num::casts::to_u32;
use pvm_x64::{Assembler, Cond, Mem, Reg, inst};

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
            Action::Update(operation, other) => {
                self.group = self.make_group(window, plan, index);
                self.update(instruction, window.instruction(operation.into()), native(other));
            }
            Action::Sum(operands) => self.add_sum(instruction, operands),
            Action::Operand(other) => {
                self.folded = plan.elided_address(index - 1);
                self.group = self.make_group(window, plan, index - 1);
                // Where the instruction faults it is the load that does.
                self.pc = window.items()[index - 1].offset;
                self.operand(instruction, window.instruction(index - 1), other);
            }
            Action::Carrying => self.add_carrying(instruction),
            Action::CarryFlag => self.carry_flag(native(instruction.r1())),
            Action::Carry(other) => self.add_carry(native(instruction.r1()), native(other)),
            Action::Product => self.both_halves(instruction),
            Action::OtherHalf => self.copy(Size::Double, native(instruction.r1()), SCRATCH),
            Action::Condition(place) => self.move_on(instruction, window.instruction(place.into())),
            Action::Counted(place, other) => {
                self.add_comparison(instruction, window.instruction(place.into()), native(other));
            }
            Action::Extension(from, left) => self.extension(instruction, native(from), left.into()),
        }
        (self.folded, self.group) = (None, Place::ALONE);
    }

    /// What there is to know of the access of an instruction.
    fn make_group(&mut self, window: &Window, plan: &Plan, index: usize) -> u32 {
        let late = to_u32(self.late.len());
        self.late.extend(plan.missing(index).map(|elided| window.items()[elided].offset));
        let resume = if plan.is_open(index) { self.here() } else { Assembler::UNBOUND };
        let is_update = plan.updates >> index & 1 != 0;
        // No window has as many.
        let late_len = u8::try_from(to_u32(self.late.len()) - late).unwrap_or(u8::MAX);
        self.groups.push(Group { resume, late, late_len, is_update });
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

    /// An addition that sets the flags.
    fn add_carrying(&mut self, instruction: &Instruction) {
        let (d, a, b) = (native(instruction.r1()), native(instruction.r2()), native(instruction.r3()));
        let (a, b) = if d == b { (b, a) } else { (a, b) };
        self.copy(self.full(), d, a);
        sized!(self, add_rm64_r64, add_rm32_r32, d, b);
    }

    fn carry_flag(&mut self, d: Reg) {
        self.emit(inst::mov_r32_imm32(d, 0));
        self.emit(inst::set_rm8(Cond::B, d));
    }

    fn add_carry(&mut self, d: Reg, a: Reg) {
        self.copy(self.full(), d, a);
        sized!(self, adc_rm64_imm8, adc_rm32_imm8, d, 0);
    }

    fn both_halves(&mut self, instruction: &Instruction) {
        let (d, a, b) = (native(instruction.r1()), native(instruction.r2()), native(instruction.r3()));
        self.copy(Size::Double, SCRATCH, a);
        let (high, low) = if instruction.opcode() == Opcode::mul_64 { (SCRATCH, d) } else { (d, SCRATCH) };
        self.emit(inst::mulx_r64_r64_rm64(high, low, b));
    }

    /// A move on a condition that a comparison gives.
    fn move_on(&mut self, instruction: &Instruction, comparison: &Instruction) {
        use Opcode as O;
        self.compare_operands(comparison);
        let holds = match comparison.opcode() {
            O::set_less_than_unsigned | O::set_less_than_unsigned_imm => Cond::B,
            O::set_less_than_signed | O::set_less_than_signed_imm => Cond::L,
            O::set_greater_than_unsigned_imm => Cond::A,
            _ => Cond::G,
        };
        let (cond, value) = match instruction.opcode() {
            O::cmov_if_not_zero => (holds, native(instruction.r2())),
            O::cmov_if_zero => (holds.not(), native(instruction.r2())),
            opcode => {
                self.scratch_imm_keeping_flags(instruction.imm1());
                (if opcode == O::cmov_if_not_zero_imm { holds } else { holds.not() }, SCRATCH)
            }
        };
        sized!(self, cmov_r64_rm64, cmov_r32_rm32, cond, native(instruction.r1()), value);
    }

    /// Adds or subtracts whether a comparison of unsigned numbers holds.
    fn add_comparison(&mut self, instruction: &Instruction, comparison: &Instruction, other: Reg) {
        self.compare_operands(comparison);
        let d = native(instruction.r1());
        self.copy(self.full(), d, other);
        match instruction.opcode() {
            Opcode::add_32 | Opcode::add_64 => sized!(self, adc_rm64_imm8, adc_rm32_imm8, d, 0),
            _ => sized!(self, sbb_rm64_imm8, sbb_rm32_imm8, d, 0),
        }
    }

    fn compare_operands(&mut self, comparison: &Instruction) {
        use Opcode as O;
        let (a, b) = (native(comparison.r2()), native(comparison.r3()));
        match comparison.opcode() {
            O::set_less_than_unsigned | O::set_less_than_signed => self.compare(a, b),
            _ => self.compare_imm(a, comparison.imm1()),
        }
    }

    /// A shift right of what was shifted left.
    fn extension(&mut self, instruction: &Instruction, from: Reg, left: i32) {
        let d = native(instruction.r1());
        match (instruction.opcode(), instruction.imm1()) {
            (Opcode::shift_logical_right_imm_64, 32) => self.emit(inst::mov_rm32_r32(d, from)),
            (Opcode::shift_logical_right_imm_64, 48) if left == 48 => self.emit(inst::movzx_r32_rm16(d, from)),
            (Opcode::shift_logical_right_imm_64, count) => {
                if count > left {
                    // What comes in at the other end is masked.
                    self.shift_imm(Shift::RotateRight, Size::Double, d, from, count - left);
                    self.logic_imm(Logic::And, d, d, i32::MAX >> (count - 33));
                } else {
                    self.logic_imm(Logic::And, d, from, i32::MAX >> (count - 33));
                }
            }
            (_, 32) => self.emit(inst::movsxd_r64_rm32(d, from)),
            (_, 48) => self.emit(inst::movsx_r64_rm16(d, from)),
            _ => self.emit(inst::movsx_r64_rm8(d, from)),
        }
    }
}
