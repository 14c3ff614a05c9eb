//! How much memory a listing takes: what `pvm_text::disassemble` promises, for codes of every kind.
//!
//! The only test of its binary, since the allocator counts for all threads.

use peak_alloc::PeakAlloc;
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{Code, CodeBuilder, Item, JumpTable};
use pvm_text::{DisassembleOptions, Format, Source, disassemble};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const CODE_SIZE: usize = 1 << 20;
/// For what does not grow with the program.
const SLACK: usize = 16 << 10;

struct Sink;

impl std::fmt::Write for Sink {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}

/// Bytes that a listing had allocated at most.
fn peak(source: &Source<'_>, format: Format) -> usize {
    let gas = Some("full".parse().unwrap());
    let options = DisassembleOptions { format, gas, ..DisassembleOptions::default() };
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    disassemble(source, &options, &mut Sink).unwrap();
    ALLOCATOR.peak_usage() - before
}

#[track_caller]
fn check(set: InstructionSet, code: &[u8], bitmask: &[u8], jump_table: &[u8]) {
    let source = Source::from_code(Code::new(set, code, bitmask), JumpTable::new(jump_table, 1));
    for (format, halves) in [(Format::Guest, 1), (Format::DiffFriendly, 1), (Format::Reassemblable, 4)] {
        let bound = code.len() * halves / 2 + jump_table.len() * 4 + SLACK;
        let peak = peak(&source, format);
        assert!(peak <= bound, "{format:?}: {peak} bytes, not {bound}");
    }
}

#[test]
fn a_listing_takes_a_bounded_part_of_its_program() {
    // Nothing but jumps to themselves, and nothing but bytes that are no instruction, each a block of its own.
    for byte in [40, 0xff] {
        check(InstructionSet::JamV1, &vec![byte; CODE_SIZE], &vec![0xff; CODE_SIZE / 8], &[]);
    }
    // One gap.
    check(InstructionSet::JamV1, &vec![0; CODE_SIZE], &vec![0; CODE_SIZE / 8], &[]);
    // Mostly jump table.
    check(InstructionSet::Latest64Bitmask, &[0; 200], &[0xff; 25], &vec![7; CODE_SIZE]);
    for set in [InstructionSet::Latest64, InstructionSet::ReviveV1] {
        let mut builder = CodeBuilder::new(set);
        let count = 100_000;
        for number in 0..count {
            // Branches of every distance between instructions of every size.
            let target = (number * 7919) % count;
            builder.push(match number % 5 {
                0 => Item { instruction: Instruction::branch_eq(Reg::a0, Reg::a1, 0), target: Some(target) },
                1 => Instruction::load_imm(Reg::a0, 1 << (number % 30)).into(),
                2 => Item { instruction: Instruction::jump(0), target: Some(number + 1) },
                3 => Instruction::add_64(Reg::a0, Reg::a1, Reg::a2).into(),
                _ => Instruction::trap().into(),
            });
        }
        let layout = builder.build().unwrap();
        check(set, &layout.code, &layout.bitmask, &[]);
    }
}
