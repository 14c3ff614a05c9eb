//! Random C programs whose result two native compilers agree on: linked at every level for every 64-bit set, they give it
//! too. Skipped where the corpus is not beside the repository.

mod common;

use common::{call, no_host, repository};
use pvm_isa::InstructionSet;
use pvm_linker::{Config, Optimize, PassSelection, Trust, link, passes};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn csmith_programs_give_the_agreed_result() {
    let corpus = repository("../shared/conformance/corpus/elfs/csmith");
    let Ok(index) = std::fs::read(corpus.join("index.json")) else {
        eprintln!("skipped: {} is not there", corpus.display());
        return;
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let sets =
        [InstructionSet::Latest64, InstructionSet::Latest64Bitmask, InstructionSet::ReviveV1, InstructionSet::JamV1];
    let mut runs = 0;
    for entry in index.as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let elf = std::fs::read(corpus.join(file)).unwrap();
        for opt_level in 0..=2 {
            for set in sets {
                let config = Config { target: Some(set), opt_level, ..Config::default() };
                let linked = link(&elf, &config).unwrap_or_else(|error| panic!("{file} at {opt_level}: {error}"));
                let result = call(&linked.parts, "main", &[], no_host);
                assert_eq!(result, Ok(entry["expected_a0"].as_u64().unwrap()), "{file} at {opt_level} for {set}");
                runs += 1;
            }
        }
    }
    assert!(runs >= 100, "the corpus has shrunk: {runs} runs");
}

#[test]
fn csmith_programs_give_the_agreed_result_whatever_pass_is_missing_or_alone() {
    let corpus = repository("../shared/conformance/corpus/elfs/csmith");
    let Ok(index) = std::fs::read(corpus.join("index.json")) else {
        eprintln!("skipped: {} is not there", corpus.display());
        return;
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let names: Vec<&str> = passes().map(|pass| pass.name).collect();
    let mut selections: Vec<String> = names.iter().map(|name| format!("-{name}")).collect();
    selections.extend(names.iter().map(|name| (*name).to_owned()));
    for (number, entry) in index.as_array().unwrap().iter().enumerate() {
        let file = entry["file"].as_str().unwrap();
        let elf = std::fs::read(corpus.join(file)).unwrap();
        let mut seen = BTreeSet::new();
        let mut check = |config: &Config, how: &str| {
            let linked = link(&elf, config).unwrap_or_else(|error| panic!("{file} {how}: {error}"));
            // What several selections make alike runs once.
            if seen.insert(linked.to_polkavm_blob().unwrap()) {
                let result = call(&linked.parts, "main", &[], no_host);
                assert_eq!(result, Ok(entry["expected_a0"].as_u64().unwrap()), "{file} {how}");
            }
        };
        // Every third in turn, so that each is tried on a third of the programs; examples/csmith.rs tries all.
        for selection in selections.iter().skip(number % 3).step_by(3) {
            let passes = PassSelection::parse(selection).unwrap();
            check(&Config { passes, ..Config::default() }, &format!("with passes {selection}"));
        }
        for (optimize, trust) in [
            (Optimize::Gas, Trust::CallingConvention),
            (Optimize::Size, Trust::Nothing),
            (Optimize::Gas, Trust::Nothing),
        ] {
            let config = Config { optimize, trust, ..Config::default() };
            check(&config, &format!("for {optimize:?} trusting {trust:?}"));
        }
        for stop_after in [1, 2, 3, 5, 8, 13, 21] {
            let config = Config { stop_after: Some(stop_after), ..Config::default() };
            check(&config, &format!("stopped after {stop_after}"));
        }
    }
}
