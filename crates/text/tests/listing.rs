//! Listings: the texts of the vectors, and the shape of each format.

mod common;

use common::{Owned, hex, json_lines};
use pvm_gas::Rule;
use pvm_isa::InstructionSet;
use pvm_program::{Export, Imports};
use pvm_text::{DisassembleOptions, Format, Style, disassemble_to, disassemble_to_string};

#[test]
fn texts_of_the_macro_block_vectors() {
    let options = DisassembleOptions {
        offset_targets: true,
        show_offsets: false,
        show_header: false,
        ..DisassembleOptions::default()
    };
    let mut checked = 0;
    for vector in json_lines("vectors-latest037.jsonl") {
        let owned = Owned {
            set: InstructionSet::Latest64,
            code: hex(vector["code"].as_str().unwrap()),
            bitmask: Vec::new(),
            jump_table: Vec::new(),
            entry_size: 0,
        };
        let text = disassemble_to_string(&owned.source(), &options);
        let mut lines = text.lines().filter(|line| !line.starts_with('@'));
        for row in vector["instructions"].as_array().unwrap() {
            assert_eq!(lines.next(), row[4].as_str(), "vector {}", vector["id"]);
            checked += 1;
        }
        let blocks = text.lines().filter(|line| line.starts_with('@')).count();
        if !owned.code.is_empty() {
            assert_eq!(lines.next(), None);
            assert_eq!(blocks, vector["jump_targets"].as_array().unwrap().len());
        }
    }
    assert!(checked > 4000, "{checked}");
}

/// Two blocks, an export, a jump table entry, a known and an unknown import.
fn sample() -> Owned {
    Owned {
        set: InstructionSet::Latest64Bitmask,
        code: vec![51, 7, 2, 1, 10, 10, 1, 40, 0xfd, 0x81, 0x87],
        bitmask: vec![0b1011_1001, 0b10],
        jump_table: vec![4, 0, 4, 1],
        entry_size: 1,
    }
}

#[track_caller]
fn check(options: &DisassembleOptions, expected: &str) {
    let owned = sample();
    let mut source = owned.source();
    source.ro_data = b"hi";
    source.ro_data_size = 5;
    source.stack_size = 4096;
    source.imports = Some(Imports::new(&[0, 0, 0, 0], b"pu\xffts\n"));
    source.exports = vec![
        Export { offset: 4, symbol: b"main" },
        Export { offset: 5, symbol: b"tail" },
        Export { offset: 1, symbol: b"nowhere" },
    ];
    let text = disassemble_to_string(&source, options);
    assert!(text == expected, "found\n{text}\nexpected\n{expected}");
    let mut bytes = Vec::new();
    disassemble_to(&source, options, &mut bytes).unwrap();
    assert_eq!(bytes, text.as_bytes());
}

/// An expected listing, written with a margin so that leading blanks show.
fn margin(text: &str) -> String {
    text.lines().map(|line| line.trim_start().strip_prefix('|').expect("a margin").to_owned() + "\n").collect()
}

