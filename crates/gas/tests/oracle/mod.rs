//! The two definitions of the model, written down as literally as they stand, on the data of gas-costs.tsv.

use pvm_gas::{Acceleration, Pipeline};
use pvm_isa::{Format, Instruction, InstructionSet, Opcode, Reg, RegSet};
use pvm_program::{Code, Located};
use std::collections::BTreeMap;

/// A row of gas-costs.tsv. Pairs are for 64 and 32 bits.
struct Row {
    latency: [String; 2],
    slots: [u32; 2],
    extra_slot: String,
    units: [u32; 5],
    reads: Vec<String>,
    writes: String,
}

/// By opcode.
pub(crate) struct Table(Vec<Row>);

/// An instruction as both definitions see it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    rename: Option<(Reg, Reg)>,
    latency: i64,
    slots: u32,
    units: [u32; 5],
    sources: RegSet,
    destination: Option<Reg>,
}

impl Table {
    pub(crate) fn read() -> Table {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/gas-costs.tsv");
        let text = std::fs::read_to_string(path).unwrap();
        let rows: BTreeMap<&str, Vec<&str>> = text
            .lines()
            .skip(1)
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .map(|cells| (cells[0], cells[1..].to_vec()))
            .collect();
        let number = |cell: &str| cell.parse().unwrap_or(0); // "-" where the set has no such instruction
        let row = |cells: &Vec<&str>| Row {
            latency: [cells[0].to_owned(), cells[1].to_owned()],
            slots: [number(cells[2]), number(cells[3])],
            extra_slot: cells[4].to_owned(),
            units: std::array::from_fn(|unit| number(cells[5 + unit])),
            reads: cells[10].split(' ').filter(|role| *role != "-").map(str::to_owned).collect(),
            writes: cells[11].to_owned(),
        };
        Table(Opcode::ALL.iter().map(|opcode| row(&rows[opcode.name()])).collect())
    }

    /// The instructions of the block that starts at `start`.
    pub(crate) fn block(&self, pipeline: Pipeline, code: Code<'_>, start: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        // The implicit instruction behind the code can be a block of its own.
        let implicit = Located { instruction: Instruction::invalid(), offset: start, next: start };
        let implicit = (start == code.len()).then_some(implicit);
        for located in code.iter_from(start).chain(implicit) {
            steps.push(self.step(pipeline, code, &located));
            if located.instruction.opcode().ends_block() {
                break;
            }
        }
        steps
    }

    fn step(&self, pipeline: Pipeline, code: Code<'_>, located: &Located) -> Step {
        let instruction = &located.instruction;
        let opcode = instruction.opcode();
        let width = usize::from(code.set() == InstructionSet::Latest32);
        let Row { latency, slots, extra_slot, units, reads, writes } = &self.0[opcode.index()];
        // The first register operand is the destination or the value stored, if there is one of these.
        let is_first_taken =
            writes == "d" || reads.iter().any(|role| role == "s") || opcode.format() == Format::RegRegImmImm;
        let register = |role: &str| match (role, is_first_taken) {
            ("d" | "s", _) => instruction.r1(),
            ("a" | "base", false) => instruction.r1(),
            ("a" | "base", true) | ("b", false) => instruction.r2(),
            ("b", true) => instruction.r3(),
            _ => panic!("role {role} of {opcode}"),
        };
        let is_rename = writes == "rename";
        let mut sources = RegSet::EMPTY;
        for role in reads.iter().filter(|_| !is_rename) {
            sources = sources.with(register(role));
        }
        if pipeline.cmov_reads_destination && opcode.name().starts_with("cmov") {
            sources = sources.with(instruction.r1());
        }
        let extra = match extra_slot.as_str() {
            "-" => false,
            "d!=a" => instruction.r1() != register("a"),
            "d!=a and d!=b" => ![register("a"), register("b")].contains(&instruction.r1()),
            other => panic!("condition {other}"),
        };
        let latency = match latency[width].as_str() {
            "MEM" => i64::from(pipeline.memory.cycles()),
            "BR" => branch_latency(code, located.next, instruction.target().unwrap()),
            cycles => cycles.parse().unwrap(),
        };
        Step {
            rename: is_rename.then(|| (instruction.r1(), instruction.r2())),
            latency,
            slots: slots[width] + u32::from(extra),
            units: *units,
            sources,
            destination: (writes == "d").then(|| instruction.r1()),
        }
    }
}

