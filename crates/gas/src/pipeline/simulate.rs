//! The simulation: out-of-order execution from event to event (gas-model.md 6 to 8).
//!
//! A *cycle* first lets results appear, then decodes in program order, then starts what is ready, oldest first. Only cycles in
//! which something can happen are visited.
//!
//! ```text
//!            some source unfinished              all finished         units free
//!   decoded -----------------------> waiting --------------> ready -------------> executing --> finished --> gone
//!       \                                                      ^                   latency      all older ones too
//!        `----------------------->  fresh  --------------------'
//!            no source unfinished           next cycle
//! ```

use super::classes::{Demand, LATENCY_MAX, Step};
use super::plan::STARTS;
use super::processor::{Observer, Processor, SLOTS};
use super::registers::Registers;
use super::resources::Units;
use super::window::{Entry, Origin, RING, UNKNOWN, WINDOW, Window};
use crate::rule::Acceleration;
use pvm_num::casts::{to_usize, widen_u8};

/// Length of the calendar in cycles.
const CALENDAR: usize = 128;
/// As many as there are bits in a word.
const HALF: usize = CALENDAR / 2;

const _: () = assert!(CALENDAR > to_usize(widen_u8(LATENCY_MAX)), "the calendar must not wrap");

/// A set of entries: bit n stands for place n of the window's ring.
type Entries = u64;

/// Where the entries of the window stand.
#[derive(Clone, Debug)]
pub(super) struct Events {
    /// Did results appear in this cycle?
    has_results: bool,
    free: Units,
    waiting: Entries,
    fresh: Entries,
    ready: Entries,
    /// By demand: the places of entries that have it.
    demands: [Entries; Demand::COUNT],
    /// Entries without a result.
    unfinished: Entries,
    /// By register: the entry that writes it last, or none. May name a finished one.
    writer: Registers<Entries>,
    /// Days of the calendar with something on them.
    days: [u64; 2],
    /// By F modulo its length: the entries that finish.
    calendar: [Entries; CALENDAR],
    /// By entry: what it depends on.
    sources: [Entries; RING],
    /// By entry, and behind them for none: who depends on it. What stands with finished ones is stale.
    users: [Entries; 2 * RING],
}

impl Events {
    pub(super) fn new() -> Self {
        Events {
            has_results: false,
            free: Units::ALL,
            waiting: 0,
            fresh: 0,
            ready: 0,
            demands: [0; Demand::COUNT],
            unfinished: 0,
            writer: Registers::new(),
            days: [0; 2],
            calendar: [0; CALENDAR],
            sources: [0; RING],
            users: [0; 2 * RING],
        }
    }

    /// Takes over from a plan in the decode phase of `cycle`. Who was to start before has done so, who is to start now will. The
    /// others are set free: they start no sooner, but perhaps later. Returns the largest F of those in execution.
    pub(super) fn resume(&mut self, cycle: u32, window: &mut Window, origins: &Registers<Origin>) -> u32 {
        self.has_results = false;
        self.free = Units::ALL;
        self.waiting = 0;
        self.fresh = 0;
        self.ready = 0;
        self.unfinished = 0;
        self.days = [0; 2];
        self.calendar = [0; CALENDAR];
        self.writer.convert(origins, |origin| unfinished_at(cycle, origin));
        let mut end = 0;
        for place in (window.head..window.tail).map(Window::place) {
            let entry = window.at_mut(place);
            if entry.finish <= cycle {
                continue;
            }
            self.unfinished |= 1 << place;
            self.users[place] = 0;
            let start = entry.finish - widen_u8(entry.latency);
            if start < cycle {
                self.free = self.free.take(entry.units).expect("the plan never takes more units than there are");
                self.book(place, entry.finish);
                end = end.max(entry.finish);
                continue;
            }
            entry.finish = UNKNOWN;
            let demand = entry.demand;
            let sources = entry.sources.map(|origin| unfinished_at(cycle, origin));
            self.demand(place, demand);
            let sources = self.depend(place, sources);
            if start == cycle {
                self.ready |= 1 << place;
            } else if sources == 0 {
                self.fresh |= 1 << place;
            } else {
                self.waiting |= 1 << place;
            }
        }
        end
    }

