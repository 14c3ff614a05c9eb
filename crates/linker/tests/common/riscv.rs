//! What RISC-V instructions do, written from the manuals (unprivileged ISA 20240411, T-Head and MIPS extensions) and from
//! nothing of the linker's.
#![allow(dead_code, reason = "every test file uses its own part")]

use pvm_num::casts::{low_u8, low_u32, low_u64, sign_extend_32, signed_64, widen_i128, widen_u128};
use pvm_riscv::{
    AmoOp, AmoWidth, Condition, Instruction, LoadKind, MoveCondition, Reg, RegImmOp, RegRegOp, UnaryOp, Xlen,
};

/// Registers of one hart; 32-bit registers are kept zero-extended. The memory is eight bytes at one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Hart {
    pub(crate) xlen: Xlen,
    pub(crate) regs: [u64; 32],
    pub(crate) memory: u128,
    /// Address of the upper eight bytes of the memory.
    pub(crate) address: u64,
}

impl Hart {
    pub(crate) fn get(&self, reg: Reg) -> u64 {
        self.regs[usize::from(reg.number())]
    }

    pub(crate) fn set(&mut self, reg: Reg, value: u64) {
        if reg != Reg::zero {
            self.regs[usize::from(reg.number())] = match self.xlen {
                Xlen::Rv32 => u64::from(low_u32(value)),
                Xlen::Rv64 => value,
            };
        }
    }

    /// The register as a signed number.
    fn signed(&self, value: u64) -> i64 {
        match self.xlen {
            Xlen::Rv32 => signed_64(sign_extend_32(low_u32(value))),
            Xlen::Rv64 => signed_64(value),
        }
    }

    /// One instruction that computes, or that accesses the memory wherever it says it does.
    pub(crate) fn execute(&mut self, instruction: &Instruction) {
        let bits = self.xlen.bits();
        match *instruction {
            Instruction::RegImm { op, rd, rs1, imm } => {
                let value = self.reg_imm(op, self.get(rs1), imm, bits);
                self.set(rd, value);
            }
            Instruction::RegReg { op, rd, rs1, rs2 } => {
                let value = self.reg_reg(op, self.get(rs1), self.get(rs2), bits);
                self.set(rd, value);
            }
            Instruction::Unary { op, rd, rs1 } => {
                let value = unary(op, self.get(rs1), bits);
                self.set(rd, value);
            }
            Instruction::CondMov { cond, rd, src, test } => {
                let wanted = cond == MoveCondition::IfZero;
                if (self.get(test) == 0) == wanted {
                    self.set(rd, self.get(src));
                }
            }
            Instruction::MipsCmov { rd, cond, if_true, if_false } => {
                let chosen = if self.get(cond) != 0 { if_true } else { if_false };
                self.set(rd, self.get(chosen));
            }
            Instruction::Load { kind, rd, base, offset } => {
                let value = self.read(self.shift(base, offset), kind.size());
                let value = match kind {
                    LoadKind::I8 => unary(UnaryOp::SextB, value, bits),
                    LoadKind::I16 => unary(UnaryOp::SextH, value, bits),
                    LoadKind::I32 => sign_extend_32(low_u32(value)),
                    LoadKind::U8 | LoadKind::U16 | LoadKind::U32 | LoadKind::U64 => value,
                };
                self.set(rd, value);
            }
            Instruction::Store { kind, src, base, offset } => {
                self.write(self.shift(base, offset), kind.size(), self.get(src));
            }
            Instruction::LoadReserved { width, rd, addr, .. } => self.set(rd, self.load(addr, width)),
            Instruction::StoreConditional { width, rd, addr, src, .. } => {
                self.store(addr, width, self.get(src));
                self.set(rd, 0);
            }
            Instruction::Amo { op, width, rd, addr, src, .. } => {
                let (old, operand) = (self.load(addr, width), self.get(src));
                let new = amo(op, width, old, operand);
                self.store(addr, width, new);
                self.set(rd, old);
            }
            ref other => panic!("the model has no `{other}`"),
        }
    }

    /// Does a branch go elsewhere?
    pub(crate) fn holds(&self, condition: Condition, rs1: Reg, rs2: Reg) -> bool {
        let (a, b) = (self.get(rs1), self.get(rs2));
        match condition {
            Condition::Equal => a == b,
            Condition::NotEqual => a != b,
            Condition::LessSigned => self.signed(a) < self.signed(b),
            Condition::GreaterOrEqualSigned => self.signed(a) >= self.signed(b),
            Condition::LessUnsigned => a < b,
            Condition::GreaterOrEqualUnsigned => a >= b,
        }
    }

