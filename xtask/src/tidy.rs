//! Tidy: rules of the repository that the compiler does not check.

use crate::{files_below, root};
use pvm_isa::Opcode;
use std::collections::BTreeSet;

/// Longest source file, in lines.
const LINES_MAX: usize = 800;
/// Crates that may contain `unsafe` code; each has a register entry in docs/unsafe.md.
const UNSAFE_CRATES: [&str; 3] = ["crates/sys/", "crates/sandbox/", "crates/worker/"];
/// Layers, lowest first (ARCHITECTURE.md): a crate depends only on crates of a lower layer.
const LAYERS: [&[&str]; 10] = [
    &["num"],
    &["isa", "riscv", "x64", "guest-abi"],
    &["program", "vmctx"],
    &["gas"],
    &["text"],
    &["linker", "interpreter", "compiler"],
    &["sandbox"],
    &["vm"],
    &["system"],
    &["cli"],
];
/// Words that must not stand in the sources; here each is in two, so that this file is checked too.
const STUBS: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("db", "g!("),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
];

/// Everything that breaks a rule, in words.
pub fn problems() -> Vec<String> {
    let mut problems = Vec::new();
    layers(&mut problems);
    sources(&mut problems);
    cases(&mut problems);
    problems
}

fn cases(problems: &mut Vec<String>) {
    let files = files_below(&root().join("tests/cases/inst"), "txt");
    let stem = |path: &std::path::PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    case_files(&files.iter().filter_map(stem).collect(), problems);
}

/// Every row of the ISA table has its case file, named by `stems`, and every file its row.
fn case_files(stems: &BTreeSet<String>, problems: &mut Vec<String>) {
    for opcode in Opcode::ALL.iter().filter(|opcode| !stems.contains(opcode.name())) {
        let name = opcode.name();
        problems.push(format!("crates/isa/src/table.rs: {name} has no cases in tests/cases/inst/{name}.txt"));
    }
    for stem in stems.iter().filter(|stem| Opcode::from_name(stem).is_none()) {
        problems.push(format!("tests/cases/inst/{stem}.txt: the ISA table has no such instruction"));
    }
}

fn layers(problems: &mut Vec<String>) {
    let layer_of = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let Ok(entries) = std::fs::read_dir(root().join("crates")) else {
        problems.push("crates/ cannot be read".into());
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(manifest) = std::fs::read_to_string(entry.path().join("Cargo.toml")) else { continue };
        let Some(layer) = layer_of(&name) else {
            problems.push(format!("crates/{name}: has no layer in xtask/src/tidy.rs and ARCHITECTURE.md"));
            continue;
        };
        let mut in_dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                // Those of some targets only count too.
                in_dependencies = line == "[dependencies]" || line.ends_with(".dependencies]");
            }
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            let dependency = if dependency == "pvm" { "vm" } else { dependency.strip_prefix("pvm-").unwrap_or("") };
            if in_dependencies && layer_of(dependency).is_some_and(|below| below >= layer) {
                problems.push(format!("crates/{name}: depends on {dependency}, which is not of a lower layer"));
            }
        }
    }
}

fn sources(problems: &mut Vec<String>) {
    let root = root();
    for dir in ["crates", "testkit", "fuzz", "xtask", "examples"] {
        for path in files_below(&root.join(dir), "rs") {
            let relative = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
            match std::fs::read_to_string(&path) {
                Ok(text) => source(&relative, &text, problems),
                Err(error) => problems.push(format!("{relative}: {error}")),
            }
        }
    }
}

fn source(path: &str, text: &str, problems: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        problems.push(format!("{path}: {lines} lines; look for the second idea in it and split there"));
    }
    if !text.lines().take(3).any(|line| line.starts_with("//!")) {
        problems.push(format!("{path}: its first line does not say what it is about"));
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{path}:{}", number + 1);
        let code = line.split("//").next().unwrap_or("");
        let is_unsafe = [
            concat!("uns", "afe {"),
            concat!("uns", "afe fn"),
            concat!("uns", "afe impl"),
            concat!("uns", "afe extern"),
        ]
        .iter()
        .any(|word| code.contains(word));
        if is_unsafe && !UNSAFE_CRATES.iter().any(|crates| path.starts_with(crates)) {
            problems.push(format!("{at}: unsafe code outside the crates that may have it"));
        }
        if STUBS.iter().any(|word| code.contains(word)) {
            problems.push(format!("{at}: something is left undone"));
        }
        if line.contains(concat!("/wo", "rk/")) || line.contains(concat!("/ro", "ot/")) {
            problems.push(format!("{at}: a path of somebody's machine"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_files_and_rows_match() {
        let found = |stems: &BTreeSet<String>| {
            let mut problems = Vec::new();
            case_files(stems, &mut problems);
            problems
        };
        let mut stems: BTreeSet<String> = Opcode::ALL.iter().map(|opcode| opcode.name().to_owned()).collect();
        assert_eq!(found(&stems), Vec::<String>::new());
        stems.remove("invalid");
        stems.insert("add_128".to_owned());
        let problems = found(&stems);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("invalid has no cases") && problems[1].contains("add_128.txt"), "{problems:?}");
    }
}
