//! Variable-length integers: the varint of `.polkavm`, which for 32-bit values is the Gray Paper's natural coding.
//!
//! ```text
//! 0vvvvvvv   10vvvvvv +1   110vvvvv +2   1110vvvv +3   11110000 +4        the upper bits stand in the first byte
//! ```

use crate::error::{Location, Part, ProgramError, ProgramErrorKind};
use alloc::vec::Vec;
use pvm_num::casts::{low_u8, to_u64, to_usize, to_usize_saturating, widen, widen_u8};

/// Which forms of a varint are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Varints {
    /// The shortest form only (polkavm 0.37, Gray Paper).
    #[default]
    Strict,
    /// Longer forms too (polkavm up to 0.36); a value above 32 bits is still refused.
    Lenient,
}

/// Reads the varint at the start of `bytes`: its value and how many bytes it takes.
pub fn read(bytes: &[u8], varints: Varints) -> Option<(u32, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let extra = first.leading_ones();
    if extra > 4 {
        return None;
    }
    let mut value = widen(widen_u8(first) & 0xff >> (extra + 1)) << (8 * extra);
    for (index, byte) in (0..extra).zip(rest.get(..to_usize(extra))?) {
        value |= widen(widen_u8(*byte)) << (8 * index);
    }
    if varints == Varints::Strict && extra > 0 && value >> (7 * extra) == 0 {
        return None;
    }
    Some((u32::try_from(value).ok()?, 1 + to_usize(extra)))
}

/// Appends `value` in its shortest form.
pub fn write(out: &mut Vec<u8>, value: u32) {
    let extra = match value {
        0..0x80 => 0,
        0x80..0x4000 => 1,
        0x4000..0x20_0000 => 2,
        0x20_0000..0x1000_0000 => 3,
        0x1000_0000.. => 4,
    };
    let marker = !(0xff_u32 >> extra);
    out.push(low_u8(widen(marker) | widen(value) >> (8 * extra)));
    out.extend_from_slice(&value.to_le_bytes()[..extra]);
}

/// Reads located fields from a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of `rest` in the part.
    offset: u64,
    part: Part,
    varints: Varints,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], part: Part, varints: Varints) -> Self {
        Reader { rest: bytes, offset: 0, part, varints }
    }

    /// Offset as an index of the part; it cannot saturate because the part is in memory.
    pub(crate) fn index(&self) -> usize {
        to_usize_saturating(self.offset)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn error(&self, kind: ProgramErrorKind) -> ProgramError {
        ProgramError { kind, at: Location { part: self.part, offset: self.offset } }
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], ProgramError> {
        let Some((taken, rest)) = self.rest.split_at_checked(to_usize_saturating(count)) else {
            let found = to_u64(self.rest.len());
            return Err(self.error(ProgramErrorKind::UnexpectedEnd { wanted: count, found }));
        };
        self.rest = rest;
        self.offset += count;
        Ok(taken)
    }

    /// Everything that is left.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let taken = self.rest;
        self.offset += to_u64(taken.len());
        self.rest = &[];
        taken
    }

    /// The next `count` bytes as a reader of their own; locations stay those of the part.
    pub(crate) fn sub(&mut self, count: u64) -> Result<Reader<'a>, ProgramError> {
        let start = *self;
        let rest = self.take(count)?;
        Ok(Reader { rest, ..start })
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ProgramError> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of `size` bytes, at most 8.
    pub(crate) fn le(&mut self, size: u64) -> Result<u64, ProgramError> {
        Ok(self.take(size)?.iter().rev().fold(0, |value, byte| value << 8 | widen(widen_u8(*byte))))
    }

    pub(crate) fn varint(&mut self) -> Result<u32, ProgramError> {
        if self.rest.is_empty() {
            return Err(self.error(ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 }));
        }
        let (value, length) = read(self.rest, self.varints).ok_or_else(|| self.error(ProgramErrorKind::BadVarint))?;
        self.take(to_u64(length))?;
        Ok(value)
    }

    /// Refuses bytes that are left.
    pub(crate) fn finish(&self) -> Result<(), ProgramError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(self.error(ProgramErrorKind::TrailingBytes { count: to_u64(count) })),
        }
    }
}

/// Reads a little-endian `u32` at `index` of an array of them.
pub(crate) fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index.checked_mul(4)?;
    Some(u32::from_le_bytes(*bytes.get(start..)?.first_chunk::<4>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: u32, bytes: &[u8]) {
        let mut out = Vec::new();
        write(&mut out, value);
        assert_eq!(out, bytes);
        assert_eq!(read(bytes, Varints::Strict), Some((value, bytes.len())));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length], Varints::Lenient), None);
        }
    }

    #[test]
    fn boundaries() {
        check(0, &[0]);
        check(0x7f, &[0x7f]);
        check(0x80, &[0x80, 0x80]);
        check(0x3fff, &[0xbf, 0xff]);
        check(0x4000, &[0xc0, 0x00, 0x40]);
        check(0x1f_ffff, &[0xdf, 0xff, 0xff]);
        check(0x20_0000, &[0xe0, 0x00, 0x00, 0x20]);
        check(0xfff_ffff, &[0xef, 0xff, 0xff, 0xff]);
        check(0x1000_0000, &[0xf0, 0x00, 0x00, 0x00, 0x10]);
        check(u32::MAX, &[0xf0, 0xff, 0xff, 0xff, 0xff]);
    }

    #[test]
    fn longer_forms_need_leniency() {
        for bytes in [&[0x80, 0x05][..], &[0xc0, 0x05, 0x00], &[0xe0, 5, 0, 0], &[0xf0, 5, 0, 0, 0]] {
            assert_eq!(read(bytes, Varints::Strict), None);
            assert_eq!(read(bytes, Varints::Lenient), Some((5, bytes.len())));
        }
        assert_eq!(read(&[0xf1, 0, 0, 0, 0], Varints::Lenient), None);
        assert_eq!(read(&[0xf8, 0, 0, 0, 0, 0], Varints::Lenient), None);
    }
}
