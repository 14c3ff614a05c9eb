//! Verification of Ed25519 signatures: 128-bit products, carries, and long straight-line code.

use crate::checksum::{Checksum, check};
use core::hint::black_box;
use ed25519_dalek::{Signature, VerifyingKey};

/// Vectors of RFC 8032, section 7.1, and longer messages (data/answers.py, which tells the layout).
const VECTORS: &[u8] = include_bytes!("../data/ed25519.bin");
const ROUNDS: u32 = 3;
const VECTOR_COUNT: u64 = 5;

/// Returns a checksum over the accepted signatures.
pub fn run() -> u64 {
    let mut checksum = Checksum::new();
    for round in 0..black_box(ROUNDS) {
        let mut rest = VECTORS;
        let mut accepted = 0;
        while let Some((key, signature, message, behind)) = next_vector(rest) {
            check(is_valid(key, signature, message));
            checksum.bytes(signature);
            accepted += 1;
            rest = behind;
        }
        check(accepted == VECTOR_COUNT && rest.is_empty());
        checksum.word(round.into());
    }
    let tampered = next_vector(VECTORS).is_some_and(|(key, signature, ..)| is_valid(key, signature, b"tampered"));
    check(!tampered);
    checksum.finish()
}

type Vector<'a> = (&'a [u8; 32], &'a [u8; 64], &'a [u8], &'a [u8]);

/// The first vector of `bytes` and what follows it.
fn next_vector(bytes: &[u8]) -> Option<Vector<'_>> {
    let (key, bytes) = bytes.split_first_chunk()?;
    let (signature, bytes) = bytes.split_first_chunk()?;
    let (length, bytes) = bytes.split_first_chunk()?;
    let (message, bytes) = bytes.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((key, signature, message, bytes))
}

fn is_valid(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}