    /// Bits between the start of the memory and what an access reaches.
    fn shift(&self, base: Reg, offset: i32) -> u32 {
        let start = i128::from(self.get(base)) + i128::from(offset) - i128::from(self.address) + 8;
        u32::try_from(start).expect("tests stay within the memory") * 8
    }

    fn read(&self, shift: u32, size: u32) -> u64 {
        let bytes = (self.memory >> shift).to_le_bytes();
        let low = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        low & u64::MAX >> (64 - 8 * size)
    }

    fn write(&mut self, shift: u32, size: u32, value: u64) {
        let mask = u128::from(u64::MAX >> (64 - 8 * size)) << shift;
        self.memory = self.memory & !mask | u128::from(value) << shift & mask;
    }

    fn load(&self, addr: Reg, width: AmoWidth) -> u64 {
        let value = self.read(self.shift(addr, 0), width.size());
        if width == AmoWidth::Word { sign_extend_32(low_u32(value)) } else { value }
    }

    fn store(&mut self, addr: Reg, width: AmoWidth, value: u64) {
        self.write(self.shift(addr, 0), width.size(), value);
    }

    fn reg_imm(&self, op: RegImmOp, a: u64, imm: i32, bits: u32) -> u64 {
        let b = u64::from_le_bytes(i64::from(imm).to_le_bytes());
        let op = match op {
            RegImmOp::Addi => RegRegOp::Add,
            RegImmOp::Slti => RegRegOp::Slt,
            RegImmOp::Sltiu => RegRegOp::Sltu,
            RegImmOp::Xori => RegRegOp::Xor,
            RegImmOp::Ori => RegRegOp::Or,
            RegImmOp::Andi => RegRegOp::And,
            RegImmOp::Slli => RegRegOp::Sll,
            RegImmOp::Srli => RegRegOp::Srl,
            RegImmOp::Srai => RegRegOp::Sra,
            RegImmOp::Rori => RegRegOp::Ror,
            RegImmOp::AddiW => RegRegOp::AddW,
            RegImmOp::SlliW => RegRegOp::SllW,
            RegImmOp::SrliW => RegRegOp::SrlW,
            RegImmOp::SraiW => RegRegOp::SraW,
            RegImmOp::RoriW => RegRegOp::RorW,
            RegImmOp::SlliUw => return u64::from(low_u32(a)) << b,
        };
        self.reg_reg(op, a, b, bits)
    }

    fn reg_reg(&self, op: RegRegOp, a: u64, b: u64, bits: u32) -> u64 {
        let narrow = Hart { xlen: Xlen::Rv32, ..self.clone() };
        let word = |op| sign_extend_32(low_u32(narrow.reg_reg(op, u64::from(low_u32(a)), u64::from(low_u32(b)), 32)));
        // Zero-extended operands of a 32-bit hart; immediates come sign-extended to 64 bits.
        let mask = u64::MAX >> (64 - bits);
        let (a, b) = (a & mask, b & mask);
        let (sa, sb) = (self.signed(a), self.signed(b));
        let amount = low_u32(b) & (bits - 1);
        let unsigned = |value: i64| u64::from_le_bytes(value.to_le_bytes());
        let from = |value: bool| u64::from(value);
        match op {
            RegRegOp::Add => a.wrapping_add(b),
            RegRegOp::Sub => a.wrapping_sub(b),
            RegRegOp::Sll => a << amount,
            RegRegOp::Srl => a >> amount,
            RegRegOp::Sra => unsigned(sa >> amount),
            RegRegOp::Slt => from(sa < sb),
            RegRegOp::Sltu => from(a < b),
            RegRegOp::Xor => a ^ b,
            RegRegOp::Or => a | b,
            RegRegOp::And => a & b,
            RegRegOp::AddW => word(RegRegOp::Add),
            RegRegOp::SubW => word(RegRegOp::Sub),
            RegRegOp::SllW => word(RegRegOp::Sll),
            RegRegOp::SrlW => word(RegRegOp::Srl),
            RegRegOp::SraW => word(RegRegOp::Sra),
            RegRegOp::MulW => word(RegRegOp::Mul),
            RegRegOp::DivW => word(RegRegOp::Div),
            RegRegOp::DivuW => word(RegRegOp::Divu),
            RegRegOp::RemW => word(RegRegOp::Rem),
            RegRegOp::RemuW => word(RegRegOp::Remu),
            RegRegOp::RolW => word(RegRegOp::Rol),
            RegRegOp::RorW => word(RegRegOp::Ror),
            RegRegOp::Mul => a.wrapping_mul(b),
            RegRegOp::Mulh => upper(i128::from(sa) * i128::from(sb), bits),
            RegRegOp::Mulhsu => upper(i128::from(sa) * widen_i128_unsigned(b), bits),
            RegRegOp::Mulhu => low_u64((widen_u128(a) * widen_u128(b)) >> bits),
            RegRegOp::Div if b == 0 => u64::MAX,
            RegRegOp::Div => unsigned(sa.wrapping_div(sb)),
            RegRegOp::Divu => a.checked_div(b).unwrap_or(u64::MAX),
            RegRegOp::Rem if b == 0 => a,
            RegRegOp::Rem => unsigned(sa.wrapping_rem(sb)),
            RegRegOp::Remu => a.checked_rem(b).unwrap_or(a),
            RegRegOp::Sh1add => (a << 1).wrapping_add(b),
            RegRegOp::Sh2add => (a << 2).wrapping_add(b),
            RegRegOp::Sh3add => (a << 3).wrapping_add(b),
            RegRegOp::AddUw => u64::from(low_u32(a)).wrapping_add(b),
            RegRegOp::Sh1addUw => (u64::from(low_u32(a)) << 1).wrapping_add(b),
            RegRegOp::Sh2addUw => (u64::from(low_u32(a)) << 2).wrapping_add(b),
            RegRegOp::Sh3addUw => (u64::from(low_u32(a)) << 3).wrapping_add(b),
            RegRegOp::Andn => a & !b,
            RegRegOp::Orn => a | !b,
            RegRegOp::Xnor => !(a ^ b),
            RegRegOp::Max => unsigned(sa.max(sb)),
            RegRegOp::Maxu => a.max(b),
            RegRegOp::Min => unsigned(sa.min(sb)),
            RegRegOp::Minu => a.min(b),
            RegRegOp::Rol => a << amount | (a >> 1) >> (bits - 1 - amount),
            RegRegOp::Ror => a >> amount | (a << 1) << (bits - 1 - amount),
        }
    }
}

