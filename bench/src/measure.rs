//! Interleaved rounds: all contestants in turn, each round beginning with another one.

use crate::contestants::{Engine, Instance, Kind, Module, engine, program, small_program};
use crate::memory::Footprint;
use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};
use workloads::Workload;

/// Nanoseconds of one thing in each round.
#[derive(Clone, Default)]
pub(crate) struct Samples(pub(crate) Vec<f64>);

impl Samples {
    /// What the others would be, too, on a machine without others.
    pub(crate) fn minimum(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut samples = self.0.clone();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied().unwrap_or(f64::INFINITY)
    }
}

/// One contestant on one guest.
pub(crate) struct Times {
    pub(crate) kind: Kind,
    /// Processor time from bytes to something that can be instantiated, for the second time. Linking is not part of it.
    pub(crate) compile: Samples,
    /// Processor time of a run on an instance that has run before; time by the clock where that is in another process, whose
    /// processor time the system only tells by the tick.
    pub(crate) run: Samples,
    /// Processor time from bytes to the end of the first run; time by the clock where that is in another process.
    pub(crate) total: Samples,
}

/// All about one guest.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Bytes of the blob that polkavm-linker makes.
    pub(crate) blob_size: usize,
    pub(crate) times: Vec<Times>,
    /// Who cannot run it, and why.
    pub(crate) left_out: Vec<(Kind, String)>,
}

/// One contestant's fixed costs.
pub(crate) struct Fixed {
    pub(crate) kind: Kind,
    /// A call of a function that returns at once.
    pub(crate) empty_call: Samples,
    /// A call from the guest to the host and back.
    pub(crate) host_call: Samples,
    /// A fresh instance, made and dropped.
    pub(crate) instantiate: Samples,
    /// The same with an empty call between.
    pub(crate) instantiate_and_call: Samples,
    pub(crate) footprint: Footprint,
}

struct Runner<'a> {
    engine: Box<dyn Engine>,
    program: Vec<u8>,
    workload: &'a Workload,
    times: Times,
}

impl Runner<'_> {
    fn round(&mut self, counts: bool) -> Result<()> {
        let begin = Stopwatch::start();
        let module = self.engine.load(&self.program)?;
        let mut instance = module.start()?;
        let first = instance.run()?;
        let total = if instance.pid().is_some() { begin.clock() } else { begin.processor() };
        let expected = self.workload.checksum;
        ensure!(first == expected, "returned {first:#x}, not {expected:#x}");
        drop((instance, module));
        // When the same engine has just done the same, so that it does not matter who was there before.
        let begin = Stopwatch::start();
        let module = self.engine.load(&self.program)?;
        let compile = begin.processor();
        drop(module);
        let run = self.execution()?;
        if counts {
            for (samples, time) in
                [(&mut self.times.compile, compile), (&mut self.times.run, run), (&mut self.times.total, total)]
            {
                samples.0.push(time.as_secs_f64() * 1e9);
            }
        }
        Ok(())
    }

    /// The second run, on another engine each time: where in memory machine code lies makes up to a fifth of a difference where there
    /// is much of it, and one engine may put it there again and again.
    fn execution(&self) -> Result<Duration> {
        let engine = engine(self.times.kind)?;
        let mut instance = engine.load(&self.program)?.start()?;
        instance.run()?;
        let is_elsewhere = instance.pid().is_some();
        let mut run = Duration::MAX;
        // What is taken by the clock must be tried more often to be undisturbed once.
        for _ in 0..if is_elsewhere { RUNS_ELSEWHERE } else { 1 } {
            let begin = Stopwatch::start();
            let result = instance.run()?;
            run = run.min(if is_elsewhere { begin.clock() } else { begin.processor() });
            let expected = self.workload.checksum;
            ensure!(result == expected, "returned {result:#x}, not {expected:#x}");
        }
        Ok(run)
    }
}

/// Runs in each round for guests in processes of their own, of which the best counts.
const RUNS_ELSEWHERE: usize = 4;

struct Stopwatch {
    clock: Instant,
    processor: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Stopwatch { clock: Instant::now(), processor: thread_time() }
    }

    fn clock(&self) -> Duration {
        self.clock.elapsed()
    }

    fn processor(&self) -> Duration {
        thread_time().saturating_sub(self.processor)
    }
}

/// Time that this thread has spent on a processor: what others do on the machine counts as little as possible.
fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("time spent is not negative")
}

