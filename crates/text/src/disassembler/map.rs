//! Maps of a code: which block an offset starts, which jump table entries and exports point at it.
//!
//! All are built in one pass. For a byte of code they take 3 bits, for a jump table entry 4 bytes, whatever the bytes are.

use pvm_num::casts::{to_u32, to_usize, widen};
use pvm_program::{Code, Export, JumpTable};

/// Blocks and instructions by offset and number.
pub(super) struct Blocks {
    starts: Ranked,
    instructions: Ranked,
    instruction_count: u32,
}

/// A set of code offsets that knows the rank of each.
pub(super) struct Ranked {
    /// Bit `i % 64` of word `i / 64`: is offset `i` in the set?
    words: Vec<u64>,
    /// Members before each word.
    before: Vec<u32>,
}

impl Ranked {
    pub(super) fn new(words: Vec<u64>) -> Self {
        let mut count = 0;
        let mut before = Vec::with_capacity(words.len());
        for word in &words {
            before.push(count);
            count += word.count_ones();
        }
        Ranked { words, before }
    }

    pub(super) fn rank(&self, offset: u32) -> Option<u32> {
        let index = to_usize(offset / 64);
        let (word, bit) = (*self.words.get(index)?, 1_u64 << (offset % 64));
        (word & bit != 0).then(|| self.before[index] + (word & (bit - 1)).count_ones())
    }
}

impl Blocks {
    pub(super) fn new(code: Code<'_>) -> Self {
        let words = to_usize(code.len().div_ceil(64));
        let (mut starts, mut instructions) = (vec![0; words], vec![0; words]);
        let mut instruction_count: u32 = 0;
        let mut ended = true;
        for at in code.iter() {
            instruction_count += 1; // at most one more than code bytes, which have a limit
            if at.offset < code.len() {
                let (word, bit) = (to_usize(at.offset / 64), 1_u64 << (at.offset % 64));
                instructions[word] |= bit;
                if ended {
                    starts[word] |= bit;
                }
            }
            ended = at.instruction.opcode().ends_block();
        }
        let (starts, instructions) = (Ranked::new(starts), Ranked::new(instructions));
        Blocks { starts, instructions, instruction_count }
    }

    /// The number of the block that starts at `offset`.
    pub(super) fn number(&self, offset: u32) -> Option<u32> {
        self.starts.rank(offset)
    }

    /// The number of the instruction that starts at `offset`.
    pub(super) fn instruction_number(&self, offset: u32) -> Option<u32> {
        self.instructions.rank(offset)
    }

    /// How many instructions start before the 64 bytes that `word` counts.
    pub(super) fn instructions_before(&self, word: u32) -> u32 {
        self.instructions.before[to_usize(word)]
    }

    /// The offsets of the instructions that start in these 64 bytes.
    pub(super) fn instructions_of(&self, word: u32) -> impl Iterator<Item = u32> + use<> {
        let mut rest = self.instructions.words[to_usize(word)];
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(word * 64 + bit)
        })
    }

    /// Where the instruction after that at `offset` starts; `end` if there is none.
    pub(super) fn next_instruction(&self, offset: u32, end: u32) -> u32 {
        let words = &self.instructions.words;
        let (mut index, mask) = (to_usize((offset + 1) / 64), u64::MAX << ((offset + 1) % 64));
        let mut bits = words.get(index).map_or(0, |word| word & mask);
        while bits == 0 {
            index += 1;
            match words.get(index) {
                Some(word) => bits = *word,
                None => return end,
            }
        }
        to_u32(index) * 64 + bits.trailing_zeros()
    }

    /// Instructions in the listing, the implicit one at the end included.
    pub(super) fn instruction_count(&self) -> u32 {
        self.instruction_count
    }
}

/// Things that point into the code, met in the order of their offsets.
pub(super) struct Pointers<T> {
    sorted: Vec<T>,
    next: usize,
}

/// Something with a code offset.
pub(super) trait Pointer {
    fn offset(&self, table: &JumpTable<'_>) -> u32;

    /// Its number among those of its kind.
    fn number(&self) -> u32;
}

/// An index into the jump table.
pub(super) struct Entry(pub(super) u32);

impl Pointer for Entry {
    fn offset(&self, table: &JumpTable<'_>) -> u32 {
        table.get(self.0).unwrap_or(u32::MAX)
    }

    fn number(&self) -> u32 {
        self.0
    }
}

/// An export and its number.
pub(super) struct Numbered<'a>(pub(super) u32, pub(super) Export<'a>);

impl Pointer for Numbered<'_> {
    fn offset(&self, _: &JumpTable<'_>) -> u32 {
        self.1.offset
    }

    fn number(&self) -> u32 {
        self.0
    }
}

impl<T: Pointer> Pointers<T> {
    fn new(mut items: Vec<T>, table: &JumpTable<'_>) -> Self {
        // In place; a stable sort would take half as much memory again.
        items.sort_unstable_by_key(|item| (item.offset(table), item.number()));
        Pointers { sorted: items, next: 0 }
    }

    /// Those at `offset`; earlier offsets must have been asked for before, and are forgotten.
    pub(super) fn at(&mut self, offset: u32, table: &JumpTable<'_>) -> &[T] {
        let rest = &self.sorted[self.next..];
        let skipped = rest.iter().take_while(|item| item.offset(table) < offset).count();
        let found = rest[skipped..].iter().take_while(|item| item.offset(table) == offset).count();
        let start = self.next + skipped;
        self.next = start + found;
        &self.sorted[start..self.next]
    }
}

pub(super) fn entries(table: &JumpTable<'_>) -> Pointers<Entry> {
    Pointers::new((0..table.len()).map(Entry).collect(), table)
}

pub(super) fn exports<'a>(exports: &[Export<'a>], table: &JumpTable<'_>) -> Pointers<Numbered<'a>> {
    let numbered = exports.iter().enumerate().map(|(index, export)| Numbered(to_u32(index), *export));
    Pointers::new(numbered.collect(), table)
}

const _: () = assert!(widen(pvm_num::limits::CODE_SIZE_MAX) < widen(u32::MAX), "counts of instructions fit 32 bits");
