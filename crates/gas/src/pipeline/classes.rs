//! Classes: what the simulation needs to know of an opcode, with the settings of the rule already applied.

use super::processor::SLOTS;
use super::resources::Units;
use crate::rule::Pipeline;
use pvm_isa::cost::{self, ExtraSlot, Latency};
use pvm_isa::encoding::bitmask;
use pvm_isa::{Cost, Family, Format, Instruction, InstructionSet, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{low_u8, to_usize};

/// Latency of a branch that is cheap because one of its successors is a trap or marked unlikely.
const BRANCH_CHEAP: u8 = 1;
/// Latency of every other branch.
const BRANCH_DEAR: u8 = 20;
/// No latency is longer; the calendar of the simulation must reach this far.
pub(crate) const LATENCY_MAX: u8 = 100;

/// What must be free for an instruction to start, put into words. LOAD and STORE units need no mention: there are as many as ALU
/// units, and whoever takes one takes an ALU unit too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Demand {
    Nothing,
    Alu,
    TwoAlu,
    AluAndMul,
    AluAndDiv,
}

impl Demand {
    pub(crate) const COUNT: usize = 5;

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        match self {
            Demand::Nothing => 0,
            Demand::Alu => 1,
            Demand::TwoAlu => 2,
            Demand::AluAndMul => 3,
            Demand::AluAndDiv => 4,
        }
    }

    fn of(units: cost::Units) -> Demand {
        assert!(units.load + units.store <= units.alu, "a LOAD or STORE unit without an ALU unit");
        match (units.alu, units.mul, units.div) {
            (0, 0, 0) => Demand::Nothing,
            (1, 0, 0) => Demand::Alu,
            (2, 0, 0) => Demand::TwoAlu,
            (1, 1, 0) => Demand::AluAndMul,
            (1, 0, 1) => Demand::AluAndDiv,
            _ => unreachable!("the table has no such combination of units"),
        }
    }
}

/// An opcode's row of the cost table.
#[derive(Clone, Copy, Debug)]
struct Class {
    /// 0 for a branch, whose latency depends on its successors.
    latency: u8,
    slots: u8,
    /// One more slot is needed if the destination is not the first source ...
    extra: bool,
    /// ... nor, unless this is set, the second.
    extra_ignores_second: bool,
    is_rename: bool,
    units: Units,
    demand: Demand,
    /// Which of the register operands are sources: all bits set or none, to be used as a mask.
    sources: [u64; 3],
    /// Whether the first register operand is the destination, likewise.
    destination: u64,
}

/// An instruction as the simulation sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Numbers of the register operands.
    pub(crate) regs: [usize; 3],
    /// Masks: which of them are sources.
    pub(crate) sources: [u64; 3],
    /// Mask: is the first the destination?
    pub(crate) destination: u64,
    /// Only copies a register, by renaming.
    pub(crate) is_rename: bool,
    /// Decode slots.
    pub(crate) slots: u8,
    /// Cycles from start to result.
    pub(crate) latency: u8,
    /// Units held meanwhile.
    pub(crate) units: Units,
    /// The same, for the plan.
    pub(crate) demand: Demand,
}

/// The classes of all opcodes for an instruction set and settings.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    classes: [Class; Opcode::COUNT],
    /// The code bytes that make a branch to them cheap; equal where there is only one.
    cheap: [u8; 2],
}

impl Classes {
    pub(crate) fn new(pipeline: Pipeline, set: InstructionSet) -> Self {
        const TRAP: u8 = 0;
        let mut classes = [Class::new(Opcode::invalid, pipeline, set.width()); Opcode::COUNT];
        for opcode in Opcode::ALL {
            classes[opcode.index()] = Class::new(*opcode, pipeline, set.width());
        }
        Classes { classes, cheap: [TRAP, set.unlikely_byte().unwrap_or(TRAP)] }
    }

    /// The instruction as the simulation sees it. `next` is the code offset behind it.
    #[inline]
    pub(crate) fn step(&self, instruction: &Instruction, next: u32, code: &[u8]) -> Step {
        let class = &self.classes[instruction.opcode().index()];
        let regs = [instruction.r1().index(), instruction.r2().index(), instruction.r3().index()];
        // No short circuits: these are quicker than a jump nobody can predict.
        let extra = class.extra & (regs[0] != regs[1]) & (class.extra_ignores_second | (regs[0] != regs[2]));
        let latency = match class.latency {
            0 if !class.is_rename => self.branch_latency(instruction, next, code),
            latency => latency,
        };
        Step {
            regs,
            sources: class.sources,
            destination: class.destination,
            is_rename: class.is_rename,
            slots: class.slots + u8::from(extra),
            latency,
            units: class.units,
            demand: class.demand,
        }
    }

