//! What a blob does not say about itself: the encoding of latest64, the numbering of `jam_v1`, the age of its varints.

use crate::code::Code;
use crate::sections::CodeSection;
use crate::varint::Varints;
use pvm_isa::{Encoding, InstructionSet, Opcode};
use pvm_num::limits::JUMP_TABLE_ENTRY_SIZE_MAX;

/// Choices a caller makes about a blob.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ParseOptions {
    /// The encoding of version 2.
    pub latest64_layout: Latest64Layout,
    /// The numbering of version 3.
    pub jam_numbering: JamNumbering,
    /// Which varints are accepted.
    pub varints: Varints,
}

/// How code under version byte 2 (`latest64`) is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Latest64Layout {
    /// Look at the payload. An adversary can make one that is valid as both; then it counts as [`Self::Bitmask`].
    #[default]
    Detect,
    /// With a bitmask, as polkavm wrote it up to 0.36.
    Bitmask,
    /// In macro blocks, as polkavm writes it from 0.37 on.
    MacroBlock,
}

/// How the instructions of version byte 3 (`jam_v1`) are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum JamNumbering {
    /// Gray Paper 0.8.
    #[default]
    Gp08,
    /// Gray Paper 0.7: blobs of linkers up to 0.30.
    Gp07,
}

impl ParseOptions {
    /// The instruction set of a blob with this version byte and code section (the payload of section 6); none if no set has
    /// the version.
    pub fn set(&self, version: u8, code_section: &[u8]) -> Option<InstructionSet> {
        Some(match version {
            0 => InstructionSet::ReviveV1,
            1 => InstructionSet::Latest32,
            2 => match self.latest64_layout {
                Latest64Layout::Bitmask => InstructionSet::Latest64Bitmask,
                Latest64Layout::MacroBlock => InstructionSet::Latest64,
                Latest64Layout::Detect if has_bitmask(code_section, self.varints) => InstructionSet::Latest64Bitmask,
                Latest64Layout::Detect => InstructionSet::Latest64,
            },
            3 => match self.jam_numbering {
                JamNumbering::Gp08 => InstructionSet::JamV1,
                JamNumbering::Gp07 => InstructionSet::Gp07,
            },
            _ => return None,
        })
    }
}

/// Is this code section of latest64 in the bitmask encoding? It is if it parses as one, its first byte is marked, and either
/// every marked byte is an opcode (latest037.md 1) or the other reading is no better: it has an invalid instruction.
fn has_bitmask(payload: &[u8], varints: Varints) -> bool {
    let section = |encoding| CodeSection::parse(payload, encoding, JUMP_TABLE_ENTRY_SIZE_MAX, varints);
    let (Ok(old), Ok(new)) = (section(Encoding::Bitmask), section(Encoding::MacroBlock)) else {
        return false;
    };
    let (code, bitmask) = (&payload[old.code], &payload[old.bitmask]);
    if bitmask.first().is_none_or(|bits| bits & 1 == 0) {
        return false;
    }
    let known = |byte: u8| InstructionSet::Latest64Bitmask.opcode(byte) != Opcode::invalid;
    let all_known = code
        .chunks(8)
        .zip(bitmask)
        .all(|(bytes, bits)| bytes.iter().enumerate().all(|(index, byte)| bits >> index & 1 == 0 || known(*byte)));
    let mut new_reading = Code::new(InstructionSet::Latest64, &payload[new.code], &[]).iter();
    all_known || new_reading.any(|located| located.instruction.opcode() == Opcode::invalid)
}