    /// Notes what an entry needs to start.
    #[inline]
    fn demand(&mut self, place: usize, demand: Demand) {
        for entries in &mut self.demands {
            *entries &= !(1 << place);
        }
        self.demands[demand.index()] |= 1 << place;
    }

    /// The places of entries for which enough units are free.
    #[inline(always)]
    fn fitting(&self) -> Entries {
        let fits = |demand: Demand| {
            let is_met = self.free.take(demand.units()).is_some();
            self.demands[demand.index()] & u64::from(is_met).wrapping_neg()
        };
        self.demands[Demand::Nothing.index()]
            | fits(Demand::Alu)
            | fits(Demand::TwoAlu)
            | fits(Demand::AluAndMul)
            | fits(Demand::AluAndDiv)
    }

    /// Notes whom an entry may have to wait for, none or one each, and returns those it does wait for.
    #[inline]
    fn depend(&mut self, place: usize, sources: [Entries; 3]) -> Entries {
        for source in sources {
            // No case distinction: how many there are is hard to foresee.
            self.users[to_usize(source.trailing_zeros()) % (2 * RING)] |= 1 << place;
        }
        let [first, second, third] = sources;
        self.sources[place] = (first | second | third) & self.unfinished;
        self.sources[place]
    }

    /// Puts a result on the calendar.
    #[inline]
    fn book(&mut self, place: usize, finish: u32) {
        let day = day(finish);
        self.calendar[day] |= 1 << place;
        self.days[day / HALF] |= 1 << (day % HALF);
    }

    /// The cycle of the next result after this one. With nothing in execution there is none, and the answer is far away: then
    /// all entries of the window have a result, and its oldest leaves long before.
    #[inline]
    fn next_result(&self, cycle: u32) -> u32 {
        let [first, second] = self.days;
        let days = u128::from(second) << u64::BITS | u128::from(first);
        cycle + days.rotate_right(cycle % u128::BITS).trailing_zeros()
    }

    /// Lets the results of a cycle appear: frees units and wakes those who waited for nothing else.
    #[inline]
    fn take_results(&mut self, cycle: u32, window: &Window) {
        let day = day(cycle);
        let finished = core::mem::take(&mut self.calendar[day]);
        self.days[day / HALF] &= !(1 << (day % HALF));
        self.has_results = finished != 0;
        self.unfinished &= !finished;
        let mut users = 0;
        for place in members(finished) {
            self.free = self.free.give(window.at(place).units);
            users |= self.users[place];
        }
        let mut woken = 0;
        for place in members(users) {
            woken |= u64::from(self.sources[place] & self.unfinished == 0) << place;
        }
        self.waiting &= !woken;
        self.ready |= woken;
    }
}

impl Processor {
    /// Takes the next instruction of a block that is simulated.
    #[inline(never)] // and by value, so that the step of one that is planned need not be in memory
    pub(super) fn simulate(&mut self, step: Step, observer: &mut impl Observer) {
        let mut is_first = true;
        while step.slots > self.slots || !self.window.has_room(self.cycle) {
            self.end_cycle(step.slots > self.slots, is_first, false, observer);
            is_first = false;
        }
        self.slots -= step.slots;
        if step.is_rename {
            observer.decoded(None, self.cycle);
            let from = self.events.writer.get(step.sources.all()[1]);
            self.events.writer.set(step.destination, from);
        } else {
            observer.decoded(Some(self.window.tail), self.cycle);
            self.enter(&step);
        }
    }

