//! Why a file cannot be linked, and where in it.

use crate::demangle::demangle;
use crate::reloc::RelocKind;
use pvm_isa::InstructionSet;
use pvm_riscv::{DecodeError, Instruction, Reg};
use std::fmt;

/// A file that cannot be linked.
///
/// `Display` gives the cause, the place and, where something can be done about it, advice.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{kind}{at}{}", Advice(kind.advice()))]
pub struct LinkError {
    /// The cause.
    pub kind: LinkErrorKind,
    /// Where.
    pub at: Location,
}

impl LinkError {
    /// The same error, in a file; no name is no news.
    pub(crate) fn in_file(mut self, name: &str) -> LinkError {
        if !name.is_empty() {
            self.at.file = Some(name.into());
        }
        self
    }

    /// What was made cannot be written; that has no place in the file.
    pub(crate) fn from_program(error: pvm_program::ProgramError) -> LinkError {
        LinkError { kind: LinkErrorKind::Program(error), at: Location::default() }
    }
}

/// A place in the file; what is not known or does not apply is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Location {
    /// Name of the file, if there are several.
    pub file: Option<Box<str>>,
    /// Name of the section.
    pub section: Option<Box<str>>,
    /// Bytes from the start of the section.
    pub offset: Option<u64>,
    /// The function around the place, as its symbol says.
    pub symbol: Option<Box<str>>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = InFront(self.file.as_deref());
        match (&self.section, self.offset) {
            (None, None) if self.file.is_some() => write!(f, " in {}", self.file.as_deref().unwrap_or_default())?,
            (Some(section), Some(offset)) => write!(f, " at {file}{section}+{offset:#x}")?,
            (Some(section), None) => write!(f, " in section {file}{section}")?,
            (None, Some(offset)) => write!(f, " at {file}{offset:#x}")?,
            (None, None) => {}
        }
        match &self.symbol {
            Some(symbol) => write!(f, " (in `{}`)", demangle(symbol).as_deref().unwrap_or(symbol)),
            None => Ok(()),
        }
    }
}

/// The name of the file in front of a section's.
struct InFront<'a>(Option<&'a str>);

impl fmt::Display for InFront<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(file) => write!(f, "{file}:"),
            None => Ok(()),
        }
    }
}

