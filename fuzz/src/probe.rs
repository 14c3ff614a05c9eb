//! Probes: one input through one target, with time, memory and panics observed.

use crate::ALLOCATOR;
use crate::failure::{self, Failure, MEMORY_MAX, TIME_MAX};
use crate::targets::{Input, Target};
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::time::Duration;

/// Observes what a target does while it checks an input.
pub(crate) struct Probe {
    /// Allocated before.
    base: usize,
    /// Most allocated at a time since, in bytes, as far as it counts.
    peak: usize,
}

impl Probe {
    fn start() -> Probe {
        ALLOCATOR.reset_peak_usage();
        Probe { base: ALLOCATOR.current_usage(), peak: 0 }
    }

    fn sample(&mut self) {
        self.peak = self.peak.max(ALLOCATOR.peak_usage().saturating_sub(self.base));
    }

    /// Does what a fuzzer does and no user, such as keeping a listing as a string: its memory does not count.
    pub(crate) fn uncounted<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.sample();
        let result = work();
        ALLOCATOR.reset_peak_usage();
        result
    }
}

/// What was observed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Did the input get past the first checks?
    pub(crate) accepted: bool,
    /// Of the processor: what other processes do does not count.
    pub(crate) time: Duration,
    /// Most bytes allocated at a time.
    pub(crate) peak: usize,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accepted = if self.accepted { "accepted" } else { "rejected" };
        write!(f, "{accepted}, {:?}, {} bytes allocated at most", self.time, self.peak)
    }
}

/// How long this thread has run.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("no thread has run for a negative time")
}

/// Checks one input.
pub(crate) fn check(target: &Target, input: &Input) -> (Measured, Option<Failure>) {
    let mut probe = Probe::start();
    let start = processor_time();
    let result = failure::catch(|| (target.check)(input, &mut probe));
    let time = processor_time().saturating_sub(start);
    probe.sample();
    let measured = Measured { accepted: *result.as_ref().unwrap_or(&true), time, peak: probe.peak };
    let failure = match result {
        Err(failure) => Some(failure),
        Ok(_) if time > TIME_MAX => Some(Failure::Slow(time)),
        Ok(_) if probe.peak > MEMORY_MAX => Some(Failure::Large { bytes: probe.peak }),
        Ok(_) => None,
    };
    (measured, failure)
}
