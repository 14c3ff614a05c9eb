//! Memory of a compiled guest: an address space, laid out by a static map or page by page.

mod fixed;
mod paged;

pub(super) use fixed::has_whole_pages;

use fixed::Fixed;
use paged::Paged;
use pvm_interpreter::{Exit, Image, MemoryError, Paging, Protection};
use pvm_num::casts::widen;
use pvm_num::limits::ADDRESS_ZONE;
use pvm_sandbox::{Access, Pool, SandboxError, Space, Template};
use std::sync::Arc;

/// Memory, with registers and gas in its address space.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(super) space: Space,
    layout: Layout,
}

#[derive(Debug)]
enum Layout {
    Fixed(Box<Fixed>),
    Paged(Paged),
}

/// What the memory of a program's guests starts with.
pub(super) fn template(image: &Image) -> Result<Template, SandboxError> {
    match image.paging {
        Paging::Static => Fixed::template(&image.memory),
        Paging::Dynamic { .. } => Template::new(&[]),
    }
}

/// The same method of both layouts.
macro_rules! both {
    ($memory:expr, $method:ident($($argument:expr),*)) => {
        match &$memory.layout {
            Layout::Fixed(fixed) => fixed.$method(&$memory.space $(, $argument)*),
            Layout::Paged(paged) => paged.$method(&$memory.space $(, $argument)*),
        }
    };
}

/// Likewise, of methods that change memory.
macro_rules! both_mut {
    ($memory:expr, $method:ident($($argument:expr),*)) => {
        match &mut $memory.layout {
            Layout::Fixed(fixed) => fixed.$method(&mut $memory.space $(, $argument)*),
            Layout::Paged(paged) => paged.$method(&mut $memory.space $(, $argument)*),
        }
    };
}

impl Memory {
    pub(super) fn new(image: &Image, template: &Arc<Template>, pool: &Arc<Pool>) -> Result<Memory, SandboxError> {
        let space = Space::of(template, Some(pool))?;
        let layout = match image.paging {
            Paging::Static => Layout::Fixed(Box::new(Fixed::new(&image.memory))),
            Paging::Dynamic { page_size, order } => Layout::Paged(Paged::new(page_size, order)),
        };
        Ok(Memory { space, layout })
    }

    /// Back to the initial contents.
    pub(crate) fn reset(&mut self) -> Result<(), SandboxError> {
        both_mut!(self, reset())
    }

    /// Why an access of the guest was refused.
    pub(super) fn refused(&self, address: u32, length: u32, is_write: bool) -> Exit {
        both!(self, refused(address, length, is_write))
    }

    /// Sets up to `length` bytes for the guest and returns how many were set; fewer only if the next one is refused.
    pub(super) fn fill(&mut self, address: u32, value: u8, length: u32) -> u32 {
        both_mut!(self, fill(address, value, length))
    }

    /// Can the host read, or with `is_write` write, the whole range?
    pub(crate) fn is_accessible(&self, address: u32, length: u32, is_write: bool) -> bool {
        length == 0
            || (in_range(address, widen(length)).is_ok()
                && both!(self, is_accessible(address, widen(length), is_write)))
    }

    /// Memory that the host can read, if it lies in one piece.
    #[inline]
    pub(crate) fn view(&self, address: u32, length: u32) -> Option<&[u8]> {
        in_range(address, widen(length)).ok()?;
        match &self.layout {
            Layout::Fixed(fixed) => fixed.view(&self.space, address, length),
            Layout::Paged(_) => self.space.bytes(widen(address)..widen(address) + widen(length)),
        }
    }

    /// May the guest itself access the whole range?
    pub(super) fn allows(&self, address: u32, length: u32, is_write: bool) -> bool {
        let (mut at, end) = (widen(address), widen(address) + widen(length));
        while at < end {
            match self.space.mapping(at) {
                Some((mapping, access)) if !is_write || access == Access::ReadWrite => at = mapping.end,
                _ => return false,
            }
        }
        true
    }

