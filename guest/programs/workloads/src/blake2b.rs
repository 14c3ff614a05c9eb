//! BLAKE2b: 64-bit additions, exclusive ors and rotations over a state that does not fit the registers.

use crate::checksum::{Checksum, check};
use blake2::{Blake2b512, Digest};
use core::hint::black_box;

const ROUNDS: u32 = 256;
/// RFC 7693, appendix A.
const ABC: &[u8; 64] = include_bytes!("../data/blake2b-abc.bin");
/// Computed with Python's hashlib (data/answers.py).
const CHAIN: &[u8; 64] = include_bytes!("../data/blake2b-chain.bin");

/// Returns a checksum over the last of a chain of digests, one MiB of input in all.
pub fn run() -> u64 {
    check(Blake2b512::digest(b"abc")[..] == ABC[..]);

    // Each message is 4 KiB of a pattern and then the digest before.
    let pattern: [u8; 4096] = core::array::from_fn(|index| index.to_le_bytes()[0]);
    let mut digest = [0; 64];
    for _ in 0..black_box(ROUNDS) {
        let mut hasher = Blake2b512::new();
        hasher.update(pattern);
        hasher.update(digest);
        digest = hasher.finalize().into();
    }
    check(digest == *CHAIN);
    let mut checksum = Checksum::new();
    checksum.bytes(&digest);
    checksum.finish()
}
