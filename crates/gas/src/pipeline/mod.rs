//! The pipeline model: the cycles a model processor needs for a block (gas-model.md, gas.md 3).
//!
//! ```text
//! Instruction -- classes --> Step -- processor --> cycles       window, registers, resources: what both use
//!                                     |      |
//!                            exact?  plan  simulate             trace: for those who want to watch
//! ```

mod classes;
mod plan;
mod processor;
mod registers;
mod resources;
mod simulate;
pub(crate) mod trace;
mod window;

use crate::rule::Pipeline;
use classes::Classes;
use processor::Processor;
use pvm_isa::InstructionSet;
use pvm_program::Located;

/// Prices blocks by the pipeline model.
#[derive(Clone, Debug)]
pub(crate) struct PipelineMeter {
    classes: Classes,
    processor: Processor,
}

impl PipelineMeter {
    pub(crate) fn new(pipeline: Pipeline, set: InstructionSet) -> Self {
        PipelineMeter { classes: Classes::new(pipeline, set), processor: Processor::new(pipeline.acceleration) }
    }

    pub(crate) fn start(&mut self) {
        self.processor.reset();
    }

    #[inline]
    pub(crate) fn push(&mut self, located: &Located, code: &[u8]) {
        let step = self.classes.step(&located.instruction, located.next, code);
        self.processor.push(&step, &mut ());
    }

    #[inline]
    pub(crate) fn finish(&mut self) -> u32 {
        let cost = self.processor.finish(&mut ());
        self.processor.reset();
        cost
    }
}
