//! Errors of the system interface.

use crate::abi::Errno;
use core::fmt;

/// What the host said instead of doing it: an error number of the interface (`abi::Errno`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(i64);

/// The result of a call.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// The error, unless the host has one of its own.
    pub fn errno(self) -> Option<Errno> {
        Errno::ALL.iter().copied().find(|errno| errno.number() == self.0)
    }

    /// Its number, the one of Linux.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Error {
        Error(errno.number())
    }
}

impl PartialEq<Errno> for Error {
    fn eq(&self, errno: &Errno) -> bool {
        self.0 == errno.number()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errno() {
            Some(errno) => f.write_str(errno.text()),
            None => write!(f, "error {}", self.0),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for Error {}

/// The value in a result of the interface.
pub(crate) fn check(result: i64) -> Result<u64> {
    u64::try_from(result).map_err(|_| Error(result.saturating_neg()))
}

/// The size in a result of the interface, for something of `max` elements.
pub(crate) fn check_size(result: i64, max: usize) -> Result<usize> {
    let size = usize::try_from(check(result)?).ok().filter(|size| *size <= max);
    // A host that claims more than it was given cannot be believed.
    size.ok_or(Errno::Io.into())
}

/// The 32-bit number in a result of the interface.
pub(crate) fn check_32(result: i64) -> Result<u32> {
    u32::try_from(check(result)?).map_err(|_| Errno::Io.into())
}
