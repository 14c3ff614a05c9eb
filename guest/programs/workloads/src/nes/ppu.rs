//! The picture unit: registers the processor writes, and a renderer for one scanline at a time.

use alloc::{boxed::Box, vec, vec::Vec};

pub(crate) const WIDTH: usize = 256;
pub(crate) const HEIGHT: usize = 240;

/// Bits of the control register.
const CONTROL_INCREMENT_32: u8 = 1 << 2;
const CONTROL_SPRITES_HIGH: u8 = 1 << 3;
const CONTROL_BACKGROUND_HIGH: u8 = 1 << 4;
const CONTROL_NMI: u8 = 1 << 7;
/// Bits of the mask register.
const MASK_BACKGROUND: u8 = 1 << 3;
const MASK_SPRITES: u8 = 1 << 4;
/// Bits of the status register.
const STATUS_TOO_MANY: u8 = 1 << 5;
const STATUS_ZERO_HIT: u8 = 1 << 6;
const STATUS_BLANK: u8 = 1 << 7;

const SPRITES_PER_LINE_MAX: usize = 8;
const FLIP_X: u8 = 1 << 6;
const FLIP_Y: u8 = 1 << 7;
const BEHIND: u8 = 1 << 5;

/// State and picture of the unit.
pub(crate) struct Ppu {
    characters: Vec<u8>,
    /// Two name tables of 1 KiB side by side.
    names: Box<[u8; 2048]>,
    palette: [u8; 32],
    sprites: [u8; 256],
    sprite_address: u8,
    control: u8,
    mask: u8,
    status: u8,
    scroll: [u8; 2],
    address: u16,
    is_second_write: bool,
    read_buffer: u8,
    picture: Vec<u8>,
}

impl Ppu {
    pub(crate) fn new(characters: Vec<u8>) -> Self {
        Self {
            characters,
            names: Box::new([0; 2048]),
            palette: [0; 32],
            sprites: [0; 256],
            sprite_address: 0,
            control: 0,
            mask: 0,
            status: 0,
            scroll: [0; 2],
            address: 0,
            is_second_write: false,
            read_buffer: 0,
            picture: vec![0; WIDTH * HEIGHT],
        }
    }

    /// A color index for each pixel, row by row.
    pub(crate) fn picture(&self) -> &[u8] {
        &self.picture
    }

    /// Begins the time without picture; returns whether the processor is interrupted.
    pub(crate) fn begin_blank(&mut self) -> bool {
        self.status |= STATUS_BLANK;
        self.control & CONTROL_NMI != 0
    }

    pub(crate) fn end_blank(&mut self) {
        self.status = 0;
    }

    /// Reads register 0..7.
    pub(crate) fn read(&mut self, register: u16) -> u8 {
        match register {
            2 => {
                let status = self.status;
                self.status &= !STATUS_BLANK;
                self.is_second_write = false;
                status
            }
            4 => self.sprites[usize::from(self.sprite_address)],
            7 => {
                let value = self.read_memory(self.address);
                let is_palette = self.address & 0x3fff >= 0x3f00;
                self.advance();
                // Reads come one late, except those of the palette.
                let buffered = core::mem::replace(&mut self.read_buffer, value);
                if is_palette { value } else { buffered }
            }
            _ => 0,
        }
    }

    /// Writes register 0..7.
    pub(crate) fn write(&mut self, register: u16, value: u8) {
        match register {
            0 => self.control = value,
            1 => self.mask = value,
            3 => self.sprite_address = value,
            4 => self.write_sprite(value),
            5 => {
                self.scroll[usize::from(self.is_second_write)] = value;
                self.is_second_write = !self.is_second_write;
            }
            6 => {
                let [low, high] = self.address.to_le_bytes();
                let bytes = if self.is_second_write { [value, high] } else { [low, value & 0x3f] };
                self.address = u16::from_le_bytes(bytes);
                self.is_second_write = !self.is_second_write;
            }
            7 => {
                self.write_memory(self.address, value);
                self.advance();
            }
            _ => {}
        }
    }

    pub(crate) fn write_sprite(&mut self, value: u8) {
        self.sprites[usize::from(self.sprite_address)] = value;
        self.sprite_address = self.sprite_address.wrapping_add(1);
    }

    fn advance(&mut self) {
        let step = if self.control & CONTROL_INCREMENT_32 == 0 { 1 } else { 32 };
        self.address = self.address.wrapping_add(step);
    }

    fn read_memory(&self, address: u16) -> u8 {
        match address & 0x3fff {
            at @ 0..0x2000 => self.characters[usize::from(at)],
            at @ 0x2000..0x3f00 => self.names[usize::from(at & 0x7ff)],
            at => self.palette[palette_index(at)],
        }
    }

