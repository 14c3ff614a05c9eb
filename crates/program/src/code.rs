//! Code: the view of a program's bytes as instructions, for both encodings.
//!
//! Every code is a sequence of instructions without holes. Where the bytes hold none, an `invalid` one is injected that
//! covers them (latest037.md 3 and 8), so iteration, block boundaries and jump targets follow one rule each:
//!
//! - an offset is a *jump target* if an instruction starts there and it is 0, the start of a macro block, or follows an
//!   instruction that ends a block (`invalid` does);
//! - a *block* runs from a jump target to the first instruction that ends a block.

use alloc::vec::Vec;
use pvm_isa::encoding::{bitmask, macro_block};
use pvm_isa::{Encoding, Instruction, InstructionSet, Opcode};
use pvm_num::casts::{to_u32, to_usize};
use pvm_num::limits::{CODE_SIZE_MAX, INSTRUCTION_SPAN_MAX, MACRO_BLOCK_SIZE};

/// An instruction and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located {
    /// The instruction.
    pub instruction: Instruction,
    /// Code offset of its first byte.
    pub offset: u32,
    /// Code offset of the instruction behind it: its end. Equal to `offset` only for the implicit `invalid` that stands
    /// at the end of code which can run off it.
    pub next: u32,
}

/// Code bytes of an instruction set, with the bitmask if the encoding has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code<'a> {
    set: InstructionSet,
    len: u32,
    bytes: &'a [u8],
    bitmask: &'a [u8],
}

impl<'a> Code<'a> {
    /// A view of these bytes. Bits of `bitmask` past its end read as 0; the macro-block encoding ignores it.
    ///
    /// # Panics
    /// If the code is longer than [`CODE_SIZE_MAX`], which parsing refuses.
    pub fn new(set: InstructionSet, bytes: &'a [u8], bitmask: &'a [u8]) -> Self {
        assert!(bytes.len() <= to_usize(CODE_SIZE_MAX), "parsing refuses longer code");
        Code { set, len: to_u32(bytes.len()), bytes, bitmask }
    }

    /// The instruction set.
    pub fn set(&self) -> InstructionSet {
        self.set
    }