#[test]
fn guest_format() {
    let options = DisassembleOptions { show_raw_bytes: true, gas: Some(Rule::Simple), ..DisassembleOptions::default() };
    check(
        &options,
        &margin(
            "|// RO data = 2/5 bytes
             |// RW data = 0/0 bytes
             |// Stack size = 4096 bytes
             |
             |// Instructions = 7
             |// Code size = 11 bytes
             |
             |      : @0 [@dyn 2] (gas: 2)
             |     0: 33 07 02                 a0 = 0x2
             |     3: 01                       fallthrough
             |      : @1 [@dyn 1] [@dyn 3] [export #0: 'main'] (gas: 3)
             |     4: 0a                       ecalli 0 // 'pu\\xffts\\x0a'
             |      : [export #1: 'tail']
             |     5: 0a 01                    ecalli 1 // INVALID
             |     7: 28 fd                    jump @1
             |      : @2 (gas: 2)
             |     9: 81 87                    a0 = i32 [a1]
             |    11:                          invalid",
        ),
    );
}

#[test]
fn what_can_be_left_out() {
    let options = DisassembleOptions {
        show_header: false,
        show_offsets: false,
        show_exports: false,
        numbered_registers: true,
        unaliased: true,
        ..DisassembleOptions::default()
    };
    check(
        &options,
        &margin(
            "|@0 [@dyn 2]
             |r7 = 0x2
             |fallthrough
             |@1 [@dyn 1] [@dyn 3]
             |ecalli 0 // 'pu\\xffts\\x0a'
             |ecalli 1 // INVALID
             |jump @1
             |@2
             |r7 = i32 [r8 + 0]
             |invalid",
        ),
    );
}

#[test]
fn the_style_of_release_0_35() {
    let options = DisassembleOptions { show_header: false, style: Style::V035, ..DisassembleOptions::default() };
    let owned = Owned {
        set: InstructionSet::JamV1,
        code: vec![124, 0x87, 0xf8],
        bitmask: vec![1],
        jump_table: Vec::new(),
        entry_size: 0,
    };
    let text = disassemble_to_string(&owned.source(), &options);
    assert_eq!(text, "      : @0\n     0: a0 = u8 [a1 + 0xfffffffffffffff8]\n     3: invalid\n");
}

#[test]
fn diff_friendly_format() {
    let options = DisassembleOptions {
        format: Format::DiffFriendly,
        show_header: false,
        gas: Some(Rule::Simple),
        ..DisassembleOptions::default()
    };
    check(
        &options,
        &margin(
            "|@_:
             |     _: a0 = _
             |     _: fallthrough
             |@_: [export: 'main']
             |     _: ecalli _ // 'pu\\xffts\\x0a'
             |      : [export: 'tail']
             |     _: ecalli _ // INVALID
             |     _: jump @_
             |@_:
             |     _: a0 = i32 [a1]
             |     _: invalid",
        ),
    );
}

#[test]
fn reassemblable_format() {
    let options = DisassembleOptions {
        format: Format::Reassemblable,
        show_header: false,
        gas: Some(Rule::Simple),
        ..DisassembleOptions::default()
    };
    check(
        &options,
        &margin(
            "|%isa = latest64
             |%latest64_layout = bitmask
             |%ro_data_size = 5
             |%stack_size = 4096
             |%ro_data = 68 69
             |%import = \"pu\\xffts\\x0a\"
             |%jump_table = @1 @0 @1 1
             |%export = 4 \"main\"
             |%export = 5 \"tail\"
             |%export = 1 \"nowhere\"
             |
             |// offset 0, gas 2
             |@0:
             |    a0 = 0x2
             |    fallthrough
             |// offset 4, gas 3
             |@1:
             |    ecalli 0 // 'pu\\xffts\\x0a'
             |    ecalli 1
             |    jump @1
             |// offset 9, gas 2
             |@2:
             |    a0 = i32 [a1]",
        ),
    );
}

#[test]
fn exports_that_can_be_labels_are() {
    let owned = sample();
    let mut source = owned.source();
    source.exports = vec![Export { offset: 4, symbol: b"main" }, Export { offset: 5, symbol: b"tail" }];
    let options =
        DisassembleOptions { format: Format::Reassemblable, show_header: false, ..DisassembleOptions::default() };
    let text = disassemble_to_string(&source, &options);
    assert!(text.contains("@1:\npub @main:\n    ecalli 0\npub @tail: %no_fallthrough\n    ecalli 1\n"), "{text}");
    let again = pvm_text::assemble(&text, None).unwrap();
    let exports: Vec<_> = again.exports.iter().map(|export| (&export.symbol[..], export.offset)).collect();
    assert_eq!(exports, [(&b"main"[..], 4), (b"tail", 5)]);
    assert_eq!(again.layout.code, owned.code);
}

#[test]
fn bytes_that_are_no_text_say_what_they_do() {
    let owned = Owned {
        set: InstructionSet::JamV1,
        // A long form of a short jump, an unassigned opcode, a store wider than its memory, bytes behind a gap.
        code: vec![40, 0, 0, 255, 30, 0, 0x34, 0x12, 0],
        bitmask: vec![0b0001_1001, 0],
        jump_table: Vec::new(),
        entry_size: 0,
    };
    let options = DisassembleOptions {
        format: Format::Reassemblable,
        show_header: false,
        show_offsets: false,
        ..DisassembleOptions::default()
    };
    assert_eq!(
        disassemble_to_string(&owned.source(), &options),
        margin(
            "|%isa = jam_v1
             |
             |@0:
             |    // jump @0
             |    %raw = 28 00 00
             |@1:
             |    %raw = ff
             |@2:
             |    // u8 [0] = 0x1234
             |    %raw = 1e 00 34 12 00"
        )
    );
}
