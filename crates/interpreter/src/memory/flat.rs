//! Memory under a static map: four regions far apart, each backed by a buffer that grows when it is touched.
//!
//! ```text
//!          ro data      rw data + heap                          stack        aux
//! |..guard.|#####|.guard.|#######------>|......guard......|<----####|.guard.|####|..guard..|
//! ```
//!
//! A buffer covers the part of its region that was touched so far: from the front, or for the stack from the back. The
//! fast path is one comparison against the buffer of the region the operation used last; everything else is cold.

use super::{AllocationLimits, Fault, GuestMemory, MemoryError, RegionIndex};
use crate::image::MemoryImage;
use alloc::vec::Vec;
use core::cell::Cell;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, to_u32, to_u64, to_usize, to_usize_saturating, widen};

const RO: usize = RegionIndex::ReadOnly.index();
const RW: usize = RegionIndex::ReadWrite.index();
const AUX: usize = RegionIndex::Aux.index();

/// Smallest step in which a buffer grows.
const GROWTH_MIN: u64 = 0x4000;

/// Which addresses a region spans, and what may be done there.
#[derive(Clone, Debug, Default)]
struct Region {
    /// The accessible range of addresses.
    start: u64,
    end: u64,
    is_writable: bool,
    grows_down: bool,
}

impl Region {
    fn new(start: u32, size: u32, is_writable: bool, grows_down: bool) -> Region {
        Region { start: widen(start), end: widen(start) + widen(size), is_writable, grows_down }
    }

    fn contains(&self, address: u32, length: u64) -> bool {
        widen(address) >= self.start && widen(address) + length <= self.end
    }

    /// The address of the first byte of an empty buffer.
    fn base(&self) -> u32 {
        // A stack of size 0 may end at any address below 2^32; a base of 2^32 cannot occur.
        low_u32(if self.grows_down { self.end } else { self.start })
    }
}

/// Memory of a static map. What every access needs stands in arrays, by the number of the region.
#[derive(Clone, Debug)]
#[repr(C)] // what every access needs comes first
pub(crate) struct Flat {
    /// Address of the first byte of each buffer.
    bases: [u32; 4],
    /// The touched part of each region.
    buffers: [Vec<u8>; 4],
    regions: [Region; 4],
    image: MemoryImage,
    limits: AllocationLimits,
    heap_size: u32,
    fault: Fault,
    aux_write_protected: bool,
}

impl Flat {
    pub(crate) fn new(image: &MemoryImage) -> Flat {
        let mut memory = Flat {
            bases: [0; 4],
            buffers: Default::default(),
            regions: Default::default(),
            image: image.clone(),
            limits: AllocationLimits::default(),
            heap_size: 0,
            fault: Fault::NONE,
            aux_write_protected: false,
        };
        memory.reset();
        memory
    }

    /// Back to the initial contents; the heap is empty and the auxiliary region fully accessible.
    pub(crate) fn reset(&mut self) {
        let map = &self.image.map;
        self.heap_size = 0;
        self.regions = [
            Region::new(map.ro_data_address(), map.ro_data_size(), false, false),
            Region::new(map.rw_data_address(), map.rw_data_size(), true, false),
            Region::new(map.stack_address_low(), map.stack_size(), true, true),
            Region::new(map.aux_data_address(), self.image.aux_accessible, false, false),
        ];
        self.bases = self.regions.each_ref().map(Region::base);
        self.buffers = Default::default();
    }

    pub(crate) fn set_limits(&mut self, limits: AllocationLimits) {
        self.limits = limits;
    }

    pub(crate) fn heap_size(&self) -> u32 {
        self.heap_size
    }

    pub(crate) fn set_aux_write_protected(&mut self, protect: bool) {
        self.aux_write_protected = protect;
    }

    /// Shows only the first `size` bytes of the auxiliary region, rounded up to pages; what is hidden is cleared.
    pub(crate) fn set_accessible_aux_size(&mut self, size: u32) -> Result<(), MemoryError> {
        let size_max = self.image.map.aux_data_size();
        if size > size_max {
            return Err(MemoryError::AuxSize { size_max, size });
        }
        let pages = align_up(widen(size), widen(self.image.map.page_size())).unwrap_or(u64::MAX);
        let aux = &mut self.regions[AUX];
        let size = pages.min(widen(size_max));
        aux.end = aux.start + size;
        if to_u64(self.buffers[AUX].len()) > size {
            self.buffers[AUX].truncate(to_usize_saturating(size));
        }
        Ok(())
    }

