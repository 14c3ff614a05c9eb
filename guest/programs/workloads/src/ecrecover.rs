//! The signer's address from a secp256k1 signature, as Ethereum's precompile computes it.

use crate::checksum::{Checksum, check};
use core::hint::black_box;
use k256::{
    ecdsa::{RecoveryId, Signature, VerifyingKey},
    elliptic_curve::sec1::ToSec1Point,
};
use sha3::{Digest, Keccak256};

/// Records of a message hash, v, r, s and the address (data/answers.py).
const VECTORS: &[u8] = include_bytes!("../data/ecrecover.bin");
const RECORD: usize = 32 + 1 + 32 + 32 + 20;
const ROUNDS: u32 = 3;

/// Returns a checksum over the recovered addresses.
pub fn run() -> u64 {
    let mut checksum = Checksum::new();
    for round in 0..black_box(ROUNDS) {
        let (records, rest) = VECTORS.as_chunks::<RECORD>();
        check(rest.is_empty() && records.len() == 4);
        for record in records {
            let (hash, record) = record.split_at(32);
            let (v, record) = record.split_at(1);
            let (signature, expected) = record.split_at(64);
            let address = recover(hash, v[0], signature);
            check(address.is_some_and(|address| address[..] == *expected));
            checksum.bytes(expected);
        }
        checksum.word(round.into());
    }
    // r = 0 is no point of the curve.
    check(recover(&VECTORS[..32], 27, &[0; 64]).is_none());
    checksum.finish()
}

/// `v` is 27 or 28; a signature of the upper half is accepted, as by the precompile.
fn recover(hash: &[u8], v: u8, signature: &[u8]) -> Option<[u8; 20]> {
    let mut id = RecoveryId::from_byte(v.checked_sub(27)?)?;
    let mut signature = Signature::from_slice(signature).ok()?;
    let normal = signature.normalize_s();
    if normal != signature {
        signature = normal;
        id = RecoveryId::new(!id.is_y_odd(), id.is_x_reduced());
    }
    let key = VerifyingKey::recover_from_prehash(hash, &signature, id).ok()?;
    let point = key.as_affine().to_sec1_point(false);
    let digest = Keccak256::digest(&point.as_bytes()[1..]);
    digest.last_chunk().copied()
}
