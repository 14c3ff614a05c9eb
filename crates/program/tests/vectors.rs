//! The containers of vectors-latest037-blob.jsonl: what parses, what it holds, and the text of every refusal.

mod common;

use common::{hex, json_lines};
use pvm_isa::InstructionSet;
use pvm_program::{Latest64Layout, ParseOptions, Program, ProgramParts, Varints};
use serde_json::Value;

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|item| item.as_u64().unwrap()).collect()
}

#[track_caller]
fn check(row: &Value, options: &ParseOptions) {
    let name = row["name"].as_str().unwrap();
    let parsed = Program::parse(hex(row["blob"].as_str().unwrap()), options);
    if let Some(error) = row["error"].as_str() {
        assert_eq!(parsed.unwrap_err().to_string(), error, "{name}");
        return;
    }
    let (program, ok) = (parsed.unwrap_or_else(|error| panic!("{name}: {error:#}")), &row["ok"]);
    let text = |key: &str| ok[key].as_str().unwrap();
    assert_eq!(program.set().name(), text("isa"), "{name}");
    assert_eq!(program.code().bytes(), hex(text("code")), "{name}");
    assert_eq!(program.code().bitmask(), hex(text("bitmask")), "{name}");
    assert_eq!(program.jump_table().iter().map(u64::from).collect::<Vec<_>>(), numbers(&ok["jump_table"]), "{name}");
    assert_eq!(program.metadata_hash(), hex(text("metadata_hash")), "{name}");
    assert_eq!(program.hash(false).to_vec(), hex(text("hash")), "{name}");
    assert_eq!(program.hash(true).to_vec(), hex(text("hash_debug")), "{name}");
    let sizes = &ok["sizes"];
    let data = |declared: u32, stored: &[u8]| vec![u64::from(declared), u64::try_from(stored.len()).unwrap()];
    assert_eq!(data(program.ro_data_size(), program.ro_data()), numbers(&sizes["ro"]), "{name}");
    assert_eq!(data(program.rw_data_size(), program.rw_data()), numbers(&sizes["rw"]), "{name}");
    assert_eq!(u64::from(program.stack_size()), sizes["stack"].as_u64().unwrap(), "{name}");
    let imports: Vec<_> = program.imports().iter().map(|symbol| symbol.unwrap().to_vec()).collect();
    assert_eq!(imports, strings(&ok["imports"]).iter().map(|symbol| hex(symbol)).collect::<Vec<_>>(), "{name}");
    let exports: Vec<_> = program.exports().map(|export| (u64::from(export.offset), export.symbol.to_vec())).collect();
    let wanted = ok["exports"].as_array().unwrap().iter();
    let wanted: Vec<_> = wanted.map(|pair| (pair[0].as_u64().unwrap(), hex(pair[1].as_str().unwrap()))).collect();
    assert_eq!(exports, wanted, "{name}");
    let listing: Vec<_> = program.code().iter().collect();
    let wanted = ok["instructions"].as_array().unwrap();
    assert_eq!(listing.len(), wanted.len(), "{name}");
    for (at, wanted) in listing.iter().zip(wanted) {
        let got = (u64::from(at.offset), u64::from(at.next - at.offset), at.instruction.opcode().name());
        let wanted = (wanted[0].as_u64().unwrap(), wanted[1].as_u64().unwrap(), wanted[2].as_str().unwrap());
        assert_eq!(got, wanted, "{name}");
    }
}

#[test]
fn containers_parse_or_are_refused_as_in_the_vectors() {
    let rows = json_lines("vectors-latest037-blob.jsonl");
    assert_eq!(rows.len(), 39);
    for row in &rows {
        check(row, &ParseOptions { latest64_layout: Latest64Layout::MacroBlock, ..ParseOptions::default() });
        if row["name"] != "v2-legacy-payload" {
            check(row, &ParseOptions::default());
        }
    }
}

#[test]
fn the_old_layout_of_latest64_is_detected() {
    let rows = json_lines("vectors-latest037-blob.jsonl");
    let row = rows.iter().find(|row| row["name"] == "v2-legacy-payload").unwrap();
    let blob = hex(row["blob"].as_str().unwrap());
    for latest64_layout in [Latest64Layout::Detect, Latest64Layout::Bitmask] {
        let options = ParseOptions { latest64_layout, ..ParseOptions::default() };
        let program = Program::parse(&blob[..], &options).unwrap();
        assert_eq!(program.set(), InstructionSet::Latest64Bitmask);
        assert_eq!(program.code().bytes(), [0x33, 0x07, 0x00, 0x32, 0x00]);
        assert_eq!(program.code().bitmask(), [0b1001]);
    }
}

