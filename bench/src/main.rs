//! The interpreter against its peers on the CPU-bound guests, side by side in one run.
//!
//! Rounds are interleaved (A B C, B C A, ...) and the process is pinned to a core; every run is checked against the
//! checksum that the workload has natively. Times are processor time of the thread. A table, never a pass or fail.

mod contestants;
mod measure;
mod report;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use contestants::Kind;
use std::{io::Write, path::PathBuf};

/// Runs the CPU-bound guests on this repository's interpreter and its peers, side by side.
#[derive(Parser)]
struct Args {
    /// Rounds; each contestant runs once in each
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Only guests whose name contains this; may be repeated
    #[arg(long)]
    guest: Vec<String>,
    /// Only these contestants; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Kind>,
    /// With gas metering (one per instruction, synchronous; fuel for wasmi)
    #[arg(long)]
    gas: bool,
    /// The core to stay on
    #[arg(long, default_value_t = 1)]
    core: usize,
    /// Writes the numbers as JSON to this file, or to the standard output if it is `-`
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.rounds > 0, "at least one round");
    let is_pinned = pin(args.core);
    let contestants = if args.only.is_empty() { Kind::ALL.to_vec() } else { args.only.clone() };
    let is_wanted = |name: &str| args.guest.is_empty() || args.guest.iter().any(|part| name.contains(part.as_str()));

    let mut guests = Vec::new();
    for workload in workloads::WORKLOADS {
        // Over in a millisecond: breadth, not a benchmark.
        if workload.name == "kitchen-sink" || !is_wanted(workload.name) {
            continue;
        }
        eprintln!("{} ...", workload.name);
        let guest = measure::measure(&workload, &contestants, args.rounds, args.gas);
        guests.push(guest.with_context(|| format!("in {}", workload.name))?);
    }
    ensure!(!guests.is_empty(), "no guest has such a name");

    let conditions =
        report::Conditions { rounds: args.rounds, has_gas: args.gas, core: is_pinned.then_some(args.core) };
    match args.json {
        Some(path) if path.as_os_str() == "-" => println!("{:#}", report::json(&conditions, &guests)),
        Some(path) => {
            let mut file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
            writeln!(file, "{:#}", report::json(&conditions, &guests))?;
            print!("{}", report::text(&conditions, &guests));
        }
        None => print!("{}", report::text(&conditions, &guests)),
    }
    Ok(())
}

/// Whether the process now stays on the core.
fn pin(core: usize) -> bool {
    if core >= rustix::thread::CpuSet::MAX_CPU {
        return false;
    }
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores).is_ok()
}
