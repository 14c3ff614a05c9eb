//! The pipeline model: the cycles a model processor needs for a block (gas-model.md, gas.md 3).
//!
//! ```text
//! Instruction -- classes --> Step -- simulate --> cycles
//!                                       |  ^
//!                                       v  resources
//!                                     trace (who wants to see it)
//! ```

mod classes;
mod resources;
mod simulate;
pub(crate) mod trace;

use crate::rule::Pipeline;
use classes::Classes;
use pvm_isa::InstructionSet;
use pvm_program::Located;
use simulate::Machine;

/// Prices blocks by the pipeline model.
#[derive(Clone, Debug)]
pub(crate) struct PipelineMeter {
    classes: Classes,
    machine: Machine,
}

impl PipelineMeter {
    pub(crate) fn new(pipeline: Pipeline, set: InstructionSet) -> Self {
        PipelineMeter { classes: Classes::new(pipeline, set), machine: Machine::new(pipeline.acceleration) }
    }

    pub(crate) fn start(&mut self) {
        self.machine.reset();
    }

    #[inline]
    pub(crate) fn push(&mut self, located: &Located, code: &[u8]) {
        let step = self.classes.step(&located.instruction, located.next, code);
        self.machine.push(&step, &mut ());
    }

    #[inline]
    pub(crate) fn finish(&mut self) -> u32 {
        let cost = self.machine.finish(&mut ());
        self.machine.reset();
        cost
    }
}
