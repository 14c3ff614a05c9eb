//! `pvm`: the command line.

mod serve;

use clap::Parser;
use std::process::ExitCode;

/// Runs untrusted programs compiled to PVM
#[derive(Parser)]
#[command(version)]
enum Arguments {
    /// Answers JSON requests, one a line, for test drivers
    Serve(serve::ServeArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse() {
        Arguments::Serve(arguments) => serve::serve(&arguments),
    }
}
