//! Generic programs of the Gray Paper: code, bitmask and jump table without a frame (blob.md 3).

use crate::blob::{Program, ProgramParts};
use crate::bytes::Bytes;
use crate::error::ProgramError;
use crate::varint::Varints;
use pvm_isa::InstructionSet;

/// The Gray Paper does not limit the width of jump table entries; a byte holds it.
pub(crate) const GENERIC_ENTRY_SIZE_MAX: u8 = u8::MAX;

impl Program {
    /// Parses a generic program, whose numbering the caller names. It has no data, imports or exports.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse_generic(blob: impl Into<Bytes>, set: InstructionSet) -> Result<Self, ProgramError> {
        let parts = ProgramParts { code_and_jump_table: blob.into(), ..ProgramParts::empty(set) };
        Program::assemble(parts, Varints::Strict, GENERIC_ENTRY_SIZE_MAX)
    }

    /// The generic program with this program's code: the payload of section 6 as it is.
    pub fn to_generic(&self) -> Bytes {
        self.parts().code_and_jump_table.clone()
    }
}
