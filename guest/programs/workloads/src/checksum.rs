//! What every workload needs: a checksum, reproducible numbers, and a check that costs no formatting code.

/// FNV-1a over 64 bits, fed with words or bytes.
pub(crate) struct Checksum(u64);

impl Checksum {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.word(byte.into());
        }
    }

    pub(crate) const fn finish(self) -> u64 {
        self.0
    }
}

/// Marsaglia's xorshift64: reproducible numbers that look random.
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The seed must not be zero.
    pub(crate) const fn new(seed: u64) -> Self {
        assert!(seed != 0, "xorshift stays at zero");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Ends the workload when an answer is not the known one.
#[track_caller]
pub(crate) fn check(is_right: bool) {
    assert!(is_right, "a workload got a wrong answer");
}
