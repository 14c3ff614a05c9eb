//! `pvm link`, `asm`, `disasm`, `inspect`, `stats`, `completions`: outputs, refusals, and files written whole or not at all.

mod common;

use common::{Folder, PROGRAM, fixture};
use serde_json::Value;

#[test]
fn listings_assemble_again() {
    let folder = Folder::new();
    for isa in ["latest64", "latest32", "jam_v1", "revive_v1", "gp07"] {
        folder.file("a.txt", PROGRAM.replace("latest64", isa));
        folder.pvm(&["asm", "a.txt", "-o", "a.polkavm"]).check(0);
        let gp07: &[&str] = if isa == "gp07" { &["--isa", "gp07"] } else { &[] };
        let listing = folder.pvm(&[&["disasm", "a.polkavm", "--format", "reassemblable"], gp07].concat());
        listing.check(0);
        let again = folder.pvm_with(&["asm", "-", "-o", "-"], &listing.stdout);
        assert!(again.check(0).stdout == folder.read("a.polkavm"), "{isa}");
    }
}

#[test]
fn native_listings_have_every_instruction_and_all_bytes() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM);
    let list = |more: &[&str]| folder.pvm(&[&["disasm", "a.txt", "--native", "--cpu", "full"], more].concat());
    let (plain, metered) = (list(&[]), list(&["--gas", "simple"]));
    let guest = folder.pvm(&["disasm", "a.txt", "--no-header", "--no-exports", "--offset-targets"]);
    let instructions = |text: &str| -> Vec<String> {
        let rows = text.lines().map(str::trim_start).filter_map(|line| line.split_once(": "));
        let decimal = rows.filter(|(at, text)| at.parse::<u32>().is_ok() && !text.starts_with(char::is_numeric));
        decimal.map(|(at, text)| format!("{at}: {}", text.split(" // ").next().unwrap())).collect()
    };
    let expected: Vec<String> = instructions(guest.check(0).text());
    assert!(expected.len() > 15);
    for listing in [&plain, &metered] {
        let text = listing.check(0).text();
        let shown: Vec<String> = instructions(text);
        assert!(expected.iter().all(|line| shown.iter().any(|shown| shown == line)), "{expected:?}\n{shown:?}");
        assert!(!text.contains("(bad)"), "{text}");
        // Native instructions stand one behind the other.
        let mut next = 0;
        for line in text.lines().filter(|line| line.starts_with("        ")) {
            let (offset, rest) = line.trim_start().split_once(": ").unwrap();
            assert_eq!(u64::from_str_radix(offset, 16).unwrap(), next, "{line}");
            next += u64::try_from(rest.split(' ').next().unwrap().len()).unwrap() / 2;
        }
    }
    assert!(metered.text().contains("\n@0 (gas: 2)\n") && plain.text().contains("\n@0\n"));
    list(&["--gas", "per-instruction"]).fails(3, &["gas is charged by the instruction"]);
    list(&["--raw-bytes"]).fails(2, &["--raw-bytes"]);
    assert_ne!(list(&[]).text(), folder.pvm(&["disasm", "a.txt", "--native", "--cpu", "baseline"]).check(0).text());
}

#[test]
fn linked_guests_assemble_again() {
    let folder = Folder::new();
    for name in ["hello.elf", "hello-32.elf", "kitchen-sink.elf", "nes-32.elf"] {
        folder.pvm(&["link", &fixture(name), "-o", "a.polkavm", "--strip"]).check(0);
        let listing = folder.pvm(&["disasm", "a.polkavm", "--format", "reassemblable"]);
        let again = folder.pvm_with(&["asm", "-", "-o", "-"], &listing.check(0).stdout);
        assert!(again.check(0).stdout == folder.read("a.polkavm"), "{name}");
    }
}

