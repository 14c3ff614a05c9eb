//! Operand bytes: registers and immediates, the same in both encodings (isa.md 4, latest037.md 2.1).

use super::Encoded;
use crate::{Format, Instruction, Opcode, Reg};
use pvm_num::casts::{
    low_u8, low_u32, low_u64, sign_extend_32, signed_32, signed_64, to_usize, unsigned_32, unsigned_64, widen, widen_u8,
};

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

/// `imm(k, n)` of isa.md 4: the lowest `n` bytes, at most 4, sign-extended to 32 bits.
#[inline(always)]
fn immediate(bytes: u64, n: u32) -> u32 {
    // In two steps, for a word cannot be shifted by all its bits.
    let unused = 63 - 8 * n;
    low_u32(unsigned_64(signed_64(bytes << unused << 1) >> unused >> 1))
}

/// Where the operands of a format lie.
#[derive(Clone, Copy)]
#[repr(align(16))] // found by a shift
struct Layout {
    /// By register operand: what to shift the first 16 bits by, and which bits are its number then.
    shifts: [u8; 3],
    masks: [u8; 3],
    /// Bytes before the first immediate.
    start: u8,
    /// Most bytes of it, if it is the only one.
    size_max: u8,
    immediates: Immediates,
}

/// What immediates there are.
#[derive(Clone, Copy)]
enum Immediates {
    /// One or none.
    One,
    /// Likewise, counted from the instruction's offset.
    OneTarget,
    /// Two, the size of the first in three bits from here on.
    Two(u8),
    /// Likewise; the second is counted from the instruction's offset.
    TwoTarget(u8),
    /// One of 8 bytes.
    Long,
}

impl Layout {
    const fn of(format: Format) -> Layout {
        let (start, size_max, immediates) = match format {
            Format::None | Format::RegReg | Format::RegRegReg => (0, 0, Immediates::One),
            Format::Imm => (0, 4, Immediates::One),
            Format::Offset => (0, 4, Immediates::OneTarget),
            Format::ImmImm => (1, 4, Immediates::Two(0)),
            Format::RegImm | Format::RegRegImm => (1, 4, Immediates::One),
            Format::RegRegOffset => (1, 4, Immediates::OneTarget),
            Format::RegImm64 => (1, 8, Immediates::Long),
            Format::RegImmImm => (1, 4, Immediates::Two(4)),
            Format::RegImmOffset => (1, 4, Immediates::TwoTarget(4)),
            Format::RegRegImmImm => (2, 4, Immediates::Two(8)),
        };
        let (shifts, masks) = match format.register_count() {
            0 => ([0; 3], [0; 3]),
            1 => ([0; 3], [15, 0, 0]),
            2 => ([0, 4, 0], [15, 15, 0]),
            _ => ([8, 0, 4], [15; 3]),
        };
        Layout { shifts, masks, start, size_max, immediates }
    }
}

/// By opcode; as many as a byte can tell apart, so that no index is out of bounds.
static LAYOUTS: [Layout; 256] = {
    let mut layouts = [Layout::of(Format::None); 256];
    let mut at = 0;
    while at < Opcode::COUNT {
        layouts[at] = Layout::of(Opcode::ALL[at].format());
        at += 1;
    }
    layouts
};

/// What four bits name; as many as a byte can tell apart, so that no index is out of bounds.
static REGS: [Reg; 256] = {
    let mut regs = [Reg::ra; 256];
    let mut field = 0;
    while field < 16 {
        regs[to_usize(field)] = Reg::from_nibble(field);
        field += 1;
    }
    regs
};

/// Decodes the operands of `opcode`. `window` holds the bytes after the opcode, `length` is how many of them belong to
/// the instruction, `offset` is where the instruction starts.
#[inline(always)]
pub(crate) fn decode(opcode: Opcode, window: u128, length: u32, offset: u32) -> Instruction {
    let layout = &LAYOUTS[opcode.index()];
    let low = low_u64(window);
    let reg = |at: usize| REGS[usize::from(low_u8(low.wrapping_shr(widen_u8(layout.shifts[at]))) & layout.masks[at])];
    let regs = [reg(0), reg(1), reg(2)];
    let start = widen_u8(layout.start);
    let imms = match layout.immediates {
        Immediates::One | Immediates::OneTarget => {
            let value = immediate(low >> (8 * start), length.saturating_sub(start).min(widen_u8(layout.size_max)));
            let is_target = matches!(layout.immediates, Immediates::OneTarget);
            [if is_target { offset.wrapping_add(value) } else { value }, 0]
        }
        Immediates::Two(size_at) | Immediates::TwoTarget(size_at) => {
            let size = (low_u32(low >> (size_at & 15)) & 7).min(4);
            let first = immediate(low >> (8 * start), size);
            let start = start + size;
            let second = immediate(low_u64(window >> (8 * start)), length.saturating_sub(start).min(4));
            let is_target = matches!(layout.immediates, Immediates::TwoTarget(_));
            [first, if is_target { offset.wrapping_add(second) } else { second }]
        }
        Immediates::Long => {
            let value = low_u64(window >> 8);
            [low_u32(value), low_u32(value >> 32)]
        }
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
