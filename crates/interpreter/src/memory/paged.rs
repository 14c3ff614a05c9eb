//! Memory under dynamic paging: pages the host makes, protects and frees; touching a missing one is an exit.
//!
//! The fast path is one comparison against a small direct-mapped table of recently used pages.

use super::{Fault, GuestMemory, MemoryError, Protection, RegionIndex};
use crate::exit::{Exit, Trap};
use crate::image::FaultOrder;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::Cell;
use pvm_num::casts::{low_u32, to_u32, to_u64, to_usize, to_usize_saturating, widen};
use pvm_num::limits::ADDRESS_ZONE;

/// Entries of the table of recent pages; a power of two.
const RECENT: usize = 64;
/// Marks an empty entry: no page has this number, since pages are at least 4 KiB.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Recent {
    page: u32,
    frame: u32,
}

#[derive(Clone, Debug)]
struct Frame {
    data: Box<[u8]>,
    is_writable: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Paged {
    page_size: u32,
    shift: u32,
    order: FaultOrder,
    /// Page number to index in `frames`.
    pages: BTreeMap<u32, u32>,
    frames: Vec<Frame>,
    free: Vec<u32>,
    recent: [Recent; RECENT],
    fault: Fault,
}

impl Paged {
    pub(crate) fn new(page_size: u32, order: FaultOrder) -> Paged {
        Paged {
            page_size,
            shift: page_size.trailing_zeros(),
            order,
            pages: BTreeMap::new(),
            frames: Vec::new(),
            free: Vec::new(),
            recent: [Recent { page: NONE, frame: 0 }; RECENT],
            fault: Fault::NONE,
        }
    }

    pub(crate) fn reset(&mut self) {
        *self = Paged::new(self.page_size, self.order);
    }

    fn forget_recent(&mut self) {
        self.recent = [Recent { page: NONE, frame: 0 }; RECENT];
    }

    /// Page numbers of a range that lies within 32 bits; empty for length 0.
    fn range_pages(&self, address: u32, length: u64) -> core::ops::RangeInclusive<u32> {
        let last = low_u32(widen(address) + length - 1);
        address >> self.shift..=last >> self.shift
    }

    fn checked(&self, address: u32, length: u64) -> Result<(), MemoryError> {
        if address < ADDRESS_ZONE || widen(address) + length > 1 << 32 {
            return Err(MemoryError::OutOfRange { address, length });
        }
        Ok(())
    }

    fn frame(&self, page: u32) -> Option<&Frame> {
        self.pages.get(&page).map(|index| &self.frames[to_usize(*index)])
    }

    fn frame_mut(&mut self, page: u32) -> Option<&mut Frame> {
        self.pages.get(&page).map(|index| &mut self.frames[to_usize(*index)])
    }

    pub(crate) fn is_accessible(&self, address: u32, length: u64, is_write: bool) -> bool {
        self.checked(address, length).is_ok()
            && self
                .range_pages(address, length)
                .all(|page| self.frame(page).is_some_and(|f| f.is_writable || !is_write))
    }

