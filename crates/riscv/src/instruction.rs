//! The instruction as a value, and how it splits into a meaning (what the table maps) and operands (what a format places).

use crate::Reg;
use crate::format::Operands;
use crate::ops::{
    AmoOp, AmoWidth, Condition, CsrOp, CsrSource, FenceSets, LoadKind, MoveCondition, RegImmOp, RegRegOp, StoreKind,
    UnaryOp,
};
use pvm_num::casts;

/// One instruction. Offsets and immediates are in bytes and sign-extended; jump and branch offsets count from the start of
/// the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the fields are the manual's operands")]
pub enum Instruction {
    /// rd = imm. The immediate is the whole value: its low 12 bits are zero.
    Lui { rd: Reg, imm: i32 },
    /// rd = address of this instruction + imm. The low 12 bits of the immediate are zero.
    Auipc { rd: Reg, imm: i32 },
    /// rd = address of the next instruction; jump by offset.
    Jal { rd: Reg, offset: i32 },
    /// rd = address of the next instruction; jump to rs1 + offset with bit 0 cleared.
    Jalr { rd: Reg, rs1: Reg, offset: i32 },
    /// Jump by offset if the condition holds.
    Branch { cond: Condition, rs1: Reg, rs2: Reg, offset: i32 },
    /// rd = memory at base + offset.
    Load { kind: LoadKind, rd: Reg, base: Reg, offset: i32 },
    /// Memory at base + offset = src.
    Store { kind: StoreKind, src: Reg, base: Reg, offset: i32 },
    /// A register and an immediate; shift amounts are immediates too.
    RegImm { op: RegImmOp, rd: Reg, rs1: Reg, imm: i32 },
    /// Two registers.
    RegReg { op: RegRegOp, rd: Reg, rs1: Reg, rs2: Reg },
    /// One register.
    Unary { op: UnaryOp, rd: Reg, rs1: Reg },
    /// `lr`: rd = memory at addr, which is reserved.
    LoadReserved { width: AmoWidth, rd: Reg, addr: Reg, aq: bool, rl: bool },
    /// `sc`: memory at addr = src if still reserved; rd = 0 if it was, else not 0.
    StoreConditional { width: AmoWidth, rd: Reg, addr: Reg, src: Reg, aq: bool, rl: bool },
    /// rd = memory at addr, which changes as [`AmoOp`] says.
    Amo { op: AmoOp, width: AmoWidth, rd: Reg, addr: Reg, src: Reg, aq: bool, rl: bool },
    /// Orders memory accesses.
    Fence { sets: FenceSets },
    /// Orders stores before instruction fetches.
    FenceI,
    /// Calls the environment.
    Ecall,
    /// Calls the debugger.
    Ebreak,
    /// Never valid: the word 0xc0001073 and the compressed 0x0000.
    Unimp,
    /// XTheadCondMov: rd = src if the test register is as `cond` says.
    CondMov { cond: MoveCondition, rd: Reg, src: Reg, test: Reg },
    /// MIPS: rd = if_true if cond is not zero, else if_false.
    MipsCmov { rd: Reg, cond: Reg, if_true: Reg, if_false: Reg },
    /// Access to a control and status register.
    Csr { op: CsrOp, rd: Reg, csr: u16, source: CsrSource },
    /// Opcode 0x0b, R format, whatever it means.
    Custom0 { funct3: u8, funct7: u8, rd: Reg, rs1: Reg, rs2: Reg },
}

/// What the table maps encodings to: an instruction without its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    Lui,
    Auipc,
    Jal,
    Jalr,
    Branch(Condition),
    Load(LoadKind),
    Store(StoreKind),
    RegImm(RegImmOp),
    RegReg(RegRegOp),
    Unary(UnaryOp),
    LoadReserved(AmoWidth),
    StoreConditional(AmoWidth),
    Amo(AmoOp, AmoWidth),
    Fence,
    FenceI,
    Ecall,
    Ebreak,
    Unimp,
    CondMov(MoveCondition),
    MipsCmov,
    Csr(CsrOp),
    CsrImm(CsrOp),
    Custom0,
}

