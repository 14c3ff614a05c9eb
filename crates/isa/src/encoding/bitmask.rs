//! The bitmask encoding: one opcode byte, and operands up to the next marked byte.

use super::{Encoded, operands};
use crate::{Instruction, InstructionSet, Opcode};
use pvm_num::casts::{low_u8, to_usize, widen};

/// Decodes the instruction at `offset`, whose operands are the `skip` bytes (at most 24) after its opcode byte. An
/// unassigned opcode gives `invalid`. Bytes past the end of `code` read as zero; an opcode there is `invalid`.
#[inline]
pub fn decode(set: InstructionSet, code: &[u8], offset: u32, skip: u32) -> Instruction {
    let at = to_usize(offset);
    let opcode = match code.get(at) {
        Some(number) => set.opcode(*number),
        None => Opcode::invalid,
    };
    operands::decode(opcode, operands::window(code, at.saturating_add(1)), skip, offset)
}

/// Encodes with the shortest immediates.
pub(crate) fn encode(set: InstructionSet, offset: u32, instruction: &Instruction) -> Option<Encoded> {
    encode_with_size(set, offset, instruction, 0)
}

/// Encodes with immediates lengthened until there are `size` bytes or they have 4 bytes each.
pub(crate) fn encode_with_size(
    set: InstructionSet,
    offset: u32,
    instruction: &Instruction,
    size: u32,
) -> Option<Encoded> {
    let number = set.number(instruction.opcode())?;
    let length = size.saturating_sub(1).min(operands::length_max(instruction.opcode().format()));
    let mut out = Encoded::default();
    out.push(low_u8(widen(u32::from(number))));
    operands::encode(&mut out, offset, instruction, length.max(operands::length_needed(offset, instruction)));
    Some(out)
}
