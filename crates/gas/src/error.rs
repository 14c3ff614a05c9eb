//! Errors: cost tables and rule names that make no sense.

use thiserror::Error;

/// What is wrong, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{kind} at byte {at}")]
pub struct GasError {
    /// The cause.
    #[source]
    pub kind: GasErrorKind,
    /// Byte offset in the cost table or in the rule's name.
    pub at: usize,
}

/// Causes of a [`GasError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum GasErrorKind {
    /// No rule has this name, from the given byte on.
    #[error("unknown gas rule")]
    UnknownRule,
    /// A serialised cost table has another size than its version demands.
    #[error("cost table of {size} bytes instead of {expected}")]
    TableSize {
        /// Size found.
        size: usize,
        /// Size of every table of this version.
        expected: usize,
    },
    /// A serialised cost table of a version nobody has defined.
    #[error("cost table of version {version} instead of {expected}")]
    TableVersion {
        /// Version found.
        version: u32,
        /// The only version there is.
        expected: u32,
    },
}
