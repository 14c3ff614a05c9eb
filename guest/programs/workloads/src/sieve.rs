//! The sieve of Eratosthenes over the odd numbers, one bit each: stores with a stride that outgrow the caches.

use crate::checksum::{Checksum, check};
use alloc::{vec, vec::Vec};
use core::hint::black_box;

const LIMIT: usize = 2_000_000;
/// How many primes are below `LIMIT` (OEIS A006880 and tables of it).
const PRIMES_BELOW: u64 = 148_933;

/// Returns a checksum over every thousandth prime below two million.
pub fn run() -> u64 {
    let composite = sieve(black_box(LIMIT));
    let mut checksum = Checksum::new();
    let mut count = 1u64;
    for index in 1..LIMIT / 2 {
        if !is_set(&composite, index) {
            count += 1;
            if count.is_multiple_of(1000) {
                checksum.word(u64::try_from(2 * index + 1).unwrap_or(0));
            }
        }
    }
    check(count == PRIMES_BELOW);
    checksum.finish()
}

/// A bit for each odd number `2 * index + 1` below `limit`, set if it is composite.
fn sieve(limit: usize) -> Vec<u64> {
    let odd = limit / 2;
    let mut composite = vec![0u64; odd.div_ceil(64)];
    for index in 1..odd {
        let number = 2 * index + 1;
        let square = 2 * index * (index + 1);
        if square >= odd {
            break;
        }
        if !is_set(&composite, index) {
            for multiple in (square..odd).step_by(number) {
                composite[multiple / 64] |= 1 << (multiple % 64);
            }
        }
    }
    composite
}

fn is_set(bits: &[u64], index: usize) -> bool {
    bits[index / 64] >> (index % 64) & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes() {
        let composite = sieve(60);
        let primes: Vec<usize> = (1..30).filter(|&i| !is_set(&composite, i)).map(|i| 2 * i + 1).collect();
        assert_eq!(primes, [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59]);
    }
}
