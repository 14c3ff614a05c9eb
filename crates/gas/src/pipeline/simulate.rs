//! The simulation: out-of-order execution of one block, from event to event (gas-model.md 6 to 8).
//!
//! A *cycle* first lets results appear, then decodes in program order, then starts what is ready, oldest first. Only cycles in
//! which something can happen are visited. Instructions are handed in one by one, so the machine stands still inside the decode
//! phase of a cycle: [`Machine::push`] decodes at once if the cycle still has room, and else lets cycles pass.
//!
//! ```text
//!            some source unfinished              all finished         units free
//!   decoded -----------------------> waiting --------------> ready -------------> executing --> finished --> gone
//!       \                                                      ^                   latency      all older ones too
//!        `----------------------->  fresh  --------------------'
//!            no source unfinished           next cycle
//! ```
//!
//! An entry of the reorder window has a place in a ring twice as long as the window, so that a set of entries is one word and
//! those which are gone cannot be taken for living ones. With F = start + latency, units and the result are available from cycle
//! F on, and the place in the window from 2 cycles after the largest F of the entry and all older ones. The price is the largest
//! F of all, less 1 (gas-model.md 7).

use super::classes::{LATENCY_MAX, Step};
use super::resources::Units;
use crate::rule::Acceleration;
use pvm_num::casts::{to_u32, to_usize, widen_u8};
use pvm_num::limits::REGISTER_COUNT;

/// Decode slots per cycle.
pub(crate) const SLOTS: u8 = 4;
/// Instructions that may start per cycle.
const STARTS: u32 = 5;
/// Living entries of the reorder window.
const WINDOW: u32 = 32;
/// Places in the ring.
const RING: usize = 64;
/// Length of the calendar in cycles.
const CALENDAR: usize = 128;
/// Cycles from an entry's result to the first decode in its place.
const RELEASE: u32 = 2;
/// The finishing cycle of an entry that has not started.
const UNKNOWN: u32 = u32::MAX;

const _: () = assert!(RING == 2 * to_usize(WINDOW), "entry sets are words, one half of which is gone");
const _: () = assert!(CALENDAR > to_usize(widen_u8(LATENCY_MAX)), "the calendar must not wrap");

/// A set of entries: bit n stands for place n of the ring.
type Entries = u64;

/// Watches a simulation. Entries are numbered in order of decoding, renames not counted.
pub(crate) trait Observer {
    /// The next instruction was decoded; `entry` is none for a rename.
    fn decoded(&mut self, entry: Option<u32>, cycle: u32);
    /// An entry started.
    fn started(&mut self, entry: u32, cycle: u32);
}

impl Observer for () {
    #[inline(always)]
    fn decoded(&mut self, _: Option<u32>, _: u32) {}
    #[inline(always)]
    fn started(&mut self, _: u32, _: u32) {}
}

/// A model processor inside a block.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    acceleration: Acceleration,
    cycle: u32,
    /// Decode slots left in this cycle.
    slots: u8,
    /// Did results appear in this cycle?
    has_results: bool,
    free: Units,
    /// Entries decoded so far; the next one's number.
    tail: u32,
    /// The oldest entry not known to be gone.
    head: u32,
    /// Largest F among the entries older than `head`.
    head_max: u32,
    /// Largest F of all.
    end: u32,
    waiting: Entries,
    fresh: Entries,
    ready: Entries,
    /// Entries without a result.
    unfinished: Entries,
    /// By register: the entry that writes it last, or none. May name a finished one.
    writer: [Entries; REGISTER_COUNT],
    /// Days of the calendar with something on them; what stands on other days is stale.
    days: u128,
    /// By F modulo its length: the entries that finish.
    calendar: [Entries; CALENDAR],
    /// By entry: what it depends on.
    sources: [Entries; RING],
    /// By entry: who depends on it.
    users: [Entries; RING],
    units: [Units; RING],
    latency: [u8; RING],
    /// By entry: F.
    finish: [u32; RING],
}

