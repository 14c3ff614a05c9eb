//! Screen, keys and sound, if the host has them: `Errno::NoFunction` otherwise.

use crate::abi::{Errno, KEY_DOWN};
use crate::calls;
use crate::error::{Result, check, check_32, check_size};

/// Shows a picture: rows of 0x00RRGGBB pixels from the top.
///
/// # Errors
/// What the host says; [`Errno::Invalid`] if `pixels` is not a number of rows of this width.
pub fn show(pixels: &[u32], width: u32) -> Result<()> {
    let columns = usize::try_from(width).map_err(|_| Errno::Invalid)?;
    let height =
        pixels.len().checked_div(columns).filter(|rows| rows * columns == pixels.len()).ok_or(Errno::Invalid)?;
    let height = u32::try_from(height).map_err(|_| Errno::Invalid)?;
    check(calls::show(pixels, width, height)).map(|_| ())
}

/// A key went down or up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Which: a USB HID usage of the keyboard page (7); A is 4.
    pub usage: u32,
    /// Down or up?
    pub is_down: bool,
}

/// The next key event; none if nothing happened.
///
/// # Errors
/// What the host says.
pub fn key() -> Result<Option<Key>> {
    match check_32(calls::key()) {
        Ok(code) => Ok(Some(Key { usage: code & !KEY_DOWN, is_down: code & KEY_DOWN != 0 })),
        Err(error) if error == Errno::Again => Ok(None),
        Err(error) => Err(error),
    }
}

/// Plays sound at 44,100 Hz, left and right sample of each frame; how many frames the host took.
///
/// # Errors
/// What the host says.
pub fn play(frames: &[[i16; 2]]) -> Result<usize> {
    check_size(calls::play(frames), frames.len())
}
