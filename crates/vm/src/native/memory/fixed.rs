//! A static map: the same four regions as the interpreter's.

use pvm_interpreter::{Exit, MemoryError, MemoryImage, Trap};
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, to_u32, to_u64, to_usize_saturating, widen};
use pvm_program::MemoryMap;
use pvm_sandbox::{Access, Part, SandboxError, Space, Template};
use std::ops::Range;

/// Pages of the machine; regions consist of whole ones.
const PAGE: u64 = 4096;
/// Numbers of the regions that the host treats in ways of their own.
const RO: usize = 0;
const AUX: usize = 3;

/// The regions of a static map and what has become of them.
#[derive(Debug)]
pub(super) struct Fixed {
    map: MemoryMap,
    /// As the guest sees them: see [`regions`].
    regions: Regions,
    heap_size: u32,
    /// Accessible part of the auxiliary region, in bytes.
    aux_size: u32,
    /// The same at first.
    aux_accessible: u32,
    aux_write_protected: bool,
}

type Regions = [(Range<u64>, Access); 4];

/// Read-only data, read-write data with the heap, stack, auxiliary data.
fn regions(map: &MemoryMap, heap_size: u32, aux_size: u32) -> Regions {
    [
        (region(map.ro_data_address(), map.ro_data_size()), Access::Read),
        (widen(map.rw_data_address())..rw_end(map, heap_size), Access::ReadWrite),
        (region(map.stack_address_low(), map.stack_size()), Access::ReadWrite),
        (region(map.aux_data_address(), aux_size), Access::Read),
    ]
}

/// Where read-write data and a heap of this size end: the heap makes whole pages accessible.
fn rw_end(map: &MemoryMap, heap_size: u32) -> u64 {
    let data = region(map.rw_data_address(), map.rw_data_size()).end;
    let heap = widen(map.heap_base()) + widen(heap_size);
    if heap_size == 0 { data } else { data.max(align_up(heap, widen(map.page_size())).unwrap_or(data)) }
}

impl Fixed {
    pub(super) fn new(image: &MemoryImage) -> Fixed {
        let regions = regions(&image.map, 0, image.aux_accessible);
        let aux_size = image.aux_accessible;
        Fixed {
            map: image.map.clone(),
            regions,
            aux_accessible: aux_size,
            heap_size: 0,
            aux_size,
            aux_write_protected: false,
        }
    }

    /// What the memory of a program's guests starts with.
    pub(super) fn template(image: &MemoryImage) -> Result<Template, SandboxError> {
        let data: [&[u8]; 4] = [&image.ro_data, &image.rw_data, &[], &[]];
        let parts =
            regions(&image.map, 0, image.aux_accessible).into_iter().zip(data).map(|((range, access), data)| {
                let length = data.len().min(to_usize_saturating(range.end - range.start));
                Part { range, access, data: &data[..length] }
            });
        Template::new(&parts.collect::<Vec<_>>())
    }

    /// Back to the initial contents; the heap is empty and the auxiliary region accessible as at first.
    pub(super) fn reset(&mut self, space: &mut Space) -> Result<(), SandboxError> {
        self.resize(0, self.aux_accessible);
        space.reset_memory()
    }

    fn resize(&mut self, heap_size: u32, aux_size: u32) {
        (self.heap_size, self.aux_size) = (heap_size, aux_size);
        self.regions = regions(&self.map, heap_size, aux_size);
    }

    pub(super) fn heap_size(&self) -> u32 {
        self.heap_size
    }

    /// Grows the heap by `size` bytes: its new end, or 0 if it cannot grow so far. That the system has no memory counts as
    /// that.
    pub(super) fn sbrk(&mut self, space: &mut Space, size: u32) -> u32 {
        let map = &self.map;
        let heap_size = widen(self.heap_size) + widen(size);
        if heap_size > widen(map.max_heap_size()) {
            return 0;
        }
        let end = low_u32(widen(map.heap_base()) + heap_size);
        let heap_size = low_u32(heap_size);
        let [mapped, wanted] = [self.heap_size, heap_size].map(|size| rw_end(map, size));
        if wanted > mapped && space.map(mapped..wanted, Access::ReadWrite).is_err() {
            return 0;
        }
        self.resize(heap_size, self.aux_size);
        end
    }

    pub(super) fn refused(&self, _space: &Space, address: u32, _length: u32, is_write: bool) -> Exit {
        Exit::Trap(Trap::Memory { address, is_write })
    }

    pub(super) fn fill(&self, space: &mut Space, address: u32, value: u8, length: u32) -> u32 {
        let writable =
            |(region, access): &&(Range<u64>, Access)| region.contains(&widen(address)) && *access == Access::ReadWrite;
        let Some((region, _)) = self.regions.iter().find(writable) else { return 0 };
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
        let found = self.regions.iter().position(|(region, _)| region.start <= start && end <= region.end);
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

    #[inline]
    pub(super) fn view<'space>(&self, space: &'space Space, address: u32, length: u32) -> Option<&'space [u8]> {
        self.region_of(address, widen(length)).ok()?;
        space.bytes(widen(address)..widen(address) + widen(length))
    }

    #[inline]
    pub(super) fn read(&self, space: &Space, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let length = to_u64(out.len());
        let bytes = u32::try_from(length).ok().and_then(|length| self.view(space, address, length));
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
        let map = &self.map;
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
        self.resize(self.heap_size, size);
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
