//! Random C programs whose result two native compilers agree on: linked at every level for every 64-bit set, they give it
//! too. Skipped where the corpus is not beside the repository.

mod common;

use common::{call, no_host, repository};
use pvm_isa::InstructionSet;
use pvm_linker::{Config, link};
use serde_json::Value;

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