/// Causes of a [`LinkError`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are named after what they hold")]
pub enum LinkErrorKind {
    // The file.
    /// No ELF header.
    #[error("not an ELF file")]
    NotAnElf,
    /// Big-endian.
    #[error("big-endian ELF file; RISC-V guests are little-endian")]
    BigEndian,
    /// Another operating system's.
    #[error("ELF file for OS ABI {abi}; expected 0 (System V) or 3 (GNU)")]
    UnsupportedOsAbi { abi: u8 },
    /// Another processor's.
    #[error("ELF file for machine {machine}; expected 243 (RISC-V)")]
    UnsupportedMachine { machine: u16 },
    /// Neither executable, shared object nor relocatable.
    #[error("ELF file of type {kind}; expected an executable, a shared object or a relocatable file")]
    UnsupportedFileType { kind: u16 },
    /// A table is not within the file.
    #[error("the {table} is malformed or not within the file")]
    TableOutOfFile { table: &'static str },
    /// Sections claim more bytes than there are.
    #[error("the sections overlap: they claim {total} bytes of a file of {file}")]
    SectionsOverlap { total: u64, file: u64 },
    /// 32-bit code for a 64-bit instruction set or the other way round.
    #[error("a {bits}-bit ELF file cannot be linked for {set}")]
    WidthMismatch { bits: u32, set: InstructionSet },

    // Several files.
    /// No file, or archives only and nothing needs a member of theirs.
    #[error("nothing to link: no object file is given, and no member of an archive exports a function")]
    NothingToLink,
    /// An archive whose headers cannot be followed.
    #[error("malformed archive")]
    MalformedArchive,
    /// An archive that only names its members.
    #[error("thin archive: its members are elsewhere")]
    ThinArchive,
    /// A linked file beside others.
    #[error("an executable or shared object among other files; only relocatable files can be linked with others")]
    LinkedAmongSeveral,
    /// 32-bit and 64-bit files.
    #[error("{bits}-bit file, but {first} has {other} bits")]
    MixedWidths { bits: u32, first: Box<str>, other: u32 },
    /// Files that call each other differently.
    #[error("file for {abi}, but {first} is for {other}")]
    MixedAbis { abi: &'static str, first: Box<str>, other: &'static str },
    /// Two definitions of a name.
    #[error("symbol `{name}` is defined in {first} and in {second}")]
    DuplicateSymbol { name: Box<str>, first: Box<str>, second: Box<str> },
    /// More names than can sensibly be looked at.
    #[error("the names of all symbols take more than {limit} bytes")]
    SymbolNamesTooLong { limit: usize },
    /// Sections of one name that must be in one piece, but cannot be.
    #[error("sections named `{name}` are of different kinds")]
    SectionKindsDiffer { name: Box<str> },

    // Sections.
    /// The name is missing, too long or not UTF-8.
    #[error("bad section name at offset {offset} of the section name table")]
    BadSectionName { offset: u32 },
    /// Contents are not within the file.
    #[error("contents are not within the file")]
    SectionOutOfFile,
    /// Writable where it must not be.
    #[error("section must not be writable")]
    SectionWritable,
    /// Read-only where it must be writable.
    #[error("section must be writable")]
    SectionNotWritable,
    /// A kind of section that has no place in a program.
    #[error("unsupported kind of section (type {kind:#x})")]
    UnsupportedSection { kind: u32 },
    /// Compressed contents.
    #[error("compressed contents of a section that is loaded")]
    CompressedSection,
    /// Larger than an address space.
    #[error("section of {size} bytes does not fit a 32-bit address space")]
    SectionTooBig { size: u64 },
    /// An alignment that is no power of two or too large.
    #[error("alignment of {align} bytes; expected a power of two up to {max}")]
    BadAlignment { align: u64, max: u64 },
    /// Code of an odd number of bytes.
    #[error("code of an odd number of bytes: {size}")]
    OddCodeSize { size: u32 },
    /// Nothing to run.
    #[error("no code section")]
    NoCode,
    /// Padding between data sections beyond the limit.
    #[error("alignment of data sections takes {padding} bytes of padding, more than {limit}")]
    TooMuchPadding { padding: u64, limit: u64 },
    /// The data does not fit the address space.
    #[error("data of {size} bytes and a stack of {stack} do not fit the address space")]
    DataTooBig { size: u64, stack: u64 },

    // Symbols.
    /// Defined in a section that the file does not have.
    #[error("symbol `{name}` is defined in section {section}, which does not exist")]
    SymbolInMissingSection { name: Box<str>, section: u32 },
    /// Not defined.
    #[error("undefined symbol `{name}`")]
    UndefinedSymbol { name: Box<str> },
    /// Thread-local, indirect and the like.
    #[error("symbol `{name}` is of an unsupported kind (type {kind})")]
    UnsupportedSymbolKind { name: Box<str>, kind: u8 },
    /// The addend points out of any address space.
    #[error("addend {addend} to `{name}` is too big")]
    AddendTooBig { name: Box<str>, addend: i64 },

    // Relocations.
    /// A linked file without them.
    #[error("the file has no relocations")]
    NoRelocations,
    /// A table of relocations for a section that does not exist.
    #[error("relocations of section {section}, which does not exist")]
    RelocationsOfMissingSection { section: u32 },
    /// Records without addends.
    #[error("relocations with implicit addends (REL, CREL) are not supported")]
    ImplicitAddends,
    /// Beyond the end of the section.
    #[error("relocation at address {offset:#x} is outside of its section")]
    RelocationOutOfSection { offset: u64 },
    /// A symbol that does not exist.
    #[error("relocation with symbol {symbol}, which does not exist")]
    RelocationOfMissingSymbol { symbol: u32 },
    /// No symbol, yet an addend.
    #[error("{kind} without a symbol")]
    RelocationWithoutSymbol { kind: RelocKind },
    /// Not one the linker knows.
    #[error("{kind} is not supported here")]
    UnsupportedRelocation { kind: RelocKind },
    /// Thread-local storage, accessed by an instruction.
    #[error("{kind} on `{instruction}`: thread-local variable `{name}`")]
    ThreadLocalAccess { kind: RelocKind, instruction: Instruction, name: Box<str> },
    /// Thread-local storage, in data or in bytes that are no instruction.
    #[error("{kind}: thread-local variable `{name}`")]
    ThreadLocalRelocation { kind: RelocKind, name: Box<str> },
    /// Two that contradict each other.
    #[error("{first} and {second} at the same place")]
    ConflictingRelocations { first: RelocKind, second: RelocKind },
    /// One that stands where no instruction starts or needs it.
    #[error("{kind} at a place where it has no meaning")]
    MisplacedRelocation { kind: RelocKind },
    /// One that does not fit the instruction.
    #[error("{kind} on `{instruction}`")]
    RelocationMismatch { kind: RelocKind, instruction: Instruction },
    /// A call of which only the first half is there.
    #[error("{kind} on an auipc that is not followed by the jalr of the pair")]
    CallWithoutJalr { kind: RelocKind },
    /// A low part whose high part cannot be found.
    #[error("{kind} without its HI20")]
    LowWithoutHigh { kind: RelocKind },
    /// `auipc` without relocation.
    #[error("auipc without relocation")]
    UnrelocatedAuipc,
    /// The address of a GOT slot is used for something else than loading from it.
    #[error("the address of a GOT slot is used otherwise than for loading the slot")]
    GotSlotAddressUsed,
    /// Two fields share bytes.
    #[error("relocations overlap")]
    OverlappingRelocations,
    /// A field reaches beyond the end of the section.
    #[error("relocated field of {size} bytes reaches beyond the end of the section")]
    RelocationPastSection { size: u64 },
    /// ADD without SUB or the other way round.
    #[error("{kind} without the other half of the difference")]
    HalfADifference { kind: RelocKind },
    /// A 6-bit or variable-length field where the program can see it.
    #[error("difference of a width that only debug information may have")]
    UnsupportedDifference,
    /// A value that its field cannot hold.
    #[error("value {value:#x} does not fit a field of {size} bytes")]
    ValueDoesNotFit { value: u64, size: u8 },

    // References.
    /// Into a section that is not part of the program.
    #[error("reference to section {target}, which is not part of the program")]
    TargetNotLoaded { target: Box<str> },
    /// Outside of the code.
    #[error("reference to {target}{offset:+#x}, where there is no code")]
    CodeTargetOutOfSection { target: Box<str>, offset: i64 },
    /// A jump into data.
    #[error("jump to {target}, which is not code")]
    JumpIntoData { target: Box<str> },
    /// Into the middle of an instruction.
    #[error("reference to {target}+{offset:#x}, in the middle of an instruction")]
    JumpIntoInstruction { target: Box<str>, offset: u32 },
    /// Code read or written as data.
    #[error("`{instruction}` accesses code as data")]
    CodeAsData { instruction: Instruction },

    // Instructions.
    /// Bytes that are no instruction of the E profile with the supported extensions.
    #[error("unsupported instruction: {error}")]
    UnsupportedEncoding { error: DecodeError },
    /// An instruction that has no counterpart.
    #[error("unsupported instruction `{instruction}`")]
    UnsupportedInstruction { instruction: Instruction, advice: Option<&'static str> },
    /// A register beyond the E profile.
    #[error("`{instruction}` uses register {register}")]
    UnsupportedRegister { instruction: Instruction, register: Reg },
    /// Memory access relative to the zero register.
    #[error("`{instruction}` accesses memory at a fixed address")]
    AbsoluteAccess { instruction: Instruction },
    /// Jump to a fixed address.
    #[error("`{instruction}` jumps to a fixed address")]
    AbsoluteJump { instruction: Instruction },
    /// Jump to a computed address plus something.
    #[error("`{instruction}` jumps to a code address with an offset")]
    JumpWithOffset { instruction: Instruction },
    /// Not in the instruction set that is linked for.
    #[error("`{instruction}` needs an instruction that {set} does not have")]
    NotInInstructionSet { instruction: &'static str, set: InstructionSet },

    // Records of imports and exports.
    /// A record that is not as it should be.
    #[error("{0}")]
    BadRecord(pvm_guest_abi::AbiErrorKind),
    /// A pointer that no relocation fills in.
    #[error("pointer in a record of an import or export has no relocation")]
    RecordWithoutPointer,
    /// A pointer to something else than contents of the file.
    #[error("pointer in a record of an import or export does not lead to contents of the file")]
    RecordPointsNowhere,
    /// A name that is too long.
    #[error("name of {size} bytes; at most {limit}")]
    NameTooLong { size: u32, limit: u32 },
    /// All names together are too long.
    #[error("the names of all exports take more than {limit} bytes")]
    ExportNamesTooLong { limit: usize },
    /// The call of the host has no pointer.
    #[error("call of the host (0x0000000b) without a relocated pointer behind it")]
    ImportWithoutPointer,
    /// An export that is data.
    #[error("export `{name}` is not a function")]
    ExportIsNotCode { name: Box<str> },

    // Imports and exports as a whole.
    /// Two imports of a name with different prototypes or numbers.
    #[error("import `{name}` is declared twice, differently")]
    ImportDeclaredTwice { name: Box<str> },
    /// Two imports of a number.
    #[error("imports `{first}` and `{second}` both have index {index}")]
    ImportIndexTaken { first: Box<str>, second: Box<str>, index: u32 },
    /// Some imports have numbers, some have not.
    #[error("import `{name}` has no index although others have one")]
    ImportWithoutIndex { name: Box<str> },
    /// More imports than a program can have.
    #[error("import index {index}; at most {limit} imports are possible")]
    TooManyImports { index: u64, limit: u32 },
    /// An entry of the dispatch table that is no export.
    #[error("dispatch table names `{name}`, which is not exported")]
    UnknownDispatchEntry { name: Box<str> },
    /// More code addresses than a program can have.
    #[error("{length} code addresses; at most {limit}")]
    JumpTableTooLong { length: u64, limit: u32 },
    /// The stack is larger than an address space.
    #[error("stack of {size} bytes does not fit a 32-bit address space")]
    StackTooBig { size: u64 },

    /// The program that came out cannot be written.
    #[error("{0}")]
    Program(pvm_program::ProgramError),
}

/// The type of thread-local symbols (ELF gABI).
const STT_TLS: u8 = 6;

impl LinkErrorKind {
    /// What the author of the program can do about it.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            LinkErrorKind::UnsupportedEncoding { error } => return error.kind.advice(),
            LinkErrorKind::UnsupportedInstruction { advice, .. } => return *advice,
            LinkErrorKind::UnsupportedRegister { register, .. } => match register {
                Reg::gp => "link without relaxation relative to gp: --no-relax-gp or --no-relax",
                Reg::tp => "guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=)",
                _ => "compile for the E profile: -march=rv64emac -mabi=lp64e (or rv32emac, ilp32e)",
            },
            LinkErrorKind::ThreadLocalAccess { .. }
            | LinkErrorKind::ThreadLocalRelocation { .. }
            | LinkErrorKind::UnsupportedSymbolKind { kind: STT_TLS, .. } => {
                "guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), \
                 -Ctarget-feature=+singlethread for Rust"
            }
            LinkErrorKind::UnsupportedSection { .. } => "merge the section into .data with a linker script",
            LinkErrorKind::ThinArchive => "make it without the option --thin (T)",
            LinkErrorKind::MixedAbis { .. } => "compile all files with the same -mabi",
            LinkErrorKind::UnrelocatedAuipc => {
                "compile with -mrelax (LLVM feature +relax), link with --emit-relocs --no-relax"
            }
            LinkErrorKind::NoRelocations
            | LinkErrorKind::RecordWithoutPointer
            | LinkErrorKind::ImportWithoutPointer => "link with --emit-relocs",
            LinkErrorKind::JumpWithOffset { .. } => {
                "code addresses are positions in a table and cannot be computed with"
            }
            LinkErrorKind::UndefinedSymbol { .. } => "link the file with what defines the symbol",
            LinkErrorKind::NotInInstructionSet { .. } => "link for latest64, which has it",
            _ => return None,
        })
    }
}

/// Advice as the end of a message.
struct Advice(Option<&'static str>);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(advice) => write!(f, ": {advice}"),
            None => Ok(()),
        }
    }
}
