//! THE table: one row per instruction, from which the functions of [`inst`](crate::inst) and their tests follow.
//!
//! ```text
//! name (operands) "encoding as the manual writes it"
//! ```
//!
//! A name is the manual's line with `_` between its words and without `/`. Operands are named as in the manual, in its order,
//! with letters for where a register goes:
//!
//! ```text
//! r64 r32 r16 r8      a register, in ModRM.reg           imm8 imm16 imm32 imm64   an immediate, sign-extended
//! rm64 rm32 rm16 rm8  a register or memory, in ModRM.rm  rel8 rel32               bytes from the end of the instruction
//! m                   memory, in ModRM.rm                cc                       a condition, in the opcode
//! v64 v32             a register, in VEX.vvvv            o64 o32                  a register, in the opcode
//! b64                 a register, in ModRM.rm
//! ```

pub(crate) mod alu;
pub(crate) mod bmi;
pub(crate) mod branch;
pub(crate) mod mov;
pub(crate) mod muldiv;
pub(crate) mod shift;
pub(crate) mod sys;

#[cfg(test)]
mod tests;

/// Makes functions of rows, and for tests a list of them.
macro_rules! rows {
    ($($name:ident ($($kind:ident),*) $encoding:literal;)*) => {
        use crate::encoding::{Encoding, Inst, Operands};
        #[allow(unused_imports, reason = "no file of the table uses all kinds of operands")]
        use crate::{operand::{Mem, Rm}, reg::{Cond, Reg}};
        #[allow(unused_imports, reason = "no file of the table uses all kinds of operands")]
        use pvm_num::casts::{low_u8, low_u16, unsigned_32, unsigned_64, widen, widen_u8};

        $(crate::table::function!($name ($($kind),*) $encoding);)*

        #[cfg(test)]
        pub(crate) const ROWS: &[crate::table::tests::Row] = &[$(crate::table::tests::row!($name ($($kind),*) $encoding)),*];
    };
}

macro_rules! function {
    ($name:ident () $encoding:literal) => {
        #[doc = concat!("`", $encoding, "`")]
        #[inline]
        pub fn $name() -> Inst {
            const ENCODING: Encoding = Encoding::parse($encoding);
            Inst::encode(ENCODING, Operands::NONE)
        }
    };
    ($name:ident ($a:ident) $encoding:literal) => {
        #[doc = concat!("`", $encoding, "`")]
        #[inline]
        pub fn $name(a: crate::table::operand_type!($a)) -> Inst {
            const ENCODING: Encoding = Encoding::parse($encoding);
            let operands = Operands::NONE;
            let operands = crate::table::place!(operands, $a, a);
            Inst::encode(ENCODING, operands)
        }
    };
    ($name:ident ($a:ident, $b:ident) $encoding:literal) => {
        #[doc = concat!("`", $encoding, "`")]
        #[inline]
        pub fn $name(a: crate::table::operand_type!($a), b: crate::table::operand_type!($b)) -> Inst {
            const ENCODING: Encoding = Encoding::parse($encoding);
            let operands = Operands::NONE;
            let operands = crate::table::place!(operands, $a, a);
            let operands = crate::table::place!(operands, $b, b);
            Inst::encode(ENCODING, operands)
        }
    };
    ($name:ident ($a:ident, $b:ident, $c:ident) $encoding:literal) => {
        #[doc = concat!("`", $encoding, "`")]
        #[inline]
        pub fn $name(
            a: crate::table::operand_type!($a),
            b: crate::table::operand_type!($b),
            c: crate::table::operand_type!($c),
        ) -> Inst {
            const ENCODING: Encoding = Encoding::parse($encoding);
            let operands = Operands::NONE;
            let operands = crate::table::place!(operands, $a, a);
            let operands = crate::table::place!(operands, $b, b);
            let operands = crate::table::place!(operands, $c, c);
            Inst::encode(ENCODING, operands)
        }
    };
}

macro_rules! operand_type {
    (rm64) => { impl Into<Rm> };
    (rm32) => { impl Into<Rm> };
    (rm16) => { impl Into<Rm> };
    (rm8) => { impl Into<Rm> };
    (m) => { Mem };
    (cc) => { Cond };
    (imm8) => { i8 };
    (rel8) => { i8 };
    (imm16) => { i16 };
    (imm32) => { i32 };
    (rel32) => { i32 };
    (imm64) => { i64 };
    ($register:ident) => { Reg };
}

macro_rules! place {
    ($operands:ident, rm64, $a:ident) => {
        $operands.rm($a.into())
    };
    ($operands:ident, rm32, $a:ident) => {
        $operands.rm($a.into())
    };
    ($operands:ident, rm16, $a:ident) => {
        $operands.rm($a.into())
    };
    ($operands:ident, rm8, $a:ident) => {
        $operands.rm_8($a.into())
    };
    ($operands:ident, b64, $a:ident) => {
        $operands.rm(Rm::Reg($a))
    };
    ($operands:ident, m, $a:ident) => {
        $operands.rm(Rm::Mem($a))
    };
    ($operands:ident, r8, $a:ident) => {
        $operands.reg_8($a)
    };
    ($operands:ident, r16, $a:ident) => {
        $operands.reg($a)
    };
    ($operands:ident, r32, $a:ident) => {
        $operands.reg($a)
    };
    ($operands:ident, r64, $a:ident) => {
        $operands.reg($a)
    };
    ($operands:ident, v32, $a:ident) => {
        $operands.vvvv($a)
    };
    ($operands:ident, v64, $a:ident) => {
        $operands.vvvv($a)
    };
    ($operands:ident, o32, $a:ident) => {
        $operands.plus($a)
    };
    ($operands:ident, o64, $a:ident) => {
        $operands.plus($a)
    };
    ($operands:ident, cc, $a:ident) => {
        $operands.cond($a)
    };
    ($operands:ident, imm8, $a:ident) => {
        $operands.immediate(widen(widen_u8(low_u8(unsigned_64(i64::from($a))))), 1)
    };
    ($operands:ident, rel8, $a:ident) => {
        $operands.immediate(widen(widen_u8(low_u8(unsigned_64(i64::from($a))))), 1)
    };
    ($operands:ident, imm16, $a:ident) => {
        $operands.immediate(u64::from(low_u16(unsigned_64(i64::from($a)))), 2)
    };
    ($operands:ident, imm32, $a:ident) => {
        $operands.immediate(widen(unsigned_32($a)), 4)
    };
    ($operands:ident, rel32, $a:ident) => {
        $operands.immediate(widen(unsigned_32($a)), 4)
    };
    ($operands:ident, imm64, $a:ident) => {
        $operands.immediate(unsigned_64($a), 8)
    };
}

pub(crate) use {function, operand_type, place, rows};
