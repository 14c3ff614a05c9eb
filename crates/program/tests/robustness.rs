//! Whatever the bytes: parsing and looking never panics, loops or allocates more than the input is worth.

mod common;

use common::blobs;
use proptest::prelude::*;
use pvm_isa::InstructionSet;
use pvm_program::{
    Code, DebugFrame, DebugLineWriter, FrameKind, JamMetadata, Latest64Layout, MetadataPrefix, ParseOptions, Program,
    ProgramBuilder, StandardProgram, Varints,
};

/// Looks at everything a program has.
fn look(program: &Program) {
    let code: Code<'_> = program.code();
    let end = code.iter().fold(0, |end, located| {
        assert_eq!(located.offset, end, "instructions leave no holes");
        located.next
    });
    assert_eq!(end, code.len());
    let _ = code.validate();
    for entry in program.jump_table().iter().take(100) {
        let _ = (code.is_jump_target(entry), code.block_start(entry), code.instruction_at(entry));
    }
    assert!(program.imports().iter().count() <= 1024);
    let symbols: usize = program.exports().map(|export| 2 + export.symbol.len()).sum();
    assert!(symbols <= program.parts().exports.len());
    let _ = (program.hash(false), program.hash(true));
    let _ = program.memory_map(4096, 1 << 24);
    for pc in 0..40 {
        let Ok(Some(mut lines)) = program.get_debug_line_program_at(pc) else {
            continue;
        };
        let mut regions = 0;
        while let Ok(Some(region)) = lines.run() {
            for frame in region.frames() {
                let _ = (frame.kind(), frame.line(), frame.column());
                let _ = (frame.full_name().map(|name| name.map(|name| name.to_string())), frame.path());
            }
            regions += 1;
        }
        assert!(regions <= program.parts().debug_line_programs.len(), "every region takes a byte");
    }
    if let Ok(blob) = program.to_blob() {
        let latest64_layout = match program.set() {
            InstructionSet::Latest64Bitmask => Latest64Layout::Bitmask,
            _ => Latest64Layout::MacroBlock,
        };
        // Lenient, because the code section is written as it was read.
        let options = ParseOptions { latest64_layout, varints: Varints::Lenient, ..ParseOptions::default() };
        assert_eq!(Program::parse(blob, &options).unwrap().hash(true), program.hash(true));
    }
    if let Ok(spi) = program.to_spi() {
        assert!(StandardProgram::parse_with(&spi, MetadataPrefix::Absent).is_ok());
    }
}

fn parse_blob(mut bytes: Vec<u8>) -> u32 {
    // The length is checked first; get past it.
    let length = u64::try_from(bytes.len()).unwrap().to_le_bytes();
    if let Some(field) = bytes.get_mut(5..13) {
        field.copy_from_slice(&length);
    }
    let mut accepted = 0;
    for latest64_layout in [Latest64Layout::Detect, Latest64Layout::Bitmask, Latest64Layout::MacroBlock] {
        for varints in [Varints::Strict, Varints::Lenient] {
            let options = ParseOptions { latest64_layout, varints, ..ParseOptions::default() };
            match Program::parse(&bytes[..], &options) {
                Ok(program) => {
                    look(&program);
                    accepted += 1;
                }
                Err(error) => {
                    assert!(error.at.offset <= u64::try_from(bytes.len()).unwrap());
                    assert!(!format!("{error} {error:#}").is_empty());
                }
            }
        }
    }
    accepted
}

/// A blob with every section, debug lines included.
fn rich_blob() -> Vec<u8> {
    let mut code = pvm_program::CodeBuilder::new(InstructionSet::JamV1);
    for _ in 0..20 {
        code.push(pvm_isa::Instruction::fallthrough());
    }
    code.push(pvm_isa::Instruction::trap());
    code.jump_table = vec![0, 7];
    let mut lines = DebugLineWriter::new();
    for at in 0..20 {
        let outer =
            DebugFrame { kind: FrameKind::Call, namespace: "a", function: "f", path: "p", line: at / 3, column: 1 };
        let frames = [outer, DebugFrame { function: "inner", line: at, ..outer }];
        lines.push(at..at + 1, &frames[..1 + usize::from(at % 5 == 2)]).unwrap();
    }
    let mut builder = ProgramBuilder::new(&code.build().unwrap());
    builder.ro_data(vec![1, 2, 3]).rw_data(vec![4]).rw_data_size(5000).stack_size(4096);
    builder.import(b"read").import(b"write").export(0, b"main").export(5, b"again");
    builder.debug(lines.finish().unwrap()).metadata_hash(vec![7; 32]);
    builder.build().unwrap().to_blob().unwrap()
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = blobs();
    seeds.push(rich_blob());
    seeds
}