#[test]
fn linking_is_silent_and_repeatable() {
    let folder = Folder::new();
    let link = |output: &str| {
        let ran = folder.pvm(&["link", &fixture("kitchen-sink.elf"), "-o", output]);
        assert_eq!((ran.check(0).text(), &ran.stderr[..]), ("", ""));
        folder.read(output)
    };
    assert!(link("a.polkavm") == link("b.polkavm"));
    assert_eq!(folder.names(), ["a.polkavm", "b.polkavm"]);
}

#[test]
fn the_link_summary_is_json() {
    let folder = Folder::new();
    let summary = folder.pvm(&["link", &fixture("hello.elf"), "-o", "a.polkavm", "--json"]).json();
    assert_eq!(summary["output_size"], folder.read("a.polkavm").len());
    assert_eq!(summary["instruction_set"], "latest64");
    assert_eq!((&summary["imports"], &summary["exports"]), (&1.into(), &1.into()));
    let inspection = folder.pvm(&["inspect", "a.polkavm", "--json"]).json();
    assert_eq!(summary["program_hash"], inspection["program_hash"]);
    folder.pvm(&["link", &fixture("hello.elf"), "-o", "-", "--json"]).fails(2, &["standard output"]);
}

#[test]
fn dispatch_tables_come_first() {
    let folder = Folder::new();
    let elf = fixture("kitchen-sink.elf");
    folder.pvm(&["link", &elf, "-o", "a.spi", "--target", "jam-spi", "--dispatch-table", "run,initialize"]).check(0);
    let listing = folder.pvm(&["disasm", "a.spi", "--no-header", "--offset-targets"]);
    let starts: Vec<&str> = listing.check(0).text().lines().filter(|line| line.contains(": jump ")).take(2).collect();
    assert!(starts[0].starts_with("     0: jump ") && starts[1].starts_with("     5: jump "), "{starts:?}");
    folder.pvm(&["link", &elf, "-o", "b.spi", "--dispatch-table", "run,nope"]).fails(3, &["kitchen-sink.elf", "nope"]);
    assert_eq!(folder.names(), ["a.spi"]);
}

#[test]
fn the_intermediate_form_is_text() {
    let ran = Folder::new().pvm(&["link", &fixture("hello.elf"), "--emit", "ir"]);
    assert!(ran.check(0).text().contains("main"));
}

#[test]
fn bad_elfs_are_named() {
    let folder = Folder::new();
    let elf = std::fs::read(fixture("hello.elf")).unwrap();
    folder.file("cut.elf", &elf[..elf.len() / 2]).file("no.elf", "nothing");
    folder.pvm(&["link", "cut.elf", "-o", "a.polkavm"]).fails(3, &["error: cut.elf: "]);
    folder.pvm(&["link", "no.elf", "-o", "a.polkavm"]).fails(3, &["error: no.elf: "]);
    folder
        .pvm(&["link", &fixture("hello-32.elf"), "-o", "a.polkavm", "--target", "latest64"])
        .fails(3, &["hello-32.elf"]);
    assert_eq!(folder.names(), ["cut.elf", "no.elf"]);
}

#[test]
fn a_failed_command_leaves_the_old_file() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM).file("bad.txt", "%isa = latest64\nnonsense\n");
    folder.pvm(&["asm", "a.txt", "-o", "a.polkavm"]).check(0);
    let before = folder.read("a.polkavm");
    folder
        .pvm(&["asm", "bad.txt", "-o", "a.polkavm"])
        .fails(3, &["bad.txt:2: neither instruction nor label nor directive: \"nonsense\""]);
    folder.pvm(&["asm", "a.txt", "-o", "absent/a.polkavm"]).fails(1, &["cannot write absent/a.polkavm"]);
    folder.pvm(&["asm", "a.txt", "-o", "."]).fails(1, &["cannot write ."]);
    assert_eq!(folder.read("a.polkavm"), before);
    assert_eq!(folder.names(), ["a.polkavm", "a.txt", "bad.txt"]);
}

