//! The layout that the assembler will choose, foreseen without building it.
//!
//! `pvm_program::CodeBuilder` keeps every instruction and its offset, some fifty bytes for one of code. Here an instruction is a
//! bit, a jump four bits for its size and four for the next, and offsets are known where 64 bytes of the code begin and
//! counted from there: two bytes for one of code at most, whatever the code is.

use super::map::{Blocks, Ranked};
use super::reassemble::Plan;
use pvm_isa::{Encoded, Encoding, Instruction, InstructionSet, encode_with_size};
use pvm_num::casts::{low_u8, to_u64, to_usize};
use pvm_num::limits::MACRO_BLOCK_SIZE;
use pvm_program::{Code, CodeBuilder};

/// Sizes of the jumps that are text, in the rounds in which the builder finds them.
pub(super) struct Layout<'a> {
    code: Code<'a>,
    blocks: &'a Blocks,
    plan: &'a Plan,
    jumps: Ranked,
    sizes: Nibbles,
    /// Where what stands before each 64 bytes of the code ends in the layout.
    ends: Vec<u32>,
}

/// Where an instruction stands.
#[derive(Clone, Copy)]
struct Place {
    number: u32,
    /// In the code.
    offset: u32,
    /// In the layout.
    at: u32,
    /// Bytes in the layout.
    size: u32,
    /// The rank among the jumps that are text.
    jump: Option<u32>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(code: Code<'a>, blocks: &'a Blocks, plan: &'a Plan) -> Self {
        let words = to_usize(code.len().div_ceil(64));
        let mut jumps = vec![0_u64; words];
        let mut count = 0_u32;
        for (located, number) in code.iter().zip(0..) {
            if located.instruction.target().is_some() && !plan.is_bytes(number) {
                jumps[to_usize(located.offset / 64)] |= 1 << (located.offset % 64);
                count += 1;
            }
        }
        let jumps = Ranked::new(jumps);
        let mut sizes = Nibbles::new(count);
        let text_jumps = code.iter().filter(|located| jumps.rank(located.offset).is_some());
        for (rank, located) in (0..).zip(text_jumps) {
            // As if it went nowhere.
            sizes.set(rank, size(code.set(), 0, &located.instruction.with_target(0), 0).unwrap_or(0));
        }
        Layout { code, blocks, plan, jumps, sizes, ends: vec![0; words] }
    }

    /// Lets the sizes settle; each round takes one of `rounds`. False if those do not suffice.
    pub(super) fn settle(&mut self, rounds: &mut u32) -> bool {
        for round in 0.. {
            if *rounds == 0 {
                return false;
            }
            *rounds -= 1;
            self.place();
            let mut sizes = Nibbles::new(self.sizes.count);
            for place in self.places() {
                let Some(jump) = place.jump else { continue };
                let instruction = self.instruction(place.offset);
                let target = instruction.target().map_or(0, |target| self.locate(target));
                let old = self.sizes.get(jump);
                let wanted = if round < CodeBuilder::ROUNDS_FREE { 0 } else { old };
                let new = size(self.code.set(), place.at, &instruction.with_target(target), u32::from(wanted));
                sizes.set(jump, new.unwrap_or(old));
            }
            if sizes == self.sizes {
                return true;
            }
            self.sizes = sizes;
        }
        unreachable!("the rounds run out before their numbers do")
    }

    /// Is everything where it is in the code?
    pub(super) fn is_that_of_the_code(&self) -> bool {
        self.places().all(|place| place.at == place.offset && place.size == self.size_in_code(place.offset))
    }

    /// The numbers of the jumps that have another size than in the code.
    pub(super) fn different_jumps(&self) -> Vec<u64> {
        let mut different = vec![0; to_usize(self.blocks.instruction_count().div_ceil(64))];
        for place in self.places().filter(|place| place.jump.is_some()) {
            if place.size != self.size_in_code(place.offset) {
                different[to_usize(place.number / 64)] |= 1_u64 << (place.number % 64);
            }
        }
        different
    }

    fn size_in_code(&self, offset: u32) -> u32 {
        self.blocks.next_instruction(offset, self.code.len()) - offset
    }

