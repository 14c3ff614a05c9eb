//! Keccak: as `blake2b`, with 25 words of state and rotations by a different amount for each.

use crate::checksum::{Checksum, check};
use core::hint::black_box;
use sha3::{Digest, Keccak256, Sha3_256};

const ROUNDS: u32 = 96;
/// The hash of nothing, known to every Ethereum client.
const EMPTY_KECCAK: &[u8; 32] = include_bytes!("../data/keccak-empty.bin");
/// Computed with Python's hashlib (data/answers.py).
const CHAIN: &[u8; 32] = include_bytes!("../data/sha3-chain.bin");

/// Returns a checksum over the last of a chain of SHA3-256 digests.
pub fn run() -> u64 {
    check(Keccak256::digest(b"")[..] == EMPTY_KECCAK[..]);

    // Each message is 4 KiB of a pattern and then the digest before.
    let pattern: [u8; 4096] = core::array::from_fn(|index| index.to_le_bytes()[0]);
    let mut digest = [0; 32];
    for _ in 0..black_box(ROUNDS) {
        let mut hasher = Sha3_256::new();
        hasher.update(pattern);
        hasher.update(digest);
        digest = hasher.finalize().into();
    }
    check(digest == *CHAIN);
    let mut checksum = Checksum::new();
    checksum.bytes(&digest);
    checksum.finish()
}