/// Measures a guest.
///
/// # Errors
/// If a contestant cannot load or run it, or returns a wrong checksum.
pub(crate) fn guest(workload: &Workload, kinds: &[Kind], rounds: usize) -> Result<Measured> {
    let mut runners = Vec::new();
    for &kind in kinds {
        let times = Times { kind, compile: Samples::default(), run: Samples::default(), total: Samples::default() };
        let program = program(kind, workload).with_context(|| kind.name())?;
        runners.push(Runner { engine: engine(kind).with_context(|| kind.name())?, program, workload, times });
    }
    // The round before the first warms up caches and the clock of the core, and shows who cannot run the guest.
    let mut left_out = Vec::new();
    let mut able = Vec::new();
    for mut runner in runners {
        let kind = runner.times.kind;
        match runner.round(false) {
            Ok(()) => able.push(runner),
            Err(error) if kind.is_ours() => return Err(error.context(kind.name())),
            Err(error) => left_out.push((kind, format!("{error:#}"))),
        }
    }
    for round in 0..rounds {
        for turn in 0..able.len() {
            let index = (round + turn) % able.len();
            let runner = &mut able[index];
            runner.round(true).with_context(|| runner.times.kind.name())?;
        }
    }
    Ok(Measured {
        name: workload.name,
        blob_size: program(Kind::Pvm, workload)?.len(),
        times: able.into_iter().map(|runner| runner.times).collect(),
        left_out,
    })
}

/// So many in a batch: short enough for some to run undisturbed.
const EMPTY_CALLS: u64 = 500;
/// So many in a call of the guest: where a machine needs stack for each, there is enough.
const HOST_CALLS: u64 = 1_000;
const INSTANCES: u64 = 20;
/// Batches are repeated for so long, in each round.
const BUDGET: Duration = Duration::from_millis(20);

/// Measures what does not depend on the guest.
///
/// # Errors
/// If a contestant cannot load or run the small guest.
pub(crate) fn fixed(kinds: &[Kind], rounds: usize) -> Result<Vec<Fixed>> {
    let mut modules: Vec<(Box<dyn Module>, Fixed)> = Vec::new();
    for &kind in kinds.iter().filter(|kind| **kind != Kind::Native) {
        let of = || -> Result<_> {
            let module = engine(kind)?.load(&small_program(kind)?)?;
            let footprint = Footprint::of(kind)?;
            Ok((module, footprint))
        };
        let (module, footprint) = of().with_context(|| kind.name())?;
        let samples = Samples::default;
        let fixed = Fixed {
            kind,
            empty_call: samples(),
            host_call: samples(),
            instantiate: samples(),
            instantiate_and_call: samples(),
            footprint,
        };
        modules.push((module, fixed));
    }
    for round in 0..=rounds {
        for turn in 0..modules.len() {
            let index = (round + turn) % modules.len();
            let (module, fixed) = &mut modules[index];
            let times = fixed_round(&**module).with_context(|| fixed.kind.name())?;
            if round > 0 {
                let all = [
                    &mut fixed.empty_call,
                    &mut fixed.host_call,
                    &mut fixed.instantiate,
                    &mut fixed.instantiate_and_call,
                ];
                for (samples, time) in all.into_iter().zip(times) {
                    samples.0.push(time);
                }
            }
        }
    }
    Ok(modules.into_iter().map(|(_, fixed)| fixed).collect())
}

fn fixed_round(module: &dyn Module) -> Result<[f64; 4]> {
    let mut instance = module.start()?;
    instance.call_empty(10)?;
    let empty_call = best(EMPTY_CALLS, || instance.call_empty(EMPTY_CALLS))?;
    let host_call = best(HOST_CALLS, || {
        let calls = instance.call_host(HOST_CALLS)?;
        ensure!(calls == HOST_CALLS, "the host was called {calls} times, not {HOST_CALLS}");
        Ok(())
    })?;
    drop(instance);
    let instantiate = best(INSTANCES, || (0..INSTANCES).try_for_each(|_| module.start().map(drop)))?;
    let instantiate_and_call = best(INSTANCES, || (0..INSTANCES).try_for_each(|_| module.start()?.call_empty(1)))?;
    Ok([empty_call, host_call, instantiate, instantiate_and_call])
}

/// Nanoseconds of each of `count` things that `batch` does, in the best batch.
fn best(count: u64, mut batch: impl FnMut() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while best == Duration::MAX || begin.elapsed() < BUDGET {
        let begin = Instant::now();
        batch()?;
        best = best.min(begin.elapsed());
    }
    Ok(best.as_secs_f64() * 1e9 / crate::report::float(count))
}

/// Fresh instances, all alive, each having run once.
///
/// # Errors
/// If one cannot be made.
pub(crate) fn alive(module: &dyn Module, count: usize) -> Result<Vec<Box<dyn Instance>>> {
    let mut instances = Vec::with_capacity(count);
    for _ in 0..count {
        let mut instance = module.start()?;
        instance.call_empty(1)?;
        instances.push(instance);
    }
    Ok(instances)
}
