//! Debug information of both linkers: do instructions that both emit have the same place?
//!
//! Code differs between linkers, so instructions are not matched one by one: those of an opcode are counted by their place,
//! the innermost function with its file and line, and what both linkers have of an opcode and a place agrees. Where functions
//! differ and lines do not, theirs has the line of the inlined function beside the name of the one around it.

use pvm_oracle::{Target, guests, link_ours_with_names, link_theirs_with_names};
use pvm_program::{ParseOptions, Program};
use std::collections::BTreeMap;
use std::path::Path;

/// Files with DWARF: the guests, and the C program that the linker's own tests have in every kind.
fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/debug");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the folder is in the repository")
        .map(|entry| entry.expect("the folder can be read").path())
        // Theirs does not relocate the debug information of relocatable files.
        .filter(|path| path.to_string_lossy().ends_with(".pie.elf"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into(), std::fs::read(&path).unwrap()))
        .collect();
    files.extend(guests().into_iter().map(|guest| (guest.name, guest.elf)));
    files.sort();
    files
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Place {
    function: String,
    path: String,
    line: u32,
}

/// How often each opcode occurs at each place that is known.
fn count(blob: Vec<u8>) -> BTreeMap<(&'static str, Place), u64> {
    let program = Program::parse(blob, &ParseOptions::default()).expect("linkers make programs");
    let code = program.code();
    let mut counts = BTreeMap::new();
    for located in code.iter().take_while(|located| located.offset < code.len()) {
        let Some(mut lines) = program.get_debug_line_program_at(located.offset).unwrap() else { continue };
        let Some(region) = lines.find(located.offset).unwrap() else { continue };
        let Some(frame) = region.frames().next_back() else { continue };
        let (Some(path), Some(line)) = (frame.path().unwrap(), frame.line()) else { continue };
        let function = frame.full_name().unwrap().map(|name| name.to_string()).unwrap_or_default();
        let place = Place { function, path: path.into(), line };
        *counts.entry((located.instruction.opcode().name(), place)).or_default() += 1;
    }
    counts
}

fn sum<K: Ord>(counts: impl Iterator<Item = (K, u64)>) -> BTreeMap<K, u64> {
    counts.fold(BTreeMap::new(), |mut sums, (key, count)| {
        *sums.entry(key).or_default() += count;
        sums
    })
}

fn common<K: Ord>(ours: &BTreeMap<K, u64>, theirs: &BTreeMap<K, u64>) -> u64 {
    ours.iter().map(|(key, count)| *count.min(theirs.get(key).unwrap_or(&0))).sum()
}

#[test]
fn most_instructions_have_the_same_place() {
    let (mut instructions, mut lines, mut places, mut compared) = (0, 0, 0, 0);
    for (_, elf) in files() {
        for level in 0..=1 {
            let Ok(theirs) = link_theirs_with_names(&elf, Target::Latest, level) else { continue };
            let ours = link_ours_with_names(&elf, Target::Latest, level).unwrap();
            let [ours, theirs] = [ours, theirs].map(count);
            if theirs.is_empty() {
                continue;
            }
            let by_opcode = [&ours, &theirs].map(|all| sum(all.iter().map(|((opcode, _), count)| (*opcode, *count))));
            let by_line = [&ours, &theirs].map(|all| {
                sum(all.iter().map(|((opcode, place), count)| ((*opcode, &place.path, place.line), *count)))
            });
            let found =
                (common(&by_opcode[0], &by_opcode[1]), common(&by_line[0], &by_line[1]), common(&ours, &theirs));
            instructions += found.0;
            lines += found.1;
            places += found.2;
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared} links");
    assert!(lines * 100 >= instructions * 97, "lines: {lines} of {instructions}");
    assert!(places * 100 >= instructions * 90, "functions and lines: {places} of {instructions}");
}
