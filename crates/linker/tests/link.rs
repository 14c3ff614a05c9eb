//! Small files for every kind of relocation and every way to make an ELF file: what they become, and what they do.
//!
//! The sources and files are in `tests/link` of the repository. Beside each source stands a snapshot: for each file made
//! from it the intermediate form and the program at level 1, and what `main` returns at every level; or the error. A
//! change that is meant is accepted with `PVM_BLESS=1 cargo test -p pvm-linker --test link`.

mod common;

use common::{guest, repository};
use pvm_isa::Reg;
use pvm_linker::{Config, Linked, link, link_to_ir};
use pvm_program::{Program, Varints};
use pvm_text::{DisassembleOptions, Source, disassemble_to_string};
use std::collections::BTreeMap;
use std::fmt::Write;

fn at_level(opt_level: u8) -> Config {
    Config { opt_level, ..Config::default() }
}

/// The listing of a program and its data.
fn program_text(linked: &Linked) -> String {
    let program = Program::from_parts(linked.parts.clone(), Varints::Strict).unwrap();
    let mut text = disassemble_to_string(&Source::from(&program), &DisassembleOptions::default());
    for (name, data) in [("ro", program.ro_data()), ("rw", program.rw_data())] {
        for (row, bytes) in data.chunks(16).enumerate().filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0)) {
            write!(text, "{name} {:#06x}:", row * 16).unwrap();
            bytes.iter().for_each(|byte| write!(text, " {byte:02x}").unwrap());
            text.push('\n');
        }
    }
    text
}

/// Calls `main` without arguments; the host answers every call with ten times its number plus the argument.
fn run(linked: &Linked) -> String {
    let mut calls = Vec::new();
    let mut guest = guest(&linked.parts);
    let result = guest.call("main", &[], |number, instance| {
        calls.push(number);
        let argument = instance.reg(Reg::a0);
        instance.set_reg(Reg::a0, argument * 10 + u64::from(number));
    });
    match result {
        Ok(value) if calls.is_empty() => format!("{value}"),
        Ok(value) => format!("{value} with host calls {calls:?}"),
        Err(exit) => format!("{exit:?}"),
    }
}

fn describe(elf: &[u8]) -> String {
    let linked = match link(elf, &at_level(1)) {
        Ok(linked) => linked,
        Err(error) => {
            // The other levels find it too.
            for level in [0, 2] {
                assert_eq!(link(elf, &at_level(level)).unwrap_err(), error);
            }
            return format!("error: {error}\n");
        }
    };
    let mut text = link_to_ir(elf, &at_level(1)).unwrap();
    write!(text, "\n{}\n", program_text(&linked)).unwrap();
    let results: Vec<String> = (0..=2).map(|level| run(&link(elf, &at_level(level)).unwrap())).collect();
    for (level, result) in results.iter().enumerate() {
        writeln!(text, "level {level}: main = {result}").unwrap();
    }
    text
}

#[test]
fn every_case_becomes_what_its_snapshot_says() {
    let folder = repository("tests/link");
    let mut cases: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some((case, variant)) = name.strip_suffix(".elf").and_then(|name| name.split_once('.')) {
            cases.entry(case.into()).or_default().insert(variant.into(), std::fs::read(&path).unwrap());
        }
    }
    assert!(cases.len() > 20, "{} cases", cases.len());
    let bless = std::env::var_os("PVM_BLESS").is_some();
    let mut different = Vec::new();
    for (case, variants) in cases {
        let mut text = String::new();
        let mut described: BTreeMap<String, String> = BTreeMap::new();
        for (variant, elf) in variants {
            let description = describe(&elf);
            let same = described.entry(description.clone()).or_insert_with(|| variant.clone());
            match *same == variant {
                true => writeln!(text, "==== {variant} ====\n{description}").unwrap(),
                false => writeln!(text, "==== {variant} is as {same}\n").unwrap(),
            }
        }
        let path = folder.join(format!("{case}.txt"));
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if text == expected {
            continue;
        }
        if bless {
            std::fs::write(&path, &text).unwrap();
        } else {
            let line = text.lines().zip(expected.lines()).position(|(new, old)| new != old);
            let line = line.unwrap_or_else(|| text.lines().count().min(expected.lines().count()));
            let [new, old] = [&text, &expected].map(|text| text.lines().nth(line).unwrap_or("nothing").to_owned());
            different.push(format!("{case}.txt line {}:\n  expected {old}\n  found    {new}", line + 1));
        }
    }
    assert!(different.is_empty(), "PVM_BLESS=1 accepts these changes:\n{}", different.join("\n"));
}
