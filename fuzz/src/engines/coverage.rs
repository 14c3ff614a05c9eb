//! Coverage: what programs held, how they were entered, what stopped them, and in a sample what they executed.

use super::batch::Batch;
use super::drive::Seen;
use pvm::{InterruptKind, RawInstance, Trap};
use pvm_isa::{Opcode, Width};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

/// Of so many batches one is executed step by step.
pub(super) const SAMPLE: u8 = 64;

/// Counts of what occurred.
#[derive(Debug)]
pub(super) struct Coverage {
    batches: u64,
    programs: u64,
    /// By index of the opcode.
    written: [u64; Opcode::COUNT],
    /// In the sample.
    executed: [u64; Opcode::COUNT],
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

static ALL: LazyLock<Mutex<Coverage>> = LazyLock::new(|| Mutex::new(Coverage::new()));

impl Coverage {
    pub(super) fn new() -> Coverage {
        Coverage {
            batches: 0,
            programs: 0,
            written: [0; Opcode::COUNT],
            executed: [0; Opcode::COUNT],
            counts: BTreeMap::new(),
        }
    }

    fn count(&mut self, group: &'static str, name: &'static str) {
        *self.counts.entry((group, name)).or_default() += 1;
    }

    pub(super) fn batch(&mut self, batch: &Batch<'_>) {
        self.batches += 1;
        self.programs += pvm_num::casts::to_u64(batch.parts.len());
        for item in &batch.code.items {
            self.written[item.instruction.opcode().index()] += 1;
        }
        for (name, count) in super::idioms::NAMES.iter().zip(batch.idioms) {
            *self.counts.entry(("idioms", name)).or_default() += count;
        }
        let setup = &batch.setup;
        self.count(
            "sets",
            match (setup.set.width(), setup.set.encoding()) {
                (_, pvm_isa::Encoding::MacroBlock) => "latest64 in macro blocks",
                (Width::Narrow, _) => "latest32",
                _ => setup.set.name(),
            },
        );
        self.count("memory", if setup.paged { "dynamic paging" } else { "static map" });
        self.count("processors", if setup.is_baseline { "baseline" } else { "host" });
        let pipeline = match &setup.rule {
            None => "none",
            Some(pvm::GasRule::Full(_)) => "full",
            Some(_) => "flat",
        };
        self.count("gas", pipeline);
    }

    pub(super) fn feature(&mut self, name: &'static str) {
        self.count("features", name);
    }

    /// An instruction is going to be executed.
    pub(super) fn step(&mut self, guest: &RawInstance) {
        let code = guest.module().blob().program().code();
        if let Some(located) = guest.program_counter().and_then(|pc| code.instruction_at(pc.0)) {
            self.executed[located.instruction.opcode().index()] += 1;
        }
    }

    pub(super) fn exit(&mut self, seen: &Seen) {
        let name = match (&seen.exit, seen.trap) {
            (Err(()), _) => "no program counter",
            (Ok(InterruptKind::Finished), _) => "finished",
            (Ok(InterruptKind::Ecalli(_)), _) => "ecalli",
            (Ok(InterruptKind::Segfault(fault)), _) if fault.is_write_protected => "page fault: write-protected",
            (Ok(InterruptKind::Segfault(_)), _) => "page fault: missing",
            (Ok(InterruptKind::NotEnoughGas), _) => "out of gas",
            (Ok(InterruptKind::Step), _) => "step",
            (Ok(InterruptKind::Trap), Some(trap)) => match trap {
                Trap::Instruction => "trap: instruction",
                Trap::InvalidInstruction => "trap: invalid instruction",
                Trap::JumpTarget => "trap: jump target",
                Trap::JumpAddress(_) => "trap: jump address",
                Trap::Memory { is_write: true, .. } => "trap: store",
                Trap::Memory { is_write: false, .. } => "trap: load",
                Trap::Entry => "trap: entry",
                Trap::Sbrk => "trap: sbrk",
            },
            (Ok(InterruptKind::Trap), None) => "trap: no reason",
        };
        self.count("exits", name);
    }

    /// Adds these counts to those of the process.
    pub(super) fn add_to_all(self) {
        let mut all = ALL.lock().expect("nothing panics while it counts");
        all.batches += self.batches;
        all.programs += self.programs;
        for index in 0..Opcode::COUNT {
            all.written[index] += self.written[index];
            all.executed[index] += self.executed[index];
        }
        for (key, count) in self.counts {
            *all.counts.entry(key).or_default() += count;
        }
    }
}

/// All counts of the process, as a report.
pub(crate) fn report() -> Value {
    let all = ALL.lock().expect("nothing panics while it counts");
    let mut groups = serde_json::Map::new();
    for ((group, name), count) in &all.counts {
        let group = groups.entry(*group).or_insert_with(|| json!({}));
        group[name] = (*count).into();
    }
    let opcodes: serde_json::Map<String, Value> = Opcode::ALL
        .iter()
        .map(|opcode| {
            let index = opcode.index();
            (opcode.name().to_owned(), json!([all.written[index], all.executed[index]]))
        })
        .collect();
    groups.insert("opcodes: written, executed in the sample".into(), opcodes.into());
    groups.insert("sample".into(), format!("1 of {SAMPLE} batches").into());
    groups.insert("programs".into(), all.programs.into());
    groups.insert("batches".into(), all.batches.into());
    groups.into()
}
