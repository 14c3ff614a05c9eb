//! Why there is no game, or no more: what is said, and the exit code.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// What exit codes mean, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 the game was left, or all ticks were played; 1 the game failed; 2 a wrong option or a file that is missing or
wrong; 3 a picture differs from the recording's; 4 the screen, the terminal or a file for output failed.";

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The guest trapped, or ended with an exit code other than 0.
    Game,
    /// Files that were given, or an engine that is not there.
    Input,
    /// Pictures that are not those of a recording.
    Difference,
    /// Screen, terminal, output files.
    Output,
}

/// A failure in words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    text: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, text: impl Display) -> Failure {
        Failure { cause, text: text.to_string() }
    }

    /// A file that was given is missing or wrong.
    pub(crate) fn input(path: &Path, problem: impl Display) -> Failure {
        Failure::new(Cause::Input, format_args!("{}: {problem}", path.display()))
    }

    /// Something cannot be written.
    pub(crate) fn output(what: impl Display, error: &io::Error) -> Failure {
        Failure::new(Cause::Output, format_args!("{what}: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.cause {
            Cause::Game => 1,
            Cause::Input => 2,
            Cause::Difference => 3,
            Cause::Output => 4,
        })
    }
}
