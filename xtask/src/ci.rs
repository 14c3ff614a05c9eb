//! CI: the steps a change must pass, in the order in which they fail fastest.

use crate::root;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The crates that run on any host: no `std`, no operating system.
const BARE_CRATES: [&str; 5] = ["pvm-num", "pvm-isa", "pvm-program", "pvm-gas", "pvm-interpreter"];
/// Hosts without an operating system: a Wasm runtime of 32 bits, a bare machine of 64.
const BARE_TARGETS: [&str; 2] = ["wasm32v1-none", "riscv64imac-unknown-none-elf"];

/// The guest SDK and the guests of it that run on the host too.
const SDK_PACKAGES: [&str; 4] = ["pvm-guest", "pvm-guest-macros", "sdk", "abi-rust"];

/// Runs all steps; stops at the first that fails.
///
/// # Errors
/// The step that failed.
pub fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"], &[])?;
    bare()?;
    cargo(&["test", "--workspace", "--locked"], &[])?;
    guest_sdk()?;
    cargo(&["run", "--release", "--locked", "--package", "pvm-fuzz", "--", "canary"], &[])?;
    cargo(&["run", "--release", "--locked", "--package", "pvm-fuzz", "--", "smoke"], &[])
}

/// Compiles the crates that need no `std` for targets that have none; skips a target whose `core` is not installed, for a fresh
/// machine has only its own.
///
/// # Errors
/// The crate that does not compile.
pub fn bare() -> Result<()> {
    let packages = BARE_CRATES.iter().flat_map(|name| ["--package", name]);
    let check: Vec<&str> = ["check", "--locked"].into_iter().chain(packages).collect();
    for target in BARE_TARGETS {
        if is_installed(target)? {
            cargo(&[check.as_slice(), &["--target", target]].concat(), &[])?;
        } else {
            eprintln!("==> not checked without std for {target}; to do so: rustup target add {target}");
        }
    }
    Ok(())
}

/// Tests the SDK of Rust guests on the host, which needs none of the guest toolchain.
fn guest_sdk() -> Result<()> {
    let packages = SDK_PACKAGES.iter().flat_map(|name| ["--package", name]);
    let test = ["test", "--manifest-path", "guest/Cargo.toml", "--locked"];
    cargo(&test.into_iter().chain(packages).collect::<Vec<_>>(), &[])
}

/// Does the toolchain have libraries for this target?
fn is_installed(target: &str) -> Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(root())
        .output()
        .context("cannot start rustc")?;
    Ok(output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
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
