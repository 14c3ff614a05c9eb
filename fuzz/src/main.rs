//! Every fuzzer in one binary: `fuzz <target>`, or `fuzz smoke` for a short run of all.
//!
//! Inputs are mutations of real ones, made from a seed; a failure prints the target and the seed that shows it again.

mod corpus;
mod random;
mod targets;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

/// An input that takes longer than this hangs, as far as a user is concerned.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Fuzzes parsers and engines with mutated inputs
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
    },
    /// Lists the targets
    List,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Smoke { seconds } => {
            let each = Duration::from_secs(seconds) / u32::try_from(TARGETS.len())?;
            for target in TARGETS {
                let end = Instant::now() + each;
                let mut seed = 1;
                while Instant::now() < end {
                    run(target, seed)?;
                    seed += 1;
                }
                println!("{}: {} inputs", target.name, seed - 1);
            }
            Ok(())
        }
        Command::Run { target, seed, runs } => {
            let Some(target) = TARGETS.iter().find(|found| found.name == target) else {
                bail!("unknown target {target}; `fuzz list` names them");
            };
            for seed in seed..seed.saturating_add(runs) {
                run(target, seed)?;
            }
            println!("{}: {runs} inputs", target.name);
            Ok(())
        }
        Command::List => {
            for target in TARGETS {
                println!("{:<12} {}", target.name, target.about);
            }
            Ok(())
        }
    }
}

fn run(target: &Target, seed: u64) -> Result<()> {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(&mut Random::new(seed))));
    let again = format!("fuzz run {} --seed {seed} --runs 1", target.name);
    if result.is_err() {
        bail!("panic; again with: {again}");
    }
    if start.elapsed() > TIME_MAX {
        bail!("took {:?}; again with: {again}", start.elapsed());
    }
    Ok(())
}
