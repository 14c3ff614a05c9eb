//! The containers of vectors-latest037-blob.jsonl: what parses, what it holds, and the text of every refusal.

mod common;

use common::{hex, json_lines};
use pvm_program::{Latest64Layout, ParseOptions, Program};
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
        assert_eq!(program.set(), pvm_isa::InstructionSet::Latest64Bitmask);
        assert_eq!(program.code().bytes(), [0x33, 0x07, 0x00, 0x32, 0x00]);
        assert_eq!(program.code().bitmask(), [0b1001]);
    }
}

#[test]
fn old_varints_are_accepted_on_request() {
    let rows = json_lines("vectors-latest037-blob.jsonl");
    let lenient = ParseOptions { varints: pvm_program::Varints::Lenient, ..ParseOptions::default() };
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