    fn region_of(&self, address: u32, length: u64) -> Option<usize> {
        self.regions.iter().position(|region| region.contains(address, length))
    }

    /// Makes the buffer cover the range, which the region contains. False if a limit forbids it.
    fn materialise(&mut self, index: usize, address: u32, length: u64) -> bool {
        let region = &self.regions[index];
        let size = region.end - region.start;
        let have = to_u64(self.buffers[index].len());
        let need = if region.grows_down { region.end - widen(address) } else { widen(address) + length - region.start };
        if need <= have {
            return true;
        }
        let others = self.total() - have;
        let allowed = self.limits.region_size_max.min(self.limits.total_size_max.saturating_sub(others)).min(size);
        if need > allowed {
            return false;
        }
        let target = need.max(have * 2).max(GROWTH_MIN).min(allowed);
        let length = to_usize_saturating(target);
        let buffer = &mut self.buffers[index];
        let old = buffer.len();
        if region.grows_down {
            let mut data = alloc::vec![0; length];
            data[length - old..].copy_from_slice(buffer);
            *buffer = data;
            self.bases[index] = low_u32(region.end - target);
            return true;
        }
        if target >= have * 2 {
            // Zeroed by the system: what is never touched costs nothing.
            let mut data = alloc::vec![0; length];
            data[..old].copy_from_slice(buffer);
            *buffer = data;
        } else {
            // The region has grown by little, as heaps do: it must not be copied each time.
            buffer.resize(length, 0);
        }
        let initial: &[u8] = match index {
            RO => &self.image.ro_data,
            RW => &self.image.rw_data,
            _ => &[],
        };
        let until = initial.len().min(length);
        if old < until {
            buffer[old..until].copy_from_slice(&initial[old..until]);
        }
        true
    }

    /// Bytes of all buffers.
    fn total(&self) -> u64 {
        self.buffers.iter().map(|buffer| to_u64(buffer.len())).sum()
    }

    /// The region of an allowed access, its buffer covering it; `hint` remembers it.
    fn find(&mut self, address: u32, length: u64, is_write: bool, hint: &Cell<RegionIndex>) -> Option<usize> {
        if let Some(index) = self.region_of(address, length)
            && (self.regions[index].is_writable || !is_write)
            && self.materialise(index, address, length)
        {
            hint.set(RegionIndex::ALL[index]);
            return Some(index);
        }
        self.fault = Fault::trap(address, is_write);
        None
    }

    /// The bytes of a range which the region's buffer covers.
    fn covered(&mut self, index: usize, address: u32, length: usize) -> &mut [u8] {
        let offset = to_usize(address - self.bases[index]);
        &mut self.buffers[index][offset..offset + length]
    }

    /// Region for a host's access; writes may go to the auxiliary region too.
    fn host_region(&self, address: u32, length: u64, is_write: bool) -> Result<usize, MemoryError> {
        let refused = MemoryError::OutOfRange { address, length };
        let index = self.region_of(address, length).ok_or(refused)?;
        let allowed = match index {
            AUX => !self.aux_write_protected,
            _ => self.regions[index].is_writable,
        };
        if is_write && !allowed { Err(refused) } else { Ok(index) }
    }

    pub(crate) fn is_accessible(&self, address: u32, length: u64, is_write: bool) -> bool {
        self.host_region(address, length, is_write).is_ok()
    }

    /// Reads a range; parts never touched read as their initial contents.
    pub(crate) fn read(&self, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        let length = to_u64(out.len());
        let index = self.host_region(address, length, false)?;
        let initial: &[u8] = match index {
            RO => &self.image.ro_data,
            RW => &self.image.rw_data,
            _ => &[],
        };
        out.fill(0);
        copy_overlap(out, address, initial, low_u32(self.regions[index].start));
        copy_overlap(out, address, &self.buffers[index], self.bases[index]);
        Ok(())
    }

