//! Address spaces: 4 GiB for a guest's memory, its context before them, and nothing else near.

use crate::code::Code;
use crate::segment;
use crate::signals::{self, Run};
use crate::{Action, SandboxError, Stop};
use core::ffi::c_void;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicUsize, Ordering};
use pvm_num::casts::{to_u32, to_u64, to_usize};
use pvm_vmctx::{CONTEXT_SIZE, NO_SITE, VmCtx};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::collections::BTreeMap;

/// Bytes a guest can address.
const ADDRESSES: usize = 1 << 32;
/// Inaccessible bytes behind them: an access at the last address may reach so far.
const GUARD: usize = 4096;
const CONTEXT: usize = CONTEXT_SIZE as usize;
const PAGE: u64 = 4096;

/// What a guest may do with pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
}

/// An address space with the context of the guest that runs in it.
#[derive(Debug)]
pub struct Space {
    /// Where the guest's address 0 is.
    zero: NonNull<u8>,
    /// What is mapped: disjoint ranges of whole pages by their start, those that meet being different in rights.
    mapped: BTreeMap<u64, (u64, Access)>,
}

// SAFETY: the memory belongs to this object alone.
unsafe impl Send for Space {}
// SAFETY: shared access only reads.
unsafe impl Sync for Space {}

impl Space {
    /// An address space with nothing in it.
    ///
    /// # Errors
    /// If the system has no addresses left, faults cannot be handled, or guests cannot run here at all.
    pub fn new() -> Result<Space, SandboxError> {
        if !crate::is_supported() {
            return Err(Action::Reserve.failed(rustix::io::Errno::OPNOTSUPP));
        }
        signals::install()?;
        let size = CONTEXT + ADDRESSES + GUARD;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::empty(), flags) };
        let start = start.map_err(|error| Action::Reserve.failed(error))?;
        // SAFETY: the context's page belongs to the new mapping.
        let context = unsafe { mprotect(start, CONTEXT, MprotectFlags::READ | MprotectFlags::WRITE) };
        // SAFETY: the offset lies within the new mapping.
        let zero = unsafe { start.cast::<u8>().add(CONTEXT) };
        let zero = NonNull::new(zero).ok_or(Action::Reserve.failed(rustix::io::Errno::NOMEM))?;
        let space = Space { zero, mapped: BTreeMap::new() };
        context.map_err(|error| Action::Reserve.failed(error))?;
        Ok(space)
    }

    fn context(&self) -> &VmCtx {
        // SAFETY: the context's page is readable, zeroed when it was made, aligned, and borrowed with this object.
        unsafe { &*self.zero.as_ptr().sub(CONTEXT).cast::<VmCtx>() }
    }

    fn context_mut(&mut self) -> &mut VmCtx {
        // SAFETY: as above, writable, and borrowed alone.
        unsafe { &mut *self.zero.as_ptr().sub(CONTEXT).cast::<VmCtx>() }
    }

    /// The guest's registers; 32-bit ones are zero-extended.
    pub fn regs(&self) -> &[u64; 13] {
        &self.context().regs
    }

    /// The guest's registers; 32-bit ones must be zero-extended.
    pub fn regs_mut(&mut self) -> &mut [u64; 13] {
        &mut self.context_mut().regs
    }

    /// Remaining gas.
    pub fn gas(&self) -> i64 {
        self.context().gas
    }

    /// Sets the remaining gas.
    pub fn set_gas(&mut self, gas: i64) {
        self.context_mut().gas = gas;
    }

    /// The dynamic address to which the indirect jump wanted to go that stopped the guest.
    pub fn jump_address(&self) -> u32 {
        self.context().jump_index.wrapping_add(1).rotate_left(1)
    }

    /// Runs the guest from an offset in the code until it stops. Unless code was compiled to charge gas, gas does not change.
    ///
    /// If it is not to go on soon, [`Space::leave`] should be called.
    ///
    /// # Panics
    /// If the offset lies outside the code.
    #[inline]
    pub fn run(&mut self, code: &Code, offset: u32) -> Stop {
        let start = to_u64(code.text()[to_usize(offset)..].as_ptr().addr());
        let zero = self.zero.as_ptr().addr();
        let run = Run { code, guest: zero..zero + ADDRESSES + GUARD, fault: AtomicUsize::new(0) };
        let base = self.base();
        // SAFETY: the address is that of a function of this type, which preserves what its convention says.
        let enter: extern "sysv64" fn(u64) -> u32 = unsafe { core::mem::transmute(code.entry()) };
        // SAFETY: there are spaces only where the base can be set.
        let host = unsafe { segment::enter(base) };
        let site = signals::with_run(&run, || enter(start));
        host.stop(base);
        match site {
            NO_SITE => Stop::Fault { offset: to_u32(run.fault.load(Ordering::Relaxed) - code.address()) },
            site => Stop::Site(site),
        }
    }

    /// Tidies up on this thread what is kept there for a guest that goes on soon.
    #[inline]
    pub fn leave(&self) {
        segment::leave(self.base());
    }

    fn base(&self) -> u64 {
        to_u64(self.zero.as_ptr().addr())
    }

    /// Maps zeroed pages, also over others.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn map(&mut self, range: Range<u64>, access: Access) -> Result<(), SandboxError> {
        self.replace(&range, access.flags())?;
        self.note(range, access);
        Ok(())
    }

    /// Takes pages away, if there are any.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn unmap(&mut self, range: Range<u64>) -> Result<(), SandboxError> {
        self.replace(&range, ProtFlags::empty())
    }

    /// Changes what the guest may do with pages. False, with no effect, if one is not mapped.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn protect(&mut self, range: Range<u64>, access: Access) -> Result<bool, SandboxError> {
        check(&range);
        if !self.is_mapped(&range) {
            return Ok(false);
        }
        self.set_rights(&range, access)?;
        self.forget(&range);
        self.note(range, access);
        Ok(true)
    }

    /// Maps new pages at a range, and forgets what was there.
    fn replace(&mut self, range: &Range<u64>, rights: ProtFlags) -> Result<(), SandboxError> {
        check(range);
        if range.is_empty() {
            return Ok(());
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::FIXED;
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { mmap_anonymous(self.pointer(range.start), length(range), rights, flags) }
            .map_err(|error| Action::Map.failed(error))?;
        self.forget(range);
        Ok(())
    }

    /// Takes a range out of what is mapped.
    fn forget(&mut self, range: &Range<u64>) {
        while let Some((&start, &(end, access))) =
            self.mapped.range(..range.end).next_back().filter(|(_, (end, _))| *end > range.start)
        {
            self.mapped.remove(&start);
            if range.end < end {
                self.mapped.insert(range.end, (end, access));
            }
            if start < range.start {
                self.mapped.insert(start, (range.start, access));
                break;
            }
        }
    }

    /// Adds a range, of which nothing is there, to what is mapped; ranges that meet with the same rights become one.
    fn note(&mut self, range: Range<u64>, access: Access) {
        if range.is_empty() {
            return;
        }
        let Range { mut start, mut end } = range;
        if let Some((&before, _)) =
            self.mapped.range(..start).next_back().filter(|(_, mapping)| **mapping == (start, access))
        {
            start = before;
        }
        if let Some((after_end, _)) = self.mapped.get(&end).copied().filter(|(_, rights)| *rights == access) {
            self.mapped.remove(&end);
            end = after_end;
        }
        self.mapped.insert(start, (end, access));
    }

    fn pointer(&self, address: u64) -> *mut c_void {
        self.zero.as_ptr().wrapping_add(usize::try_from(address).expect("a 64-bit machine")).cast::<c_void>()
    }

    /// The mapping that holds an address, and what the guest may do there.
    pub fn mapping(&self, address: u64) -> Option<(Range<u64>, Access)> {
        let (&start, &(end, access)) = self.mapped.range(..=address).next_back()?;
        (address < end).then_some((start..end, access))
    }

    /// Is every page of the range mapped?
    pub fn is_mapped(&self, range: &Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.mapping(at) {
                Some((mapping, _)) => at = mapping.end,
                None => return false,
            }
        }
        true
    }

    /// The mapping that holds the whole range.
    fn find(&self, range: &Range<u64>) -> Option<(Range<u64>, Access)> {
        self.mapping(range.start).filter(|(mapping, _)| range.end <= mapping.end)
    }

    /// Memory that is mapped; none if part of the range is not, or not with the same rights.
    pub fn bytes(&self, range: Range<u64>) -> Option<&[u8]> {
        self.find(&range)?;
        // SAFETY: the range is mapped and readable, and borrowed with this object.
        Some(unsafe { core::slice::from_raw_parts(self.pointer(range.start).cast::<u8>(), length(&range)) })
    }

    /// Memory that is mapped for writing; none if part of the range is not.
    pub fn bytes_mut(&mut self, range: Range<u64>) -> Option<&mut [u8]> {
        self.find(&range).filter(|(_, access)| *access == Access::ReadWrite)?;
        // SAFETY: the range is mapped and writable, and borrowed with this object alone.
        Some(unsafe { core::slice::from_raw_parts_mut(self.pointer(range.start).cast::<u8>(), length(&range)) })
    }

    /// Lets `change` at memory that is mapped, whatever the guest may do there. False, with no effect, as with [`Space::bytes`].
    ///
    /// # Errors
    /// If the system refuses to change rights.
    pub fn change(&mut self, range: Range<u64>, change: impl FnOnce(&mut [u8])) -> Result<bool, SandboxError> {
        let Some((_, access)) = self.find(&range) else { return Ok(false) };
        let pages = range.start & !(PAGE - 1)..range.end.next_multiple_of(PAGE);
        if access == Access::Read {
            self.set_rights(&pages, Access::ReadWrite)?;
        }
        // SAFETY: the range is mapped and now writable, and borrowed with this object alone.
        let bytes = unsafe { core::slice::from_raw_parts_mut(self.pointer(range.start).cast::<u8>(), length(&range)) };
        change(bytes);
        if access == Access::Read {
            self.set_rights(&pages, Access::Read)?;
        }
        Ok(true)
    }

    fn set_rights(&mut self, range: &Range<u64>, access: Access) -> Result<(), SandboxError> {
        let rights = MprotectFlags::from_bits_retain(access.flags().bits());
        // SAFETY: the pages belong to this object, and nothing borrows them.
        unsafe { mprotect(self.pointer(range.start), length(range), rights) }.map_err(|error| Action::Map.failed(error))
    }
}

fn check(range: &Range<u64>) {
    let is_whole = range.start.is_multiple_of(PAGE) && range.end.is_multiple_of(PAGE);
    assert!(is_whole && range.start <= range.end && range.end <= to_u64(ADDRESSES), "{range:x?} are no pages");
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).expect("a 64-bit machine")
}

impl Access {
    fn flags(self) -> ProtFlags {
        match self {
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.leave();
        // SAFETY: the mapping belongs to this object.
        let done = unsafe { munmap(self.zero.as_ptr().sub(CONTEXT).cast::<c_void>(), CONTEXT + ADDRESSES + GUARD) };
        debug_assert!(done.is_ok(), "a mapping of ours cannot be unmapped: {done:?}");
    }
}
