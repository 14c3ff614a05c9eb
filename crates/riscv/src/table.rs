//! THE table: one row per 32-bit instruction, from which decoder, encoder and text follow.
//!
//! ```text
//! mnemonic  format  mask  [RV32 value, RV64 value]  meaning
//! ```
//!
//! A word is the first row's whose value it has in the bits of the mask; `_` says that the width does not have the
//! instruction. A row that is a special case of another stands before it, which is checked when this crate is compiled, as is
//! that every operation has exactly one row: the map from meanings to rows is a `match` made of the rows. Rows of one major
//! opcode (bits 2 to 6) stand together so that few are compared; `zext.h` has two, one for each width.

use crate::Xlen;
use crate::format::Format;
use crate::instruction::Meaning;
use crate::ops::*;
use pvm_num::casts;

/// One instruction of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) mnemonic: &'static str,
    pub(crate) format: Format,
    pub(crate) meaning: Meaning,
    mask: u32,
    rv32: Option<u32>,
    rv64: Option<u32>,
}

impl Row {
    /// The bits of the mask, where the width has the instruction.
    pub(crate) const fn value(&self, xlen: Xlen) -> Option<u32> {
        match xlen {
            Xlen::Rv32 => self.rv32,
            Xlen::Rv64 => self.rv64,
        }
    }
}

macro_rules! value {
    (_) => {
        None
    };
    ($value:literal) => {
        Some($value)
    };
}

macro_rules! instructions {
    ($($mnemonic:literal $format:ident $mask:literal [$rv32:tt, $rv64:tt] $kind:ident $(($($argument:path),*))?;)*) => {
        const ROWS: &[Row] = &[$(Row {
            mnemonic: $mnemonic,
            format: Format::$format,
            meaning: Meaning::$kind $(($($argument),*))?,
            mask: $mask,
            rv32: value!($rv32),
            rv64: value!($rv64),
        }),*];

        /// The row of a meaning.
        #[deny(unreachable_patterns)]
        pub(crate) fn row_of(meaning: Meaning) -> &'static Row {
            match meaning {
                $(Meaning::$kind $(($($argument),*))? => {
                    const ROW: Row = Row {
                        mnemonic: $mnemonic,
                        format: Format::$format,
                        meaning: Meaning::$kind $(($($argument),*))?,
                        mask: $mask,
                        rv32: value!($rv32),
                        rv64: value!($rv64),
                    };
                    &ROW
                })*
            }
        }
    };
}

