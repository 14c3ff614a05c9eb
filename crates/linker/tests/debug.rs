//! Debug information: from the DWARF of a file to the frames of every instruction.
//!
//! The sources and files are in `tests/debug` of the repository, and beside them a snapshot of which places the code of
//! each file has, in its order. A change that is meant is accepted with `PVM_BLESS=1 cargo test -p pvm-linker --test debug`.

mod common;

use common::repository;
use pvm_linker::{Config, Input, link, link_files};
use pvm_program::{Program, Varints};
use std::collections::BTreeMap;
use std::fmt::Write;

fn program(elf: &[u8], opt_level: u8) -> Program {
    let linked = link(elf, &Config { opt_level, ..Config::default() }).unwrap();
    Program::from_parts(linked.parts, Varints::Strict).unwrap()
}

fn case(name: &str) -> Vec<u8> {
    std::fs::read(repository("tests/debug").join(name)).unwrap()
}

/// The frames of an instruction, innermost first, as `Kind function path:line:column`.
fn frames(program: &Program, pc: u32) -> Vec<String> {
    let Some(mut lines) = program.get_debug_line_program_at(pc).unwrap() else { return Vec::new() };
    let Some(region) = lines.find(pc).unwrap() else { return Vec::new() };
    let frames = region.frames().rev().map(|frame| {
        let name = frame.full_name().unwrap().map(|name| name.to_string()).unwrap_or_default();
        let mut text = format!("{:?} {name} {}", frame.kind(), frame.path().unwrap().unwrap_or("?"));
        for number in [frame.line(), frame.column()].into_iter().flatten() {
            write!(text, ":{number}").unwrap();
        }
        text
    });
    frames.collect()
}

/// The frames of all code in its order, each once where they stay the same.
fn places(program: &Program) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    for located in program.code().iter().filter(|located| located.offset < program.code().len()) {
        let place = frames(program, located.offset).join(" < ");
        if places.last() != Some(&place) {
            places.push(place);
        }
    }
    places
}

#[test]
fn every_file_has_the_places_of_its_snapshot() {
    let folder = repository("tests/debug");
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "elf") {
            files.insert(path.file_stem().unwrap().to_string_lossy().into(), std::fs::read(&path).unwrap());
        }
    }
    assert!(files.len() >= 11, "{} files", files.len());
    files.insert("hello-debug (Rust)".into(), std::fs::read(repository("guest/fixtures/hello-debug.elf")).unwrap());
    let mut text = String::new();
    let mut described: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for (name, elf) in files {
        let places = places(&program(&elf, 1));
        match described.get(&places) {
            Some(other) => writeln!(text, "==== {name} is as {other}\n").unwrap(),
            None => {
                writeln!(text, "==== {name} ====\n{}\n", places.join("\n")).unwrap();
                described.insert(places, name);
            }
        }
    }
    let path = folder.join("places.txt");
    if std::env::var_os("PVM_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let line = text.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if text != expected {
        let line = line.unwrap_or_else(|| text.lines().count().min(expected.lines().count()));
        let [new, old] = [&text, &expected].map(|text| text.lines().nth(line).unwrap_or("nothing"));
        panic!("places.txt line {}: expected\n  {old}\nfound\n  {new}\nPVM_BLESS=1 accepts this", line + 1);
    }
}

#[test]
fn places_survive_every_level() {
    for name in ["dwarf4-O2.pie", "dwarf5-O2.pie", "dwarf5-relax.object"] {
        let elf = case(&format!("inline.{name}.elf"));
        let known = places(&program(&elf, 0));
        for level in 1..=2 {
            let program = program(&elf, level);
            let places = places(&program);
            assert!(
                places.iter().filter(|place| !place.is_empty()).all(|place| known.contains(place)),
                "{name} {level}"
            );
            let traps: Vec<_> = program
                .code()
                .iter()
                .filter(|at| at.offset < program.code().len() && at.instruction.opcode().name() == "trap")
                .map(|at| frames(&program, at.offset))
                .filter(|frames| !frames.is_empty())
                .collect();
            assert!(traps.iter().any(|frames| frames.len() == 3), "{name} {level}: {traps:?}");
            for frames in traps {
                assert!(frames[0].starts_with("Line square /src/inline.c:8"), "{name} {level}: {frames:?}");
            }
        }
    }
}

