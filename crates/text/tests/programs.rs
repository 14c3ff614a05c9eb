//! Whole programs: blobs that assemble again to the same blob, test cases, and source lines.

mod common;

use common::{check_round_trip, corpus, files, hex, json_lines};
use pvm_isa::{InstructionSet, Reg};
use pvm_program::{DebugFrame, DebugLineWriter, ParseOptions, Program, ProgramBuilder};
use pvm_text::case::{Case, CaseErrorKind, Status, Step};
use pvm_text::{AssembleOptions, DisassembleOptions, Format, Source, assemble, disassemble_to_string};

fn reassemblable() -> DisassembleOptions {
    DisassembleOptions { format: Format::Reassemblable, show_source_lines: true, ..DisassembleOptions::default() }
}

#[test]
fn blobs_of_the_vectors() {
    let mut checked = 0;
    for vector in json_lines("vectors-latest037-blob.jsonl") {
        let Ok(program) = Program::parse(hex(vector["blob"].as_str().unwrap()), &ParseOptions::default()) else {
            continue;
        };
        let listing = disassemble_to_string(&Source::from(&program), &reassemblable());
        let again = assemble(&listing, None).unwrap_or_else(|error| panic!("{error} in\n{listing}"));
        let again = again.to_program().unwrap();
        assert_eq!(again.code(), program.code(), "{}", vector["name"]);
        assert!(again.exports().eq(program.exports()));
        assert!(again.imports().iter().eq(program.imports().iter()));
        assert!(again.jump_table().iter().eq(program.jump_table().iter()));
        assert_eq!((again.ro_data(), again.rw_data()), (program.ro_data(), program.rw_data()));
        assert_eq!(
            (again.ro_data_size(), again.rw_data_size(), again.stack_size()),
            (program.ro_data_size(), program.rw_data_size(), program.stack_size())
        );
        checked += 1;
    }
    assert!(checked > 15, "{checked}");
}

