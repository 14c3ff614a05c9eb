//! Operand bytes: registers and immediates, the same in both encodings (isa.md 4, latest037.md 2.1).

use super::Encoded;
use crate::{Format, Instruction, Opcode, Reg};
use pvm_num::casts::{low_u32, low_u64, sign_extend_32, signed_32, unsigned_32, widen};

/// The 16 bytes of `code` from `offset` on, as a little-endian number, zeros past the end.
#[inline]
pub(crate) fn window(code: &[u8], offset: usize) -> u128 {
    let rest = code.get(offset..).unwrap_or(&[]);
    match rest.first_chunk::<16>() {
        Some(chunk) => u128::from_le_bytes(*chunk),
        None => {
            let mut chunk = [0; 16];
            chunk[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(chunk)
        }
    }
}

/// `imm(k, n)` of isa.md 4: `n` bytes from byte `k` on, sign-extended to 32 bits.
#[inline]
fn immediate(window: u128, k: u32, n: u32) -> u32 {
    let raw = low_u32(low_u64(window >> (8 * k)));
    let unused = 32 - 8 * n;
    if n == 0 { 0 } else { unsigned_32(signed_32(raw << unused) >> unused) }
}

#[inline]
fn byte(window: u128, k: u32) -> u32 {
    low_u32(low_u64(window >> (8 * k))) & 0xff
}

/// Decodes the operands of `opcode`. `window` holds the bytes after the opcode, `length` is how many of them belong to
/// the instruction, `offset` is where the instruction starts.
#[inline]
pub(crate) fn decode(opcode: Opcode, window: u128, length: u32, offset: u32) -> Instruction {
    let clip = |used: u32| length.saturating_sub(used).min(4);
    let c0 = byte(window, 0);
    let (low, high) = (Reg::from_nibble(c0), Reg::from_nibble(c0 >> 4));
    let none = Reg::ra;
    let (regs, imms) = match opcode.format() {
        Format::None => ([none; 3], [0, 0]),
        Format::Imm => ([none; 3], [immediate(window, 0, clip(0)), 0]),
        Format::Offset => ([none; 3], [offset.wrapping_add(immediate(window, 0, clip(0))), 0]),
        Format::ImmImm => {
            let n = (c0 & 7).min(4);
            ([none; 3], [immediate(window, 1, n), immediate(window, 1 + n, clip(n + 1))])
        }
        Format::RegImm => ([low, none, none], [immediate(window, 1, clip(1)), 0]),
        Format::RegImm64 => {
            let value = low_u64(window >> 8);
            ([low, none, none], [low_u32(value), low_u32(value >> 32)])
        }
        Format::RegImmImm | Format::RegImmOffset => {
            let n = (c0 >> 4 & 7).min(4);
            let first = immediate(window, 1, n);
            let second = immediate(window, 1 + n, clip(n + 1));
            let second = if opcode.format().has_target() { offset.wrapping_add(second) } else { second };
            ([low, none, none], [first, second])
        }
        Format::RegReg => ([low, high, none], [0, 0]),
        Format::RegRegImm => ([low, high, none], [immediate(window, 1, clip(1)), 0]),
        Format::RegRegOffset => ([low, high, none], [offset.wrapping_add(immediate(window, 1, clip(1))), 0]),
        Format::RegRegImmImm => {
            let n = (byte(window, 1) & 7).min(4);
            ([low, high, none], [immediate(window, 2, n), immediate(window, 2 + n, clip(n + 2))])
        }
        Format::RegRegReg => ([Reg::from_nibble(byte(window, 1)), low, high], [0, 0]),
    };
    Instruction::new(opcode, regs, imms)
}

/// Fewest bytes that hold `value` sign-extended: 0 for 0, else 1 to 4.
pub(crate) fn length_min(value: i32) -> u32 {
    match value {
        0 => 0,
        -0x80..=0x7f => 1,
        -0x8000..=0x7fff => 2,
        -0x80_0000..=0x7f_ffff => 3,
        _ => 4,
    }
}

/// Immediates as they stand in the operand bytes: targets become relative to `offset`.
fn immediates(offset: u32, instruction: &Instruction) -> (i32, i32) {
    let relative = |target: i32| target.wrapping_sub(signed_32(offset));
    match instruction.opcode().format() {
        Format::Offset | Format::RegRegOffset => (relative(instruction.imm1()), 0),
        Format::RegImmOffset => (instruction.imm1(), relative(instruction.imm2())),
        _ => (instruction.imm1(), instruction.imm2()),
    }
}

/// Operand bytes that are not immediates, or none if the format's length is fixed as a whole.
fn fixed_bytes(format: Format) -> u32 {
    match format {
        Format::None | Format::Imm | Format::Offset => 0,
        Format::ImmImm | Format::RegImm | Format::RegImm64 | Format::RegImmImm | Format::RegImmOffset => 1,
        Format::RegReg | Format::RegRegImm | Format::RegRegOffset => 1,
        Format::RegRegImmImm | Format::RegRegReg => 2,
    }
}

/// How many operand bytes the shortest encoding needs.
pub(crate) fn length_needed(offset: u32, instruction: &Instruction) -> u32 {
    let format = instruction.opcode().format();
    let fixed = fixed_bytes(format);
    if format == Format::RegImm64 {
        return fixed + 8;
    }
    let (first, second) = immediates(offset, instruction);
    fixed + length_min(first) + length_min(second)
}

/// How many operand bytes an encoding can use: every immediate has at most 4 bytes.
pub(crate) fn length_max(format: Format) -> u32 {
    fixed_bytes(format)
        + match format {
            Format::None | Format::RegReg | Format::RegRegReg => 0,
            Format::Imm | Format::Offset | Format::RegImm | Format::RegRegImm | Format::RegRegOffset => 4,
            Format::ImmImm | Format::RegImmImm | Format::RegImmOffset | Format::RegRegImmImm => 8,
            Format::RegImm64 => 8,
        }
}

/// Appends the operands, `length` bytes in all (at least [`length_needed`]). Surplus bytes lengthen the first immediate
/// up to 4 bytes, then the second (latest037.md 5).
pub(crate) fn encode(out: &mut Encoded, offset: u32, instruction: &Instruction, length: u32) {
    let format = instruction.opcode().format();
    let (first, second) = immediates(offset, instruction);
    let nibble = |reg: Reg| u32::from(reg.number());
    let space = length - fixed_bytes(format);
    let surplus = space.saturating_sub(length_min(first) + length_min(second));
    let n = (length_min(first) + surplus).min(4);
    let pair = nibble(instruction.r1()) | nibble(instruction.r2()) << 4;
    let head = |out: &mut Encoded, value: u32| out.push_le(widen(value), 1);
    match format {
        Format::None | Format::Imm | Format::Offset => {}
        Format::ImmImm => head(out, n),
        Format::RegImm => head(out, nibble(instruction.r1())),
        Format::RegImm64 => {
            head(out, nibble(instruction.r1()));
            return out.push_le(instruction.imm64(), 8);
        }
        Format::RegImmImm | Format::RegImmOffset => head(out, nibble(instruction.r1()) | n << 4),
        Format::RegReg | Format::RegRegImm | Format::RegRegOffset => head(out, pair),
        Format::RegRegImmImm => {
            head(out, pair);
            head(out, n);
        }
        Format::RegRegReg => {
            head(out, nibble(instruction.r2()) | nibble(instruction.r3()) << 4);
            head(out, nibble(instruction.r1()));
        }
    }
    let two = matches!(format, Format::ImmImm | Format::RegImmImm | Format::RegImmOffset | Format::RegRegImmImm);
    let (n, m) = if two { (n, space - n) } else { (space.min(4), 0) };
    push_signed(out, first, n);
    push_signed(out, second, m);
}

fn push_signed(out: &mut Encoded, value: i32, bytes: u32) {
    out.push_le(sign_extend_32(unsigned_32(value)), bytes);
}
