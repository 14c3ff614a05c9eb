//! Visitors: instructions handed to methods of the host's, decoded or as they stand in the code.
//!
//! ```text
//! ProgramBlob::visit           -> OpcodeVisitor       number and bytes; decode with InstructionSet::parse_instruction
//! Instructions::visit          -> InstructionVisitor  a method for each instruction, with its operands
//! Instructions::visit_parsing  -> ParsingVisitor      the same, with offset and length in front
//! ```

use super::instruction::{InstructionVisitor, Instructions, ParsedInstruction, ParsingVisitor};
use super::instruction_set::{InstructionSet, InstructionSetKind};
use super::{Instruction, ProgramBlob};
use pvm_isa::Encoding;
use pvm_isa::encoding::{Encoded, bitmask, encode, macro_block};
use pvm_num::casts::{low_u8, to_usize, widen};
use pvm_program::{Code, Located};

/// The number where bitmask code has no instruction.
const NUMBER_OF_NONE: u32 = 256;
/// The number of an instruction of the macro-block encoding that is cut.
const NUMBER_OF_CUT: u32 = 512;
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

    /// Visits an instruction: its number as [`InstructionSet::opcode_from_raw`] takes it; the 16 bytes of code from it on,
    /// the first one lowest, zeros behind the end; its offset; and its length in bytes.
    ///
    /// Where code has no instruction the number is one that none has: 256 with a chunk of zeros where the bitmask marks
    /// none and, with length 0, behind the end of code that can run off it; 512 where a macro block cuts an instruction.
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
    let set = kind.set();
    let none = (NUMBER_OF_NONE, [0; CHUNK]);
    if code.set() != set {
        let Some(encoded) = encode(set, located.offset, &located.instruction) else { return none };
        let mut chunk = [0; CHUNK];
        chunk[..encoded.len()].copy_from_slice(&encoded);
        return (number(set, chunk), chunk);
    }
    let at = to_usize(located.offset);
    let is_marked = || code.bitmask().get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    if located.offset >= code.len() || (set.encoding() == Encoding::Bitmask && !is_marked()) {
        return none;
    }
    let rest = &code.bytes()[at..];
    let size = rest.len().min(CHUNK);
    let mut chunk = [0; CHUNK];
    chunk[..size].copy_from_slice(&rest[..size]);
    let is_cut = set.encoding() == Encoding::MacroBlock
        && located.instruction.opcode() == pvm_isa::Opcode::invalid
        && macro_block::opcode_and_length(&chunk, 0).0 != pvm_isa::Opcode::invalid;
    (if is_cut { NUMBER_OF_CUT } else { number(set, chunk) }, chunk)
}

