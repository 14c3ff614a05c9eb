//! What several tests need: vectors and hex.
#![allow(dead_code)] // each test binary uses its part

use serde_json::Value;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn json_lines(name: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All blobs of the vectors, good and bad.
pub(crate) fn blobs() -> Vec<Vec<u8>> {
    json_lines("vectors-latest037-blob.jsonl").iter().map(|row| hex(row["blob"].as_str().unwrap())).collect()
}
