//! The runner sees what is wrong with a case, and says where.

use pvm_cases::{Configuration, Problem, run_file};

const HEAD: &str = "\
%rw_data_size = 4096
pub @main:
    a0 = a1 + a2
    u8 [0x20000] = a0
pub @expected_exit: %no_fallthrough
    trap
--- the sum
pre: a1 = 1, a2 = 2
";

/// Runs `HEAD` and these lines; the failures, as text.
fn failures(lines: &str) -> Vec<String> {
    let report = run_file("file", &format!("{HEAD}{lines}"));
    report.failures.iter().map(|failure| failure.to_string()).collect()
}

#[test]
fn a_case_that_holds_runs_everywhere() {
    let report = run_file("file", &format!("{HEAD}post: a0 = 3, memory 0x20000 = 03"));
    assert_eq!(report.failures, []);
    // Five sets have 64-bit registers.
    assert_eq!((report.cases, report.runs), (1, 5 * u32::try_from(Configuration::all().count()).unwrap()));
}

#[track_caller]
fn check(lines: &str, line: u32, words: &[&str]) {
    let found = failures(lines);
    let first = found.first().unwrap_or_else(|| panic!("the case holds: {lines}"));
    assert!(first.starts_with(&format!("file:{line}: the sum: ")), "{first}");
    for word in words {
        assert!(first.contains(word), "no {word:?} in: {first}");
    }
}

#[test]
fn what_is_not_as_expected_is_found() {
    check("post: memory 0x20000 = 03\npost: a0 = 4", 10, &["a0", "expected 0x4", "got      0x3", "ReviveV1", "Static"]);
    check("post: a0 = 3, memory 0x20000 = 04", 9, &["memory 0x20000", "expected 04", "got      03"]);
    check("post: a0 = 3, memory 0x20000 = 03, gas = 9998", 9, &["gas", "9998"]);
    check("post: a0 = 3, memory 0x20000 = 03, status = halt", 9, &["status", "Halt", "Panic"]);
    check("post: a0 = 3, memory 0x20000 = 03\npost: pc = @main[1]", 10, &["pc", "expected 0x"]);
    check("post: a0 = 3, memory 0x30000 = 03", 9, &["memory 0x30000", "cannot be read"]);
}

#[test]
fn what_no_line_names_must_stay_as_it_was() {
    check("post: memory 0x20000 = 03", 7, &["a0", "expected 0x0", "got      0x3"]);
    check("post: a0 = 3", 7, &["memory 0x20000", "expected 0x0", "got      0x3"]);
}

#[test]
fn exclusions_must_be_true_and_are_not_run() {
    check("post: a0 = 3, memory 0x20000 = 03\nnot: jam_v1 nonsense", 10, &["holds"]);
    assert_eq!(failures("post: a0 = 4, memory 0x20000 = 03\nnot: static a\nnot: paging b"), Vec::<String>::new());
    check("post: a0 = 4, memory 0x20000 = 03\nnot: static a", 9, &["Dynamic"]);
}

#[test]
fn faults_are_checked_under_paging_and_traps_under_a_static_map() {
    let text = "%rw_data_size = 4096\npub @main:\na0 = u8 [0x21000]\ntrap\npost: status = page-fault";
    let run = |rest: &str| run_file("file", &format!("{text}{rest}\npost: pc = @main")).failures;
    assert_eq!(run(", page-fault-address = 0x21000"), []);
    let failures = run(", page-fault-address = 0x20000");
    assert!(failures.iter().all(|failure| failure.to_string().contains("Dynamic")) && !failures.is_empty());
}

#[test]
fn what_is_no_case_is_said_so() {
    let problem = |text: &str| run_file("file", text).failures.swap_remove(0);
    assert_eq!(problem("pre: a0 = 1").problem, Problem::NoProgram);
    assert_eq!(problem("%isa = jam_v1\npub @main:\na0 = sbrk a0\ntrap").problem, Problem::NoSet);
    let syntax = problem("pub @main:\n\nwhat?");
    assert!(matches!(syntax.problem, Problem::Syntax(_)));
    assert_eq!(syntax.line, 3);
    let ended = problem("pub @main:\ntrap\nstep: run\nstep: run");
    assert!(matches!(ended.problem, Problem::EndsEarly { .. }));
}
