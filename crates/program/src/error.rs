//! Errors of this crate: what is wrong with a container, and where.

use core::fmt;
use pvm_isa::{InstructionSet, Opcode};

/// Why bytes are no program, or why a program cannot be written.
///
/// `Display` gives the texts of polkavm where it has one; the alternate form (`{:#}`) always adds the location.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct ProgramError {
    /// What is wrong.
    pub kind: ProgramErrorKind,
    /// Where.
    pub at: Location,
}

/// A place in the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Location {
    /// What `offset` counts in.
    pub part: Part,
    /// Bytes from the start of the part; for [`Part::Items`] an index, for [`Part::Memory`] always 0.
    pub offset: u64,
}

/// The things a [`Location`] counts in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A whole file: `.polkavm` blob or JAM standard program.
    File,
    /// The payload of section 6, or a generic program.
    CodeSection,
    /// The payload of section 128.
    DebugStrings,
    /// The payload of section 129.
    DebugLinePrograms,
    /// The payload of section 130.
    DebugRanges,
    /// The metadata in front of a JAM standard program.
    JamMetadata,
    /// The memory map.
    Memory,
    /// Items given to the code builder.
    Items,
    /// Entries of a jump table.
    JumpTable,
    /// Imports in order of their numbers.
    Imports,
}

/// A region of the memory map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Region {
    /// Read-only data.
    RoData,
    /// Read-write data.
    RwData,
    /// The stack.
    Stack,
    /// The auxiliary region.
    AuxData,
}

/// Causes of a [`ProgramError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProgramErrorKind {
    /// The first four bytes are not `PVM` 0.
    BadMagic,
    /// No instruction set has this version byte.
    UnsupportedVersion {
        /// The byte.
        version: u8,
    },
    /// The header's length is not the length of the input.
    LengthMismatch {
        /// What the header says.
        declared: u64,
        /// What there is.
        actual: u64,
    },
    /// The input ends too early.
    UnexpectedEnd {
        /// Bytes that should follow.
        wanted: u64,
        /// Bytes that do.
        found: u64,
    },
    /// Not a varint, not its shortest form, or more than 32 bits.
    BadVarint,
    /// A section out of order, repeated, or unknown and mandatory.
    UnexpectedSection {
        /// Its id.
        id: u8,
    },
    /// Bytes where the input should end.
    TrailingBytes {
        /// How many.
        count: u64,
    },
    /// Section 6 is absent or empty.
    NoCode,
    /// More code than the limit.
    CodeTooLong {
        /// Bytes of code.
        length: u64,
        /// Most bytes allowed.
        limit: u64,
    },
    /// More jump table entries than the limit.
    JumpTableTooLong {
        /// Entries.
        length: u64,
        /// Most entries allowed.
        limit: u64,
    },
    /// Jump table entries wider than the limit.
    JumpTableEntrySize {
        /// Bytes per entry.
        size: u8,
        /// Most bytes allowed.
        limit: u8,
    },
    /// More imports than the limit.
    TooManyImports {
        /// How many.
        count: u64,
        /// Most allowed.
        limit: u64,
    },
    /// The bitmask has not one bit per code byte.
    BitmaskLength {
        /// Bytes the code needs.
        wanted: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A bit of the bitmask is set past the end of the code.
    BitmaskPadding,
    /// A data section is longer than the memory configuration declares.
    DataTooLong {
        /// Read-only or read-write data.
        region: Region,
        /// Bytes declared.
        declared: u64,
        /// Bytes stored.
        stored: u64,
    },
    /// The page size is below 4 KiB.
    PageSizeTooSmall {
        /// In bytes.
        size: u32,
    },
    /// The page size is above 64 KiB.
    PageSizeTooBig {
        /// In bytes.
        size: u32,
    },
    /// The page size is no power of two.
    PageSizeNotPowerOfTwo {
        /// In bytes.
        size: u32,
    },
    /// A region that does not fit 32 bits once rounded.
    RegionTooBig {
        /// Which.
        region: Region,
        /// Its size in bytes before rounding.
        size: u32,
    },
    /// The regions together do not fit the address space.
    MemoryTooBig,
    /// The JAM metadata starts with an unknown tag.
    UnknownMetadataTag {
        /// The tag.
        tag: u8,
    },
    /// Text that is not UTF-8.
    NotUtf8,
    /// Nothing here has the layout of a JAM standard program.
    NotStandardProgram,
    /// A size does not fit its field in a JAM standard program.
    FieldTooBig {
        /// The value.
        value: u64,
        /// Most the field holds.
        limit: u64,
    },
    /// An import whose symbol is not readable.
    UnreadableImport,
    /// The line programs have an unknown version.
    UnsupportedLineProgramVersion {
        /// The version byte.
        version: u8,
    },
    /// An operation a line program cannot have.
    UnknownLineProgramOperation {
        /// Its number.
        operation: u8,
    },
    /// A line program uses more frames than there are.
    TooManyFrames {
        /// Frames asked for.
        depth: u32,
        /// Most frames there are.
        limit: u32,
    },
    /// A line program describes one region with too many operations.
    TooManyOperations {
        /// Most operations allowed.
        limit: u32,
    },
    /// A line program counts past 32 bits.
    LineProgramOverflow,
    /// Debug sections reference strings or records beyond their 32-bit offsets.
    DebugInfoTooBig,
    /// The instruction set lacks the instruction.
    UnsupportedInstruction {
        /// The instruction.
        opcode: Opcode,
        /// The set.
        set: InstructionSet,
    },
    /// A target was given to an instruction that has none.
    NoTargetOperand {
        /// The instruction.
        opcode: Opcode,
    },
    /// A label names an item that does not exist.
    UnknownLabel {
        /// The item named.
        label: u32,
        /// How many items there are.
        items: u32,
    },
    /// The dispatch table does not fit one macro block.
    DispatchTableTooBig {
        /// Bytes it takes.
        length: u64,
        /// Most bytes allowed.
        limit: u64,
    },
}

