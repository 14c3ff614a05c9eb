//! Assembly text as the GNU and LLVM assemblers read it, without aliases: `addi a0, a0, 1`.

use crate::format::{Format, Operands};
use crate::ops::FenceSets;
use crate::{Instruction, table};
use core::fmt;
use pvm_num::casts;

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (meaning, operands) = self.parts();
        let row = table::row_of(meaning);
        let Operands { rd, rs1, rs2, rs3, imm, aq, rl } = operands;
        let ordering = match (aq, rl) {
            (false, false) => "",
            (true, false) => ".aq",
            (false, true) => ".rl",
            (true, true) => ".aqrl",
        };
        write!(f, "{}{ordering}", row.mnemonic)?;
        match row.format {
            Format::Bare => Ok(()),
            Format::Upper => write!(f, " {rd}, {}", casts::unsigned_32(imm) >> 12),
            Format::Jump => write!(f, " {rd}, {imm}"),
            Format::Branch => write!(f, " {rs1}, {rs2}, {imm}"),
            Format::Load => write!(f, " {rd}, {imm}({rs1})"),
            Format::Store => write!(f, " {rs2}, {imm}({rs1})"),
            Format::Imm | Format::Shift | Format::ShiftW => write!(f, " {rd}, {rs1}, {imm}"),
            Format::Reg3 => write!(f, " {rd}, {rs1}, {rs2}"),
            Format::Reg2 => write!(f, " {rd}, {rs1}"),
            Format::LoadReserved => write!(f, " {rd}, ({rs1})"),
            Format::Amo => write!(f, " {rd}, {rs2}, ({rs1})"),
            Format::Fence => fence(f, imm),
            Format::Csr => write!(f, " {rd}, {}, {rs1}", CsrName(imm)),
            Format::CsrImm => write!(f, " {rd}, {}, {}", CsrName(imm), rs1.number()),
            Format::Reg4 => write!(f, " {rd}, {rs2}, {rs1}, {rs3}"),
            Format::Custom => write!(f, " 11, {}, {}, {rd}, {rs1}, {rs2}", imm & 7, imm >> 3),
        }
    }
}

fn fence(f: &mut fmt::Formatter<'_>, imm: i32) -> fmt::Result {
    if imm == i32::from(FenceSets::TSO.bits()) {
        return f.write_str(".tso");
    }
    write!(f, " {}, {}", FenceSet(imm >> 4), FenceSet(imm))
}

/// Four bits of a fence, from the highest: device input, device output, reads, writes.
struct FenceSet(i32);

impl fmt::Display for FenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & 15 == 0 {
            return f.write_str("0");
        }
        [(8, "i"), (4, "o"), (2, "r"), (1, "w")]
            .into_iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// A control and status register: by name where user programs meet it, else by number.
struct CsrName(i32);

impl fmt::Display for CsrName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0x001 => "fflags",
            0x002 => "frm",
            0x003 => "fcsr",
            0xc00 => "cycle",
            0xc01 => "time",
            0xc02 => "instret",
            number => return write!(f, "{number}"),
        })
    }
}
