//! Failures: where a case is, and what it does not do.

use crate::configuration::Configuration;
use pvm_isa::InstructionSet;
use pvm_text::case::CaseError;
use std::fmt;

/// A case that fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The file.
    pub file: String,
    /// The line: of what is wrong, else of the case.
    pub line: u32,
    /// The case's title; empty if the file holds one case only.
    pub case: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Neither it nor its group has a program.
    NoProgram,
    /// A `not:` line that names no set and no kind of paging, or gives no reason.
    BadExclusion,
    /// It holds where a `not:` line says that it does not.
    HoldsAnyway,
    /// No instruction set has all its instructions.
    NoSet,
    /// No configuration carries out all its runs: the guest has ended before.
    EndsEarly {
        /// On this set.
        set: InstructionSet,
    },
    /// The text is no case.
    Syntax(CaseError),
    /// The host could not do something.
    Host {
        /// What was to be done.
        action: &'static str,
        /// What the engine says.
        error: String,
        /// On which set.
        set: InstructionSet,
        /// In which configuration.
        configuration: Configuration,
    },
    /// Something is not as expected.
    Differs {
        /// What: as `post:` lines name it.
        what: String,
        /// What the case says.
        expected: String,
        /// What there is.
        got: String,
        /// On which set.
        set: InstructionSet,
        /// In which configuration.
        configuration: Configuration,
    },
    /// Something differs between two configurations.
    Disagree {
        /// What, and after which run.
        what: String,
        /// One configuration and what it has.
        one: (Configuration, String),
        /// The other.
        other: (Configuration, String),
        /// On which set.
        set: InstructionSet,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { file, line, case, problem } = self;
        write!(f, "{file}:{line}: {case}: {problem}")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoProgram => f.write_str("no program, neither here nor in the group's head"),
            Problem::BadExclusion => f.write_str("`not:` wants the name of a set, `static` or `paging`, and a reason"),
            Problem::HoldsAnyway => f.write_str("the case holds where this line says that it does not"),
            Problem::NoSet => f.write_str("no instruction set has all instructions of the program"),
            Problem::EndsEarly { set } => write!(f, "the guest ends before the last `step: run`\n    on {set:?}"),
            Problem::Syntax(error) => write!(f, "{}", error.kind),
            Problem::Host { action, error, set, configuration } => {
                write!(f, "cannot {action}: {error}\n    on {set:?}, {configuration}")
            }
            Problem::Differs { what, expected, got, set, configuration } => {
                write!(f, "{what}\n    expected {expected}\n    got      {got}\n    on {set:?}, {configuration}")
            }
            Problem::Disagree { what, one, other, set } => {
                let ((one, has), (other, other_has)) = (one, other);
                write!(f, "{what}\n    {has} in {one}\n    {other_has} in {other}\n    on {set:?}")
            }
        }
    }
}
