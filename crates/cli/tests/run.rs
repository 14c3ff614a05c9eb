//! `pvm run`: greetings, exit codes, and what is said when a guest fails.

mod common;

use common::{Folder, PROGRAM, Ran, fixture};

#[track_caller]
fn run(arguments: &[&str]) -> Ran {
    let folder = Folder::new();
    folder.file("p.txt", PROGRAM).pvm(&[&["run", "p.txt"], arguments].concat())
}

#[test]
fn hello_greets() {
    let folder = Folder::new();
    let greetings = [
        ("hello.elf", "Hello from a Rust guest!\n"),
        ("hello-32.elf", "Hello from a Rust guest!\n"),
        ("hello-c.elf", "Hello from a C guest!\n"),
        ("hello-c-32.elf", "Hello from a C guest!\n"),
        ("hello-c-rel.elf", "Hello from a C guest!\n"),
    ];
    for (name, greeting) in greetings {
        for level in ["0", "1"] {
            let ran = folder.pvm(&["run", &fixture(name), "--opt-level", level]);
            ran.check(0);
            assert_eq!((ran.text(), &ran.stderr[..]), (greeting, ""), "{name}");
        }
    }
}

#[test]
fn a_linked_guest_greets_as_well() {
    let folder = Folder::new();
    for target in ["latest64", "latest64-bitmask", "revive_v1", "jam_v1"] {
        folder.pvm(&["link", &fixture("hello.elf"), "-o", "hello.polkavm", "--target", target]).check(0);
        let ran = folder.pvm(&["run", "hello.polkavm"]);
        ran.check(0);
        assert_eq!(ran.text(), "Hello from a Rust guest!\n", "{target}");
    }
}

#[test]
fn the_exit_code_is_the_guests() {
    let folder = Folder::new();
    let ran = folder.pvm(&["run", &fixture("exit.elf")]);
    ran.check(42);
    assert_eq!(ran.stderr, "leaving with code 42\n");
    run(&["--args", "0"]).check(42);
    run(&["--args", "57"]).check(99);
    run(&["--args", "0x44"]).check(110);
    run(&["--args", "213"]).check(255);
    run(&["--export", "exit", "--args", "3"]).check(3);
    run(&["--export", "greet"]).check(7);
}

#[test]
fn an_exit_code_that_does_not_fit_is_told() {
    for (argument, code) in [("58", "100"), ("67", "109"), ("214", "256"), ("-43", "-1"), ("4294967254", "0")] {
        let ran = run(&["--args", argument]);
        match code {
            "0" => ran.check(0),
            code => ran.fails(100, &["p.txt", &format!("exit code is {code},")]),
        };
    }
}

#[test]
fn results_of_other_exports_are_printed() {
    assert_eq!(run(&["--export", "add", "--args", "2,3"]).check(0).text(), "5\n");
    assert_eq!(run(&["--export", "add", "--args", " -1 , 0x10"]).check(0).text(), "15\n");
    assert_eq!(run(&["--pc", "0", "--args", "1,1"]).check(0).text(), "2\n");
}

#[test]
fn the_only_export_is_called_without_being_named() {
    let folder = Folder::new();
    folder.file("p.txt", "%isa = latest64\npub @seven:\na0 = 7\nret\n");
    assert_eq!(folder.pvm(&["run", "p.txt"]).check(0).text(), "7\n");
}

#[test]
fn traps_say_why_and_where() {
    run(&["--export", "boom"]).fails(
        101,
        &["error: p.txt: the guest trapped: store at 0x1238 is not allowed", "u32 [a1 + 4] = a0", "a1 = 0x1234"],
    );
    run(&["--pc", "1"]).fails(101, &["no instruction starts at the program counter", "at offset 1"]);
}

#[test]
fn gas_runs_out() {
    run(&["--export", "spin", "--gas", "1000"]).fails(102, &["ran out of gas", "jump"]);
    run(&["--export", "add", "--gas", "1"]).fails(102, &["ran out of gas"]);
    run(&["--export", "add", "--gas", "2"]).check(0);
    run(&["--export", "add", "--gas", "21", "--gas-rule", "full"]).fails(102, &["21 left"]);
    run(&["--export", "add", "--gas", "22", "--gas-rule", "full"]).check(0);
}

#[test]
fn bad_input_is_103() {
    let folder = Folder::new();
    folder.file("p.txt", PROGRAM).file("junk", [1, 2, 3]).file("none.txt", "%isa = latest64\ntrap\n");
    folder.pvm(&["run", "p.txt", "--export", "nope"]).fails(103, &["p.txt: no export `nope`", "`add`", "`main`"]);
    folder.pvm(&["run", "none.txt"]).fails(103, &["none.txt", "no exports; --pc"]);
    folder.pvm(&["run", "junk"]).fails(103, &["junk: not recognised: binary, starting with 01 02 03"]);
}

