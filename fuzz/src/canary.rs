//! Canaries: bugs planted on purpose, to see that the fuzzer of engines finds each of them, and how fast.

use crate::engines::{self, BUGS, Bug};
use crate::random::Random;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How a bug was found.
#[derive(Serialize, Debug)]
pub(crate) struct Found {
    pub(crate) bug: &'static str,
    /// Seed of the input that showed it; none if it was not found in time.
    pub(crate) seed: Option<u64>,
    /// Inputs tried.
    pub(crate) inputs: u64,
    /// Programs in them.
    pub(crate) programs: u64,
    pub(crate) seconds: f64,
}

/// Looks for each bug for so long at most, and tells of each.
pub(crate) fn all(seed: u64, time_max: Duration, mut tell: impl FnMut(&Found)) {
    for bug in BUGS {
        tell(&find(bug, seed, time_max));
    }
}

fn find(bug: &Bug, first: u64, time_max: Duration) -> Found {
    let start = Instant::now();
    let mut found = Found { bug: bug.name, seed: None, inputs: 0, programs: 0, seconds: 0.0 };
    for seed in first.. {
        let input = engines::generate(&mut Random::new(seed));
        found.inputs += 1;
        found.programs += engines::PROGRAMS_PER_INPUT;
        if engines::compare_with(&input, bug).is_err() {
            // It is the bug that shows, not one of ours.
            assert_eq!(engines::compare_without(&input, bug), Ok(()), "engines differ (seed {seed})");
            found.seed = Some(seed);
            break;
        }
        if start.elapsed() > time_max {
            break;
        }
    }
    found.seconds = start.elapsed().as_secs_f64();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_found() {
        if !pvm::BackendKind::Compiler.is_supported() {
            return;
        }
        let mut count = 0;
        all(1, Duration::from_secs(60), |found| {
            assert!(found.seed.is_some(), "{found:?}");
            count += 1;
        });
        assert!(count >= 10);
    }
}
