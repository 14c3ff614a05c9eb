//! What inputs are made from: the containers and programs among the specification's vectors, and small guests.

use std::sync::LazyLock;

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn field(text: &str, name: &str) -> Vec<Vec<u8>> {
    let rows = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    rows.filter_map(|row| row[name].as_str().map(hex)).collect()
}

/// `.polkavm` blobs.
pub(crate) static BLOBS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| field(include_str!("../../tests/vectors/vectors-latest037-blob.jsonl"), "blob"));

/// Code in the macro-block encoding.
pub(crate) static MACRO_BLOCK_CODE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| field(include_str!("../../tests/vectors/vectors-latest037.jsonl"), "code"));

/// Code in the bitmask encoding.
pub(crate) static BITMASK_CODE: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| field(include_str!("../../tests/vectors/vectors-exec.jsonl"), "code"));

/// Linked and relocatable RISC-V files of both widths.
pub(crate) const ELFS: &[&[u8]] = &[
    include_bytes!("../../guest/fixtures/hello.elf"),
    include_bytes!("../../guest/fixtures/hello-32.elf"),
    include_bytes!("../../guest/fixtures/hello-c.elf"),
    include_bytes!("../../guest/fixtures/hello-c-rel.elf"),
    include_bytes!("../../guest/fixtures/abi-c.elf"),
];
