//! Debug lines: what is written reads back, and malformed line programs are located errors, never more.

use proptest::prelude::*;
use pvm_isa::{Instruction, InstructionSet};
use pvm_program::{
    CodeBuilder, DebugFrame, DebugLineWriter, DebugSections, FrameKind, Part, Program, ProgramBuilder, ProgramErrorKind,
};
use std::ops::Range;

fn program(sections: DebugSections) -> Program {
    let mut code = CodeBuilder::new(InstructionSet::JamV1);
    code.push(Instruction::trap());
    ProgramBuilder::new(&code.build().unwrap()).debug(sections).build().unwrap()
}

/// A frame as text: `Kind namespace::name path:line:column`.
fn frame_text(frame: &pvm_program::FrameInfo<'_>) -> String {
    format!(
        "{:?} {} {}:{}:{}",
        frame.kind(),
        frame.full_name().unwrap().map(|name| name.to_string()).unwrap_or_default(),
        frame.path().unwrap().unwrap_or(""),
        frame.line().unwrap_or(0),
        frame.column().unwrap_or(0)
    )
}

/// The frames of every code byte below `end` that has some.
fn read(program: &Program, end: u32) -> Vec<(u32, Vec<String>)> {
    let mut found = Vec::new();
    for pc in 0..end {
        let Some(mut lines) = program.get_debug_line_program_at(pc).unwrap() else {
            continue;
        };
        let region = lines.find(pc).unwrap().expect("writers leave no holes in a range");
        found.push((pc, region.frames().map(|frame| frame_text(&frame)).collect()));
    }
    found
}

fn wanted(regions: &[(Range<u32>, Vec<DebugFrame<'_>>)]) -> Vec<(u32, Vec<String>)> {
    let text = |frame: &DebugFrame<'_>| {
        let DebugFrame { kind, namespace, function, path, line, column } = *frame;
        let separator = if namespace.is_empty() || function.is_empty() { "" } else { "::" };
        let namespace = if function.is_empty() { "" } else { namespace };
        format!("{kind:?} {namespace}{separator}{function} {path}:{line}:{column}")
    };
    let kept = regions
        .iter()
        .filter(|(_, frames)| frames.first().is_some_and(|frame| !frame.function.is_empty() || !frame.path.is_empty()));
    kept.flat_map(|(range, frames)| {
        range.clone().map(|pc| (pc, frames.iter().take(16).map(text).collect::<Vec<_>>())).collect::<Vec<_>>()
    })
    .collect()
}

fn frame() -> impl Strategy<Value = DebugFrame<'static>> {
    let kinds = proptest::sample::select(vec![FrameKind::Enter, FrameKind::Call, FrameKind::Line]);
    let names = || proptest::sample::select(vec!["", "f", "main", "gr\u{fc}n"]);
    let numbers = prop_oneof![Just(0), 1_u32..30, 1000_u32..1010, any::<u32>()];
    (kinds, names(), names(), names(), numbers.clone(), numbers).prop_map(
        |(kind, namespace, function, path, line, column)| DebugFrame { kind, namespace, function, path, line, column },
    )
}

