//! Windows of the guest's instructions, as native ones.

mod alu;
mod branch;
mod control;
mod fused;
mod memory;
mod muldiv;
mod shift;
mod update;

use crate::checks::Checks;
use crate::frame::{self, Gas, field};
use crate::plan::{Action, Plan, Sum};
use crate::regmap::{COUNT, SCRATCH, native};
use crate::targets::{Entries, Starts};
use crate::window::Window;
use crate::{CompileError, CompileErrorKind, Features, Group, Place, Site, SiteKind};
use alu::Logic;
use muldiv::{Part, Sign};
use pvm_gas::BlockMeter;
use pvm_isa::{Opcode, Width};
use pvm_num::casts::{signed_32, to_u32};
use pvm_program::{Code, JumpTable, Located};
use pvm_vmctx as ctx;
use pvm_x64::{Assembler, Cond, Inst, Label, Reg, Rm, inst};
use shift::Shift;

/// Compilation under way.
pub(crate) struct Emitter<'a> {
    pub(crate) asm: Assembler,
    pub(crate) sites: Vec<Site>,
    pub(crate) accesses: Vec<Place>,
    pub(crate) groups: Vec<Group>,
    /// Code offsets of instructions that are executed late; parts of it belong to groups.
    pub(crate) late: Vec<u32>,
    /// Offsets of the function that enters and of the place where faults leave.
    pub(crate) entry: u32,
    pub(crate) fault_exit: u32,
    /// Where the guest's instructions lie.
    pub(crate) guest: core::ops::Range<u32>,
    /// Where all code ends.
    pub(crate) end: u32,
    /// Where all sites leave to.
    frame_exit: Label,
    /// Where bad entries of the jump table lead.
    pub(crate) bad_entry: Label,
    /// The jump table, behind the code.
    pub(crate) table: Label,
    code: Code<'a>,
    jump_table_len: u32,
    /// Does some entry of the jump table lead nowhere?
    has_bad_entries: bool,
    /// Where blocks start.
    pub(crate) starts: Starts,
    /// Where the guest can be entered.
    pub(crate) entries: Entries,
    meter: Option<BlockMeter>,
    gas: Gas,
    /// Which blocks look at the gas, if not all do.
    checks: Option<Checks>,
    features: Features,
    /// Are registers 64 bits wide?
    wide: bool,
    /// Sites whose code is written behind all other.
    late_sites: Vec<Late>,
    /// Code offset of the present instruction.
    pc: u32,
    /// What the address of the present instruction's access is instead of its base register.
    folded: Option<Sum>,
    /// The group of the present instruction's access.
    group: u32,
}

/// A block that is being charged.
struct Charge {
    /// Where the instruction ends that has the cost in its last bytes.
    end: usize,
    /// Index of the site where it stops for want of gas.
    site: usize,
}

/// A site whose code stands behind all other code.
struct Late {
    label: Label,
    site: u32,
    /// Is it one of an indirect jump, which must say where it would have gone?
    is_jump: bool,
}

/// How much of its operands an operation uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Size {
    /// The low 32 bits; the result is sign-extended.
    Word,
    /// All 64 bits.
    Double,
}

