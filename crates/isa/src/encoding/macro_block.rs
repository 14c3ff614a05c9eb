//! The macro-block encoding of polkavm 0.37: the opcode, one or two bytes, fixes the length.
//!
//! Opcode indexes run from 0 to 510: 0 to 254 is the byte itself, 255 to 510 is 255 plus the byte after a prefix of 255.

use super::{Encoded, operands};
use crate::opcode::ROWS;
use crate::{Instruction, Opcode};
use pvm_num::casts::{low_u8, to_usize, widen, widen_u8};

/// Number of opcode indexes.
pub const INDEX_COUNT: usize = 511;

const PREFIX: u8 = 0xff;

#[derive(Clone, Copy)]
struct Entry {
    opcode: Opcode,
    operand_bytes: u8,
    /// Of the opcode and the operands.
    bytes: u8,
}

/// The index of an opcode written as in the table: 0xNN or 0xffNN.
pub(crate) const fn index_of(bytes: u16) -> u16 {
    if bytes > 0xff { 255 + (bytes & 0xff) } else { bytes }
}

/// What each index means. An index used twice, or an operand length listed twice for one instruction, does not compile.
///
/// One more than there are, so that a remainder is in bounds.
static ENTRIES: [Entry; INDEX_COUNT + 1] = {
    let nothing = Entry { opcode: Opcode::invalid, operand_bytes: 0, bytes: 1 };
    let mut entries = [nothing; INDEX_COUNT + 1];
    let mut index = 255;
    while index < INDEX_COUNT {
        entries[index].bytes = 2;
        index += 1;
    }
    let mut row = 0;
    while row < ROWS.len() {
        let encodings = ROWS[row].macro_blocks;
        let mut at = 0;
        while at < encodings.len() {
            let (operand_bytes, bytes) = encodings[at];
            let slot = &mut entries[widen_index(index_of(bytes))];
            assert!(matches!(slot.opcode, Opcode::invalid), "two instructions share a macro-block opcode");
            assert!(at == 0 || encodings[at - 1].0 < operand_bytes, "operand lengths must rise");
            let bytes = if bytes > 0xff { 2 } else { 1 } + operand_bytes;
            *slot = Entry { opcode: ROWS[row].opcode, operand_bytes, bytes };
            at += 1;
        }
        row += 1;
    }
    entries
};

/// The instruction whose opcode stands at `offset`, and its length in bytes, without regard to macro blocks: the caller
/// cuts it (latest037.md 3). Bytes past the end of `code` read as zero.
#[inline]
pub fn decode(code: &[u8], offset: u32) -> (Instruction, u32) {
    let at = to_usize(offset);
    let (entry, opcode_bytes) = lookup(code, at);
    let operand_bytes = widen_u8(entry.operand_bytes);
    let window = operands::window(code, at.saturating_add(to_usize(opcode_bytes)));
    (operands::decode(entry.opcode, window, operand_bytes, offset), opcode_bytes + operand_bytes)
}

/// Opcode and length in bytes of the instruction at `offset`, without its operands.
#[inline]
pub fn opcode_and_length(code: &[u8], offset: u32) -> (Opcode, u32) {
    let (entry, _) = lookup(code, to_usize(offset));
    (entry.opcode, widen_u8(entry.bytes))
}

#[inline(always)]
fn lookup(code: &[u8], at: usize) -> (&'static Entry, u32) {
    let byte = |at: usize| code.get(at).copied().unwrap_or(0);
    let (index, opcode_bytes) = match byte(at) {
        PREFIX => (255 + usize::from(byte(at.saturating_add(1))), 2),
        index => (usize::from(index), 1),
    };
    (&ENTRIES[index % ENTRIES.len()], opcode_bytes)
}

/// The meaning of an opcode index below [`INDEX_COUNT`]: opcode, operand bytes and length in all.
pub fn describe(index: u16) -> Option<(Opcode, u32, u32)> {
    let entry = ENTRIES[..INDEX_COUNT].get(usize::from(index))?;
    Some((entry.opcode, widen_u8(entry.operand_bytes), widen_u8(entry.bytes)))
}

/// Encodes with the smallest assigned operand length that holds the shortest immediates.
pub(crate) fn encode(offset: u32, instruction: &Instruction) -> Option<Encoded> {
    encode_with_size(offset, instruction, 0)
}

/// Encodes with the smallest assigned operand length that holds the shortest immediates and makes `size` bytes in all, or
/// with the greatest if none does.
pub(crate) fn encode_with_size(offset: u32, instruction: &Instruction, size: u32) -> Option<Encoded> {
    let needed = operands::length_needed(offset, instruction);
    let opcode_bytes = |bytes: u16| if bytes > 0xff { 2 } else { 1 };
    let encodings = instruction.opcode().macro_block_encodings();
    let (length, bytes) = *encodings
        .iter()
        .find(|(length, bytes)| u32::from(*length) >= needed && u32::from(*length) + opcode_bytes(*bytes) >= size)
        .or_else(|| encodings.last().filter(|(length, _)| u32::from(*length) >= needed))?;
    let mut out = Encoded::default();
    if bytes > 0xff {
        out.push(PREFIX);
    }
    out.push(low_u8(widen(u32::from(bytes))));
    operands::encode(&mut out, offset, instruction, u32::from(length));
    Some(out)
}

const fn widen_index(index: u16) -> usize {
    let [low, high] = index.to_le_bytes();
    to_usize(u32::from_le_bytes([low, high, 0, 0]))
}
