//! A screen, keys and sound: what a host with a user brings.

use pvm_guest_abi::system::KEY_DOWN;

/// Frames of sound taken by one call.
pub(crate) const FRAMES_MAX: u32 = 1 << 16;

/// What a guest shows.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Rows from the top, four bytes for a pixel: blue, green, red, and one that means nothing.
    pub pixels: &'a [u8],
}

/// A key went down or up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyEvent {
    /// The key: a USB HID usage of the keyboard page (7).
    pub usage: u16,
    /// Down or up?
    pub is_down: bool,
}

impl KeyEvent {
    /// The event as `pvm_v1_key` gives it.
    pub fn code(self) -> u64 {
        u64::from(self.usage) | if self.is_down { u64::from(KEY_DOWN) } else { 0 }
    }
}

/// The devices of a guest.
pub trait Devices {
    /// Shows a picture.
    fn show(&mut self, picture: &Picture<'_>);

    /// The next key event, if there is one.
    fn key(&mut self) -> Option<KeyEvent>;

    /// Plays samples, left and right in turn, of 44,100 frames a second; how many *frames* were taken. A host without sound
    /// takes all.
    fn play(&mut self, samples: &[i16]) -> usize;
}
