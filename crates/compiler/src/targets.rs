//! Where code may jump to: the starts of blocks.
//!
//! Whether a block starts where a jump goes forward shows only when the code has been walked up to there. So code is compiled as
//! if every jump led to one; if some did not it is compiled once more, knowing all starts.

use pvm_num::casts::to_usize;

/// A set of code offsets; those behind the code it leaves out, or takes for a few more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Offsets {
    words: Vec<u64>,
}

impl Offsets {
    pub(crate) fn new(length: u32) -> Offsets {
        Offsets { words: vec![0; to_usize(length.div_ceil(u64::BITS))] }
    }

    pub(crate) fn add(&mut self, offset: u32) {
        if let Some(word) = self.words.get_mut(to_usize(offset / u64::BITS)) {
            *word |= 1 << (offset % u64::BITS);
        }
    }

    pub(crate) fn contains(&self, offset: u32) -> bool {
        self.words.get(to_usize(offset / u64::BITS)).is_some_and(|word| word >> (offset % u64::BITS) & 1 != 0)
    }
}

/// Where the guest can be entered: offsets in the text by code offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entries {
    places: Offsets,
    /// By word of `places`: how many are in those before.
    ranks: Vec<u32>,
    /// By place in order.
    texts: Vec<u32>,
}

impl Entries {
    /// Of a code of this length, whose end counts too.
    pub(crate) fn new(length: u32) -> Entries {
        let places = Offsets::new(length + 1);
        Entries { ranks: Vec::new(), texts: Vec::with_capacity(to_usize(length / 3)), places }
    }

    /// The place behind all those so far.
    #[inline]
    pub(crate) fn push(&mut self, offset: u32, text: u32) {
        debug_assert!(!self.places.contains(offset), "a place comes once, and in order");
        self.places.add(offset);
        self.texts.push(text);
    }

    /// No more will be pushed.
    pub(crate) fn finish(&mut self) {
        self.texts.shrink_to_fit();
        let mut rank = 0;
        let rank_before = |word: &u64| {
            rank += word.count_ones();
            rank - word.count_ones()
        };
        self.ranks = self.places.words.iter().map(rank_before).collect();
    }

    #[inline]
    pub(crate) fn get(&self, offset: u32) -> Option<u32> {
        let word = self.places.words.get(to_usize(offset / u64::BITS))?;
        let at = offset % u64::BITS;
        if word >> at & 1 == 0 {
            return None;
        }
        let before = (word & ((1 << at) - 1)).count_ones();
        let rank = self.ranks.get(to_usize(offset / u64::BITS))? + before;
        self.texts.get(to_usize(rank)).copied()
    }
}

/// The starts of blocks, as far as they are known.
#[derive(Clone, Debug)]
pub(crate) struct Starts {
    length: u32,
    /// All of them, or those met so far.
    starts: Offsets,
    /// Offsets taken for starts, until all are known.
    taken: Option<Offsets>,
}

impl Starts {
    /// Of a code of this length nothing is known yet.
    pub(crate) fn unknown(length: u32) -> Starts {
        Starts { length, starts: Offsets::new(length), taken: Some(Offsets::new(length)) }
    }

    /// A block starts here.
    #[inline]
    pub(crate) fn add(&mut self, offset: u32) {
        if offset < self.length {
            self.starts.add(offset);
        }
    }

    /// Does a block start here? Where that is not known yet the answer is that one does.
    #[inline]
    pub(crate) fn contains(&mut self, offset: u32) -> bool {
        let is_inside = offset < self.length;
        match &mut self.taken {
            Some(taken) if is_inside => taken.add(offset),
            Some(_) => {}
            None => return self.starts.contains(offset),
        }
        is_inside
    }

    /// Were all answers right? All blocks must have been added.
    pub(crate) fn were_right(&self) -> bool {
        self.taken
            .as_ref()
            .is_none_or(|taken| taken.words.iter().zip(&self.starts.words).all(|(taken, start)| taken & !start == 0))
    }

    /// The same, all blocks having been added.
    pub(crate) fn known(self) -> Starts {
        Starts { taken: None, ..self }
    }
}
