//! `pvm serve`: sessions, each request with what its reply holds.

mod common;

use common::{Folder, fixture};
use pvm_isa::{Instruction, InstructionSet};
use pvm_program::{CodeBuilder, ProgramBuilder};
use serde_json::{Value, json};

/// Sends the requests in one session. A reply must have the expected fields with the expected values; an expected `error`
/// need only be part of the text, and without one the request must succeed.
#[track_caller]
fn check(folder: &Folder, session: &[(Value, Value)]) {
    for engine in ["auto", "interpreter"] {
        check_with(engine, folder, session);
    }
}

#[track_caller]
fn check_with(engine: &str, folder: &Folder, session: &[(Value, Value)]) {
    let requests: String = session.iter().map(|(request, _)| format!("{request}\n")).collect();
    let ran = folder.pvm_with(&["serve", "--engine", engine], requests.as_bytes());
    ran.check(0);
    assert_eq!(ran.text().lines().count(), session.len());
    for (line, (request, expected)) in ran.text().lines().zip(session) {
        let reply: Value = serde_json::from_str(line).unwrap();
        let error = expected["error"].as_str();
        assert_eq!(reply["ok"], error.is_none(), "{request} -> {reply}");
        for (key, value) in expected.as_object().unwrap() {
            match error {
                Some(text) => assert!(reply["error"].as_str().unwrap().contains(text), "{request} -> {reply}"),
                None => assert_eq!(&reply[key], value, "{key} of {request} -> {reply}"),
            }
        }
    }
}

/// Assembles a text in a container.
fn assembled(text: &str, format: &str) -> Folder {
    let folder = Folder::new();
    folder.file("a.txt", text).pvm(&["asm", "a.txt", "-o", "a.bin", "--format", format]).check(0);
    folder
}

fn regs(values: [(usize, u64); 2]) -> Value {
    let mut regs = vec![Value::Null; 13];
    for (index, value) in values {
        regs[index] = value.into();
    }
    regs.into()
}

#[test]
fn a_generic_program_is_given_pages_and_gas() {
    let folder = assembled("%isa = jam_v1\npub @main:\nu8 [a0] = a1\na2 = u8 [a0]\necalli 7\nret\n", "generic");
    check(
        &folder,
        &[
            (json!({"op": "run"}), json!({"error": "no program is loaded"})),
            (
                json!({"op": "load", "kind": "generic", "path": "a.bin", "gas": "per-instruction"}),
                json!({
                    "isa": "jam_v1", "imports": [], "exports": [],
                    "map": {"ro": [65536, 0], "rw": [131_072, 0], "stack": [4_294_836_224_u32, 0]},
                }),
            ),
            (json!({"op": "blocks"}), json!({"blocks": {"0": 4}})),
            (json!({"op": "run"}), json!({"error": "program counter is not set"})),
            (json!({"op": "set", "pc": 0, "gas": 2, "regs": regs([(7, 0x20fff), (8, 0x1ff)])}), json!({})),
            (json!({"op": "run"}), json!({"status": "page-fault", "arg": 0x20000, "pc": 0, "gas": 1})),
            (json!({"op": "map", "addr": 0x20000, "len": 4096, "writable": false}), json!({})),
            (json!({"op": "run"}), json!({"status": "page-fault", "arg": 0x20000, "pc": 0, "gas": 1})),
            (json!({"op": "map", "addr": 0x20000, "len": 4096, "writable": true}), json!({})),
            (json!({"op": "run"}), json!({"status": "out-of-gas", "arg": null, "pc": 4, "gas": 0})),
            (json!({"op": "set", "gas": 2}), json!({})),
            (json!({"op": "run"}), json!({"status": "ecalli", "arg": 7, "pc": 4, "gas": 1})),
            (json!({"op": "read", "addr": 0x20ffe, "len": 2}), json!({"data": "00ff"})),
            (json!({"op": "read", "addr": 0x20ffe, "len": 3}), json!({"error": "0x20ffe"})),
            (json!({"op": "set", "gas": 1}), json!({})),
            (json!({"op": "run"}), json!({"status": "panic", "pc": 6, "gas": 0})),
        ],
    );
}