instructions! {
    "lb"          Load          0x0000_707f [0x0000_0003, 0x0000_0003] Load(LoadKind::I8);
    "lh"          Load          0x0000_707f [0x0000_1003, 0x0000_1003] Load(LoadKind::I16);
    "lw"          Load          0x0000_707f [0x0000_2003, 0x0000_2003] Load(LoadKind::I32);
    "lbu"         Load          0x0000_707f [0x0000_4003, 0x0000_4003] Load(LoadKind::U8);
    "lhu"         Load          0x0000_707f [0x0000_5003, 0x0000_5003] Load(LoadKind::U16);
    "ld"          Load          0x0000_707f [          _, 0x0000_3003] Load(LoadKind::U64);
    "lwu"         Load          0x0000_707f [          _, 0x0000_6003] Load(LoadKind::U32);
    "th.mveqz"    Reg3          0xfe00_707f [0x4000_100b, 0x4000_100b] CondMov(MoveCondition::IfZero);
    "th.mvnez"    Reg3          0xfe00_707f [0x4200_100b, 0x4200_100b] CondMov(MoveCondition::IfNotZero);
    "mips.ccmov"  Reg4          0x0600_707f [0x0600_300b, 0x0600_300b] MipsCmov;
    ".insn r"     Custom        0x0000_007f [0x0000_000b, 0x0000_000b] Custom0;
    "fence"       Fence         0x0000_707f [0x0000_000f, 0x0000_000f] Fence;
    "fence.i"     Bare          0x0000_707f [0x0000_100f, 0x0000_100f] FenceI;
    "addi"        Imm           0x0000_707f [0x0000_0013, 0x0000_0013] RegImm(RegImmOp::Addi);
    "slti"        Imm           0x0000_707f [0x0000_2013, 0x0000_2013] RegImm(RegImmOp::Slti);
    "sltiu"       Imm           0x0000_707f [0x0000_3013, 0x0000_3013] RegImm(RegImmOp::Sltiu);
    "xori"        Imm           0x0000_707f [0x0000_4013, 0x0000_4013] RegImm(RegImmOp::Xori);
    "ori"         Imm           0x0000_707f [0x0000_6013, 0x0000_6013] RegImm(RegImmOp::Ori);
    "andi"        Imm           0x0000_707f [0x0000_7013, 0x0000_7013] RegImm(RegImmOp::Andi);
    "slli"        Shift         0xfc00_707f [0x0000_1013, 0x0000_1013] RegImm(RegImmOp::Slli);
    "srli"        Shift         0xfc00_707f [0x0000_5013, 0x0000_5013] RegImm(RegImmOp::Srli);
    "srai"        Shift         0xfc00_707f [0x4000_5013, 0x4000_5013] RegImm(RegImmOp::Srai);
    "rori"        Shift         0xfc00_707f [0x6000_5013, 0x6000_5013] RegImm(RegImmOp::Rori);
    "clz"         Reg2          0xfff0_707f [0x6000_1013, 0x6000_1013] Unary(UnaryOp::Clz);
    "ctz"         Reg2          0xfff0_707f [0x6010_1013, 0x6010_1013] Unary(UnaryOp::Ctz);
    "cpop"        Reg2          0xfff0_707f [0x6020_1013, 0x6020_1013] Unary(UnaryOp::Cpop);
    "sext.b"      Reg2          0xfff0_707f [0x6040_1013, 0x6040_1013] Unary(UnaryOp::SextB);
    "sext.h"      Reg2          0xfff0_707f [0x6050_1013, 0x6050_1013] Unary(UnaryOp::SextH);
    "orc.b"       Reg2          0xfff0_707f [0x2870_5013, 0x2870_5013] Unary(UnaryOp::OrcB);
    "rev8"        Reg2          0xfff0_707f [0x6980_5013, 0x6b80_5013] Unary(UnaryOp::Rev8);
    "auipc"       Upper         0x0000_007f [0x0000_0017, 0x0000_0017] Auipc;
    "addiw"       Imm           0x0000_707f [          _, 0x0000_001b] RegImm(RegImmOp::AddiW);
    "slli.uw"     Shift         0xfc00_707f [          _, 0x0800_101b] RegImm(RegImmOp::SlliUw);
    "slliw"       ShiftW        0xfe00_707f [          _, 0x0000_101b] RegImm(RegImmOp::SlliW);
    "srliw"       ShiftW        0xfe00_707f [          _, 0x0000_501b] RegImm(RegImmOp::SrliW);
    "sraiw"       ShiftW        0xfe00_707f [          _, 0x4000_501b] RegImm(RegImmOp::SraiW);
    "roriw"       ShiftW        0xfe00_707f [          _, 0x6000_501b] RegImm(RegImmOp::RoriW);
    "clzw"        Reg2          0xfff0_707f [          _, 0x6000_101b] Unary(UnaryOp::ClzW);
    "ctzw"        Reg2          0xfff0_707f [          _, 0x6010_101b] Unary(UnaryOp::CtzW);
    "cpopw"       Reg2          0xfff0_707f [          _, 0x6020_101b] Unary(UnaryOp::CpopW);
    "sb"          Store         0x0000_707f [0x0000_0023, 0x0000_0023] Store(StoreKind::U8);
    "sh"          Store         0x0000_707f [0x0000_1023, 0x0000_1023] Store(StoreKind::U16);
    "sw"          Store         0x0000_707f [0x0000_2023, 0x0000_2023] Store(StoreKind::U32);
    "sd"          Store         0x0000_707f [          _, 0x0000_3023] Store(StoreKind::U64);
    "lr.w"        LoadReserved  0xf9f0_707f [0x1000_202f, 0x1000_202f] LoadReserved(AmoWidth::Word);
    "sc.w"        Amo           0xf800_707f [0x1800_202f, 0x1800_202f] StoreConditional(AmoWidth::Word);
    "amoswap.w"   Amo           0xf800_707f [0x0800_202f, 0x0800_202f] Amo(AmoOp::Swap, AmoWidth::Word);
    "amoadd.w"    Amo           0xf800_707f [0x0000_202f, 0x0000_202f] Amo(AmoOp::Add, AmoWidth::Word);
    "amoxor.w"    Amo           0xf800_707f [0x2000_202f, 0x2000_202f] Amo(AmoOp::Xor, AmoWidth::Word);
    "amoand.w"    Amo           0xf800_707f [0x6000_202f, 0x6000_202f] Amo(AmoOp::And, AmoWidth::Word);
    "amoor.w"     Amo           0xf800_707f [0x4000_202f, 0x4000_202f] Amo(AmoOp::Or, AmoWidth::Word);
    "amomin.w"    Amo           0xf800_707f [0x8000_202f, 0x8000_202f] Amo(AmoOp::Min, AmoWidth::Word);
    "amomax.w"    Amo           0xf800_707f [0xa000_202f, 0xa000_202f] Amo(AmoOp::Max, AmoWidth::Word);
    "amominu.w"   Amo           0xf800_707f [0xc000_202f, 0xc000_202f] Amo(AmoOp::Minu, AmoWidth::Word);
    "amomaxu.w"   Amo           0xf800_707f [0xe000_202f, 0xe000_202f] Amo(AmoOp::Maxu, AmoWidth::Word);
    "lr.d"        LoadReserved  0xf9f0_707f [          _, 0x1000_302f] LoadReserved(AmoWidth::Double);
    "sc.d"        Amo           0xf800_707f [          _, 0x1800_302f] StoreConditional(AmoWidth::Double);
    "amoswap.d"   Amo           0xf800_707f [          _, 0x0800_302f] Amo(AmoOp::Swap, AmoWidth::Double);
    "amoadd.d"    Amo           0xf800_707f [          _, 0x0000_302f] Amo(AmoOp::Add, AmoWidth::Double);
    "amoxor.d"    Amo           0xf800_707f [          _, 0x2000_302f] Amo(AmoOp::Xor, AmoWidth::Double);
    "amoand.d"    Amo           0xf800_707f [          _, 0x6000_302f] Amo(AmoOp::And, AmoWidth::Double);
    "amoor.d"     Amo           0xf800_707f [          _, 0x4000_302f] Amo(AmoOp::Or, AmoWidth::Double);
    "amomin.d"    Amo           0xf800_707f [          _, 0x8000_302f] Amo(AmoOp::Min, AmoWidth::Double);
    "amomax.d"    Amo           0xf800_707f [          _, 0xa000_302f] Amo(AmoOp::Max, AmoWidth::Double);
    "amominu.d"   Amo           0xf800_707f [          _, 0xc000_302f] Amo(AmoOp::Minu, AmoWidth::Double);
    "amomaxu.d"   Amo           0xf800_707f [          _, 0xe000_302f] Amo(AmoOp::Maxu, AmoWidth::Double);
    "add"         Reg3          0xfe00_707f [0x0000_0033, 0x0000_0033] RegReg(RegRegOp::Add);
    "sub"         Reg3          0xfe00_707f [0x4000_0033, 0x4000_0033] RegReg(RegRegOp::Sub);
    "sll"         Reg3          0xfe00_707f [0x0000_1033, 0x0000_1033] RegReg(RegRegOp::Sll);
    "slt"         Reg3          0xfe00_707f [0x0000_2033, 0x0000_2033] RegReg(RegRegOp::Slt);
    "sltu"        Reg3          0xfe00_707f [0x0000_3033, 0x0000_3033] RegReg(RegRegOp::Sltu);
    "xor"         Reg3          0xfe00_707f [0x0000_4033, 0x0000_4033] RegReg(RegRegOp::Xor);
    "srl"         Reg3          0xfe00_707f [0x0000_5033, 0x0000_5033] RegReg(RegRegOp::Srl);
    "sra"         Reg3          0xfe00_707f [0x4000_5033, 0x4000_5033] RegReg(RegRegOp::Sra);
    "or"          Reg3          0xfe00_707f [0x0000_6033, 0x0000_6033] RegReg(RegRegOp::Or);
    "and"         Reg3          0xfe00_707f [0x0000_7033, 0x0000_7033] RegReg(RegRegOp::And);
    "mul"         Reg3          0xfe00_707f [0x0200_0033, 0x0200_0033] RegReg(RegRegOp::Mul);
    "mulh"        Reg3          0xfe00_707f [0x0200_1033, 0x0200_1033] RegReg(RegRegOp::Mulh);
    "mulhsu"      Reg3          0xfe00_707f [0x0200_2033, 0x0200_2033] RegReg(RegRegOp::Mulhsu);
    "mulhu"       Reg3          0xfe00_707f [0x0200_3033, 0x0200_3033] RegReg(RegRegOp::Mulhu);
    "div"         Reg3          0xfe00_707f [0x0200_4033, 0x0200_4033] RegReg(RegRegOp::Div);
    "divu"        Reg3          0xfe00_707f [0x0200_5033, 0x0200_5033] RegReg(RegRegOp::Divu);
    "rem"         Reg3          0xfe00_707f [0x0200_6033, 0x0200_6033] RegReg(RegRegOp::Rem);
    "remu"        Reg3          0xfe00_707f [0x0200_7033, 0x0200_7033] RegReg(RegRegOp::Remu);
    "sh1add"      Reg3          0xfe00_707f [0x2000_2033, 0x2000_2033] RegReg(RegRegOp::Sh1add);
    "sh2add"      Reg3          0xfe00_707f [0x2000_4033, 0x2000_4033] RegReg(RegRegOp::Sh2add);
    "sh3add"      Reg3          0xfe00_707f [0x2000_6033, 0x2000_6033] RegReg(RegRegOp::Sh3add);
    "andn"        Reg3          0xfe00_707f [0x4000_7033, 0x4000_7033] RegReg(RegRegOp::Andn);
    "orn"         Reg3          0xfe00_707f [0x4000_6033, 0x4000_6033] RegReg(RegRegOp::Orn);
    "xnor"        Reg3          0xfe00_707f [0x4000_4033, 0x4000_4033] RegReg(RegRegOp::Xnor);
    "max"         Reg3          0xfe00_707f [0x0a00_6033, 0x0a00_6033] RegReg(RegRegOp::Max);
    "maxu"        Reg3          0xfe00_707f [0x0a00_7033, 0x0a00_7033] RegReg(RegRegOp::Maxu);
    "min"         Reg3          0xfe00_707f [0x0a00_4033, 0x0a00_4033] RegReg(RegRegOp::Min);
    "minu"        Reg3          0xfe00_707f [0x0a00_5033, 0x0a00_5033] RegReg(RegRegOp::Minu);
    "rol"         Reg3          0xfe00_707f [0x6000_1033, 0x6000_1033] RegReg(RegRegOp::Rol);
    "ror"         Reg3          0xfe00_707f [0x6000_5033, 0x6000_5033] RegReg(RegRegOp::Ror);
    "zext.h"      Reg2          0xfff0_707f [0x0800_4033, 0x0800_403b] Unary(UnaryOp::ZextH);
    "lui"         Upper         0x0000_007f [0x0000_0037, 0x0000_0037] Lui;
    "addw"        Reg3          0xfe00_707f [          _, 0x0000_003b] RegReg(RegRegOp::AddW);
    "subw"        Reg3          0xfe00_707f [          _, 0x4000_003b] RegReg(RegRegOp::SubW);
    "sllw"        Reg3          0xfe00_707f [          _, 0x0000_103b] RegReg(RegRegOp::SllW);
    "srlw"        Reg3          0xfe00_707f [          _, 0x0000_503b] RegReg(RegRegOp::SrlW);
    "sraw"        Reg3          0xfe00_707f [          _, 0x4000_503b] RegReg(RegRegOp::SraW);
    "mulw"        Reg3          0xfe00_707f [          _, 0x0200_003b] RegReg(RegRegOp::MulW);
    "divw"        Reg3          0xfe00_707f [          _, 0x0200_403b] RegReg(RegRegOp::DivW);
    "divuw"       Reg3          0xfe00_707f [          _, 0x0200_503b] RegReg(RegRegOp::DivuW);
    "remw"        Reg3          0xfe00_707f [          _, 0x0200_603b] RegReg(RegRegOp::RemW);
    "remuw"       Reg3          0xfe00_707f [          _, 0x0200_703b] RegReg(RegRegOp::RemuW);
    "rolw"        Reg3          0xfe00_707f [          _, 0x6000_103b] RegReg(RegRegOp::RolW);
    "rorw"        Reg3          0xfe00_707f [          _, 0x6000_503b] RegReg(RegRegOp::RorW);
    "add.uw"      Reg3          0xfe00_707f [          _, 0x0800_003b] RegReg(RegRegOp::AddUw);
    "sh1add.uw"   Reg3          0xfe00_707f [          _, 0x2000_203b] RegReg(RegRegOp::Sh1addUw);
    "sh2add.uw"   Reg3          0xfe00_707f [          _, 0x2000_403b] RegReg(RegRegOp::Sh2addUw);
    "sh3add.uw"   Reg3          0xfe00_707f [          _, 0x2000_603b] RegReg(RegRegOp::Sh3addUw);
    "beq"         Branch        0x0000_707f [0x0000_0063, 0x0000_0063] Branch(Condition::Equal);
    "bne"         Branch        0x0000_707f [0x0000_1063, 0x0000_1063] Branch(Condition::NotEqual);
    "blt"         Branch        0x0000_707f [0x0000_4063, 0x0000_4063] Branch(Condition::LessSigned);
    "bge"         Branch        0x0000_707f [0x0000_5063, 0x0000_5063] Branch(Condition::GreaterOrEqualSigned);
    "bltu"        Branch        0x0000_707f [0x0000_6063, 0x0000_6063] Branch(Condition::LessUnsigned);
    "bgeu"        Branch        0x0000_707f [0x0000_7063, 0x0000_7063] Branch(Condition::GreaterOrEqualUnsigned);
    "jalr"        Load          0x0000_707f [0x0000_0067, 0x0000_0067] Jalr;
    "jal"         Jump          0x0000_007f [0x0000_006f, 0x0000_006f] Jal;
    "ecall"       Bare          0xffff_ffff [0x0000_0073, 0x0000_0073] Ecall;
    "ebreak"      Bare          0xffff_ffff [0x0010_0073, 0x0010_0073] Ebreak;
    "unimp"       Bare          0xffff_ffff [0xc000_1073, 0xc000_1073] Unimp;
    "csrrw"       Csr           0x0000_707f [0x0000_1073, 0x0000_1073] Csr(CsrOp::ReadWrite);
    "csrrs"       Csr           0x0000_707f [0x0000_2073, 0x0000_2073] Csr(CsrOp::ReadSet);
    "csrrc"       Csr           0x0000_707f [0x0000_3073, 0x0000_3073] Csr(CsrOp::ReadClear);
    "csrrwi"      CsrImm        0x0000_707f [0x0000_5073, 0x0000_5073] CsrImm(CsrOp::ReadWrite);
    "csrrsi"      CsrImm        0x0000_707f [0x0000_6073, 0x0000_6073] CsrImm(CsrOp::ReadSet);
    "csrrci"      CsrImm        0x0000_707f [0x0000_7073, 0x0000_7073] CsrImm(CsrOp::ReadClear);
}

