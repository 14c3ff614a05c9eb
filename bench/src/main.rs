//! This repository's engines against their peers on the guests of `guest/`, side by side in one run.
//!
//! Rounds are interleaved (A B C, B C A, ...); every run is checked against the checksum that the workload has natively. Guests
//! are measured in processor time, fixed costs by the clock; minima count. A table, never a pass or fail.

mod contestants;
mod marks;
mod measure;
mod memory;
mod report;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use contestants::Kind;
use std::path::PathBuf;

/// Runs guests on this repository's engines and their peers, side by side.
#[derive(Parser)]
struct Args {
    /// Rounds; each contestant runs in each
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Only guests whose name contains this; may be repeated
    #[arg(long)]
    guest: Vec<String>,
    /// Only these contestants; may be repeated or separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Not these contestants
    #[arg(long, value_enum, value_delimiter = ',')]
    without: Vec<Kind>,
    /// No fixed costs: calls, instances, memory
    #[arg(long)]
    no_fixed: bool,
    /// Nothing but fixed costs
    #[arg(long, conflicts_with = "no_fixed")]
    only_fixed: bool,
    /// Stay on this core; not for contestants that run in processes of their own
    #[arg(long)]
    core: Option<usize>,
    /// Prints what instances of a contestant take of memory; for itself, which asks new processes
    #[arg(long, value_enum, hide = true)]
    footprint: Option<Kind>,
    /// Writes all numbers as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the tables into this file, between the lines `<!-- bench -->` and `<!-- end of bench -->`
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.rounds > 0, "at least one round");
    if let Some(kind) = args.footprint {
        println!("{}", memory::Footprint::here(kind)?);
        return Ok(());
    }
    if let Some(core) = args.core {
        pin(core)?;
    }
    let is_wanted = |kind: &Kind| (args.only.is_empty() || args.only.contains(kind)) && !args.without.contains(kind);
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(is_wanted).collect();

    let mut results = report::Results { rounds: args.rounds, core: args.core, guests: Vec::new(), fixed: Vec::new() };
    if !args.no_fixed {
        eprintln!("fixed costs ...");
        results.fixed = measure::fixed(&kinds, args.rounds)?;
    }
    for workload in workloads::WORKLOADS {
        // Over in a millisecond: breadth, not a benchmark.
        let is_named = |part: &String| workload.name.contains(part.as_str());
        if args.only_fixed
            || workload.name == "kitchen-sink"
            || !(args.guest.is_empty() || args.guest.iter().any(is_named))
        {
            continue;
        }
        eprintln!("{} ...", workload.name);
        let guest = measure::guest(&workload, &kinds, args.rounds);
        results.guests.push(guest.with_context(|| format!("in {}", workload.name))?);
    }
    let tables = report::markdown(&results);
    println!("{tables}");
    if let Some(path) = args.json {
        let text = format!("{:#}\n", report::json(&results));
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = args.markdown {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let text = report::replace(&text, &tables).with_context(|| path.display().to_string())?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Stays on a core.
fn pin(core: usize) -> Result<()> {
    ensure!(core < rustix::thread::CpuSet::MAX_CPU, "there is no core {core}");
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    rustix::thread::sched_setaffinity(None, &cores).with_context(|| format!("core {core}"))
}
