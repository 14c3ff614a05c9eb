//! The 151 official instructions of the 6502, one row each; the processor and the assembler read the same table.

/// What an instruction does, by its mnemonic.
#[derive(Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
pub(crate) enum Op {
    Adc, And, Asl, Bcc, Bcs, Beq, Bit, Bmi, Bne, Bpl, Brk, Bvc, Bvs, Clc, Cld, Cli, Clv, Cmp, Cpx, Cpy, Dec, Dex, Dey, Eor,
    Inc, Inx, Iny, Jmp, Jsr, Lda, Ldx, Ldy, Lsr, Nop, Ora, Pha, Php, Pla, Plp, Rol, Ror, Rti, Rts, Sbc, Sec, Sed, Sei, Sta,
    Stx, Sty, Tax, Tay, Tsx, Txa, Txs, Tya,
}

/// Where an instruction has its operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Implied,
    Accumulator,
    Immediate,
    ZeroPage,
    ZeroPageX,
    ZeroPageY,
    Absolute,
    AbsoluteX,
    AbsoluteY,
    Indirect,
    IndirectX,
    IndirectY,
    Relative,
}

/// An opcode's meaning; `cycles` without what a crossed page or a taken branch adds.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) op: Op,
    pub(crate) mode: Mode,
    pub(crate) cycles: u8,
}

use Mode::*;
use Op::*;

#[rustfmt::skip]
const ROWS: &[(u8, Op, Mode, u8)] = &[
    (0x69, Adc, Immediate, 2), (0x65, Adc, ZeroPage, 3), (0x75, Adc, ZeroPageX, 4), (0x6d, Adc, Absolute, 4),
    (0x7d, Adc, AbsoluteX, 4), (0x79, Adc, AbsoluteY, 4), (0x61, Adc, IndirectX, 6), (0x71, Adc, IndirectY, 5),
    (0x29, And, Immediate, 2), (0x25, And, ZeroPage, 3), (0x35, And, ZeroPageX, 4), (0x2d, And, Absolute, 4),
    (0x3d, And, AbsoluteX, 4), (0x39, And, AbsoluteY, 4), (0x21, And, IndirectX, 6), (0x31, And, IndirectY, 5),
    (0x0a, Asl, Accumulator, 2), (0x06, Asl, ZeroPage, 5), (0x16, Asl, ZeroPageX, 6), (0x0e, Asl, Absolute, 6),
    (0x1e, Asl, AbsoluteX, 7), (0x90, Bcc, Relative, 2), (0xb0, Bcs, Relative, 2), (0xf0, Beq, Relative, 2),
    (0x24, Bit, ZeroPage, 3), (0x2c, Bit, Absolute, 4), (0x30, Bmi, Relative, 2), (0xd0, Bne, Relative, 2),
    (0x10, Bpl, Relative, 2), (0x00, Brk, Implied, 7), (0x50, Bvc, Relative, 2), (0x70, Bvs, Relative, 2),
    (0x18, Clc, Implied, 2), (0xd8, Cld, Implied, 2), (0x58, Cli, Implied, 2), (0xb8, Clv, Implied, 2),
    (0xc9, Cmp, Immediate, 2), (0xc5, Cmp, ZeroPage, 3), (0xd5, Cmp, ZeroPageX, 4), (0xcd, Cmp, Absolute, 4),
    (0xdd, Cmp, AbsoluteX, 4), (0xd9, Cmp, AbsoluteY, 4), (0xc1, Cmp, IndirectX, 6), (0xd1, Cmp, IndirectY, 5),
    (0xe0, Cpx, Immediate, 2), (0xe4, Cpx, ZeroPage, 3), (0xec, Cpx, Absolute, 4), (0xc0, Cpy, Immediate, 2),
    (0xc4, Cpy, ZeroPage, 3), (0xcc, Cpy, Absolute, 4), (0xc6, Dec, ZeroPage, 5), (0xd6, Dec, ZeroPageX, 6),
    (0xce, Dec, Absolute, 6), (0xde, Dec, AbsoluteX, 7), (0xca, Dex, Implied, 2), (0x88, Dey, Implied, 2),
    (0x49, Eor, Immediate, 2), (0x45, Eor, ZeroPage, 3), (0x55, Eor, ZeroPageX, 4), (0x4d, Eor, Absolute, 4),
    (0x5d, Eor, AbsoluteX, 4), (0x59, Eor, AbsoluteY, 4), (0x41, Eor, IndirectX, 6), (0x51, Eor, IndirectY, 5),
    (0xe6, Inc, ZeroPage, 5), (0xf6, Inc, ZeroPageX, 6), (0xee, Inc, Absolute, 6), (0xfe, Inc, AbsoluteX, 7),
    (0xe8, Inx, Implied, 2), (0xc8, Iny, Implied, 2), (0x4c, Jmp, Absolute, 3), (0x6c, Jmp, Indirect, 5),
    (0x20, Jsr, Absolute, 6), (0xa9, Lda, Immediate, 2), (0xa5, Lda, ZeroPage, 3), (0xb5, Lda, ZeroPageX, 4),
    (0xad, Lda, Absolute, 4), (0xbd, Lda, AbsoluteX, 4), (0xb9, Lda, AbsoluteY, 4), (0xa1, Lda, IndirectX, 6),
    (0xb1, Lda, IndirectY, 5), (0xa2, Ldx, Immediate, 2), (0xa6, Ldx, ZeroPage, 3), (0xb6, Ldx, ZeroPageY, 4),
    (0xae, Ldx, Absolute, 4), (0xbe, Ldx, AbsoluteY, 4), (0xa0, Ldy, Immediate, 2), (0xa4, Ldy, ZeroPage, 3),
    (0xb4, Ldy, ZeroPageX, 4), (0xac, Ldy, Absolute, 4), (0xbc, Ldy, AbsoluteX, 4), (0x4a, Lsr, Accumulator, 2),
    (0x46, Lsr, ZeroPage, 5), (0x56, Lsr, ZeroPageX, 6), (0x4e, Lsr, Absolute, 6), (0x5e, Lsr, AbsoluteX, 7),
    (0xea, Nop, Implied, 2), (0x09, Ora, Immediate, 2), (0x05, Ora, ZeroPage, 3), (0x15, Ora, ZeroPageX, 4),
    (0x0d, Ora, Absolute, 4), (0x1d, Ora, AbsoluteX, 4), (0x19, Ora, AbsoluteY, 4), (0x01, Ora, IndirectX, 6),
    (0x11, Ora, IndirectY, 5), (0x48, Pha, Implied, 3), (0x08, Php, Implied, 3), (0x68, Pla, Implied, 4),
    (0x28, Plp, Implied, 4), (0x2a, Rol, Accumulator, 2), (0x26, Rol, ZeroPage, 5), (0x36, Rol, ZeroPageX, 6),
    (0x2e, Rol, Absolute, 6), (0x3e, Rol, AbsoluteX, 7), (0x6a, Ror, Accumulator, 2), (0x66, Ror, ZeroPage, 5),
    (0x76, Ror, ZeroPageX, 6), (0x6e, Ror, Absolute, 6), (0x7e, Ror, AbsoluteX, 7), (0x40, Rti, Implied, 6),
    (0x60, Rts, Implied, 6), (0xe9, Sbc, Immediate, 2), (0xe5, Sbc, ZeroPage, 3), (0xf5, Sbc, ZeroPageX, 4),
    (0xed, Sbc, Absolute, 4), (0xfd, Sbc, AbsoluteX, 4), (0xf9, Sbc, AbsoluteY, 4), (0xe1, Sbc, IndirectX, 6),
    (0xf1, Sbc, IndirectY, 5), (0x38, Sec, Implied, 2), (0xf8, Sed, Implied, 2), (0x78, Sei, Implied, 2),
    (0x85, Sta, ZeroPage, 3), (0x95, Sta, ZeroPageX, 4), (0x8d, Sta, Absolute, 4), (0x9d, Sta, AbsoluteX, 5),
    (0x99, Sta, AbsoluteY, 5), (0x81, Sta, IndirectX, 6), (0x91, Sta, IndirectY, 6), (0x86, Stx, ZeroPage, 3),
    (0x96, Stx, ZeroPageY, 4), (0x8e, Stx, Absolute, 4), (0x84, Sty, ZeroPage, 3), (0x94, Sty, ZeroPageX, 4),
    (0x8c, Sty, Absolute, 4), (0xaa, Tax, Implied, 2), (0xa8, Tay, Implied, 2), (0xba, Tsx, Implied, 2),
    (0x8a, Txa, Implied, 2), (0x9a, Txs, Implied, 2), (0x98, Tya, Implied, 2),
];