    fn instruction(&self, offset: u32) -> Instruction {
        self.code.iter_from(offset).next().expect("an instruction starts there").instruction
    }

    /// Notes where every word ends up.
    fn place(&mut self) {
        let mut ends = std::mem::take(&mut self.ends);
        let (mut at, mut number) = (0, 0);
        for (word, end) in (0..).zip(&mut ends) {
            *end = at;
            for place in self.places_of(word, at, number) {
                at = place.at + place.size;
                number += 1;
            }
        }
        self.ends = ends;
    }

    /// All instructions. The words must have been placed.
    fn places(&self) -> impl Iterator<Item = Place> {
        let words = (0..).zip(&self.ends);
        words.flat_map(|(word, end)| self.places_of(word, *end, self.blocks.instructions_before(word)))
    }

    /// The instructions of one word, with the layout's end and the count of instructions before it.
    fn places_of(&self, word: u32, mut end: u32, number: u32) -> impl Iterator<Item = Place> {
        self.blocks.instructions_of(word).zip(number..).map(move |(offset, number)| {
            let jump = self.jumps.rank(offset);
            let next = || self.blocks.next_instruction(offset, self.code.len());
            let size = match jump {
                Some(jump) => u32::from(self.sizes.get(jump)),
                None => next() - offset,
            };
            let at = match self.code.set().encoding() {
                Encoding::Bitmask => end,
                Encoding::MacroBlock => {
                    let next = next();
                    let ends_block =
                        self.plan.is_bytes(number) || next == self.code.len() || self.blocks.number(next).is_some();
                    placed(end, size, ends_block)
                }
            };
            end = at + size;
            Place { number, offset, at, size, jump }
        })
    }

    /// Where a block is in the layout.
    fn locate(&self, offset: u32) -> u32 {
        let word = offset / 64;
        let mut places = self.places_of(word, self.ends[to_usize(word)], self.blocks.instructions_before(word));
        places.find(|place| place.offset == offset).expect("text jumps go to blocks").at
    }
}

/// Where an instruction goes if what stands before it ends at `end`: never across the boundary of a macro block, nor up to
/// it without ending a block.
fn placed(end: u32, size: u32, ends_block: bool) -> u32 {
    let boundary = (end / MACRO_BLOCK_SIZE + 1) * MACRO_BLOCK_SIZE;
    if end + size > boundary - u32::from(!ends_block) { boundary } else { end }
}

fn size(set: InstructionSet, at: u32, instruction: &Instruction, least: u32) -> Option<u8> {
    encode_with_size(set, at, instruction, least).map(|bytes| low_u8(to_u64(bytes.len())))
}

/// Numbers below 16.
#[derive(PartialEq, Eq)]
struct Nibbles {
    bytes: Vec<u8>,
    count: u32,
}

impl Nibbles {
    fn new(count: u32) -> Self {
        Nibbles { bytes: vec![0; to_usize(count.div_ceil(2))], count }
    }

    fn get(&self, index: u32) -> u8 {
        self.bytes[to_usize(index / 2)] >> (4 * (index % 2)) & 0xf
    }

    fn set(&mut self, index: u32, value: u8) {
        let (byte, shift) = (&mut self.bytes[to_usize(index / 2)], 4 * (index % 2));
        *byte = *byte & !(0xf << shift) | value << shift;
    }
}

const _: () = assert!(Encoded::SIZE_MAX < 16, "sizes fit four bits");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nibbles() {
        let mut nibbles = Nibbles::new(3);
        for (index, value) in [(0, 15), (1, 12), (2, 7), (1, 3)] {
            nibbles.set(index, value);
        }
        assert_eq!([0, 1, 2].map(|index| nibbles.get(index)), [15, 3, 7]);
        assert_eq!(nibbles.bytes.len(), 2);
    }

    #[test]
    fn what_would_cross_a_boundary_moves_behind_it() {
        assert_eq!(placed(1020, 4, true), 1020);
        assert_eq!(placed(1020, 4, false), 1024);
        assert_eq!(placed(1020, 3, false), 1020);
        assert_eq!(placed(1020, 5, true), 1024);
        assert_eq!(placed(0, 1024, true), 0);
    }
}