impl ProgramErrorKind {
    pub(crate) fn at(self, part: Part, offset: u64) -> ProgramError {
        ProgramError { kind: self, at: Location { part, offset } }
    }
}

impl Region {
    const fn name(self) -> &'static str {
        match self {
            Region::RoData => "read-only data",
            Region::RwData => "read-write data",
            Region::Stack => "the stack",
            Region::AuxData => "the aux data",
        }
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProgramErrorKind as K;
        let offset = self.at.offset;
        match &self.kind {
            K::BadMagic => write!(f, "blob doesn't start with the expected magic bytes")?,
            K::UnsupportedVersion { version } => write!(f, "unsupported version: {version}")?,
            K::LengthMismatch { .. } => write!(f, "blob size doesn't match the blob length metadata")?,
            K::UnexpectedEnd { wanted, found } => write!(
                f,
                "unexpected end of file at offset {offset:#x}: expected to be able to read at least {wanted} bytes, \
                 found {found} bytes"
            )?,
            K::BadVarint => write!(f, "failed to parse a varint at offset {offset:#x}")?,
            // "as" is polkavm's spelling, and texts are compared by tools.
            K::UnexpectedSection { id } => write!(f, "found unexpected section as offset {offset:#x}: {id:#x}")?,
            K::TrailingBytes { count } => write!(f, "{count} bytes too many at offset {offset:#x}")?,
            K::NoCode => write!(f, "no code found")?,
            K::CodeTooLong { .. } => write!(f, "the code section is too long")?,
            K::JumpTableTooLong { .. } => write!(f, "the jump table section is too long")?,
            K::JumpTableEntrySize { .. } => write!(f, "invalid jump table entry size")?,
            K::TooManyImports { .. } => write!(f, "too many imports")?,
            K::BitmaskLength { .. } => write!(f, "the bitmask length doesn't match the code length")?,
            K::BitmaskPadding => write!(f, "the bitmask is padded with non-zero bits")?,
            K::DataTooLong { region, declared, stored } => write!(
                f,
                "size of the {} is {stored} bytes while its memory configuration declares {declared}",
                region.name()
            )?,
            K::PageSizeTooSmall { .. } => write!(f, "page size is too small")?,
            K::PageSizeTooBig { .. } => write!(f, "page size is too big")?,
            K::PageSizeNotPowerOfTwo { .. } => write!(f, "page size is not a power of two")?,
            K::RegionTooBig { region, .. } => write!(f, "the size of {} is too big", region.name())?,
            K::MemoryTooBig => write!(f, "maximum memory size exceeded")?,
            K::UnknownMetadataTag { tag } => write!(f, "unknown JAM metadata tag {tag}")?,
            K::NotUtf8 => write!(f, "text at offset {offset:#x} is not UTF-8")?,
            K::NotStandardProgram => write!(f, "not a JAM standard program")?,
            K::FieldTooBig { value, limit } => write!(f, "{value} exceeds {limit}, the most its field can hold")?,
            K::UnreadableImport => write!(f, "import {offset} is not readable")?,
            K::UnsupportedLineProgramVersion { version } => write!(f, "unsupported line program version: {version}")?,
            K::UnknownLineProgramOperation { operation } => {
                write!(f, "unknown line program operation {operation} at offset {offset:#x}")?;
            }
            K::TooManyFrames { depth, limit } => {
                write!(f, "line program uses {depth} frames of {limit} at offset {offset:#x}")?;
            }
            K::TooManyOperations { limit } => {
                write!(f, "line program needs more than {limit} operations for one region at offset {offset:#x}")?;
            }
            K::LineProgramOverflow => write!(f, "line program counts past 32 bits at offset {offset:#x}")?,
            K::DebugInfoTooBig => write!(f, "debug sections exceed 32-bit offsets")?,
            K::UnsupportedInstruction { opcode, set } => {
                write!(f, "instruction {offset}: {set} has no {opcode}")?;
            }
            K::NoTargetOperand { opcode } => write!(f, "instruction {offset}: {opcode} has no target")?,
            K::UnknownLabel { label, items } => {
                write!(f, "{} {offset}: label {label} is beyond the {items} instructions", self.at.part)?;
            }
            K::DispatchTableTooBig { .. } => {
                write!(f, "the dispatch table is too big to fit in a single code block")?;
            }
        }
        if f.alternate() {
            write!(f, " ({} {:#x})", self.at.part, offset)?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::File => "file offset",
            Part::CodeSection => "code section offset",
            Part::DebugStrings => "debug strings offset",
            Part::DebugLinePrograms => "line programs offset",
            Part::DebugRanges => "line program ranges offset",
            Part::JamMetadata => "metadata offset",
            Part::Memory => "memory map",
            Part::Items => "instruction",
            Part::JumpTable => "jump table entry",
            Part::Imports => "import",
        })
    }
}
