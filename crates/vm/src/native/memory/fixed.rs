//! A static map: the same four regions as the interpreter's.

use pvm_interpreter::{Exit, MemoryError, MemoryImage, Trap};
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, to_u32, to_u64, widen};
use pvm_sandbox::{Access, SandboxError, Space};
use std::ops::Range;

/// Pages of the machine; regions consist of whole ones.
const PAGE: u64 = 4096;
/// Numbers of the regions that the host treats in ways of their own.
const RO: usize = 0;
const AUX: usize = 3;

/// The regions of a static map and what has become of them.
#[derive(Debug)]
pub(super) struct Fixed {
    image: MemoryImage,
    heap_size: u32,
    /// Accessible part of the auxiliary region, in bytes.
    aux_size: u32,
    aux_write_protected: bool,
}

impl Fixed {
    pub(super) fn new(image: &MemoryImage, space: &mut Space) -> Result<Fixed, SandboxError> {
        let image = image.clone();
        let fixed = Fixed { aux_size: image.aux_accessible, image, heap_size: 0, aux_write_protected: false };
        fixed.map_all(space)?;
        Ok(fixed)
    }

    fn map_all(&self, space: &mut Space) -> Result<(), SandboxError> {
        let regions = self.regions();
        for (region, access) in regions.clone() {
            space.map(region, access)?;
        }
        let [(ro, _), (rw, _), ..] = regions;
        for (region, data) in [(ro, &self.image.ro_data), (rw, &self.image.rw_data)] {
            let part = region.start..region.end.min(region.start + to_u64(data.len()));
            space.change(part, |bytes| bytes.copy_from_slice(&data[..bytes.len()]))?;
        }
        Ok(())
    }

    /// Back to the initial contents; the heap is empty and the auxiliary region accessible as at first.
    pub(super) fn reset(&mut self, space: &mut Space) -> Result<(), SandboxError> {
        self.heap_size = 0;
        self.aux_size = self.image.aux_accessible;
        space.unmap(0..1 << 32)?;
        self.map_all(space)
    }

    pub(super) fn heap_size(&self) -> u32 {
        self.heap_size
    }

    /// Grows the heap by `size` bytes: its new end, or 0 if it cannot grow so far. That the system has no memory counts as
    /// that.
    pub(super) fn sbrk(&mut self, space: &mut Space, size: u32) -> u32 {
        let map = &self.image.map;
        let heap_size = widen(self.heap_size) + widen(size);
        if heap_size > widen(map.max_heap_size()) {
            return 0;
        }
        let mapped = self.rw_end(self.heap_size);
        let heap_size = low_u32(heap_size);
        let wanted = self.rw_end(heap_size);
        if wanted > mapped && space.map(mapped..wanted, Access::ReadWrite).is_err() {
            return 0;
        }
        self.heap_size = heap_size;
        low_u32(widen(map.heap_base()) + widen(heap_size))
    }

    /// Where read-write data and a heap of this size end: the heap makes whole pages accessible.
    fn rw_end(&self, heap_size: u32) -> u64 {
        let map = &self.image.map;
        let data = region(map.rw_data_address(), map.rw_data_size()).end;
        let heap = widen(map.heap_base()) + widen(heap_size);
        if heap_size == 0 { data } else { data.max(align_up(heap, widen(map.page_size())).unwrap_or(data)) }
    }

    /// The regions as the guest sees them: read-only data, read-write data with the heap, stack, auxiliary data.
    fn regions(&self) -> [(Range<u64>, Access); 4] {
        let map = &self.image.map;
        [
            (region(map.ro_data_address(), map.ro_data_size()), Access::Read),
            (widen(map.rw_data_address())..self.rw_end(self.heap_size), Access::ReadWrite),
            (region(map.stack_address_low(), map.stack_size()), Access::ReadWrite),
            (region(map.aux_data_address(), self.aux_size), Access::Read),
        ]
    }

    pub(super) fn refused(&self, _space: &Space, address: u32, _length: u32, is_write: bool) -> Exit {
        Exit::Trap(Trap::Memory { address, is_write })
    }

