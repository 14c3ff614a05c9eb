//! Blocks: prices for those who do not walk the code themselves.

use crate::meter::BlockMeter;
use crate::pipeline::trace::{Trace, Tracer};
use crate::rule::{Pipeline, Rule};
use pvm_isa::Instruction;
use pvm_program::{Code, Instructions, Located};

impl Rule {
    /// The price of the block that starts at `start`, where an instruction must start; that of a lone `invalid` from the end of
    /// the code on. Under [`Rule::PerInstruction`] this is the number of its instructions.
    pub fn block_cost(&self, code: Code<'_>, start: u32) -> u32 {
        let mut meter = BlockMeter::new(self, code.set());
        match Blocks::next_cost(&mut meter, &mut code.iter_from(start), code) {
            Some((_, cost)) => cost,
            None => {
                let invalid = Located { instruction: Instruction::invalid(), offset: start, next: start };
                meter.push(&invalid, code.bytes());
                meter.finish()
            }
        }
    }

    /// The price of entering at `pc`: none inside the code where no block starts, and that of a lone `invalid` at its end and
    /// beyond (gas.md 1, latest037.md 7).
    pub fn cost_at(&self, code: Code<'_>, pc: u32) -> Option<u32> {
        (pc >= code.len() || code.is_jump_target(pc)).then(|| self.block_cost(code, pc))
    }

    /// All blocks in order: where each starts and its price. The implicit `invalid` behind a code that can run off its end
    /// belongs to the last block, or is a block of its own, at the offset of the code's length, if the last instruction ends one.
    pub fn blocks<'a>(&self, code: Code<'a>) -> Blocks<'a> {
        Blocks { meter: BlockMeter::new(self, code.set()), instructions: code.iter(), code }
    }
}

impl Pipeline {
    /// What the model processor does with the block that starts at `start`, where an instruction must start.
    pub fn trace(&self, code: Code<'_>, start: u32) -> Trace {
        let mut tracer = Tracer::new(*self, code.set());
        for located in code.iter_from(start) {
            tracer.push(&located, code.bytes());
            if located.instruction.opcode().ends_block() {
                break;
            }
        }
        tracer.finish()
    }
}

/// Iterator over the blocks of a code: (offset, price).
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    meter: BlockMeter,
    instructions: Instructions<'a>,
    code: Code<'a>,
}

impl Blocks<'_> {
    fn next_cost(meter: &mut BlockMeter, instructions: &mut Instructions<'_>, code: Code<'_>) -> Option<(u32, u32)> {
        let mut start = None;
        for located in instructions {
            start.get_or_insert(located.offset);
            meter.push(&located, code.bytes());
            if located.instruction.opcode().ends_block() {
                break;
            }
        }
        Some((start?, meter.finish()))
    }
}

impl Iterator for Blocks<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        Blocks::next_cost(&mut self.meter, &mut self.instructions, self.code)
    }
}