#[test]
fn usage_is_104_and_files_are_105() {
    run(&["--args", "x"]).fails(104, &["\"x\" is not a 64-bit integer"]);
    run(&["--args", "1,2,3,4,5,6,7,8,9,10"]).fails(104, &["10 arguments, more than 9"]);
    run(&["--gas-rule", "free"]).fails(104, &["not a gas rule"]);
    run(&["--gas=-1"]).fails(104, &["--gas"]);
    run(&["--nonsense"]).fails(104, &["--nonsense"]);
    Folder::new().pvm(&["run", "absent"]).fails(105, &["absent: "]);
}

#[test]
fn missing_imports_are_named() {
    run(&["--export", "ask"]).fails(106, &["called import 2 (`nobody_has_this`)", "at offset"]);
    run(&["--strict"]).fails(106, &["does not offer import 2 (`nobody_has_this`)"]);
}

#[test]
fn the_compiler_does_what_the_interpreter_does() {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        run(&["--engine", "compiler"]).fails(107, &["cannot run on this machine"]);
        return;
    }
    for arguments in [&["--export", "write", "--args", "1,4096,1"][..], &["--export", "ask"], &[]] {
        let [interpreted, compiled] =
            ["interpreter", "compiler"].map(|engine| run(&[&["--engine", engine], arguments].concat()));
        assert_eq!(
            (interpreted.code, interpreted.stdout, interpreted.stderr),
            (compiled.code, compiled.stdout, compiled.stderr),
            "{arguments:?}"
        );
    }
    let traced = run(&["--engine", "compiler", "--trace"]);
    assert!(traced.stderr.contains("note: interpreted: step tracing is left to the interpreter"), "{}", traced.stderr);
}

/// Can the compiler run here?
const HAS_COMPILER: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

#[test]
fn engine_and_isolation_are_told() {
    let told = |engine: &str, more: &[&str]| {
        let ran = run(&[&["--export", "add", "--args", "1,2", "--json", "--engine", engine], more].concat());
        let line = ran.check(0).stderr.lines().last().unwrap().to_owned();
        let summary: serde_json::Value = serde_json::from_str(&line).unwrap();
        [summary["engine"].to_string(), summary["isolation"].to_string()]
    };
    let interpreted = ["\"interpreter\"", "\"interpreted\""];
    let best = if HAS_COMPILER { ["\"compiler\"", "\"in-process\""] } else { interpreted };
    assert_eq!(told("auto", &[]), best);
    assert_eq!(told("interpreter", &[]), interpreted);
    assert_eq!(told("auto", &["--trace"]), interpreted);
    assert_eq!(told("auto", &["--gas", "9", "--gas-rule", "per-instruction"]), interpreted);
    let line = run(&["--export", "add", "--verbose", "--engine", "interpreter"]).check(0).stderr.clone();
    assert_eq!(line, "engine: interpreter, isolation: interpreted\n");
}

#[test]
fn a_perf_map_names_all_machine_code() {
    let folder = Folder::new();
    folder.file("p.txt", PROGRAM).pvm(&["asm", "p.txt", "-o", "p.polkavm"]).check(0);
    folder.file("d.polkavm", common::with_debug_lines(&folder.read("p.polkavm"), 12));
    let run = |more: &[&str]| folder.pvm(&[&["run", "d.polkavm", "--perf-map=map"], more].concat());
    run(&["--engine", "interpreter"]).fails(107, &["--perf-map", "no machine code"]);
    if !HAS_COMPILER {
        return;
    }
    run(&[]).check(42);
    let map = String::from_utf8(folder.read("map")).unwrap();
    let rows: Vec<(u64, u64, &str)> = map
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let mut number = || u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
            (number(), number(), parts.next().unwrap())
        })
        .collect();
    assert!(rows.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "{map}");
    let names: Vec<&str> = rows.iter().map(|row| row.2).collect();
    assert_eq!(names[..4], ["pvm: enter and leave", "demo::main", "boom", "main"], "{map}");
    assert_eq!(names.last(), Some(&"pvm: leave"), "{map}");
    // No name is that of the padding of the last page.
    let (first, last) = (rows.first().unwrap(), rows.last().unwrap());
    assert!((last.0 + last.1 - first.0) % 4096 != 0 && rows.iter().all(|row| row.1 < 1000), "{map}");
}

