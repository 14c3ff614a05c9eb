//! Compressed instructions: each row expands a 16-bit encoding to the instruction it stands for.
//!
//! Within a quadrant the first row that matches decides, so that the reserved and special encodings stand before the general
//! ones. The numbers in a layout are those of the manual's tables (chapter C): `imm[5|4:2|7:6]`.

use crate::format::{Operands, place};
use crate::instruction::Meaning;
use crate::ops::{Condition, LoadKind, RegImmOp, RegRegOp, StoreKind};
use crate::{DecodeErrorKind, Instruction, Reg, Xlen};
use pvm_num::casts;

/// Which widths a row is for.
#[derive(Clone, Copy)]
enum On {
    Rv32,
    Rv64,
    Both,
}

/// Where operands lie. `rd'` and the like are three bits wide and name s0 to a5.
#[derive(Clone, Copy)]
enum Layout {
    /// No operands.
    Bare,
    /// rd' = sp + imm[5:4|9:6|2|3].
    AddSp,
    /// rd', imm[5:3|2|6] (rs1').
    LoadWord,
    /// rd', imm[5:3|7:6] (rs1').
    LoadDouble,
    /// rs2', imm[5:3|2|6] (rs1').
    StoreWord,
    /// rs2', imm[5:3|7:6] (rs1').
    StoreDouble,
    /// rd = rs1, imm[5|4:0].
    Imm,
    /// rd, imm[5|4:0], rs1 = x0.
    LoadImm,
    /// sp = sp + imm[9|4|6|8:7|5].
    AdjustSp,
    /// rd, imm[17|16:12].
    Upper,
    /// rd' = rs1', imm[5|4:0].
    ImmShort,
    /// rd' = rs1', amount[5|4:0].
    ShiftShort,
    /// rd = rs1, amount[5|4:0].
    Shift,
    /// rd' = rs1', rs2'.
    RegRegShort,
    /// imm[11|4|9:8|10|6|7|3:1|5], rd as given.
    Jump(Reg),
    /// rs1' against x0, imm[8|4:3|7:6|2:1|5].
    Branch,
    /// rd, imm[5|4:2|7:6] (sp).
    LoadWordSp,
    /// rd, imm[5|4:3|8:6] (sp).
    LoadDoubleSp,
    /// rs2, imm[5:2|7:6] (sp).
    StoreWordSp,
    /// rs2, imm[5:3|8:6] (sp).
    StoreDoubleSp,
    /// rs1, rd as given.
    JumpReg(Reg),
    /// rd, rs2, rs1 = x0.
    Move,
    /// rd = rs1, rs2.
    RegReg,
}

/// What a row says about its encodings.
#[derive(Clone, Copy)]
enum Entry {
    Is(Meaning, Layout),
    Not(DecodeErrorKind),
}

use DecodeErrorKind::{FloatingPoint, Reserved, Zcb, Zimop};
use Entry::{Is, Not};
use On::{Both, Rv32, Rv64};

const fn reg_imm(op: RegImmOp, layout: Layout) -> Entry {
    Is(Meaning::RegImm(op), layout)
}

const fn reg_reg(op: RegRegOp) -> Entry {
    Is(Meaning::RegReg(op), Layout::RegRegShort)
}

