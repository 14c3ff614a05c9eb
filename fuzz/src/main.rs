//! Every fuzzer in one binary: `fuzz run TARGET`, or `fuzz smoke` for a short run of all.
//!
//! ```text
//! seed -> generate -> Input -> check (time, memory, panics) -> failure -> shrink -> file
//! ```
//!
//! Inputs come from a seed alone, so a failure is reported with the seed that shows it again, and with a file that holds its
//! shrunk input.

mod canary;
mod corpus;
mod elf;
mod engines;
mod failure;
mod probe;
mod random;
mod runner;
mod shrink;
mod targets;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use peak_alloc::PeakAlloc;
use runner::{Options, Summary};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use targets::{Input, TARGETS, Target};

/// Counts what is allocated, so that every input's peak is known.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Fuzzes parsers, the linker and engines with mutated and generated inputs
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs all targets for a while
    Smoke {
        /// How long, all together
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        /// Prints summaries as JSON, one a line
        #[arg(long)]
        json: bool,
        /// Where failing inputs are written
        #[arg(long, default_value = "fuzz-failures")]
        failures: PathBuf,
    },
    /// Runs one target
    Run {
        /// Its name
        target: String,
        /// The first seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many inputs
        #[arg(long, default_value_t = 1_000_000)]
        runs: u64,
        /// Goes on until that many different failures are found
        #[arg(long, default_value_t = 1)]
        failures_max: usize,
        /// Prints the summary as JSON
        #[arg(long)]
        json: bool,
        /// Where failing inputs are written
        #[arg(long, default_value = "fuzz-failures")]
        failures: PathBuf,
    },
    /// Checks one input from a file
    Replay {
        /// The target's name
        target: String,
        /// The input
        file: PathBuf,
        /// What the check chooses by, as the report of the failure has it
        #[arg(long, default_value_t = 0)]
        choice: u64,
    },
    /// Writes the input of a seed to a file
    Emit {
        /// The target's name
        target: String,
        /// The seed
        seed: u64,
        /// Where to write; the ELF that the input describes, if it is none, gets the same name with .elf
        file: PathBuf,
    },
    /// Plants bugs into what the target `engines` compares, and sees that each is found
    Canary {
        /// The first seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How long each is looked for
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Prints how each was found as JSON, one a line
        #[arg(long)]
        json: bool,
    },
    /// Lists the targets
    List,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Smoke { seconds, json, failures } => {
            let each = Duration::from_secs(seconds) / u32::try_from(TARGETS.len())?;
            let mut failed = false;
            for target in TARGETS {
                let options =
                    Options { seed: 1, runs: u64::MAX, time: Some(each), failures_max: 1, failures: &failures };
                failed |= report(&runner::run(target, &options)?, json)?;
            }
            Ok(exit_code(failed))
        }
        Command::Run { target, seed, runs, failures_max, json, failures } => {
            let options = Options { seed, runs, time: None, failures_max, failures: &failures };
            Ok(exit_code(report(&runner::run(named(&target)?, &options)?, json)?))
        }
        Command::Replay { target, file, choice } => {
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let (measured, failure) = probe::check(named(&target)?, &Input { bytes, choice, origin: Vec::new() });
            println!("{measured}");
            if let Some(failure) = &failure {
                eprintln!("{failure}");
            }
            Ok(exit_code(failure.is_some()))
        }
        Command::Emit { target, seed, file } => {
            let target = named(&target)?;
            let input = (target.generate)(&mut random::Random::new(seed));
            runner::write(target, &input, &file)?;
            println!("fuzz replay {} {} --choice {}", target.name, file.display(), input.choice);
            Ok(ExitCode::SUCCESS)
        }
        Command::Canary { seed, seconds, json } => {
            let mut missed = 0;
            canary::all(seed, Duration::from_secs(seconds), |found| {
                missed += u32::from(found.seed.is_none());
                match found {
                    found if json => println!("{}", serde_json::json!(found)),
                    canary::Found { bug, seed: Some(seed), programs, seconds, .. } => {
                        println!("{seconds:7.3} s, {programs:6} programs, seed {seed:4}: {bug}");
                    }
                    canary::Found { bug, programs, seconds, .. } => {
                        println!("{seconds:7.3} s, {programs:6} programs, NOT FOUND: {bug}");
                    }
                }
            });
            Ok(exit_code(missed > 0))
        }
        Command::List => {
            for target in TARGETS {
                println!("{:<12} {}", target.name, target.about);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn named(name: &str) -> Result<&'static Target> {
    match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => Ok(target),
        None => bail!("unknown target {name}; `fuzz list` names them"),
    }
}

/// Prints a summary; has the run failed?
fn report(summary: &Summary, json: bool) -> Result<bool> {
    if json {
        println!("{}", serde_json::to_string(summary)?);
    } else {
        println!("{summary}");
    }
    Ok(!summary.failures.is_empty())
}

fn exit_code(failed: bool) -> ExitCode {
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
