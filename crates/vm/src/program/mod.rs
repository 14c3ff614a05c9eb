//! Programs: blobs and what can be read from them.

mod blob;
mod bytes;
mod instruction;
mod instruction_set;
mod memory_estimate;
mod symbols;
mod visitor;

pub use crate::reg::RawReg;
pub(crate) use blob::validate;
pub use blob::{Hash, JumpTable, JumpTableIter, ProgramBlob, ProgramParseError, ProgramParts};
pub use bytes::ArcBytes;
pub use instruction::{
    Instruction, InstructionFormat, InstructionVisitor, Instructions, ParsedInstruction, ParsingVisitor,
};
pub use instruction_set::{
    ISA_JamV1, ISA_Latest32, ISA_Latest64, ISA_ReviveV1, InstructionSet, InstructionSetKind, Opcode, RawOpcodeTable,
};
pub(crate) use memory_estimate::BYTES_PER_OPERATION;
pub use memory_estimate::{EstimateInterpreterMemoryUsageArgs, ProgramMemoryInfo};

pub use pvm_program::{JamNumbering, Latest64Layout, ParseOptions, Varints};
pub use symbols::{Imports, ImportsIter, ProgramExport, ProgramSymbol};
pub use visitor::OpcodeVisitor;
