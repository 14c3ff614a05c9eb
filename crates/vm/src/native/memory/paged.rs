//! Dynamic paging: pages the host makes, protects and frees; touching a missing one is an exit.

use pvm_interpreter::{Exit, FaultOrder, MemoryError, Protection, Trap};
use pvm_num::casts::{to_u32, to_u64, widen};
use pvm_num::limits::ADDRESS_ZONE;
use pvm_sandbox::{Access, SandboxError, Space};
use std::ops::Range;

/// How a guest's pages behave; which there are is known to its address space.
#[derive(Debug)]
pub(super) struct Paged {
    page_size: u32,
    order: FaultOrder,
}

impl Paged {
    pub(super) fn new(page_size: u32, order: FaultOrder) -> Paged {
        Paged { page_size, order }
    }

    pub(super) fn reset(&self, space: &mut Space) -> Result<(), SandboxError> {
        space.reset_memory()
    }

    fn access(space: &Space, page: u32) -> Option<Access> {
        space.mapping(widen(page)).map(|(_, access)| access)
    }

    /// Which page an access of `length` bytes fails on (isa.md 7.3).
    pub(super) fn refused(&self, space: &Space, address: u32, length: u32, is_write: bool) -> Exit {
        let trap = Exit::Trap(Trap::Memory { address, is_write });
        if address < ADDRESS_ZONE {
            return trap;
        }
        let page_of = |address: u32| address & !(self.page_size - 1);
        let pages = [page_of(address), page_of(address.wrapping_add(length - 1))];
        let missing = |page: &u32| Self::access(space, *page).is_none();
        let read_only = |page: &u32| is_write && Self::access(space, *page) == Some(Access::Read);
        let failing = match self.order {
            FaultOrder::FirstPage => pages.into_iter().find(|page| missing(page) || read_only(page)),
            FaultOrder::MissingPageFirst => {
                pages.into_iter().find(missing).or_else(|| pages.into_iter().find(read_only))
            }
        };
        let page_address = failing.unwrap_or(pages[0]);
        if page_address < ADDRESS_ZONE {
            return trap;
        }
        Exit::Segfault { page_address, is_write_protected: !missing(&page_address) }
    }

    pub(super) fn fill(&self, space: &mut Space, address: u32, value: u8, length: u32) -> u32 {
        let Some((mapping, Access::ReadWrite)) = space.mapping(widen(address)) else { return 0 };
        let end = mapping.end.min(widen(address) + widen(length));
        match space.bytes_mut(widen(address)..end) {
            Some(bytes) => {
                bytes.fill(value);
                to_u32(bytes.len())
            }
            None => 0,
        }
    }

    pub(super) fn is_accessible(&self, space: &Space, address: u32, length: u64, is_write: bool) -> bool {
        let range = range(address, length);
        let mut at = range.start;
        while at < range.end {
            match space.mapping(at) {
                Some((mapping, access)) if !is_write || access == Access::ReadWrite => at = mapping.end,
                _ => return false,
            }
        }
        true
    }

    pub(super) fn read(&self, space: &Space, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let length = to_u64(out.len());
        let refused = MemoryError::OutOfRange { address, length };
        if !self.is_accessible(space, address, length, false) {
            return Err(refused);
        }
        let mut rest = out;
        for part in parts(space, range(address, length)) {
            let bytes = space.bytes(part).ok_or(refused)?;
            let (head, tail) = rest.split_at_mut(bytes.len());
            head.copy_from_slice(bytes);
            rest = tail;
        }
        Ok(())
    }

    pub(super) fn write(&self, space: &mut Space, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        let mut rest = data;
        self.change(space, address, to_u64(data.len()), force, |bytes| {
            let (head, tail) = rest.split_at(bytes.len());
            bytes.copy_from_slice(head);
            rest = tail;
        })
    }

    pub(super) fn zero(&self, space: &mut Space, address: u32, length: u64) -> Result<(), MemoryError> {
        self.change(space, address, length, false, |bytes| bytes.fill(0))
    }

    fn change(
        &self,
        space: &mut Space,
        address: u32,
        length: u64,
        force: bool,
        mut change: impl FnMut(&mut [u8]),
    ) -> Result<(), MemoryError> {
        let refused = MemoryError::OutOfRange { address, length };
        if !self.is_accessible(space, address, length, !force) {
            return Err(refused);
        }
        for part in parts(space, range(address, length)) {
            let changed = space.change(part, &mut change).map_err(|_| MemoryError::LimitReached)?;
            debug_assert!(changed, "an accessible part is mapped");
        }
        Ok(())
    }

    /// The pages from an address, the last one whole.
    fn whole_pages(&self, address: u32, length: u64) -> Result<Range<u64>, MemoryError> {
        if address & (self.page_size - 1) != 0 {
            return Err(MemoryError::Unaligned { address });
        }
        super::in_range(address, length)?;
        Ok(self.pages(address, length))
    }

    fn pages(&self, address: u32, length: u64) -> Range<u64> {
        let size = widen(self.page_size);
        let range = range(address, length);
        range.start & !(size - 1)..range.end.next_multiple_of(size)
    }

    pub(super) fn zero_pages(
        &self,
        space: &mut Space,
        address: u32,
        length: u64,
        rights: Protection,
    ) -> Result<(), MemoryError> {
        let pages = self.whole_pages(address, length)?;
        space.map(pages, access(rights)).map_err(|_| MemoryError::LimitReached)
    }

    pub(super) fn protect(
        &self,
        space: &mut Space,
        address: u32,
        length: u64,
        rights: Protection,
    ) -> Result<(), MemoryError> {
        super::in_range(address, length)?;
        match space.protect(self.pages(address, length), access(rights)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(MemoryError::OutOfRange { address, length }),
            Err(_) => Err(MemoryError::LimitReached),
        }
    }

    pub(super) fn free_pages(&self, space: &mut Space, address: u32, length: u64) -> Result<(), MemoryError> {
        let pages = self.whole_pages(address, length)?;
        space.unmap(pages).map_err(|_| MemoryError::LimitReached)
    }
}

fn access(rights: Protection) -> Access {
    match rights {
        Protection::Read => Access::Read,
        Protection::ReadWrite => Access::ReadWrite,
    }
}

fn range(address: u32, length: u64) -> Range<u64> {
    widen(address)..widen(address) + length
}

/// The parts of a range, all of it mapped, that lie in one mapping each.
fn parts(space: &Space, range: Range<u64>) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let Some((mapping, _)) = space.mapping(at) else { break };
        let end = mapping.end.min(range.end);
        parts.push(at..end);
        at = end;
    }
    parts
}
