//! The console: what is at which address, and how processor and picture unit share the time.

use super::{
    cpu::{Cpu, Memory},
    ppu::{HEIGHT, Ppu},
};
use crate::checksum::Checksum;
use alloc::{boxed::Box, vec::Vec};

/// Thirds of a processor cycle in a scanline: the picture unit has 341 of its own cycles for it.
const THIRDS_PER_LINE: u32 = 341;
const LINES: u32 = 262;
const BLANK_BEGINS: u32 = 241;
/// Cycles that copying 256 bytes of sprites takes from the processor.
const COPY_CYCLES: u32 = 513;

/// A console with its cartridge.
pub(crate) struct Console {
    cpu: Cpu,
    bus: Bus,
    /// Thirds of a cycle that the processor is ahead.
    ahead: u32,
}

struct Bus {
    ram: Box<[u8; 2048]>,
    program: Vec<u8>,
    ppu: Ppu,
    buttons: u8,
    /// The buttons not yet read, lowest first.
    button_shift: u8,
    stolen_cycles: u32,
}

impl Console {
    /// `program` is 32 KiB for 0x8000 and above, `characters` the 8 KiB of patterns.
    pub(crate) fn new(program: Vec<u8>, characters: Vec<u8>) -> Self {
        assert!(program.len() == 0x8000 && characters.len() == 0x2000, "the sizes of a cartridge without a mapper");
        let mut bus = Bus {
            ram: Box::new([0; 2048]),
            program,
            ppu: Ppu::new(characters),
            buttons: 0,
            button_shift: 0,
            stolen_cycles: 0,
        };
        Self { cpu: Cpu::new(&mut bus), bus, ahead: 0 }
    }

    pub(crate) fn set_buttons(&mut self, buttons: u8) {
        self.bus.buttons = buttons;
    }

    /// Runs until the picture is complete and the time without picture is over.
    pub(crate) fn run_frame(&mut self) {
        for line in 0..LINES {
            if let Ok(y) = u8::try_from(line)
                && usize::from(y) < HEIGHT
            {
                self.bus.ppu.render_line(y);
            }
            if line == BLANK_BEGINS && self.bus.ppu.begin_blank() {
                self.ahead += 3 * self.cpu.interrupt(&mut self.bus);
            }
            if line == LINES - 1 {
                self.bus.ppu.end_blank();
            }
            while self.ahead < THIRDS_PER_LINE {
                let cycles = self.cpu.step(&mut self.bus) + core::mem::take(&mut self.bus.stolen_cycles);
                self.ahead += 3 * cycles;
            }
            self.ahead -= THIRDS_PER_LINE;
        }
    }

    /// A color index for each pixel, row by row.
    #[cfg(test)]
    pub(crate) fn picture(&self) -> &[u8] {
        self.bus.ppu.picture()
    }

    /// A checksum over the picture in 24-bit colors, two pixels at a time.
    pub(crate) fn picture_hash(&self) -> u64 {
        let mut checksum = Checksum::new();
        for &[left, right] in self.bus.ppu.picture().as_chunks::<2>().0 {
            checksum.word(u64::from(color(left)) << 32 | u64::from(color(right)));
        }
        checksum.finish()
    }

    /// What the processor would read.
    pub(crate) fn peek(&mut self, address: u16) -> u8 {
        self.bus.read(address)
    }
}

impl Memory for Bus {
    fn read(&mut self, address: u16) -> u8 {
        match address {
            0..0x2000 => self.ram[usize::from(address & 0x7ff)],
            0x2000..0x4000 => self.ppu.read(address & 7),
            0x4016 => {
                let button = self.button_shift & 1;
                self.button_shift = self.button_shift >> 1 | 0x80;
                button
            }
            0x8000.. => self.program[usize::from(address & 0x7fff)],
            _ => 0,
        }
    }

    fn write(&mut self, address: u16, value: u8) {
        match address {
            0..0x2000 => self.ram[usize::from(address & 0x7ff)] = value,
            0x2000..0x4000 => self.ppu.write(address & 7, value),
            0x4014 => {
                let page = u16::from_le_bytes([0, value]);
                for offset in 0..256 {
                    let byte = self.read(page + offset);
                    self.ppu.write_sprite(byte);
                }
                self.stolen_cycles += COPY_CYCLES;
            }
            0x4016 => self.button_shift = self.buttons,
            _ => {}
        }
    }
}

/// A color of the console (four levels of twelve hues, and greys) as red, green and blue.
fn color(index: u8) -> u32 {
    let (hue, level) = (u32::from(index & 0x0f), u32::from(index >> 4 & 3));
    let bright = 0x50 + 0x38 * level;
    // The hues go round: each part is bright for half of the circle.
    let part = |offset: u32| match (hue + offset) % 12 {
        _ if hue == 0 => bright,
        _ if hue > 12 => 0x10 * level,
        0..6 => bright,
        _ => bright / 3,
    };
    part(0) << 16 | part(4) << 8 | part(8)
}
