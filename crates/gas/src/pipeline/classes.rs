//! Classes: what the simulation needs to know of an opcode, with the settings of the rule already applied.

use super::processor::SLOTS;
use super::registers::{Base, Cell, Cells};
use super::resources::Units;
use crate::rule::{MemoryLatency, Pipeline};
use pvm_isa::cost::{self, ExtraSlot, Latency};
use pvm_isa::{Cost, Family, Format, Instruction, InstructionSet, Meaning, Opcode, Reg, Width};
use pvm_num::casts::to_usize;

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

    /// The units that meet it, but for LOAD and STORE units.
    #[inline(always)]
    pub(crate) const fn units(self) -> Units {
        const fn units(alu: u8, mul: u8, div: u8) -> Units {
            Units::new(cost::Units { alu, load: 0, store: 0, mul, div })
        }
        match self {
            Demand::Nothing => const { units(0, 0, 0) },
            Demand::Alu => const { units(1, 0, 0) },
            Demand::TwoAlu => const { units(2, 0, 0) },
            Demand::AluAndMul => const { units(1, 1, 0) },
            Demand::AluAndDiv => const { units(1, 0, 1) },
        }
    }

    const fn of(units: cost::Units) -> Demand {
        assert!(units.load + units.store <= units.alu, "a LOAD or STORE unit without an ALU unit");
        match (units.alu, units.mul, units.div) {
            (0, 0, 0) => Demand::Nothing,
            (1, 0, 0) => Demand::Alu,
            (2, 0, 0) => Demand::TwoAlu,
            (1, 1, 0) => Demand::AluAndMul,
            (1, 0, 1) => Demand::AluAndDiv,
            _ => panic!("a combination of units the plan does not know"),
        }
    }
}

/// An opcode's row of the cost table.
#[derive(Clone, Copy, Debug)]
struct Class {
    /// Which of the register operands are sources.
    sources: [Base; 3],
    /// Whether the first is the destination.
    destination: Base,
    /// 0 for a branch, whose latency depends on its successors.
    latency: u8,
    slots: u8,
    /// One more slot is needed if the destination is not the first source ...
    extra: bool,
    /// ... nor, unless this is set, the second.
    extra_ignores_second: bool,
    is_rename: bool,
    demand: Demand,
    units: Units,
}

/// By opcode.
type ClassTable = [Class; Opcode::COUNT];

/// By width, load latency, and whether cmov reads its destination: made at compile time, as a meter has to be cheap to make.
static TABLES: [[[ClassTable; 2]; 3]; 2] = {
    const fn by_cmov(width: Width, memory: MemoryLatency) -> [ClassTable; 2] {
        [class_table(width, memory, false), class_table(width, memory, true)]
    }
    const fn by_memory(width: Width) -> [[ClassTable; 2]; 3] {
        [
            by_cmov(width, MemoryLatency::L1Hit),
            by_cmov(width, MemoryLatency::L2Hit),
            by_cmov(width, MemoryLatency::L3Hit),
        ]
    }
    [by_memory(Width::Narrow), by_memory(Width::Wide)]
};

fn table(width: Width, pipeline: Pipeline) -> &'static ClassTable {
    let width = match width {
        Width::Narrow => 0,
        Width::Wide => 1,
    };
    let memory = match pipeline.memory {
        MemoryLatency::L1Hit => 0,
        MemoryLatency::L2Hit => 1,
        MemoryLatency::L3Hit => 2,
    };
    &TABLES[width][memory][usize::from(pipeline.cmov_reads_destination)]
}

/// An instruction as the processor sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Where its sources are read; a rename copies the second.
    pub(super) sources: Cells,
    /// Where its result is written.
    pub(super) destination: Cell,
    /// Only copies a register, by renaming.
    pub(super) is_rename: bool,
    /// Decode slots.
    pub(super) slots: u8,
    /// Cycles from start to result.
    pub(super) latency: u8,
    /// Units held meanwhile.
    pub(super) units: Units,
    /// The same, for the plan.
    pub(super) demand: Demand,
}

/// The classes of all opcodes for an instruction set and settings.
#[derive(Clone, Debug)]
pub(crate) struct Classes {
    table: &'static ClassTable,
    /// The code bytes that make a branch to them cheap; equal where there is only one.
    cheap: [u8; 2],
}

