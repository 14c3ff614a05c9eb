//! Traces: when each instruction of a block is decoded, started and done, for those who ask why it costs what it costs.

use super::classes::Classes;
use super::processor::{Observer, Processor};
use crate::rule::Pipeline;
use alloc::vec::Vec;
use pvm_isa::InstructionSet;
use pvm_num::casts::{to_usize, widen_u8};
use pvm_program::Located;

/// What the model processor does with a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The instructions in order.
    pub rows: Vec<TraceRow>,
    /// The price.
    pub cost: u32,
}

/// What the model processor does with an instruction. Cycles are counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceRow {
    /// The instruction.
    pub located: Located,
    /// The cycle it is decoded in.
    pub decoded: u32,
    /// Decode slots it takes.
    pub slots: u8,
    /// What happens in the window; none if it only renames a register and never enters it.
    pub execution: Option<Execution>,
}

/// The life of an entry of the reorder window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// Cycles from start to result.
    pub latency: u8,
    /// The cycle it starts in.
    pub started: u32,
    /// The first cycle in which others can use its result and its units.
    pub finished: u32,
    /// The cycle in which it leaves the window, behind all older ones.
    pub retired: u32,
}

/// A trace being made.
pub(crate) struct Tracer {
    classes: Classes,
    processor: Processor,
    log: Log,
}

/// The observer: rows, and which of them are entries of the window.
#[derive(Default)]
struct Log {
    rows: Vec<TraceRow>,
    entries: Vec<usize>,
    pending: Option<(Located, u8, u8)>,
}

impl Tracer {
    pub(crate) fn new(pipeline: Pipeline, set: InstructionSet) -> Tracer {
        let classes = Classes::new(pipeline, set);
        Tracer { classes, processor: Processor::new(pipeline.acceleration), log: Log::default() }
    }

    pub(crate) fn push(&mut self, located: &Located, code: &[u8]) {
        let step = self.classes.step(&located.instruction, located.next, code);
        self.log.pending = Some((*located, step.slots, step.latency));
        self.processor.push(&step, &mut self.log);
    }

    pub(crate) fn finish(mut self) -> Trace {
        let cost = self.processor.finish(&mut self.log);
        let mut rows = self.log.rows;
        let mut retired = 0;
        for execution in rows.iter_mut().filter_map(|row| row.execution.as_mut()) {
            retired = retired.max(execution.finished + 1);
            execution.retired = retired;
        }
        Trace { rows, cost }
    }
}

impl Observer for Log {
    fn decoded(&mut self, entry: Option<u32>, cycle: u32) {
        let (located, slots, latency) = self.pending.take().expect("an instruction was pushed and is decoded once");
        let execution = entry.map(|_| {
            self.entries.push(self.rows.len());
            Execution { latency, started: 0, finished: 0, retired: 0 }
        });
        self.rows.push(TraceRow { located, decoded: cycle, slots, execution });
    }

    fn started(&mut self, entry: u32, cycle: u32) {
        let row = &mut self.rows[self.entries[to_usize(entry)]];
        let execution = row.execution.as_mut().expect("only entries of the window start");
        execution.started = cycle;
        execution.finished = cycle + widen_u8(execution.latency);
    }
}
