//! Shared bytes: a reference-counted buffer and a range of it, so that programs are cheap to clone and own their bytes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, Range};

/// Immutable bytes. Clones and slices share one buffer.
#[derive(Clone)]
pub struct Bytes(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static [u8]),
    /// The range lies within the buffer: [`Bytes::slice`] is the only place that makes one.
    Shared(Arc<[u8]>, Range<usize>),
}

impl Bytes {
    /// No bytes.
    pub const EMPTY: Bytes = Bytes(Repr::Static(&[]));

    /// Bytes that live as long as the process, without a copy.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Bytes(Repr::Static(bytes))
    }

    /// The part `range` of these bytes, without a copy; none if it does not lie within them.
    pub fn slice(&self, range: Range<usize>) -> Option<Bytes> {
        let whole: &[u8] = self;
        whole.get(range.clone())?;
        Some(match &self.0 {
            Repr::Static(bytes) => Bytes(Repr::Static(&bytes[range])),
            Repr::Shared(owner, outer) => {
                Bytes(Repr::Shared(Arc::clone(owner), outer.start + range.start..outer.start + range.end))
            }
        })
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Static(bytes) => bytes,
            Repr::Shared(owner, range) => &owner[range.start..range.end],
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes::EMPTY
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        let range = 0..bytes.len();
        Bytes(Repr::Shared(bytes, range))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { Bytes::EMPTY } else { Bytes::from(Arc::<[u8]>::from(bytes)) }
    }
}

/// Copies.
impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Bytes::EMPTY } else { Bytes::from(Arc::<[u8]>::from(bytes)) }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}
