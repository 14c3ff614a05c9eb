//! Generic programs, JAM standard programs and their metadata, and what builders and parsers refuse.

use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{
    CodeBuilder, CodeLayout, JamMetadata, JamNumbering, MetadataPrefix, ParseOptions, Part, Program, ProgramBuilder,
    ProgramErrorKind, ProgramParts, Region, StandardProgram, Varints,
};

fn layout(set: InstructionSet) -> CodeLayout {
    let mut code = CodeBuilder::new(set);
    code.push(Instruction::load_imm(Reg::a0, 7));
    code.push(Instruction::jump_indirect(Reg::ra, 0));
    code.jump_table = vec![0, 1];
    code.build().unwrap()
}

#[test]
fn a_program_goes_through_every_container() {
    for set in InstructionSet::ALL {
        let layout = layout(set);
        let mut builder = ProgramBuilder::new(&layout);
        builder.ro_data(b"ro".to_vec()).ro_data_size(10).rw_data(b"rw".to_vec()).rw_data_size(9000).stack_size(123);
        builder.import(b"a").import(b"").import(b"ccc").export(0, b"main").export(3, b"other");
        builder.metadata_hash(vec![9; 32]);
        let program = builder.build().unwrap();
        assert_eq!(program.code().bytes(), layout.code);
        assert_eq!(program.code().bitmask(), layout.bitmask);
        assert_eq!(program.jump_table().iter().collect::<Vec<_>>(), layout.offsets[..2]);
        let (second, table) = (layout.offsets[1], program.jump_table());
        let addresses: Vec<_> = (0..7).map(|address| table.get_by_address(address)).collect();
        assert_eq!(addresses, [None, None, Some(0), None, Some(second), None, None]);

        let options = ParseOptions {
            jam_numbering: if set == InstructionSet::Gp07 { JamNumbering::Gp07 } else { JamNumbering::Gp08 },
            ..ParseOptions::default()
        };
        let parsed = Program::parse(program.to_blob().unwrap(), &options).unwrap();
        assert_eq!(parsed.parts(), program.parts(), "{set:?}");
        let imports: Vec<_> = parsed.imports().iter().collect();
        assert_eq!(imports, [Some(&b"a"[..]), Some(&b""[..]), Some(&b"ccc"[..])]);
        let exports: Vec<_> = parsed.exports().map(|export| (export.offset, export.symbol)).collect();
        assert_eq!(exports, [(0, &b"main"[..]), (3, &b"other"[..])]);
        assert_eq!(parsed.metadata_hash(), [9; 32]);

        let generic = Program::parse_generic(program.to_generic(), set).unwrap();
        assert_eq!(generic.code(), program.code());
        assert_eq!(generic.ro_data_size(), 0);

        let spi = program.to_spi().unwrap();
        let standard = Program::parse_spi(spi.clone(), set).unwrap();
        assert_eq!(standard.code(), program.code());
        assert_eq!(standard.ro_data(), b"ro\0\0\0\0\0\0\0\0");
        assert_eq!((standard.rw_data(), standard.rw_data_size()), (&b"rw"[..], 12288)); // 9000 in whole pages
        assert_eq!(standard.stack_size(), 123);
        assert_eq!(standard.to_spi().unwrap(), spi);
    }
}

/// Found by the fuzzer: blobs of old linkers became standard programs that nobody could read.
#[test]
fn standard_programs_written_from_lenient_blobs_had_long_varints() {
    for set in InstructionSet::ALL.into_iter().filter(|set| *set != InstructionSet::Latest64) {
        let parts = |payload: &[u8]| ProgramParts { code_and_jump_table: payload.into(), ..ProgramParts::empty(set) };
        // One entry and two bytes of code, each count in two bytes; and as it is written today.
        let (old, new) = (&[0x80, 1, 1, 0x80, 2, 0, 0, 1, 3][..], &[1, 1, 2, 0, 0, 1, 3][..]);
        assert!(Program::from_parts(parts(old), Varints::Strict).is_err());
        let program = Program::from_parts(parts(old), Varints::Lenient).unwrap();
        assert_eq!(program.to_generic()[..], *new);
        let standard = Program::parse_spi(program.to_spi().unwrap(), set).unwrap();
        assert_eq!(standard.code(), program.code());
        assert!(standard.jump_table().iter().eq([0]));
    }
}

