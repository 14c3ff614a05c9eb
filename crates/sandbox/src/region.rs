//! Addresses of a guest: reserved once, with its context in front and nothing near.

use crate::{Access, Action, SandboxError};
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, NonNull};
use pvm_num::casts::to_u64;
use pvm_vmctx::{CONTEXT_SIZE, VmCtx};
use rustix::fd::BorrowedFd;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use rustix::mm::{madvise, mmap, mmap_anonymous, mprotect, munmap};

/// Bytes a guest can address.
pub(crate) const ADDRESSES: usize = 1 << 32;
/// Inaccessible bytes before the context and behind the guest's addresses: an access at the last one may reach so far.
pub(crate) const GUARD: usize = 4096;
const CONTEXT: usize = CONTEXT_SIZE as usize;
pub(crate) const PAGE: u64 = 4096;
const SIZE: usize = GUARD + CONTEXT + ADDRESSES + GUARD;

/// Reserved addresses.
///
/// ```text
/// | guard | context | 4 GiB of the guest | guard |
///                   ^ zero
/// ```
#[derive(Debug)]
pub(crate) struct Region {
    /// Where the guest's address 0 is. Dangling if there is no region: where it has moved elsewhere.
    zero: NonNull<u8>,
}

// SAFETY: the memory belongs to this object alone.
unsafe impl Send for Region {}
// SAFETY: shared access only reads.
unsafe impl Sync for Region {}

impl Region {
    /// Addresses with nothing there, and a zeroed context.
    pub(crate) fn new() -> Result<Region, SandboxError> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), SIZE, ProtFlags::empty(), flags) };
        let start = start.map_err(|error| Action::Reserve.failed(error))?;
        // SAFETY: the offset lies within the new mapping.
        let zero = unsafe { start.cast::<u8>().add(GUARD + CONTEXT) };
        let zero = NonNull::new(zero).ok_or(Action::Reserve.failed(rustix::io::Errno::NOMEM))?;
        let region = Region { zero };
        let rights = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the context's page belongs to the new mapping.
        unsafe { mprotect(region.context_pointer().cast(), CONTEXT, rights) }
            .map_err(|error| Action::Reserve.failed(error))?;
        Ok(region)
    }

    /// The region, out of an object that is about to end.
    pub(crate) fn take(&mut self) -> Region {
        Region { zero: core::mem::replace(&mut self.zero, NonNull::dangling()) }
    }

    /// Where the guest's address 0 is.
    #[inline]
    pub(crate) fn zero(&self) -> usize {
        self.zero.as_ptr().addr()
    }

    #[inline]
    fn context_pointer(&self) -> *mut VmCtx {
        self.zero.as_ptr().wrapping_sub(CONTEXT).cast()
    }

    #[inline]
    pub(crate) fn context(&self) -> &VmCtx {
        // SAFETY: the context's page is readable, zeroed when it was made, aligned, and borrowed with this object.
        unsafe { &*self.context_pointer() }
    }

    #[inline]
    pub(crate) fn context_mut(&mut self) -> &mut VmCtx {
        // SAFETY: as above, writable, and borrowed alone.
        unsafe { &mut *self.context_pointer() }
    }

    #[inline]
    fn pointer(&self, address: u64) -> *mut c_void {
        self.zero.as_ptr().wrapping_add(usize::try_from(address).expect("a 64-bit machine")).cast::<c_void>()
    }

    /// Zeroed pages, or none without rights, instead of what was there.
    pub(crate) fn map(&mut self, range: &Range<u64>, access: Option<Access>) -> Result<(), SandboxError> {
        check(range);
        if range.is_empty() {
            return Ok(());
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { mmap_anonymous(self.pointer(range.start), length(range), rights(access), flags) }
            .map_err(|error| Action::Map.failed(error))?;
        Ok(())
    }

    /// Pages of a file, copied when they are written, instead of what was there. The file must not shrink.
    pub(crate) fn map_file(
        &mut self,
        range: &Range<u64>,
        access: Access,
        file: BorrowedFd<'_>,
        offset: u64,
    ) -> Result<(), SandboxError> {
        check(range);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { mmap(self.pointer(range.start), length(range), rights(Some(access)), flags, file, offset) }
            .map_err(|error| Action::Map.failed(error))?;
        Ok(())
    }

    /// Other rights for pages that are mapped.
    pub(crate) fn protect(&mut self, range: &Range<u64>, access: Access) -> Result<(), SandboxError> {
        check(range);
        let rights = MprotectFlags::from_bits_retain(rights(Some(access)).bits());
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { mprotect(self.pointer(range.start), length(range), rights) }.map_err(|error| Action::Map.failed(error))
    }

    /// Pages as they were when they were mapped.
    pub(crate) fn discard(&mut self, range: &Range<u64>) -> Result<(), SandboxError> {
        check(range);
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { madvise(self.pointer(range.start), length(range), Advice::LinuxDontNeed) }
            .map_err(|error| Action::Map.failed(error))
    }

    /// Memory.
    ///
    /// # Safety
    /// 1. The range is mapped, and not without rights.
    #[inline]
    pub(crate) unsafe fn bytes(&self, range: &Range<u64>) -> &[u8] {
        // SAFETY: the caller's obligation; it is borrowed with this object.
        unsafe { core::slice::from_raw_parts(self.pointer(range.start).cast::<u8>(), length(range)) }
    }

    /// Memory to be changed.
    ///
    /// # Safety
    /// 1. The range is mapped for writing.
    #[inline]
    pub(crate) unsafe fn bytes_mut(&mut self, range: &Range<u64>) -> &mut [u8] {
        // SAFETY: the caller's obligation; it is borrowed with this object alone.
        unsafe { core::slice::from_raw_parts_mut(self.pointer(range.start).cast::<u8>(), length(range)) }
    }
}

fn check(range: &Range<u64>) {
    let is_whole = range.start.is_multiple_of(PAGE) && range.end.is_multiple_of(PAGE);
    assert!(is_whole && range.start <= range.end && range.end <= to_u64(ADDRESSES), "{range:x?} are no pages");
}

#[inline]
fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).expect("a 64-bit machine")
}

fn rights(access: Option<Access>) -> ProtFlags {
    match access {
        None => ProtFlags::empty(),
        Some(Access::Read) => ProtFlags::READ,
        Some(Access::ReadWrite) => ProtFlags::READ | ProtFlags::WRITE,
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if self.zero == NonNull::dangling() {
            return;
        }
        let start = self.zero.as_ptr().wrapping_sub(GUARD + CONTEXT);
        // SAFETY: the mapping belongs to this object.
        let done = unsafe { munmap(start.cast::<c_void>(), SIZE) };
        debug_assert!(done.is_ok(), "a mapping of ours cannot be unmapped: {done:?}");
    }
}
