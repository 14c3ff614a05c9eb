//! Runs: many inputs through one target, with a watchdog, a progress line and a summary.

use crate::failure::{Failure, MEMORY_MAX, Report, TIME_MAX};
use crate::random::Random;
use crate::targets::{Input, Target};
use crate::{probe, shrink};
use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use pvm_num::casts::to_u64;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Inputs between looks at the clock. Each batch has a thread of its own, whose name says which inputs they are: that is
/// all that is known after a stack overflow.
const BATCH: u64 = 256;
/// The stack that threads have by default, which users of the library run it on.
const STACK_SIZE: usize = 2 << 20;
/// An input that takes so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to run.
pub(crate) struct Options<'a> {
    /// The first seed.
    pub(crate) seed: u64,
    /// How many inputs.
    pub(crate) runs: u64,
    /// How long, at most.
    pub(crate) time: Option<Duration>,
    /// Different failures after which to stop.
    pub(crate) failures_max: usize,
    /// Folder for failing inputs.
    pub(crate) failures: &'a Path,
}

/// What came out.
#[derive(Serialize, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) target: &'static str,
    /// The first seed.
    pub(crate) seed: u64,
    pub(crate) runs: u64,
    /// Inputs that got past the first checks.
    pub(crate) accepted: u64,
    pub(crate) seconds: f64,
    /// Most bytes that one input had allocated at a time.
    pub(crate) peak_bytes: u64,
    /// The seed of that input.
    pub(crate) peak_seed: u64,
    pub(crate) slowest_seconds: f64,
    /// The seed of the slowest input.
    pub(crate) slowest_seed: u64,
    /// Runs with a failure that another run had before.
    pub(crate) repeated_failures: u64,
    pub(crate) failures: Vec<Report>,
    /// What occurred in the inputs, where a target counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<serde_json::Value>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { target, runs, accepted, seconds, .. } = self;
        write!(f, "{target}: {runs} inputs, {accepted} accepted, in {seconds:.0} s; ")?;
        write!(f, "at most {} bytes (seed {}), ", self.peak_bytes, self.peak_seed)?;
        write!(f, "slowest {:.3} s (seed {}); ", self.slowest_seconds, self.slowest_seed)?;
        write!(f, "{} failures, {} repeated", self.failures.len(), self.repeated_failures)?;
        for failure in &self.failures {
            write!(
                f,
                "\n  {} (seed {}, {} bytes)\n  again: {}",
                failure.message, failure.seed, failure.bytes, failure.again
            )?;
        }
        Ok(())
    }
}

/// Runs a target.
///
/// # Errors
/// If a failing input cannot be written.
pub(crate) fn run(target: &'static Target, options: &Options<'_>) -> Result<Summary> {
    let start = Instant::now();
    let mut summary = Summary { target: target.name, seed: options.seed, ..Summary::default() };
    let bar = progress_bar(target, options);
    let mut seeds = options.seed..options.seed.saturating_add(options.runs);
    let running = Mutex::new(None);
    let done = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| watch(target, options, &running, &done));
        let result = (|| {
            while !seeds.is_empty() && summary.failures.len() < options.failures_max {
                if options.time.is_some_and(|time| start.elapsed() >= time) {
                    break;
                }
                let batch = seeds.start..seeds.end.min(seeds.start.saturating_add(BATCH));
                seeds.start = batch.end;
                let name =
                    format!("fuzz run {} --seed {} --runs {}", target.name, batch.start, batch.end - batch.start);
                let all = || {
                    batch.clone().try_for_each(|seed| {
                        *running.lock().expect("the watchdog does not panic") = Some((seed, Instant::now()));
                        run_one(target, seed, options, &mut summary)
                    })
                };
                std::thread::scope(|scope| {
                    let thread = Builder::new().name(name).stack_size(STACK_SIZE).spawn_scoped(scope, all)?;
                    thread.join().map_err(|_| anyhow!("the fuzzer itself panicked"))?
                })?;
                *running.lock().expect("the watchdog does not panic") = None;
                bar.set_position(summary.runs);
                bar.set_message(format!("{} MiB, {} failures", summary.peak_bytes >> 20, summary.failures.len()));
            }
            Ok(())
        })();
        done.store(true, Ordering::Relaxed);
        result
    });
    bar.finish_and_clear();
    summary.seconds = start.elapsed().as_secs_f64();
    summary.coverage = target.coverage.map(|coverage| coverage());
    result.map(|()| summary)
}

fn progress_bar(target: &Target, options: &Options<'_>) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} {msg}");
    let bar = if options.time.is_some() { ProgressBar::no_length() } else { ProgressBar::new(options.runs) };
    bar.with_prefix(target.name).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Generates and checks one input.
fn run_one(target: &Target, seed: u64, options: &Options<'_>, summary: &mut Summary) -> Result<()> {
    if summary.failures.len() >= options.failures_max {
        return Ok(());
    }
    let input = (target.generate)(&mut Random::new(seed));
    let (measured, failure) = probe::check(target, &input);
    summary.runs += 1;
    summary.accepted += u64::from(measured.accepted);
    if to_u64(measured.peak) > summary.peak_bytes {
        (summary.peak_bytes, summary.peak_seed) = (to_u64(measured.peak), seed);
    }
    if measured.time.as_secs_f64() > summary.slowest_seconds {
        (summary.slowest_seconds, summary.slowest_seed) = (measured.time.as_secs_f64(), seed);
    }
    let Some(failure) = failure else { return Ok(()) };
    if summary.failures.iter().any(|known| known.kind == failure.kind()) {
        summary.repeated_failures += 1;
        return Ok(());
    }
    let input = shrink::shrink(target, input, &failure);
    // The message of the shrunk input, which is the one somebody will look at.
    let failure = probe::check(target, &input).1.unwrap_or(failure);
    let file = write_failing(target, seed, &input, options.failures)?;
    summary.failures.push(Report::new(&failure, seed, &input, file, target.name));
    Ok(())
}

/// Writes an input to a file, and the ELF it describes beside it.
///
/// # Errors
/// If one cannot be written.
pub(crate) fn write(target: &Target, input: &Input, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, &input.bytes))
        .and_then(|()| target.elf.map_or(Ok(()), |elf| std::fs::write(path.with_extension("elf"), elf(input))))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a failing input to a file of its own.
fn write_failing(target: &Target, seed: u64, input: &Input, folder: &Path) -> Result<String> {
    let path = folder.join(format!("{}-{seed}", target.name));
    write(target, input, &path)?;
    Ok(path.display().to_string())
}

/// Ends the process if an input runs for too long, since nothing else can stop it.
fn watch(target: &Target, options: &Options<'_>, running: &Mutex<Option<(u64, Instant)>>, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(50));
        let Some((seed, start)) = *running.lock().expect("runs do not panic while they hold it") else { continue };
        // Shrinking a slow input takes its time, too.
        if start.elapsed() > PATIENCE + shrink::TIME_MAX {
            let input = (target.generate)(&mut Random::new(seed));
            let file = write_failing(target, seed, &input, options.failures).unwrap_or_else(|error| error.to_string());
            let report = Report::new(&Failure::Slow(start.elapsed()), seed, &input, file, target.name);
            eprintln!("{}: {} (seed {seed}), and does not end\nagain: {}", target.name, report.message, report.again);
            std::process::exit(1);
        }
    }
}

const _: () = assert!(PATIENCE.as_secs() > TIME_MAX.as_secs() && MEMORY_MAX > STACK_SIZE);
