//! A small games console: a 6502 running a cartridge, a picture unit that draws its frames.
//!
//! The shape of an emulator, which is what guests of interpreters so often are: a decode table, a large `match`, memory
//! mapped by address, and a renderer that works pixel by pixel. The machine is modelled on the NES, with scanlines as the
//! smallest unit of time and none of its unofficial instructions; the cartridge is our own (`cartridge`).

mod asm;
mod bus;
mod cartridge;
mod cpu;
mod opcodes;
mod ppu;

use crate::checksum::{Checksum, check};
use bus::Console;
use core::hint::black_box;

const FRAMES: u32 = 10;
/// Of the last frame, as computed natively; the cartridge's own results have answers from elsewhere.
const PICTURE: u64 = 0x0d9c_2413_6364_0fc8;

/// Runs the cartridge for ten frames and returns a checksum over all pictures.
pub fn run() -> u64 {
    let mut console = Console::new(cartridge::program(), cartridge::characters());
    let mut pictures = Checksum::new();
    for frame in 0..black_box(FRAMES) {
        // Holds a direction for some frames, then the next.
        console.set_buttons(1 << (frame / 3 % 4));
        console.run_frame();
        pictures.word(console.picture_hash());
    }
    check(cartridge::results_are_right(&mut console));
    check(console.picture_hash() == PICTURE);
    pictures.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_has_background_and_sprites() {
        let mut console = Console::new(cartridge::program(), cartridge::characters());
        (0..FRAMES).for_each(|_| console.run_frame());
        let colors: alloc::collections::BTreeSet<u8> = console.picture().iter().copied().collect();
        assert!(colors.len() >= 12, "{colors:x?}");
    }
}