    /// The code bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bitmask; empty in the macro-block encoding.
    pub fn bitmask(&self) -> &'a [u8] {
        self.bitmask
    }

    /// Code length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // a code without bytes still lists one instruction
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The instruction that starts at `offset`, if one does. Injected `invalid` instructions count; the implicit one at
    /// the end of the code does not. Takes up to a macro block's time in that encoding.
    pub fn instruction_at(&self, offset: u32) -> Option<Located> {
        self.is_instruction_start(offset).then(|| self.located(offset))
    }

    /// Does an instruction start at `offset`? These are the offsets a host may enter at.
    pub fn is_instruction_start(&self, offset: u32) -> bool {
        if offset >= self.len() {
            return false;
        }
        match self.set.encoding() {
            Encoding::Bitmask => self.bit(offset) || self.is_gap_start(offset),
            Encoding::MacroBlock => self.walk_macro_block_to(offset).is_some(),
        }
    }

    /// May guest code jump to `offset`? (latest037.md 4 and 8)
    pub fn is_jump_target(&self, offset: u32) -> bool {
        if offset >= self.len() {
            return false;
        }
        match self.set.encoding() {
            Encoding::Bitmask => {
                if offset == 0 {
                    return true;
                }
                if !self.bit(offset) {
                    return self.is_gap_start(offset) && self.ends_block(offset - INSTRUCTION_SPAN_MAX);
                }
                match self.previous_bit(offset) {
                    Some(previous) => self.ends_block(previous),
                    None => true, // behind a gap, whose injected instruction ends a block
                }
            }
            Encoding::MacroBlock => matches!(self.walk_macro_block_to(offset), Some(true)),
        }
    }

    /// The start of the block that contains the instruction at `offset`; none if no instruction starts there.
    pub fn block_start(&self, offset: u32) -> Option<u32> {
        if !self.is_instruction_start(offset) {
            return None;
        }
        match self.set.encoding() {
            Encoding::Bitmask => {
                let mut start = offset;
                while !self.is_jump_target(start) {
                    start = self.previous_bit(start).unwrap_or(0);
                }
                Some(start)
            }
            Encoding::MacroBlock => {
                let mut start = offset - offset % MACRO_BLOCK_SIZE;
                let mut at = start;
                while at < offset {
                    let (opcode, next) = self.macro_block_step(at);
                    at = next;
                    if opcode.ends_block() {
                        start = at;
                    }
                }
                Some(start)
            }
        }
    }

    /// All instructions in order.
    pub fn iter(&self) -> Instructions<'a> {
        self.iter_from(0)
    }

    /// The instructions from `offset` on, where one must start; constant time in both encodings.
    pub fn iter_from(&self, offset: u32) -> Instructions<'a> {
        let implicit = if self.bytes.is_empty() { offset == 0 } else { false };
        Instructions { code: *self, offset, implicit }
    }

    /// Is this a code that the Gray Paper 0.8 accepts? Every instruction must be a known one that the bitmask marks, at
    /// most 25 bytes from the next, and the last must end a block (gp08-delta.md 2).
    ///
    /// # Errors
    /// The offset of the first instruction that fails, or the code length if the last one is no terminator.
    pub fn validate(&self) -> Result<(), u32> {
        let mut last = None;
        for located in self.iter() {
            if located.offset == self.len() {
                break;
            }
            if located.instruction.opcode() == Opcode::invalid {
                return Err(located.offset);
            }
            last = Some(located.instruction.opcode());
        }
        if last.is_some_and(Opcode::ends_block) { Ok(()) } else { Err(self.len()) }
    }

    /// The instruction at `offset`, where one is known to start.
    #[inline]
    fn located(&self, offset: u32) -> Located {
        match self.set.encoding() {
            Encoding::Bitmask => {
                if !self.bit(offset) {
                    return Located { instruction: Instruction::invalid(), offset, next: self.next_bit(offset) };
                }
                let next = self.next_within_span(offset);
                let instruction = bitmask::decode(self.set, self.bytes, offset, next - offset - 1);
                Located { instruction, offset, next }
            }
            Encoding::MacroBlock => {
                let end = self.macro_block_end(offset);
                let (instruction, length) = macro_block::decode(self.bytes, offset);
                let next = offset + length;
                if is_cut(instruction.opcode(), next, end) {
                    Located { instruction: Instruction::invalid(), offset, next: end }
                } else {
                    Located { instruction, offset, next }
                }
            }
        }
    }

    /// Does the instruction that is marked at `offset` end a block?
    fn ends_block(&self, offset: u32) -> bool {
        self.set.opcode(self.bytes[to_usize(offset)]).ends_block()
    }

    fn bit(&self, offset: u32) -> bool {
        self.bitmask.get(to_usize(offset / 8)).is_some_and(|byte| byte >> (offset % 8) & 1 != 0)
    }

    /// 64 bits of the bitmask, `offset` lowest, zeros past the end; at least 57 of them are meaningful.
    #[inline]
    fn bits_from(&self, offset: u32) -> u64 {
        let rest = self.bitmask.get(to_usize(offset / 8)..).unwrap_or(&[]);
        let word = match rest.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => {
                let mut chunk = [0; 8];
                chunk[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(chunk)
            }
        };
        word >> (offset % 8)
    }

    /// Where the instruction marked at `offset` ends: at the next marked byte, the end of the code, or 25 bytes on.
    #[inline]
    fn next_within_span(&self, offset: u32) -> u32 {
        let distance = 1 + self.bits_from(offset + 1).trailing_zeros();
        (offset + distance.min(INSTRUCTION_SPAN_MAX)).min(self.len())
    }

    /// The first marked byte behind `offset`, or the end of the code.
    fn next_bit(&self, offset: u32) -> u32 {
        const STEP: u32 = 57;
        let mut at = offset + 1;
        while at < self.len() {
            let bits = self.bits_from(at);
            if bits != 0 {
                return (at + bits.trailing_zeros()).min(self.len());
            }
            at += STEP;
        }
        self.len()
    }

    /// The last marked byte before `offset` if its instruction ends there, that is, at most 25 bytes back.
    fn previous_bit(&self, offset: u32) -> Option<u32> {
        let low = offset.saturating_sub(INSTRUCTION_SPAN_MAX);
        let bits = self.bits_from(low) & ((1 << (offset - low)) - 1);
        (bits != 0).then(|| low + bits.ilog2())
    }

    /// Is an instruction injected at the unmarked `offset`? At 0, and 25 bytes behind a marked byte with none between.
    fn is_gap_start(&self, offset: u32) -> bool {
        offset == 0
            || (offset >= INSTRUCTION_SPAN_MAX && self.previous_bit(offset) == Some(offset - INSTRUCTION_SPAN_MAX))
    }

    #[inline(always)]
    fn macro_block_end(&self, offset: u32) -> u32 {
        ((offset | (MACRO_BLOCK_SIZE - 1)) + 1).min(self.len)
    }

    /// Opcode at a known instruction start, and where the next instruction starts.
    #[inline]
    fn macro_block_step(&self, offset: u32) -> (Opcode, u32) {
        let (opcode, length) = macro_block::opcode_and_length(self.bytes, offset);
        let (next, end) = (offset + length, self.macro_block_end(offset));
        if is_cut(opcode, next, end) { (Opcode::invalid, end) } else { (opcode, next) }
    }

    /// Whether the instruction before `offset` ends a block, if an instruction starts at `offset`.
    fn walk_macro_block_to(&self, offset: u32) -> Option<bool> {
        let mut at = offset - offset % MACRO_BLOCK_SIZE;
        let mut ended = true;
        while at < offset {
            let (opcode, next) = self.macro_block_step(at);
            ended = opcode.ends_block();
            at = next;
        }
        (at == offset).then_some(ended)
    }
}

