//! Random numbers and mutations, determined by a seed, or by bytes that say what is chosen.

use pvm_num::casts::{low_u8, to_u64, to_usize_saturating};

/// Where choices come from.
pub(crate) struct Random(Source);

enum Source {
    /// The state of a xorshift generator.
    Seed(u64),
    /// Bytes, last choice first; zeros behind them. What is made from fewer or smaller bytes is simpler, so that shrinking the
    /// bytes shrinks what is made.
    Bytes(Vec<u8>),
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut random = Random(Source::Seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
        random.next();
        random
    }

    /// Choices that bytes make.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Random {
        Random(Source::Bytes(bytes.iter().rev().copied().collect()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        match &mut self.0 {
            Source::Seed(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                *state
            }
            Source::Bytes(bytes) => (0..8).fold(0, |value, _| value << 8 | u64::from(bytes.pop().unwrap_or(0))),
        }
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        match &mut self.0 {
            Source::Bytes(bytes) if bound <= 256 => usize::from(bytes.pop().unwrap_or(0)) % bound,
            _ => to_usize_saturating(self.next() % to_u64(bound)),
        }
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub(crate) fn byte(&mut self) -> u8 {
        low_u8(self.next())
    }

    /// Changes a few bytes: flips bits, overwrites, inserts, removes, copies, or puts numbers that tend to hurt.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            if bytes.is_empty() {
                bytes.push(self.byte());
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.byte(),
                2 => bytes.insert(at, self.byte()),
                3 => {
                    bytes.remove(at);
                }
                4 => {
                    let end = (at + 1 + self.below(16)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, part);
                }
                _ => bytes[at] = *self.pick(&[0, 1, 0x7f, 0x80, 0xf0, 0xf8, 0xfe, 0xff]),
            }
        }
    }

    /// Changes a few bytes and leaves all others where they are.
    pub(crate) fn overwrite(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            bytes[at] = match self.below(3) {
                0 => bytes[at] ^ 1 << self.below(8),
                1 => self.byte(),
                _ => *self.pick(&[0, 1, 0x7f, 0x80, 0xfe, 0xff]),
            };
        }
    }
}
