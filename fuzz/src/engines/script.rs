//! Scripts: the bytes of an input, from which everything is drawn.
//!
//! A script that is at its end gives zeros, so that shrinking it gives simpler programs.

use crate::random::Random;
use pvm_num::casts::{low_u32, sign_extend_32, widen};

/// What is left of a script.
pub(super) struct Script<'a>(pub(super) &'a [u8]);

impl Script<'_> {
    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `bound`, which is at most 256.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// Once in `bound` times; never at the end of the script.
    pub(super) fn rarely(&mut self, bound: usize) -> bool {
        self.below(bound) == bound - 1
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// A number that tends to matter.
    pub(super) fn number(&mut self, places: &[u32]) -> u64 {
        let mut byte = || u64::from(self.byte());
        match byte() % 8 {
            0 => 0,
            1 => byte(),
            2 => byte().wrapping_sub(128),
            3 => {
                let index = pvm_num::casts::to_usize_saturating(byte()) % places.len();
                widen(places[index]).wrapping_add(byte()).wrapping_sub(128)
            }
            4 => 1 << (byte() % 64),
            5 => (1 << (byte() % 64)) - 1,
            6 => !(1 << (byte() % 64)),
            _ => (0..8).fold(0, |number, _| number << 8 | byte()),
        }
    }

    pub(super) fn imm(&mut self, places: &[u32]) -> i32 {
        low_u32(self.number(places)).cast_signed()
    }

    /// Many numbers from two bytes.
    pub(super) fn numbers<const N: usize>(&mut self, places: &[u32]) -> [u64; N] {
        let seed = u64::from(self.byte()) << 8 | u64::from(self.byte());
        if seed == 0 {
            return [0; N];
        }
        let mut random = Random::new(seed);
        let mut previous = 0;
        std::array::from_fn(|_| {
            let bytes = random.next().to_le_bytes();
            let more = random.next().to_le_bytes();
            // Equal numbers, and those that differ in their upper half only, decide comparisons.
            previous = match bytes[7] % 8 {
                0 => previous,
                1 => previous ^ 1 << 63,
                2 => sign_extend_32(low_u32(previous)),
                _ => Script(&[bytes, more].concat()).number(places),
            };
            previous
        })
    }
}
