//! The reorder window: what is decoded and not gone, in program order.

use super::classes::Demand;
use super::resources::Units;
use pvm_num::casts::{high_u32, low_u32, to_u32, to_usize, widen};

/// Living entries.
pub(super) const WINDOW: u32 = 32;
/// Places in the ring. Twice as many as entries, so that those which are gone cannot be taken for living ones.
pub(super) const RING: usize = 64;
/// Cycles from an entry's result to the first decode in its place.
const RELEASE: u32 = 2;
/// The finishing cycle of an entry that has not started.
pub(super) const UNKNOWN: u32 = u32::MAX;

const _: () = assert!(RING == 2 * to_usize(WINDOW));

/// Where the value of a register comes from: the cycle in which it is there, in the upper half so that of two the later one is
/// greater, and the place of the entry that makes it. 0 is a value that always was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Origin(pub(super) u64);

impl Origin {
    #[inline(always)]
    pub(super) fn new(cycle: u32, place: usize) -> Origin {
        Origin(widen(cycle) << 32 | widen(to_u32(place)))
    }

    /// The first cycle in which the value is there.
    #[inline(always)]
    pub(super) fn cycle(self) -> u32 {
        high_u32(self.0)
    }

    pub(super) fn place(self) -> usize {
        to_usize(low_u32(self.0)) % RING
    }
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its sources come from, as far as the plan knows (unused once it is abandoned).
    pub(super) sources: [Origin; 3],
    /// F: the first cycle in which its result and its units are available; `UNKNOWN` until it starts.
    pub(super) finish: u32,
    pub(super) units: Units,
    pub(super) demand: Demand,
    pub(super) latency: u8,
}

/// Entries by age. They are removed only when somebody asks whether there is room.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Number of the oldest entry not known to be gone.
    pub(super) head: u32,
    /// Number of the next entry.
    pub(super) tail: u32,
    /// Largest F among the entries older than `head`.
    head_max: u32,
    entries: [Entry; RING],
}

impl Window {
    pub(super) fn new() -> Self {
        let nothing =
            Entry { sources: [Origin(0); 3], finish: 0, units: Units::NONE, demand: Demand::Nothing, latency: 0 };
        Window { head: 0, tail: 0, head_max: 0, entries: [nothing; RING] }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.head = 0;
        self.tail = 0;
        self.head_max = 0;
    }

    /// The place of an entry in the ring.
    #[inline(always)]
    pub(super) fn place(number: u32) -> usize {
        to_usize(number) % RING
    }

    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> &Entry {
        &self.entries[place % RING]
    }

    #[inline(always)]
    pub(super) fn at_mut(&mut self, place: usize) -> &mut Entry {
        &mut self.entries[place % RING]
    }

    /// Appends an entry, for which there must be room.
    #[inline(always)]
    pub(super) fn append(&mut self, entry: Entry) {
        *self.at_mut(Self::place(self.tail)) = entry;
        self.tail += 1;
    }

    /// Can an entry be decoded in this cycle?
    #[inline(always)]
    pub(super) fn has_room(&mut self, cycle: u32) -> bool {
        self.tail - self.head < WINDOW || {
            self.retire(cycle);
            self.tail - self.head < WINDOW
        }
    }

    /// Removes the entries whose places are free in this cycle.
    pub(super) fn retire(&mut self, cycle: u32) {
        while self.head != self.tail && self.release() <= cycle {
            self.head_max = self.head_max.max(self.at(Self::place(self.head)).finish);
            self.head += 1;
        }
    }

    /// The cycle in which decode can use the place of the oldest entry; `UNKNOWN` while that has not started.
    #[inline]
    pub(super) fn release(&self) -> u32 {
        self.head_max.max(self.at(Self::place(self.head)).finish).saturating_add(RELEASE)
    }
}
