//! Errors of the host's making. What a guest does is never one: that is an [`crate::InterruptKind`].

use pvm_interpreter::MemoryError;
use pvm_program::ProgramError;
use std::borrow::Cow;
use std::fmt;

/// The host asked for something that cannot be had. Opaque: its `Display` says what.
#[derive(Debug)]
pub struct Error(ErrorKind);

/// Causes of an [`Error`].
#[derive(Debug)]
pub(crate) enum ErrorKind {
    Text(Cow<'static, str>),
    Program(ProgramError),
    CostTable(pvm_gas::GasError),
    Memory(MemoryError),
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Sandbox(pvm_sandbox::SandboxError),
    Validation(String),
    UnsupportedBackend {
        backend: &'static str,
    },
    UnsupportedSandbox {
        sandbox: String,
    },
    NeedsExperimental {
        what: &'static str,
    },
    EnvironmentVariable {
        variable: &'static str,
        value: String,
        expected: &'static str,
    },
    CostTableFile {
        path: String,
        source: std::io::Error,
    },
    DynamicPagingNotEnabled,
    MemoryAccessCost {
        cost: i8,
    },
    PerInstructionMetering {
        conflict: &'static str,
    },
    StrictImport {
        index: u32,
    },
    StrictJumpTable {
        index: u32,
        target: u32,
        code_length: u32,
    },
    StrictExport {
        symbol: String,
        target: u32,
        code_length: u32,
    },
    DuplicateExport {
        symbol: String,
    },
    MissingHostFunction {
        symbol: String,
    },
    DuplicateHostFunction {
        symbol: String,
    },
    ExportNotFound {
        symbol: String,
    },
    NoNextProgramCounter,
    IncompatibleOuterInstance,
    NotUnderDynamicPaging {
        operation: &'static str,
    },
    OnlyUnderDynamicPaging {
        operation: &'static str,
    },
    NotPageAligned {
        address: u32,
        page_size: u32,
    },
    CacheLimitTooSmall {
        limit: u64,
        least: u64,
    },
    ArgumentsTooLong {
        length: u64,
        size: u32,
    },
    TooManyArguments {
        symbol: String,
        registers: usize,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind as K;
        match &self.0 {
            K::Text(text) => f.write_str(text),
            K::Program(error) => write!(f, "failed to parse the program: {error}"),
            K::CostTable(error) => write!(f, "failed to parse the cost table: {error}"),
            K::Memory(error) => write!(f, "{error}"),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            K::Sandbox(error) => write!(f, "{error}"),
            K::Validation(text) => write!(f, "module validation failed: {text}"),
            K::UnsupportedBackend { backend } => write!(f, "the '{backend}' backend is not supported here"),
            K::UnsupportedSandbox { sandbox } => write!(f, "the '{sandbox}' sandbox is not supported here"),
            K::NeedsExperimental { what } => {
                write!(f, "{what} is experimental and needs `Config::set_allow_experimental(true)`")
            }
            K::EnvironmentVariable { variable, value, expected } => {
                write!(f, "invalid value of {variable}: {value:?}; expected {expected}")
            }
            K::CostTableFile { path, source } => write!(f, "failed to read the cost table {path:?}: {source}"),
            K::DynamicPagingNotEnabled => f.write_str(
                "dynamic paging was not enabled; use `Config::set_allow_dynamic_paging` to let modules have it",
            ),
            K::MemoryAccessCost { cost } => {
                write!(f, "unsupported cost of a memory access: {cost}; expected 4, 25 or 37")
            }
            K::PerInstructionMetering { conflict } => write!(f, "per instruction metering does not go with {conflict}"),
            K::StrictImport { index } => write!(f, "import {index} has no readable symbol"),
            K::StrictJumpTable { index, target, code_length } => {
                write!(f, "jump table entry {index} points to {target}, beyond the code's {code_length} bytes")
            }
            K::StrictExport { symbol, target, code_length } => {
                write!(f, "export {symbol} points to {target}, beyond the code's {code_length} bytes")
            }
            K::DuplicateExport { symbol } => write!(f, "duplicate export: {symbol}"),
            K::MissingHostFunction { symbol } => write!(f, "missing host function: {symbol}"),
            K::DuplicateHostFunction { symbol } => {
                write!(f, "cannot register host function: host function was already registered: {symbol}")
            }
            K::ExportNotFound { symbol } => write!(f, "export not found: '{symbol}'"),
            K::NoNextProgramCounter => f.write_str("failed to run: next program counter is not set"),
            K::IncompatibleOuterInstance => {
                f.write_str("failed to instantiate module: received incompatible outer instance")
            }
            K::NotUnderDynamicPaging { operation } => {
                write!(f, "'{operation}' is not possible on modules with dynamic paging")
            }
            K::OnlyUnderDynamicPaging { operation } => {
                write!(f, "'{operation}' is only possible on modules with dynamic paging")
            }
            K::NotPageAligned { address, page_size } => {
                write!(f, "address not a multiple of page size: {address:#x} (page size {page_size:#x})")
            }
            K::ArgumentsTooLong { length, size } => {
                write!(f, "{length} bytes of arguments do not fit the auxiliary region of {size} bytes")
            }
            K::TooManyArguments { symbol, registers } => {
                write!(f, "the arguments of host function {symbol} take {registers} registers; there are 9")
            }
            K::CacheLimitTooSmall { limit, least } => {
                write!(f, "the cache size limit of {limit} bytes is too small: one block may need {least}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            ErrorKind::Program(error) => Some(error),
            ErrorKind::CostTable(error) => Some(error),
            ErrorKind::Memory(error) => Some(error),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            ErrorKind::Sandbox(error) => Some(error),
            ErrorKind::CostTableFile { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(kind)
    }
}

impl From<&'static str> for Error {
    fn from(message: &'static str) -> Self {
        Error(ErrorKind::Text(Cow::Borrowed(message)))
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Error(ErrorKind::Text(Cow::Owned(message)))
    }
}

impl From<Error> for String {
    fn from(error: Error) -> String {
        error.to_string()
    }
}

impl From<ProgramError> for Error {
    fn from(error: ProgramError) -> Self {
        Error(ErrorKind::Program(error))
    }
}

impl From<CompileError> for Error {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::ValidationFailed(text) => Error(ErrorKind::Validation(text)),
            CompileError::Error(error) => error,
        }
    }
}

/// Why no module was made.
#[derive(Debug)]
pub enum CompileError {
    /// The program breaks a rule that the engine must enforce; the text says where.
    ValidationFailed(String),
    /// Anything else.
    Error(Error),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::ValidationFailed(text) => write!(f, "module validation failed: {text}"),
            CompileError::Error(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CompileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CompileError::ValidationFailed(_) => None,
            CompileError::Error(error) => Some(error),
        }
    }
}

impl From<Error> for CompileError {
    fn from(error: Error) -> Self {
        CompileError::Error(error)
    }
}

impl From<ErrorKind> for CompileError {
    fn from(kind: ErrorKind) -> Self {
        CompileError::Error(Error(kind))
    }
}

impl From<CompileError> for String {
    fn from(error: CompileError) -> String {
        error.to_string()
    }
}

/// How a call through [`crate::Instance`] failed.
#[derive(Debug)]
pub enum CallError<UserError = std::convert::Infallible> {
    /// The guest trapped; [`crate::RawInstance::trap_reason`] says why.
    Trap,
    /// The guest ran out of gas. More gas and [`crate::Instance::continue_execution`] let it go on.
    NotEnoughGas,
    /// The engine failed.
    Error(Error),
    /// A host function failed.
    User(UserError),
    /// Step tracing: an instruction comes next.
    Step,
}

impl<UserError: fmt::Display> fmt::Display for CallError<UserError> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Trap => f.write_str("the guest trapped"),
            CallError::NotEnoughGas => f.write_str("the guest ran out of gas"),
            CallError::Error(error) => error.fmt(f),
            CallError::User(error) => error.fmt(f),
            CallError::Step => f.write_str("the guest stopped before an instruction"),
        }
    }
}

