//! Interleaved rounds of one guest on all contestants.

use crate::contestants::{Kind, load, program};
use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;
use workloads::Workload;

/// Times of one contestant.
pub(crate) struct Times {
    pub(crate) kind: Kind,
    /// From bytes to something that can be instantiated, once. Linking is not part of it.
    pub(crate) load: Duration,
    /// For each round, from a module to an instance.
    pub(crate) start: Vec<Duration>,
    /// For each round, the run on a fresh instance. What a machine translates when it first meets it is part of it.
    pub(crate) run: Vec<Duration>,
}

/// All about one guest.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// PVM instructions of a run on the blob of polkavm-linker.
    pub(crate) instructions: u64,
    pub(crate) times: Vec<Times>,
}

/// Measures a guest.
///
/// # Errors
/// If a contestant cannot load or run it, or returns a wrong checksum.
pub(crate) fn measure(workload: &Workload, kinds: &[Kind], rounds: usize, has_gas: bool) -> Result<Measured> {
    let mut contestants = Vec::new();
    for &kind in kinds {
        let program = program(kind, workload).with_context(|| kind.name())?;
        let begin = now();
        let contestant = load(kind, &program, workload, has_gas).with_context(|| kind.name())?;
        let times = Times { kind, load: now().saturating_sub(begin), start: Vec::new(), run: Vec::new() };
        contestants.push((contestant, times));
    }
    let count = contestants.len();
    // The round before the first warms up caches and the clock of the core.
    for round in 0..=rounds {
        for turn in 0..count {
            let (contestant, times) = &mut contestants[(round + turn) % count];
            let begin = now();
            contestant.start().with_context(|| times.kind.name())?;
            let start = now().saturating_sub(begin);
            let begin = now();
            let checksum = contestant.run().with_context(|| times.kind.name())?;
            let run = now().saturating_sub(begin);
            let name = times.kind.name();
            ensure!(checksum == workload.checksum, "{name}: returned {checksum:#x}, not {:#x}", workload.checksum);
            if round > 0 {
                times.start.push(start);
                times.run.push(run);
            }
        }
    }
    Ok(Measured {
        name: workload.name,
        instructions: count_instructions(workload)?,
        times: contestants.into_iter().map(|(_, times)| times).collect(),
    })
}

/// Time that this thread has spent on a processor: what others do on the machine counts as little as possible. All contestants
/// run on the thread that calls them.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time spent is not negative")
}

fn count_instructions(workload: &Workload) -> Result<u64> {
    let mut counter = load(Kind::Pvm, &program(Kind::Pvm, workload)?, workload, true)?;
    counter.start()?;
    counter.run()?;
    counter.instructions().context("gas counts instructions")
}