    /// Looks at the raw bytes at both successors, whether or not instructions start there; outside the code stand zeros,
    /// which is `trap` (gas-model.md 5).
    fn branch_latency(&self, instruction: &Instruction, next: u32, code: &[u8]) -> u8 {
        let is_cheap = |offset: u32| {
            let byte = code.get(to_usize(offset)).copied().unwrap_or(0);
            byte == self.cheap[0] || byte == self.cheap[1]
        };
        if is_cheap(next) || instruction.target().is_some_and(is_cheap) { BRANCH_CHEAP } else { BRANCH_DEAR }
    }
}

impl Class {
    fn new(opcode: Opcode, pipeline: Pipeline, width: Width) -> Class {
        let Cost { is_rename, latency, slots, extra_slot, narrow, units } = opcode.cost();
        let (latency, slots) = match (latency, width, narrow) {
            (Latency::Cycles(_), Width::Narrow, Some(narrow)) => narrow,
            (Latency::Cycles(cycles), ..) => (cycles, slots),
            (Latency::Memory, ..) => (pipeline.memory.cycles(), slots),
            (Latency::Branch, ..) => (0, slots),
        };
        assert!(latency <= LATENCY_MAX, "a latency of the table is beyond the calendar");
        assert!(latency > 0 || is_rename || opcode.family() == Family::branch, "a result in no time");
        assert!(slots + u8::from(extra_slot != ExtraSlot::Never) <= SLOTS, "no cycle could decode it");
        let has_three = opcode.format() == Format::RegRegReg;
        assert!(has_three || extra_slot != ExtraSlot::UnlessAny, "a second source needs a third operand");
        let probe = Probe::of(opcode, pipeline);
        Class {
            latency,
            slots,
            extra: extra_slot != ExtraSlot::Never,
            extra_ignores_second: extra_slot == ExtraSlot::UnlessFirst,
            is_rename,
            units: Units::new(units),
            demand: Demand::of(units),
            sources: probe.sources.map(mask),
            destination: mask(probe.destination),
        }
    }
}

/// Which register operands of an opcode are sources, and whether the first is the destination.
struct Probe {
    sources: [bool; 3],
    destination: bool,
}

impl Probe {
    /// Asks an instruction with three different registers. What `memset` does to registers is not tracked by the model, and
    /// what `cmov` has to do with its destination depends on the settings.
    fn of(opcode: Opcode, pipeline: Pipeline) -> Probe {
        const REGS: [Reg; 3] = [Reg::a0, Reg::a1, Reg::a2];
        let instruction = instruction_with(opcode, REGS);
        let reads = match opcode.meaning() {
            Meaning::Memset => return Probe { sources: [false; 3], destination: false },
            Meaning::Cmov(_) | Meaning::CmovImm(_) if !pipeline.cmov_reads_destination => {
                instruction.reads().without(REGS[0])
            }
            _ => instruction.reads(),
        };
        Probe { sources: REGS.map(|reg| reads.contains(reg)), destination: instruction.destination() == Some(REGS[0]) }
    }
}

/// An instruction with these register operands, as far as its format has them, made by decoding.
fn instruction_with(opcode: Opcode, regs: [Reg; 3]) -> Instruction {
    const SET: InstructionSet = InstructionSet::Latest64Bitmask;
    const NO_OPCODE: u8 = 255;
    let number = match SET.number(opcode) {
        Some(number) => low_u8(u64::from(number)),
        None => NO_OPCODE, // `invalid` is the only opcode this set does not number
    };
    let [r1, r2, r3] = regs.map(Reg::number);
    let operands = match opcode.format() {
        Format::RegRegReg => [r2 | r3 << 4, r1],
        _ => [r1 | r2 << 4, 0],
    };
    let instruction = bitmask::decode(SET, &[number, operands[0], operands[1]], 0, 2);
    assert!(instruction.opcode() == opcode, "the set numbers every opcode");
    instruction
}

const fn mask(set: bool) -> u64 {
    if set { u64::MAX } else { 0 }
}