#[rustfmt::skip]
const ROWS: &[(u16, u16, On, Entry)] = &[
    // Quadrant 0
    (0xffff, 0x0000, Both, Is(Meaning::Unimp, Layout::Bare)),
    (0xffe3, 0x0000, Both, Not(Reserved)),                                             // c.addi4spn with 0
    (0xe003, 0x0000, Both, reg_imm(RegImmOp::Addi, Layout::AddSp)),                    // c.addi4spn
    (0xe003, 0x2000, Both, Not(FloatingPoint)),                                        // c.fld
    (0xe003, 0x4000, Both, Is(Meaning::Load(LoadKind::I32), Layout::LoadWord)),        // c.lw
    (0xe003, 0x6000, Rv32, Not(FloatingPoint)),                                        // c.flw
    (0xe003, 0x6000, Rv64, Is(Meaning::Load(LoadKind::U64), Layout::LoadDouble)),      // c.ld
    (0xf003, 0x8000, Both, Not(Zcb)),                                                  // c.lbu, c.lhu, c.lh, c.sb, c.sh
    (0xe003, 0xa000, Both, Not(FloatingPoint)),                                        // c.fsd
    (0xe003, 0xc000, Both, Is(Meaning::Store(StoreKind::U32), Layout::StoreWord)),     // c.sw
    (0xe003, 0xe000, Rv32, Not(FloatingPoint)),                                        // c.fsw
    (0xe003, 0xe000, Rv64, Is(Meaning::Store(StoreKind::U64), Layout::StoreDouble)),   // c.sd
    // Quadrant 1
    (0xe003, 0x0001, Both, reg_imm(RegImmOp::Addi, Layout::Imm)),                      // c.nop, c.addi
    (0xe003, 0x2001, Rv32, Is(Meaning::Jal, Layout::Jump(Reg::ra))),                   // c.jal
    (0xef83, 0x2001, Rv64, Not(Reserved)),                                             // c.addiw with x0
    (0xe003, 0x2001, Rv64, reg_imm(RegImmOp::AddiW, Layout::Imm)),                     // c.addiw
    (0xe003, 0x4001, Both, reg_imm(RegImmOp::Addi, Layout::LoadImm)),                  // c.li
    (0xf8ff, 0x6081, Both, Not(Zimop)),                                                // c.mop
    (0xf07f, 0x6001, Both, Not(Reserved)),                                             // c.addi16sp, c.lui with 0
    (0xef83, 0x6101, Both, reg_imm(RegImmOp::Addi, Layout::AdjustSp)),                 // c.addi16sp
    (0xe003, 0x6001, Both, Is(Meaning::Lui, Layout::Upper)),                           // c.lui
    (0xec03, 0x8001, Both, reg_imm(RegImmOp::Srli, Layout::ShiftShort)),               // c.srli
    (0xec03, 0x8401, Both, reg_imm(RegImmOp::Srai, Layout::ShiftShort)),               // c.srai
    (0xec03, 0x8801, Both, reg_imm(RegImmOp::Andi, Layout::ImmShort)),                 // c.andi
    (0xfc63, 0x8c01, Both, reg_reg(RegRegOp::Sub)),                                    // c.sub
    (0xfc63, 0x8c21, Both, reg_reg(RegRegOp::Xor)),                                    // c.xor
    (0xfc63, 0x8c41, Both, reg_reg(RegRegOp::Or)),                                     // c.or
    (0xfc63, 0x8c61, Both, reg_reg(RegRegOp::And)),                                    // c.and
    (0xfc63, 0x9c01, Rv64, reg_reg(RegRegOp::SubW)),                                   // c.subw
    (0xfc63, 0x9c21, Rv64, reg_reg(RegRegOp::AddW)),                                   // c.addw
    (0xfc63, 0x9c41, Both, Not(Zcb)),                                                  // c.mul
    (0xfc73, 0x9c61, Both, Not(Zcb)),                                                  // c.zext.b, c.sext.b, c.zext.h, c.sext.h
    (0xfc7b, 0x9c71, Both, Not(Zcb)),                                                  // c.zext.w, c.not
    (0xe003, 0xa001, Both, Is(Meaning::Jal, Layout::Jump(Reg::zero))),                 // c.j
    (0xe003, 0xc001, Both, Is(Meaning::Branch(Condition::Equal), Layout::Branch)),     // c.beqz
    (0xe003, 0xe001, Both, Is(Meaning::Branch(Condition::NotEqual), Layout::Branch)),  // c.bnez
    // Quadrant 2
    (0xe003, 0x0002, Both, reg_imm(RegImmOp::Slli, Layout::Shift)),                    // c.slli
    (0xe003, 0x2002, Both, Not(FloatingPoint)),                                        // c.fldsp
    (0xef83, 0x4002, Both, Not(Reserved)),                                             // c.lwsp to x0
    (0xe003, 0x4002, Both, Is(Meaning::Load(LoadKind::I32), Layout::LoadWordSp)),      // c.lwsp
    (0xe003, 0x6002, Rv32, Not(FloatingPoint)),                                        // c.flwsp
    (0xef83, 0x6002, Rv64, Not(Reserved)),                                             // c.ldsp to x0
    (0xe003, 0x6002, Rv64, Is(Meaning::Load(LoadKind::U64), Layout::LoadDoubleSp)),    // c.ldsp
    (0xffff, 0x8002, Both, Not(Reserved)),                                             // c.jr x0
    (0xf07f, 0x8002, Both, Is(Meaning::Jalr, Layout::JumpReg(Reg::zero))),             // c.jr
    (0xf003, 0x8002, Both, Is(Meaning::RegReg(RegRegOp::Add), Layout::Move)),          // c.mv
    (0xffff, 0x9002, Both, Is(Meaning::Ebreak, Layout::Bare)),                         // c.ebreak
    (0xf07f, 0x9002, Both, Is(Meaning::Jalr, Layout::JumpReg(Reg::ra))),               // c.jalr
    (0xf003, 0x9002, Both, Is(Meaning::RegReg(RegRegOp::Add), Layout::RegReg)),        // c.add
    (0xe003, 0xa002, Both, Not(FloatingPoint)),                                        // c.fsdsp
    (0xe003, 0xc002, Both, Is(Meaning::Store(StoreKind::U32), Layout::StoreWordSp)),   // c.swsp
    (0xe003, 0xe002, Rv32, Not(FloatingPoint)),                                        // c.fswsp
    (0xe003, 0xe002, Rv64, Is(Meaning::Store(StoreKind::U64), Layout::StoreDoubleSp)), // c.sdsp
];