/// Indexed by opcode. What is no official instruction does nothing for two cycles.
pub(crate) static TABLE: [Row; 256] = {
    let mut table = [Row { op: Nop, mode: Implied, cycles: 2 }; 256];
    let mut index = 0;
    while index < ROWS.len() {
        let (opcode, op, mode, cycles) = ROWS[index];
        table[usize_of(opcode)] = Row { op, mode, cycles };
        index += 1;
    }
    table
};

/// The opcode of an instruction in a mode it has.
pub(crate) fn opcode_of(op: Op, mode: Mode) -> Option<u8> {
    ROWS.iter().find(|row| row.1 == op && row.2 == mode).map(|row| row.0)
}

/// `usize::from` is not const.
#[allow(clippy::as_conversions)]
const fn usize_of(byte: u8) -> usize {
    byte as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_official_instruction_once() {
        let mut opcodes: alloc::vec::Vec<u8> = ROWS.iter().map(|row| row.0).collect();
        opcodes.sort_unstable();
        opcodes.dedup();
        assert_eq!((ROWS.len(), opcodes.len()), (151, 151));
        // Modes follow the low five bits of the opcode wherever an instruction has that mode.
        for &(opcode, _, mode, _) in ROWS {
            match opcode & 0x1f {
                0x01 => assert!(mode == IndirectX),
                0x05 | 0x06 => assert!(mode == ZeroPage),
                0x10 => assert!(mode == Relative),
                0x11 => assert!(mode == IndirectY),
                0x19 => assert!(mode == AbsoluteY),
                0x1d => assert!(mode == AbsoluteX),
                _ => {}
            }
        }
    }
}
