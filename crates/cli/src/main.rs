//! The `pvm` command: builds, links, runs, assembles, disassembles and inspects programs.
//!
//! ```text
//! arguments -> one module per subcommand -> input.rs (what kind of file is it) -> the crates below -> output.rs
//! ```
//!
//! Subcommands decide nothing about programs: they read, call the crates, and print. Every error names its file, and its
//! cause decides the exit code (`failure.rs`).
#![forbid(unsafe_code)]

mod asm;
mod build;
mod completions;
mod disasm;
mod doctor;
mod engine;
mod failure;
mod guest;
mod input;
mod inspect;
mod lines;
mod link;
mod native;
mod new;
mod output;
mod perf;
mod project;
mod run;
mod sdk;
mod serve;
mod stats;
mod system;
mod toolchain;
mod trace;
mod why_big;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use failure::{Cause, EXIT_CODES, Failure, Outcome};
use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitCode;

/// Builds, links, runs, assembles, disassembles and inspects programs of the PolkaVM and JAM virtual machines
#[derive(Parser, Debug)]
#[command(name = "pvm", version, arg_required_else_help = true, subcommand_required = true)]
#[command(after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a project: a guest in Rust, C or C++, or a service of JAM
    New(new::NewArgs),
    /// Build a project into a program
    Build(build::BuildArgs),
    /// Tell what this machine can build and run, and what is missing
    Doctor(doctor::DoctorArgs),
    /// Run a program and pass on its exit code
    Run(run::RunArgs),
    /// Link a RISC-V ELF into a program
    Link(link::LinkArgs),
    /// Assemble a text
    Asm(asm::AsmArgs),
    /// List a program's code
    Disasm(disasm::DisasmArgs),
    /// Show what is in a program: sections, sizes, memory map, imports, exports, hashes
    Inspect(inspect::InspectArgs),
    /// Count a program's instructions, blocks and immediates
    Stats(stats::StatsArgs),
    /// Answer JSON requests, one a line, for test drivers
    Serve(serve::ServeArgs),
    /// Print a script that completes the command's arguments in a shell
    Completions(completions::CompletionsArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage_error(&error),
    };
    let is_run = matches!(cli.command, Command::Run(_));
    // A panic has been reported when it gets here. Its usual exit code is 101, which `run` has given to traps.
    let outcome = std::panic::catch_unwind(|| execute(&cli.command))
        .unwrap_or_else(|_| Err(Failure::new(Cause::Bug, "pvm itself failed; please report the message above")));
    outcome.unwrap_or_else(|failure| {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(anstream::stderr(), "\x1b[1;31merror:\x1b[0m {}", failure.message);
        ExitCode::from(failure.cause.exit_code(is_run))
    })
}

fn execute(command: &Command) -> Outcome {
    match command {
        Command::New(args) => new::new(args),
        Command::Build(args) => build::build(args),
        Command::Doctor(args) => doctor::doctor(args),
        Command::Run(args) => run::run(args),
        Command::Link(args) => link::link(args),
        Command::Asm(args) => asm::asm(args),
        Command::Disasm(args) => disasm::disasm(args),
        Command::Inspect(args) => inspect::inspect(args),
        Command::Stats(args) => stats::stats(args),
        Command::Serve(args) => serve::serve(args),
        Command::Completions(args) => completions::completions(args),
    }
}

/// Prints what clap has to say: help and version are no errors.
fn usage_error(error: &clap::Error) -> ExitCode {
    // As above.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => {
            let is_run = std::env::args_os().nth(1).as_deref() == Some(OsStr::new("run"));
            ExitCode::from(Cause::Usage.exit_code(is_run))
        }
    }
}