    fn write_memory(&mut self, address: u16, value: u8) {
        match address & 0x3fff {
            // The characters are in a ROM.
            0..0x2000 => {}
            at @ 0x2000..0x3f00 => self.names[usize::from(at & 0x7ff)] = value,
            at => self.palette[palette_index(at)] = value & 0x3f,
        }
    }

    /// Draws row `y` of the picture, which is below `HEIGHT`.
    pub(crate) fn render_line(&mut self, y: u8) {
        let mut line = [0u8; WIDTH];
        if self.mask & MASK_BACKGROUND != 0 {
            self.render_background(y, &mut line);
        }
        if self.mask & MASK_SPRITES != 0 {
            self.render_sprites(y, &mut line);
        }
        let start = usize::from(y) * WIDTH;
        for (pixel, &index) in self.picture[start..start + WIDTH].iter_mut().zip(&line) {
            // Each palette has the common background as its color zero.
            *pixel = self.palette[if index & 3 == 0 { 0 } else { usize::from(index & 0x1f) }];
        }
    }

    /// Palette indices of the background: two bits of the pixel, two of the attribute.
    fn render_background(&self, y: u8, line: &mut [u8; WIDTH]) {
        let patterns = if self.control & CONTROL_BACKGROUND_HIGH == 0 { 0 } else { 0x1000 };
        // The tables are side by side: 64 tiles in a row, and the picture wraps within 30 rows of them.
        let row = (u16::from(y) + u16::from(self.scroll[1])) % 240;
        let column = u16::from(self.scroll[0]) + 256 * u16::from(self.control & 1);
        let skip = usize::from(column & 7);
        for tile in 0..=32u16 {
            let x = (column / 8 + tile) % 64;
            let table = usize::from(x / 32) * 0x400;
            let name = self.names[table + usize::from(row / 8 * 32 + x % 32)];
            let attributes = self.names[table + 0x3c0 + usize::from(row / 32 * 8 + x % 32 / 4)];
            let attribute = attributes >> ((row / 16 % 2) * 4 + (x / 2 % 2) * 2) & 3;
            let pattern = patterns + usize::from(name) * 16 + usize::from(row & 7);
            let (low, high) = (self.characters[pattern], self.characters[pattern + 8]);
            for bit in 0..8usize {
                let Some(at) = (usize::from(tile) * 8 + bit).checked_sub(skip) else { continue };
                if let Some(pixel) = line.get_mut(at) {
                    *pixel = attribute << 2 | bit_of(high, bit) << 1 | bit_of(low, bit);
                }
            }
        }
    }

    /// Puts the first eight sprites of the line over the background; earlier ones win.
    fn render_sprites(&mut self, y: u8, line: &mut [u8; WIDTH]) {
        let patterns = if self.control & CONTROL_SPRITES_HIGH == 0 { 0 } else { 0x1000 };
        let mut taken = [false; WIDTH];
        let mut count = 0;
        for (number, sprite) in self.sprites.as_chunks::<4>().0.iter().enumerate() {
            let &[top, tile, attributes, left] = sprite;
            // A sprite begins on the line after its coordinate.
            let row = match y.checked_sub(top.wrapping_add(1)) {
                Some(row) if row < 8 && top < 0xef => row,
                _ => continue,
            };
            if count == SPRITES_PER_LINE_MAX {
                self.status |= STATUS_TOO_MANY;
                break;
            }
            count += 1;
            let row = if attributes & FLIP_Y == 0 { row } else { 7 - row };
            let pattern = patterns + usize::from(tile) * 16 + usize::from(row);
            let (low, high) = (self.characters[pattern], self.characters[pattern + 8]);
            for bit in 0..8usize {
                let at = usize::from(left) + bit;
                let from = if attributes & FLIP_X == 0 { bit } else { 7 - bit };
                let color = bit_of(high, from) << 1 | bit_of(low, from);
                if at >= WIDTH || color == 0 || taken[at] {
                    continue;
                }
                taken[at] = true;
                let is_over_background = line[at] & 3 != 0;
                if number == 0 && is_over_background && at < 255 {
                    self.status |= STATUS_ZERO_HIT;
                }
                if !(is_over_background && attributes & BEHIND != 0) {
                    line[at] = 0x10 | (attributes & 3) << 2 | color;
                }
            }
        }
    }
}

/// Bit 0 is the leftmost, that is the highest.
const fn bit_of(byte: u8, bit: usize) -> u8 {
    byte >> (7 - bit) & 1
}

/// Color zero of a sprite palette is that of the background palette.
fn palette_index(address: u16) -> usize {
    let index = usize::from(address & 0x1f);
    if index & 0x13 == 0x10 { index - 0x10 } else { index }
}
