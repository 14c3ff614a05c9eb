//! The cartridge: our own program for the console, which scrolls a background, moves 64 sprites and computes meanwhile.
//!
//! The main program computes a checksum and a sieve once, whose answers are known, and then sorts numbers without end. The
//! interrupt at the end of each picture copies the sprites, reads the buttons, moves everything and renews some tiles.

use super::{asm::Assembler, bus::Console, opcodes::Op::*};
use crate::checksum::Numbers;
use alloc::{vec, vec::Vec};

const PROGRAM_SIZE: usize = 0x8000;

// Registers of the picture unit and the pad.
const CONTROL: u16 = 0x2000;
const MASK: u16 = 0x2001;
const STATUS: u16 = 0x2002;
const SCROLL: u16 = 0x2005;
const ADDRESS: u16 = 0x2006;
const DATA: u16 = 0x2007;
const COPY_SPRITES: u16 = 0x4014;
const PAD: u16 = 0x4016;

// Variables.
const FRAME: u8 = 0x00;
const SCROLL_X: u8 = 0x01;
const SCROLL_Y: u8 = 0x02;
const TABLE: u8 = 0x03;
const RANDOM: u8 = 0x04;
const BUTTONS: u8 = 0x05;
const CRC_LOW: u8 = 0x06;
const CRC_HIGH: u8 = 0x07;
const PRIMES: u8 = 0x08;
const POINTER: u8 = 0x09;
const TEMPORARY: u8 = 0x0b;
const SORTED: u8 = 0x0c;
const SPRITES: u16 = 0x0200;
const SPEEDS: u16 = 0x0300;
const FLAGS: u16 = 0x0400;
const NUMBERS: u16 = 0x0500;
const NUMBER_COUNT: u8 = 48;

/// CRC-16/CCITT of "123456789" with initial value 0xffff, the check value of its catalogue entry.
const CRC_ANSWER: u16 = 0x29b1;
/// There are 54 primes below 256.
const PRIMES_ANSWER: u8 = 54;

/// The 32 KiB at 0x8000.
pub(crate) fn program() -> Vec<u8> {
    let mut asm = Assembler::new(0x8000);
    let a = &mut asm;
    reset(a);
    checksum(a);
    sieve(a);
    sort(a);
    interrupt(a);
    random(a);
    a.label("ignore");
    a.op(&[Rti]);
    a.label("text");
    a.bytes(b"123456789");
    a.label("palette");
    a.bytes(&[
        0x0f, 0x01, 0x21, 0x31, 0x0f, 0x06, 0x16, 0x26, 0x0f, 0x09, 0x19, 0x29, 0x0f, 0x02, 0x12, 0x22, //
        0x0f, 0x14, 0x24, 0x34, 0x0f, 0x07, 0x17, 0x27, 0x0f, 0x0b, 0x1b, 0x2b, 0x0f, 0x00, 0x10, 0x30,
    ]);
    asm.finish(PROGRAM_SIZE, ["interrupt", "reset", "ignore"])
}

/// The 8 KiB of patterns: noise that is symmetric, so that tiles look like ornaments.
pub(crate) fn characters() -> Vec<u8> {
    let mut numbers = Numbers::new(0x6502_6502_6502_6502);
    let mut characters = vec![0; 0x2000];
    for plane in characters.as_chunks_mut::<8>().0 {
        let noise = numbers.next().to_le_bytes();
        for row in 0..4 {
            let byte = noise[row] & 0xf0 | noise[row].reverse_bits() & 0x0f;
            (plane[row], plane[7 - row]) = (byte, byte);
        }
    }
    characters
}

/// Whether the program computed what it should have, and has sorted at least once.
pub(crate) fn results_are_right(console: &mut Console) -> bool {
    let crc = u16::from_le_bytes([console.peek(CRC_LOW.into()), console.peek(CRC_HIGH.into())]);
    crc == CRC_ANSWER && console.peek(PRIMES.into()) == PRIMES_ANSWER && console.peek(SORTED.into()) > 0
}

