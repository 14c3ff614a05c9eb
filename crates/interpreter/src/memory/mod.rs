//! Guest memory: one interface to both kinds, for the engine (fast, by hint) and for the host (checked ranges).

mod flat;
mod paged;

pub(crate) use flat::Flat;
pub(crate) use paged::Paged;

use crate::exit::{Exit, Trap};
use core::cell::Cell;

/// Why the host's access to guest memory was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MemoryError {
    /// Part of the range is not accessible.
    #[error("{length} bytes at {address:#x} are not all accessible")]
    OutOfRange {
        /// Where the range starts.
        address: u32,
        /// Its length in bytes.
        length: u64,
    },
    /// The configured limit on backing memory is reached.
    #[error("the limit on guest memory is reached")]
    LimitReached,
    /// The operation needs dynamic paging.
    #[error("only possible under dynamic paging")]
    NeedsDynamicPaging,
    /// The operation needs a static memory map.
    #[error("only possible without dynamic paging")]
    NeedsStaticMap,
    /// The address is not a multiple of the page size.
    #[error("address {address:#x} is not a multiple of the page size")]
    Unaligned {
        /// The address.
        address: u32,
    },
    /// The auxiliary region is smaller than asked for.
    #[error("cannot set accessible aux size: the maximum is {size_max}, while tried to set {size}")]
    AuxSize {
        /// Its size in bytes.
        size_max: u32,
        /// What was asked for.
        size: u32,
    },
}

/// Access rights of a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Protection {
    /// The guest may read.
    Read,
    /// The guest may read and write.
    ReadWrite,
}

/// Bounds of one backing allocation and of all together, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocationLimits {
    /// Largest backing buffer of one region.
    pub region_size_max: u64,
    /// Largest sum of all.
    pub total_size_max: u64,
}

impl Default for AllocationLimits {
    fn default() -> Self {
        AllocationLimits { region_size_max: u64::MAX, total_size_max: u64::MAX }
    }
}

/// A refused access of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) exit: Exit,
}

impl Fault {
    pub(crate) const NONE: Fault = Fault { exit: Exit::Finished };

    pub(crate) fn trap(address: u32, is_write: bool) -> Fault {
        Fault { exit: Exit::Trap(Trap::Memory { address, is_write }) }
    }
}

/// A region of a static map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum RegionIndex {
    ReadOnly,
    ReadWrite,
    Stack,
    Aux,
}

impl RegionIndex {
    pub(crate) const ALL: [RegionIndex; 4] =
        [RegionIndex::ReadOnly, RegionIndex::ReadWrite, RegionIndex::Stack, RegionIndex::Aux];

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        match self {
            RegionIndex::ReadOnly => 0,
            RegionIndex::ReadWrite => 1,
            RegionIndex::Stack => 2,
            RegionIndex::Aux => 3,
        }
    }
}

/// Guest memory as the engine sees it: a fast path that may miss, and a slow path that decides. A refused access returns
/// false; the reason is kept for [`GuestMemory::fault`].
pub(crate) trait GuestMemory {
    /// Reads `N` bytes if they are in `region`, where the operation's last access was or should be; none means: ask the slow path.
    fn load<const N: usize>(&mut self, address: u32, region: RegionIndex) -> Option<[u8; N]>;
    /// Writes `N` bytes likewise; `region` must be a writable one.
    fn store<const N: usize>(&mut self, address: u32, value: [u8; N], region: RegionIndex) -> Option<()>;
    /// Reads bytes if all may be read, and notes in which region.
    fn load_slow(&mut self, address: u32, out: &mut [u8], hint: &Cell<RegionIndex>) -> bool;
    /// Writes bytes if all may be written, and notes in which region.
    fn store_slow(&mut self, address: u32, value: &[u8], hint: &Cell<RegionIndex>) -> bool;
    /// Sets up to `length` bytes and returns how many were set; fewer only if the next one is refused.
    fn fill(&mut self, address: u32, value: u8, length: u32) -> u32;
    /// Grows the heap by `size` bytes: the new end, or 0 if it cannot grow so far; none if there is no heap to grow.
    fn sbrk(&mut self, size: u64) -> Option<u32>;
    /// Why the last access was refused.
    fn fault(&self) -> Fault;
}