#[test]
fn standard_programs_of_the_corpus() {
    let Some(folder) = corpus("jam-blobs") else { return };
    let mut checked = 0;
    for path in files(&folder, "") {
        let Ok(program) = Program::parse_spi(std::fs::read(&path).unwrap(), InstructionSet::Gp07) else { continue };
        let owned = common::Owned {
            set: program.set(),
            code: program.code().bytes().to_vec(),
            bitmask: program.code().bitmask().to_vec(),
            jump_table: program.jump_table().bytes().to_vec(),
            entry_size: program.jump_table().entry_size(),
        };
        let (raw, all) = check_round_trip(&owned);
        assert!(raw * 100 < all, "{}: {raw} of {all} instructions as bytes", path.display());
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn data_must_fit_its_declared_size() {
    let program = |text: &str| assemble(text, Some(InstructionSet::JamV1)).unwrap().to_program();
    assert!(program("%ro_data = 00 01\ntrap").is_err());
    assert!(program("%rw_data_size = 1\n%rw_data = 00 01\ntrap").is_err());
    assert_eq!(program("%ro_data_size = 5\n%ro_data = 00 01\ntrap").unwrap().ro_data_size(), 5);
}

#[test]
fn source_lines() {
    let assembled = assemble("%isa = latest64\na0 = 1\na0 = 2\na0 = 3\na0 = 4\ntrap", None).unwrap();
    let outer = DebugFrame { namespace: "app", function: "main", path: "a\n.rs", line: 3, ..DebugFrame::default() };
    let inner = DebugFrame { function: "helper", path: "b.rs", line: 7, column: 2, ..DebugFrame::default() };
    let mut writer = DebugLineWriter::new();
    writer.push(0..3, &[outer]).unwrap();
    writer.push(3..6, &[outer]).unwrap();
    writer.push(6..9, &[outer, inner]).unwrap();
    let mut builder = ProgramBuilder::new(&assembled.layout);
    builder.debug(writer.finish().unwrap());
    let program = builder.build().unwrap();
    let options = DisassembleOptions { show_header: false, show_source_lines: true, ..DisassembleOptions::default() };
    let expected = "      : @0\n      : // a\\x0a.rs:3 in app::main\n     0: a0 = 0x1\n     3: a0 = 0x2\n\
        \u{20}     : // b.rs:7:2 in helper, inlined into a\\x0a.rs:3 in app::main\n     6: a0 = 0x3\n     9: a0 = 0x4\n    12: trap\n";
    assert_eq!(disassemble_to_string(&Source::from(&program), &options), expected);
    let listing = disassemble_to_string(&Source::from(&program), &reassemblable());
    assert!(listing.contains("    // a\\x0a.rs:3 in app::main\n    a0 = 0x1\n"), "{listing}");
    assert_eq!(assemble(&listing, None).unwrap().layout, assembled.layout);
}

#[test]
fn ranges_that_share_a_line_program_of_empty_regions() {
    let assembled = assemble(&format!("%isa = jam_v1\n{}", "trap\n".repeat(20_000)), None).unwrap();
    let mut builder = ProgramBuilder::new(&assembled.layout);
    let mut line_programs = vec![1];
    line_programs.extend([13, 0].repeat(20_000)); // finish "many" instructions: none
    let ranges = (0..20_000_u32).flat_map(|at| [at, at + 1, 1]).flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    builder.debug(pvm_program::DebugSections {
        strings: vec![0].into(),
        line_programs: line_programs.into(),
        line_program_ranges: ranges.into(),
    });
    let program = builder.build().unwrap();
    let options = DisassembleOptions { show_header: false, show_source_lines: true, ..DisassembleOptions::default() };
    assert_eq!(disassemble_to_string(&Source::from(&program), &options).lines().count(), 40_000);
}

const CASE: &str = "\
pre: a0 = 0x10
pre: gas = 500
step: map RW 0x20000..0x21000
step: write 131072 0a 0b
step: r8 = -1
step: gas = 7
step: run
post: pc = @done[1]
post: a0 = 17
post: gas = -3
post: status = page-fault
post: page-fault-address = 0x30000
post: memory 0x20000 = 0a 0b
pub @main:
  a0 = a0 + 1
  jump @done
pub @done:
  a1 = 2
  trap
";

#[test]
fn a_case() {
    let case = Case::parse(CASE).unwrap();
    assert_eq!(case.program.set(), InstructionSet::JamV1);
    assert_eq!((case.start, case.gas, case.regs[Reg::a0.index()], case.regs[Reg::a1.index()]), (0, 500, 16, 0));
    let steps = [
        Step::Map { writable: true, range: 0x2_0000..0x2_1000 },
        Step::Write { address: 0x2_0000, bytes: vec![10, 11] },
        Step::SetReg(Reg::a1, u64::MAX),
        Step::SetGas(7),
        Step::Run,
    ];
    assert_eq!(case.steps, steps);
    assert_eq!(case.expected.pc, case.program.labels["done"] + 3);
    assert_eq!((case.expected.regs, case.expected.gas), (vec![(Reg::a0, 17)], Some(-3)));
    assert_eq!((case.expected.status, case.expected.page_fault_address), (Some(Status::PageFault), Some(0x3_0000)));
    assert_eq!(case.expected.memory, [(0x2_0000, vec![10, 11])]);
    // Lines keep their numbers.
    assert_eq!(case.program.lines[0], (0, 15));
}

#[test]
fn what_a_case_need_not_say() {
    let case = Case::parse("pub @main:\ntrap\npub @expected_exit:\ntrap").unwrap();
    assert_eq!((case.steps, case.gas, case.expected.pc), (vec![Step::Run], 10_000, 1));
    let case = Case::parse("%isa = latest32\npub @main:\ntrap\n").unwrap();
    assert_eq!((case.program.set(), case.expected.pc), (InstructionSet::Latest32, 1));
    assert_eq!(Case::parse("post: pc = @main\ntrap\npub @main:\ntrap").unwrap().expected.pc, 1);
}

#[test]
fn several_on_a_line() {
    let text = "pre: a0 = 1, a1 = -1 , gas = 7\npub @a, b:\npub @main:\ntrap\ntrap\npost: a0 = 2, status = halt, pc = @a, b[1]";
    let case = Case::parse(text).unwrap();
    assert_eq!((case.regs[Reg::a0.index()], case.regs[Reg::a1.index()], case.gas), (1, u64::MAX, 7));
    assert_eq!((case.expected.regs, case.expected.status), (vec![(Reg::a0, 2)], Some(Status::Halt)));
    for line in ["pre: a0 = 1,", "pre: a0 = 1 a1 = 2", "post: a0 = 2,, a1 = 1", "post: ,"] {
        let error = Case::parse(&format!("{line}\npub @main:\ntrap")).unwrap_err();
        assert_eq!((error.kind, error.line), (CaseErrorKind::BadLine, 1), "{line}");
    }
}

#[test]
fn a_case_of_another_set() {
    let options = AssembleOptions { default_set: Some(InstructionSet::Gp07), ..AssembleOptions::default() };
    assert_eq!(Case::parse_with("pub @main:\ntrap", &options).unwrap().program.set(), InstructionSet::Gp07);
    let named = Case::parse_with("%isa = latest32\npub @main:\ntrap", &options).unwrap();
    assert_eq!(named.program.set(), InstructionSet::Latest32);
}

#[test]
fn what_is_no_case() {
    let error = |text: &str| Case::parse(text).expect_err(text);
    for line in [
        "pre: a6 = 1",
        "pre: a0",
        "pre: gas = x",
        "step: jump",
        "step: gas = x",
        "step: map RX 0..4096",
        "step: map RW 0",
        "step: write 0 0",
        "step: write 0x100000000 00",
        "post: pc = @main[x]",
        "post: status = gone",
        "post: memory = 00",
        "post: hostcall = -1",
    ] {
        let error = error(&format!("\n{line}\npub @main:\ntrap"));
        assert_eq!((error.kind, error.line), (CaseErrorKind::BadLine, 2), "{line}");
    }
    for range in ["1..4096", "0..1", "4096..4096", "8192..4096"] {
        let error = error(&format!("step: map RO {range}\npub @main:\ntrap"));
        assert_eq!((error.kind, error.line), (CaseErrorKind::BadRange, 1), "{range}");
    }
    let kind = error("post: pc = @main[\npub @main:\ntrap").kind;
    assert_eq!(kind, CaseErrorKind::NoExport { name: "main[".into() });
    let missing = error("trap\n");
    assert_eq!(missing.to_string(), "line 1: the program has no export \"main\"");
    let far = error("pub @main:\ntrap\npost: pc = @main[5]");
    assert_eq!((far.kind, far.line), (CaseErrorKind::NoInstruction { index: 5 }, 3));
    let bad = error("pre: a0 = 1\npub @main:\n what?");
    assert_eq!(bad.to_string(), "line 3: cannot parse line 3: \"what?\"");
    assert_eq!(bad.line, 3);
}
