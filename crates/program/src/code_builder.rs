//! Laying out code: from instructions with labels to bytes, for both encodings.
//!
//! How long a jump is depends on how far it goes, which depends on how long the instructions between are. So sizes start at
//! their least and are corrected in rounds until they stand. In bitmask code they only ever grow; in macro blocks the padding
//! makes them go both ways, so after a few rounds shrinking is forbidden, and after many every jump gets its greatest size.

use crate::boundaries::{self, Full};
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::varint;
use alloc::vec::Vec;
use core::ops::Range;
use pvm_isa::{Encoded, Encoding, Instruction, InstructionSet, Opcode, encode_with_size};
use pvm_num::casts::{low_u8, low_u32, to_u32, to_u64, to_usize, try_u32, widen};
use pvm_num::limits::{CODE_SIZE_MAX, JUMP_TABLE_LENGTH_MAX, MACRO_BLOCK_SIZE};

/// Rounds after which every jump gets its greatest size.
const ROUNDS_MAX: u32 = 64;
/// Bytes of every entry of a dispatch table but the last.
const DISPATCH_ENTRY_SIZE: u32 = 5;

/// An instruction to lay out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// The instruction. `invalid` becomes one byte that is no opcode.
    pub instruction: Instruction,
    /// Label of where it jumps: the index of an item, or the number of items for the end of the code. Without one an
    /// instruction keeps the target it has.
    pub target: Option<u32>,
}

impl From<Instruction> for Item {
    fn from(instruction: Instruction) -> Self {
        Item { instruction, target: None }
    }
}

/// Code in the making.
///
/// ```
/// use pvm_isa::{Instruction, InstructionSet, Reg};
/// use pvm_program::{CodeBuilder, Item};
///
/// let mut builder = CodeBuilder::new(InstructionSet::JamV1);
/// builder.push(Item { instruction: Instruction::jump(0), target: Some(1) });
/// builder.push(Instruction::trap());
/// let layout = builder.build().unwrap();
/// assert_eq!(layout.code, [40, 2, 0]);
/// assert_eq!(layout.bitmask, [0b101]);
/// assert_eq!(layout.item_range(1), 2..3);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodeBuilder {
    /// The instruction set, which gives the encoding.
    pub set: InstructionSet,
    /// The instructions in order.
    pub items: Vec<Item>,
    /// A label for each entry of the jump table. Entry `i` has the dynamic address `2 * (i + 1)`.
    pub jump_table: Vec<u32>,
    /// Labels of the dispatch table: the code starts with a jump to each, entry `i` at offset `5 * i`.
    pub dispatch_table: Vec<u32>,
    /// In the macro-block encoding: may instructions get more bytes than they need, so that boundaries are where a block ends
    /// anyway? Not together with bytes that are taken as they are.
    pub aligned: bool,
    /// How often each item runs, on any scale on which 0 is seldom: boundaries keep away from the others, at the price of a few
    /// bytes, if [`CodeBuilder::aligned`]. Items without an entry run seldom.
    pub heat: Vec<u8>,
    /// Items whose bytes are given, in rising order.
    verbatim: Vec<Verbatim>,
    /// Their bytes, one after the other.
    verbatim_bytes: Vec<u8>,
}

/// The bytes of an item that is laid out as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Verbatim {
    item: u32,
    /// Where its bytes stand.
    bytes: Range<usize>,
    starts_instruction: bool,
}

/// Code laid out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodeLayout {
    /// The instruction set.
    pub set: InstructionSet,
    /// The code bytes.
    pub code: Vec<u8>,
    /// One bit per code byte; empty in the macro-block encoding.
    pub bitmask: Vec<u8>,
    /// Little-endian entries.
    pub jump_table: Vec<u8>,
    /// Bytes of each entry: as few as hold the largest, 0 without entries.
    pub jump_table_entry_size: u8,
    /// Code offset of every label: of each item in order, then of the end of the last.
    pub offsets: Vec<u32>,
}

impl CodeBuilder {
    /// Rounds of [`CodeBuilder::build`] in which sizes may shrink.
    pub const ROUNDS_FREE: u32 = 8;

    /// No code yet.
    pub fn new(set: InstructionSet) -> Self {
        CodeBuilder {
            set,
            items: Vec::new(),
            jump_table: Vec::new(),
            dispatch_table: Vec::new(),
            aligned: false,
            heat: Vec::new(),
            verbatim: Vec::new(),
            verbatim_bytes: Vec::new(),
        }
    }