    /// Reads guest memory into `out`.
    ///
    /// # Errors
    /// Unless the whole range can be read; `out` is then as it was.
    pub(crate) fn read(&self, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        if out.is_empty() {
            return Ok(());
        }
        in_range(address, pvm_num::casts::to_u64(out.len()))?;
        both!(self, read(address, out))
    }

    /// Writes guest memory, all or nothing; with `force` also where only loaders and test drivers may.
    ///
    /// # Errors
    /// Unless the host may write the whole range.
    pub(crate) fn write(&mut self, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        if data.is_empty() {
            return Ok(());
        }
        in_range(address, pvm_num::casts::to_u64(data.len()))?;
        both_mut!(self, write(address, data, force))
    }

    /// Zeroes guest memory, all or nothing.
    ///
    /// # Errors
    /// Unless the host may write the whole range.
    pub(crate) fn zero(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        if length == 0 {
            return Ok(());
        }
        in_range(address, widen(length))?;
        both_mut!(self, zero(address, widen(length)))
    }

    /// Zeroes whole pages and gives them these rights, making missing ones.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub(crate) fn zero_pages(&mut self, address: u32, length: u32, rights: Protection) -> Result<(), MemoryError> {
        let (paged, space) = self.paged()?;
        if length == 0 { Ok(()) } else { paged.zero_pages(space, address, widen(length), rights) }
    }

    /// Changes the rights of existing pages.
    ///
    /// # Errors
    /// Without dynamic paging, or if part of the range is missing.
    pub(crate) fn protect_pages(&mut self, address: u32, length: u32, rights: Protection) -> Result<(), MemoryError> {
        let (paged, space) = self.paged()?;
        if length == 0 { Ok(()) } else { paged.protect(space, address, widen(length), rights) }
    }

    /// Removes pages.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub(crate) fn free_pages(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        let (paged, space) = self.paged()?;
        if length == 0 { Ok(()) } else { paged.free_pages(space, address, widen(length)) }
    }

    fn paged(&mut self) -> Result<(&Paged, &mut Space), MemoryError> {
        match &self.layout {
            Layout::Fixed(_) => Err(MemoryError::NeedsDynamicPaging),
            Layout::Paged(paged) => Ok((paged, &mut self.space)),
        }
    }

    fn fixed(&mut self) -> Result<(&mut Fixed, &mut Space), MemoryError> {
        match &mut self.layout {
            Layout::Fixed(fixed) => Ok((fixed, &mut self.space)),
            Layout::Paged(_) => Err(MemoryError::NeedsStaticMap),
        }
    }

    /// Bytes the heap has grown to; 0 under dynamic paging.
    pub(crate) fn heap_size(&self) -> u32 {
        match &self.layout {
            Layout::Fixed(fixed) => fixed.heap_size(),
            Layout::Paged(_) => 0,
        }
    }

    /// Grows the heap by `size` bytes: its new end, or 0 if it cannot grow so far.
    ///
    /// # Errors
    /// Under dynamic paging.
    pub(crate) fn sbrk(&mut self, size: u32) -> Result<u32, MemoryError> {
        let (fixed, space) = self.fixed()?;
        Ok(fixed.sbrk(space, size))
    }

    /// Shows guest and host only the first `size` bytes of the auxiliary region, rounded up to pages.
    ///
    /// # Errors
    /// Under dynamic paging, or if the region is smaller.
    pub(crate) fn set_accessible_aux_size(&mut self, size: u32) -> Result<(), MemoryError> {
        let (fixed, space) = self.fixed()?;
        fixed.set_accessible_aux_size(space, size)
    }

    /// Refuses, or allows again, that the host writes the auxiliary region.
    ///
    /// # Errors
    /// Under dynamic paging.
    pub(crate) fn set_aux_write_protected(&mut self, protect: bool) -> Result<(), MemoryError> {
        self.fixed()?.0.set_aux_write_protected(protect);
        Ok(())
    }
}

/// The host cannot reach the lowest 64 KiB, nor beyond 2^32 (host-api.md 4).
fn in_range(address: u32, length: u64) -> Result<(), MemoryError> {
    if address < ADDRESS_ZONE || widen(address) + length > 1 << 32 {
        return Err(MemoryError::OutOfRange { address, length });
    }
    Ok(())
}
