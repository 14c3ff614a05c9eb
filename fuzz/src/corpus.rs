//! What is mutated: blobs and programs among the specification's vectors, the guests, and programs linked from them.

use pvm_isa::InstructionSet;
use pvm_linker::{Config, link};
use pvm_program::{Program, Varints};
use std::sync::LazyLock;

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn field(text: &str, name: &str) -> Vec<Vec<u8>> {
    let rows = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    rows.filter_map(|row| row[name].as_str().map(hex)).collect()
}

/// Code in the macro-block encoding.
pub(crate) static MACRO_BLOCK_CODE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| field(include_str!("../../tests/vectors/vectors-latest037.jsonl"), "code"));

/// Code in the bitmask encoding.
pub(crate) static BITMASK_CODE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| field(include_str!("../../tests/vectors/vectors-exec.jsonl"), "code"));

/// Small RISC-V files: linked and relocatable, of both widths.
pub(crate) const ELFS: &[&[u8]] = &[
    include_bytes!("../../guest/fixtures/hello.elf"),
    include_bytes!("../../guest/fixtures/hello-32.elf"),
    include_bytes!("../../guest/fixtures/hello-c.elf"),
    include_bytes!("../../guest/fixtures/hello-c-32.elf"),
    include_bytes!("../../guest/fixtures/hello-c-rel.elf"),
    include_bytes!("../../guest/fixtures/hello-c-medany.elf"),
    include_bytes!("../../guest/fixtures/hello-c-medlow.elf"),
    include_bytes!("../../guest/fixtures/abi-c.elf"),
    include_bytes!("../../guest/fixtures/abi-c-32.elf"),
    include_bytes!("../../guest/fixtures/fib.elf"),
    include_bytes!("../../guest/fixtures/sieve-32.elf"),
    include_bytes!("../../tests/link/absolute.64.static.elf"),
    include_bytes!("../../tests/link/calls.64.pie.elf"),
    include_bytes!("../../tests/link/calls.32.object.elf"),
    // Every kind of relocation, lists of constructors, what linkers provide, and what relaxation leaves behind.
    include_bytes!("../../tests/link/constructors.64.object.elf"),
    include_bytes!("../../tests/link/data.64.object.elf"),
    include_bytes!("../../tests/link/got.64.pie.elf"),
    include_bytes!("../../tests/link/got.32.object.elf"),
    include_bytes!("../../tests/link/imports.64.object.elf"),
    include_bytes!("../../tests/link/local-pairs.64.object.elf"),
    include_bytes!("../../tests/link/millicode.32.static.elf"),
    include_bytes!("../../tests/link/pcrel.32.pie.elf"),
    include_bytes!("../../tests/link/provided.64.static.elf"),
    include_bytes!("../../tests/link/rodata-fold.64.partial.elf"),
    include_bytes!("../../tests/link/stock.64.object.elf"),
    include_bytes!("../../tests/link/tables.64.pie.elf"),
    include_bytes!("../../tests/link/toolchains/clang.64.medlow.relax-gp.elf"),
    include_bytes!("../../tests/link/toolchains/clang.64.pie.relax-relr.elf"),
    include_bytes!("../../tests/link/toolchains/gcc.32.medlow.relax.elf"),
    include_bytes!("../../tests/link/files/main.64.o"),
    // Debug information, whose relocations are many in a relocatable file.
    include_bytes!("../../tests/debug/both.dwarf5-unique.pie.elf"),
    include_bytes!("../../tests/debug/inline.dwarf4-O2.pie.elf"),
    include_bytes!("../../tests/debug/inline.dwarf5-relax.object.elf"),
];

/// Archives.
pub(crate) const ARCHIVES: &[&[u8]] = &[
    include_bytes!("../../tests/link/files/libmain.64.a"),
    include_bytes!("../../tests/link/files/libodd.64.a"),
    include_bytes!("../../tests/link/files/libeven.64.a"),
];

/// What one of the files above is linked with: objects and archives that need each other.
pub(crate) const COMPANIONS: [&[u8]; 4] = [
    include_bytes!("../../tests/link/files/hook.64.o"),
    include_bytes!("../../tests/link/files/libmain.64.a"),
    include_bytes!("../../tests/link/files/libodd.64.a"),
    include_bytes!("../../tests/link/files/libeven.64.a"),
];

/// Larger ones, with debug information or much code.
pub(crate) const LARGE_ELFS: &[&[u8]] = &[
    include_bytes!("../../guest/fixtures/hello-debug.elf"),
    include_bytes!("../../guest/fixtures/blake2b.elf"),
    include_bytes!("../../guest/fixtures/sort-32.elf"),
    include_bytes!("../../guest/fixtures/keccak.elf"),
    include_bytes!("../../guest/fixtures/ed25519-verify.elf"),
    include_bytes!("../../guest/fixtures/kitchen-sink.elf"),
];

/// `.polkavm` blobs: all kinds of small ones, and small guests in every instruction set.
pub(crate) static BLOBS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut blobs = field(include_str!("../../tests/vectors/vectors-latest037-blob.jsonl"), "blob");
    blobs.extend(programs(ELFS).filter_map(|program| program.to_blob().ok()));
    blobs
});

/// Larger guests, with debug sections where they have some.
pub(crate) static LARGE_BLOBS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| programs(&LARGE_ELFS[..5]).filter_map(|program| program.to_blob().ok()).collect());

/// Programs of a few instructions, and small guests.
pub(crate) static STANDARD_PROGRAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let tiny = BITMASK_CODE.iter().map(|code| {
        let code = &code[..code.len().min(100)];
        let bitmask = vec![0xff >> (7 - (code.len() + 7) % 8); code.len().div_ceil(8)];
        let length = |length: usize| u8::try_from(length).expect("code is cut to 100 bytes");
        let mut bytes = vec![4, 0, 0, 2, 0, 0, 1, 0, 0, 16, 0, 1, 2, 3, 4, 5, 6];
        bytes.extend_from_slice(&[length(3 + code.len() + bitmask.len()), 0, 0, 0, 0, 0, length(code.len())]);
        bytes.extend_from_slice(code);
        bytes.extend_from_slice(&bitmask);
        bytes
    });
    tiny.chain(standard_programs(ELFS)).collect()
});

/// Larger guests.
pub(crate) static LARGE_STANDARD_PROGRAMS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| standard_programs(&LARGE_ELFS[..5]).collect());

fn standard_programs(elfs: &'static [&'static [u8]]) -> impl Iterator<Item = Vec<u8>> {
    programs(elfs).filter(|program| program.set() == InstructionSet::JamV1).filter_map(|program| program.to_spi().ok())
}

/// Guests linked for every instruction set that can hold them.
fn programs(elfs: &'static [&'static [u8]]) -> impl Iterator<Item = Program> {
    let all = elfs.iter().flat_map(|elf| InstructionSet::ALL.map(|set| (elf, set)));
    all.filter_map(|(elf, set)| {
        let config = Config { target: Some(set), opt_level: 1, ..Config::default() };
        Program::from_parts(link(elf, &config).ok()?.parts, Varints::Strict).ok()
    })
}
