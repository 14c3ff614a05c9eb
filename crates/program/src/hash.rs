//! The program hash: what identifies a program's meaning, whatever its container (blob.md 7, latest037.md 1.3).

use crate::blob::Program;
use crate::bytes::Bytes;
use pvm_isa::InstructionSet;
use pvm_num::casts::{low_u32, to_u64};

/// Version of the recipe.
const VERSION: u32 = 1;

impl Program {
    /// BLAKE3-256 over instruction set, sizes and sections, with or without the debug sections. The metadata hash does not
    /// enter it, and neither do the two things a blob does not say of itself: its encoding and its numbering.
    pub fn hash(&self, with_debug_info: bool) -> [u8; 32] {
        let parts = self.parts();
        let length = |bytes: &[u8]| low_u32(to_u64(bytes.len()));
        let ordinal = match self.set() {
            InstructionSet::ReviveV1 => 0,
            InstructionSet::JamV1 | InstructionSet::Gp07 => 1,
            InstructionSet::Latest32 => 2,
            InstructionSet::Latest64 | InstructionSet::Latest64Bitmask => 3,
        };
        let jump_table = self.jump_table_bytes();
        let mut hasher = blake3::Hasher::new();
        let mut numbers = |numbers: &[u32]| {
            for number in numbers {
                hasher.update(&number.to_le_bytes());
            }
        };
        numbers(&[
            VERSION,
            ordinal,
            parts.ro_data_size,
            parts.rw_data_size,
            parts.stack_size,
            length(&parts.ro_data),
            length(&parts.rw_data),
            length(self.code_bytes()),
            length(jump_table),
            u32::from(self.jump_table_entry_size()),
            length(self.bitmask_bytes()),
            length(&parts.import_offsets),
            length(&parts.import_symbols),
            length(&parts.exports),
        ]);
        let code = [self.code_bytes(), jump_table, self.bitmask_bytes()];
        let data: [&Bytes; 2] = [&parts.ro_data, &parts.rw_data];
        let symbols = [&parts.import_offsets, &parts.import_symbols, &parts.exports];
        for bytes in data.into_iter().chain(code).chain(symbols) {
            hasher.update(bytes);
        }
        if with_debug_info {
            let debug = [&parts.debug_strings, &parts.debug_line_program_ranges, &parts.debug_line_programs];
            for bytes in debug {
                hasher.update(&length(bytes).to_le_bytes());
            }
            for bytes in debug {
                hasher.update(bytes);
            }
        }
        *hasher.finalize().as_bytes()
    }
}
