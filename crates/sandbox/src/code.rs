//! Loaded code: executable, readable, not writable for as long as it is loaded.

use crate::pool::Pool;
use crate::{Action, SandboxError};
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use pvm_compiler::Output;
use pvm_num::casts::{to_u64, to_usize};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::sync::Arc;

/// What stands behind machine code and its table: `int3`.
const FILLER: u8 = 0xcc;

/// A compiled program in executable memory, to be shared by all its guests.
#[derive(Debug)]
pub struct Code {
    start: NonNull<u8>,
    /// Bytes of machine code.
    text_size: usize,
    entry: usize,
    fault_exit: usize,
    /// What it is in, which goes to the pool in the end.
    memory: Option<CodeMemory>,
    pool: Option<Arc<Pool>>,
}

// SAFETY: the memory belongs to this object alone and is not written after `load`.
unsafe impl Send for Code {}
// SAFETY: as above; all methods only read.
unsafe impl Sync for Code {}

impl Code {
    /// Puts machine code in executable memory, and its jump table behind it. The memory is of the pool, if there is one and it has
    /// any, and goes back there.
    ///
    /// # Errors
    /// If the system has no such memory.
    pub fn load(output: &Output<'_>, pool: Option<&Arc<Pool>>) -> Result<Code, SandboxError> {
        let text = output.text();
        let size = text.len() + output.jump_table().len() * 8;
        let kept = pool.and_then(|pool| pool.take_code(size));
        let mut memory = kept.map_or_else(|| CodeMemory::map(size), Ok)?;
        let start = memory.start;
        let origin = start.as_ptr().addr();
        let (code, rest) = memory.bytes_mut().split_at_mut(text.len());
        let (table, rest) = rest.split_at_mut(size - text.len());
        code.copy_from_slice(text);
        for (entry, offset) in table.chunks_exact_mut(8).zip(output.jump_table()) {
            entry.copy_from_slice(&to_u64(origin + to_usize(*offset)).to_le_bytes());
        }
        // Of what stood here before nothing stays.
        rest.fill(FILLER);
        // The table is executable too, which saves a page and a system call: all that the guest chooses of it is which of its own
        // entries stand there.
        memory.protect(MprotectFlags::READ | MprotectFlags::EXEC)?;
        Ok(Code {
            start,
            text_size: text.len(),
            entry: to_usize(output.entry()),
            fault_exit: to_usize(output.fault_exit()),
            memory: Some(memory),
            pool: pool.map(Arc::clone),
        })
    }

    /// Address of the machine code.
    #[inline]
    pub fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }

    /// The machine code.
    #[inline]
    pub fn text(&self) -> &[u8] {
        // SAFETY: the text is readable for as long as this object lives, and not written.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.text_size) }
    }

    /// Address of the function that enters a guest.
    #[inline]
    pub(crate) fn entry(&self) -> *const u8 {
        self.start.as_ptr().wrapping_add(self.entry)
    }

    /// Address where faults leave.
    pub(crate) fn fault_exit(&self) -> usize {
        self.address() + self.fault_exit
    }

    /// Does the instruction at this address belong to the machine code?
    pub(crate) fn holds(&self, address: usize) -> bool {
        address.wrapping_sub(self.address()) < self.text_size
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // No guest runs in it: running borrows it. Whoever runs what is put there next has been interrupted by the changes of rights,
        // as a processor must be that has run what was there before (Intel's manual, volume 3, cross-modifying code).
        if let (Some(memory), Some(pool)) = (self.memory.take(), &self.pool)
            && memory.protect(MprotectFlags::READ | MprotectFlags::WRITE).is_ok()
        {
            pool.give_code(memory);
        }
    }
}

/// Memory that machine code is put in.
#[derive(Debug)]
pub(crate) struct CodeMemory {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: the memory belongs to this object alone.
unsafe impl Send for CodeMemory {}

impl CodeMemory {
    /// So many bytes and up to the end of a page, to be read and written.
    fn map(size: usize) -> Result<CodeMemory, SandboxError> {
        let size = size.next_multiple_of(rustix::param::page_size());
        // All of it is about to be written: pages at once are cheaper than a fault for each.
        let flags = MapFlags::PRIVATE | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, flags) };
        let start = start.map_err(|error| Action::LoadCode.failed(error))?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(Action::LoadCode.failed(rustix::io::Errno::NOMEM))?;
        Ok(CodeMemory { start, size })
    }

    /// Bytes of all its pages.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// All of it, if it may be written: it is neither loaded code nor was that when it was left.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the mapping has `size` bytes and belongs to this object, which is borrowed; who has it outside of `Code` may write
        // it.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.size) }
    }

    /// Changes the rights of all pages.
    fn protect(&self, rights: MprotectFlags) -> Result<(), SandboxError> {
        // SAFETY: the pages belong to the mapping; nobody holds a reference into them, for those of `Code::text` live no longer than
        // the code.
        unsafe { mprotect(self.start.as_ptr().cast::<c_void>(), self.size, rights) }
            .map_err(|error| Action::LoadCode.failed(error))
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping belongs to this object.
        let done = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.size) };
        debug_assert!(done.is_ok(), "a mapping of ours cannot be unmapped: {done:?}");
    }
}
