//! Compares this repository's linker with `polkavm-linker` 0.37 on every guest; `--help` says how.

use pvm_oracle::measure::{Linker, measure};
use pvm_oracle::profile::{Profile, side_by_side};
use pvm_oracle::{Guest, Target, guests, link_ours_with_names, link_theirs_with_names, table};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo run --release --bin compare -- [options]

  --level N           only this level of ours, instead of 1, 2 and gas; may be repeated; `gas` is level 2 with
                      `--optimize gas`
  --guest NAME        only this guest; may be repeated
  --target NAME       latest, revive_v1 or jam_v1 [latest]
  --json              print JSON
  --write             write docs/linker-comparison.md
  --diff GUEST        instructions by function, by opcode and by pair of opcodes, theirs beside ours, in the code and in a
                      run, those first where ours executes most more
";

struct Options {
    levels: Vec<Linker>,
    guests: Vec<String>,
    target: Target,
    is_json: bool,
    is_write: bool,
    diff: Option<String>,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        levels: Vec::new(),
        guests: Vec::new(),
        target: Target::Latest,
        is_json: false,
        is_write: false,
        diff: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--level" => options.levels.push(match value()?.as_str() {
                "gas" => Linker::OursForGas,
                level => Linker::Ours(level.parse().map_err(|_| HELP)?),
            }),
            "--guest" => options.guests.push(value()?),
            "--target" => {
                options.target = match value()?.as_str() {
                    "latest" => Target::Latest,
                    "revive_v1" => Target::ReviveV1,
                    "jam_v1" => Target::JamV1,
                    _ => return Err(HELP.into()),
                };
            }
            "--json" => options.is_json = true,
            "--write" => options.is_write = true,
            "--diff" => options.diff = Some(value()?),
            _ => return Err(HELP.into()),
        }
    }
    if options.levels.is_empty() {
        options.levels = vec![Linker::Ours(1), Linker::Ours(2), Linker::OursForGas];
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    let mut guests = guests();
    if options.target != Target::Latest {
        // The other sets have no 32-bit registers, and not all instructions of one guest.
        guests.retain(|guest| guest.is_64_bit() && !guest.name.starts_with("abi-c"));
    }
    if let Some(name) = &options.diff {
        let guest = guests.iter().find(|guest| guest.name == *name).ok_or_else(|| format!("no guest {name}"))?;
        return diff(guest, options);
    }
    guests.retain(|guest| options.guests.is_empty() || options.guests.contains(&guest.name));
    let mut linkers = vec![Linker::Theirs];
    linkers.extend(&options.levels);
    let row =
        |guest: &Guest| measure(guest, options.target, &linkers).map_err(|error| format!("{}: {error}", guest.name));
    let rows: Vec<_> = guests.iter().map(row).collect::<Result<_, _>>()?;
    let text = match options.is_json {
        true => table::json(&linkers, &rows),
        false => table::markdown("cd oracle && cargo run --release --bin compare -- --write", &linkers, &rows),
    };
    if options.is_write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/linker-comparison.md");
        return std::fs::write(path, text).map_err(|error| error.to_string());
    }
    print(&text)
}

/// To standard output; a reader that has seen enough is no error.
fn print(text: &str) -> Result<(), String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn diff(guest: &Guest, options: &Options) -> Result<(), String> {
    let levels = options.levels.iter().filter_map(|linker| match linker {
        Linker::Ours(level) => Some(*level),
        _ => None,
    });
    let level = levels.last().unwrap_or(2);
    let theirs = Profile::new(guest, &link_theirs_with_names(&guest.elf, options.target, 2)?)?;
    let ours = Profile::new(guest, &link_ours_with_names(&guest.elf, options.target, level)?)?;
    for (title, theirs, ours) in [
        ("function", &theirs.functions, &ours.functions),
        ("opcode", &theirs.opcodes, &ours.opcodes),
        ("pair of opcodes", &theirs.pairs, &ours.pairs),
    ] {
        print(&side_by_side(title, theirs, ours))?;
    }
    Ok(())
}