#[test]
fn writes_of_bad_memory_or_streams_are_refused() {
    let negative = |error: i64| format!("{}\n", error.cast_unsigned());
    assert_eq!(run(&["--export", "write", "--args", "1,4096,1"]).check(0).text(), negative(-14));
    assert_eq!(run(&["--export", "write", "--args", "1,0x100010000,1"]).check(0).text(), negative(-14));
    assert_eq!(run(&["--export", "write", "--args", "1,0x10000,0xffffffff"]).check(0).text(), negative(-14));
    assert_eq!(run(&["--export", "write", "--args", "3,0x10000,1"]).check(0).text(), negative(-9));
    assert_eq!(run(&["--export", "write", "--args", "1,0x10000,5"]).check(0).text(), "hello5\n");
    let ran = run(&["--export", "write", "--args", "2,0x10000,6"]);
    assert_eq!((ran.text(), &ran.stderr[..]), ("6\n", "hello\n"));
}

#[test]
fn the_trace_has_every_instruction() {
    let ran = run(&["--export", "add", "--args", "2,3", "--trace"]);
    let lines: Vec<Vec<&str>> = ran.stderr.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, [vec!["0:", "a0", "=", "a0", "+", "a1", "//", "a0", "=", "0x5"], vec!["3:", "ret"]]);
    assert!(run(&["--export", "boom", "--trace"]).stderr.contains("u32 [a1 + 4] = a0\nerror:"));
}

#[test]
fn the_summary_is_json() {
    let ran = run(&["--export", "add", "--args", "2,3", "--gas", "10", "--json"]);
    assert!(ran.check(0).stdout.is_empty());
    let summary: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((&summary["status"], &summary["output"]), (&"returned".into(), &"5".into()));
    assert_eq!((&summary["gas_used"], &summary["gas_left"]), (&2.into(), &8.into()));
    assert_eq!(summary["registers"]["a0"], 5);

    let ran = run(&["--export", "boom", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ran.check(101).stderr).unwrap();
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"trapped".into(), &serde_json::Value::Null));
    assert_eq!(summary["reason"], "store at 0x1238 is not allowed");

    let ran = run(&["--args", "58", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ran.check(100).stderr).unwrap();
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"returned".into(), &100.into()));
}

#[test]
fn standard_programs_take_and_give_bytes() {
    let folder = Folder::new();
    // Gives back its argument data: a0 and a1 stay as they are.
    folder.file("echo.txt", "%isa = jam_v1\n%stack_size = 4096\npub @main:\nret\n");
    folder.pvm(&["asm", "echo.txt", "-o", "echo.spi", "--format", "spi"]).check(0);
    assert_eq!(folder.pvm(&["run", "echo.spi", "--args", "0badc0de"]).check(0).text(), "0badc0de\n");
    assert_eq!(folder.pvm(&["run", "echo.spi"]).check(0).text(), "\n");
    folder.pvm(&["run", "echo.spi", "--args", "0ba"]).fails(104, &["hexadecimal"]);
}

#[test]
fn traps_in_code_with_debug_information_name_the_function() {
    let folder = Folder::new();
    folder.file("p.txt", PROGRAM).pvm(&["asm", "p.txt", "-o", "p.polkavm"]).check(0);
    folder.file("d.polkavm", common::with_debug_lines(&folder.read("p.polkavm"), 12));
    let place = "helper (src/demo.rs:17), inlined into demo::main (src/demo.rs:3)";
    folder
        .pvm(&["run", "d.polkavm", "--export", "boom"])
        .fails(101, &["at offset 9: u32", &format!("\n  in {place}\n")]);
    let ran = folder.pvm(&["run", "d.polkavm", "--export", "boom", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(&ran.check(101).stderr).unwrap();
    assert_eq!(summary["place"], place);
}

#[test]
fn traps_of_elfs_name_the_inlined_functions_at_every_level() {
    let elf = |name: &str| format!("{}/../../tests/debug/inline.{name}.elf", env!("CARGO_MANIFEST_DIR"));
    let inlined =
        "in square (/src/inline.c:8:9), inlined into twice (/src/inline.c:14), inlined into leaf (/src/inline.c:19:12)";
    for (name, place) in [
        ("dwarf4-O2.pie", inlined),
        ("dwarf5-O2.pie", inlined),
        ("dwarf5-lines.object", inlined),
        ("dwarf5-O0.pie", "in square (/src/inline.c:8:9)\n"),
        ("symbols.object", "in leaf\n"),
    ] {
        for level in ["0", "1", "2"] {
            let ran = Folder::new().pvm(&["run", &elf(name), "--args", "50000", "--opt-level", level]);
            ran.fails(101, &["the guest trapped: trap instruction", place]);
        }
    }
}