fn branch_latency(code: Code<'_>, next: u32, target: u32) -> i64 {
    let cheap: &[u8] = match code.set() {
        InstructionSet::JamV1 | InstructionSet::Latest64 => &[0, 2],
        InstructionSet::Latest32 | InstructionSet::Latest64Bitmask => &[0, 3],
        InstructionSet::ReviveV1 | InstructionSet::Gp07 => &[0],
    };
    let byte = |offset: u32| code.bytes().get(usize::try_from(offset).unwrap()).unwrap_or(&0);
    if cheap.contains(byte(next)) || cheap.contains(byte(target)) { 1 } else { 20 }
}

fn fit(units: &[u32; 5], free: &[u32; 5]) -> bool {
    units.iter().zip(free).all(|(need, free)| need <= free)
}

fn change(free: &mut [u32; 5], units: &[u32; 5], change: impl Fn(u32, u32) -> u32) {
    for (free, units) in free.iter_mut().zip(units) {
        *free = change(*free, *units);
    }
}

const ALL: [u32; 5] = [4, 4, 4, 1, 1];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Decoded,
    Waiting,
    Executing,
    Finished,
    Gone,
}

struct Entry {
    phase: Phase,
    remaining: i64,
    producers: Vec<usize>,
    writes: RegSet,
    units: [u32; 5],
}

/// gas-model.md 6, cycle by cycle.
pub(crate) fn gray_paper(steps: &[Step]) -> u32 {
    let mut entries: Vec<Entry> = Vec::new();
    let mut next = 0;
    let (mut cycle, mut slots, mut starts, mut free) = (0, 4, 5, ALL);
    // Those before it are gone: finished, so that it makes no difference who waits for them and what they write.
    let mut first_live = 0;
    loop {
        // 1. Decode.
        if let Some(step) = steps.get(next)
            && step.slots <= slots
            && entries.len() - first_live < 32
        {
            slots -= step.slots;
            next += 1;
            if let Some((to, from)) = step.rename {
                for entry in &mut entries[first_live..] {
                    entry.writes = match entry.writes.contains(from) {
                        true => entry.writes.with(to),
                        false => entry.writes.without(to),
                    };
                }
                continue;
            }
            let mut producers = Vec::new();
            for (index, entry) in entries.iter_mut().enumerate().skip(first_live) {
                if !entry.writes.intersection(step.sources).is_empty() {
                    producers.push(index);
                }
                if let Some(destination) = step.destination {
                    entry.writes = entry.writes.without(destination);
                }
            }
            entries.push(Entry {
                phase: Phase::Decoded,
                remaining: step.latency,
                producers,
                writes: step.destination.map_or(RegSet::EMPTY, |reg| RegSet::of(&[reg])),
                units: step.units,
            });
            continue;
        }
        // 2. Start.
        let can_start = |entry: &Entry| {
            entry.phase == Phase::Waiting
                && fit(&entry.units, &free)
                && entry.producers.iter().all(|producer| entries[*producer].remaining == 0)
        };
        if starts > 0
            && let Some(index) = (first_live..entries.len()).find(|index| can_start(&entries[*index]))
        {
            starts -= 1;
            change(&mut free, &entries[index].units, |free, units| free - units);
            entries[index].phase = Phase::Executing;
            continue;
        }
        // 3. Stop.
        if next == steps.len() && first_live == entries.len() {
            return u32::max(cycle - 3, 1);
        }
        // 4. Tick, from the old values.
        (slots, starts, cycle) = (4, 5, cycle + 1);
        let mut are_older_done = true;
        for entry in &mut entries[first_live..] {
            let is_done = matches!(entry.phase, Phase::Finished | Phase::Gone);
            let old = entry.remaining;
            if entry.phase == Phase::Executing {
                if old == 1 {
                    change(&mut free, &entry.units, |free, units| free + units);
                }
                entry.remaining -= i64::from(old > 0);
            }
            entry.phase = match entry.phase {
                _ if is_done && are_older_done => Phase::Gone,
                Phase::Decoded => Phase::Waiting,
                Phase::Executing if old == 0 => Phase::Finished,
                phase => phase,
            };
            are_older_done &= is_done;
        }
        while entries.get(first_live).is_some_and(|entry| entry.phase == Phase::Gone) {
            first_live += 1;
        }
    }
}

