//! All blocks of a program, and when each was changed last, so that passes need not look again at what is as it was.

use super::{Block, BlockId};
use std::ops::{Deref, Index, IndexMut};

/// All blocks by number. They are read as a slice; writing to one notes that it has changed.
///
/// Time is counted by the pass manager, which lets it go on before each pass.
#[derive(Debug, Default)]
pub struct Blocks<'a> {
    all: Vec<Block<'a>>,
    /// By block: when it was last borrowed to be changed.
    changed: Vec<u32>,
    /// By block: how many instructions level 1 executes for each run of it, or fewer. What passes do to the block leaves it.
    baseline: Vec<i32>,
    now: u32,
    /// How often any block was.
    edits: u64,
}

impl<'a> Blocks<'a> {
    /// Adds a block.
    pub fn push(&mut self, block: Block<'a>) {
        self.all.push(block);
        self.changed.push(self.now);
        self.baseline.push(0);
        self.edits += 1;
    }

    /// How many instructions level 1 executes at least whenever a block runs; 0 for blocks that it does not have.
    pub(crate) fn baseline(&self, id: BlockId) -> i32 {
        self.baseline[id.index()]
    }

    /// Whenever a block runs, level 1 executes at least so many instructions.
    pub(crate) fn set_baseline(&mut self, id: BlockId, instructions: i32) {
        self.baseline[id.index()] = instructions;
    }

    /// Whenever a block runs, level 1 executes what it does for another as well.
    pub(crate) fn add_baseline(&mut self, id: BlockId, other: BlockId) {
        self.baseline[id.index()] = self.baseline[id.index()].saturating_add(self.baseline[other.index()]);
    }

    /// Lets time go on; what is changed from now on has changed at the time that is returned.
    pub(crate) fn tick(&mut self) -> u32 {
        self.now += 1;
        self.now
    }

    /// The time.
    pub(crate) const fn now(&self) -> u32 {
        self.now
    }

    /// When a block was changed last; 0 if it never was since the program was made.
    pub(crate) fn changed_at(&self, id: BlockId) -> u32 {
        self.changed[id.index()]
    }

    /// A number that is another one as soon as a block is changed.
    pub(crate) const fn edits(&self) -> u64 {
        self.edits
    }
}

impl<'a> From<Vec<Block<'a>>> for Blocks<'a> {
    fn from(all: Vec<Block<'a>>) -> Self {
        Blocks { changed: vec![0; all.len()], baseline: vec![0; all.len()], all, now: 0, edits: 0 }
    }
}

impl<'a> Deref for Blocks<'a> {
    type Target = [Block<'a>];

    fn deref(&self) -> &[Block<'a>] {
        &self.all
    }
}

impl<'a> Index<usize> for Blocks<'a> {
    type Output = Block<'a>;

    fn index(&self, index: usize) -> &Block<'a> {
        &self.all[index]
    }
}

impl<'a> IndexMut<usize> for Blocks<'a> {
    fn index_mut(&mut self, index: usize) -> &mut Block<'a> {
        self.changed[index] = self.now;
        self.edits += 1;
        &mut self.all[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Source, Terminator};

    #[test]
    fn writing_to_a_block_notes_when() {
        let source = Source { section: 0, offset: 0 };
        let block = || Block {
            source,
            label: None,
            instructions: Vec::new(),
            terminator: Terminator::Trap,
            terminator_source: source,
        };
        let [first, second, third] = [0, 1, 2].map(BlockId);
        let mut blocks = Blocks::from(vec![block(), block()]);
        assert_eq!(blocks.tick(), 1);
        assert_eq!(blocks[0].terminator, Terminator::Trap);
        assert_eq!((blocks.changed_at(first), blocks.edits()), (0, 0), "reading is no change");
        blocks[0].terminator = Terminator::Jump(second);
        assert_eq!([first, second].map(|id| blocks.changed_at(id)), [1, 0]);
        assert_eq!(blocks.tick(), 2);
        blocks.push(block());
        assert_eq!([first, second, third].map(|id| blocks.changed_at(id)), [1, 0, 2]);
        assert_eq!(blocks.edits(), 2);
    }
}
