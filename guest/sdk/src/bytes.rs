//! Bytes that cross between guest and host: address and length, in two registers.

use crate::Value;
use alloc::vec::Vec;
use core::fmt;

/// Bytes in the guest's memory, as an argument or the result of an export or import.
///
/// Those that come from the host are there as long as the call lasts. Those that go to it are never freed.
///
/// ```
/// use pvm::Bytes;
///
/// #[pvm::export]
/// fn reverse(bytes: Bytes) -> Bytes {
///     bytes.iter().rev().copied().collect::<Vec<u8>>().into()
/// }
///
/// assert_eq!(*reverse(b"abc".into()), *b"cba");
/// ```
#[repr(C)]
pub struct Bytes {
    address: *const u8,
    length: usize,
}

impl Value for Bytes {
    const REGISTERS: u8 = 2;
}

impl core::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.length == 0 {
            // The host may give any address for none.
            return &[];
        }
        // SAFETY: either the host made it, which says by it that the bytes are there, or `from` did, of bytes that stay.
        unsafe { core::slice::from_raw_parts(self.address, self.length) }
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Bytes {
        Bytes { address: bytes.as_ptr(), length: bytes.len() }
    }
}

impl<const LENGTH: usize> From<&'static [u8; LENGTH]> for Bytes {
    fn from(bytes: &'static [u8; LENGTH]) -> Bytes {
        Bytes::from(bytes.as_slice())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::from(&*bytes.leak())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