impl Machine {
    pub(crate) fn new(acceleration: Acceleration) -> Self {
        Machine {
            acceleration,
            cycle: 0,
            slots: SLOTS,
            has_results: false,
            free: Units::ALL,
            tail: 0,
            head: 0,
            head_max: 0,
            end: 0,
            waiting: 0,
            fresh: 0,
            ready: 0,
            unfinished: 0,
            writer: [0; REGISTER_COUNT],
            days: 0,
            calendar: [0; CALENDAR],
            sources: [0; RING],
            users: [0; RING],
            units: [Units::NONE; RING],
            latency: [0; RING],
            finish: [0; RING],
        }
    }

    /// Ready for the next block. Only what is read before it is written has to be cleared.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.cycle = 0;
        self.slots = SLOTS;
        self.has_results = false;
        self.free = Units::ALL;
        self.tail = 0;
        self.head = 0;
        self.head_max = 0;
        self.end = 0;
        self.waiting = 0;
        self.fresh = 0;
        self.ready = 0;
        self.unfinished = 0;
        self.writer = [0; REGISTER_COUNT];
        self.days = 0;
    }

    /// Takes the next instruction of the block.
    #[inline]
    pub(crate) fn push(&mut self, step: &Step, observer: &mut impl Observer) {
        let mut is_first = true;
        while step.slots > self.slots || !self.has_room() {
            self.end_cycle(step.slots > self.slots, is_first, false, observer);
            is_first = false;
        }
        self.slots -= step.slots;
        if step.is_rename {
            observer.decoded(None, self.cycle);
            self.writer[step.regs[0].index()] = self.writer[step.regs[1].index()];
        } else {
            observer.decoded(Some(self.tail), self.cycle);
            self.enter(step);
        }
    }

    /// Runs the block to its end and returns its price.
    #[inline]
    pub(crate) fn finish(&mut self, observer: &mut impl Observer) -> u32 {
        let mut is_first = true;
        while self.fresh | self.ready | self.waiting != 0 {
            self.end_cycle(false, is_first, true, observer);
            is_first = false;
        }
        self.end.saturating_sub(1).max(1)
    }

    /// Is there a place in the window? Entries are removed from it only when the answer depends on it.
    #[inline]
    fn has_room(&mut self) -> bool {
        self.tail - self.head < WINDOW || {
            self.retire();
            self.tail - self.head < WINDOW
        }
    }

    fn retire(&mut self) {
        while self.head != self.tail && self.release() <= self.cycle {
            self.head_max = self.head_max.max(self.finish[place(self.head)]);
            self.head += 1;
        }
    }

    /// The cycle in which decode can use the place of `head`; `UNKNOWN` while it has not started.
    #[inline]
    fn release(&self) -> u32 {
        self.head_max.max(self.finish[place(self.head)]).saturating_add(RELEASE)
    }

    /// Appends an entry.
    #[inline]
    fn enter(&mut self, step: &Step) {
        let at = place(self.tail);
        let entry = 1 << at;
        if self.tail.is_multiple_of(WINDOW) {
            // The half of the ring that is entered now: whoever was there is gone, also as the writer of a register.
            let half: Entries = u64::from(u32::MAX) << at;
            for writer in &mut self.writer {
                *writer &= !half;
            }
        }
        self.tail += 1;
        let [r1, r2, r3] = step.regs.map(|reg| self.writer[reg.index()]);
        let sources = (r1 & step.sources[0] | r2 & step.sources[1] | r3 & step.sources[2]) & self.unfinished;
        self.sources[at] = sources;
        self.users[at] = 0;
        for source in members(sources) {
            self.users[source] |= entry;
        }
        self.units[at] = step.units;
        self.latency[at] = step.latency;
        self.finish[at] = UNKNOWN;
        self.unfinished |= entry;
        self.writer[step.regs[0].index()] = entry & step.destination | r1 & !step.destination;
        if sources == 0 {
            self.fresh |= entry;
        } else {
            self.waiting |= entry;
        }
    }

    /// Ends this cycle and goes to the next in which something can happen: `must_tick` says that decode can go on in the very
    /// next one. The first cycle of a wait is never accelerated, nor are those which make room unless everything `is_decoded`
    /// (latest037.md 7).
    fn end_cycle(&mut self, must_tick: bool, is_first: bool, is_decoded: bool, observer: &mut impl Observer) {
        let mut are_left = self.start_ready(observer);
        if are_left && self.acceleration == Acceleration::Upstream && !is_first {
            are_left = self.must_step(is_decoded);
        }
        let is_fresh = self.fresh != 0;
        self.ready |= self.fresh;
        self.fresh = 0;
        let tomorrow = self.cycle + 1;
        self.cycle = if must_tick || are_left || is_fresh {
            tomorrow
        } else if is_decoded {
            self.next_result()
        } else {
            self.next_result().min(self.release().max(tomorrow))
        };
        self.slots = SLOTS;
        self.take_results();
    }

    /// Would polkavm look at the next cycle although it waits? It does after a cycle with a result, and, while it makes room for
    /// decode, after one in which an entry left the window.
    fn must_step(&mut self, is_decoded: bool) -> bool {
        if self.has_results || is_decoded {
            return self.has_results;
        }
        self.retire();
        self.head != self.tail && self.release() == self.cycle + 1
    }

    /// Starts what is ready and fits, oldest first. True if some that fit are left because enough have started.
    #[inline]
    fn start_ready(&mut self, observer: &mut impl Observer) -> bool {
        if self.ready == 0 {
            return false;
        }
        let mut starts = 0;
        for age in members(self.ready.rotate_right(self.head % u64::BITS)) {
            let number = self.head + to_u32(age);
            let at = place(number);
            let Some(free) = self.free.take(self.units[at]) else { continue };
            if starts == STARTS {
                return true;
            }
            starts += 1;
            observer.started(number, self.cycle);
            self.free = free;
            self.ready &= !(1 << at);
            let finish = self.cycle + widen_u8(self.latency[at]);
            self.finish[at] = finish;
            self.end = self.end.max(finish);
            let day = day(finish);
            let others = if self.days >> day & 1 != 0 { self.calendar[day] } else { 0 };
            self.calendar[day] = others | 1 << at;
            self.days |= 1 << day;
        }
        false
    }

    /// The cycle of the next result after this one. With nothing in execution there is none, and the answer is far away: then
    /// all entries of the window have a result, and its oldest leaves long before.
    #[inline]
    fn next_result(&self) -> u32 {
        self.cycle + self.days.rotate_right(self.cycle % u128::BITS).trailing_zeros()
    }

    /// Lets the results of this cycle appear: frees units and wakes those who waited for nothing else.
    #[inline]
    fn take_results(&mut self) {
        let day = day(self.cycle);
        self.has_results = self.days >> day & 1 != 0;
        if !self.has_results {
            return;
        }
        self.days &= !(1 << day);
        let finished = self.calendar[day];
        self.unfinished &= !finished;
        let mut users = 0;
        for at in members(finished) {
            self.free = self.free.give(self.units[at]);
            users |= self.users[at];
        }
        for at in members(users) {
            if self.sources[at] & self.unfinished == 0 {
                self.waiting &= !(1 << at);
                self.ready |= 1 << at;
            }
        }
    }
}

/// The place of an entry in the ring.
#[inline(always)]
fn place(entry: u32) -> usize {
    to_usize(entry) % RING
}

#[inline(always)]
fn day(cycle: u32) -> usize {
    to_usize(cycle) % CALENDAR
}

/// The numbers of the bits that are set, lowest first.
#[inline(always)]
fn members(mut set: Entries) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let lowest = to_usize(set.trailing_zeros());
        set &= set - 1;
        Some(lowest)
    })
}
