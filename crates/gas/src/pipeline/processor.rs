//! The processor: decodes a block in program order, planning ahead as long as that is exact and simulating from then on.
//!
//! Instructions are handed in one by one, so the processor stands still inside the decode phase of a cycle: it decodes at once if
//! the cycle still has room, and else goes on to the next that has. A block's price is the largest cycle F in which a result is
//! available, less 1 (gas-model.md 7).

use super::classes::Step;
use super::plan::Plan;
use super::simulate::Events;
use super::window::{Entry, Origin, Window};
use crate::rule::Acceleration;
use pvm_num::casts::widen_u8;

/// Decode slots per cycle.
pub(crate) const SLOTS: u8 = 4;

/// Watches a processor. Entries are numbered in order of decoding, renames not counted.
pub(crate) trait Observer {
    /// The next instruction was decoded; `entry` is none for a rename.
    fn decoded(&mut self, entry: Option<u32>, cycle: u32);
    /// An entry starts. Of several reports on the same entry the last one counts: a plan may be given up.
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
pub(crate) struct Processor {
    pub(super) cycle: u32,
    /// Decode slots left in this cycle.
    pub(super) slots: u8,
    /// Largest F of all.
    pub(super) end: u32,
    /// Does the plan hold? If not, `events` does.
    is_planned: bool,
    pub(super) window: Window,
    pub(super) plan: Plan,
    pub(super) events: Events,
}

impl Processor {
    pub(crate) fn new(acceleration: Acceleration) -> Self {
        let mut processor = Processor {
            cycle: 0,
            slots: SLOTS,
            end: 0,
            is_planned: true,
            window: Window::new(),
            plan: Plan::new(acceleration),
            events: Events::new(),
        };
        processor.reset();
        processor
    }

    /// Ready for the next block.
    #[inline]
    pub(crate) fn reset(&mut self) {
        if self.is_planned {
            self.plan.clear(self.end);
        }
        self.cycle = 0;
        self.slots = SLOTS;
        self.end = 0;
        self.is_planned = true;
        self.window.clear();
    }

    /// Takes the next instruction of the block.
    #[inline]
    pub(crate) fn push(&mut self, step: &Step, observer: &mut impl Observer) {
        if !self.is_planned {
            return self.simulate(*step, observer);
        }
        // No case distinction: how many slots are left is hard to foresee.
        let is_full = step.slots > self.slots;
        self.cycle += u32::from(is_full);
        self.slots = if is_full { SLOTS } else { self.slots };
        if !self.window.has_room(self.cycle) {
            self.cycle = self.window.release();
            self.slots = SLOTS;
        }
        self.slots -= step.slots;
        let sources = step.sources.all().map(|cell| self.plan.origins.get(cell));
        if step.is_rename {
            observer.decoded(None, self.cycle);
            self.plan.origins.set(step.destination, sources[1]);
            return;
        }
        observer.decoded(Some(self.window.tail), self.cycle);
        let available = sources[0].max(sources[1]).max(sources[2]).cycle();
        let Some(start) = self.plan.schedule(step, self.cycle, available.max(self.cycle + 1)) else {
            self.give_up_plan();
            return self.enter(step);
        };
        observer.started(self.window.tail, start);
        let finish = start + widen_u8(step.latency);
        let origin = Origin::new(finish, Window::place(self.window.tail));
        self.plan.origins.set(step.destination, origin);
        let Step { units, demand, latency, .. } = *step;
        self.window.append(Entry { sources, finish, units, demand, latency });
        self.end = self.end.max(finish);
    }

    /// Runs the block to its end and returns its price.
    #[inline]
    pub(crate) fn finish(&mut self, observer: &mut impl Observer) -> u32 {
        if !self.is_planned {
            self.simulate_rest(observer);
        }
        self.end.saturating_sub(1).max(1)
    }

    /// Goes over to simulation, in the decode phase of the current cycle: what the plan said of earlier cycles has happened.
    #[cold]
    fn give_up_plan(&mut self) {
        self.is_planned = false;
        let planned_end = self.end;
        self.end = self.events.resume(self.cycle, &mut self.window, &self.plan.origins);
        self.plan.clear(planned_end);
    }
}
