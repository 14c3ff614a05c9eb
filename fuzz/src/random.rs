//! Random numbers and mutations, determined by a seed.

/// A xorshift generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        pvm_num::casts::to_usize_saturating(self.next() % pvm_num::casts::to_u64(bound))
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub(crate) fn byte(&mut self) -> u8 {
        pvm_num::casts::low_u8(self.next())
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
