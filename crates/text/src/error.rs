//! Errors: why a text is not a program, and on which line.

use pvm_isa::{InstructionSet, Opcode};
use thiserror::Error;

/// Why a text could not be assembled.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{}", kind.message(*line))]
pub struct AssembleError {
    /// The cause.
    pub kind: AssembleErrorKind,
    /// The line it was found on, from 1 on; the number of lines if it concerns the program as a whole.
    pub line: u32,
}

/// Causes of an [`AssembleError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AssembleErrorKind {
    /// The line is nothing the grammar knows.
    UnknownLine {
        /// The line without blanks around it.
        text: String,
    },
    /// The line is known but breaks a rule.
    BadLine(Reason),
    /// A directive is unknown or its value malformed.
    BadDirective,
    /// Neither the text nor the caller names an instruction set.
    NoInstructionSet,
    /// The label was defined before.
    DuplicateLabel {
        /// Its name.
        name: String,
    },
    /// No label has the name.
    UndefinedLabel {
        /// The name.
        name: String,
    },
    /// No instruction follows the label.
    LabelAtEnd {
        /// Its name.
        name: String,
    },
    /// The instruction set lacks the instruction.
    Unavailable {
        /// The instruction.
        opcode: Opcode,
        /// The set.
        set: InstructionSet,
    },
    /// A jump to a plain offset does not reach an instruction.
    NoInstructionAt {
        /// The offset.
        offset: u32,
    },
    /// The code, or a table of the program, exceeds a limit.
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its limit in bytes or entries.
        limit: u32,
    },
}

/// Rules that a line can break.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Reason {
    /// The part behind `if` is no condition of this instruction.
    #[error("invalid condition")]
    Condition,
    /// An operation on two constants.
    #[error("both arguments cannot be immediates")]
    BothImmediates,
    /// A stored value that needs more bits than the store has.
    #[error("immediate larger than {0}")]
    ImmediateTooLarge(&'static str),
    /// An immediate that needs 64 bits where only 32, sign-extended, can be encoded.
    #[error("immediate does not fit into 32 bits")]
    ImmediateTooWide,
    /// The operation has no 32-bit form.
    #[error("i32 not supported for operation")]
    NoNarrowForm,
    /// Division by, or of, a constant.
    #[error("division is not supported for immediates")]
    DivisionByImmediate,
    /// The operation takes registers only.
    #[error("immediates are not supported for operation")]
    RegistersOnly,
    /// An indirect jump whose base register is loaded at the same time.
    #[error("the jump's base is overwritten; write `tmp = base, destination = value, jump [tmp + offset]`")]
    BaseOverwritten,
    /// The directive exists only in the bitmask encoding.
    #[error("a gap needs an instruction set with a bitmask")]
    GapWithoutBitmask,
    /// Raw bytes of an instruction must be some.
    #[error("an instruction has at least one byte")]
    NoBytes,
}

impl AssembleErrorKind {
    pub(crate) fn at(self, line: u32) -> AssembleError {
        AssembleError { kind: self, line }
    }

    fn message(&self, line: u32) -> Message<'_> {
        Message { kind: self, line }
    }
}

/// The texts of assembly.md 4, which differ in where they put the line.
struct Message<'a> {
    kind: &'a AssembleErrorKind,
    line: u32,
}

impl core::fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let line = self.line;
        match self.kind {
            AssembleErrorKind::UnknownLine { text } => write!(f, "cannot parse line {line}: \"{text}\""),
            AssembleErrorKind::BadLine(reason) => write!(f, "cannot parse line {line}: {reason}"),
            AssembleErrorKind::BadDirective => write!(f, "cannot parse line {line}"),
            AssembleErrorKind::NoInstructionSet => f.write_str("no ISA was declared in the program"),
            AssembleErrorKind::DuplicateLabel { name } => write!(f, "duplicate label \"{name}\" on line {line}"),
            AssembleErrorKind::UndefinedLabel { name } => write!(f, "label is not defined: \"{name}\""),
            AssembleErrorKind::LabelAtEnd { name } => {
                write!(f, "label \"{name}\" on line {line} has no instruction after it")
            }
            AssembleErrorKind::Unavailable { opcode, set } => write!(
                f,
                "failed to build a program: the instruction '{opcode}' is not available in the '{set}' instruction set"
            ),
            AssembleErrorKind::NoInstructionAt { offset } => {
                write!(f, "the jump on line {line} goes to offset {offset}, where no instruction starts")
            }
            AssembleErrorKind::TooLong { what, limit } => {
                write!(f, "failed to build a program: the {what} is too long (at most {limit})")
            }
        }
    }
}
