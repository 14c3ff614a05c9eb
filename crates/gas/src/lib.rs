//! Gas: what every basic block costs under each metering rule.
//!
//! ```text
//! Rule --+-- PerInstruction, Simple, Table      flat.rs: a sum over the block
//!        +-- Full(Pipeline)                     pipeline/: the cycles a model processor needs for it
//!
//! BlockMeter   prices one block after the other while somebody else walks the code (interpreter, compiler)
//! Rule::block_cost, Rule::cost_at, Rule::blocks   walk the code themselves (disassembler, tools)
//! ```
//!
//! A price is a pure function of the block's instructions and, for a branch at its end, of the code byte at each of its two
//! successors. It never depends on registers or memory, so it is computed once. *When* a price is charged is the engines'
//! business; `docs/gas.md` has the charging points.
//!
//! ```
//! use pvm_gas::Rule;
//! use pvm_isa::InstructionSet;
//! use pvm_program::Code;
//!
//! // a0 = u64 [a1]; a2 = a0 + a3; ret
//! let code = Code::new(InstructionSet::Latest64Bitmask, &[0x82, 0x87, 0xc8, 0xa7, 0x09, 0x32, 0x00], &[0x25]);
//! let full: Rule = "full".parse().unwrap();
//! assert_eq!(full.block_cost(code, 0), 26);
//! assert_eq!(Rule::Simple.block_cost(code, 0), 3);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod blocks;
mod error;
mod flat;
mod meter;
mod pipeline;
mod rule;

pub use blocks::Blocks;
pub use error::{GasError, GasErrorKind};
pub use flat::CostTable;
pub use meter::BlockMeter;
pub use pipeline::trace::{Execution, Trace, TraceRow};
pub use rule::{Acceleration, MemoryLatency, Pipeline, Rule};
