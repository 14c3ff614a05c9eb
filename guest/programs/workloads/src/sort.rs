//! Sorting as the standard library does it: the unstable sort of words, the stable sort of records by a key, and a heap.

use crate::checksum::{Checksum, Numbers, check};
use alloc::{collections::BinaryHeap, vec::Vec};
use core::hint::black_box;

const WORDS: u32 = 60_000;
const RECORDS: u32 = 30_000;
const HEAP: u32 = 10_000;

/// Returns a checksum over the sorted data.
pub fn run() -> u64 {
    let mut checksum = Checksum::new();
    words(&mut checksum, black_box(WORDS));
    records(&mut checksum, black_box(RECORDS));
    heap(&mut checksum, black_box(HEAP));
    checksum.finish()
}

fn words(checksum: &mut Checksum, count: u32) {
    let mut numbers = Numbers::new(0x1234_5678_9abc_def1);
    let mut words: Vec<u64> = (0..count).map(|_| numbers.next()).collect();
    let sum = sum(&words);
    words.sort_unstable();
    check(words.is_sorted() && self::sum(&words) == sum);
    words.iter().step_by(97).for_each(|&word| checksum.word(word));
}

fn records(checksum: &mut Checksum, count: u32) {
    let mut numbers = Numbers::new(0x0fed_cba9_8765_4321);
    let mut records: Vec<(u16, u32)> = (0..count).map(|index| (low_bits(numbers.next()), index)).collect();
    records.sort_by_key(|record| record.0);
    // Stable: equal keys keep their order, hence the pairs are sorted too.
    check(records.is_sorted());
    records.iter().step_by(97).for_each(|&(key, index)| checksum.word(u64::from(key) << 32 | u64::from(index)));
}

fn heap(checksum: &mut Checksum, count: u32) {
    let mut numbers = Numbers::new(0x5555_aaaa_1111_eeee);
    let mut heap = BinaryHeap::new();
    for _ in 0..count {
        heap.push(numbers.next());
    }
    let mut last = u64::MAX;
    while let Some(top) = heap.pop() {
        check(top <= last);
        last = top;
        checksum.word(top);
    }
}

/// Few enough bits that keys repeat.
fn low_bits(word: u64) -> u16 {
    let [low, high, ..] = word.to_le_bytes();
    u16::from_le_bytes([low, high & 0x0f])
}

fn sum(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, &word| sum.wrapping_add(word))
}