/// An instruction that crosses its macro block's end, or touches it without ending a block, is `invalid` and covers all
/// bytes up to the end (latest037.md 3).
#[inline(always)]
fn is_cut(opcode: Opcode, next: u32, end: u32) -> bool {
    next >= end && (next > end || !opcode.ends_block())
}

/// Iterator over instructions. Bitmask code that can run off its end lists an implicit `invalid` of length 0 there
/// (isa.md 3.2), as does code without bytes.
#[derive(Clone, Debug)]
pub struct Instructions<'a> {
    code: Code<'a>,
    offset: u32,
    implicit: bool,
}

impl Iterator for Instructions<'_> {
    type Item = Located;

    #[inline]
    fn next(&mut self) -> Option<Located> {
        if self.offset >= self.code.len() {
            if !self.implicit {
                return None;
            }
            self.implicit = false;
            let offset = self.code.len();
            return Some(Located { instruction: Instruction::invalid(), offset, next: offset });
        }
        let located = self.code.located(self.offset);
        self.offset = located.next;
        if self.offset >= self.code.len() {
            self.implicit =
                self.code.set.encoding() == Encoding::Bitmask && located.instruction.opcode().can_fall_through();
        }
        Some(located)
    }
}

/// Jump targets of a code, found once per macro block and kept: what an engine asks for every jump it meets.
#[derive(Clone, Debug, Default)]
pub struct JumpTargets {
    /// One bit per code byte of the macro blocks that `known` marks; used in the macro-block encoding only.
    words: Vec<u64>,
    known: Vec<u64>,
}

impl JumpTargets {
    const WORDS_PER_BLOCK: u32 = MACRO_BLOCK_SIZE / 64;

    /// Knows nothing yet of `code`.
    pub fn new(code: Code<'_>) -> Self {
        if code.set().encoding() == Encoding::Bitmask {
            return JumpTargets::default();
        }
        let blocks = code.len().div_ceil(MACRO_BLOCK_SIZE);
        JumpTargets {
            words: alloc::vec![0; to_usize(blocks * Self::WORDS_PER_BLOCK)],
            known: alloc::vec![0; to_usize(blocks.div_ceil(64))],
        }
    }

    /// [`Code::is_jump_target`], remembered. `code` must be the one given to [`JumpTargets::new`].
    pub fn contains(&mut self, code: Code<'_>, offset: u32) -> bool {
        if offset >= code.len() {
            return false;
        }
        if code.set().encoding() == Encoding::Bitmask {
            return code.is_jump_target(offset);
        }
        let block = offset / MACRO_BLOCK_SIZE;
        let known = &mut self.known[to_usize(block / 64)];
        if *known >> (block % 64) & 1 == 0 {
            *known |= 1 << (block % 64);
            self.fill(code, block * MACRO_BLOCK_SIZE);
        }
        self.words[to_usize(offset / 64)] >> (offset % 64) & 1 != 0
    }

    fn fill(&mut self, code: Code<'_>, start: u32) {
        let end = code.macro_block_end(start);
        let (mut at, mut ended) = (start, true);
        while at < end {
            if ended {
                self.words[to_usize(at / 64)] |= 1 << (at % 64);
            }
            let (opcode, next) = code.macro_block_step(at);
            (at, ended) = (next, opcode.ends_block());
        }
    }
}

const _: () = assert!(INSTRUCTION_SPAN_MAX + 1 < 57, "a span fits one look at the bitmask");
