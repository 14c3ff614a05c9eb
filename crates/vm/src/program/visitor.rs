//! Visitors: instructions handed to methods of the host's, decoded or as they stand in the code.
//!
//! ```text
//! ProgramBlob::visit           -> OpcodeVisitor       number and bytes; decode with InstructionSet::parse_instruction
//! Instructions::visit          -> InstructionVisitor  a method for each instruction, with its operands
//! Instructions::visit_parsing  -> ParsingVisitor      the same, with offset and length in front
//! ```

use super::instruction::{InstructionVisitor, Instructions, ParsedInstruction, ParsingVisitor};
use super::instruction_set::{InstructionSet, InstructionSetKind, NUMBER_OF_NONE};
use super::{Instruction, ProgramBlob};
use pvm_isa::Encoding;
use pvm_isa::encoding::{Encoded, bitmask, encode, macro_block};
use pvm_num::casts::{low_u8, to_usize, widen};
use pvm_program::{Code, Located};

/// Bytes of code that a visitor sees of an instruction.
const CHUNK: usize = 16;

/// Is handed every instruction as it stands in the code.
pub trait OpcodeVisitor: Copy {
    /// What visits change.
    type State;
    /// What a visit gives.
    type ReturnTy;
    /// The instruction set.
    type InstructionSet: InstructionSet;

    /// The instruction set that the code is of.
    fn instruction_set(self) -> Self::InstructionSet;

    /// Visits an instruction: its number as [`InstructionSet::opcode_from_raw`] takes it, or 256 behind the end of code
    /// that can run off its end; the 16 bytes of code from it on, the first one lowest, zeros behind the end; its offset;
    /// and its length in bytes, 0 behind the end.
    fn dispatch(self, state: &mut Self::State, opcode: usize, chunk: u128, offset: u32, length: u32) -> Self::ReturnTy;
}

impl ProgramBlob {
    /// Hands every instruction to a visitor, in order of code. Code in a former encoding or numbering (see
    /// [`ProgramBlob::instruction_set`]) is handed over in the one of [`ProgramBlob::isa`], with its own offsets and
    /// lengths.
    pub fn visit<T: OpcodeVisitor<ReturnTy = ()>>(&self, dispatch_table: T, visitor: &mut T::State) {
        let code = self.code_with_isa(dispatch_table.instruction_set());
        let kind: InstructionSetKind = dispatch_table.instruction_set().into();
        for located in code.iter() {
            let (opcode, chunk) = raw(code, kind, &located);
            let length = if located.offset >= code.len() { 0 } else { located.next - located.offset };
            dispatch_table.dispatch(visitor, to_usize(opcode), u128::from_le_bytes(chunk), located.offset, length);
        }
    }
}

/// Number and bytes of an instruction in the newest form of its set.
fn raw(code: Code<'_>, kind: InstructionSetKind, located: &Located) -> (u32, [u8; CHUNK]) {
    let mut chunk = [0; CHUNK];
    if located.offset >= code.len() {
        return (NUMBER_OF_NONE, chunk);
    }
    if code.set() == kind.set() {
        let rest = &code.bytes()[to_usize(located.offset)..];
        let size = rest.len().min(CHUNK);
        chunk[..size].copy_from_slice(&rest[..size]);
    } else {
        let Some(encoded) = encode(kind.set(), located.offset, &located.instruction) else {
            return (NUMBER_OF_NONE, chunk);
        };
        chunk[..encoded.len()].copy_from_slice(&encoded);
    }
    let number = match (kind.set().encoding(), chunk) {
        (Encoding::MacroBlock, [0xff, second, ..]) => 255 + u32::from(second),
        (_, [first, ..]) => u32::from(first),
    };
    (number, chunk)
}

/// What [`InstructionSet::parse_instruction`] gives.
pub(super) fn parse(set: pvm_isa::InstructionSet, number: usize, chunk: u128, offset: u32, length: u32) -> Instruction {
    let mut bytes = chunk.to_le_bytes();
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let instruction = match set.encoding() {
        Encoding::Bitmask if number <= 0xff => {
            bytes[0] = low_u8(widen(number));
            // At most 24 operand bytes: isa.md 2.
            bitmask::decode(set, &bytes, 0, length.saturating_sub(1).min(24))
        }
        Encoding::MacroBlock if number < 511 => {
            bytes[0] = low_u8(widen(number.min(0xff)));
            if let Some(second) = number.checked_sub(0xff) {
                bytes[1] = low_u8(widen(second));
            }
            macro_block::decode(&bytes, 0).0
        }
        _ => pvm_isa::Instruction::invalid(),
    };
    match instruction.target() {
        Some(target) => instruction.with_target(target.wrapping_add(offset)).into(),
        None => instruction.into(),
    }
}

impl Instruction {
    /// Writes the instruction as it stands at code offset `position` to the start of `buffer`: the number of bytes.
    /// `invalid`, which has no bytes, is written as `trap`.
    ///
    /// # Panics
    /// If the set does not have the instruction, or the buffer is too short: 12 bytes suffice for any.
    pub fn serialize_into<I: InstructionSet>(self, isa: I, position: u32, buffer: &mut [u8]) -> usize {
        let instruction = match self {
            Instruction::invalid => Encoded::from_byte(0),
            _ => encode(isa.into().set(), position, &self.into()).expect("the set must have the instruction"),
        };
        buffer[..instruction.len()].copy_from_slice(&instruction);
        instruction.len()
    }
}

impl<I: InstructionSet> Instructions<'_, I> {
    /// Hands the next instruction to a visitor; none at the end.
    pub fn visit<T: InstructionVisitor>(&mut self, visitor: &mut T) -> Option<T::ReturnTy> {
        Some(self.next()?.kind.visit(visitor))
    }

    /// Hands the next instruction, its offset and its length to a visitor; none at the end.
    pub fn visit_parsing<T: ParsingVisitor>(&mut self, visitor: &mut T) -> Option<T::ReturnTy> {
        Some(self.next()?.visit_parsing(visitor))
    }
}

impl ParsedInstruction {
    /// Hands the instruction, its offset and its length to a visitor.
    pub fn visit_parsing<T: ParsingVisitor>(&self, visitor: &mut T) -> T::ReturnTy {
        self.kind.visit_parsing(self.offset.0, self.next_offset.0 - self.offset.0, visitor)
    }
}