fn widen_i128_unsigned(value: u64) -> i128 {
    i128::from(value)
}

/// The high half of a product of two registers.
fn upper(product: i128, bits: u32) -> u64 {
    let shifted = product >> bits;
    let bytes = shifted.to_le_bytes();
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

fn unary(op: UnaryOp, a: u64, bits: u32) -> u64 {
    let word = low_u32(a);
    let bytes = || a.to_le_bytes().into_iter().take(usize::try_from(bits / 8).unwrap());
    let number = |bytes: Vec<u8>| bytes.into_iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(byte));
    match op {
        UnaryOp::Clz => u64::from(a.leading_zeros() - (64 - bits)),
        UnaryOp::Ctz => u64::from(a.trailing_zeros().min(bits)),
        UnaryOp::Cpop => u64::from(a.count_ones()),
        UnaryOp::ClzW => u64::from(word.leading_zeros()),
        UnaryOp::CtzW => u64::from(word.trailing_zeros()),
        UnaryOp::CpopW => u64::from(word.count_ones()),
        UnaryOp::SextB => u64::from_le_bytes(i64::from(i8::from_le_bytes([low_u8(a)])).to_le_bytes()),
        UnaryOp::SextH => {
            let [low, high, ..] = a.to_le_bytes();
            u64::from_le_bytes(i64::from(i16::from_le_bytes([low, high])).to_le_bytes())
        }
        UnaryOp::ZextH => a & 0xffff,
        UnaryOp::Rev8 => number(bytes().rev().collect()),
        UnaryOp::OrcB => number(bytes().map(|byte| if byte == 0 { 0 } else { 0xff }).collect()),
    }
}

fn amo(op: AmoOp, width: AmoWidth, old: u64, operand: u64) -> u64 {
    let (a, b) = match width {
        AmoWidth::Word => (sign_extend_32(low_u32(old)), sign_extend_32(low_u32(operand))),
        AmoWidth::Double => (old, operand),
    };
    match op {
        AmoOp::Swap => b,
        AmoOp::Add => a.wrapping_add(b),
        AmoOp::Xor => a ^ b,
        AmoOp::And => a & b,
        AmoOp::Or => a | b,
        AmoOp::Min if widen_i128(a) < widen_i128(b) => a,
        AmoOp::Max if widen_i128(a) > widen_i128(b) => a,
        AmoOp::Minu if a < b => a,
        AmoOp::Maxu if a > b => a,
        AmoOp::Min | AmoOp::Max | AmoOp::Minu | AmoOp::Maxu => b,
    }
}