impl Instruction {
    /// Puts an instruction together. Operands that the meaning does not have are ignored.
    pub(crate) fn from_parts(meaning: Meaning, operands: Operands) -> Instruction {
        let Operands { rd, rs1, rs2, rs3, imm, aq, rl } = operands;
        match meaning {
            Meaning::Lui => Instruction::Lui { rd, imm },
            Meaning::Auipc => Instruction::Auipc { rd, imm },
            Meaning::Jal => Instruction::Jal { rd, offset: imm },
            Meaning::Jalr => Instruction::Jalr { rd, rs1, offset: imm },
            Meaning::Branch(cond) => Instruction::Branch { cond, rs1, rs2, offset: imm },
            Meaning::Load(kind) => Instruction::Load { kind, rd, base: rs1, offset: imm },
            Meaning::Store(kind) => Instruction::Store { kind, src: rs2, base: rs1, offset: imm },
            Meaning::RegImm(op) => Instruction::RegImm { op, rd, rs1, imm },
            Meaning::RegReg(op) => Instruction::RegReg { op, rd, rs1, rs2 },
            Meaning::Unary(op) => Instruction::Unary { op, rd, rs1 },
            Meaning::LoadReserved(width) => Instruction::LoadReserved { width, rd, addr: rs1, aq, rl },
            Meaning::StoreConditional(width) => {
                Instruction::StoreConditional { width, rd, addr: rs1, src: rs2, aq, rl }
            }
            Meaning::Amo(op, width) => Instruction::Amo { op, width, rd, addr: rs1, src: rs2, aq, rl },
            Meaning::Fence => Instruction::Fence { sets: FenceSets(low_12(imm)) },
            Meaning::FenceI => Instruction::FenceI,
            Meaning::Ecall => Instruction::Ecall,
            Meaning::Ebreak => Instruction::Ebreak,
            Meaning::Unimp => Instruction::Unimp,
            Meaning::CondMov(cond) => Instruction::CondMov { cond, rd, src: rs1, test: rs2 },
            Meaning::MipsCmov => Instruction::MipsCmov { rd, cond: rs2, if_true: rs1, if_false: rs3 },
            Meaning::Csr(op) => Instruction::Csr { op, rd, csr: low_12(imm), source: CsrSource::Reg(rs1) },
            Meaning::CsrImm(op) => Instruction::Csr { op, rd, csr: low_12(imm), source: CsrSource::Imm(rs1.number()) },
            Meaning::Custom0 => {
                let fields = low_12(imm);
                let [funct3, funct7] = [fields & 7, fields >> 3].map(|field| casts::low_u8(u64::from(field)));
                Instruction::Custom0 { funct3, funct7, rd, rs1, rs2 }
            }
        }
    }

    /// Takes the instruction apart. Operands that it does not have are zero.
    pub(crate) fn parts(&self) -> (Meaning, Operands) {
        let none = Operands::default();
        match *self {
            Instruction::Lui { rd, imm } => (Meaning::Lui, Operands { rd, imm, ..none }),
            Instruction::Auipc { rd, imm } => (Meaning::Auipc, Operands { rd, imm, ..none }),
            Instruction::Jal { rd, offset } => (Meaning::Jal, Operands { rd, imm: offset, ..none }),
            Instruction::Jalr { rd, rs1, offset } => (Meaning::Jalr, Operands { rd, rs1, imm: offset, ..none }),
            Instruction::Branch { cond, rs1, rs2, offset } => {
                (Meaning::Branch(cond), Operands { rs1, rs2, imm: offset, ..none })
            }
            Instruction::Load { kind, rd, base, offset } => {
                (Meaning::Load(kind), Operands { rd, rs1: base, imm: offset, ..none })
            }
            Instruction::Store { kind, src, base, offset } => {
                (Meaning::Store(kind), Operands { rs1: base, rs2: src, imm: offset, ..none })
            }
            Instruction::RegImm { op, rd, rs1, imm } => (Meaning::RegImm(op), Operands { rd, rs1, imm, ..none }),
            Instruction::RegReg { op, rd, rs1, rs2 } => (Meaning::RegReg(op), Operands { rd, rs1, rs2, ..none }),
            Instruction::Unary { op, rd, rs1 } => (Meaning::Unary(op), Operands { rd, rs1, ..none }),
            Instruction::LoadReserved { width, rd, addr, aq, rl } => {
                (Meaning::LoadReserved(width), Operands { rd, rs1: addr, aq, rl, ..none })
            }
            Instruction::StoreConditional { width, rd, addr, src, aq, rl } => {
                (Meaning::StoreConditional(width), Operands { rd, rs1: addr, rs2: src, aq, rl, ..none })
            }
            Instruction::Amo { op, width, rd, addr, src, aq, rl } => {
                (Meaning::Amo(op, width), Operands { rd, rs1: addr, rs2: src, aq, rl, ..none })
            }
            Instruction::Fence { sets } => (Meaning::Fence, Operands { imm: i32::from(sets.0), ..none }),
            Instruction::FenceI => (Meaning::FenceI, none),
            Instruction::Ecall => (Meaning::Ecall, none),
            Instruction::Ebreak => (Meaning::Ebreak, none),
            Instruction::Unimp => (Meaning::Unimp, none),
            Instruction::CondMov { cond, rd, src, test } => {
                (Meaning::CondMov(cond), Operands { rd, rs1: src, rs2: test, ..none })
            }
            Instruction::MipsCmov { rd, cond, if_true, if_false } => {
                (Meaning::MipsCmov, Operands { rd, rs1: if_true, rs2: cond, rs3: if_false, ..none })
            }
            Instruction::Csr { op, rd, csr, source: CsrSource::Reg(rs1) } => {
                (Meaning::Csr(op), Operands { rd, rs1, imm: i32::from(csr), ..none })
            }
            // A source of 32 or more has no field: the impossible register number makes the encoder refuse it.
            Instruction::Csr { op, rd, csr, source: CsrSource::Imm(number) } => {
                let imm = if number < 32 { i32::from(csr) } else { -1 };
                (Meaning::CsrImm(op), Operands { rd, rs1: Reg::from_field(u32::from(number)), imm, ..none })
            }
            Instruction::Custom0 { funct3, funct7, rd, rs1, rs2 } => {
                let imm = if funct3 < 8 { i32::from(funct7) << 3 | i32::from(funct3) } else { -1 };
                (Meaning::Custom0, Operands { rd, rs1, rs2, imm, ..none })
            }
        }
    }
}

fn low_12(imm: i32) -> u16 {
    casts::low_u16(u64::from(casts::unsigned_32(imm) & 0xfff))
}