/// The row of `word`, a 32-bit instruction. Its operands may still be reserved.
pub(crate) fn find(word: u32, xlen: Xlen) -> Option<&'static Row> {
    let (start, end) = RANGES[major(word)];
    ROWS[start..end].iter().find(|row| row.value(xlen) == Some(word & row.mask))
}

const fn major(word: u32) -> usize {
    casts::to_usize(word >> 2 & 31)
}

/// Start and end in [`ROWS`] of the shortest stretch that holds all rows of a major opcode, whichever width has them.
const RANGES: [(usize, usize); 32] = {
    let mut ranges = [(0, 0); 32];
    let mut index = 0;
    while index < ROWS.len() {
        extend(&mut ranges, ROWS[index].rv32, index);
        extend(&mut ranges, ROWS[index].rv64, index);
        index += 1;
    }
    ranges
};

const fn extend(ranges: &mut [(usize, usize); 32], value: Option<u32>, index: usize) {
    if let Some(value) = value {
        let range = &mut ranges[major(value)];
        if range.1 == 0 {
            range.0 = index;
        }
        range.1 = index + 1;
    }
}

/// Is the value, if there is one, that of a 32-bit instruction and within the mask?
const fn well_formed(row: &Row, xlen: Xlen) -> bool {
    match row.value(xlen) {
        Some(value) => value & 3 == 3 && value & !row.mask == 0,
        None => true,
    }
}

/// Do two rows share words on a width, and is the earlier one not a special case of the later?
const fn ambiguous(earlier: &Row, later: &Row, xlen: Xlen) -> bool {
    match (earlier.value(xlen), later.value(xlen)) {
        (Some(first), Some(second)) => {
            let overlap = (first ^ second) & earlier.mask & later.mask == 0;
            overlap && (earlier.mask & later.mask != later.mask || earlier.mask == later.mask)
        }
        _ => false,
    }
}

const _: () = {
    let mut index = 0;
    while index < ROWS.len() {
        let row = &ROWS[index];
        assert!(row.mask & 0x7f == 0x7f, "a row leaves its opcode open");
        assert!(row.rv32.is_some() || row.rv64.is_some(), "a row without an encoding");
        assert!(well_formed(row, Xlen::Rv32) && well_formed(row, Xlen::Rv64), "a value is no 32-bit word of its mask");
        let mut earlier = 0;
        while earlier < index {
            assert!(!ambiguous(&ROWS[earlier], row, Xlen::Rv32), "two rows claim one RV32 word");
            assert!(!ambiguous(&ROWS[earlier], row, Xlen::Rv64), "two rows claim one RV64 word");
            earlier += 1;
        }
        index += 1;
    }
};