    pub(crate) fn read(&self, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let length = to_u64(out.len());
        if !self.is_accessible(address, length, false) {
            return Err(MemoryError::OutOfRange { address, length });
        }
        let mut at = address;
        let mut rest = out;
        while !rest.is_empty() {
            let offset = to_usize(at & (self.page_size - 1));
            let frame = self.frame(at >> self.shift).expect("accessible pages exist");
            let count = rest.len().min(frame.data.len() - offset);
            let (head, tail) = rest.split_at_mut(count);
            head.copy_from_slice(&frame.data[offset..offset + count]);
            rest = tail;
            at = at.wrapping_add(to_u32(count));
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        self.for_each_part(address, to_u64(data.len()), force, |part, from| {
            part.copy_from_slice(&data[from..from + part.len()]);
        })
    }

    pub(crate) fn zero(&mut self, address: u32, length: u64) -> Result<(), MemoryError> {
        self.for_each_part(address, length, false, |part, _| part.fill(0))
    }

    /// Hands every page's part of an accessible range to `apply`, with how far into the range it starts.
    fn for_each_part(
        &mut self,
        address: u32,
        length: u64,
        force: bool,
        mut apply: impl FnMut(&mut [u8], usize),
    ) -> Result<(), MemoryError> {
        if !self.is_accessible(address, length, !force) {
            return Err(MemoryError::OutOfRange { address, length });
        }
        let (mut at, mut done) = (address, 0);
        while to_u64(done) < length {
            let offset = to_usize(at & (self.page_size - 1));
            let frame = self.frame_mut(at >> self.shift).expect("accessible pages exist");
            let count = to_usize_saturating(length - to_u64(done)).min(frame.data.len() - offset);
            apply(&mut frame.data[offset..offset + count], done);
            done += count;
            at = at.wrapping_add(to_u32(count));
        }
        Ok(())
    }

    fn whole_pages(&self, address: u32, length: u64) -> Result<core::ops::RangeInclusive<u32>, MemoryError> {
        if address & (self.page_size - 1) != 0 {
            return Err(MemoryError::Unaligned { address });
        }
        self.checked(address, length)?;
        Ok(self.range_pages(address, length))
    }

    /// Makes the pages of the range readable zeros with these rights, creating the missing ones.
    pub(crate) fn zero_pages(&mut self, address: u32, length: u64, protection: Protection) -> Result<(), MemoryError> {
        let is_writable = protection == Protection::ReadWrite;
        for page in self.whole_pages(address, length)? {
            if let Some(frame) = self.frame_mut(page) {
                frame.data.fill(0);
                frame.is_writable = is_writable;
                continue;
            }
            let data = alloc::vec![0; to_usize(self.page_size)].into_boxed_slice();
            let frame = Frame { data, is_writable };
            let index = match self.free.pop() {
                Some(index) => {
                    self.frames[to_usize(index)] = frame;
                    index
                }
                None => {
                    self.frames.push(frame);
                    to_u32(self.frames.len() - 1)
                }
            };
            self.pages.insert(page, index);
        }
        Ok(())
    }

    /// Changes the rights of existing pages; all of the range must exist.
    pub(crate) fn protect(&mut self, address: u32, length: u64, protection: Protection) -> Result<(), MemoryError> {
        if !self.is_accessible(address, length, false) {
            return Err(MemoryError::OutOfRange { address, length });
        }
        for page in self.range_pages(address, length) {
            if let Some(frame) = self.frame_mut(page) {
                frame.is_writable = protection == Protection::ReadWrite;
            }
        }
        Ok(())
    }

    /// Removes the pages of the range; missing ones stay missing.
    pub(crate) fn free_pages(&mut self, address: u32, length: u64) -> Result<(), MemoryError> {
        let range = self.whole_pages(address, length)?;
        let freed: Vec<u32> = self.pages.range(range).map(|(page, _)| *page).collect();
        for page in freed {
            if let Some(index) = self.pages.remove(&page) {
                self.frames[to_usize(index)].data = Box::default();
                self.free.push(index);
            }
        }
        self.forget_recent();
        Ok(())
    }

    /// The frame of a page by the table of recent ones.
    #[inline(always)]
    fn recent_frame(&self, page: u32) -> Option<usize> {
        let entry = self.recent[to_usize(page) & (RECENT - 1)];
        (entry.page == page).then_some(to_usize(entry.frame))
    }

    fn remember(&mut self, page: u32) {
        if let Some(&frame) = self.pages.get(&page) {
            self.recent[to_usize(page) & (RECENT - 1)] = Recent { page, frame };
        }
    }

    /// Which page an access of `length` bytes fails on.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, address: u32, length: u32, is_write: bool) {
        if address < ADDRESS_ZONE {
            self.fault = Fault::trap(address, is_write);
            return;
        }
        let first = address >> self.shift;
        let last = address.wrapping_add(length - 1) >> self.shift;
        let state = |page: u32| self.frame(page).map(|frame| frame.is_writable);
        let missing = |page: &u32| state(*page).is_none();
        let read_only = |page: &u32| is_write && state(*page) == Some(false);
        let failing = match self.order {
            FaultOrder::FirstPage => [first, last].into_iter().find(|page| missing(page) || read_only(page)),
            FaultOrder::MissingPageFirst => {
                [first, last].into_iter().find(missing).or_else(|| [first, last].into_iter().find(read_only))
            }
        };
        let page = failing.unwrap_or(first);
        let page_address = page << self.shift;
        self.fault = if page_address < ADDRESS_ZONE {
            Fault { exit: Exit::Trap(Trap::Memory { address, is_write }) }
        } else {
            Fault { exit: Exit::Segfault { page_address, is_write_protected: state(page).is_some() } }
        };
    }
}

impl GuestMemory for Paged {
    #[inline(always)]
    fn load<const N: usize>(&mut self, address: u32, _region: RegionIndex) -> Option<[u8; N]> {
        let frame = self.recent_frame(address >> self.shift)?;
        let offset = to_usize(address & (self.page_size - 1));
        self.frames.get(frame)?.data.get(offset..offset + N)?.first_chunk::<N>().copied()
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, address: u32, value: [u8; N], _region: RegionIndex) -> Option<()> {
        let frame = self.recent_frame(address >> self.shift)?;
        let offset = to_usize(address & (self.page_size - 1));
        let frame = self.frames.get_mut(frame).filter(|frame| frame.is_writable)?;
        frame.data.get_mut(offset..offset + N)?.copy_from_slice(&value);
        Some(())
    }

    fn load_slow(&mut self, address: u32, out: &mut [u8], _hint: &Cell<RegionIndex>) -> bool {
        let length = to_u32(out.len());
        for (byte, at) in out.iter_mut().zip(0..) {
            let at = address.wrapping_add(at);
            match self.frame(at >> self.shift) {
                Some(frame) if address >= ADDRESS_ZONE => *byte = frame.data[to_usize(at & (self.page_size - 1))],
                _ => {
                    self.refuse(address, length, false);
                    return false;
                }
            }
        }
        self.remember(address >> self.shift);
        true
    }

    fn store_slow(&mut self, address: u32, value: &[u8], _hint: &Cell<RegionIndex>) -> bool {
        let length = to_u32(value.len());
        let is_writable = |at: u32| self.frame(at >> self.shift).is_some_and(|frame| frame.is_writable);
        if address < ADDRESS_ZONE || !(0..length).all(|at| is_writable(address.wrapping_add(at))) {
            self.refuse(address, length, true);
            return false;
        }
        for (byte, at) in value.iter().zip(0..) {
            let at = address.wrapping_add(at);
            let offset = to_usize(at & (self.page_size - 1));
            if let Some(frame) = self.frame_mut(at >> self.shift) {
                frame.data[offset] = *byte;
            }
        }
        self.remember(address >> self.shift);
        true
    }

    fn fill(&mut self, address: u32, value: u8, length: u32) -> u32 {
        let offset = to_usize(address & (self.page_size - 1));
        if let Some(frame) = self.frame_mut(address >> self.shift)
            && frame.is_writable
        {
            let count = (frame.data.len() - offset).min(to_usize(length));
            frame.data[offset..offset + count].fill(value);
            return to_u32(count);
        }
        self.refuse(address, 1, true);
        0
    }

    fn sbrk(&mut self, _size: u64) -> Option<u32> {
        None
    }

    fn fault(&self) -> Fault {
        self.fault
    }
}