fn regions() -> impl Strategy<Value = Vec<(Range<u32>, Vec<DebugFrame<'static>>)>> {
    let region = (0_u32..3, 0_u32..6, proptest::collection::vec(frame(), 0..20), 0_u32..4);
    proptest::collection::vec(region, 0..60).prop_map(|regions| {
        let (mut at, mut last) = (0, Vec::new());
        let place = |(gap, length, frames, same): (u32, u32, Vec<DebugFrame<'static>>, u32)| {
            let start = at + gap.saturating_sub(1);
            at = start + length;
            if same != 0 && !frames.is_empty() && !last.is_empty() {
                // Mostly changes of the inner frames, as real code has them.
                let depth = frames.len();
                last.truncate(depth);
                last.extend_from_slice(&frames[last.len()..]);
                last[depth - 1].line = frames[depth - 1].line;
            } else {
                last = frames;
            }
            (start..at, last.clone())
        };
        regions.into_iter().map(place).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(regions in regions()) {
        let mut writer = DebugLineWriter::new();
        for (range, frames) in &regions {
            writer.push(range.clone(), frames).unwrap();
        }
        let program = program(writer.finish().unwrap());
        prop_assert_eq!(read(&program, 400), wanted(&regions));
    }
}

#[test]
fn functions_become_ranges_and_inlining_costs_little() {
    let line = |function, line| DebugFrame { function, path: "a.c", line, ..DebugFrame::default() };
    let call =
        |function, line| DebugFrame { kind: FrameKind::Call, function, path: "a.c", line, ..DebugFrame::default() };
    let mut writer = DebugLineWriter::new();
    writer.push(0..2, &[line("f", 10)]).unwrap();
    writer.push(2..3, &[line("f", 11)]).unwrap();
    writer.push(3..7, &[call("f", 12), line("inlined", 3)]).unwrap();
    writer.push(7..8, &[line("f", 13)]).unwrap();
    writer.push(8..9, &[line("g", 20)]).unwrap();
    writer.push(9..10, &[DebugFrame { line: 7, ..DebugFrame::default() }]).unwrap();
    let sections = writer.finish().unwrap();
    assert_eq!(&sections.strings[..], b"\0\x01f\x03a.c\x07inlined\x01g");
    let ranges: Vec<u32> =
        sections.line_program_ranges.chunks(4).map(|field| u32::from_le_bytes(field.try_into().unwrap())).collect();
    assert_eq!(ranges, [0, 8, 1, 8, 9, 33]);
    #[rustfmt::skip]
    let program = [
        1, // version
        4, 6, 1, 7, 3, 8, 10, 10, 1, 15, 2, // line 10, one frame, two bytes
        11, 16, // line 11, one byte, then a second frame
        3, 11, 1, 1, 4, 6, 7, 7, 3, 8, 3, 19, 4, // a call at line 12 of what is inlined, four bytes, then one frame less
        1, 0, 4, 11, 14, 0, // back to line 13
        4, 6, 15, 7, 3, 8, 20, 10, 1, 14, 0, // another program
    ];
    assert_eq!(sections.line_programs[..], program);
}

#[test]
fn nothing_known_writes_nothing() {
    let mut writer = DebugLineWriter::new();
    writer.push(0..4, &[]).unwrap();
    writer.push(4..4, &[DebugFrame { function: "f", ..DebugFrame::default() }]).unwrap();
    writer.push(4..8, &[DebugFrame { namespace: "n", line: 3, ..DebugFrame::default() }]).unwrap();
    assert_eq!(writer.finish().unwrap(), DebugSections::default());
}

#[test]
fn names_of_builders_are_removed_from_paths() {
    let cases = [
        ("/home/me/a/b.rs", "~/a/b.rs"),
        ("/home/me", "/home/me"),
        ("/home//b.rs", "/home//b.rs"),
        ("/usr/home/me/a", "/usr/home/me/a"),
    ];
    for (path, written) in cases {
        let mut writer = DebugLineWriter::new();
        writer.push(0..1, &[DebugFrame { path, ..DebugFrame::default() }]).unwrap();
        let program = program(writer.finish().unwrap());
        assert_eq!(program.debug_string(1), Ok(written));
    }
}

/// A program whose code bytes 0 to 99 have this line program.
fn with_line_program(operations: &[u8]) -> Program {
    let line_programs = [&[1], operations].concat();
    let ranges: Vec<u8> = [0_u32, 100, 1].iter().flat_map(|field| field.to_le_bytes()).collect();
    program(DebugSections {
        strings: b"\0\x01f\x01\xff\x09".to_vec().into(),
        line_programs: line_programs.into(),
        line_program_ranges: ranges.into(),
    })
}

#[track_caller]
fn check_error(operations: &[u8], kind: ProgramErrorKind, at: u64) {
    let program = with_line_program(operations);
    let mut lines = program.get_debug_line_program_at(5).unwrap().unwrap();
    let error = loop {
        match lines.run() {
            Ok(region) => assert!(region.is_some(), "no error"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind, error.at.part, error.at.offset), (kind, Part::DebugLinePrograms, at));
    assert!(lines.run().unwrap().is_none());
}

#[test]
fn malformed_line_programs_are_located_errors() {
    let limit = 16;
    check_error(&[14, 20], ProgramErrorKind::UnknownLineProgramOperation { operation: 20 }, 2);
    check_error(&[14], ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 }, 2);
    check_error(&[8, 0x80], ProgramErrorKind::BadVarint, 2);
    check_error(&[1, 16], ProgramErrorKind::TooManyFrames { depth: 16, limit }, 1);
    check_error(&[10, 17], ProgramErrorKind::TooManyFrames { depth: 17, limit }, 1);
    check_error(&[10, 16, 14, 16], ProgramErrorKind::TooManyFrames { depth: 17, limit }, 4);
    check_error(&[18], ProgramErrorKind::LineProgramOverflow, 1);
    check_error(&[13, 1], ProgramErrorKind::LineProgramOverflow, 1);
    check_error(&[8, 0xf0, 255, 255, 255, 255, 11], ProgramErrorKind::LineProgramOverflow, 7);
    check_error(&[14, 15, 0xf0, 255, 255, 255, 255], ProgramErrorKind::LineProgramOverflow, 2);
    let mut operations = [11; 511].to_vec();
    operations.push(14);
    let program = with_line_program(&[&operations[..], &[0]].concat());
    let mut lines = program.get_debug_line_program_at(5).unwrap().unwrap();
    assert_eq!(lines.run().unwrap().unwrap().range(), 0..1);
    assert!(lines.run().unwrap().is_none());
    operations.insert(0, 11);
    check_error(&operations, ProgramErrorKind::TooManyOperations { limit: 512 }, 513);
    let program = with_line_program(&operations);
    let mut lines = program.get_debug_line_program_at(5).unwrap().unwrap();
    assert!(lines.run_with_limit(513).unwrap().is_some());
}

#[test]
fn strings_are_checked_when_asked_for() {
    let program = with_line_program(&[6, 1, 7, 3, 10, 1, 15, 100, 0]);
    let mut lines = program.get_debug_line_program_at(99).unwrap().unwrap();
    let region = lines.find(99).unwrap().unwrap();
    let frame = region.frames().next().unwrap();
    assert_eq!(frame.full_name().unwrap().unwrap().to_string(), "f");
    assert_eq!(frame.path().unwrap_err().kind, ProgramErrorKind::NotUtf8);
    assert_eq!((frame.line(), frame.column(), frame.namespace()), (None, None, Ok(None)));
    assert_eq!(program.debug_string(5).unwrap_err().kind, ProgramErrorKind::UnexpectedEnd { wanted: 9, found: 0 });
    assert_eq!(program.debug_string(7).unwrap_err().kind, ProgramErrorKind::UnexpectedEnd { wanted: 7, found: 6 });
    assert!(program.get_debug_line_program_at(100).unwrap().is_none());
}

#[test]
fn line_programs_of_another_version_are_refused() {
    let ranges: Vec<u8> = [0_u32, 100, 1].iter().flat_map(|field| field.to_le_bytes()).collect();
    let sections = |programs: &[u8]| DebugSections {
        strings: Vec::new().into(),
        line_programs: programs.into(),
        line_program_ranges: ranges.clone().into(),
    };
    let error = |programs| program(sections(programs)).get_debug_line_program_at(0).map(|_| ()).unwrap_err().kind;
    assert_eq!(error(&[2, 0]), ProgramErrorKind::UnsupportedLineProgramVersion { version: 2 });
    assert_eq!(error(&[]), ProgramErrorKind::UnexpectedEnd { wanted: 1, found: 0 });
}
