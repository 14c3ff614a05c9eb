//! The targets: how inputs are made, and what is done with them. None may panic, whatever the input.

mod blob;
mod elf;
mod execute;
mod levels;
mod program;

use crate::engines;
use crate::probe::Probe;
use crate::random::Random;
use serde_json::Value;

/// An input. Everything a target does follows from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Input {
    pub(crate) bytes: Vec<u8>,
    /// The seed of choices that are no part of the bytes.
    pub(crate) choice: u64,
    /// What the bytes were made from by mutation; empty if they are no mutation.
    pub(crate) origin: Vec<u8>,
}

/// A fuzzer.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) generate: fn(&mut Random) -> Input,
    /// Returns whether the input got past the first checks.
    pub(crate) check: fn(&Input, &mut Probe) -> bool,
    /// The ELF that an input describes, if it is none itself.
    pub(crate) elf: Option<fn(&Input) -> Vec<u8>>,
    /// The smaller inputs that an input consists of, each of which may show a failure on its own.
    pub(crate) parts: Option<fn(&Input) -> Vec<Input>>,
    /// What occurred in the inputs so far.
    pub(crate) coverage: Option<fn() -> Value>,
}

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "blob",
        about: "parses mutated .polkavm blobs, lists them and assembles the listings",
        generate: blob::generate,
        check: blob::check,
        elf: None,
        parts: None,
        coverage: None,
    },
    Target {
        name: "spi",
        about: "the same with JAM standard programs and their metadata",
        generate: blob::generate_spi,
        check: blob::check_spi,
        elf: None,
        parts: None,
        coverage: None,
    },
    Target {
        name: "elf",
        about: "links mutated ELFs and archives, alone and together, then looks at and lists what came out",
        generate: elf::generate,
        check: elf::check,
        elf: None,
        parts: None,
        coverage: None,
    },
    Target {
        name: "levels",
        about: "links mutated ELFs at all levels and runs them: same result",
        generate: elf::generate_gently,
        check: levels::check,
        elf: None,
        parts: None,
        coverage: None,
    },
    Target {
        name: "generated",
        about: "the same with programs made from nothing, which keep the calling convention",
        generate: levels::generate,
        check: levels::check_generated,
        elf: Some(levels::generated),
        parts: None,
        coverage: None,
    },
    Target {
        name: "execute",
        about: "runs random code with little gas, also step by step: same result",
        generate: execute::generate,
        check: execute::check,
        elf: None,
        parts: None,
        coverage: None,
    },
    Target {
        name: "engines",
        about: "runs batches of random and structured programs compiled and interpreted: same result",
        generate: engines::generate,
        check: engines::check,
        elf: None,
        parts: Some(engines::parts),
        coverage: Some(engines::report),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe;

    #[test]
    fn every_target_accepts_some_inputs_and_fails_on_none() {
        for target in TARGETS {
            let mut accepted = 0;
            for seed in 1..100 {
                let input = (target.generate)(&mut Random::new(seed));
                assert_eq!(input, (target.generate)(&mut Random::new(seed)), "{} {seed}", target.name);
                let (measured, failure) = probe::check(target, &input);
                assert!(failure.is_none(), "{} {seed}: {failure:?}", target.name);
                accepted += u32::from(measured.accepted);
            }
            assert!(accepted > 5, "{}: {accepted}", target.name);
        }
    }
}
