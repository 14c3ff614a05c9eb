//! Shared bytes under the name embedders use.

use pvm_program::Bytes;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

/// Immutable bytes; clones share one buffer.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ArcBytes(pub(crate) Bytes);

impl ArcBytes {
    /// No bytes.
    pub const fn empty() -> Self {
        ArcBytes(Bytes::EMPTY)
    }

    /// Bytes that live as long as the process, without a copy.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        ArcBytes(Bytes::from_static(bytes))
    }
}

impl Deref for ArcBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ArcBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for ArcBytes {
    fn from(data: Vec<u8>) -> Self {
        ArcBytes(data.into())
    }
}

impl<'a> From<&'a [u8]> for ArcBytes {
    fn from(data: &'a [u8]) -> Self {
        ArcBytes(data.into())
    }
}

impl From<Arc<[u8]>> for ArcBytes {
    fn from(data: Arc<[u8]>) -> Self {
        ArcBytes(data.into())
    }
}

impl<'a> From<Cow<'a, [u8]>> for ArcBytes {
    fn from(data: Cow<'a, [u8]>) -> Self {
        match data {
            Cow::Borrowed(data) => data.into(),
            Cow::Owned(data) => data.into(),
        }
    }
}

impl From<Bytes> for ArcBytes {
    fn from(bytes: Bytes) -> Self {
        ArcBytes(bytes)
    }
}
