//! One C program by two compilers, in every code model, by three linkers, with and without relaxation: always the same
//! result.
//!
//! The sources are in `tests/link/toolchains` of the repository; `tests/link/build.sh` makes the files, whose names say how.

mod common;

use common::{call, no_host, repository};
use pvm_linker::{Config, link};

/// What the program gives on the machine that built the tests.
const RESULT: u32 = 3_184_521_469;

#[test]
fn every_way_to_build_a_program_gives_its_result() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(repository("tests/link/toolchains")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".elf") {
            continue;
        }
        let elf = std::fs::read(&path).unwrap();
        for opt_level in 0..=2 {
            let config = Config { opt_level, ..Config::default() };
            let linked = link(&elf, &config).unwrap_or_else(|error| panic!("{name} at {opt_level}: {error}"));
            let result = call(&linked.parts, "main", &[], no_host).map(pvm_num::casts::low_u32);
            assert_eq!(result, Ok(RESULT), "{name} at {opt_level}");
        }
        names.push(name);
    }
    for kind in ["pie.relax.", "medlow.no-relax", "relax-gp", "relax-new", "relr", "partial", "gcc.32.medany.relax"] {
        assert!(names.iter().any(|name| name.contains(kind)), "no file of the kind {kind}");
    }
}