    /// Simulates until nothing is left to start.
    pub(super) fn simulate_rest(&mut self, observer: &mut impl Observer) {
        let mut is_first = true;
        while self.events.fresh | self.events.ready | self.events.waiting != 0 {
            self.end_cycle(false, is_first, true, observer);
            is_first = false;
        }
    }

    /// Appends an entry.
    #[inline]
    pub(super) fn enter(&mut self, step: &Step) {
        let events = &mut self.events;
        let place = Window::place(self.window.tail);
        if self.window.tail.is_multiple_of(WINDOW) {
            // The half of the ring that is entered now: whoever was there is gone, also as the writer of a register.
            let half: Entries = u64::from(u32::MAX) << place;
            events.writer.update(|writer| writer & !half);
        }
        let sources = step.sources.all().map(|cell| events.writer.get(cell));
        self.window.append(Entry {
            sources: [Origin(0); 3],
            finish: UNKNOWN,
            units: step.units,
            demand: step.demand,
            latency: step.latency,
        });
        let entry = 1 << place;
        events.users[place] = 0;
        events.demand(place, step.demand);
        let sources = events.depend(place, sources);
        events.unfinished |= entry;
        events.writer.set(step.destination, entry);
        if sources == 0 {
            events.fresh |= entry;
        } else {
            events.waiting |= entry;
        }
    }

    /// Ends this cycle and goes to the next in which something can happen: `must_tick` says that decode can go on in the very
    /// next one. The first cycle of a wait is never accelerated, nor are those which make room unless everything `is_decoded`
    /// (latest037.md 7).
    fn end_cycle(&mut self, must_tick: bool, is_first: bool, is_decoded: bool, observer: &mut impl Observer) {
        let mut are_left = self.start_ready(observer);
        if are_left && self.plan.acceleration == Acceleration::Upstream && !is_first {
            are_left = self.must_step(is_decoded);
        }
        let events = &mut self.events;
        let is_fresh = events.fresh != 0;
        events.ready |= events.fresh;
        events.fresh = 0;
        let tomorrow = self.cycle + 1;
        self.cycle = if must_tick || are_left || is_fresh {
            tomorrow
        } else if is_decoded {
            events.next_result(self.cycle)
        } else {
            events.next_result(self.cycle).min(self.window.release().max(tomorrow))
        };
        self.slots = SLOTS;
        events.take_results(self.cycle, &self.window);
    }

    /// Would polkavm look at the next cycle although it waits? It does after a cycle with a result, and, while it makes room for
    /// decode, after one in which an entry left the window.
    fn must_step(&mut self, is_decoded: bool) -> bool {
        if self.events.has_results || is_decoded {
            return self.events.has_results;
        }
        self.window.retire(self.cycle);
        self.window.head != self.window.tail && self.window.release() == self.cycle + 1
    }

    /// Starts what is ready and fits, oldest first. True if some that fit are left because enough have started.
    #[inline]
    fn start_ready(&mut self, observer: &mut impl Observer) -> bool {
        let mut starts = 0;
        loop {
            let able = self.events.ready & self.events.fitting();
            if able == 0 {
                return false;
            }
            if starts == STARTS {
                return true;
            }
            starts += 1;
            let age = able.rotate_right(self.window.head % u64::BITS).trailing_zeros();
            let number = self.window.head + age;
            let place = Window::place(number);
            let entry = self.window.at_mut(place);
            self.events.free = self.events.free.take(entry.units).expect("who is able to start finds what it needs");
            observer.started(number, self.cycle);
            entry.finish = self.cycle + widen_u8(entry.latency);
            self.end = self.end.max(entry.finish);
            self.events.ready &= !(1 << place);
            self.events.book(place, entry.finish);
        }
    }
}

/// The set of the entry a value comes from, unless it is there already.
fn unfinished_at(cycle: u32, origin: Origin) -> Entries {
    if origin.cycle() > cycle { 1 << origin.place() } else { 0 }
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