    pub(super) fn fill(&self, space: &mut Space, address: u32, value: u8, length: u32) -> u32 {
        let regions = self.regions();
        let writable =
            |(region, access): &&(Range<u64>, Access)| region.contains(&widen(address)) && *access == Access::ReadWrite;
        let Some((region, _)) = regions.iter().find(writable) else { return 0 };
        let end = region.end.min(widen(address) + widen(length));
        match space.bytes_mut(widen(address)..end) {
            Some(bytes) => {
                bytes.fill(value);
                to_u32(bytes.len())
            }
            None => 0,
        }
    }

    /// Which region holds the whole range.
    fn region_of(&self, address: u32, length: u64) -> Result<usize, MemoryError> {
        let (start, end) = (widen(address), widen(address) + length);
        let found = self.regions().iter().position(|(region, _)| region.start <= start && end <= region.end);
        found.ok_or(MemoryError::OutOfRange { address, length })
    }

    fn writable_region_of(&self, address: u32, length: u64) -> Result<usize, MemoryError> {
        let index = self.region_of(address, length)?;
        let allowed = match index {
            AUX => !self.aux_write_protected,
            RO => false,
            _ => true,
        };
        if allowed { Ok(index) } else { Err(MemoryError::OutOfRange { address, length }) }
    }

    pub(super) fn is_accessible(&self, _space: &Space, address: u32, length: u64, is_write: bool) -> bool {
        match is_write {
            true => self.writable_region_of(address, length).is_ok(),
            false => self.region_of(address, length).is_ok(),
        }
    }

    pub(super) fn read(&self, space: &Space, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let length = to_u64(out.len());
        self.region_of(address, length)?;
        let bytes = space.bytes(widen(address)..widen(address) + length);
        out.copy_from_slice(bytes.ok_or(MemoryError::OutOfRange { address, length })?);
        Ok(())
    }

    pub(super) fn write(&self, space: &mut Space, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        let length = to_u64(data.len());
        if force {
            self.region_of(address, length)?;
        } else {
            self.writable_region_of(address, length)?;
        }
        Self::change(space, address, length, |bytes| bytes.copy_from_slice(data))
    }

    pub(super) fn zero(&self, space: &mut Space, address: u32, length: u64) -> Result<(), MemoryError> {
        self.writable_region_of(address, length)?;
        Self::change(space, address, length, |bytes| bytes.fill(0))
    }

    fn change(space: &mut Space, address: u32, length: u64, change: impl FnOnce(&mut [u8])) -> Result<(), MemoryError> {
        match space.change(widen(address)..widen(address) + length, change) {
            Ok(true) => Ok(()),
            Ok(false) => Err(MemoryError::OutOfRange { address, length }),
            Err(_) => Err(MemoryError::LimitReached),
        }
    }

    /// Shows guest and host only the first `size` bytes of the auxiliary region, rounded up to pages; what is hidden is
    /// cleared.
    pub(super) fn set_accessible_aux_size(&mut self, space: &mut Space, size: u32) -> Result<(), MemoryError> {
        let map = &self.image.map;
        let size_max = map.aux_data_size();
        if size > size_max {
            return Err(MemoryError::AuxSize { size_max, size });
        }
        let pages = align_up(widen(size), widen(map.page_size())).unwrap_or(u64::MAX);
        let size = low_u32(pages.min(widen(size_max)));
        let start = widen(map.aux_data_address());
        let [old, new] = [self.aux_size, size].map(|size| start + widen(size));
        let done = match old < new {
            true => space.map(old..new, Access::Read),
            false => space.unmap(new..old),
        };
        done.map_err(|_| MemoryError::LimitReached)?;
        self.aux_size = size;
        Ok(())
    }

    pub(super) fn set_aux_write_protected(&mut self, protect: bool) {
        self.aux_write_protected = protect;
    }
}

fn region(start: u32, size: u32) -> Range<u64> {
    widen(start)..widen(start) + widen(size)
}

/// Do all regions consist of whole pages of the machine?
pub(in crate::native) fn has_whole_pages(image: &MemoryImage) -> bool {
    let map = &image.map;
    let bounds = [
        map.ro_data_address(),
        map.ro_data_size(),
        map.rw_data_address(),
        map.rw_data_size(),
        map.stack_address_low(),
        map.stack_size(),
        map.aux_data_address(),
        image.aux_accessible,
    ];
    bounds.iter().all(|bound| widen(*bound).is_multiple_of(PAGE))
}
