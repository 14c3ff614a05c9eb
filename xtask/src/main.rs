//! `cargo xtask`: project chores from the command line.

use anyhow::{Context, Result, bail};
use pvm_xtask::{DOCUMENTS, ci, fixtures, guests, root, tidy};

const HELP: &str = "\
cargo xtask COMMAND

  ci                everything a change must pass: format, lints, tests, fuzz smoke
  bare              compiles what needs no `std` for targets without it, as far as they are installed; part of ci
  tidy              rules the compiler does not check; also run as a test
  bless             renews generated files and snapshots
  fixtures          rebuilds the guest programs (needs guest/setup.sh)
  guests            runs every command of docs/guests.md (needs guest/setup.sh once)
  fixtures --check  are the committed guest programs those of the committed sources? Also run as a test";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["ci"] => ci::run(),
        ["bare"] => ci::bare(),
        ["tidy"] => report("tidy", &tidy::problems()),
        ["bless"] => {
            for (path, text) in DOCUMENTS {
                std::fs::write(root().join(path), text()).context(path)?;
            }
            ci::bless()
        }
        ["guests"] => guests::run(),
        ["fixtures"] => fixtures::build(),
        ["fixtures", "--check"] => report("fixtures", &fixtures::problems()?),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("unknown command\n\n{HELP}"),
    }
}

fn report(what: &str, problems: &[String]) -> Result<()> {
    for problem in problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        println!("{what}: nothing to report");
        return Ok(());
    }
    bail!("{what}: {} problems", problems.len())
}
