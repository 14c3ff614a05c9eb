//! Shrinking: a smaller input that fails in the same way.
//!
//! Four moves, each with spans from half of the input down to a byte: take the original's bytes back, remove, replace by zeros,
//! and, last, replace code of an ELF by RISC-V `nop`s. A move that keeps the failure is kept.

use crate::elf::Layout;
use crate::failure::Failure;
use crate::probe;
use crate::targets::{Input, Target};
use std::time::{Duration, Instant};

/// How long shrinking may take.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(20);

/// The compressed one, which fits wherever an instruction does.
const NOP: [u8; 2] = [1, 0];

/// Shrinks an input of a target that fails so.
pub(crate) fn shrink(target: &Target, input: Input, failure: &Failure) -> Input {
    let kind = failure.kind();
    let fails = |input: &Input| probe::check(target, input).1.is_some_and(|failure| failure.kind() == kind);
    let parts = target.parts.map_or_else(Vec::new, |parts| parts(&input));
    shrink_by(parts.into_iter().find(fails).unwrap_or(input), fails)
}

fn shrink_by(mut input: Input, mut fails: impl FnMut(&Input) -> bool) -> Input {
    let end = Instant::now() + TIME_MAX;
    while [restore, remove, zero].map(|step| apply(&mut input, step, &mut fails, end)).contains(&true) {}
    apply(&mut input, nop, &mut fails, end);
    input
}

type Move = fn(&Input, usize, usize) -> Option<Vec<u8>>;

/// Makes one kind of move wherever it keeps the failure; has anything changed?
fn apply(input: &mut Input, step: Move, fails: &mut impl FnMut(&Input) -> bool, end: Instant) -> bool {
    let mut changed = false;
    let mut span = input.bytes.len().next_power_of_two() / 2;
    while span > 0 {
        let mut at = 0;
        while at < input.bytes.len() {
            if Instant::now() >= end {
                return false;
            }
            let stop = (at + span).min(input.bytes.len());
            match step(input, at, stop).filter(|bytes| *bytes != input.bytes) {
                Some(bytes) if fails(&Input { bytes: bytes.clone(), ..input.clone() }) => {
                    // What moved up is tried next.
                    at = if bytes.len() < input.bytes.len() { at } else { stop };
                    input.bytes = bytes;
                    changed = true;
                }
                _ => at = stop,
            }
        }
        span /= 2;
    }
    changed
}

fn restore(input: &Input, at: usize, end: usize) -> Option<Vec<u8>> {
    if input.origin.len() != input.bytes.len() {
        return None;
    }
    let mut bytes = input.bytes.clone();
    bytes[at..end].copy_from_slice(&input.origin[at..end]);
    Some(bytes)
}

/// Only where nothing is left of the original: a file with fixed offsets is smallest where it differs least.
fn remove(input: &Input, at: usize, end: usize) -> Option<Vec<u8>> {
    if input.origin.len() == input.bytes.len() {
        return None;
    }
    let mut bytes = input.bytes.clone();
    bytes.drain(at..end);
    Some(bytes)
}

fn zero(input: &Input, at: usize, end: usize) -> Option<Vec<u8>> {
    if input.origin.len() == input.bytes.len() {
        return None;
    }
    let mut bytes = input.bytes.clone();
    bytes[at..end].fill(0);
    Some(bytes)
}

fn nop(input: &Input, at: usize, end: usize) -> Option<Vec<u8>> {
    let mut bytes = input.bytes.clone();
    for (start, size) in Layout::of(&input.bytes).code {
        let code = at.max(start)..end.min(start + size);
        if !code.is_empty() && (code.start - start).is_multiple_of(2) {
            bytes[code].chunks_exact_mut(2).for_each(|half| half.copy_from_slice(&NOP));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let bytes: Vec<u8> = (0..200).collect();
        let input = Input { bytes, choice: 0, origin: Vec::new() };
        let small = shrink_by(input, |input| input.bytes.contains(&17) && input.bytes.contains(&190));
        assert_eq!(small.bytes, [17, 190]);
    }

    #[test]
    fn what_was_not_changed_stays() {
        let origin: Vec<u8> = (0..200).collect();
        let mut bytes = origin.clone();
        for at in [3, 77, 150] {
            bytes[at] = 255;
        }
        let small = shrink_by(Input { bytes, choice: 0, origin: origin.clone() }, |input| input.bytes[77] == 255);
        let mut expected = origin;
        expected[77] = 255;
        assert_eq!(small.bytes, expected);
    }

    #[test]
    fn code_that_does_not_matter_becomes_nops() {
        let bytes = crate::corpus::ELFS[0].to_vec();
        let (start, _) = Layout::of(&bytes).code[0];
        let word = bytes[start + 8..start + 12].to_vec();
        let small = shrink_by(Input { origin: bytes.clone(), bytes, choice: 0 }, |input| {
            input.bytes[start + 8..].starts_with(&word)
        });
        assert_eq!(small.bytes[start..start + 16], [&NOP.repeat(4)[..], &word, &NOP.repeat(2)].concat());
        assert_eq!(small.bytes[..start], small.origin[..start]);
    }
}
