//! Reads fields one after the other and knows where it is.

use crate::{AbiError, AbiErrorKind, PointerSize, RecordKind};

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    record: RecordKind,
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of a record of that kind at `at`, which may lie outside.
    pub(crate) const fn new(bytes: &'a [u8], record: RecordKind, at: usize) -> Reader<'a> {
        Reader { bytes, record, at }
    }

    /// Offset of the next field.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn u8(&mut self) -> Result<u8, AbiError> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, AbiError> {
        self.take().map(u32::from_le_bytes)
    }

    /// Offset of a pointer slot, which is skipped.
    pub(crate) fn slot(&mut self, pointer: PointerSize) -> Result<usize, AbiError> {
        let at = self.at;
        match pointer {
            PointerSize::Four => self.take::<4>().map(|_| at),
            PointerSize::Eight => self.take::<8>().map(|_| at),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], AbiError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(field) => {
                self.at += N;
                Ok(*field)
            }
            None => Err(AbiError {
                kind: AbiErrorKind::Truncated { record: self.record, needed: N, available: rest.len() },
                at: self.at,
            }),
        }
    }
}
