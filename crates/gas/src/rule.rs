//! Rules: the ways to turn a block into a price, and their names.

use crate::error::{GasError, GasErrorKind};
use crate::flat::CostTable;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

/// How gas is counted.
///
/// Names, as parsed and displayed: `per-instruction`, `simple` (also `naive`), `full`, and variants of the latter that put
/// `-2025-11`, then one of `-l1-hit`, `-l2-hit` and `-l3-hit`, then `-accelerated` behind it. A table has no name; it is displayed
/// as `table`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// 1 for every instruction, charged as it executes (Gray Paper 0.7).
    PerInstruction,
    /// 1 for every instruction, charged for the whole block on entry.
    Simple,
    /// A cost per opcode, charged for the whole block on entry.
    Table(Arc<CostTable>),
    /// The cycles the pipeline model needs, charged for the whole block on entry (Gray Paper 0.8).
    Full(Pipeline),
}

/// Settings of the pipeline model. The default is the Gray Paper 0.8's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pipeline {
    /// How long loads take.
    pub memory: MemoryLatency,
    /// Does `cmov` depend on its destination, whose value it may keep? Yes in the Gray Paper 0.8 and in polkavm 0.37; no in the
    /// draft of 2025-11 and in polkavm 0.35.
    pub cmov_reads_destination: bool,
    /// How time passes while the processor waits.
    pub acceleration: Acceleration,
}

impl Pipeline {
    /// The Gray Paper 0.8's model.
    pub const GP08: Pipeline =
        Pipeline { memory: MemoryLatency::L2Hit, cmov_reads_destination: true, acceleration: Acceleration::Stepwise };
}

impl Default for Pipeline {
    fn default() -> Self {
        Pipeline::GP08
    }
}

/// Which cache every load is taken to hit. Stores always take 25 cycles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MemoryLatency {
    /// 4 cycles.
    L1Hit,
    /// 25 cycles, the Gray Paper's.
    L2Hit,
    /// 37 cycles.
    L3Hit,
}

impl MemoryLatency {
    /// The latency of a load.
    pub const fn cycles(self) -> u8 {
        match self {
            MemoryLatency::L1Hit => 4,
            MemoryLatency::L2Hit => 25,
            MemoryLatency::L3Hit => 37,
        }
    }
}

/// How time passes while the model processor waits for room in its window or for the end of the block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Acceleration {
    /// Cycle by cycle, as the Gray Paper defines it.
    Stepwise,
    /// As polkavm does: while it waits it goes straight to the next result, also when more than five instructions were ready and
    /// some of them could have started before. Such blocks cost more (gas.md 3.3).
    Upstream,
}

impl Rule {
    /// Is the price of a block charged as a whole when it is entered?
    pub const fn charges_blocks(&self) -> bool {
        !matches!(self, Rule::PerInstruction)
    }
}

const MEMORY_NAMES: [(&str, MemoryLatency); 3] =
    [("-l1-hit", MemoryLatency::L1Hit), ("-l2-hit", MemoryLatency::L2Hit), ("-l3-hit", MemoryLatency::L3Hit)];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::PerInstruction => f.write_str("per-instruction"),
            Rule::Simple => f.write_str("simple"),
            Rule::Table(_) => f.write_str("table"),
            Rule::Full(pipeline) => {
                f.write_str("full")?;
                if !pipeline.cmov_reads_destination {
                    f.write_str("-2025-11")?;
                }
                for (name, memory) in MEMORY_NAMES {
                    if pipeline.memory == memory && memory != Pipeline::GP08.memory {
                        f.write_str(name)?;
                    }
                }
                match pipeline.acceleration {
                    Acceleration::Stepwise => Ok(()),
                    Acceleration::Upstream => f.write_str("-accelerated"),
                }
            }
        }
    }
}

impl FromStr for Rule {
    type Err = GasError;

    fn from_str(name: &str) -> Result<Self, GasError> {
        let unknown = |rest: &str| GasError { kind: GasErrorKind::UnknownRule, at: name.len() - rest.len() };
        match name {
            "per-instruction" => return Ok(Rule::PerInstruction),
            "simple" | "naive" => return Ok(Rule::Simple),
            _ => {}
        }
        let mut rest = name.strip_prefix("full").ok_or(unknown(name))?;
        let mut pipeline = Pipeline::GP08;
        if let Some(behind) = rest.strip_prefix("-2025-11") {
            pipeline.cmov_reads_destination = false;
            rest = behind;
        }
        if let Some((behind, memory)) =
            MEMORY_NAMES.iter().find_map(|(part, memory)| Some((rest.strip_prefix(part)?, *memory)))
        {
            pipeline.memory = memory;
            rest = behind;
        }
        if let Some(behind) = rest.strip_prefix("-accelerated") {
            pipeline.acceleration = Acceleration::Upstream;
            rest = behind;
        }
        if rest.is_empty() { Ok(Rule::Full(pipeline)) } else { Err(unknown(rest)) }
    }
}