    /// Appends an instruction and returns its label.
    ///
    /// # Panics
    /// If there are 2^32 items already.
    pub fn push(&mut self, item: impl Into<Item>) -> u32 {
        let label = to_u32(self.items.len());
        self.items.push(item.into());
        label
    }

    /// Appends bytes that are taken as they are, and returns their label: an instruction in an encoding of the caller's
    /// choice, or, if not `starts_instruction`, bytes that the bitmask does not mark. They count as ending a block, and in the
    /// macro-block encoding as one instruction, which no boundary cuts if it can be moved behind it.
    ///
    /// # Panics
    /// If there are 2^32 items already.
    pub fn push_verbatim(&mut self, bytes: &[u8], starts_instruction: bool) -> u32 {
        let item = self.push(Instruction::invalid());
        let start = self.verbatim_bytes.len();
        self.verbatim_bytes.extend_from_slice(bytes);
        self.verbatim.push(Verbatim { item, bytes: start..self.verbatim_bytes.len(), starts_instruction });
        item
    }

    /// Lays out the code. Takes time in proportion to the number of items.
    ///
    /// In the macro-block encoding, instructions that would cross a boundary move behind it, the gap is filled with
    /// `unlikely` and a `fallthrough`, and code that can run off its end gets a `trap` (latest037.md 5).
    ///
    /// # Errors
    /// An instruction the set lacks, a label without item, or code, jump table or dispatch table beyond their limits.
    pub fn build(&self) -> Result<CodeLayout, ProgramError> {
        let items = self.checked_items()?;
        let mut sizes = self.initial_sizes(&items)?;
        let dispatch_sizes = sizes[..self.dispatch_table.len()].to_vec();
        let mut offsets = Vec::with_capacity(items.len() + 1);
        // The sizes with what moves boundaries.
        let mut widened = Vec::new();
        for round in 0.. {
            widened.clone_from(&sizes);
            self.place(&items, &mut widened, &mut offsets);
            let mut stable = true;
            for (index, item) in items.iter().enumerate() {
                if !item.instruction.opcode().format().has_target() {
                    continue;
                }
                let old = sizes[index];
                let least = dispatch_sizes.get(index).copied().unwrap_or(0);
                let wanted = match round {
                    0..Self::ROUNDS_FREE => least,
                    Self::ROUNDS_FREE..ROUNDS_MAX => old,
                    _ => low_u8(to_u64(Encoded::SIZE_MAX)),
                };
                let bytes = self.encode(&items, &offsets, index, wanted);
                let new = bytes.map_or(old, |bytes| low_u8(to_u64(bytes.len())));
                stable &= new == old;
                sizes[index] = new;
            }
            if stable {
                break;
            }
        }
        self.emit(&items, &widened, &offsets)
    }

    /// All instructions to place: dispatch table, items, and what the encoding wants behind them. Labels count from the
    /// start of this list.
    fn checked_items(&self) -> Result<Vec<Item>, ProgramError> {
        let too_long = |count: usize| {
            let kind = ProgramErrorKind::CodeTooLong { length: to_u64(count), limit: widen(CODE_SIZE_MAX) };
            kind.at(Part::Items, widen(CODE_SIZE_MAX))
        };
        let total = self.items.len().saturating_add(self.dispatch_table.len());
        if total > to_usize(CODE_SIZE_MAX) {
            return Err(too_long(total)); // every instruction has at least one byte
        }
        if self.verbatim_bytes.len() > to_usize(CODE_SIZE_MAX) {
            return Err(too_long(self.verbatim_bytes.len()));
        }
        if self.jump_table.len() > to_usize(JUMP_TABLE_LENGTH_MAX) {
            let length = to_u64(self.jump_table.len());
            let kind = ProgramErrorKind::JumpTableTooLong { length, limit: widen(JUMP_TABLE_LENGTH_MAX) };
            return Err(kind.at(Part::JumpTable, widen(JUMP_TABLE_LENGTH_MAX)));
        }
        let dispatch_length = to_u64(self.dispatch_table.len()) * widen(DISPATCH_ENTRY_SIZE);
        if self.set.encoding() == Encoding::MacroBlock && dispatch_length > widen(MACRO_BLOCK_SIZE) {
            let kind =
                ProgramErrorKind::DispatchTableTooBig { length: dispatch_length, limit: widen(MACRO_BLOCK_SIZE) };
            return Err(kind.at(Part::Items, 0));
        }

        let (first, count) = (to_u32(self.dispatch_table.len()), to_u32(self.items.len()));
        let resolve = |label: u32, part: Part, at: usize| {
            if label > count {
                return Err(ProgramErrorKind::UnknownLabel { label, items: count }.at(part, to_u64(at)));
            }
            Ok(label + first)
        };
        for (at, label) in self.jump_table.iter().enumerate() {
            resolve(*label, Part::JumpTable, at)?;
        }
        let mut items = Vec::with_capacity(total);
        for (at, label) in self.dispatch_table.iter().enumerate() {
            items.push(Item { instruction: Instruction::jump(0), target: Some(resolve(*label, Part::Items, at)?) });
        }
        for (at, item) in self.items.iter().enumerate() {
            let target = item.target.map(|label| resolve(label, Part::Items, at)).transpose()?;
            let opcode = item.instruction.opcode();
            if target.is_some() && !opcode.format().has_target() {
                return Err(ProgramErrorKind::NoTargetOperand { opcode }.at(Part::Items, to_u64(at)));
            }
            items.push(Item { instruction: item.instruction, target });
        }
        if self.set.encoding() == Encoding::MacroBlock
            && items.last().is_some_and(|item| !item.instruction.opcode().ends_block())
        {
            items.push(Instruction::trap().into());
        }
        Ok(items)
    }

