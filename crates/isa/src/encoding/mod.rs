//! Encodings: bytes to instructions and back, for the two layouts of code.

pub mod bitmask;
pub mod macro_block;
pub(crate) mod operands;

use crate::{Encoding, Instruction, InstructionSet};
use core::ops::Deref;

/// The bytes of one encoded instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Encoded {
    bytes: [u8; Encoded::SIZE_MAX],
    length: u8,
}

impl Encoded {
    /// Longest encoding: `ff3a` with ten operand bytes.
    pub const SIZE_MAX: usize = 12;

    /// A single byte, for opcodes no instruction has.
    pub fn from_byte(byte: u8) -> Self {
        let mut encoded = Encoded::default();
        encoded.push(byte);
        encoded
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes[usize::from(self.length)] = byte;
        self.length += 1;
    }

    pub(crate) fn push_le(&mut self, value: u64, bytes: u32) {
        for index in 0..bytes {
            self.push(pvm_num::casts::low_u8(value >> (8 * index)));
        }
    }
}

impl Deref for Encoded {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Encodes `instruction` as it stands at code offset `offset`, canonically: with the shortest immediates (isa.md 4 and
/// latest037.md 5). None if the set does not have it.
pub fn encode(set: InstructionSet, offset: u32, instruction: &Instruction) -> Option<Encoded> {
    match set.encoding() {
        Encoding::Bitmask => bitmask::encode(set, offset, instruction),
        Encoding::MacroBlock => macro_block::encode(offset, instruction),
    }
}

/// Encodes `instruction` with at least `size` bytes, as far as its operands can be lengthened, and in the canonical form of
/// that size. None if the set does not have it. For writers whose layout must not shrink, and for tables of jumps.
pub fn encode_with_size(set: InstructionSet, offset: u32, instruction: &Instruction, size: u32) -> Option<Encoded> {
    match set.encoding() {
        Encoding::Bitmask => bitmask::encode_with_size(set, offset, instruction, size),
        Encoding::MacroBlock => macro_block::encode_with_size(offset, instruction, size),
    }
}
