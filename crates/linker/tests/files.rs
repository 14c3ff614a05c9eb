//! Several relocatable files and archives: which definition stands, what is taken of an archive, what is refused.
//!
//! The sources and files are in `tests/link/files` of the repository; `tests/link/build.sh` makes them.

mod common;

use common::{call, no_host, repository};
use pvm_linker::{Config, Input, LinkError, LinkErrorKind, Linked, link_files};

fn read(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = repository("tests/link/files");
    let read = |name: &&str| ((*name).to_owned(), std::fs::read(folder.join(name)).unwrap());
    names.iter().map(read).collect()
}

fn link_bytes(files: &[(String, Vec<u8>)], config: &Config) -> Result<Linked, LinkError> {
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    link_files(&inputs, config)
}

fn level(opt_level: u8) -> Config {
    Config { opt_level, ..Config::default() }
}

/// All levels give this.
#[track_caller]
fn check(names: &[&str], expected: u64) {
    let files = read(names);
    for opt_level in 0..=2 {
        let linked = link_bytes(&files, &level(opt_level)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(call(&linked.parts, "main", &[], no_host), Ok(expected), "level {opt_level}");
    }
}

#[track_caller]
fn refused(names: &[&str], message: &str) -> LinkErrorKind {
    let files = read(names);
    let error = link_bytes(&files, &level(0)).expect_err("refused");
    assert_eq!(error.to_string(), message);
    error.kind
}

#[test]
fn archives_are_searched_to_a_fixed_point_in_any_order() {
    let sum = 1 + 20 + 300 + 4000 + 50000 + 50000 + 600_000 + 7_000_000;
    check(&["main.64.o", "hook.64.o", "libodd.64.a", "libeven.64.a"], sum);
    check(&["main.32.o", "hook.32.o", "libeven.32.a", "libodd.32.a"], sum);
    check(&["libodd.64.a", "libeven.64.a", "main.64.o", "hook.64.o"], sum);
    check(&["main.64.o", "hook.64.o", "one.64.o", "two.64.o", "three.64.o"], sum);
}

#[test]
fn the_first_group_stands_whichever_file_it_is_in() {
    let sum = 1 + 20 + 300 + 4000 + 7 + 7 + 600_000 + 7_000_000;
    check(&["hook.64.o", "main.64.o", "libodd.64.a", "libeven.64.a"], sum);
}

#[test]
fn members_that_export_are_taken() {
    let sum = 1 + 20 + 300 + 4000 + 50000 + 50000 + 600_000 + 7_000_000;
    check(&["libmain.64.a", "hook.64.o", "libodd.64.a", "libeven.64.a"], sum);
}

/// An archive of these members, without a table of symbols.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", format!("{name}/"), 0, 0, 0, 644, bytes.len());
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(bytes);
        archive.extend(std::iter::repeat_n(b'\n', bytes.len() % 2));
    }
    archive
}

/// Rust's libraries have one that describes the crate.
#[test]
fn members_that_are_no_files_to_link_are_left_alone() {
    let mut files = read(&["main.64.o", "hook.64.o", "libeven.64.a", "one.64.o", "three.64.o", "two.32.o"]);
    let [one, three, foreign] = [3, 4, 5].map(|index| files[index].1.clone());
    let mut big_endian = one.clone();
    big_endian[5] = 2;
    let members: [(&str, &[u8]); 6] = [
        ("lib.rmeta", b"no file to link"),
        ("empty", b""),
        ("elf.o", &big_endian),
        ("one.o", &one),
        ("foreign.o", &foreign),
        ("three.o", &three),
    ];
    files.truncate(3);
    files.push(("lib.rlib".into(), archive(&members)));
    let linked = link_bytes(&files, &level(2)).unwrap();
    let sum = 1 + 20 + 300 + 4000 + 50000 + 50000 + 600_000 + 7_000_000;
    assert_eq!(call(&linked.parts, "main", &[], no_host), Ok(sum));
}

#[test]
fn required_symbols_take_their_members() {
    let files = read(&["main.64.o", "hook.64.o", "libodd.64.a", "libeven.64.a"]);
    let config = Config { required_symbols: vec![b"unused".to_vec()], ..level(0) };
    let error = link_bytes(&files, &config).unwrap_err();
    let message = "symbol `main` is defined in main.64.o and in libodd.64.a(unused.64.o)";
    assert_eq!(error.to_string(), message);
    // A name that nobody has is no more needed than any other.
    let config = Config { required_symbols: vec![b"nobody has this".to_vec()], ..level(0) };
    assert!(link_bytes(&files, &config).is_ok());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    refused(&["two.64.o", "two.64.o"], "symbol `two` is defined in two.64.o and in two.64.o");
    refused(
        &["main.64.o", "hook.64.o", "libeven.64.a"],
        "undefined symbol `one` at main.64.o:.text+0x6 (in `main`): link the file with what defines the symbol",
    );
    refused(
        &["main.64.o", "libthin.a"],
        "thin archive: its members are elsewhere in libthin.a: make it without the option --thin (T)",
    );
    refused(&["main.64.o", "two.32.o"], "32-bit file, but main.64.o has 64 bits in two.32.o");
    refused(
        &["main.64.o", "two.lp64.o"],
        "file for lp64, but main.64.o is for lp64e in two.lp64.o: compile all files with the same -mabi",
    );
    refused(
        &["main.64.o", "../calls.64.static.elf"],
        "an executable or shared object among other files; only relocatable files can be linked with others in \
         ../calls.64.static.elf",
    );
    let message = "nothing to link: no object file is given, and no member of an archive exports a function";
    assert_eq!(refused(&["libeven.64.a"], message), LinkErrorKind::NothingToLink);
    assert_eq!(refused(&[], message), LinkErrorKind::NothingToLink);
}

#[test]
fn names_of_files_are_for_messages_only() {
    let files = read(&["main.64.o", "hook.64.o", "libodd.64.a", "libeven.64.a"]);
    let blob = |files: &[(String, Vec<u8>)]| link_bytes(files, &Config::default()).unwrap().to_polkavm_blob().unwrap();
    let renamed: Vec<(String, Vec<u8>)> =
        files.iter().enumerate().map(|(index, (_, bytes))| (format!("{}", 9 - index), bytes.clone())).collect();
    assert!(blob(&files) == blob(&renamed));
}

#[test]
fn cut_archives_are_refused_or_linked_but_never_crash() {
    let mut files = read(&["main.64.o", "hook.64.o", "libeven.64.a", "libodd.64.a"]);
    let whole = files[3].1.clone();
    let mut refused = 0;
    for length in 0..whole.len() {
        files[3].1.truncate(0);
        files[3].1.extend_from_slice(&whole[..length]);
        refused += u32::from(link_bytes(&files, &level(1)).is_err());
    }
    assert!(refused > 0);
}