    /// The size of every instruction if all jumps went nowhere.
    fn initial_sizes(&self, items: &[Item]) -> Result<Vec<u8>, ProgramError> {
        let first = self.dispatch_table.len();
        let size = |(index, item): (usize, &Item)| {
            let size = if index + 1 < first { DISPATCH_ENTRY_SIZE } else { 0 };
            let instruction = if item.target.is_some() { item.instruction.with_target(0) } else { item.instruction };
            let bytes = encode_any(self.set, 0, &instruction, size).ok_or_else(|| {
                let opcode = instruction.opcode();
                let kind = ProgramErrorKind::UnsupportedInstruction { opcode, set: self.set };
                kind.at(Part::Items, to_u64(index.saturating_sub(first)))
            })?;
            Ok(low_u8(to_u64(bytes.len())))
        };
        items.iter().enumerate().map(size).collect()
    }

    /// Gives every instruction its offset; the last offset is the end of the code. Makes sizes larger where that moves
    /// boundaries to better places.
    fn place(&self, items: &[Item], sizes: &mut [u8], offsets: &mut Vec<u32>) {
        offsets.clear();
        let mut at = 0_u32;
        let mut verbatim = self.verbatim.iter().peekable();
        let aligned = self.aligned && self.verbatim.is_empty();
        let heat = if self.heat.is_empty() {
            Vec::new()
        } else {
            let mut heat = alloc::vec![0; self.dispatch_table.len()];
            heat.extend_from_slice(&self.heat);
            heat
        };
        // The first item of the macro block that may change.
        let mut first = self.dispatch_table.len();
        while let Some(item) = items.get(offsets.len()) {
            let index = offsets.len();
            let size = match verbatim.next_if(|verbatim| self.index(verbatim.item) == index) {
                Some(verbatim) => to_u32(verbatim.bytes.len()),
                None => u32::from(sizes[index]),
            };
            if self.set.encoding() == Encoding::MacroBlock {
                if at.is_multiple_of(MACRO_BLOCK_SIZE) {
                    first = first.max(index);
                }
                let boundary = (at / MACRO_BLOCK_SIZE + 1) * MACRO_BLOCK_SIZE;
                let end = if item.instruction.opcode().ends_block() { boundary } else { boundary - 1 };
                if at + size > end {
                    let range = first.min(index)..index;
                    let full = Full { items, heat: &heat, offsets, range, at, boundary };
                    let cut = if aligned { full.cut(sizes) } else { None };
                    if let Some(cut) = cut {
                        boundaries::apply(sizes, offsets, &cut);
                    }
                    at = boundary;
                    first = offsets.len();
                    if first < index {
                        continue;
                    }
                }
            }
            offsets.push(at);
            at += size;
        }
        offsets.push(at);
    }

    /// Position of an item behind the dispatch table.
    fn index(&self, item: u32) -> usize {
        self.dispatch_table.len() + to_usize(item)
    }

    fn encode(&self, items: &[Item], offsets: &[u32], index: usize, size: u8) -> Option<Encoded> {
        let Item { instruction, target } = items[index];
        let instruction = match target {
            Some(label) => instruction.with_target(offsets[to_usize(label)]),
            None => instruction,
        };
        encode_any(self.set, offsets[index], &instruction, u32::from(size))
    }