impl Classes {
    pub(crate) fn new(pipeline: Pipeline, set: InstructionSet) -> Self {
        const TRAP: u8 = 0;
        Classes { table: table(set.width(), pipeline), cheap: [TRAP, set.unlikely_byte().unwrap_or(TRAP)] }
    }

    /// The instruction as the processor sees it. `next` is the code offset behind it.
    #[inline(always)]
    pub(crate) fn step(&self, instruction: &Instruction, next: u32, code: &[u8]) -> Step {
        let class = &self.table[instruction.opcode().index()];
        let [r1, r2, r3] = [instruction.r1(), instruction.r2(), instruction.r3()];
        // No short circuits: these are quicker than a jump nobody can predict.
        let extra = class.extra & (r1 != r2) & (class.extra_ignores_second | (r1 != r3));
        let latency = match class.latency {
            0 if !class.is_rename => self.branch_latency(instruction, next, code),
            latency => latency,
        };
        Step {
            sources: Cells::new([class.sources[0].cell(r1), class.sources[1].cell(r2), class.sources[2].cell(r3)]),
            destination: class.destination.cell(r1),
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

const fn class_table(width: Width, memory: MemoryLatency, cmov_reads_destination: bool) -> ClassTable {
    let mut table = [class(Opcode::invalid, width, memory, cmov_reads_destination); Opcode::COUNT];
    let mut index = 0;
    while index < table.len() {
        table[index] = class(Opcode::ALL[index], width, memory, cmov_reads_destination);
        index += 1;
    }
    table
}

const fn class(opcode: Opcode, width: Width, memory: MemoryLatency, cmov_reads_destination: bool) -> Class {
    let Cost { is_rename, latency, slots, extra_slot, narrow, units } = opcode.cost();
    let (latency, slots) = match (latency, width, narrow) {
        (Latency::Cycles(_), Width::Narrow, Some(narrow)) => narrow,
        (Latency::Cycles(cycles), ..) => (cycles, slots),
        (Latency::Memory, ..) => (memory.cycles(), slots),
        (Latency::Branch, ..) => (0, slots),
    };
    let is_branch = matches!(opcode.family(), Family::branch);
    assert!(latency <= LATENCY_MAX, "a latency of the table is beyond the calendar");
    assert!(latency > 0 || is_rename || is_branch, "a result in no time");
    assert!(slots < SLOTS || slots == SLOTS && matches!(extra_slot, ExtraSlot::Never), "no cycle could decode it");
    let has_three = matches!(opcode.format(), Format::RegRegReg);
    assert!(has_three || !matches!(extra_slot, ExtraSlot::UnlessAny), "a second source needs a third operand");
    Class {
        sources: sources(opcode, cmov_reads_destination),
        destination: destination(opcode),
        latency,
        slots,
        extra: !matches!(extra_slot, ExtraSlot::Never),
        extra_ignores_second: matches!(extra_slot, ExtraSlot::UnlessFirst),
        is_rename,
        demand: Demand::of(units),
        units: Units::new(units),
    }
}

/// Asks an instruction with three different registers. What `memset` does to registers the model does not track, and what `cmov`
/// has to do with its destination depends on the settings.
const fn sources(opcode: Opcode, cmov_reads_destination: bool) -> [Base; 3] {
    let mut reads = Instruction::with_registers(opcode, PROBES).reads();
    match opcode.meaning() {
        Meaning::Memset => return [Base::NOTHING; 3],
        Meaning::Cmov(_) | Meaning::CmovImm(_) if !cmov_reads_destination => reads = reads.without(PROBES[0]),
        _ => {}
    }
    let mut sources = [Base::NOTHING; 3];
    let mut operand = 0;
    while operand < PROBES.len() {
        if reads.contains(PROBES[operand]) {
            sources[operand] = Base::REGISTER;
        }
        operand += 1;
    }
    sources
}

const fn destination(opcode: Opcode) -> Base {
    match Instruction::with_registers(opcode, PROBES).destination() {
        Some(_) => Base::REGISTER, // it is always the first operand
        None => Base::NOWHERE,
    }
}

const PROBES: [Reg; 3] = [Reg::a0, Reg::a1, Reg::a2];