/// gas.md 3.3 with latest037.md 7, stepwise or accelerated.
pub(crate) fn polkavm(steps: &[Step], acceleration: Acceleration) -> u32 {
    let mut processor = Processor::default();
    let mut slots = 4;
    for step in steps {
        if slots < step.slots || processor.window.len() == 32 {
            processor.cycle(false, false);
            while processor.window.len() == 32 {
                processor.cycle(acceleration == Acceleration::Upstream, false);
            }
            slots = 4;
        }
        processor.decode(step);
        slots -= step.slots;
    }
    processor.cycle(false, true);
    while !processor.window.is_empty() {
        processor.cycle(acceleration == Acceleration::Upstream, true);
    }
    u32::max(processor.cycles - 3, 1)
}

struct Processor {
    cycles: u32,
    free: [u32; 5],
    /// Entry numbers by age. Here `producers` loses its members as they finish, and `writes` is unused.
    window: Vec<(usize, Entry)>,
    decoded: usize,
    producer: BTreeMap<Reg, usize>,
}

impl Default for Processor {
    fn default() -> Self {
        Processor { cycles: 0, free: ALL, window: Vec::new(), decoded: 0, producer: BTreeMap::new() }
    }
}

impl Processor {
    fn decode(&mut self, step: &Step) {
        if let Some((to, from)) = step.rename {
            match self.producer.get(&from) {
                Some(producer) => self.producer.insert(to, *producer),
                None => self.producer.remove(&to),
            };
            return;
        }
        let producers = step.sources.iter().filter_map(|reg| self.producer.get(&reg).copied()).collect();
        let (phase, remaining, units) = (Phase::Decoded, step.latency, step.units);
        let entry = Entry { phase, remaining, producers, writes: RegSet::EMPTY, units };
        self.window.push((self.decoded, entry));
        if let Some(destination) = step.destination {
            self.producer.insert(destination, self.decoded);
        }
        self.decoded += 1;
    }

    fn cycle(&mut self, may_accelerate: bool, is_decoded: bool) {
        let before = self.window.len();
        while self.window.first().is_some_and(|(_, entry)| entry.phase == Phase::Finished) {
            self.window.remove(0);
        }
        let has_retired = self.window.len() < before;
        let mut starts = 5;
        for (_, entry) in &mut self.window {
            let is_ready = entry.phase == Phase::Waiting && entry.producers.is_empty();
            if is_ready && starts > 0 && fit(&entry.units, &self.free) {
                starts -= 1;
                change(&mut self.free, &entry.units, |free, units| free - units);
                entry.phase = Phase::Executing;
            }
        }
        let executing = self.window.iter().filter(|(_, entry)| entry.phase == Phase::Executing);
        let soonest = executing.map(|(_, entry)| entry.remaining).min().unwrap_or(0);
        let is_fresh = self.window.iter().any(|(_, entry)| entry.phase == Phase::Decoded);
        let may_accelerate = may_accelerate && !is_fresh && (is_decoded || !has_retired);
        let passed = if may_accelerate && soonest > 0 { soonest } else { 1 };
        for index in 0..self.window.len() {
            let (number, entry) = &mut self.window[index];
            let number = *number;
            if entry.phase != Phase::Executing {
                continue;
            }
            entry.remaining -= passed;
            match entry.remaining {
                0 => {
                    change(&mut self.free, &entry.units, |free, units| free + units);
                    for (_, other) in &mut self.window {
                        other.producers.retain(|producer| *producer != number);
                    }
                    self.producer.retain(|_, producer| *producer != number);
                }
                -1 => entry.phase = Phase::Finished,
                _ => {}
            }
        }
        for (_, entry) in &mut self.window {
            if entry.phase == Phase::Decoded {
                entry.phase = Phase::Waiting;
            }
        }
        self.cycles += u32::try_from(passed).unwrap();
    }
}
