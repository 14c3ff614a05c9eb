//! All case files: they hold, and they cover every instruction in every set that has it.
//!
//! `PVM_CASES=add_ cargo test -p pvm-cases` runs only the files whose path contains the text.

use pvm_cases::{Report, run_file};
use pvm_isa::{InstructionSet, Opcode};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// More failures than these tell nothing new.
const FAILURES_SHOWN: usize = 20;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
}

#[test]
fn every_case_holds() {
    let mut paths = Vec::new();
    files(&root().join("tests/cases"), &mut paths);
    let filter = std::env::var("PVM_CASES").unwrap_or_default();
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    paths.retain(|path| name(path).contains(&filter));
    paths.sort();
    assert!(!paths.is_empty(), "no case file's path contains {filter:?}");

    let reports = run_all(&paths, &name);
    let cases: u32 = reports.iter().map(|(_, report)| report.cases).sum();
    let runs: u32 = reports.iter().map(|(_, report)| report.runs).sum();
    println!("{} files, {cases} cases, {runs} runs", paths.len());

    let mut problems: Vec<String> = Vec::new();
    for (path, report) in &reports {
        problems.extend(report.failures.iter().map(|failure| failure.to_string()));
        problems.extend(not_executed(path, report));
    }
    let shown = problems.iter().take(FAILURES_SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(problems.is_empty(), "{} failures, of which the first are:\n{shown}", problems.len());
}

/// The reports of all files, in their order.
fn run_all(paths: &[PathBuf], name: &(impl Fn(&Path) -> String + Sync)) -> Vec<(PathBuf, Report)> {
    let queue = Mutex::new(paths.iter());
    let reports = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(path) = queue.lock().unwrap().next() else { return };
                    let report = run_file(&name(path), &std::fs::read_to_string(path).unwrap());
                    reports.lock().unwrap().push((path.clone(), report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by(|(a, _), (b, _)| a.cmp(b));
    reports
}

/// The sets on which `inst/<mnemonic>.txt` does not execute its instruction although they have it.
fn not_executed(path: &Path, report: &Report) -> Vec<String> {
    if path.parent().and_then(Path::file_name).is_none_or(|dir| dir != "inst") {
        return Vec::new();
    }
    let mnemonic = path.file_stem().unwrap().to_string_lossy();
    let Some(opcode) = Opcode::from_name(&mnemonic) else {
        return vec![format!("{}: the table has no such instruction", path.display())];
    };
    // Every set has bytes that are no instruction, but jam_v1 programs with such are refused before they run.
    let has = |set: &InstructionSet| match opcode {
        Opcode::invalid => *set != InstructionSet::JamV1,
        _ => set.supports(opcode),
    };
    let missing = InstructionSet::ALL.into_iter().filter(has).filter(|set| !report.executed.contains(&(*set, opcode)));
    missing.map(|set| format!("{}: no case executes it on {set:?}", path.display())).collect()
}
