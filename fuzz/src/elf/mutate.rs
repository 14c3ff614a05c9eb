//! Structured mutations: a file stays a file, and one thing in it becomes another.
//!
//! Instructions, relocations, symbols, section headers and data are overwritten in place, so that everything else keeps its
//! meaning, and the change reaches the part of the linker that reads it.

use super::{Field, Layout, set_word, word};
use crate::random::Random;
use pvm_num::casts::{low_u32, sign_extend_8, to_u64, widen};

/// Which mutations are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// All, headers included.
    Any,
    /// Those that leave a file which is probably linked: instructions, relocations and data.
    Gentle,
}

/// Changes a few things.
pub(crate) fn mutate(random: &mut Random, bytes: &mut [u8], mode: Mode) {
    let layout = Layout::of(bytes);
    for _ in 0..=random.below(4) {
        let choice = match mode {
            Mode::Any => random.below(16),
            Mode::Gentle => random.below(8),
        };
        match choice {
            0..=3 => instruction(random, bytes, &layout),
            4..=6 => relocation(random, bytes, &layout),
            7 => data(random, bytes, &layout),
            8..=10 => symbol(random, bytes, &layout),
            11..=14 => section(random, bytes, &layout),
            _ => header(random, bytes),
        }
    }
}

/// Words that mean something: nop, ret, ebreak, ecall, unimp, two compressed nops, a call to itself, fence.
const WORDS: [u32; 8] = [0x13, 0x8067, 0x10_0073, 0x73, 0xc000_1073, 0x0001_0001, 0xef, 0x0ff0_000f];

fn instruction(random: &mut Random, bytes: &mut [u8], layout: &Layout) {
    if layout.code.is_empty() {
        return;
    }
    let (start, size) = *random.pick(&layout.code);
    let place = |random: &mut Random| start + random.below(size / 2) * 2;
    let at = place(random);
    let old = word(bytes, at);
    let new = match random.below(8) {
        0 => old ^ 1 << random.below(32),
        1 => *random.pick(&WORDS),
        2 => {
            let from = place(random);
            word(bytes, from)
        }
        // Another register, or another immediate.
        3 => old & !(0x1f << 7) | register(random) << 7,
        4 => old & !(0x1f << 15) | register(random) << 15,
        5 => old & !(0x1f << 20) | register(random) << 20,
        6 => old & 0xf_ffff | low_u32(random.next()) << 20,
        // Another operation of the same shape.
        _ => old & !(7 << 12) | (low_u32(random.next()) & 7) << 12,
    };
    let halfword = |bytes: &mut [u8], new: u32| Field { at, size: 2 }.write(bytes, widen(new & 0xffff));
    // A compressed instruction leaves its neighbour alone, mostly.
    if old & 3 != 3 && new & 3 != 3 { halfword(bytes, new) } else { set_word(bytes, at, new) }
}

/// One of the registers that programs have, rarely another.
fn register(random: &mut Random) -> u32 {
    low_u32(to_u64(if random.below(32) == 0 { random.below(32) } else { random.below(16) }))
}

/// Kinds of relocations that files have, more often than others.
const KINDS: [u64; 26] =
    [0, 1, 2, 16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 28, 34, 35, 36, 38, 39, 40, 43, 51, 57, 58, 256, 257];

fn relocation(random: &mut Random, bytes: &mut [u8], layout: &Layout) {
    if layout.relocations.is_empty() {
        return;
    }
    let found = *random.pick(&layout.relocations);
    let other = *random.pick(&layout.relocations);
    match random.below(8) {
        0 => found.kind().write(bytes, *random.pick(&KINDS)),
        1 => found.kind().write(bytes, to_u64(random.below(70))),
        2 => shift(random, bytes, found.offset()),
        3 | 4 => shift(random, bytes, found.addend()),
        5 => {
            let symbol = to_u64(random.below(layout.symbols.len() + 1));
            found.symbol().write(bytes, symbol);
        }
        6 => found.symbol().write(bytes, other.symbol().read(bytes)),
        _ => found.kind().write(bytes, other.kind().read(bytes)),
    }
}

/// Moves a number by a little, or puts one there that tends to hurt.
fn shift(random: &mut Random, bytes: &mut [u8], field: Field) {
    const HURTFUL: [u64; 10] =
        [0, 1, 0x7ff, 0x800, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX, 1 << 63, (1 << 63) - 1];
    let old = field.read(bytes);
    let new = match random.below(4) {
        0 => *random.pick(&HURTFUL),
        1 => old.wrapping_add(sign_extend_8(random.next())),
        2 => old.wrapping_add(*random.pick(&[1, 2, 4, 8, 16, 0x1000])),
        _ => old.wrapping_sub(*random.pick(&[1, 2, 4, 8, 16, 0x1000])),
    };
    field.write(bytes, new);
}

fn symbol(random: &mut Random, bytes: &mut [u8], layout: &Layout) {
    if layout.symbols.is_empty() {
        return;
    }
    let found = *random.pick(&layout.symbols);
    match random.below(5) {
        0 | 1 => shift(random, bytes, found.value()),
        2 => shift(random, bytes, found.size()),
        3 => {
            let section = if random.below(4) == 0 {
                *random.pick(&[0, 0xfff1, 0xfff2, 0xffff, 0xff00])
            } else {
                to_u64(random.below(layout.sections.len() + 1))
            };
            found.section().write(bytes, section);
        }
        // Type in the low half, binding in the high one.
        _ => found.info().write(bytes, to_u64(random.below(12) | random.below(4) << 4)),
    }
}

fn section(random: &mut Random, bytes: &mut [u8], layout: &Layout) {
    if layout.sections.is_empty() {
        return;
    }
    let found = *random.pick(&layout.sections);
    match random.below(9) {
        0 => found.kind().write(bytes, *random.pick(&[0, 1, 2, 3, 4, 7, 8, 9, 14, 17, 0x7000_0003])),
        1 | 2 => {
            let flags = found.flags().read(bytes) ^ 1 << random.below(12);
            found.flags().write(bytes, flags);
        }
        3 => shift(random, bytes, found.address()),
        4 => shift(random, bytes, found.offset()),
        5 => shift(random, bytes, found.size()),
        6 => {
            let align = 1_u64.wrapping_shl(low_u32(random.next()));
            found.align().write(bytes, align.wrapping_add(u64::from(random.below(4) == 0)));
        }
        7 => found.link().write(bytes, to_u64(random.below(layout.sections.len() + 1))),
        _ => {
            let field = if random.below(2) == 0 { found.info() } else { found.entry_size() };
            shift(random, bytes, field);
        }
    }
}

fn data(random: &mut Random, bytes: &mut [u8], layout: &Layout) {
    if layout.data.is_empty() {
        return;
    }
    let (start, size) = *random.pick(&layout.data);
    let at = start + random.below(size);
    match random.below(3) {
        0 => bytes[at] = random.byte(),
        1 => bytes[at] ^= 1 << random.below(8),
        _ => {
            let at = start + random.below(size - 3);
            shift(random, bytes, Field { at, size: 4 });
        }
    }
}

/// Somewhere in the file header: the class, the type, flags, the entry, the place and number of headers.
fn header(random: &mut Random, bytes: &mut [u8]) {
    let at = random.below(64.min(bytes.len()));
    if random.below(2) == 0 {
        bytes[at] = random.byte();
    } else {
        shift(random, bytes, Field { at: at & !1, size: 2 });
    }
}