#[test]
fn a_standard_program_is_given_arguments() {
    let text = "%isa = jam_v1\n%ro_data_size = 2\n%ro_data = 01 02\npub @main:\na0 = u8 [a0 + 1]\nret\n";
    let folder = assembled(text, "spi");
    let load = json!({"op": "load", "kind": "spi", "path": "a.bin", "args": "0a0b"});
    check(
        &folder,
        &[
            (load, json!({"isa": "jam_v1"})),
            (json!({"op": "run"}), json!({"error": "program counter is not set"})),
            (json!({"op": "set", "pc": 0, "gas": 100}), json!({})),
            (json!({"op": "run"}), json!({"status": "halt", "gas": 98})),
            (json!({"op": "write", "addr": 0x10000, "data": "ff"}), json!({"error": "0x10000"})),
            (json!({"op": "write", "addr": 0x10000, "data": "ff", "force": true}), json!({})),
            (json!({"op": "read", "addr": 0x10000, "len": 2}), json!({"data": "ff02"})),
            (json!({"op": "map", "addr": 0x30000, "len": 4096}), json!({"error": "only generic programs map pages"})),
        ],
    );
}

#[test]
fn an_elf_is_linked_and_called() {
    let load = |level: u64| json!({"op": "load", "kind": "elf", "path": fixture("fib.elf"), "opt": level});
    check(
        &Folder::new(),
        &[
            (load(3), json!({"error": "opt is 0, 1 or 2"})),
            (load(2), json!({"isa": "latest64"})),
            (json!({"op": "call", "export": "nowhere"}), json!({"error": "export not found: 'nowhere'"})),
            (json!({"op": "call", "export": "run"}), json!({})),
            (json!({"op": "run"}), json!({"status": "out-of-gas", "gas": 0})),
        ],
    );
}

#[test]
fn the_gray_paper_decides_which_code_is_good() {
    // The last instruction is a branch: it ends a block, but can be run through.
    let folder = assembled("%isa = jam_v1\npub @main:\njump @main if a0 == 1\n", "generic");
    check(
        &folder,
        &[
            (json!({"op": "load", "kind": "generic", "path": "a.bin"}), json!({"isa": "jam_v1"})),
            (
                json!({"op": "load", "kind": "generic", "hex": "000001ff01"}),
                json!({"error": "validation failed at offset 0"}),
            ),
            (json!({"op": "load", "kind": "generic", "hex": "000001ff01", "isa": "gp07"}), json!({"isa": "gp07"})),
        ],
    );
}

#[test]
fn strict_loading_refuses_double_exports() {
    let mut code = CodeBuilder::new(InstructionSet::Latest64);
    code.push(Instruction::trap());
    let mut program = ProgramBuilder::new(&code.build().unwrap());
    program.export(0, b"twice").export(0, b"twice");
    let folder = Folder::new();
    folder.file("a.bin", program.build().unwrap().to_blob().unwrap());
    let load = |strict: bool| json!({"op": "load", "kind": "polkavm", "path": "a.bin", "strict": strict});
    check(&folder, &[(load(false), json!({})), (load(true), json!({"error": "export 'twice' occurs twice"}))]);
}

#[test]
fn what_makes_no_sense_is_answered() {
    let folder = Folder::new();
    for (line, error) in [
        ("hello", "not JSON"),
        ("[1]", "not an object"),
        ("{}", "no \"op\""),
        ("{\"op\":\"load\"}", "needs a \"kind\""),
        ("{\"op\":\"load\",\"kind\":\"elf\"}", "either \"path\" or \"hex\""),
        ("{\"op\":\"load\",\"kind\":\"elf\",\"path\":\"nowhere.elf\"}", "nowhere.elf: No such file"),
        ("{\"op\":\"load\",\"kind\":\"spi\",\"hex\":\"0\"}", "odd length"),
        ("{\"op\":\"load\",\"kind\":\"zip\",\"hex\":\"00\"}", "unknown kind \"zip\""),
        ("{\"op\":\"load\",\"kind\":\"generic\",\"hex\":\"00\",\"gas\":\"free\"}", "gas rule \"free\""),
    ] {
        let ran = folder.pvm_with(&["serve"], format!("\n{line}\n").as_bytes());
        let reply = ran.json();
        assert_eq!(reply["ok"], false);
        assert!(reply["error"].as_str().unwrap().contains(error), "{line} -> {reply}");
    }
}
