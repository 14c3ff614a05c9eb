//! Every pass on its own: a program in its text form, and what becomes of it.
//!
//! `tests/passes/NAME.txt` of the repository holds, for the pass of that name, programs with `====>` and the result behind
//! each. A first line `// with OTHER,PASSES` names what runs beside it. A change that is meant is accepted with
//! `PVM_BLESS=1 cargo test -p pvm-linker --test passes`.

mod common;

use common::repository;
use pvm_linker::{Config, PassSelection, passes, run_passes};

const ARROW: &str = "\n====>\n";
const SEPARATOR: &str = "\n========\n";

fn result(pass: &str, input: &str) -> String {
    let others = input.lines().find_map(|line| line.strip_prefix("// with ")).unwrap_or_default();
    let passes = PassSelection::parse(&format!("{pass},{others}")).unwrap();
    let text = run_passes(input, &Config { passes, ..Config::default() });
    let text = text.unwrap_or_else(|error| panic!("{pass}: {error}"));
    // Without the numbers of the lines that blocks come from.
    text.lines().map(|line| format!("{}\n", line.split(" // line").next().unwrap_or_default())).collect()
}

#[test]
fn every_pass_does_what_its_snapshot_says() {
    let bless = std::env::var_os("PVM_BLESS").is_some();
    let mut different = Vec::new();
    for pass in passes() {
        let path = repository("tests/passes").join(format!("{}.txt", pass.name));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
        let cases: Vec<String> = text
            .split(SEPARATOR)
            .map(|case| {
                let input = case.split(ARROW).next().unwrap_or_default().trim();
                let output = result(pass.name, input);
                assert_ne!(output.trim_end(), input, "{}: a case in which the pass does nothing", pass.name);
                format!("{input}\n{ARROW}\n{}", output.trim_end())
            })
            .collect();
        let new = format!("{}\n", cases.join(&format!("\n{SEPARATOR}\n")));
        if new != text && bless {
            std::fs::write(&path, &new).unwrap();
        } else if new != text {
            different.push(format!("{}.txt:\n{new}", pass.name));
        }
    }
    assert!(different.is_empty(), "PVM_BLESS=1 accepts these changes:\n{}", different.join("\n"));
}

#[test]
fn every_snapshot_has_its_pass() {
    for entry in std::fs::read_dir(repository("tests/passes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = passes().any(|pass| name.strip_suffix(".txt") == Some(pass.name));
        assert!(known, "tests/passes/{name} belongs to no pass");
    }
}

#[test]
fn the_documentation_lists_the_passes() {
    let path = repository("docs/linker.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let head = "| pass | level | does |\n|---|---|---|\n";
    let (before, rest) = text.split_once(head).unwrap();
    let after = rest.lines().skip_while(|line| line.starts_with('|'));
    let after: String = after.map(|line| format!("{line}\n")).collect();
    let rows: String = passes()
        .map(|pass| {
            let rounds = if pass.repeats { " \\*" } else { "" };
            format!("| `{}`{rounds} | {} | {} |\n", pass.name, pass.level, pass.about)
        })
        .collect();
    let new = format!("{before}{head}{rows}{after}");
    if std::env::var_os("PVM_BLESS").is_some() {
        std::fs::write(&path, &new).unwrap();
    } else {
        assert!(text == new, "PVM_BLESS=1 renews the table of passes in docs/linker.md:\n{rows}");
    }
}