#[test]
fn old_varints_are_accepted_on_request() {
    let rows = json_lines("vectors-latest037-blob.jsonl");
    let lenient = ParseOptions { varints: Varints::Lenient, ..ParseOptions::default() };
    let mut accepted = 0;
    for row in rows.iter().filter(|row| row["name"].as_str().unwrap().ends_with("nonminimal")) {
        let program = Program::parse(hex(row["blob"].as_str().unwrap()), &lenient).unwrap();
        if row["name"] == "exports-nonminimal" {
            assert_eq!(program.exports().count(), 2);
        }
        accepted += 1;
    }
    assert_eq!(accepted, 5);
}

/// Where debug sections are in a canonical place, writing a parsed blob gives the blob; unknown sections are lost.
#[test]
fn written_blobs_equal_the_canonical_ones() {
    let canonical = [
        "v2-minimal-trap",
        "v2-empty-code",
        "v2-jump-table",
        "v2-jump-table-z4",
        "v2-entry-size-0",
        "v1-latest32-bitmask",
        "v0-revive-bitmask",
        "v3-jam-bitmask",
        "v2-legacy-payload",
        "metadata-hash",
        "metadata-hash-after-debug",
        "hash-vector",
    ];
    let rows = json_lines("vectors-latest037-blob.jsonl");
    for name in canonical {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let blob = hex(row["blob"].as_str().unwrap());
        let program = Program::parse(&blob[..], &ParseOptions::default()).unwrap();
        assert_eq!(program.to_blob().unwrap(), blob, "{name}");
    }
    let mut rewritten = 0;
    for row in rows.iter().filter(|row| row["ok"].is_object()) {
        let program = Program::parse(hex(row["blob"].as_str().unwrap()), &ParseOptions::default()).unwrap();
        let again = Program::parse(program.to_blob().unwrap(), &ParseOptions::default()).unwrap();
        assert_eq!(again.hash(true), program.hash(true), "{}", row["name"]);
        assert_eq!(again.parts(), program.parts(), "{}", row["name"]);
        rewritten += 1;
    }
    assert_eq!(rewritten, 20);
}

/// The test value of the hash for releases up to 0.36 (blob.md 7).
#[test]
fn the_hash_of_the_old_layout_of_latest64() {
    let payload = [&[2, 2, 9, 1, 0, 2, 0][..], &[0; 9], &[1, 0]].concat();
    let parts = ProgramParts {
        ro_data_size: 5,
        rw_data_size: 6,
        stack_size: 300,
        ro_data: b"xy".to_vec().into(),
        rw_data: b"z".to_vec().into(),
        code_and_jump_table: payload.into(),
        import_offsets: vec![0, 0, 0, 0, 1, 0, 0, 0].into(),
        import_symbols: b"abc".to_vec().into(),
        exports: b"\x01\x00\x01a".to_vec().into(),
        debug_strings: vec![0].into(),
        debug_line_programs: vec![1].into(),
        ..ProgramParts::empty(InstructionSet::Latest64Bitmask)
    };
    let program = Program::from_parts(parts, Varints::Strict).unwrap();
    let hash = "a82507bd4a8414d146f53fc1c2b6e0392e88f48bc73c0cb6714ae005caa2a348";
    let hash_debug = "68a1fd774f3f06cec4906da5f0090e40a8cabe51d6b637dc551d30b5f680d26e";
    assert_eq!(program.hash(false).to_vec(), hex(hash));
    assert_eq!(program.hash(true).to_vec(), hex(hash_debug));
}

/// Programs of both encodings under version byte 2 are told apart.
#[test]
fn encodings_of_latest64_are_detected() {
    let set = |code_section: &[u8]| ParseOptions::default().set(2, code_section).unwrap();
    for row in json_lines("vectors-latest037.jsonl") {
        let mut section = vec![0, 0];
        section.extend_from_slice(&hex(row["code"].as_str().unwrap()));
        assert_eq!(set(&section), InstructionSet::Latest64, "{}", row["id"]);
    }
    let mut programs = 0;
    for row in json_lines("vectors-exec.jsonl").iter().filter(|row| row["isa"] == "latest64") {
        let (code, bitmask) = (hex(row["code"].as_str().unwrap()), hex(row["bitmask"].as_str().unwrap()));
        if bitmask[0] & 1 == 0 {
            continue; // nothing starts at offset 0
        }
        let mut section = vec![0, 0];
        pvm_program::varint::write(&mut section, u32::try_from(code.len()).unwrap());
        section.extend_from_slice(&code);
        section.extend_from_slice(&bitmask);
        assert_eq!(set(&section), InstructionSet::Latest64Bitmask);
        programs += 1;
    }
    assert_eq!(programs, 120);
}
