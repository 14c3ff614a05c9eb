//! A hosted guest on this repository's engines, on those of the polkavm crate, and as a native program, side by side.
//!
//! ```text
//! ELF -> pvm-linker -> blob -> { pvm, polkavm } x { compiler, interpreter } --.
//! the same source, compiled for this machine ---------------------------------+-> output, which must be the same; time
//! ```
//!
//! Rounds are interleaved; the fastest of each counts, being the least disturbed. Times are by the clock, from a fresh instance or
//! process to its end.
mod engines;
mod host;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use host::Host;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Times a guest on several engines, and natively.
#[derive(Parser)]
struct Args {
    /// The guest, an ELF file for `pvm run`
    guest: PathBuf,
    /// The same program for this machine
    native: PathBuf,
    /// A script it is given and further arguments, separated by spaces; may be repeated
    #[arg(long, required = true, value_name = "SCRIPT ARGUMENTS")]
    run: Vec<String>,
    /// Rounds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Rounds of these in which interpreters run
    #[arg(long, default_value_t = 1)]
    interpreter_rounds: u32,
    /// Stay on this core
    #[arg(long)]
    core: Option<usize>,
    /// Writes the table into this file, between the lines `<!-- compare -->` and `<!-- end of compare -->`
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

const BEGIN: &str = "<!-- compare -->\n";
const END: &str = "<!-- end of compare -->";

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(core) = args.core {
        ensure!(core < rustix::thread::CpuSet::MAX_CPU, "there is no core {core}");
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores).with_context(|| format!("core {core}"))?;
    }
    let elf = std::fs::read(&args.guest).with_context(|| args.guest.display().to_string())?;
    let linked = pvm_linker::link(&elf, &pvm_linker::Config::default()).and_then(|linked| linked.to_polkavm_blob());
    let blob = linked.with_context(|| args.guest.display().to_string())?;
    let engines = engines::all(&blob, args.interpreter_rounds > 0)?;

    let mut table = format!("| {} | native, ms |", args.guest.file_stem().unwrap_or_default().to_string_lossy());
    for (name, _) in &engines {
        write!(table, " {name} |")?;
    }
    table += &format!("\n|---|---:|{}\n", "---:|".repeat(engines.len()));
    for run in &args.run {
        eprintln!("{run} ...");
        let times = measure(&args, &engines, run).with_context(|| run.clone())?;
        let script = Path::new(run).file_name().unwrap_or_default().to_string_lossy();
        write!(table, "| {script} | {:.1} |", 1e3 * times[0].as_secs_f64())?;
        for time in &times[1..] {
            write!(table, " {:.2} |", time.as_secs_f64() / times[0].as_secs_f64())?;
        }
        table.push('\n');
    }
    write!(table, "| *from the blob to something that can run, ms* | |")?;
    for (_, engine) in &engines {
        write!(table, " {:.1} |", 1e3 * engine.preparation().as_secs_f64())?;
    }
    table.push('\n');
    print!("{table}");
    if let Some(path) = &args.markdown {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let parts = text.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
        let (head, tail) = parts.with_context(|| format!("{}: no line {}", path.display(), BEGIN.trim()))?;
        std::fs::write(path, format!("{head}{BEGIN}{table}{END}{tail}")).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The fastest of each: native, then the engines.
fn measure(args: &Args, engines: &[(&str, Box<dyn engines::Engine>)], run: &str) -> Result<Vec<Duration>> {
    let words: Vec<&str> = run.split_whitespace().collect();
    let path = words.first().context("no script")?;
    let file = std::fs::read(path).with_context(|| (*path).to_owned())?;
    let program = std::iter::once(&"program").chain(&words);
    let arguments: Vec<u8> = program.flat_map(|word| word.bytes().chain([0])).collect();
    let mut fastest = vec![Duration::MAX; engines.len() + 1];
    for round in 0..args.rounds {
        let began = Instant::now();
        let output = Command::new(&args.native).args(&words).output();
        let output = output.with_context(|| args.native.display().to_string())?;
        fastest[0] = fastest[0].min(began.elapsed());
        ensure!(output.status.success(), "natively: {}", output.status);
        for (index, (name, engine)) in engines.iter().enumerate() {
            if name.contains("interpreter") && round >= args.interpreter_rounds {
                continue;
            }
            let mut host = Host::new(&arguments, &file);
            let time = engine.run(&mut host).with_context(|| (*name).to_owned())?;
            fastest[index + 1] = fastest[index + 1].min(time);
            ensure!(host.output == output.stdout, "{name} prints something else than the native program");
        }
    }
    Ok(fastest)
}
