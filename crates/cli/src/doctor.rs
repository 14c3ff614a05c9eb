//! `pvm doctor`: what this machine can build and run, and what is missing.

use crate::failure::{Cause, Outcome};
use crate::output::{print_json, write_stdout};
use crate::sdk;
use crate::toolchain::{RustToolchain, c_advice, missing_c_tools, rust_advice};
use clap::Args;
use pvm::{BackendKind, SandboxKind};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `pvm doctor`.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit code 0: guests can be built in Rust, C and C++, and the compiler runs them. 5: something is missing, which is
marked, with what to do about it.")]
pub(crate) struct DoctorArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is.
    Ok,
    /// It is not.
    Missing,
    /// It is good to know, and matters to nobody.
    Note,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// What it is about.
    name: &'static str,
    state: State,
    /// What was found.
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Check {
    fn new(name: &'static str, is_ok: bool, found: String, advice: impl FnOnce() -> String) -> Check {
        let state = if is_ok { State::Ok } else { State::Missing };
        Check { name, state, found, advice: (!is_ok).then(advice) }
    }

    fn note(name: &'static str, found: String) -> Check {
        Check { name, state: State::Note, found, advice: None }
    }
}

/// Looks at everything.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn doctor(args: &DoctorArgs) -> Outcome {
    let checks: Vec<Check> = [rust(), c(), engines()].into_iter().flatten().collect();
    if args.json {
        print_json(&checks)?;
    } else {
        let mut text = String::new();
        for check in &checks {
            let mark = match check.state {
                State::Ok => "ok",
                State::Missing => "MISSING",
                State::Note => "",
            };
            text += &format!("{mark:<8}{:<22}{}\n", check.name, check.found);
            for line in check.advice.iter().flat_map(|advice| advice.lines()) {
                text += &format!("{:30}-> {line}\n", "");
            }
        }
        write_stdout(text.as_bytes())?;
    }
    let is_all = checks.iter().all(|check| check.state != State::Missing);
    Ok(if is_all { ExitCode::SUCCESS } else { ExitCode::from(Cause::Missing.exit_code(false)) })
}

fn rust() -> Vec<Check> {
    let toolchains = RustToolchain::all();
    let usable = toolchains.first().filter(|toolchain| toolchain.problems.is_empty());
    let found = match usable {
        Some(toolchain) => {
            let linker = toolchain.linker.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            format!("{}: rustc {}, linker {linker}", toolchain.name, toolchain.release)
        }
        None => "no toolchain with the source of its library".to_owned(),
    };
    let mut checks = vec![Check::new("Rust guests", usable.is_some(), found, rust_advice)];
    for toolchain in toolchains.iter().skip(usize::from(usable.is_some())) {
        let problems = match toolchain.problems.is_empty() {
            true => "would do as well".to_owned(),
            false => toolchain.problems.join(", "),
        };
        let found = format!("{}: rustc {}, {problems}", toolchain.name, toolchain.release);
        checks.push(Check::note("  another toolchain", found));
    }
    checks
}

fn c() -> Vec<Check> {
    let missing = missing_c_tools();
    let found = match missing.is_empty() {
        true => "clang-19 and what builds the C library".to_owned(),
        false => format!("not found: {}", missing.join(", ")),
    };
    let mut checks = vec![Check::new("C and C++ guests", missing.is_empty(), found, c_advice)];
    let built = built_c_sdks();
    let places: Vec<String> = built.iter().map(|path| path.display().to_string()).collect();
    checks.push(Check::note(
        "  C SDK",
        match places.is_empty() {
            true => "not built yet: the first `pvm build` of a C project does it, and downloads the source of musl"
                .to_owned(),
            false => places.join(", "),
        },
    ));
    checks
}

/// The C SDKs in the cache.
fn built_c_sdks() -> Vec<PathBuf> {
    let folders = sdk::cache().ok().and_then(|cache| std::fs::read_dir(cache).ok());
    let paths = folders.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.join("bin/pvm-cc").exists()).collect();
    found.sort();
    found
}

fn engines() -> Vec<Check> {
    let is_compiler = BackendKind::Compiler.is_supported();
    let found = if is_compiler { "machine code, in this process" } else { "cannot run here; guests are interpreted" };
    let advice = || "the compiler needs Linux on x86-64, with memory that may become executable".to_owned();
    let mut checks = vec![Check::new("compiler", is_compiler, found.to_owned(), advice)];
    checks.push(Check::note("  processor", processor()));
    let is_process = SandboxKind::Linux.is_supported();
    let words =
        if is_process { "guests can have a process of their own" } else { "none: guests run in the host's process" };
    checks.push(Check::note("  process sandbox", words.to_owned()));
    checks.push(Check::new("interpreter", true, "runs everywhere".to_owned(), String::new));
    checks
}

/// The instructions that the compiler has a use for.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    let all = [
        ("BMI1", std::is_x86_feature_detected!("bmi1")),
        ("BMI2", std::is_x86_feature_detected!("bmi2")),
        ("LZCNT", std::is_x86_feature_detected!("lzcnt")),
        ("POPCNT", std::is_x86_feature_detected!("popcnt")),
    ];
    let names =
        |has: bool| all.iter().filter(|(_, is)| *is == has).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match (names(true), names(false)) {
        (has, none) if none.is_empty() => format!("x86-64 with {has}"),
        (has, lacks) if has.is_empty() => format!("x86-64 without {lacks}: guests run somewhat slower"),
        (has, lacks) => format!("x86-64 with {has}, without {lacks}: guests run somewhat slower"),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    format!("{}: there is no compiler for it", std::env::consts::ARCH)
}
