//! Guests of the Rust SDK: what `pvm run` does for them, on every engine and at every level of the linker; and exports and
//! imports of every form, with a host of the test's own.

mod common;

use common::{Folder, Ran, fixture};
use pvm::{
    BackendKind, Config, Engine, InterruptKind, Module, ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
};

/// What the guest `sdk` prints with everything granted.
const OUTPUT: &str = "\
variable: value
input: one
input: two
file: Ok(\"fir\") 372 371
cut: \"firs\"
text: Err(an argument has no meaning)
again: Err(it exists already)
directory: Err(a directory)
entries: [\"b\", \"c\"]
full: true
gone: Err(no such file or directory, or not in a granted directory)
heap: 0xed9d9e08bf3b5d2f
numbers: 340282366920938463463374607431768211455 0.30000000000000004 1e300
later: true
time: Ok(true)
devices: [Some(the host has no such device), Some(the host has no such device), Some(the host has no such device)]
picture: Err(an argument has no meaning)
";

fn run(folder: &Folder, name: &str, options: &[&str], arguments: &[&str]) -> Ran {
    let elf = fixture(name);
    folder.pvm_with(&[&["run", &elf], options, &["--", "/"], arguments].concat(), b"one\r\ntwo")
}

#[test]
fn a_guest_uses_all_of_the_system_interface() {
    for name in ["sdk.elf", "sdk-32.elf"] {
        for options in [["--opt-level", "0"], ["--opt-level", "1"], ["--opt-level", "2"], ["--engine", "interpreter"]] {
            let folder = Folder::new();
            let granted = [&options[..], &["--dir-rw", ".", "--time", "--env", "VARIABLE=value"]].concat();
            let ran = run(&folder, name, &granted, &[]);
            assert_eq!(ran.check(7).text(), OUTPUT, "{name} {options:?}");
            assert_eq!(ran.stderr, "done\n");
            assert_eq!(folder.names(), [""; 0], "it removed what it made");
        }
    }
}

#[test]
fn what_was_not_granted_is_an_error_of_the_guest() {
    let folder = Folder::new();
    let ran = run(&folder, "sdk.elf", &[], &[]);
    assert_eq!(ran.check(1).text(), "variable: \ninput: one\ninput: two\n");
    assert_eq!(ran.stderr, "error: no such file or directory, or not in a granted directory\n");
}

#[test]
fn a_guest_ends_as_it_wants() {
    let folder = Folder::new();
    let ends = |what: &str, code: i32| {
        let ran = run(&folder, "sdk.elf", &[], &[what]);
        assert_eq!(ran.check(code).text(), "");
        ran.stderr
    };
    let panic = ends("panic", 101);
    let message = "panicked at programs/sdk/src/main.rs:19:26:\nasked to, with 3 arguments\nerror: ";
    assert!(panic.starts_with(message) && panic.contains("the guest trapped"), "{panic}");
    assert!(ends("index", 101).contains("index out of bounds: the len is 3 but the index is 3"));
    assert_eq!(ends("error", 1), "error: no such file or directory, or not in a granted directory\n");
    assert_eq!(ends("exit", 42), "");
    assert!(ends("code", 100).contains("exit code is -1"));
    // `true` as a number: more than a GiB was there, and what is left is still of use.
    assert_eq!(ends("memory", 1), "");
}

fn engines() -> Vec<Engine> {
    let kinds = [BackendKind::Interpreter, BackendKind::Compiler];
    let engine = |kind| Engine::new(Config::new().set_backend(Some(kind))).unwrap();
    kinds.into_iter().filter(|kind| kind.is_supported()).map(engine).collect()
}

/// Links `abi-rust` at a level and makes an instance of it.
fn abi_guest(folder: &Folder, engine: &Engine, name: &str, level: &str) -> RawInstance {
    let program = folder.path().join("abi.polkavm").display().to_string();
    folder.pvm(&["link", &fixture(name), "--opt-level", level, "-o", &program]).check(0);
    let blob = ProgramBlob::parse(folder.read("abi.polkavm").into()).unwrap();
    let names: Vec<String> = blob.imports().iter().flatten().map(|symbol| symbol.to_string()).collect();
    let wanted = ["''", "'host_wide'", "''", "'host_nine'", "'host_nothing'"];
    assert_eq!(names, wanted, "each has its number");
    Module::from_blob(engine, &ModuleConfig::new(), blob).unwrap().instantiate().unwrap()
}

fn call(guest: &mut RawInstance, name: &str, arguments: &[u64], mut host: impl FnMut(u32, &mut RawInstance)) -> bool {
    let export = guest.module().exports().find(|export| export.symbol() == name).unwrap();
    let pc: ProgramCounter = export.program_counter();
    guest.prepare_call_untyped(pc, arguments);
    loop {
        match guest.run().unwrap() {
            InterruptKind::Ecalli(number) => host(number, guest),
            InterruptKind::Finished => return true,
            InterruptKind::Trap => return false,
            other => panic!("{other:?}"),
        }
    }
}

fn nobody(number: u32, _: &mut RawInstance) {
    panic!("import {number}");
}

#[test]
fn exports_and_imports_pass_every_kind_of_value() {
    let all = [Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::A4, Reg::A5, Reg::T0, Reg::T1, Reg::T2];
    for engine in engines() {
        for (name, is_64_bit) in [("abi-rust.elf", true), ("abi-rust-32.elf", false)] {
            for level in ["0", "1", "2"] {
                let folder = Folder::new();
                let mut guest = abi_guest(&folder, &engine, name, level);
                let place = format!("{name} at level {level}");
                assert!(call(&mut guest, "nine", &[1, 2, 3, 4, 5, 6, 7, 8, 9], nobody), "{place}");
                assert_eq!(guest.reg(Reg::A0), 285, "{place}");

                let mut seen = Vec::new();
                let returned = call(&mut guest, "call_host", &[], |number, guest| {
                    let values: Vec<u64> = all.iter().map(|reg| guest.reg(*reg)).collect();
                    seen.push(number);
                    match number {
                        1 if is_64_bit => {
                            assert_eq!(values[..2], [0x1_2345_6789, 5], "{place}");
                            guest.set_reg(Reg::A0, values[0] << 5);
                        }
                        1 => {
                            assert_eq!(values[..3], [0x2345_6789, 1, 5], "{place}");
                            guest.set_reg(Reg::A0, 0x68ac_f120);
                            guest.set_reg(Reg::A1, 0x24);
                        }
                        3 => {
                            assert_eq!(values, [1, 2, 3, 4, 5, 6, 7, 8, 9], "{place}");
                            guest.set_reg(Reg::A0, 285);
                        }
                        _ => assert_eq!((number, values[0]), (4, 1), "{place}"),
                    }
                });
                assert!(returned, "{place}");
                assert_eq!(seen, [4, 3, 1], "{place}");
                let sum = 285 + (0x1_2345_6789_u64 << 5);
                if is_64_bit {
                    assert_eq!(guest.reg(Reg::A0), sum, "{place}");
                } else {
                    assert_eq!([guest.reg(Reg::A0), guest.reg(Reg::A1)], [sum & 0xffff_ffff, sum >> 32], "{place}");
                }

                // Filled and emptied three times, the heap holds as much as the first time.
                assert!(call(&mut guest, "heap", &[1], nobody), "{place}");
                let first = guest.reg(Reg::A0);
                assert!(first > 200, "{place}: {first}");
                assert!(call(&mut guest, "heap", &[3], nobody), "{place}");
                assert_eq!(guest.reg(Reg::A0), first + 2, "{place}");

                // The middle of the stack, where nothing is in use.
                let address = guest.reg(Reg::SP) - 0x8000;
                guest.write_memory(u32::try_from(address).unwrap(), b"bytes").unwrap();
                assert!(call(&mut guest, "reverse", &[address, 5], nobody), "{place}");
                let [address, length] = [Reg::A0, Reg::A1].map(|reg| u32::try_from(guest.reg(reg)).unwrap());
                assert_eq!(guest.read_memory(address, length).unwrap(), b"setyb", "{place}");

                assert!(call(&mut guest, "fail", &[2], nobody), "{place}");
                assert!(!call(&mut guest, "fail", &[3], nobody), "{place}: a panic is a trap");
            }
        }
    }
}

#[test]
fn a_heap_within_the_program_suits_jam() {
    let folder = Folder::new();
    let target = ["--target", "jam_v1", "-o", "abi.polkavm"];
    folder.pvm(&[&["link", &fixture("abi-rust.elf")], &target[..]].concat()).check(0);
    let size = folder.read("abi.polkavm").len();
    assert!(size < 20_000, "{size} bytes: the heap's zeros are not in the file");
}