    fn emit(&self, items: &[Item], sizes: &[u8], offsets: &[u32]) -> Result<CodeLayout, ProgramError> {
        let end = offsets.last().copied().unwrap_or(0);
        if end > CODE_SIZE_MAX {
            let kind = ProgramErrorKind::CodeTooLong { length: widen(end), limit: widen(CODE_SIZE_MAX) };
            return Err(kind.at(Part::Items, to_u64(self.items.len())));
        }
        let mut code = Vec::with_capacity(to_usize(end));
        let bitmask_length = match self.set.encoding() {
            Encoding::Bitmask => to_usize(end.div_ceil(8)),
            Encoding::MacroBlock => 0,
        };
        let mut bitmask = alloc::vec![0; bitmask_length];
        let mut verbatim = self.verbatim.iter().peekable();
        for (index, size) in sizes.iter().enumerate() {
            let at = to_usize(offsets[index]);
            pad(&mut code, at);
            let verbatim = verbatim.next_if(|verbatim| self.index(verbatim.item) == index);
            if let Some(bits) = bitmask.get_mut(at / 8)
                && verbatim.is_none_or(|verbatim| verbatim.starts_instruction && !verbatim.bytes.is_empty())
            {
                *bits |= 1 << (at % 8);
            }
            if let Some(verbatim) = verbatim {
                code.extend_from_slice(&self.verbatim_bytes[verbatim.bytes.clone()]);
                continue;
            }
            let bytes = self.encode(items, offsets, index, *size).expect("every instruction was encoded before");
            assert_eq!(bytes.len(), usize::from(*size), "the layout is stable");
            code.extend_from_slice(&bytes);
        }
        let first = self.dispatch_table.len();
        let offsets = offsets[first..=first + self.items.len()].to_vec();
        let (jump_table, jump_table_entry_size) = jump_table(self.jump_table.iter().map(|at| offsets[to_usize(*at)]));
        Ok(CodeLayout { set: self.set, code, bitmask, jump_table, jump_table_entry_size, offsets })
    }
}

/// Fills the gap in front of a macro block with code that does nothing and ends a block.
fn pad(code: &mut Vec<u8>, at: usize) {
    const UNLIKELY: u8 = 0x02;
    const FALLTHROUGH: u8 = 0x01;
    if code.len() < at {
        code.resize(at - 1, UNLIKELY);
        code.push(FALLTHROUGH);
    }
}

/// Encodes `invalid` too, as a byte no set assigns.
fn encode_any(set: InstructionSet, offset: u32, instruction: &Instruction, size: u32) -> Option<Encoded> {
    if instruction.opcode() == Opcode::invalid {
        return Some(Encoded::from_byte(match set.encoding() {
            Encoding::Bitmask => 255,
            Encoding::MacroBlock => 254,
        }));
    }
    encode_with_size(set, offset, instruction, size)
}

/// Encodes a jump table with entries as small as they can be. A table must not read as empty, so an entry has at least one
/// byte even if all are 0.
pub(crate) fn jump_table(entries: impl Iterator<Item = u32> + Clone) -> (Vec<u8>, u8) {
    let Some(largest) = entries.clone().max() else {
        return (Vec::new(), 0);
    };
    let size = largest.checked_ilog2().map_or(1, |bit| bit / 8 + 1);
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&entry.to_le_bytes()[..to_usize(size)]);
    }
    (bytes, low_u8(widen(size)))
}

impl CodeLayout {
    /// The code bytes that belong to an item, with the padding behind it.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn item_range(&self, item: u32) -> Range<u32> {
        self.offsets[to_usize(item)]..self.offsets[to_usize(item) + 1]
    }

    /// Replaces the jump table by one of these code offsets, which nobody checks.
    pub fn set_jump_table(&mut self, offsets: &[u32]) {
        (self.jump_table, self.jump_table_entry_size) = jump_table(offsets.iter().copied());
    }

    /// The payload of section 6, which is also a generic program (blob.md 3).
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = match usize::from(self.jump_table_entry_size) {
            0 => 0,
            size => try_u32(self.jump_table.len() / size).unwrap_or(u32::MAX),
        };
        let mut out = Vec::with_capacity(self.code.len() + self.bitmask.len() + self.jump_table.len() + 11);
        varint::write(&mut out, count);
        out.push(self.jump_table_entry_size);
        if self.set.encoding() == Encoding::Bitmask {
            varint::write(&mut out, low_u32(to_u64(self.code.len())));
        }
        out.extend_from_slice(&self.jump_table);
        out.extend_from_slice(&self.code);
        out.extend_from_slice(&self.bitmask);
        out
    }
}