fn reset(a: &mut Assembler) {
    a.label("reset");
    a.op(&[Sei, Cld]);
    a.imm(Ldx, 0xff);
    a.op(&[Txs, Inx, Txa]);
    a.label("clear");
    for page in [0, SPRITES, SPEEDS, FLAGS, NUMBERS] {
        a.abs_x(Sta, page);
    }
    a.op(&[Inx]);
    a.branch(Bne, "clear");
    a.imm(Lda, 0xa7);
    a.zero(Sta, RANDOM);

    // The palettes are at 0x3f00.
    set_address(a, 0x3f, 0x00);
    a.label("palettes");
    a.table_x(Lda, "palette");
    a.abs(Sta, DATA);
    a.op(&[Inx]);
    a.imm(Cpx, 32);
    a.branch(Bne, "palettes");

    // Both tables of names are filled at random: eight pages from 0x2000.
    set_address(a, 0x20, 0x00);
    a.imm(Ldy, 8);
    a.imm(Ldx, 0);
    a.label("names");
    a.jump(Jsr, "random");
    a.abs(Sta, DATA);
    a.op(&[Inx]);
    a.branch(Bne, "names");
    a.op(&[Dey]);
    a.branch(Bne, "names");

    // Sprites at random places, with a speed of -2, -1, 1 or 2 in each direction.
    a.label("sprites");
    a.jump(Jsr, "random");
    a.abs_x(Sta, SPRITES);
    a.imm(And, 3);
    a.op(&[Sec]);
    a.imm(Sbc, 2);
    a.branch(Bmi, "negative");
    a.op(&[Clc]);
    a.imm(Adc, 1);
    a.label("negative");
    a.abs_x(Sta, SPEEDS);
    a.op(&[Inx]);
    a.branch(Bne, "sprites");

    a.imm(Lda, 0x88);
    a.zero(Sta, TABLE);
    a.abs(Sta, CONTROL);
    a.imm(Lda, 0x1e);
    a.abs(Sta, MASK);
}

/// CRC-16/CCITT, bit by bit, of the nine characters at `text`.
fn checksum(a: &mut Assembler) {
    a.imm(Lda, 0xff);
    a.zero(Sta, CRC_LOW);
    a.zero(Sta, CRC_HIGH);
    a.imm(Ldx, 0);
    a.label("crc byte");
    a.table_x(Lda, "text");
    a.zero(Eor, CRC_HIGH);
    a.zero(Sta, CRC_HIGH);
    a.imm(Ldy, 8);
    a.label("crc bit");
    a.zero(Asl, CRC_LOW);
    a.zero(Rol, CRC_HIGH);
    a.branch(Bcc, "crc next");
    a.zero(Lda, CRC_HIGH);
    a.imm(Eor, 0x10);
    a.zero(Sta, CRC_HIGH);
    a.zero(Lda, CRC_LOW);
    a.imm(Eor, 0x21);
    a.zero(Sta, CRC_LOW);
    a.label("crc next");
    a.op(&[Dey]);
    a.branch(Bne, "crc bit");
    a.op(&[Inx]);
    a.imm(Cpx, 9);
    a.branch(Bne, "crc byte");
}

/// Counts the primes below 256 in a page of flags.
fn sieve(a: &mut Assembler) {
    a.imm(Ldx, 2);
    a.label("sieve");
    a.abs_x(Lda, FLAGS);
    a.branch(Bne, "composite");
    a.zero(Inc, PRIMES);
    a.zero(Stx, TEMPORARY);
    a.op(&[Txa]);
    a.label("multiples");
    a.op(&[Clc]);
    a.zero(Adc, TEMPORARY);
    a.branch(Bcs, "composite");
    a.op(&[Tay]);
    a.imm(Lda, 1);
    a.abs_y(Sta, FLAGS);
    a.op(&[Tya]);
    a.jump(Jmp, "multiples");
    a.label("composite");
    a.op(&[Inx]);
    a.branch(Bne, "sieve");
}

/// Fills an array with random bytes and sorts it by exchange, again and again; counts the rounds.
fn sort(a: &mut Assembler) {
    let [low, high] = NUMBERS.to_le_bytes();
    a.imm(Lda, low);
    a.zero(Sta, POINTER);
    a.imm(Lda, high);
    a.zero(Sta, POINTER + 1);
    a.label("sort");
    a.imm(Ldx, NUMBER_COUNT);
    a.label("fill");
    a.jump(Jsr, "random");
    a.abs_x(Sta, NUMBERS - 1);
    a.op(&[Dex]);
    a.branch(Bne, "fill");
    a.label("pass");
    a.imm(Ldx, 0);
    a.imm(Ldy, 1);
    a.label("pair");
    a.indirect_y(Lda, POINTER);
    a.op(&[Dey]);
    a.indirect_y(Cmp, POINTER);
    a.branch(Bcs, "in order");
    // Exchanges the two; X counts the exchanges of a pass.
    a.op(&[Inx, Pha]);
    a.indirect_y(Lda, POINTER);
    a.op(&[Iny]);
    a.indirect_y(Sta, POINTER);
    a.op(&[Dey, Pla]);
    a.indirect_y(Sta, POINTER);
    a.label("in order");
    a.op(&[Iny, Iny]);
    a.imm(Cpy, NUMBER_COUNT);
    a.branch(Bne, "pair");
    a.imm(Cpx, 0);
    a.branch(Bne, "pass");
    a.zero(Inc, SORTED);
    a.jump(Jmp, "sort");
}

