//! The plan: when every instruction will start, decided as it is decoded.
//!
//! An instruction takes the first cycle in which its sources are there and all it needs is left over by older ones. That is what
//! the processor would do with it, and one look ahead decides; but a younger instruction that gets its units early may still
//! hold them when an older one, which waits for a source, comes to need them, and then the older one waits. Nothing else can
//! change the start of what is planned already (the oldest always goes first). So the plan is exact until a new instruction
//! would be in the way of an older one, which shows at once, as its reservation does not fit; the plan is given up then, and
//! the block simulated from there. How often that happens is told in docs/gas.md.
//!
//! ```text
//! cycle      base ....v....1....v....2
//! 4th unit             ====                     a new instruction of two cycles that could start at v
//! 3rd unit        =====================         finds the 4th unit taken two cycles long;
//! 2nd unit      ======================          behind that it fits and is in nobody's way
//! 1st unit     ==========================
//! ```
//!
//! In polkavm's variant, an instruction that finds everything but a start, since as many as can have started, may have to wait for
//! longer than a cycle, even if all its units are free. There the plan is given up then too.
//!
//! Only ALU, MUL and DIV units have to be looked at: who needs a LOAD or STORE unit needs one of as many ALU units too.
//!
//! Time is kept in *hours* of 64 cycles, one word for each question one can ask of a cycle, in a ring of hours. It reaches far
//! enough for whatever 32 entries of the window can have in front of them, except many divisions.

use super::classes::{Demand, LATENCY_MAX, Step};
use super::registers::Registers;
use super::window::Origin;
use crate::rule::Acceleration;
use pvm_num::casts::{low_u64, to_usize, widen_u8};

/// Instructions that may start per cycle.
pub(super) const STARTS: u8 = 5;
/// Hours in the ring.
const HOURS: usize = 8;
/// Cycles per hour.
const HOUR: u32 = u64::BITS;

const _: () = assert!(widen_u8(LATENCY_MAX) <= 2 * HOUR, "a span lies in three hours at most");

/// A set of cycles of an hour.
type Cycles = u64;

/// Reservations in an hour.
#[derive(Clone, Copy, Debug)]
struct Hour {
    /// Cycles in which at least one ALU unit is taken, and at least two. For three and four see `busy`.
    alu: [Cycles; 2],
    /// By demand: the cycles in which it cannot be met.
    busy: [Cycles; Demand::COUNT],
    /// By cycle: how many instructions start.
    starts: [u8; to_usize(HOUR)],
}

impl Hour {
    const FREE: Hour = Hour { alu: [0; 2], busy: [0; Demand::COUNT], starts: [0; to_usize(HOUR)] };

    #[inline(always)]
    fn take_alu(&mut self, held: Cycles) {
        let second = self.alu[0] & held;
        self.alu[0] |= held;
        let third = self.alu[1] & second;
        self.alu[1] |= second;
        let fourth = self.busy[Demand::TwoAlu.index()] & third;
        self.busy[Demand::TwoAlu.index()] |= third;
        for demand in [Demand::Alu, Demand::AluAndMul, Demand::AluAndDiv] {
            self.busy[demand.index()] |= fourth;
        }
    }

    /// Takes what is demanded, which is not nothing.
    #[inline(always)]
    fn take(&mut self, demand: Demand, held: Cycles) {
        self.take_alu(held);
        if demand != Demand::Alu {
            self.take_more(demand, held);
        }
    }

    /// Takes what is demanded besides one ALU unit.
    fn take_more(&mut self, demand: Demand, held: Cycles) {
        match demand {
            Demand::TwoAlu => self.take_alu(held),
            Demand::AluAndMul | Demand::AluAndDiv => self.busy[demand.index()] |= held,
            Demand::Nothing | Demand::Alu => {}
        }
    }
}

/// The cycles from a start to the result, in the hour of the start and the two that follow.
#[derive(Clone, Copy)]
struct Span {
    hour: u32,
    held: [Cycles; 3],
}

impl Span {
    #[inline(always)]
    fn new(start: u32, latency: u8) -> Span {
        let (hour, cycle) = (start / HOUR, start % HOUR);
        let latency = widen_u8(latency);
        if latency <= HOUR {
            let held = Cycles::MAX >> (HOUR - latency);
            return Span { hour, held: [held << cycle, held >> 1 >> (HOUR - 1 - cycle), 0] };
        }
        let held = u128::MAX >> (2 * HOUR - latency);
        let first = low_u64(held << cycle);
        let rest = held >> 1 >> (HOUR - 1 - cycle);
        Span { hour, held: [first, low_u64(rest), low_u64(rest >> HOUR)] }
    }
}

