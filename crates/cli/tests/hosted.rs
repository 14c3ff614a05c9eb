//! A program written for an ordinary operating system: the C library of the SDK checks itself from inside a guest, linked at
//! every level and run on every engine.

mod common;

use common::{Folder, fixture};

#[test]
fn the_c_library_works_at_every_level_on_every_engine() {
    let elf = fixture("libc.elf");
    for level in ["0", "1", "2"] {
        for engine in ["interpreter", "auto"] {
            let folder = Folder::new();
            let program = folder.path().join("libc.polkavm").display().to_string();
            folder.pvm(&["link", &elf, "--opt-level", level, "-o", &program]).check(0);
            let data = folder.path().join("data");
            std::fs::create_dir(&data).unwrap();
            let data = data.display().to_string();
            let mut arguments = vec!["run", &program, "--engine", engine, "--dir-rw", &data, "--env", "VARIABLE=value"];
            arguments.extend(["--", "first", "with space"]);
            let output = folder.pvm_with(&arguments, b"one\ntwo\n");
            let wanted = "2 arguments: first with space\nVARIABLE=value\ninput: one\ninput: two\n0 failures\nat end\n";
            assert_eq!(output.check(0).text(), wanted, "level {level}, {engine}");
        }
    }
}

#[test]
fn the_standard_library_of_cxx_works_at_every_level_on_every_engine() {
    let elf = fixture("libcxx.elf");
    for level in ["0", "1", "2"] {
        for engine in ["interpreter", "auto"] {
            let folder = Folder::new();
            let program = folder.path().join("libcxx.polkavm").display().to_string();
            folder.pvm(&["link", &elf, "--opt-level", level, "-o", &program]).check(0);
            let output = folder.pvm(&["run", &program, "--engine", engine]);
            let second = "second, with a name that is too long for a short string";
            let wanted =
                format!("first made\n{second} made\nlocal made\n0 failures\nlocal gone\n{second} gone\nfirst gone\n");
            assert_eq!(output.check(0).text(), wanted, "level {level}, {engine}");
        }
    }
}

#[test]
fn what_was_not_granted_is_not_there() {
    let folder = Folder::new();
    let elf = fixture("libc.elf");
    let output = folder.pvm(&["run", &elf]);
    assert!(output.check(1).text().contains("file != 0"), "it made a file: {}", output.text());
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let folder = Folder::new();
    let elf = fixture("libc.elf");
    folder.pvm(&["run", &elf, "--dir", "no/such/place"]).fails(105, &["cannot open no/such/place"]);
}
