//! Arithmetic: I, M, Zba, Zbb and the conditional moves.

use super::Lowering;
use pvm_isa::{Instruction as Op, Reg};
use pvm_riscv::{MoveCondition, RegImmOp, RegRegOp, UnaryOp};

/// Constructors of instructions with two sources and with a source and an immediate.
type Binary = fn(Reg, Reg, Reg) -> Op;
type BinaryImm = fn(Reg, Reg, i32) -> Op;

/// All ones in each byte but its highest bit, for `orc.b`.
const LOW_BITS_64: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const LOW_BITS_32: i32 = 0x7f7f_7f7f;

impl Lowering<'_, '_, '_> {
    /// One of two instructions, by width of the registers.
    fn by_width<T>(&self, wide: T, narrow: T) -> T {
        if self.wide { wide } else { narrow }
    }

    fn mv(&mut self, rd: Reg, rs: Reg) {
        self.emit(Op::move_reg(rd, rs));
    }

    fn constant(&mut self, rd: Reg, value: i32) {
        self.emit(Op::load_imm(rd, value));
    }

    fn imm(&mut self, op: BinaryImm, rd: Reg, rs: Reg, imm: i32) {
        self.emit(op(rd, rs, imm));
    }

    /// `rd = rs << amount`.
    fn shift_left(&mut self, rd: Reg, rs: Reg, amount: i32) {
        let op: BinaryImm = self.by_width(Op::shift_logical_left_imm_64, Op::shift_logical_left_imm_32);
        self.imm(op, rd, rs, amount);
    }

    fn add(&mut self, rd: Reg, a: Reg, b: Reg) {
        let op: Binary = self.by_width(Op::add_64, Op::add_32);
        self.emit(op(rd, a, b));
    }

    pub(super) fn reg_imm(&mut self, op: RegImmOp, rd: Reg, rs1: Option<Reg>, imm: i32) {
        let Some(rs1) = rs1 else {
            let value = match op {
                RegImmOp::Addi | RegImmOp::AddiW | RegImmOp::Xori | RegImmOp::Ori => imm,
                RegImmOp::Slti => i32::from(imm > 0),
                RegImmOp::Sltiu => i32::from(imm != 0),
                RegImmOp::Andi
                | RegImmOp::Slli
                | RegImmOp::Srli
                | RegImmOp::Srai
                | RegImmOp::Rori
                | RegImmOp::SlliW
                | RegImmOp::SrliW
                | RegImmOp::SraiW
                | RegImmOp::RoriW
                | RegImmOp::SlliUw => 0,
            };
            return self.constant(rd, value);
        };
        let op: BinaryImm = match op {
            RegImmOp::Addi if imm == 0 => return self.mv(rd, rs1),
            RegImmOp::SlliUw => return self.shift_left_unsigned_word(rd, rs1, imm),
            RegImmOp::Addi => self.by_width(Op::add_imm_64, Op::add_imm_32),
            RegImmOp::Slti => Op::set_less_than_signed_imm,
            RegImmOp::Sltiu => Op::set_less_than_unsigned_imm,
            RegImmOp::Xori => Op::xor_imm,
            RegImmOp::Ori => Op::or_imm,
            RegImmOp::Andi => Op::and_imm,
            RegImmOp::Slli => self.by_width(Op::shift_logical_left_imm_64, Op::shift_logical_left_imm_32),
            RegImmOp::Srli => self.by_width(Op::shift_logical_right_imm_64, Op::shift_logical_right_imm_32),
            RegImmOp::Srai => self.by_width(Op::shift_arithmetic_right_imm_64, Op::shift_arithmetic_right_imm_32),
            RegImmOp::Rori => self.by_width(Op::rotate_right_imm_64, Op::rotate_right_imm_32),
            RegImmOp::AddiW => Op::add_imm_32,
            RegImmOp::SlliW => Op::shift_logical_left_imm_32,
            RegImmOp::SrliW => Op::shift_logical_right_imm_32,
            RegImmOp::SraiW => Op::shift_arithmetic_right_imm_32,
            RegImmOp::RoriW => Op::rotate_right_imm_32,
        };
        self.imm(op, rd, rs1, imm);
    }

    /// `rd = (low 32 bits of rs) << amount`: what is shifted out to the left and not brought back is gone.
    fn shift_left_unsigned_word(&mut self, rd: Reg, rs: Reg, amount: i32) {
        if amount >= 32 {
            return self.shift_left(rd, rs, amount);
        }
        self.shift_left(rd, rs, 32);
        self.imm(Op::shift_logical_right_imm_64, rd, rd, 32 - amount);
    }

    pub(super) fn reg_reg(&mut self, op: RegRegOp, rd: Reg, rs1: Option<Reg>, rs2: Option<Reg>) {
        match (rs1, rs2) {
            (Some(a), Some(b)) => self.two_registers(op, rd, a, b),
            (Some(a), None) => self.right_is_zero(op, rd, a),
            (None, Some(b)) => self.left_is_zero(op, rd, b),
            (None, None) => self.constant(rd, both_zero(op)),
        }
    }

    fn two_registers(&mut self, op: RegRegOp, rd: Reg, a: Reg, b: Reg) {
        let op: Binary = match op {
            RegRegOp::Add => self.by_width(Op::add_64, Op::add_32),
            RegRegOp::Sub => self.by_width(Op::sub_64, Op::sub_32),
            RegRegOp::Sll => self.by_width(Op::shift_logical_left_64, Op::shift_logical_left_32),
            RegRegOp::Srl => self.by_width(Op::shift_logical_right_64, Op::shift_logical_right_32),
            RegRegOp::Sra => self.by_width(Op::shift_arithmetic_right_64, Op::shift_arithmetic_right_32),
            RegRegOp::Slt => Op::set_less_than_signed,
            RegRegOp::Sltu => Op::set_less_than_unsigned,
            RegRegOp::Xor => Op::xor,
            RegRegOp::Or => Op::or,
            RegRegOp::And => Op::and,
            RegRegOp::AddW => Op::add_32,
            RegRegOp::SubW => Op::sub_32,
            RegRegOp::SllW => Op::shift_logical_left_32,
            RegRegOp::SrlW => Op::shift_logical_right_32,
            RegRegOp::SraW => Op::shift_arithmetic_right_32,
            RegRegOp::Mul => self.by_width(Op::mul_64, Op::mul_32),
            RegRegOp::Mulh => Op::mul_upper_signed_signed,
            RegRegOp::Mulhsu => Op::mul_upper_signed_unsigned,
            RegRegOp::Mulhu => Op::mul_upper_unsigned_unsigned,
            RegRegOp::Div => self.by_width(Op::div_signed_64, Op::div_signed_32),
            RegRegOp::Divu => self.by_width(Op::div_unsigned_64, Op::div_unsigned_32),
            RegRegOp::Rem => self.by_width(Op::rem_signed_64, Op::rem_signed_32),
            RegRegOp::Remu => self.by_width(Op::rem_unsigned_64, Op::rem_unsigned_32),
            RegRegOp::MulW => Op::mul_32,
            RegRegOp::DivW => Op::div_signed_32,
            RegRegOp::DivuW => Op::div_unsigned_32,
            RegRegOp::RemW => Op::rem_signed_32,
            RegRegOp::RemuW => Op::rem_unsigned_32,
            RegRegOp::Andn => Op::and_inverted,
            RegRegOp::Orn => Op::or_inverted,
            RegRegOp::Xnor => Op::xnor,
            RegRegOp::Max => Op::maximum,
            RegRegOp::Maxu => Op::maximum_unsigned,
            RegRegOp::Min => Op::minimum,
            RegRegOp::Minu => Op::minimum_unsigned,
            RegRegOp::Rol => self.by_width(Op::rotate_left_64, Op::rotate_left_32),
            RegRegOp::Ror => self.by_width(Op::rotate_right_64, Op::rotate_right_32),
            RegRegOp::RolW => Op::rotate_left_32,
            RegRegOp::RorW => Op::rotate_right_32,
            RegRegOp::Sh1add => return self.shift_add(rd, a, b, 1),
            RegRegOp::Sh2add => return self.shift_add(rd, a, b, 2),
            RegRegOp::Sh3add => return self.shift_add(rd, a, b, 3),
            RegRegOp::AddUw => return self.shift_add_unsigned_word(rd, a, b, 0),
            RegRegOp::Sh1addUw => return self.shift_add_unsigned_word(rd, a, b, 1),
            RegRegOp::Sh2addUw => return self.shift_add_unsigned_word(rd, a, b, 2),
            RegRegOp::Sh3addUw => return self.shift_add_unsigned_word(rd, a, b, 3),
        };
        self.emit(op(rd, a, b));
    }

    /// `rd = (a << amount) + b`.
    fn shift_add(&mut self, rd: Reg, a: Reg, b: Reg, amount: i32) {
        if rd != b {
            self.shift_left(rd, a, amount);
            return self.add(rd, rd, b);
        }
        // Adding twice needs no other register.
        if amount == 1 && a != b {
            self.add(rd, rd, a);
            return self.add(rd, rd, a);
        }
        self.with_temps([rd, a, b].map(Some).as_slice(), |this, [temp]| {
            this.shift_left(temp, a, amount);
            this.add(rd, temp, b);
        });
    }

    /// `rd = ((low 32 bits of a) << amount) + b`.
    fn shift_add_unsigned_word(&mut self, rd: Reg, a: Reg, b: Reg, amount: i32) {
        if rd != b {
            self.shift_left_unsigned_word(rd, a, amount);
            return self.add(rd, rd, b);
        }
        self.with_temps([rd, a, b].map(Some).as_slice(), |this, [temp]| {
            this.shift_left_unsigned_word(temp, a, amount);
            this.add(rd, temp, b);
        });
    }

    /// `rd = a op 0`.
    fn right_is_zero(&mut self, op: RegRegOp, rd: Reg, a: Reg) {
        match op {
            RegRegOp::Add
            | RegRegOp::Sub
            | RegRegOp::Xor
            | RegRegOp::Or
            | RegRegOp::Sll
            | RegRegOp::Srl
            | RegRegOp::Sra
            | RegRegOp::Rol
            | RegRegOp::Ror
            | RegRegOp::Andn
            | RegRegOp::Rem
            | RegRegOp::Remu
            | RegRegOp::Maxu => self.mv(rd, a),
            RegRegOp::And
            | RegRegOp::Mul
            | RegRegOp::Mulh
            | RegRegOp::Mulhsu
            | RegRegOp::Mulhu
            | RegRegOp::MulW
            | RegRegOp::Minu
            | RegRegOp::Sltu => self.constant(rd, 0),
            RegRegOp::Orn | RegRegOp::Div | RegRegOp::Divu | RegRegOp::DivW | RegRegOp::DivuW => {
                self.constant(rd, -1);
            }
            RegRegOp::AddW
            | RegRegOp::SubW
            | RegRegOp::SllW
            | RegRegOp::SrlW
            | RegRegOp::SraW
            | RegRegOp::RolW
            | RegRegOp::RorW
            | RegRegOp::RemW
            | RegRegOp::RemuW => self.imm(Op::add_imm_32, rd, a, 0),
            RegRegOp::Slt => self.imm(Op::set_less_than_signed_imm, rd, a, 0),
            RegRegOp::Xnor => self.imm(Op::xor_imm, rd, a, -1),
            RegRegOp::Max => self.with_zero(Op::maximum, rd, a),
            RegRegOp::Min => self.with_zero(Op::minimum, rd, a),
            RegRegOp::Sh1add => self.shift_left(rd, a, 1),
            RegRegOp::Sh2add => self.shift_left(rd, a, 2),
            RegRegOp::Sh3add => self.shift_left(rd, a, 3),
            RegRegOp::AddUw => self.shift_left_unsigned_word(rd, a, 0),
            RegRegOp::Sh1addUw => self.shift_left_unsigned_word(rd, a, 1),
            RegRegOp::Sh2addUw => self.shift_left_unsigned_word(rd, a, 2),
            RegRegOp::Sh3addUw => self.shift_left_unsigned_word(rd, a, 3),
        }
    }

    /// `rd = 0 op b`.
    fn left_is_zero(&mut self, op: RegRegOp, rd: Reg, b: Reg) {
        match op {
            RegRegOp::Add
            | RegRegOp::Xor
            | RegRegOp::Or
            | RegRegOp::Maxu
            | RegRegOp::Sh1add
            | RegRegOp::Sh2add
            | RegRegOp::Sh3add
            | RegRegOp::AddUw
            | RegRegOp::Sh1addUw
            | RegRegOp::Sh2addUw
            | RegRegOp::Sh3addUw => self.mv(rd, b),
            RegRegOp::Sub => {
                let op: BinaryImm = self.by_width(Op::negate_and_add_imm_64, Op::negate_and_add_imm_32);
                self.imm(op, rd, b, 0);
            }
            RegRegOp::AddW => self.imm(Op::add_imm_32, rd, b, 0),
            RegRegOp::SubW => self.imm(Op::negate_and_add_imm_32, rd, b, 0),
            RegRegOp::Orn | RegRegOp::Xnor => self.imm(Op::xor_imm, rd, b, -1),
            RegRegOp::Slt => self.imm(Op::set_greater_than_signed_imm, rd, b, 0),
            RegRegOp::Sltu => self.imm(Op::set_greater_than_unsigned_imm, rd, b, 0),
            RegRegOp::Max => self.with_zero(Op::maximum, rd, b),
            RegRegOp::Min => self.with_zero(Op::minimum, rd, b),
            RegRegOp::Div | RegRegOp::Divu => self.zero_divided(rd, b),
            RegRegOp::DivW | RegRegOp::DivuW => {
                self.imm(Op::add_imm_32, rd, b, 0);
                self.zero_divided(rd, rd);
            }
            RegRegOp::And
            | RegRegOp::Andn
            | RegRegOp::Minu
            | RegRegOp::Sll
            | RegRegOp::Srl
            | RegRegOp::Sra
            | RegRegOp::Rol
            | RegRegOp::Ror
            | RegRegOp::SllW
            | RegRegOp::SrlW
            | RegRegOp::SraW
            | RegRegOp::RolW
            | RegRegOp::RorW
            | RegRegOp::Mul
            | RegRegOp::Mulh
            | RegRegOp::Mulhsu
            | RegRegOp::Mulhu
            | RegRegOp::MulW
            | RegRegOp::Rem
            | RegRegOp::Remu
            | RegRegOp::RemW
            | RegRegOp::RemuW => self.constant(rd, 0),
        }
    }

    /// `rd = 0 / b`: 0, but all ones if `b` is 0.
    fn zero_divided(&mut self, rd: Reg, b: Reg) {
        self.imm(Op::set_less_than_unsigned_imm, rd, b, 1);
        let negate: BinaryImm = self.by_width(Op::negate_and_add_imm_64, Op::negate_and_add_imm_32);
        self.imm(negate, rd, rd, 0);
    }

    /// `rd = op(a, 0)` for an operation without an immediate form.
    fn with_zero(&mut self, op: Binary, rd: Reg, a: Reg) {
        if rd != a {
            self.constant(rd, 0);
            return self.emit(op(rd, a, rd));
        }
        self.with_temps(&[Some(rd)], |this, [zero]| {
            this.constant(zero, 0);
            this.emit(op(rd, a, zero));
        });
    }

    pub(super) fn unary(&mut self, op: UnaryOp, rd: Reg, rs1: Option<Reg>) {
        let Some(rs1) = rs1 else {
            let bits = self.by_width(64, 32);
            return self.constant(
                rd,
                match op {
                    UnaryOp::Clz | UnaryOp::Ctz => bits,
                    UnaryOp::ClzW | UnaryOp::CtzW => 32,
                    UnaryOp::Cpop
                    | UnaryOp::CpopW
                    | UnaryOp::SextB
                    | UnaryOp::SextH
                    | UnaryOp::ZextH
                    | UnaryOp::Rev8
                    | UnaryOp::OrcB => 0,
                },
            );
        };
        let op: fn(Reg, Reg) -> Op = match op {
            UnaryOp::Clz => self.by_width(Op::count_leading_zero_bits_64, Op::count_leading_zero_bits_32),
            UnaryOp::Ctz => self.by_width(Op::count_trailing_zero_bits_64, Op::count_trailing_zero_bits_32),
            UnaryOp::Cpop => self.by_width(Op::count_set_bits_64, Op::count_set_bits_32),
            UnaryOp::ClzW => Op::count_leading_zero_bits_32,
            UnaryOp::CtzW => Op::count_trailing_zero_bits_32,
            UnaryOp::CpopW => Op::count_set_bits_32,
            UnaryOp::SextB => Op::sign_extend_8,
            UnaryOp::SextH => Op::sign_extend_16,
            UnaryOp::ZextH => Op::zero_extend_16,
            UnaryOp::Rev8 => Op::reverse_byte,
            UnaryOp::OrcB => return self.or_combine_bytes(rd, rs1),
        };
        self.emit(op(rd, rs1));
    }

    /// `orc.b`. In each byte, adding 0x7f to the low seven bits sets the highest bit unless they are all zero, and never
    /// carries into the next byte; with the highest bit of the byte itself or-ed in, that bit tells whether the byte was
    /// zero. Multiplied by 255 it fills the byte.
    fn or_combine_bytes(&mut self, rd: Reg, rs: Reg) {
        if self.wide {
            return self.with_temps(&[Some(rd), Some(rs)], |this, [mask, sum]| {
                this.emit(Op::load_imm64(mask, LOW_BITS_64));
                this.emit(Op::and(sum, rs, mask));
                this.emit(Op::add_64(sum, sum, mask));
                this.emit(Op::or(rd, rs, sum));
                this.emit(Op::and_inverted(rd, rd, mask));
                this.imm(Op::shift_logical_right_imm_64, rd, rd, 7);
                this.imm(Op::mul_imm_64, rd, rd, 255);
            });
        }
        let combine = |this: &mut Self, sum: Reg| {
            this.imm(Op::and_imm, sum, rs, LOW_BITS_32);
            this.imm(Op::add_imm_32, sum, sum, LOW_BITS_32);
            this.emit(Op::or(rd, rs, sum));
            this.imm(Op::and_imm, rd, rd, !LOW_BITS_32);
            this.imm(Op::shift_logical_right_imm_32, rd, rd, 7);
            this.imm(Op::mul_imm_32, rd, rd, 255);
        };
        if rd != rs {
            return combine(self, rd);
        }
        self.with_temps(&[Some(rd)], |this, [sum]| combine(this, sum));
    }

    /// `rd = src` if `test` is as `cond` says.
    pub(super) fn cond_mov(&mut self, cond: MoveCondition, rd: Reg, src: Option<Reg>, test: Option<Reg>) {
        match (cond, src, test) {
            (MoveCondition::IfZero, Some(src), Some(test)) => self.emit(Op::cmov_if_zero(rd, src, test)),
            (MoveCondition::IfZero, None, Some(test)) => self.emit(Op::cmov_if_zero_imm(rd, test, 0)),
            (MoveCondition::IfZero, Some(src), None) => self.mv(rd, src),
            (MoveCondition::IfZero, None, None) => self.constant(rd, 0),
            (MoveCondition::IfNotZero, Some(src), Some(test)) => self.emit(Op::cmov_if_not_zero(rd, src, test)),
            (MoveCondition::IfNotZero, None, Some(test)) => self.emit(Op::cmov_if_not_zero_imm(rd, test, 0)),
            (MoveCondition::IfNotZero, _, None) => {}
        }
    }

    /// `rd = if_true` if `cond` is not zero, else `if_false`.
    pub(super) fn mips_cmov(&mut self, rd: Reg, cond: Option<Reg>, if_true: Option<Reg>, if_false: Option<Reg>) {
        let Some(cond) = cond else {
            return self.move_or_zero(rd, if_false);
        };
        if if_true == Some(rd) {
            // The register has the one value already; the other replaces it.
            return self.cond_mov(MoveCondition::IfZero, rd, if_false, Some(cond));
        }
        if rd != cond {
            if if_false != Some(rd) {
                self.move_or_zero(rd, if_false);
            }
            return self.cond_mov(MoveCondition::IfNotZero, rd, if_true, Some(cond));
        }
        self.with_temps(&[Some(rd), if_true, if_false], |this, [saved]| {
            this.mv(saved, cond);
            this.move_or_zero(rd, if_false);
            this.cond_mov(MoveCondition::IfNotZero, rd, if_true, Some(saved));
        });
    }

    fn move_or_zero(&mut self, rd: Reg, rs: Option<Reg>) {
        match rs {
            Some(rs) => self.mv(rd, rs),
            None => self.constant(rd, 0),
        }
    }
}

/// `0 op 0`.
fn both_zero(op: RegRegOp) -> i32 {
    match op {
        RegRegOp::Orn | RegRegOp::Xnor | RegRegOp::Div | RegRegOp::Divu | RegRegOp::DivW | RegRegOp::DivuW => -1,
        _ => 0,
    }
}
