//! CI: the steps a change must pass, in the order in which they fail fastest.

use crate::root;
use anyhow::{Context, Result, ensure};
use std::process::Command;
use std::time::Instant;

/// Runs all steps; stops at the first that fails.
///
/// # Errors
/// The step that failed.
pub fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"], &[])?;
    cargo(&["test", "--workspace", "--locked"], &[])?;
    cargo(&["run", "--release", "--locked", "--package", "pvm-fuzz", "--", "smoke"], &[])
}

/// Renews snapshots by running the tests in blessing mode.
///
/// # Errors
/// If the tests fail for another reason than a snapshot.
pub fn bless() -> Result<()> {
    cargo(&["test", "--workspace"], &[("PVM_BLESS", "1")])
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let line = format!("cargo {}", arguments.join(" "));
    eprintln!("==> {line}");
    let start = Instant::now();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start: {line}"))?;
    ensure!(status.success(), "failed: {line}");
    eprintln!("==> {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