/// Reservations in the cycles to come.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Where the value of each register comes from.
    pub(super) origins: Registers<Origin>,
    /// The hour in which the next instruction could start at the earliest. Those from here on are described.
    now: u32,
    hours: [Hour; HOURS],
    pub(super) acceleration: Acceleration,
}

impl Plan {
    pub(super) fn new(acceleration: Acceleration) -> Self {
        Plan { origins: Registers::new(), now: 0, hours: [Hour::FREE; HOURS], acceleration }
    }

    /// Ready for the next block; nothing was reserved from cycle `end` on.
    #[inline]
    pub(super) fn clear(&mut self, end: u32) {
        self.origins.clear();
        self.advance(end.div_ceil(HOUR));
        self.now = 0;
    }

    /// Forgets the hours before this one.
    #[inline(always)]
    fn advance(&mut self, now: u32) {
        while self.now < now {
            *self.hour_mut(self.now) = Hour::FREE;
            self.now += 1;
        }
    }

    /// Reserves the cycle in which an instruction decoded in `cycle`, whose sources are there in `earliest`, will start. None if
    /// the plan has to be given up.
    #[inline(always)]
    pub(super) fn schedule(&mut self, step: &Step, cycle: u32, earliest: u32) -> Option<u32> {
        self.advance((cycle + 1) / HOUR);
        let (minute, latency) = (earliest % HOUR, widen_u8(step.latency));
        let is_in_ring = to_usize(earliest / HOUR + 2 - self.now) < HOURS;
        // Nearly always one hour is all there is to look at.
        if is_in_ring & (minute + latency <= HOUR) {
            let held = (Cycles::MAX >> ((HOUR - latency) % HOUR)) << minute;
            let hour = self.hour_mut(earliest / HOUR);
            let starts = &mut hour.starts[to_usize(minute)];
            if *starts < STARTS && hour.busy[step.demand.index()] & held == 0 {
                *starts += 1;
                if step.demand != Demand::Nothing {
                    hour.take(step.demand, held);
                }
                return Some(earliest);
            }
        }
        self.schedule_later(step.demand, step.latency, earliest)
    }

    /// The same if the first cycle is no good, or what starts in it does not end in its hour.
    #[inline(never)]
    fn schedule_later(&mut self, demand: Demand, latency: u8, earliest: u32) -> Option<u32> {
        let mut start = earliest;
        loop {
            let span = self.reach(start, latency)?;
            let hour = self.hour(span.hour);
            let taken = (hour.busy[demand.index()] >> (start % HOUR)).trailing_ones();
            if taken > 0 {
                start += taken;
            } else if !self.has_start(start) {
                if self.acceleration == Acceleration::Upstream {
                    return None;
                }
                start += 1;
            } else if self.is_free(demand, &span) {
                self.reserve(demand, start, &span);
                return Some(start);
            } else {
                return None;
            }
        }
    }

    /// The span of an instruction that starts in this cycle, if it lies in the ring.
    #[inline(always)]
    fn reach(&self, start: u32, latency: u8) -> Option<Span> {
        let span = Span::new(start, latency);
        let last = span.hour + 2 - self.now;
        (to_usize(last) < HOURS).then_some(span)
    }

    /// May one more start in this cycle?
    #[inline(always)]
    fn has_start(&self, start: u32) -> bool {
        self.hour(start / HOUR).starts[to_usize(start % HOUR)] < STARTS
    }

    #[inline(always)]
    fn is_free(&self, demand: Demand, span: &Span) -> bool {
        let conflict = |hour: u32| self.hour(span.hour + hour).busy[demand.index()] & span.held[to_usize(hour)];
        conflict(0) | conflict(1) | conflict(2) == 0
    }

    #[inline(always)]
    fn reserve(&mut self, demand: Demand, start: u32, span: &Span) {
        self.hour_mut(span.hour).starts[to_usize(start % HOUR)] += 1;
        if demand == Demand::Nothing {
            return;
        }
        for (hour, held) in (span.hour..).zip(span.held) {
            if held == 0 {
                break;
            }
            self.hour_mut(hour).take(demand, held);
        }
    }

    #[inline(always)]
    fn hour(&self, hour: u32) -> &Hour {
        &self.hours[to_usize(hour) % HOURS]
    }

    #[inline(always)]
    fn hour_mut(&mut self, hour: u32) -> &mut Hour {
        &mut self.hours[to_usize(hour) % HOURS]
    }
}