fn number(set: pvm_isa::InstructionSet, chunk: [u8; CHUNK]) -> u32 {
    match (set.encoding(), chunk) {
        (Encoding::MacroBlock, [0xff, second, ..]) => 255 + u32::from(second),
        (_, [first, ..]) => u32::from(first),
    }
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

#[cfg(test)]
mod tests {
    use super::super::instruction::Remaking;
    use super::super::{ISA_JamV1, ISA_Latest64, JamNumbering, Opcode, ParseOptions};
    use super::*;
    use pvm_isa::{Instruction as I, InstructionSet as Set, Reg as R};
    use pvm_program::{CodeBuilder, ProgramBuilder};

    fn blob(set: Set, code: &[I]) -> ProgramBlob {
        let mut builder = CodeBuilder::new(set);
        for instruction in code {
            builder.push(*instruction);
        }
        let program = ProgramBuilder::new(&builder.build().unwrap()).build().unwrap();
        let options = ParseOptions {
            jam_numbering: if set == Set::Gp07 { JamNumbering::Gp07 } else { JamNumbering::Gp08 },
            ..ParseOptions::default()
        };
        ProgramBlob::parse_with(program.to_blob().unwrap().into(), &options).unwrap()
    }

    #[derive(Clone, Copy)]
    struct Parsing<S>(S);

    impl<S: InstructionSet> OpcodeVisitor for Parsing<S> {
        type State = Vec<(usize, u32, u32, Instruction)>;
        type ReturnTy = ();
        type InstructionSet = S;

        fn instruction_set(self) -> S {
            self.0
        }

        fn dispatch(self, state: &mut Self::State, opcode: usize, chunk: u128, offset: u32, length: u32) {
            state.push((opcode, offset, length, self.0.parse_instruction(opcode, chunk, offset, length)));
        }
    }

    fn visit(blob: &ProgramBlob) -> Vec<(usize, u32, u32, Instruction)> {
        let mut seen = Vec::new();
        blob.visit(Parsing(blob.isa()), &mut seen);
        seen
    }

    const CODE: [I; 6] = [
        I::load_imm64(R::a0, 0x1122_3344_5566_7788),
        I::store_imm_u32(0x10000, -1),
        I::ecalli(300),
        I::fallthrough(),
        I::branch_eq_imm(R::a1, 7, 0),
        I::jump_indirect(R::ra, 0),
    ];

    #[test]
    fn visitors_see_what_iteration_gives() {
        for set in [Set::ReviveV1, Set::JamV1, Set::Gp07, Set::Latest64Bitmask, Set::Latest64] {
            let blob = blob(set, &CODE);
            let (mut plain, mut parsing) = (blob.instructions(), blob.instructions());
            let visited = visit(&blob);
            assert_eq!(visited.len(), CODE.len());
            for (located, (_, offset, length, parsed)) in blob.instructions().zip(visited) {
                let expected = (located.offset.0, located.next_offset.0 - located.offset.0, located.kind);
                assert_eq!((offset, length, parsed), expected, "{set:?}");
                assert_eq!(plain.visit(&mut Remaking), Some(located.kind));
                assert_eq!(parsing.visit_parsing(&mut Remaking), Some(expected));
            }
            assert_eq!((plain.visit(&mut Remaking), parsing.visit_parsing(&mut Remaking)), (None, None));
        }
    }

    #[test]
    fn numbers_are_those_of_the_newest_form() {
        let numbers = |set| visit(&blob(set, &CODE)).iter().map(|visited| visited.0).collect::<Vec<_>>();
        assert_eq!(numbers(Set::Gp07), numbers(Set::JamV1));
        assert_eq!(numbers(Set::Latest64Bitmask), numbers(Set::Latest64));
        let table = ISA_JamV1.raw_opcode_table();
        assert_eq!(table.get(Opcode::ecalli), Some(10));
        assert_eq!(table.get(Opcode::sbrk), None);
        assert_eq!(numbers(Set::JamV1)[2], 10);
    }

    #[test]
    fn what_is_no_instruction_has_a_number_of_its_own() {
        let open = blob(Set::ReviveV1, &[I::load_imm(R::a0, 1)]);
        assert_eq!(visit(&open)[1], (256, 3, 0, Instruction::invalid));
        let cut = blob(Set::Latest64, &[I::load_imm(R::a0, 1), I::trap()]);
        let bytes = [&[0, 0][..], &cut.code()[..3]].concat();
        let parts = pvm_program::ProgramParts {
            code_and_jump_table: bytes.into(),
            ..pvm_program::ProgramParts::empty(Set::Latest64)
        };
        let cut = ProgramBlob::parse(parts.to_blob().unwrap().into()).unwrap();
        assert_eq!(visit(&cut), [(512, 0, 3, Instruction::invalid)]);
        for number in [253, 400, 511, usize::MAX] {
            assert_eq!(ISA_Latest64.parse_instruction(number, u128::MAX, 0, 1), Instruction::invalid);
            assert_eq!(ISA_JamV1.parse_instruction(number, u128::MAX, 0, 0), Instruction::invalid);
        }
    }

    #[test]
    fn instructions_are_written() {
        let mut buffer = [0xff; 12];
        assert_eq!(Instruction::from(CODE[4]).serialize_into(ISA_JamV1, 1, &mut buffer), 4);
        assert_eq!(buffer[..5], [81, 0x18, 7, 0xff, 0xff]);
        assert_eq!(Instruction::invalid.serialize_into(ISA_Latest64, 0, &mut buffer), 1);
        assert_eq!(buffer[0], 0);
    }
}