#[cfg(unix)]
#[test]
fn replacing_a_file_keeps_its_mode_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM).file("real", "old");
    std::fs::set_permissions(folder.path().join("real"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    folder.pvm(&["asm", "a.txt", "-o", "link"]).check(0);
    assert!(folder.read("real").starts_with(b"PVM\0"));
    assert!(folder.path().join("link").is_symlink());
    assert_eq!(std::fs::metadata(folder.path().join("real")).unwrap().permissions().mode() & 0o777, 0o640);
    folder.pvm(&["asm", "a.txt", "-o", "/dev/null"]).check(0);
}

#[test]
fn every_kind_is_recognised() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM.replace("latest64", "jam_v1"));
    for (format, name) in [("polkavm", "p"), ("spi", "s"), ("generic", "g")] {
        folder.pvm(&["asm", "a.txt", "-o", name, "--format", format]).check(0);
    }
    // Tag, name, version, license, no authors, in front of the program.
    let metadata = b"\x00\x01n\x011\x01L\x00";
    folder.file("m", [&[8][..], metadata, &folder.read("s")].concat());
    let kind = |arguments: &[&str]| folder.pvm(&[&["inspect", "--json"], arguments].concat()).json();
    assert_eq!(kind(&["a.txt"])["kind"], "assembly text");
    assert_eq!(kind(&["p"])["kind"], ".polkavm blob");
    assert_eq!(kind(&["s"])["kind"], "JAM standard program");
    assert_eq!(kind(&["s"])["standard_program"]["metadata"], Value::Null);
    assert_eq!(kind(&["m"])["standard_program"]["metadata"]["name"], "n");
    assert_eq!(kind(&["g", "--kind", "generic"])["kind"], "generic program");
    assert_eq!(kind(&[&fixture("hello.elf")])["kind"], "RISC-V ELF");
    let code = |report: Value| report["code"].clone();
    assert_eq!(code(kind(&["g", "--kind", "generic"])), code(kind(&["p"])));
    assert_eq!(code(kind(&["m"])), code(kind(&["s"])));
}

#[test]
fn what_is_not_recognised_is_described() {
    let folder = Folder::new();
    let check = |contents: &[u8], words: &str| {
        folder
            .file("x", contents)
            .pvm(&["inspect", "x"])
            .fails(3, &["error: x: not recognised: ", words, "RISC-V ELF"]);
    };
    check(b"", "the file is empty");
    check(b"\0asm\x01\0\0\0", "a WebAssembly module");
    check(b"!<arch>\nfoo", "a static library");
    check(b"# A title\n\nwords\n", "text, but \"# A title\" is not assembly");
    check(b"%PDF-1.7", "text, but \"%PDF-1.7\"");
    check(&[0xff; 20], "binary, starting with ff ff");
    check(b"PVM\x01\0\0\0\0", "starts with \"PVM\" but not");
}

#[test]
fn damaged_blobs_are_located() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM).pvm(&["asm", "a.txt", "-o", "a.polkavm"]).check(0);
    let blob = folder.read("a.polkavm");
    folder.file("cut", &blob[..blob.len() - 3]);
    for command in ["inspect", "stats", "disasm"] {
        folder.pvm(&[command, "cut"]).fails(3, &["error: cut: blob size doesn't match", "0x5"]);
    }
    folder.pvm(&["inspect", "a.polkavm", "--isa", "jam_v1"]).fails(2, &["a.polkavm", "--isa jam_v1"]);
    folder.pvm(&["inspect", "a.txt", "--kind", "polkavm"]).fails(3, &["a.txt: ", "magic"]);
}