    /// Writes a range; `force` also writes what only the host's tools may write.
    pub(crate) fn write(&mut self, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        let target = self.host_slice(address, to_u64(data.len()), force)?;
        target.copy_from_slice(data);
        Ok(())
    }

    pub(crate) fn zero(&mut self, address: u32, length: u64) -> Result<(), MemoryError> {
        self.host_slice(address, length, false)?.fill(0);
        Ok(())
    }

    fn host_slice(&mut self, address: u32, length: u64, force: bool) -> Result<&mut [u8], MemoryError> {
        let index = self.host_region(address, length, !force)?;
        if !self.materialise(index, address, length) {
            return Err(MemoryError::LimitReached);
        }
        Ok(self.covered(index, address, to_usize_saturating(length)))
    }
}

/// Copies the part of `source` (at `source_address`) that overlaps `out` (at `address`).
fn copy_overlap(out: &mut [u8], address: u32, source: &[u8], source_address: u32) {
    let (out_start, out_end) = (widen(address), widen(address) + to_u64(out.len()));
    let (start, end) = (widen(source_address), widen(source_address) + to_u64(source.len()));
    let (from, to) = (out_start.max(start), out_end.min(end));
    if from < to {
        let at = |address: u64, origin: u64| to_usize_saturating(address - origin);
        out[at(from, out_start)..at(to, out_start)].copy_from_slice(&source[at(from, start)..at(to, start)]);
    }
}

impl GuestMemory for Flat {
    #[inline(always)]
    fn load<const N: usize>(&mut self, address: u32, region: RegionIndex) -> Option<[u8; N]> {
        let offset = to_usize(address.wrapping_sub(self.bases[region.index()]));
        self.buffers[region.index()].get(offset..offset.wrapping_add(N))?.first_chunk::<N>().copied()
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, address: u32, value: [u8; N], region: RegionIndex) -> Option<()> {
        // Stores only ever name a writable region: translation starts with one and `find` keeps to them.
        let offset = to_usize(address.wrapping_sub(self.bases[region.index()]));
        self.buffers[region.index()].get_mut(offset..offset.wrapping_add(N))?.copy_from_slice(&value);
        Some(())
    }

    fn load_slow(&mut self, address: u32, out: &mut [u8], hint: &Cell<RegionIndex>) -> bool {
        let Some(index) = self.find(address, to_u64(out.len()), false, hint) else { return false };
        out.copy_from_slice(self.covered(index, address, out.len()));
        true
    }

    fn store_slow(&mut self, address: u32, value: &[u8], hint: &Cell<RegionIndex>) -> bool {
        let Some(index) = self.find(address, to_u64(value.len()), true, hint) else { return false };
        self.covered(index, address, value.len()).copy_from_slice(value);
        true
    }

    fn fill(&mut self, address: u32, value: u8, length: u32) -> u32 {
        let Some(index) = self.region_of(address, 1).filter(|index| self.regions[*index].is_writable) else {
            self.fault = Fault::trap(address, true);
            return 0;
        };
        let room = self.regions[index].end - widen(address);
        let mut count = room.min(widen(length));
        while count > 0 && !self.materialise(index, address, count) {
            count /= 2; // a limit is near: set what fits, the next byte beyond faults
        }
        if count == 0 {
            self.fault = Fault::trap(address, true);
            return 0;
        }
        let count = to_usize_saturating(count);
        self.covered(index, address, count).fill(value);
        to_u32(count)
    }

    fn sbrk(&mut self, size: u64) -> Option<u32> {
        let map = &self.image.map;
        let Some(heap_size) =
            widen(self.heap_size).checked_add(size).filter(|size| *size <= widen(map.max_heap_size()))
        else {
            return Some(0);
        };
        let end = widen(map.heap_base()) + heap_size;
        self.heap_size = low_u32(heap_size);
        let rw = &mut self.regions[RW];
        rw.end = rw.end.max(align_up(end, widen(map.page_size())).unwrap_or(u64::MAX));
        Some(low_u32(end))
    }

    fn fault(&self) -> Fault {
        self.fault
    }
}
