//! Formats: where the operands of a 32-bit instruction lie in its word, both directions.
//!
//! ```text
//!      31        25 24   20 19   15 14  12 11      7 6      0
//! R    |  funct7   |  rs2  |  rs1  |funct3|   rd    | opcode |   R4: rs3 in 31..27
//! I    |     imm[11:0]     |  rs1  |funct3|   rd    | opcode |   shifts: amount in 25..20 or 24..20
//! S    | imm[11:5] |  rs2  |  rs1  |funct3|imm[4:0] | opcode |
//! B    |imm[12|10:5]| rs2  |  rs1  |funct3|imm[4:1|11]|opcode|
//! U    |            imm[31:12]            |   rd    | opcode |
//! J    |     imm[20|10:1|11|19:12]        |   rd    | opcode |
//! ```

use crate::{Reg, Xlen};
use pvm_num::casts;

/// The operands of any instruction; those it does not have are zero.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Operands {
    pub(crate) rd: Reg,
    pub(crate) rs1: Reg,
    pub(crate) rs2: Reg,
    pub(crate) rs3: Reg,
    /// Immediate, offset, shift amount, fence sets, register number of a CSR, or `funct7:funct3` of custom-0.
    pub(crate) imm: i32,
    pub(crate) aq: bool,
    pub(crate) rl: bool,
}

/// Where operands lie, and how the assembler writes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// No operands.
    Bare,
    /// `rd, imm[31:12]`
    Upper,
    /// `rd, offset`
    Jump,
    /// `rs1, rs2, offset`
    Branch,
    /// `rd, offset(rs1)`
    Load,
    /// `rs2, offset(rs1)`
    Store,
    /// `rd, rs1, imm`
    Imm,
    /// `rd, rs1, amount` with an amount below the register width
    Shift,
    /// `rd, rs1, amount` with an amount below 32
    ShiftW,
    /// `rd, rs1, rs2`
    Reg3,
    /// `rd, rs1`
    Reg2,
    /// `rd, (rs1)`
    LoadReserved,
    /// `rd, rs2, (rs1)`
    Amo,
    /// `predecessor, successor`
    Fence,
    /// `rd, csr, rs1`
    Csr,
    /// `rd, csr, imm`, the immediate in the place of rs1
    CsrImm,
    /// `rd, rs2, rs1, rs3`
    Reg4,
    /// `funct3, funct7, rd, rs1, rs2`
    Custom,
}

const RD: u32 = 7;
const RS1: u32 = 15;
const RS2: u32 = 20;
const RS3: u32 = 27;

impl Format {
    /// The operands in `word`, or none if one is reserved: a shift by the register width or more.
    pub(crate) fn extract(self, word: u32, xlen: Xlen) -> Option<Operands> {
        let signed = casts::signed_32(word);
        let rd = Reg::from_field(word >> RD);
        let rs1 = Reg::from_field(word >> RS1);
        let rs2 = Reg::from_field(word >> RS2);
        let none = Operands::default();
        Some(match self {
            Format::Bare => none,
            Format::Upper => Operands { rd, imm: signed & !0xfff, ..none },
            Format::Jump => {
                let imm = place(word, 21, 10, 1) | place(word, 20, 1, 11) | place(word, 12, 8, 12);
                Operands { rd, imm: casts::signed_32(imm) | signed >> 31 << 20, ..none }
            }
            Format::Branch => {
                let imm = place(word, 8, 4, 1) | place(word, 25, 6, 5) | place(word, 7, 1, 11);
                Operands { rs1, rs2, imm: casts::signed_32(imm) | signed >> 31 << 12, ..none }
            }
            Format::Store => {
                let imm = casts::signed_32(place(word, 7, 5, 0)) | signed >> 25 << 5;
                Operands { rs1, rs2, imm, ..none }
            }
            Format::Load | Format::Imm => Operands { rd, rs1, imm: signed >> 20, ..none },
            Format::Shift => {
                let amount = place(word, 20, 6, 0);
                if amount >= xlen.bits() {
                    return None;
                }
                Operands { rd, rs1, imm: casts::signed_32(amount), ..none }
            }
            Format::ShiftW => Operands { rd, rs1, imm: casts::signed_32(place(word, 20, 5, 0)), ..none },
            Format::Reg3 => Operands { rd, rs1, rs2, ..none },
            Format::Reg2 => Operands { rd, rs1, ..none },
            Format::LoadReserved => Operands { rd, rs1, aq: bit(word, 26), rl: bit(word, 25), ..none },
            Format::Amo => Operands { rd, rs1, rs2, aq: bit(word, 26), rl: bit(word, 25), ..none },
            Format::Fence => Operands { imm: casts::signed_32(place(word, 20, 12, 0)), ..none },
            Format::Csr | Format::CsrImm => Operands { rd, rs1, imm: casts::signed_32(place(word, 20, 12, 0)), ..none },
            Format::Reg4 => Operands { rd, rs1, rs2, rs3: Reg::from_field(word >> RS3), ..none },
            Format::Custom => {
                let functs = place(word, 12, 3, 0) | place(word, 25, 7, 3);
                Operands { rd, rs1, rs2, imm: casts::signed_32(functs), ..none }
            }
        })
    }

