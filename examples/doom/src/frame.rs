//! Pictures of the game: owned, hashed, and fitted into rectangles.

use pvm_system::Picture;
use std::fmt;

/// What a picture's sides are to each other on a screen, whatever its pixels: 4 to 3.
const ASPECT: (usize, usize) = (4, 3);

/// A picture that a guest showed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Rows from the top, 0x00RRGGBB each.
    pub(crate) pixels: Vec<u32>,
}

/// What identifies a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameHash(pub(crate) [u8; FrameHash::SIZE]);

impl FrameHash {
    /// Bytes of it.
    pub(crate) const SIZE: usize = 16;

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<FrameHash> {
        let mut bytes = [0; FrameHash::SIZE];
        let is_fitting = text.len() == 2 * FrameHash::SIZE && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_fitting {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(FrameHash(bytes))
    }
}

impl fmt::Display for FrameHash {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
    }
}

impl Frame {
    /// A copy of what is shown.
    pub(crate) fn new(picture: &Picture<'_>) -> Frame {
        let (pixels, _) = picture.pixels.as_chunks::<4>();
        Frame {
            width: usize_of(picture.width),
            height: usize_of(picture.height),
            pixels: pixels.iter().map(|bytes| u32::from_le_bytes(*bytes) & 0x00ff_ffff).collect(),
        }
    }

    /// The first 16 bytes of the BLAKE3 hash of width and height, each u32 little-endian, and of each pixel's red, green and
    /// blue byte.
    pub(crate) fn hash(&self) -> FrameHash {
        let mut hasher = blake3::Hasher::new();
        for side in [self.width, self.height] {
            hasher.update(&u32::try_from(side).expect("a guest gave it as a u32").to_le_bytes());
        }
        hasher.update(&self.rgb());
        let mut bytes = [0; FrameHash::SIZE];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..FrameHash::SIZE]);
        FrameHash(bytes)
    }

    /// Three bytes for each pixel.
    pub(crate) fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| rgb(*pixel)).collect()
    }
}

/// Red, green, blue of a pixel.
pub(crate) fn rgb(pixel: u32) -> [u8; 3] {
    let [_, red, green, blue] = pixel.to_be_bytes();
    [red, green, blue]
}

/// A number that came out of a u32.
fn usize_of(value: u32) -> usize {
    pvm_num::casts::to_usize(value)
}

/// Where a picture is in an area.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Place {
    /// The largest place of 4 to 3 in the middle of an area with square pixels.
    pub(crate) fn within(width: usize, height: usize) -> Place {
        let (across, down) = ASPECT;
        // The side that is short for the other one is used whole.
        let (fitting_width, fitting_height) = match width * down >= height * across {
            true => (height * across / down, height),
            false => (width, width * down / across),
        };
        Place {
            left: (width - fitting_width) / 2,
            top: (height - fitting_height) / 2,
            width: fitting_width,
            height: fitting_height,
        }
    }
}

/// Draws the picture into an area of `width` times `height` pixels, black around it: each pixel is the nearest one.
pub(crate) fn draw_nearest(frame: &Frame, area: &mut [u32], width: usize, height: usize) {
    let place = Place::within(width, height);
    area.fill(0);
    if frame.pixels.is_empty() {
        return;
    }
    let columns: Vec<usize> = (0..place.width).map(|x| x * frame.width / place.width).collect();
    for y in 0..place.height {
        let source = y * frame.height / place.height * frame.width;
        let target = (place.top + y) * width + place.left;
        for (pixel, column) in area[target..target + place.width].iter_mut().zip(&columns) {
            *pixel = frame.pixels[source + column];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape() {
        assert_eq!(Place::within(640, 480), Place { left: 0, top: 0, width: 640, height: 480 });
        assert_eq!(Place::within(1000, 480), Place { left: 180, top: 0, width: 640, height: 480 });
        assert_eq!(Place::within(640, 1000), Place { left: 0, top: 260, width: 640, height: 480 });
        assert_eq!(Place::within(0, 9), Place { left: 0, top: 4, width: 0, height: 0 });
        assert_eq!(Place::within(4, 2), Place { left: 1, top: 0, width: 2, height: 2 });
    }

    #[test]
    fn the_hash_is_of_size_and_colours() {
        let picture = |width, height, pixels| Frame::new(&Picture { width, height, pixels });
        let frame = picture(2, 1, &[1, 2, 3, 0, 4, 5, 6, 0]);
        assert_eq!(frame.pixels, [0x03_0201, 0x06_0504]);
        assert_eq!(frame.hash(), picture(2, 1, &[1, 2, 3, 99, 4, 5, 6, 99]).hash());
        assert_ne!(frame.hash(), picture(1, 2, &[1, 2, 3, 0, 4, 5, 6, 0]).hash());
        assert_ne!(frame.hash(), picture(2, 1, &[1, 2, 3, 0, 4, 5, 7, 0]).hash());
        let text = frame.hash().to_string();
        assert_eq!(FrameHash::parse(&text), Some(frame.hash()));
        assert_eq!(FrameHash::parse(&text[1..]), None);
        assert_eq!(FrameHash::parse(&text.replace(&text[..1], "g")), None);
    }

    #[test]
    fn drawing_centres_and_scales() {
        let frame = Frame { width: 2, height: 1, pixels: vec![1, 2] };
        let mut area = vec![9; 6 * 3];
        draw_nearest(&frame, &mut area, 6, 3);
        assert_eq!(area, [0, 1, 1, 2, 2, 0].repeat(3));
        draw_nearest(&Frame::default(), &mut area, 6, 3);
        assert_eq!(area, [0; 18]);
    }
}