const _: () = {
    let mut index = 0;
    while index < ROWS.len() {
        assert!(ROWS[index].1 & !ROWS[index].0 == 0, "a value has bits outside its mask");
        index += 1;
    }
};

/// The instruction that `half` stands for.
///
/// # Errors
/// `Reserved` for encodings that the width does not define, else the extension that defines them.
pub(crate) fn expand(half: u16, xlen: Xlen) -> Result<Instruction, DecodeErrorKind> {
    let row = ROWS.iter().find(|(mask, value, on, _)| {
        let has_row = match on {
            Both => true,
            Rv32 => xlen == Xlen::Rv32,
            Rv64 => xlen == Xlen::Rv64,
        };
        has_row && half & mask == *value
    });
    match row {
        Some((_, _, _, Is(meaning, layout))) => {
            let operands = extract(*layout, u32::from(half), xlen).ok_or(Reserved)?;
            Ok(Instruction::from_parts(*meaning, operands))
        }
        Some((_, _, _, Not(kind))) => Err(*kind),
        None => Err(Reserved),
    }
}

/// The operands in `half`, or none if one is reserved: a shift by the register width or more.
fn extract(layout: Layout, half: u32, xlen: Xlen) -> Option<Operands> {
    let long_1 = Reg::from_field(half >> 7);
    let long_2 = Reg::from_field(half >> 2);
    let short_1 = Reg::from_field(8 | place(half, 7, 3, 0));
    let short_2 = Reg::from_field(8 | place(half, 2, 3, 0));
    let unsigned_6 = place(half, 12, 1, 5) | place(half, 2, 5, 0);
    let signed_6 = sign_extend(unsigned_6, 6);
    let none = Operands::default();
    Some(match layout {
        Layout::Bare => none,
        Layout::AddSp => {
            let imm = place(half, 11, 2, 4) | place(half, 7, 4, 6) | place(half, 6, 1, 2) | place(half, 5, 1, 3);
            Operands { rd: short_2, rs1: Reg::sp, imm: casts::signed_32(imm), ..none }
        }
        Layout::LoadWord => Operands { rd: short_2, rs1: short_1, imm: word_offset(half), ..none },
        Layout::LoadDouble => Operands { rd: short_2, rs1: short_1, imm: double_offset(half), ..none },
        Layout::StoreWord => Operands { rs2: short_2, rs1: short_1, imm: word_offset(half), ..none },
        Layout::StoreDouble => Operands { rs2: short_2, rs1: short_1, imm: double_offset(half), ..none },
        Layout::Imm => Operands { rd: long_1, rs1: long_1, imm: signed_6, ..none },
        Layout::LoadImm => Operands { rd: long_1, imm: signed_6, ..none },
        Layout::AdjustSp => {
            let low = place(half, 6, 1, 4) | place(half, 2, 1, 5) | place(half, 5, 1, 6) | place(half, 3, 2, 7);
            let imm = sign_extend(low | place(half, 12, 1, 9), 10);
            Operands { rd: Reg::sp, rs1: Reg::sp, imm, ..none }
        }
        Layout::Upper => Operands { rd: long_1, imm: signed_6 << 12, ..none },
        Layout::ImmShort => Operands { rd: short_1, rs1: short_1, imm: signed_6, ..none },
        Layout::ShiftShort | Layout::Shift if unsigned_6 >= xlen.bits() => return None,
        Layout::ShiftShort => Operands { rd: short_1, rs1: short_1, imm: casts::signed_32(unsigned_6), ..none },
        Layout::Shift => Operands { rd: long_1, rs1: long_1, imm: casts::signed_32(unsigned_6), ..none },
        Layout::RegRegShort => Operands { rd: short_1, rs1: short_1, rs2: short_2, ..none },
        Layout::Jump(rd) => {
            let low = place(half, 3, 3, 1) | place(half, 11, 1, 4) | place(half, 2, 1, 5) | place(half, 7, 1, 6);
            let high = place(half, 6, 1, 7) | place(half, 9, 2, 8) | place(half, 8, 1, 10) | place(half, 12, 1, 11);
            Operands { rd, imm: sign_extend(low | high, 12), ..none }
        }
        Layout::Branch => {
            let low = place(half, 3, 2, 1) | place(half, 10, 2, 3) | place(half, 2, 1, 5);
            let imm = sign_extend(low | place(half, 5, 2, 6) | place(half, 12, 1, 8), 9);
            Operands { rs1: short_1, imm, ..none }
        }
        Layout::LoadWordSp => {
            let imm = place(half, 4, 3, 2) | place(half, 12, 1, 5) | place(half, 2, 2, 6);
            Operands { rd: long_1, rs1: Reg::sp, imm: casts::signed_32(imm), ..none }
        }
        Layout::LoadDoubleSp => {
            let imm = place(half, 5, 2, 3) | place(half, 12, 1, 5) | place(half, 2, 3, 6);
            Operands { rd: long_1, rs1: Reg::sp, imm: casts::signed_32(imm), ..none }
        }
        Layout::StoreWordSp => {
            let imm = place(half, 9, 4, 2) | place(half, 7, 2, 6);
            Operands { rs2: long_2, rs1: Reg::sp, imm: casts::signed_32(imm), ..none }
        }
        Layout::StoreDoubleSp => {
            let imm = place(half, 10, 3, 3) | place(half, 7, 3, 6);
            Operands { rs2: long_2, rs1: Reg::sp, imm: casts::signed_32(imm), ..none }
        }
        Layout::JumpReg(rd) => Operands { rd, rs1: long_1, ..none },
        Layout::Move => Operands { rd: long_1, rs2: long_2, ..none },
        Layout::RegReg => Operands { rd: long_1, rs1: long_1, rs2: long_2, ..none },
    })
}

/// imm[5:3|2|6]
fn word_offset(half: u32) -> i32 {
    casts::signed_32(place(half, 10, 3, 3) | place(half, 6, 1, 2) | place(half, 5, 1, 6))
}

/// imm[5:3|7:6]
fn double_offset(half: u32) -> i32 {
    casts::signed_32(place(half, 10, 3, 3) | place(half, 5, 2, 6))
}

/// Repeats the highest of the low `bits` bits.
const fn sign_extend(value: u32, bits: u32) -> i32 {
    let unused = 32 - bits;
    casts::signed_32(value << unused) >> unused
}
