//! RISC-V instructions: RV32 and RV64 with I (or E), M, A, C, Zba, Zbb, XTheadCondMov, the MIPS conditional move and the
//! custom-0 space that PVM guests use, decoded and encoded from one table.
//!
//! ```text
//!             2 bytes: compressed::ROWS ──┐
//! bytes ──┤                               ├── Meaning + Operands ── Instruction
//!             4 bytes: table::rows ───────┘
//!                no row: foreign::ROWS ── DecodeError that names the extension
//! ```
//!
//! What it deliberately does not do: it knows nothing of PVM, refuses no register (the E profile is the linker's concern,
//! which can name the register) and gives no meaning to custom-0 instructions beyond their fields.
//!
//! ```
//! use pvm_riscv::{Instruction, Reg, RegImmOp, Xlen, decode, encode};
//!
//! let (instruction, length) = decode(&[0x05, 0x05], Xlen::Rv64).unwrap();
//! assert_eq!(instruction, Instruction::RegImm { op: RegImmOp::Addi, rd: Reg::a0, rs1: Reg::a0, imm: 1 });
//! assert_eq!(length, 2);
//! assert_eq!(instruction.to_string(), "addi a0, a0, 1");
//! assert_eq!(encode(&instruction, Xlen::Rv64), Some(0x0015_0513));
//!
//! let error = decode(&[0x53, 0x75, 0xb5, 0x02], Xlen::Rv64).unwrap_err();
//! assert_eq!(error.to_string(), "0x02b57553: floating-point instruction (F, D, Q, Zfh, Zfa)");
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod compressed;
mod display;
mod error;
mod foreign;
mod format;
mod instruction;
mod ops;
mod reg;
mod table;

pub use error::{DecodeError, DecodeErrorKind};
pub use instruction::Instruction;
pub use ops::{
    AmoOp, AmoWidth, Condition, CsrOp, CsrSource, FenceSets, LoadKind, MoveCondition, RegImmOp, RegRegOp, StoreKind,
    UnaryOp,
};
pub use reg::Reg;

/// Width of the integer registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Xlen {
    /// 32 bits.
    Rv32,
    /// 64 bits.
    Rv64,
}

impl Xlen {
    /// Both widths.
    pub const ALL: [Xlen; 2] = [Xlen::Rv32, Xlen::Rv64];

    /// 32 or 64.
    pub const fn bits(self) -> u32 {
        match self {
            Xlen::Rv32 => 32,
            Xlen::Rv64 => 64,
        }
    }

    /// Bytes of a register and of a pointer: 4 or 8.
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }
}

/// Decodes the instruction at the start of `bytes`, whatever follows it, and gives its length in bytes: 2 or 4.
///
/// A compressed instruction gives the value of the instruction it stands for (RISC-V unprivileged manual, chapter C), so
/// only the length tells them apart. Hints give the instruction without effect that they are.
///
/// # Errors
/// If fewer bytes are left than the instruction has, or nothing here knows the encoding; the error's kind says to which
/// extension it belongs where that can be told.
pub fn decode(bytes: &[u8], xlen: Xlen) -> Result<(Instruction, u8), DecodeError> {
    let low = match *bytes {
        [] => return Err(DecodeError::too_short(0, 2, 0)),
        [byte] => return Err(DecodeError::too_short(u32::from(byte), 2, 1)),
        [first, second, ..] => u16::from_le_bytes([first, second]),
    };
    if low & 3 != 3 {
        return decode_16(low, xlen).map(|instruction| (instruction, 2));
    }
    match *bytes {
        [a, b, c, d, ..] => decode_32(u32::from_le_bytes([a, b, c, d]), xlen).map(|instruction| (instruction, 4)),
        [a, b, c] => Err(DecodeError::too_short(u32::from_le_bytes([a, b, c, 0]), 4, 3)),
        _ => Err(DecodeError::too_short(u32::from(low), 4, 2)),
    }
}

/// Decodes a compressed instruction: the lowest two bits are not both set.
fn decode_16(half: u16, xlen: Xlen) -> Result<Instruction, DecodeError> {
    compressed::expand(half, xlen).map_err(|kind| {
        let only_rv64 =
            xlen == Xlen::Rv32 && kind == DecodeErrorKind::Reserved && compressed::expand(half, Xlen::Rv64).is_ok();
        DecodeError { kind: if only_rv64 { DecodeErrorKind::Rv64Only } else { kind }, word: u32::from(half) }
    })
}

/// Decodes a 32-bit instruction.
fn decode_32(word: u32, xlen: Xlen) -> Result<Instruction, DecodeError> {
    match expand_32(word, xlen) {
        Some(instruction) => Ok(instruction),
        None if xlen == Xlen::Rv32 && expand_32(word, Xlen::Rv64).is_some() => {
            Err(DecodeError { kind: DecodeErrorKind::Rv64Only, word })
        }
        None => Err(DecodeError { kind: foreign::classify(word), word }),
    }
}

fn expand_32(word: u32, xlen: Xlen) -> Option<Instruction> {
    let row = table::find(word, xlen)?;
    let operands = row.format.extract(word, xlen)?;
    Some(Instruction::from_parts(row.meaning, operands))
}

/// The 32-bit encoding of `instruction`: none if the width does not have it, an operand does not fit its field, or the word
/// has a more special meaning (`csrrw zero, cycle, zero` is `unimp`).
///
/// Reserved fields of `fence` and `fence.i`, which decoding ignores, are zero.
pub fn encode(instruction: &Instruction, xlen: Xlen) -> Option<u32> {
    let (meaning, operands) = instruction.parts();
    let row = table::row_of(meaning);
    let word = row.value(xlen)? | row.format.insert(&operands, xlen)?;
    table::find(word, xlen).filter(|found| found.meaning == meaning).map(|_| word)
}