/// Two native instructions, for 64 and for 32 bits; the width of the guest's registers decides.
macro_rules! sized {
    ($emitter:expr, $wide:ident, $narrow:ident, $($operand:expr),*) => {
        if $emitter.wide {
            $emitter.asm.emit(inst::$wide($($operand),*))
        } else {
            $emitter.asm.emit(inst::$narrow($($operand),*))
        }
    };
}
/// Likewise, where a [`Size`] decides.
macro_rules! by_size {
    ($emitter:expr, $size:expr, $wide:ident, $narrow:ident, $($operand:expr),*) => {
        match $size {
            crate::emit::Size::Double => $emitter.asm.emit(inst::$wide($($operand),*)),
            crate::emit::Size::Word => $emitter.asm.emit(inst::$narrow($($operand),*)),
        }
    };
}
pub(crate) use {by_size, sized};

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        code: Code<'a>,
        jump_table: JumpTable<'a>,
        meter: Option<BlockMeter>,
        checks: Option<Checks>,
        features: Features,
        mut starts: Starts,
        mut asm: Assembler,
    ) -> Emitter<'a> {
        let length = pvm_num::casts::to_usize(code.len());
        asm.restart(length * 4 + crate::FIXED_SIZE, length + 64);
        asm.reserve_labels(code.len() + 1);
        let [bad_entry, table] = [asm.label(), asm.label()];
        let gas = match meter {
            None => Gas::Unmetered,
            Some(_) if features == Features::ALL => Gas::Register,
            Some(_) => Gas::Stack,
        };
        let reserve = if checks.is_some() { signed_32(crate::RESERVE) } else { 0 };
        let entry = frame::entry(&mut asm, gas, reserve, table);
        let fault_exit = to_u32(asm.len());
        let frame_exit = frame::exit(&mut asm, gas, reserve);
        let has_bad_entries = jump_table.iter().fold(false, |bad, pc| !starts.contains(pc) | bad);
        Emitter {
            asm,
            sites: Vec::new(),
            accesses: Vec::with_capacity(length / 8),
            groups: Vec::new(),
            late: Vec::new(),
            entry,
            fault_exit,
            guest: 0..0,
            end: 0,
            frame_exit,
            bad_entry,
            table,
            code,
            jump_table_len: jump_table.len(),
            has_bad_entries,
            starts,
            entries: Entries::new(code.len()),
            meter,
            gas,
            checks,
            features,
            wide: code.set().width() == Width::Wide,
            late_sites: Vec::new(),
            pc: 0,
            folded: None,
            group: Place::ALONE,
        }
    }

    /// Offset of what is emitted next.
    pub(crate) fn here(&self) -> u32 {
        to_u32(self.asm.len())
    }

    fn emit(&mut self, inst: Inst) {
        self.asm.emit(inst);
    }

    /// Compiles the code from its start to its end.
    pub(crate) fn all_instructions(&mut self) -> Result<(), CompileError> {
        self.guest.start = self.here();
        let (mut window, mut plan) = (Window::new(), Plan::new());
        let mut instructions = self.code.iter();
        let mut charge = None;
        let mut starts_block = true;
        let mut can_fall_through = true;
        loop {
            let is_whole = window.fill(&mut instructions);
            let Some(last) = window.items().last() else { break };
            let opcode = last.instruction.opcode();
            can_fall_through = opcode.can_fall_through() | !opcode.ends_block();
            let cost = self.meter.as_mut().map_or(0, |meter| {
                window.items().iter().for_each(|located| meter.push(located, self.code.bytes()));
                if is_whole { meter.finish() } else { 0 }
            });
            if starts_block {
                let first = window.items().first().map_or(0, |located| located.offset);
                self.pc = first;
                self.enter_at(first);
                self.starts.add(first);
                charge = self.charge(is_whole.then_some((cost, last)))?;
            } else if is_whole {
                self.patch(charge.take(), cost)?;
            }
            plan.make(&window, self.code.set().width(), self.features.bmi2);
            self.window(&window, &plan, starts_block);
            starts_block = is_whole;
            if is_whole && let Some(checks) = &mut self.checks {
                checks.end(last);
            }
        }
        self.pc = self.code.len();
        if can_fall_through {
            // Behind the last instruction, where only one that ends no block leads.
            self.enter_at(self.code.len());
            self.stop(SiteKind::Invalid);
        }
        let cost = self.meter.as_mut().map_or(0, BlockMeter::finish);
        self.patch(charge, cost)?;
        self.guest.end = self.here();
        Ok(())
    }

    /// The guest can be entered here, at a code offset behind all others so far.
    #[inline]
    fn enter_at(&mut self, pc: u32) {
        self.asm.bind(Label::from_number(pc));
        self.entries.push(pc, self.here());
    }

    fn window(&mut self, window: &Window, plan: &Plan, starts_block: bool) {
        for (index, located) in window.items().iter().enumerate() {
            self.pc = located.offset;
            let is_plain = plan.is_plain(index);
            if (is_plain || plan.is_open(index)) && (index > 0 || !starts_block) {
                self.enter_at(located.offset);
            }
            if is_plain {
                self.instruction(located);
            } else if plan.action(index) != Action::Elided {
                self.fused(window, plan, index, plan.action(index));
            }
        }
    }

    /// Takes a block's cost, if it is not known yet to be patched, from the remaining gas, and leaves if that does not suffice. The
    /// cost comes with the block's last instruction.
    fn charge(&mut self, known: Option<(u32, &Located)>) -> Result<Option<Charge>, CompileError> {
        let gas = match self.gas {
            Gas::Unmetered => return Ok(None),
            Gas::Register => Rm::Reg(COUNT),
            Gas::Stack => Rm::Mem(frame::top()),
        };
        let must_look = self.checks.as_mut().is_none_or(|checks| checks.start(self.pc, known));
        let cost = known.map(|(cost, _)| cost);
        match cost.map(i8::try_from) {
            Some(Ok(cost)) => self.emit(inst::sub_rm64_imm8(gas, cost)),
            _ => self.emit(inst::sub_rm64_imm32(gas, 0)),
        }
        if !must_look {
            if let Some(cost) = cost
                && i8::try_from(cost).is_err()
            {
                self.asm.patch_u32(self.asm.len() - 4, cost);
            }
            return Ok(None);
        }
        let charge = Charge { end: self.asm.len(), site: self.sites.len() };
        let unpaid = self.late_stop(SiteKind::OutOfGas { cost: cost.unwrap_or(0) });
        self.asm.jcc(Cond::L, unpaid);
        match cost {
            None => Ok(Some(charge)),
            Some(cost) if i8::try_from(cost).is_ok() => Ok(None),
            Some(cost) => self.patch(Some(charge), cost).map(|()| None),
        }
    }

    /// Writes the cost of a block where it is charged.
    fn patch(&mut self, charge: Option<Charge>, cost: u32) -> Result<(), CompileError> {
        let Some(Charge { end, site }) = charge else { return Ok(()) };
        let site = &mut self.sites[site];
        if i32::try_from(cost).is_err() {
            return Err(CompileError { kind: CompileErrorKind::BlockCost { cost }, at: site.pc });
        }
        site.kind = SiteKind::OutOfGas { cost };
        self.asm.patch_u32(end - 4, cost);
        Ok(())
    }

    /// Leaves for good or for a while.
    fn stop(&mut self, kind: SiteKind) {
        let site = self.site(kind);
        self.leave(site);
    }

    /// A place behind all other code that leaves.
    fn late_stop(&mut self, kind: SiteKind) -> Label {
        let label = self.asm.label();
        let site = self.site(kind);
        self.late_sites.push(Late { label, site, is_jump: false });
        label
    }

    fn site(&mut self, kind: SiteKind) -> u32 {
        self.sites.push(Site { pc: self.pc, kind });
        to_u32(self.sites.len() - 1)
    }

    fn leave(&mut self, site: u32) {
        self.emit(inst::mov_r32_imm32(SCRATCH, signed_32(site)));
        self.asm.jmp(self.frame_exit);
    }

    /// The code of the sites that were put off, and of bad jump table entries.
    pub(crate) fn late_sites(&mut self) {
        for Late { label, site, is_jump } in core::mem::take(&mut self.late_sites) {
            self.asm.bind(label);
            if is_jump {
                self.emit(inst::mov_rm32_r32(field(ctx::JUMP_INDEX), SCRATCH));
            }
            self.leave(site);
        }
        self.asm.bind(self.bad_entry);
        if self.has_bad_entries {
            if self.gas == Gas::Register {
                self.emit(inst::sub_r64_rm64(SCRATCH, frame::top()));
                self.emit(inst::shr_rm32_imm8(SCRATCH, 3));
            }
            self.emit(inst::mov_rm32_r32(field(ctx::JUMP_INDEX), SCRATCH));
            self.emit(inst::mov_r32_rm32(SCRATCH, field(ctx::JUMP_SITE)));
            self.asm.jmp(self.frame_exit);
        }
    }

    fn instruction(&mut self, located: &Located) {
        use Opcode as O;
        let i = &located.instruction;
        let (d, a, b) = (native(i.r1()), native(i.r2()), native(i.r3()));
        let imm = i.imm1();
        match i.opcode() {
            O::trap => self.stop(SiteKind::Trap),
            O::invalid => self.stop(SiteKind::Invalid),
            O::fallthrough => self.fallthrough(located),
            O::unlikely => {}
            O::memset | O::sbrk => self.complete(),
            O::ecalli => self.ecalli(imm, located.next),
            O::jump => self.jump(located),
            O::jump_indirect => self.jump_indirect(d, imm),
            O::load_imm_and_jump => self.load_imm_and_jump(d, imm, located),
            O::load_imm_and_jump_indirect => self.load_imm_and_jump_indirect(d, imm, a, i.imm2()),

            O::load_imm64 => self.load_imm64(d, i.imm64()),
            O::load_imm => self.load_imm(d, imm),
            O::move_reg => self.move_reg(d, a),

            O::load_u8 | O::load_i8 | O::load_u16 | O::load_i16 | O::load_u32 | O::load_i32 | O::load_u64 => {
                self.load(i.opcode(), d, memory::absolute(imm));
            }
            O::load_indirect_u8
            | O::load_indirect_i8
            | O::load_indirect_u16
            | O::load_indirect_i16
            | O::load_indirect_u32
            | O::load_indirect_i32
            | O::load_indirect_u64 => self.load(i.opcode(), d, self.indirect(a, imm)),
            O::store_u8 | O::store_u16 | O::store_u32 | O::store_u64 => {
                self.store(i.opcode(), d, memory::absolute(imm))
            }
            O::store_indirect_u8 | O::store_indirect_u16 | O::store_indirect_u32 | O::store_indirect_u64 => {
                self.store(i.opcode(), d, self.indirect(a, imm));
            }
            O::store_imm_u8 | O::store_imm_u16 | O::store_imm_u32 | O::store_imm_u64 => {
                self.store_imm(i.opcode(), i.imm2(), memory::absolute(imm));
            }
            O::store_imm_indirect_u8
            | O::store_imm_indirect_u16
            | O::store_imm_indirect_u32
            | O::store_imm_indirect_u64 => self.store_imm(i.opcode(), i.imm2(), self.indirect(d, imm)),

            O::branch_eq_imm => self.branch_imm(Cond::E, d, imm, located),
            O::branch_not_eq_imm => self.branch_imm(Cond::NE, d, imm, located),
            O::branch_less_unsigned_imm => self.branch_imm(Cond::B, d, imm, located),
            O::branch_less_or_equal_unsigned_imm => self.branch_imm(Cond::BE, d, imm, located),
            O::branch_greater_or_equal_unsigned_imm => self.branch_imm(Cond::AE, d, imm, located),
            O::branch_greater_unsigned_imm => self.branch_imm(Cond::A, d, imm, located),
            O::branch_less_signed_imm => self.branch_imm(Cond::L, d, imm, located),
            O::branch_less_or_equal_signed_imm => self.branch_imm(Cond::LE, d, imm, located),
            O::branch_greater_or_equal_signed_imm => self.branch_imm(Cond::GE, d, imm, located),
            O::branch_greater_signed_imm => self.branch_imm(Cond::G, d, imm, located),
            O::branch_eq => self.branch(Cond::E, d, a, located),
            O::branch_not_eq => self.branch(Cond::NE, d, a, located),
            O::branch_less_unsigned => self.branch(Cond::B, d, a, located),
            O::branch_less_signed => self.branch(Cond::L, d, a, located),
            O::branch_greater_or_equal_unsigned => self.branch(Cond::AE, d, a, located),
            O::branch_greater_or_equal_signed => self.branch(Cond::GE, d, a, located),

            O::count_set_bits_64 => self.count_set_bits(Size::Double, d, a),
            O::count_set_bits_32 => self.count_set_bits(Size::Word, d, a),
            O::count_leading_zero_bits_64 => self.count_leading_zero_bits(Size::Double, d, a),
            O::count_leading_zero_bits_32 => self.count_leading_zero_bits(Size::Word, d, a),
            O::count_trailing_zero_bits_64 => self.count_trailing_zero_bits(Size::Double, d, a),
            O::count_trailing_zero_bits_32 => self.count_trailing_zero_bits(Size::Word, d, a),
            O::sign_extend_8 => sized!(self, movsx_r64_rm8, movsx_r32_rm8, d, a),
            O::sign_extend_16 => sized!(self, movsx_r64_rm16, movsx_r32_rm16, d, a),
            O::zero_extend_16 => self.emit(inst::movzx_r32_rm16(d, a)),
            O::reverse_byte => self.reverse_byte(d, a),

            O::add_32 => self.add(Size::Word, d, a, b),
            O::add_64 => self.add(Size::Double, d, a, b),
            O::sub_32 => self.sub(Size::Word, d, a, b),
            O::sub_64 => self.sub(Size::Double, d, a, b),
            O::and => self.logic(Logic::And, d, a, b),
            O::or => self.logic(Logic::Or, d, a, b),
            O::xor => self.logic(Logic::Xor, d, a, b),
            O::and_inverted => self.and_inverted(d, a, b),
            O::or_inverted => self.or_inverted(d, a, b),
            O::xnor => self.xnor(d, a, b),
            O::set_less_than_unsigned => self.set(Cond::B, d, a, b),
            O::set_less_than_signed => self.set(Cond::L, d, a, b),
            O::cmov_if_zero => self.cmov(Cond::E, d, a, b),
            O::cmov_if_not_zero => self.cmov(Cond::NE, d, a, b),
            O::maximum => self.choose(Cond::G, d, a, b),
            O::maximum_unsigned => self.choose(Cond::A, d, a, b),
            O::minimum => self.choose(Cond::L, d, a, b),
            O::minimum_unsigned => self.choose(Cond::B, d, a, b),

            O::add_imm_32 => self.add_imm(Size::Word, d, a, imm),
            O::add_imm_64 => self.add_imm(Size::Double, d, a, imm),
            O::negate_and_add_imm_32 => self.negate_and_add_imm(Size::Word, d, a, imm),
            O::negate_and_add_imm_64 => self.negate_and_add_imm(Size::Double, d, a, imm),
            O::and_imm => self.logic_imm(Logic::And, d, a, imm),
            O::or_imm => self.logic_imm(Logic::Or, d, a, imm),
            O::xor_imm => self.logic_imm(Logic::Xor, d, a, imm),
            O::set_less_than_unsigned_imm => self.set_imm(Cond::B, d, a, imm),
            O::set_less_than_signed_imm => self.set_imm(Cond::L, d, a, imm),
            O::set_greater_than_unsigned_imm => self.set_imm(Cond::A, d, a, imm),
            O::set_greater_than_signed_imm => self.set_imm(Cond::G, d, a, imm),
            O::cmov_if_zero_imm => self.cmov_imm(Cond::E, d, imm, a),
            O::cmov_if_not_zero_imm => self.cmov_imm(Cond::NE, d, imm, a),

            O::shift_logical_left_imm_32 => self.shift_imm(Shift::Left, Size::Word, d, a, imm),
            O::shift_logical_left_imm_64 => self.shift_imm(Shift::Left, Size::Double, d, a, imm),
            O::shift_logical_right_imm_32 => self.shift_imm(Shift::Right, Size::Word, d, a, imm),
            O::shift_logical_right_imm_64 => self.shift_imm(Shift::Right, Size::Double, d, a, imm),
            O::shift_arithmetic_right_imm_32 => self.shift_imm(Shift::Arithmetic, Size::Word, d, a, imm),
            O::shift_arithmetic_right_imm_64 => self.shift_imm(Shift::Arithmetic, Size::Double, d, a, imm),
            O::rotate_right_imm_32 => self.shift_imm(Shift::RotateRight, Size::Word, d, a, imm),
            O::rotate_right_imm_64 => self.shift_imm(Shift::RotateRight, Size::Double, d, a, imm),
            O::shift_logical_left_imm_alt_32 => self.shift_alt(Shift::Left, Size::Word, d, a, imm),
            O::shift_logical_left_imm_alt_64 => self.shift_alt(Shift::Left, Size::Double, d, a, imm),
            O::shift_logical_right_imm_alt_32 => self.shift_alt(Shift::Right, Size::Word, d, a, imm),
            O::shift_logical_right_imm_alt_64 => self.shift_alt(Shift::Right, Size::Double, d, a, imm),
            O::shift_arithmetic_right_imm_alt_32 => self.shift_alt(Shift::Arithmetic, Size::Word, d, a, imm),
            O::shift_arithmetic_right_imm_alt_64 => self.shift_alt(Shift::Arithmetic, Size::Double, d, a, imm),
            O::rotate_right_imm_alt_32 => self.shift_alt(Shift::RotateRight, Size::Word, d, a, imm),
            O::rotate_right_imm_alt_64 => self.shift_alt(Shift::RotateRight, Size::Double, d, a, imm),
            O::shift_logical_left_32 => self.shift(Shift::Left, Size::Word, d, a, b),
            O::shift_logical_left_64 => self.shift(Shift::Left, Size::Double, d, a, b),
            O::shift_logical_right_32 => self.shift(Shift::Right, Size::Word, d, a, b),
            O::shift_logical_right_64 => self.shift(Shift::Right, Size::Double, d, a, b),
            O::shift_arithmetic_right_32 => self.shift(Shift::Arithmetic, Size::Word, d, a, b),
            O::shift_arithmetic_right_64 => self.shift(Shift::Arithmetic, Size::Double, d, a, b),
            O::rotate_left_32 => self.shift(Shift::RotateLeft, Size::Word, d, a, b),
            O::rotate_left_64 => self.shift(Shift::RotateLeft, Size::Double, d, a, b),
            O::rotate_right_32 => self.shift(Shift::RotateRight, Size::Word, d, a, b),
            O::rotate_right_64 => self.shift(Shift::RotateRight, Size::Double, d, a, b),

            O::mul_32 => self.mul(Size::Word, d, a, b),
            O::mul_64 => self.mul(Size::Double, d, a, b),
            O::mul_imm_32 => self.mul_imm(Size::Word, d, a, imm),
            O::mul_imm_64 => self.mul_imm(Size::Double, d, a, imm),
            O::mul_upper_signed_signed => self.mul_upper_signed_signed(d, a, b),
            O::mul_upper_unsigned_unsigned => self.mul_upper_unsigned_unsigned(d, a, b),
            O::mul_upper_signed_unsigned => self.mul_upper_signed_unsigned(d, a, b),
            O::div_unsigned_32 => self.div(Part::Quotient, Sign::Unsigned, Size::Word, d, a, b),
            O::div_unsigned_64 => self.div(Part::Quotient, Sign::Unsigned, Size::Double, d, a, b),
            O::div_signed_32 => self.div(Part::Quotient, Sign::Signed, Size::Word, d, a, b),
            O::div_signed_64 => self.div(Part::Quotient, Sign::Signed, Size::Double, d, a, b),
            O::rem_unsigned_32 => self.div(Part::Remainder, Sign::Unsigned, Size::Word, d, a, b),
            O::rem_unsigned_64 => self.div(Part::Remainder, Sign::Unsigned, Size::Double, d, a, b),
            O::rem_signed_32 => self.div(Part::Remainder, Sign::Signed, Size::Word, d, a, b),
            O::rem_signed_64 => self.div(Part::Remainder, Sign::Signed, Size::Double, d, a, b),
        }
    }

    /// Frees [`COUNT`], whatever it holds, for code that does not stop.
    fn borrow_count(&mut self) {
        if self.gas == Gas::Register {
            self.emit(inst::push_r64(COUNT));
        }
    }

    fn give_back_count(&mut self) {
        if self.gas == Gas::Register {
            self.emit(inst::pop_r64(COUNT));
        }
    }

    /// Sign-extends a 32-bit result where registers are wider.
    fn extend(&mut self, size: Size, d: Reg) {
        if self.wide && size == Size::Word {
            self.emit(inst::movsxd_r64_rm32(d, d));
        }
    }

    /// Copies a register as far as an operation of this size reads it.
    fn copy(&mut self, size: Size, d: Reg, a: Reg) {
        if d != a {
            match size {
                Size::Double => self.emit(inst::mov_rm64_r64(d, a)),
                Size::Word => self.emit(inst::mov_rm32_r32(d, a)),
            }
        }
    }

    /// The size of whole registers.
    fn full(&self) -> Size {
        if self.wide { Size::Double } else { Size::Word }
    }
}
