//! Failures: whose fault it is, and with which exit code the command ends.

use std::fmt;
use std::process::ExitCode;

/// Exit codes and their meaning, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  a file could not be read or written
  2  wrong usage
  3  bad input: a file is not what it should be
  4  pvm itself failed; please report it
  5  this machine lacks something (build, doctor)
`pvm run` passes on the guest's exit code and has codes of its own; see `pvm run --help`.";

/// The same for `pvm run`, whose exit code is the guest's.
pub(crate) const RUN_EXIT_CODES: &str = "\
Exit codes:
  0..=99, 110..=255  the guest's own exit code
  100  the guest's exit code is none of these; standard error and --json name it
  101  the guest trapped
  102  the guest ran out of gas
  103  bad input: the file is no program, or lacks the export
  104  wrong usage
  105  a file could not be read or written
  106  the guest called an import that `pvm run` does not offer (with --strict: has one)
  107  the engine cannot run on this machine
  108  pvm itself failed; please report it";

/// Exit codes that `pvm run` keeps for itself.
pub(crate) const RUN_RESERVED: std::ops::RangeInclusive<i64> = 100..=109;

/// Why a command failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The operating system would not.
    Io,
    /// The command line makes no sense.
    Usage,
    /// A file is not what it should be.
    BadInput,
    /// A guest's exit code cannot be passed on.
    UnfitExitCode,
    /// The guest trapped.
    Trap,
    /// The guest ran out of gas.
    OutOfGas,
    /// The guest needs a host function nobody offers.
    MissingImport,
    /// The engine is not there.
    Engine,
    /// A toolchain is not there.
    Missing,
    /// We failed.
    Bug,
}

impl Cause {
    /// The exit code for this cause.
    pub(crate) const fn exit_code(self, is_run: bool) -> u8 {
        match (self, is_run) {
            (Cause::Io, false) => 1,
            (Cause::Usage, false) => 2,
            (Cause::Bug, false) => 4,
            (Cause::Missing, false) => 5,
            (_, false) => 3,
            (Cause::UnfitExitCode, true) => 100,
            (Cause::Trap, true) => 101,
            (Cause::OutOfGas, true) => 102,
            (Cause::BadInput, true) => 103,
            (Cause::Usage, true) => 104,
            (Cause::Io, true) => 105,
            (Cause::MissingImport, true) => 106,
            (Cause::Engine | Cause::Missing, true) => 107,
            (Cause::Bug, true) => 108,
        }
    }
}

/// A command that failed: the cause and the text for standard error.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whose fault it is.
    pub(crate) cause: Cause,
    /// What to print behind `error: `; may have several lines.
    pub(crate) message: String,
}

impl Failure {
    /// A failure with this text.
    pub(crate) fn new(cause: Cause, message: impl fmt::Display) -> Self {
        Failure { cause, message: message.to_string() }
    }

    /// The input is bad.
    pub(crate) fn input(name: &str, problem: impl fmt::Display) -> Self {
        Failure::new(Cause::BadInput, format_args!("{name}: {problem}"))
    }

    /// The operating system refused.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Failure::new(Cause::Io, format_args!("{what}: {error}"))
    }

    /// The command line makes no sense.
    pub(crate) fn usage(problem: impl fmt::Display) -> Self {
        Failure::new(Cause::Usage, problem)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::new(Cause::Io, format_args!("{error:#}"))
    }
}

/// What a command comes to.
pub(crate) type Outcome<T = ExitCode> = Result<T, Failure>;