    /// The operands at their places, all other bits zero; none if the immediate does not fit or is misaligned.
    pub(crate) fn insert(self, operands: &Operands, xlen: Xlen) -> Option<u32> {
        let Operands { rs3, imm, aq, rl, .. } = *operands;
        let rd = operands.rd.field() << RD;
        let rs1 = operands.rs1.field() << RS1;
        let rs2 = operands.rs2.field() << RS2;
        let raw = casts::unsigned_32(imm);
        let ordering = u32::from(aq) << 26 | u32::from(rl) << 25;
        Some(match self {
            Format::Bare => 0,
            Format::Upper if imm & 0xfff == 0 => rd | raw,
            Format::Jump if fits_signed(imm, 21) && imm & 1 == 0 => {
                rd | place(raw, 1, 10, 21) | place(raw, 11, 1, 20) | place(raw, 12, 8, 12) | place(raw, 20, 1, 31)
            }
            Format::Branch if fits_signed(imm, 13) && imm & 1 == 0 => {
                let imm = place(raw, 1, 4, 8) | place(raw, 5, 6, 25) | place(raw, 11, 1, 7) | place(raw, 12, 1, 31);
                rs1 | rs2 | imm
            }
            Format::Store if fits_signed(imm, 12) => rs1 | rs2 | place(raw, 0, 5, 7) | place(raw, 5, 7, 25),
            Format::Load | Format::Imm if fits_signed(imm, 12) => rd | rs1 | raw << 20,
            Format::Shift if raw < xlen.bits() => rd | rs1 | raw << 20,
            Format::ShiftW if raw < 32 => rd | rs1 | raw << 20,
            Format::Reg3 => rd | rs1 | rs2,
            Format::Reg2 => rd | rs1,
            Format::LoadReserved => rd | rs1 | ordering,
            Format::Amo => rd | rs1 | rs2 | ordering,
            Format::Fence if raw < 1 << 12 => raw << 20,
            Format::Csr | Format::CsrImm if raw < 1 << 12 => rd | rs1 | raw << 20,
            Format::Reg4 => rd | rs1 | rs2 | rs3.field() << RS3,
            Format::Custom if raw < 1 << 10 => rd | rs1 | rs2 | place(raw, 0, 3, 12) | place(raw, 3, 7, 25),
            _ => return None,
        })
    }
}

/// Moves `count` bits of `word` that start at bit `from` to bit `to`.
pub(crate) const fn place(word: u32, from: u32, count: u32, to: u32) -> u32 {
    ((word >> from) & ((1 << count) - 1)) << to
}

/// Is bit `index` set?
const fn bit(word: u32, index: u32) -> bool {
    word >> index & 1 != 0
}

/// Is `value` the sign extension of its low `bits` bits?
const fn fits_signed(value: i32, bits: u32) -> bool {
    let unused = 32 - bits;
    value << unused >> unused == value
}
