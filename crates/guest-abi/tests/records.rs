//! The layouts of records, their limits, and what is said about those that break them.

use pvm_guest_abi::system::{self, Errno, Function};
use pvm_guest_abi::*;

/// A metadata record, field by field, so that a test can spoil one of them.
#[derive(Clone, Copy)]
struct Fields {
    version: u8,
    flags: u32,
    inputs: u8,
    outputs: u8,
    has_index: u8,
    pointer: PointerSize,
}

const GOOD: Fields = Fields { version: 2, flags: 0, inputs: 9, outputs: 2, has_index: 1, pointer: PointerSize::Eight };

fn record(fields: Fields) -> Vec<u8> {
    let mut bytes = vec![fields.version];
    bytes.extend(fields.flags.to_le_bytes());
    bytes.extend(0x0403_0201u32.to_le_bytes());
    bytes.extend(std::iter::repeat_n(0xee, fields.pointer.bytes()));
    bytes.extend([fields.inputs, fields.outputs]);
    if fields.version == 2 {
        bytes.push(fields.has_index);
        bytes.extend(77u32.to_le_bytes());
    }
    bytes
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, AbiError>, at: usize, message: &str) {
    let error = result.expect_err(message);
    assert_eq!((error.at, error.to_string()), (at, format!("{message}, at offset {at:#x}")));
}

#[test]
fn metadata_has_the_sizes_of_the_specification() {
    for (version, pointer, size) in [
        (1, PointerSize::Four, 15),
        (1, PointerSize::Eight, 19),
        (2, PointerSize::Four, 20),
        (2, PointerSize::Eight, 24),
    ] {
        // Not at the start of the section, and something follows.
        let mut section = vec![0xaa; 3];
        section.extend(record(Fields { version, pointer, ..GOOD }));
        section.push(0xaa);
        let expected = Metadata {
            symbol_length: 0x0403_0201,
            symbol_slot: 3 + 9,
            input_registers: 9,
            output_registers: 2,
            index: (version == 2).then_some(77),
            end: 3 + size,
        };
        assert_eq!(Metadata::parse(&section, 3, pointer), Ok(expected));
    }
}

#[test]
fn an_index_that_is_not_there_is_none() {
    let metadata = Metadata::parse(&record(Fields { has_index: 0, ..GOOD }), 0, GOOD.pointer).unwrap();
    assert_eq!((metadata.index, metadata.end), (None, 24));
}

#[test]
fn metadata_with_undefined_values_is_refused() {
    let parse = |fields: Fields| Metadata::parse(&record(fields), 0, fields.pointer);
    assert!(parse(GOOD).is_ok());
    check_refused(parse(Fields { version: 0, ..GOOD }), 0, "metadata record of version 0, known are 1 and 2");
    check_refused(parse(Fields { version: 3, ..GOOD }), 0, "metadata record of version 3, known are 1 and 2");
    check_refused(parse(Fields { flags: 0x100, ..GOOD }), 1, "metadata flags 0x100, none is defined");
    check_refused(parse(Fields { inputs: 10, ..GOOD }), 17, "10 input registers, at most 9 are possible");
    check_refused(parse(Fields { outputs: 3, ..GOOD }), 18, "3 output registers, at most 2 are possible");
    check_refused(parse(Fields { has_index: 2, ..GOOD }), 19, "has_index is 2, neither 0 nor 1");
}

#[test]
fn metadata_that_ends_early_names_the_field() {
    let whole = record(GOOD);
    for length in 0..whole.len() {
        let error = Metadata::parse(&whole[..length], 0, GOOD.pointer).expect_err("cut short");
        let fields = [0, 1, 5, 9, 17, 18, 19, 20, 24];
        let field = fields.iter().rposition(|start| *start <= length).unwrap();
        let kind = AbiErrorKind::Truncated {
            record: RecordKind::Metadata,
            needed: fields[field + 1] - fields[field],
            available: length - fields[field],
        };
        assert_eq!(error, AbiError { kind, at: fields[field] }, "{length}");
    }
    let message = "metadata record ends early: a field of 1 bytes, of which 0 are left";
    check_refused(Metadata::parse(&whole, usize::MAX, GOOD.pointer), usize::MAX, message);
}