#[test]
fn maps_say_what_keeps_things() {
    let folder = Folder::new();
    folder.pvm(&["link", &fixture("kitchen-sink.elf"), "-o", "a.polkavm", "--map", "a.map"]).check(0);
    let map = String::from_utf8(folder.read("a.map")).unwrap();
    assert!(map.contains("kept by export \"run\" -> ") && map.contains(".rodata"), "{map}");
    assert!(map.contains("alloc::") && !map.contains("_R") && !map.contains("_ZN"), "names are demangled: {map}");
    let sizes = folder.pvm(&["stats", &fixture("kitchen-sink.elf"), "--why-big", "--json"]).json();
    let code = folder.pvm(&["stats", &fixture("kitchen-sink.elf"), "--json"]).json()["code_bytes"].as_u64().unwrap();
    for list in ["crates", "functions"] {
        let bytes = sizes[list].as_array().unwrap().iter().map(|size| size["bytes"].as_u64().unwrap());
        assert_eq!(bytes.sum::<u64>(), code, "{list}");
    }
    let section = |name: &str| {
        let sections = sizes["sections"].as_array().unwrap().iter();
        sections.filter(|size| size["name"] == name).map(|size| size["bytes"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(section(".text"), code, "{sizes}");
    assert!(section(".rodata") > 0 && section(".data") > 0, "{sizes}");
    assert!(sizes["crates"].as_array().unwrap().iter().any(|size| size["name"] == "alloc"), "{sizes}");
    for size in sizes["functions"].as_array().unwrap() {
        assert!(!size["name"].as_str().unwrap().starts_with("_R"), "{size}");
    }
    // Of a program, the debug information has the names.
    folder.pvm(&["link", &fixture("hello-debug.elf"), "-o", "hello.polkavm"]).check(0);
    let sizes = folder.pvm(&["stats", "hello.polkavm", "--why-big", "--json"]).json();
    assert!(sizes["crates"].as_array().unwrap().iter().any(|size| size["name"] == "hello"), "{sizes}");
}

#[test]
fn what_is_taken_for_granted_is_a_choice() {
    let folder = Folder::new();
    let elf = fixture("kitchen-sink.elf");
    let size = |arguments: &[&str]| {
        let link = ["link", &elf, "-o", "a.polkavm", "--strip", "--json"];
        let summary = folder.pvm(&[&link, arguments].concat()).json();
        summary["code_size"].as_u64().unwrap()
    };
    assert_eq!(size(&["--trust", "convention"]), size(&[]));
    assert!(size(&["--trust", "nothing"]) > size(&[]));
    folder.pvm(&["link", &elf, "-o", "a.polkavm", "--trust", "me"]).fails(2, &["--trust", "convention"]);
}

#[test]
fn stripped_programs_have_no_names() {
    let folder = Folder::new();
    let elf = fixture("hello-debug.elf");
    folder.pvm(&["link", &elf, "-o", "whole.polkavm"]).check(0);
    folder.pvm(&["link", &elf, "-o", "stripped.polkavm", "--strip"]).check(0);
    let lines = |file: &str| folder.pvm(&["disasm", file, "--lines"]).check(0).text().contains("hello::main");
    assert_eq!((lines("whole.polkavm"), lines("stripped.polkavm")), (true, false));
    assert!(folder.read("stripped.polkavm").len() < folder.read("whole.polkavm").len());
}

#[test]
fn standard_programs_have_metadata_in_front() {
    let folder = Folder::new();
    let elf = fixture("kitchen-sink.elf");
    let metadata = ["--name", "sink", "--program-version", "1.2", "--license", "MIT", "--author", "a", "--author", "b"];
    let link = |target| {
        [&["link", &elf, "-o", "a.jam", "--dispatch-table", "run", "--target", target], &metadata[..]].concat()
    };
    folder.pvm(&link("jam-spi")).check(0);
    let inspection = folder.pvm(&["inspect", "a.jam"]);
    for text in ["sink", "1.2", "MIT", "author"] {
        assert!(inspection.check(0).text().contains(text), "{}", inspection.text());
    }
    folder.pvm(&link("jam_v1")).fails(2, &["--name"]);
}

#[test]
fn inspect_and_stats_tell_the_same() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM);
    let inspection = folder.pvm(&["inspect", "a.txt", "--json"]).json();
    let stats = folder.pvm(&["stats", "a.txt", "--json"]).json();
    assert_eq!(inspection["code"]["size"], stats["code_bytes"]);
    assert_eq!(inspection["code"]["instructions"], stats["instructions"]);
    assert_eq!(inspection["code"]["blocks"], stats["blocks"]);
    let sum = |list: &str, key: &str| {
        stats[list].as_array().unwrap().iter().map(|entry| entry[key].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(Value::from(sum("opcodes", "count")), stats["instructions"]);
    assert_eq!(Value::from(sum("opcodes", "bytes")), stats["code_bytes"]);
    assert_eq!(Value::from(sum("instruction_lengths", "bytes")), stats["code_bytes"]);
    assert_eq!(Value::from(sum("block_sizes", "instructions")), stats["instructions"]);
    assert_eq!(Value::from(sum("block_sizes", "blocks")), stats["blocks"]);
    let symbols: Vec<&str> =
        inspection["exports"].as_array().unwrap().iter().map(|export| export["symbol"].as_str().unwrap()).collect();
    assert_eq!(symbols, ["add", "ask", "boom", "exit", "greet", "main", "spin", "write"]);
    assert_eq!(inspection["imports"][0]["symbol"], "pvm_v1_write");
    assert_eq!(inspection["imports"][2]["offered_by_run"], false);
}

#[test]
fn listings_show_what_is_asked_for() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM);
    let list = |arguments: &[&str]| folder.pvm(&[&["disasm", "a.txt"], arguments].concat()).check(0).text().to_owned();
    assert!(list(&[]).contains("     0: a0 = a0 + a1\n"));
    assert!(list(&["--raw-bytes"]).contains("     0: bc 87 07                 a0 = a0 + a1\n"));
    assert!(list(&["--gas", "full"]).contains("@0 [export #0: 'add'] (gas: 22)\n"));
    assert!(list(&["--numbered-registers"]).contains("r7 = r7 + r8\n"));
    assert!(list(&["--unaliased"]).contains("jump [ra + 0]\n"));
    assert!(list(&["--format", "diff"]).contains("_: a0 = a0 + a1\n"));
    assert!(!list(&["--no-header"]).contains("Code size"));
    folder.pvm(&["disasm", "a.txt", "--format", "reassemblable", "--raw-bytes"]).fails(2, &["--raw-bytes"]);
    folder.pvm(&["disasm", "a.txt", "-o", "listing"]).check(0);
    assert_eq!(folder.read("listing"), list(&[]).into_bytes());
}

#[test]
fn source_lines_are_shown() {
    let folder = Folder::new();
    folder.file("a.txt", PROGRAM).pvm(&["asm", "a.txt", "-o", "a.polkavm"]).check(0);
    folder.file("d.polkavm", common::with_debug_lines(&folder.read("a.polkavm"), 12));
    let shown = folder.pvm(&["disasm", "d.polkavm", "--lines"]);
    assert!(shown.check(0).text().contains("src/demo.rs:17"), "{}", shown.text());
    assert!(!folder.pvm(&["disasm", "d.polkavm"]).check(0).text().contains("demo.rs"));
}

#[test]
fn completions_know_the_subcommands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Folder::new().pvm(&["completions", shell]);
        for word in ["inspect", "disasm", "opt-level"] {
            assert!(ran.check(0).text().contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn help_has_exit_codes_and_examples() {
    let folder = Folder::new();
    for command in ["run", "link", "asm", "disasm", "inspect", "stats", "completions"] {
        let ran = folder.pvm(&[command, "--help"]);
        assert!(ran.check(0).text().contains(&format!("  pvm {command} ")), "{command}");
        assert!(!ran.text().contains('\x1b'), "colour without a terminal");
    }
    assert!(folder.pvm(&["--help"]).check(0).text().contains("Exit codes:"));
    assert!(folder.pvm(&["run", "--help"]).check(0).text().contains("101  the guest trapped"));
    folder.pvm(&["--version"]).check(0);
    folder.pvm(&["frobnicate"]).fails(2, &["frobnicate"]);
    folder.pvm(&["link", "a"]).fails(2, &["--output"]);
}