#[test]
fn metadata_is_found_told_or_refused() {
    let spi = ProgramBuilder::new(&layout(InstructionSet::JamV1)).build().unwrap().to_spi().unwrap();
    let metadata = JamMetadata { name: "guest", version: "1.0", license: "MIT", authors: vec!["a <a@b>", "b"] };
    let prefix = metadata.to_prefix();
    let whole = [&prefix[..], &spi].concat();

    let found = StandardProgram::parse(&whole).unwrap();
    assert_eq!(found, StandardProgram::parse_with(&whole, MetadataPrefix::Present).unwrap());
    assert_eq!(JamMetadata::parse(&whole[found.metadata]).unwrap(), metadata);
    let opaque = [&[3, 1, 2, 3][..], &spi].concat();
    let found = StandardProgram::parse(&opaque).unwrap();
    assert_eq!(found.metadata, 1..4);
    let error = JamMetadata::parse(&opaque[found.metadata]).unwrap_err();
    assert_eq!((error.kind, error.at.part), (ProgramErrorKind::UnknownMetadataTag { tag: 1 }, Part::JamMetadata));
    assert_eq!(StandardProgram::parse_with(&spi, MetadataPrefix::Absent).unwrap().metadata, 0..0);
    assert!(StandardProgram::parse_with(&whole, MetadataPrefix::Absent).is_err());
    assert!(StandardProgram::parse_with(&spi, MetadataPrefix::Present).is_err());

    let error = StandardProgram::parse_with(&spi[..20], MetadataPrefix::Absent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unexpected end of file at offset 0xf: expected to be able to read at least 11 bytes, found 5 bytes"
    );
    let longer = [&spi[..], &[0]].concat();
    let error = StandardProgram::parse_with(&longer, MetadataPrefix::Absent).unwrap_err();
    assert_eq!((error.kind, error.at.offset), (ProgramErrorKind::TrailingBytes { count: 1 }, 26));
    assert_eq!(StandardProgram::parse(&longer).unwrap_err().kind, ProgramErrorKind::NotStandardProgram);
}

#[test]
fn malformed_metadata_is_located() {
    let error = |bytes: &[u8]| {
        let error = JamMetadata::parse(bytes).unwrap_err();
        (error.kind, error.at.offset)
    };
    assert_eq!(error(&[]), (ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 }, 0));
    assert_eq!(error(&[0, 5, b'a']), (ProgramErrorKind::UnexpectedEnd { wanted: 5, found: 1 }, 2));
    assert_eq!(error(&[0, 1, 0xff]), (ProgramErrorKind::NotUtf8, 2));
    assert_eq!(error(&[0, 0, 0, 0, 0x80, 1]), (ProgramErrorKind::BadVarint, 4));
    assert_eq!(
        error(&[0, 0, 0, 0, 0xf0, 255, 255, 255, 255, 0]),
        (ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 }, 10)
    );
    assert_eq!(error(&[0, 0, 0, 0, 0, 7]), (ProgramErrorKind::TrailingBytes { count: 1 }, 5));
}

#[test]
fn entries_wider_than_32_bits_are_for_generic_programs() {
    // Three entries of 5 bytes: 1, 2^32, 2^32 - 2. Code: one trap.
    let blob = [&[3, 5, 1][..], &[1, 0, 0, 0, 0], &[0, 0, 0, 0, 1], &[0xfe, 0xff, 0xff, 0xff, 0], &[0, 1]].concat();
    let program = Program::parse_generic(blob.clone(), InstructionSet::JamV1).unwrap();
    assert_eq!(program.jump_table().iter().collect::<Vec<_>>(), [1, u32::MAX, 0xffff_fffe]);
    assert_eq!(program.to_generic()[..], blob[..]);
    assert!(Program::parse_spi(program.to_spi().unwrap(), InstructionSet::JamV1).is_ok());
    assert_eq!(program.to_blob().unwrap_err().kind, ProgramErrorKind::JumpTableEntrySize { size: 5, limit: 4 });
}

#[test]
fn generic_programs_have_one_form() {
    let kind = |blob: &[u8]| Program::parse_generic(blob, InstructionSet::JamV1).unwrap_err().kind;
    assert_eq!(kind(&[]), ProgramErrorKind::NoCode);
    assert_eq!(kind(&[0x80, 0, 0, 1, 0, 1]), ProgramErrorKind::BadVarint);
    assert_eq!(kind(&[0, 0, 1, 0, 1, 0]), ProgramErrorKind::BitmaskLength { wanted: 1, found: 2 });
    assert_eq!(kind(&[0, 0, 1, 0, 3]), ProgramErrorKind::BitmaskPadding);
    assert_eq!(kind(&[0, 0, 0xff, 0, 0, 0, 0, 1, 0, 0, 0]), ProgramErrorKind::BadVarint);
    assert_eq!(kind(&[0, 0, 2, 0]), ProgramErrorKind::UnexpectedEnd { wanted: 2, found: 1 });
}