fn interrupt(a: &mut Assembler) {
    a.label("interrupt");
    a.op(&[Pha, Txa, Pha, Tya, Pha]);
    a.zero(Inc, FRAME);
    a.imm(Lda, SPRITES.to_le_bytes()[1]);
    a.abs(Sta, COPY_SPRITES);
    renew_tiles(a);
    read_pad(a);
    scroll(a);
    move_sprites(a);
    a.op(&[Pla, Tay, Pla, Tax, Pla, Rti]);
}

/// Writes a column of tiles, downwards: the increment of 32 is a bit of the control register.
fn renew_tiles(a: &mut Assembler) {
    a.zero(Lda, TABLE);
    a.imm(Ora, 4);
    a.abs(Sta, CONTROL);
    a.abs(Lda, STATUS);
    a.imm(Lda, 0x20);
    a.abs(Sta, ADDRESS);
    a.zero(Lda, FRAME);
    a.imm(And, 31);
    a.abs(Sta, ADDRESS);
    a.imm(Ldx, 30);
    a.label("column");
    a.op(&[Txa]);
    a.zero(Eor, FRAME);
    a.abs(Sta, DATA);
    a.op(&[Dex]);
    a.branch(Bne, "column");
}

/// Reads the eight buttons of the pad into a byte.
fn read_pad(a: &mut Assembler) {
    a.imm(Lda, 1);
    a.abs(Sta, PAD);
    a.imm(Ldx, 8);
    a.label("button");
    a.abs(Lda, PAD);
    a.acc(Lsr);
    a.zero(Ror, BUTTONS);
    a.op(&[Dex]);
    a.branch(Bne, "button");
}

/// Moves the view by one or, with the first button, three pixels; downwards every other picture.
fn scroll(a: &mut Assembler) {
    a.zero(Lda, BUTTONS);
    a.imm(And, 1);
    a.acc(Asl);
    a.op(&[Sec]);
    a.zero(Adc, SCROLL_X);
    a.zero(Sta, SCROLL_X);
    a.branch(Bcc, "same table");
    a.zero(Lda, TABLE);
    a.imm(Eor, 1);
    a.zero(Sta, TABLE);
    a.label("same table");
    a.zero(Lda, FRAME);
    a.acc(Lsr);
    a.branch(Bcc, "no step down");
    a.zero(Inc, SCROLL_Y);
    a.zero(Lda, SCROLL_Y);
    a.imm(Cmp, 240);
    a.branch(Bne, "no step down");
    a.imm(Lda, 0);
    a.zero(Sta, SCROLL_Y);
    a.label("no step down");
    a.zero(Lda, TABLE);
    a.abs(Sta, CONTROL);
    a.abs(Lda, STATUS);
    a.zero(Lda, SCROLL_X);
    a.abs(Sta, SCROLL);
    a.zero(Lda, SCROLL_Y);
    a.abs(Sta, SCROLL);
}

/// Adds the speeds to the coordinates, which are bytes 0 and 3 of each sprite; turns back at the lower edge.
fn move_sprites(a: &mut Assembler) {
    a.imm(Ldx, 0);
    a.label("sprite");
    a.op(&[Clc]);
    a.abs_x(Lda, SPRITES);
    a.abs_x(Adc, SPEEDS);
    a.abs_x(Sta, SPRITES);
    a.imm(Cmp, 232);
    a.branch(Bcc, "inside");
    a.imm(Lda, 0);
    a.op(&[Sec]);
    a.abs_x(Sbc, SPEEDS);
    a.abs_x(Sta, SPEEDS);
    a.label("inside");
    a.op(&[Clc]);
    a.abs_x(Lda, SPRITES + 3);
    a.abs_x(Adc, SPEEDS + 3);
    a.abs_x(Sta, SPRITES + 3);
    a.op(&[Inx, Inx, Inx, Inx]);
    a.branch(Bne, "sprite");
}

/// A byte from an 8-bit shift register with feedback of full period; keeps X and Y.
fn random(a: &mut Assembler) {
    a.label("random");
    a.zero(Lda, RANDOM);
    a.acc(Asl);
    a.branch(Bcc, "no feedback");
    a.imm(Eor, 0x1d);
    a.label("no feedback");
    a.zero(Sta, RANDOM);
    a.op(&[Rts]);
}

fn set_address(a: &mut Assembler, high: u8, low: u8) {
    a.imm(Lda, high);
    a.abs(Sta, ADDRESS);
    a.imm(Lda, low);
    a.abs(Sta, ADDRESS);
}
