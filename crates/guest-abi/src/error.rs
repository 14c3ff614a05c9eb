//! Why bytes are not a record.

use core::fmt;

/// A record that breaks the layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{kind}, at offset {at:#x}")]
pub struct AbiError {
    /// The cause.
    pub kind: AbiErrorKind,
    /// Offset of the offending field in the bytes that were parsed, which are a section.
    pub at: usize,
}

/// Causes of an [`AbiError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AbiErrorKind {
    /// The section ends within a field.
    #[error("{record} ends early: a field of {needed} bytes, of which {available} are left")]
    Truncated {
        /// What was being read.
        record: RecordKind,
        /// Size of the field in bytes.
        needed: usize,
        /// Bytes left in the section.
        available: usize,
    },
    /// A metadata record of an unknown version.
    #[error("metadata record of version {found}, known are 1 and 2")]
    MetadataVersion {
        /// The version in the record.
        found: u8,
    },
    /// An export record of an unknown version.
    #[error("export record of version {found}, known is 1")]
    ExportVersion {
        /// The version in the record.
        found: u8,
    },
    /// Flags, none of which is defined.
    #[error("metadata flags {found:#x}, none is defined")]
    Flags {
        /// The flags in the record.
        found: u32,
    },
    /// More argument registers than a call has.
    #[error("{found} input registers, at most {limit} are possible")]
    InputRegisters {
        /// The number in the record.
        found: u8,
        /// The largest number.
        limit: usize,
    },
    /// More result registers than a call has.
    #[error("{found} output registers, at most {limit} are possible")]
    OutputRegisters {
        /// The number in the record.
        found: u8,
        /// The largest number.
        limit: usize,
    },
    /// A truth value other than 0 and 1.
    #[error("has_index is {found}, neither 0 nor 1")]
    HasIndex {
        /// The value in the record.
        found: u8,
    },
}

/// The records of this crate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// A metadata record.
    Metadata,
    /// An export record.
    Export,
    /// An import site in code.
    ImportSite,
    /// A least stack size.
    MinStackSize,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordKind::Metadata => "metadata record",
            RecordKind::Export => "export record",
            RecordKind::ImportSite => "import site",
            RecordKind::MinStackSize => "least stack size",
        })
    }
}
