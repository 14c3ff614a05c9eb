//! The jump table: code offsets that dynamic jumps may reach, numbered by even addresses.

use alloc::vec::Vec;
use pvm_num::casts::{to_u32, to_usize, widen_u8};
use pvm_num::limits::{CODE_ADDRESS_ALIGNMENT, JUMP_TABLE_ENTRY_SIZE_MAX};

/// A view of a jump table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JumpTable<'a> {
    bytes: &'a [u8],
    entry_size: u8,
}

impl<'a> JumpTable<'a> {
    /// A view of little-endian entries of `entry_size` bytes each, 0 to 4.
    ///
    /// # Panics
    /// If the entries are wider, which parsing refuses.
    pub const fn new(bytes: &'a [u8], entry_size: u8) -> Self {
        assert!(entry_size <= JUMP_TABLE_ENTRY_SIZE_MAX, "parsing refuses or narrows wider entries");
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

    /// The code offset in entry `index`. Nothing says that an instruction starts there.
    #[inline]
    pub fn get(&self, index: u32) -> Option<u32> {
        let size = usize::from(self.entry_size);
        let start = to_usize(index).checked_mul(size)?;
        let entry = self.bytes.get(start..start.checked_add(size)?).filter(|entry| !entry.is_empty())?;
        Some(entry.iter().rev().fold(0, |value, byte| value << 8 | widen_u8(*byte)))
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

/// Entries wider than 32 bits, as generic programs may have, cut to 32. What does not fit becomes the greatest offset, which
/// is behind any code.
pub(crate) fn narrow(wide: &[u8], entry_size: u8) -> Vec<u8> {
    let narrow_entry = |entry: &[u8]| match entry.split_first_chunk::<4>() {
        Some((low, high)) if high.iter().all(|byte| *byte == 0) => *low,
        _ => u32::MAX.to_le_bytes(),
    };
    wide.chunks_exact(usize::from(entry_size)).flat_map(narrow_entry).collect()
}
