//! The meter: prices blocks while somebody else walks the code, without decoding it twice.

use crate::flat::CostTable;
use crate::pipeline::PipelineMeter;
use crate::rule::Rule;
use alloc::boxed::Box;
use alloc::sync::Arc;
use pvm_isa::InstructionSet;
use pvm_program::Located;

/// Prices one block after the other. Memory is constant and allocated once, whatever the length of the blocks.
///
/// ```
/// use pvm_gas::{BlockMeter, Rule};
/// use pvm_isa::InstructionSet;
/// use pvm_program::Code;
///
/// let code = Code::new(InstructionSet::JamV1, &[1, 0], &[3]); // fallthrough; trap
/// let mut meter = BlockMeter::new(&Rule::Full(Default::default()), code.set());
/// let mut costs = Vec::new();
/// for located in code.iter() {
///     meter.push(&located, code.bytes());
///     if located.instruction.opcode().ends_block() {
///         costs.push(meter.finish());
///     }
/// }
/// assert_eq!(costs, [2, 2]);
/// ```
#[derive(Clone, Debug)]
pub struct BlockMeter {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Count { total: u32 },
    Table { costs: Arc<CostTable>, total: u32 },
    Pipeline(Box<PipelineMeter>),
}

impl BlockMeter {
    /// A meter for code of this instruction set, at the start of a block.
    pub fn new(rule: &Rule, set: InstructionSet) -> Self {
        let kind = match rule {
            Rule::PerInstruction | Rule::Simple => Kind::Count { total: 0 },
            Rule::Table(costs) => Kind::Table { costs: Arc::clone(costs), total: 0 },
            Rule::Full(pipeline) => Kind::Pipeline(Box::new(PipelineMeter::new(*pipeline, set))),
        };
        BlockMeter { kind }
    }

    /// Starts a block, dropping what was pushed since the last [`BlockMeter::finish`], which itself leaves nothing to drop.
    pub fn start(&mut self) {
        match &mut self.kind {
            Kind::Count { total } | Kind::Table { total, .. } => *total = 0,
            Kind::Pipeline(meter) => meter.start(),
        }
    }

    /// Adds the next instruction of the block. `code` is all code bytes: a branch is priced by what stands at its successors.
    #[inline]
    pub fn push(&mut self, located: &Located, code: &[u8]) {
        match &mut self.kind {
            // The longest code has fewer than 2^32 instructions.
            Kind::Count { total } => *total += 1,
            Kind::Table { costs, total } => *total = total.saturating_add(costs.get(located.instruction.opcode())),
            Kind::Pipeline(meter) => meter.push(located, code),
        }
    }

    /// The price of the block that ended, and the start of the next. It is the number of instructions under
    /// [`Rule::PerInstruction`], and sticks at `u32::MAX` where a table's costs add up to more.
    #[inline]
    pub fn finish(&mut self) -> u32 {
        match &mut self.kind {
            Kind::Count { total } | Kind::Table { total, .. } => core::mem::take(total),
            Kind::Pipeline(meter) => meter.finish(),
        }
    }
}