impl<UserError: fmt::Debug + fmt::Display> std::error::Error for CallError<UserError> {}

/// Why the host could not access guest memory.
#[derive(Debug)]
pub enum MemoryAccessError {
    /// Not the whole range is accessible.
    OutOfRangeAccess {
        /// Where the range starts.
        address: u32,
        /// Its length in bytes.
        length: u64,
    },
    /// The configured limit on guest memory is reached.
    MemoryLimitReached,
    /// Anything else.
    Error(Error),
}

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryAccessError::OutOfRangeAccess { address, length } => {
                write!(f, "out of range memory access in {address:#x}..{:#x}", u64::from(*address) + length)
            }
            MemoryAccessError::MemoryLimitReached => f.write_str("memory limit reached"),
            MemoryAccessError::Error(error) => write!(f, "memory access failed: {error}"),
        }
    }
}

impl std::error::Error for MemoryAccessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MemoryAccessError::Error(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MemoryAccessError> for String {
    fn from(error: MemoryAccessError) -> String {
        error.to_string()
    }
}

impl From<ErrorKind> for MemoryAccessError {
    fn from(kind: ErrorKind) -> Self {
        MemoryAccessError::Error(Error(kind))
    }
}

impl From<MemoryError> for MemoryAccessError {
    fn from(error: MemoryError) -> Self {
        match error {
            MemoryError::OutOfRange { address, length } => MemoryAccessError::OutOfRangeAccess { address, length },
            MemoryError::LimitReached => MemoryAccessError::MemoryLimitReached,
            other => MemoryAccessError::Error(Error(ErrorKind::Memory(other))),
        }
    }
}