#[test]
fn every_byte_replaced_removed_and_doubled() {
    let mut accepted = 0;
    for seed in seeds() {
        for at in 0..seed.len() {
            for byte in [0, 1, 4, 0x7f, 0x80, 0xf0, 0xff, seed[at].wrapping_add(1)] {
                let mut bytes = seed.clone();
                bytes[at] = byte;
                accepted += parse_blob(bytes);
            }
            let mut shorter = seed.clone();
            shorter.remove(at);
            accepted += parse_blob(shorter);
            let mut longer = seed.clone();
            longer.insert(at, seed[at]);
            accepted += parse_blob(longer);
            accepted += parse_blob(seed[..at].to_vec());
        }
    }
    assert!(accepted > 1000, "mutations that still parse are what this test is about: {accepted}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 2000 }))]

    #[test]
    fn mutated_blobs(
        seed in proptest::sample::select(seeds()),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = seed;
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        parse_blob(bytes);
    }

    #[test]
    fn any_sections(version in 0_u8..5, body in proptest::collection::vec(any::<u8>(), 0..80)) {
        parse_blob([&b"PVM\0"[..], &[version], &[0; 8], &body].concat());
    }

    #[test]
    fn any_code_section(
        set in proptest::sample::select(&InstructionSet::ALL[..]),
        head in proptest::collection::vec(0_u8..6, 3),
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let bytes = [head, body].concat();
        if let Ok(program) = Program::parse_generic(bytes, set) {
            look(&program);
        }
    }

    #[test]
    fn any_standard_program(
        lengths in (0_u8..5, 0_u8..5, 0_u8..60),
        tail in proptest::collection::vec(any::<u8>(), 0..80),
        prefix in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let (ro, rw, code) = lengths;
        let mut bytes = prefix;
        bytes.extend_from_slice(&[ro, 0, 0, rw, 0, 0, 255, 255, 1, 2, 3]);
        bytes.extend_from_slice(&vec![1; usize::from(ro) + usize::from(rw)]);
        bytes.extend_from_slice(&[code, 0, 0, 0]);
        bytes.extend_from_slice(&tail);
        for prefix in [MetadataPrefix::Detect, MetadataPrefix::Absent, MetadataPrefix::Present] {
            if let Ok(found) = StandardProgram::parse_with(&bytes, prefix) {
                let _ = JamMetadata::parse(&bytes[found.metadata]);
            }
            if let Ok(program) = Program::parse_spi_with(&bytes[..], InstructionSet::JamV1, prefix) {
                look(&program);
            }
        }
        let _ = JamMetadata::parse(&bytes);
    }

    #[test]
    fn any_line_program(
        operations in proptest::collection::vec(prop_oneof![0_u8..21, any::<u8>()], 0..200),
        strings in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut parts = Program::parse(rich_blob(), &ParseOptions::default()).unwrap().parts().clone();
        parts.debug_line_programs = [vec![1], operations].concat().into();
        parts.debug_strings = strings.into();
        let ranges: Vec<u8> = [0_u32, 30, 1].iter().flat_map(|field| field.to_le_bytes()).collect();
        parts.debug_line_program_ranges = ranges.into();
        look(&Program::from_parts(parts, Varints::Strict).unwrap());
    }

    #[test]
    fn any_ranges(ranges in proptest::collection::vec(0_u8..40, 0..60)) {
        let mut parts = Program::parse(rich_blob(), &ParseOptions::default()).unwrap().parts().clone();
        parts.debug_line_program_ranges = ranges.chunks(4).flat_map(|bytes| [bytes[0], 0, 0, 0]).collect::<Vec<_>>().into();
        look(&Program::from_parts(parts, Varints::Strict).unwrap());
    }
}