#[test]
fn numberings_of_jam_are_chosen() {
    let blob = ProgramBuilder::new(&layout(InstructionSet::Gp07)).build().unwrap().to_blob().unwrap();
    let set = |jam_numbering| {
        Program::parse(&blob[..], &ParseOptions { jam_numbering, ..ParseOptions::default() }).unwrap().set()
    };
    assert_eq!(set(JamNumbering::Gp07), InstructionSet::Gp07);
    assert_eq!(set(JamNumbering::Gp08), InstructionSet::JamV1);
}

#[test]
fn parts_must_fit_each_other() {
    let good = ProgramBuilder::new(&layout(InstructionSet::JamV1)).build().unwrap().parts().clone();
    let kind = |parts: ProgramParts| Program::from_parts(parts, Varints::Strict).unwrap_err().kind;
    let data = |region| ProgramErrorKind::DataTooLong { region, declared: 1, stored: 2 };
    let two: Vec<u8> = vec![1, 2];
    let ro = ProgramParts { ro_data: two.clone().into(), ro_data_size: 1, ..good.clone() };
    assert_eq!(kind(ro), data(Region::RoData));
    let rw = ProgramParts { rw_data: two.into(), rw_data_size: 1, ..good };
    assert_eq!(kind(rw), data(Region::RwData));
    assert_eq!(kind(ProgramParts::empty(InstructionSet::JamV1)), ProgramErrorKind::NoCode);
}

#[test]
fn limits_of_the_writer() {
    let layout = layout(InstructionSet::JamV1);
    let mut builder = ProgramBuilder::new(&layout);
    for _ in 0..1024 {
        builder.import(b"x");
    }
    assert_eq!(builder.build().unwrap().imports().len(), 1024);
    builder.import(b"x");
    let too_many = ProgramErrorKind::TooManyImports { count: 1025, limit: 1024 };
    assert_eq!(builder.build().unwrap_err().kind, too_many);
    let mut builder = ProgramBuilder::new(&layout);
    let program = builder.ro_data_size(1 << 24).build().unwrap();
    let too_big = ProgramErrorKind::FieldTooBig { value: 1 << 24, limit: (1 << 24) - 1 };
    assert_eq!(program.to_spi().unwrap_err().kind, too_big);
    let program = ProgramBuilder::new(&layout).rw_data_size(65536 * 4096).build().unwrap();
    assert_eq!(program.to_spi().unwrap_err().kind, ProgramErrorKind::FieldTooBig { value: 65536, limit: 65535 });
}

#[test]
fn unreadable_imports_are_no_error_of_the_blob() {
    let good = ProgramBuilder::new(&layout(InstructionSet::JamV1)).build().unwrap().parts().clone();
    let offsets: Vec<u8> = [1_u32, 0, 2, 9].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let parts = ProgramParts { import_offsets: offsets.into(), import_symbols: b"abc".to_vec().into(), ..good };
    let program = Program::from_parts(parts, Varints::Strict).unwrap();
    let symbols: Vec<_> = program.imports().iter().collect();
    assert_eq!(symbols, [None, Some(&b"ab"[..]), None, None]);
    assert_eq!(program.imports().get(4), None);
    let again = Program::parse(program.to_blob().unwrap(), &ParseOptions::default()).unwrap();
    assert_eq!(again.imports(), program.imports());
}

/// Real services: they parse with their metadata, list without a hole, and are written as they were.
#[test]
fn corpus_of_jam_services() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance/corpus/jam-blobs/by-hash");
    let Ok(entries) = std::fs::read_dir(root) else {
        eprintln!("skipped: no corpus at {root}");
        return;
    };
    for entry in entries {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = StandardProgram::parse(&bytes).unwrap();
        let metadata = JamMetadata::parse(&bytes[found.metadata.clone()]).unwrap();
        assert!(!metadata.name.is_empty() && !metadata.authors.is_empty());
        assert_eq!(metadata.to_prefix(), bytes[..found.metadata.end]);
        let program = Program::parse_spi(&bytes[..], InstructionSet::Gp07).unwrap();
        assert_eq!(program.to_spi().unwrap(), bytes[found.metadata.end..]);
        assert!(program.memory_map(4096, 1 << 24).is_ok());
        let end = program.code().iter().fold(0, |end, located| {
            assert_eq!(located.offset, end);
            located.next
        });
        assert_eq!(end, program.code().len());
        assert!(program.code().is_jump_target(0) && program.code().is_jump_target(5));
    }
}
