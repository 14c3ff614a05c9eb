//! Loaded code: executable, readable, never writable again.

use crate::{Action, SandboxError};
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use pvm_compiler::Output;
use pvm_num::casts::{to_u64, to_usize};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// A compiled program in executable memory, to be shared by all its guests.
#[derive(Debug)]
pub struct Code {
    start: NonNull<u8>,
    /// Bytes of the whole mapping.
    size: usize,
    /// Bytes of machine code.
    text_size: usize,
    entry: usize,
    fault_exit: usize,
}

// SAFETY: the memory belongs to this object alone and is not written after `load`.
unsafe impl Send for Code {}
// SAFETY: as above; all methods only read.
unsafe impl Sync for Code {}

impl Code {
    /// Puts machine code in executable memory, and its jump table behind it.
    ///
    /// # Errors
    /// If the system has no such memory.
    pub fn load(output: &Output<'_>) -> Result<Code, SandboxError> {
        let text = output.text();
        let table_size = output.jump_table().len() * 8;
        let size = (text.len() + table_size).next_multiple_of(rustix::param::page_size());
        // All of it is about to be written: pages at once are cheaper than a fault for each.
        let flags = MapFlags::PRIVATE | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, flags) };
        let start = start.map_err(|error| Action::LoadCode.failed(error))?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(Action::LoadCode.failed(rustix::io::Errno::NOMEM))?;
        let code = Code {
            start,
            size,
            text_size: text.len(),
            entry: to_usize(output.entry()),
            fault_exit: to_usize(output.fault_exit()),
        };
        // SAFETY: the mapping has `size` bytes, is writable, and nobody else knows it yet.
        let bytes = unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), size) };
        bytes[..text.len()].copy_from_slice(text);
        for (entry, offset) in bytes[text.len()..].chunks_exact_mut(8).zip(output.jump_table()) {
            entry.copy_from_slice(&to_u64(code.address() + to_usize(*offset)).to_le_bytes());
        }
        // The table is executable too, which saves a page and a system call: all that the guest chooses of it is which of its own
        // entries stand there.
        // SAFETY: the pages belong to the mapping; `bytes` is not used again.
        unsafe { mprotect(start.as_ptr().cast::<c_void>(), size, MprotectFlags::READ | MprotectFlags::EXEC) }
            .map_err(|error| Action::LoadCode.failed(error))?;
        Ok(code)
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
        // SAFETY: the mapping belongs to this object, and no guest runs in it: running borrows it.
        let done = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.size) };
        debug_assert!(done.is_ok(), "a mapping of ours cannot be unmapped: {done:?}");
    }
}
