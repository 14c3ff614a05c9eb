//! Programs: everything there is to look at in one, and a listing that assembles to the same program.

use crate::probe::Probe;
use crate::random::Random;
use pvm_gas::Rule;
use pvm_isa::Encoding;
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::{Code, ParseOptions, Program, ProgramParts};
use pvm_text::{DisassembleOptions, Format, Source, Style};

const RULES: [&str; 5] = ["per-instruction", "simple", "full", "full-2025-11", "full-l1-hit"];

/// Looks at everything.
pub(crate) fn look_at(program: &Program, random: &mut Random, probe: &mut Probe) {
    walk(program.code(), random);
    let _ = (program.hash(false), program.hash(true));
    for (page_size, aux_data_size) in [(PAGE_SIZE_DEFAULT, 0), (0x1_0000, 0x1_0001)] {
        let _ = program.memory_map(page_size, aux_data_size);
    }
    let _ = (program.exports().count(), program.imports().iter().count(), program.jump_table().iter().count());
    debug_lines(program, random);
    containers(program, random);
    listings(program, random, probe);
}

fn walk(code: Code<'_>, random: &mut Random) {
    let mut end = 0;
    let mut block = 0;
    for located in code.iter() {
        assert_eq!(located.offset, end, "instructions leave no holes");
        end = located.next;
        if located.offset.is_multiple_of(64) && located.offset < code.len() {
            assert_eq!(code.block_start(located.offset), Some(block), "blocks run up to what ends them");
            assert_eq!(code.is_jump_target(located.offset), block == located.offset);
            assert_eq!(code.instruction_at(located.offset), Some(located));
        }
        if located.instruction.opcode().ends_block() {
            block = end;
        }
    }
    assert_eq!(end, code.len());
    let valid = code.validate();
    assert!(valid.is_ok() || valid.is_err_and(|at| at <= code.len()));
    let rule: Rule = random.pick(&RULES).parse().expect("a known name");
    let mut starts = 0;
    for (at, cost) in rule.blocks(code) {
        starts += 1;
        if starts < 8 {
            assert_eq!(rule.block_cost(code, at), cost, "a block costs the same wherever one starts to count");
        }
    }
    for offset in 0..code.len().min(64) {
        assert!(!code.is_jump_target(offset) || code.block_start(offset) == Some(offset));
        assert_eq!(rule.cost_at(code, offset).is_some(), code.is_jump_target(offset));
    }
}

/// Most regions looked at from one place.
const REGIONS_MAX: u32 = 1000;

fn debug_lines(program: &Program, random: &mut Random) {
    for round in 0..12 {
        let at = random.below(pvm_num::casts::to_usize(program.code().len()) + 1);
        let at = if round == 0 { 0 } else { pvm_num::casts::to_u32(at) };
        let Ok(Some(mut lines)) = program.get_debug_line_program_at(at) else { continue };
        for _ in 0..REGIONS_MAX {
            let Ok(Some(region)) = lines.run() else { break };
            let _ = region.range();
            for frame in region.frames() {
                let _ = (frame.kind(), frame.namespace(), frame.function_name_without_namespace(), frame.line());
                let _ = (frame.path(), frame.column());
                let _ = frame.full_name().map(|name| name.map(|name| name.to_string()));
            }
        }
        if let Ok(Some(mut lines)) = program.get_debug_line_program_at(at) {
            let _ = lines.find(at);
        }
    }
}

/// What is written is read back as it was.
fn containers(program: &Program, random: &mut Random) {
    if let Ok(spi) = program.to_spi() {
        let again = Program::parse_spi(spi, program.set()).expect("what is written can be read");
        assert_eq!(again.code(), program.code());
    }
    if random.below(4) != 0 {
        return;
    }
    let Ok(blob) = program.to_blob() else { return };
    let latest64_layout = match program.set().encoding() {
        Encoding::Bitmask => pvm_program::Latest64Layout::Bitmask,
        Encoding::MacroBlock => pvm_program::Latest64Layout::MacroBlock,
    };
    let jam_numbering = match program.set() {
        pvm_isa::InstructionSet::Gp07 => pvm_program::JamNumbering::Gp07,
        _ => pvm_program::JamNumbering::Gp08,
    };
    let options = ParseOptions { latest64_layout, jam_numbering, varints: pvm_program::Varints::Lenient };
    let again = Program::parse(blob, &options).expect("what is written can be read");
    let parts =
        |program: &Program| ProgramParts { metadata_hash: pvm_program::Bytes::EMPTY, ..program.parts().clone() };
    assert!(parts(&again) == parts(program), "what is written is read back as it was");
    assert_eq!(again.hash(true), program.hash(true));
}

/// Takes any text and keeps none.
struct Sink;

impl std::fmt::Write for Sink {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

fn listings(program: &Program, random: &mut Random, probe: &mut Probe) {
    let source = Source::from(program);
    for format in [Format::Guest, Format::DiffFriendly, Format::Reassemblable] {
        let options = options(format, random);
        pvm_text::disassemble(&source, &options, &mut Sink).expect("the sink takes everything");
    }
    probe.uncounted(|| reassemble(&source, random));
}

fn options(format: Format, random: &mut Random) -> DisassembleOptions {
    let mut coin = || random.below(2) == 0;
    DisassembleOptions {
        format,
        unaliased: coin(),
        numbered_registers: coin(),
        offset_targets: coin(),
        show_offsets: coin(),
        show_raw_bytes: coin(),
        show_header: coin(),
        show_exports: coin(),
        show_source_lines: coin(),
        style: *random.pick(&[Style::V037, Style::V035, Style::Exact]),
        gas: random.pick(&[None, Some("simple"), Some("full")]).map(|name| name.parse().expect("a known name")),
    }
}

/// Is the program of the listing the one that was listed?
fn reassemble(source: &Source<'_>, random: &mut Random) {
    let options = DisassembleOptions { show_exports: true, ..options(Format::Reassemblable, random) };
    let listing = pvm_text::disassemble_to_string(source, &options);
    let again = match pvm_text::assemble(&listing, None) {
        Ok(again) => again,
        Err(error) => panic!("the listing does not assemble: {error}"),
    };
    assert_eq!(again.layout.set, source.code.set());
    assert!(again.layout.code == source.code.bytes(), "the listing assembles to other code");
    assert!(again.code().iter().eq(source.code.iter()), "the listing assembles to other instructions");
    assert!(again.jump_table().iter().eq(source.jump_table.iter()), "the listing has another jump table");
    assert!(again.ro_data == source.ro_data && again.rw_data == source.rw_data, "the listing has other data");
    let sizes = (source.ro_data_size, source.rw_data_size, source.stack_size);
    assert_eq!((again.ro_data_size, again.rw_data_size, again.stack_size), sizes);
    let imports = source.imports.iter().flat_map(|imports| imports.iter()).map(Option::unwrap_or_default);
    assert!(again.imports.iter().map(Vec::as_slice).eq(imports), "the listing has other imports");
    let exports = again.exports.iter().map(|export| (export.offset, export.symbol.as_slice()));
    assert!(
        exports.eq(source.exports.iter().map(|export| (export.offset, export.symbol))),
        "the listing has other exports"
    );
}
