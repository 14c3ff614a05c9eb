//! Generic programs of the Gray Paper: code, bitmask and jump table without a frame (blob.md 3).

use crate::blob::{Program, ProgramParts};
use crate::bytes::Bytes;
use crate::error::ProgramError;
use crate::varint::{self, Varints};
use alloc::vec::Vec;
use pvm_isa::{Encoding, InstructionSet};

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

    /// The generic program with this program's code: the payload of section 6, with its varints in their shortest form.
    pub fn to_generic(&self) -> Bytes {
        let payload = &self.parts().code_and_jump_table;
        if self.varints() == Varints::Strict {
            return payload.clone();
        }
        let mut out = Vec::with_capacity(payload.len());
        varint::write(&mut out, self.jump_table().len());
        out.push(self.jump_table_entry_size());
        if self.set().encoding() == Encoding::Bitmask {
            varint::write(&mut out, self.code().len());
        }
        for part in [self.jump_table().bytes(), self.code().bytes(), self.code().bitmask()] {
            out.extend_from_slice(part);
        }
        out.into()
    }
}
