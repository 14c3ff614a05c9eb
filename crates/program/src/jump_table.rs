//! The jump table: code offsets that dynamic jumps may reach, numbered by even addresses.

use pvm_num::casts::{to_u32, to_usize, widen_u8};
use pvm_num::limits::CODE_ADDRESS_ALIGNMENT;

/// A view of a jump table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JumpTable<'a> {
    bytes: &'a [u8],
    entry_size: u8,
}

impl<'a> JumpTable<'a> {
    /// A view of little-endian entries of `entry_size` bytes each.
    pub const fn new(bytes: &'a [u8], entry_size: u8) -> Self {
        JumpTable { bytes, entry_size }
    }

    /// Bytes per entry. With 0 the table has no entries.
    pub const fn entry_size(&self) -> u8 {
        self.entry_size
    }

    /// The encoded entries.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number of entries.
    pub fn len(&self) -> u32 {
        match usize::from(self.entry_size) {
            0 => 0,
            size => to_u32(self.bytes.len() / size),
        }
    }

    /// Has it no entries?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code offset in entry `index`. Nothing says that an instruction starts there. An entry of a generic program
    /// that is wider than 32 bits reads as the greatest offset, which is behind any code.
    #[inline]
    pub fn get(&self, index: u32) -> Option<u32> {
        let size = usize::from(self.entry_size);
        let start = to_usize(index).checked_mul(size)?;
        let entry = self.bytes.get(start..start.checked_add(size)?).filter(|entry| !entry.is_empty())?;
        let (low, high) = entry.split_at(size.min(4));
        if high.iter().any(|byte| *byte != 0) {
            return Some(u32::MAX);
        }
        Some(low.iter().rev().fold(0, |value, byte| value << 8 | widen_u8(*byte)))
    }

    /// The code offset a dynamic jump to `address` leads to: entry `address / 2 - 1` if the address is even.
    #[inline]
    pub fn get_by_address(&self, address: u32) -> Option<u32> {
        if !address.is_multiple_of(CODE_ADDRESS_ALIGNMENT) {
            return None;
        }
        self.get((address / CODE_ADDRESS_ALIGNMENT).checked_sub(1)?)
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        let table = *self;
        (0..table.len()).filter_map(move |index| table.get(index))
    }
}