#[test]
fn without_debug_information_there_is_none() {
    let linked = link(&case("inline.dwarf5-O2.pie.elf"), &Config { strip: true, ..Config::default() }).unwrap();
    assert_eq!(linked.parts.debug_strings.len(), 0);
    assert_eq!(linked.parts.debug_line_programs.len(), 0);
    assert_eq!(linked.parts.debug_line_program_ranges.len(), 0);
    let kept = link(&case("inline.dwarf5-O2.pie.elf"), &Config::default()).unwrap();
    assert_ne!(kept.parts.debug_strings.len(), 0);
    assert_eq!(
        kept.parts.code_and_jump_table, linked.parts.code_and_jump_table,
        "debug information does not change the code"
    );
}

/// Files that are linked together, by us or by a linker that keeps their sections apart, have the places each has alone.
#[test]
fn files_that_are_linked_together_keep_theirs_apart() {
    let [inline, second] = ["inline.dwarf5-relax.object.elf", "second.dwarf5-O2.object.elf"].map(case);
    let [a, b] = [("a.o", &inline), ("b.o", &second)].map(|(name, bytes)| Input { name, bytes });
    let together = |inputs: &[Input<'_>]| {
        let linked = link_files(inputs, &Config { opt_level: 1, ..Config::default() }).unwrap();
        places(&Program::from_parts(linked.parts, Varints::Strict).unwrap())
    };
    let [first, other] = [&inline, &second].map(|elf| places(&program(elf, 1)));
    assert_eq!(together(&[a, b]), [first.clone(), other.clone()].concat());
    assert_eq!(together(&[b, a]), [other.clone(), first.clone()].concat());
    // Files of two versions of DWARF, which have not the same sections.
    let [inline, second] = ["inline.dwarf4-relax.object.elf", "second.dwarf4-O2.object.elf"].map(case);
    let [c, d] = [("c.o", &inline), ("d.o", &second)].map(|(name, bytes)| Input { name, bytes });
    let [third, fourth] = [&inline, &second].map(|elf| places(&program(elf, 1)));
    assert_eq!(together(&[d, a]), [fourth.clone(), first].concat());
    assert_eq!(together(&[b, c]), [other.clone(), third.clone()].concat());
    for (version, second) in [(4, fourth), (5, other)] {
        let alone = places(&program(&case(&format!("inline.dwarf{version}-O2.pie.elf")), 1));
        let both = places(&program(&case(&format!("both.dwarf{version}-unique.pie.elf")), 1));
        assert_eq!(both, [alone, second].concat(), "DWARF {version}");
    }
}

/// Numbers as random as they need to be.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn broken_debug_information_never_fails_a_link() {
    for name in [
        "inline.dwarf4-O2.pie",
        "inline.dwarf5-O2.pie",
        "inline.dwarf4-relax.object",
        "inline.dwarf5-relax.object",
        "inline.dwarf5-lines.object",
        "both.dwarf4-unique.pie",
        "both.dwarf5-unique.pie",
    ] {
        let elf = case(&format!("{name}.elf"));
        let config = Config { opt_level: 0, ..Config::default() };
        let stripped = link(&elf, &Config { strip: true, ..config.clone() }).unwrap();
        let ranges = debug_ranges(&elf);
        assert!(ranges.len() >= 5, "{name}");
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..400 {
            let mut broken = elf.clone();
            for _ in 0..=random(&mut state) % 4 {
                let range = &ranges[usize::try_from(random(&mut state)).unwrap() % ranges.len()];
                let at = range.start + usize::try_from(random(&mut state)).unwrap() % range.len();
                let bytes = random(&mut state).to_le_bytes();
                let length = 1 + usize::from(bytes[0] % 8);
                let end = range.end.min(at + length);
                broken[at..end].copy_from_slice(&bytes[..end - at]);
            }
            let linked = link(&broken, &config).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(linked.parts.code_and_jump_table, stripped.parts.code_and_jump_table);
            // What was written can be read.
            places(&Program::from_parts(linked.parts, Varints::Strict).unwrap());
        }
    }
}

/// Where the contents of the debug sections and of their relocations are in a 64-bit file.
fn debug_ranges(elf: &[u8]) -> Vec<std::ops::Range<usize>> {
    let number = |at: usize, size: usize| {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&elf[at..at + size]);
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    };
    let header = |index: usize| number(40, 8) + 64 * index;
    let names = number(header(number(62, 2)) + 24, 8);
    let mut ranges = Vec::new();
    for index in 0..number(60, 2) {
        let at = header(index);
        let name = elf[names + number(at, 4)..].split(|byte| *byte == 0).next().unwrap();
        let size = number(at + 32, 8);
        if (name.starts_with(b".debug_") || name.starts_with(b".rela.debug_")) && size != 0 {
            ranges.push(number(at + 24, 8)..number(at + 24, 8) + size);
        }
    }
    ranges
}