#[test]
fn exports_follow_each_other() {
    let size = 1 + 2 * 4;
    let mut section = vec![0; 2 * size];
    section[0] = 1;
    section[size] = 1;
    let expected = [
        Ok(Export { at: 0, metadata_slot: 1, function_slot: 5 }),
        Ok(Export { at: 9, metadata_slot: 10, function_slot: 14 }),
    ];
    assert!(exports(&section, PointerSize::Four).eq(expected));
    assert_eq!(exports(&[], PointerSize::Four).count(), 0);

    let mut section = vec![0; 17];
    section[0] = 1;
    let expected = [Ok(Export { at: 0, metadata_slot: 1, function_slot: 9 })];
    assert!(exports(&section, PointerSize::Eight).eq(expected));
}

#[test]
fn exports_stop_at_the_first_error() {
    let mut section = vec![1; 9];
    section.extend([2; 9]);
    section.extend([1; 9]);
    let mut records = exports(&section, PointerSize::Four);
    assert!(records.next().unwrap().is_ok());
    check_refused(records.next().unwrap(), 9, "export record of version 2, known is 1");
    assert!(records.next().is_none());

    let mut records = exports(&section[..9 + 1], PointerSize::Eight);
    let message = "export record ends early: a field of 8 bytes, of which 1 are left";
    check_refused(records.next().unwrap(), 9, message);
    assert!(records.next().is_none());
}

#[test]
fn import_sites_are_a_word_and_a_pointer() {
    let mut code = vec![0x82, 0x80];
    code.extend(IMPORT_WORD.to_le_bytes());
    code.extend([0xee; 8]);
    let site = |end| Ok(Some(ImportSite { metadata_slot: 6, end }));
    assert_eq!(ImportSite::parse(&code, 2, PointerSize::Eight), site(14));
    assert_eq!(ImportSite::parse(&code, 2, PointerSize::Four), site(10));
    assert_eq!(ImportSite::parse(&code, 0, PointerSize::Four), Ok(None));
    let message = "import site ends early: a field of 8 bytes, of which 7 are left";
    check_refused(ImportSite::parse(&code[..13], 2, PointerSize::Eight), 6, message);
    let message = "import site ends early: a field of 4 bytes, of which 2 are left";
    check_refused(ImportSite::parse(&code, 12, PointerSize::Four), 12, message);
}

#[test]
fn the_largest_stack_size_counts() {
    let section: Vec<u8> = [4096u32, u32::MAX, 8192].iter().flat_map(|size| size.to_le_bytes()).collect();
    assert_eq!(min_stack_size(&section), Ok(u32::MAX));
    assert_eq!(min_stack_size(&section[..4]), Ok(4096));
    assert_eq!(min_stack_size(&[]), Ok(0));
    let message = "least stack size ends early: a field of 4 bytes, of which 3 are left";
    check_refused(min_stack_size(&section[..7]), 4, message);
}

#[test]
fn symbols_of_the_system_interface_carry_its_version() {
    let prefix = format!("pvm_v{}_", system::VERSION);
    let mut symbols: Vec<_> = Function::ALL.iter().map(|function| function.symbol()).collect();
    assert!(symbols.iter().all(|symbol| symbol.starts_with(&prefix)));
    assert!(
        Function::ALL.iter().all(|function| Function::from_symbol(function.symbol().as_bytes()) == Some(*function))
    );
    symbols.sort_unstable();
    symbols.dedup();
    assert_eq!(symbols.len(), Function::ALL.len());
}

#[test]
fn errors_of_the_system_interface_are_in_order() {
    assert!(Errno::ALL.is_sorted_by(|left, right| left.number() < right.number()));
}
