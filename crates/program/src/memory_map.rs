//! The memory map: where a program's regions lie (blob.md 6). The one place that computes addresses.
//!
//! ```text
//! 0        0x10000                                                                    0xffff0000
//! |..guard..|ro data|..guard..|rw data, heap ->|......guard......|<- stack|..guard..|aux|..guard..|
//! ```

use crate::error::{Part, ProgramError, ProgramErrorKind, Region};
use core::ops::Range;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, widen};
use pvm_num::limits::{ADDRESS_SPACE_TOP, ADDRESS_ZONE, PAGE_SIZE_MAX, PAGE_SIZE_MIN};

/// Addresses and sizes of the regions. Sizes are whole pages; addresses do not depend on the page size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryMap {
    page_size: u32,
    ro_data_size: u32,
    rw_data_address: u32,
    rw_data_size: u32,
    stack_address_high: u32,
    stack_size: u32,
    aux_data_address: u32,
    aux_data_size: u32,
    heap_base: u32,
    max_heap_size: u32,
}

/// Makes a [`MemoryMap`] from the sizes a program asks for.
#[derive(Clone, Debug)]
pub struct MemoryMapBuilder {
    page_size: u32,
    ro_data_size: u32,
    rw_data_size: u32,
    stack_size: u32,
    aux_data_size: u32,
}

impl MemoryMapBuilder {
    /// A map with this page size and regions of size 0.
    pub fn new(page_size: u32) -> Self {
        MemoryMapBuilder { page_size, ro_data_size: 0, rw_data_size: 0, stack_size: 0, aux_data_size: 0 }
    }

    /// Size of the read-only data in bytes.
    pub fn ro_data_size(&mut self, size: u32) -> &mut Self {
        self.ro_data_size = size;
        self
    }

    /// Size of the read-write data in bytes.
    pub fn rw_data_size(&mut self, size: u32) -> &mut Self {
        self.rw_data_size = size;
        self
    }

    /// Size of the stack in bytes.
    pub fn stack_size(&mut self, size: u32) -> &mut Self {
        self.stack_size = size;
        self
    }

    /// Size of the auxiliary region in bytes.
    pub fn aux_data_size(&mut self, size: u32) -> &mut Self {
        self.aux_data_size = size;
        self
    }

    /// Lays the regions out.
    ///
    /// # Errors
    /// If the page size is none, a region exceeds 32 bits once rounded, or the regions do not fit.
    pub fn build(&self) -> Result<MemoryMap, ProgramError> {
        let size = self.page_size;
        let bad_page_size = |kind: ProgramErrorKind| Err(kind.at(Part::Memory, 0));
        if size < PAGE_SIZE_MIN {
            return bad_page_size(ProgramErrorKind::PageSizeTooSmall { size });
        }
        if size > PAGE_SIZE_MAX {
            return bad_page_size(ProgramErrorKind::PageSizeTooBig { size });
        }
        if !size.is_power_of_two() {
            return bad_page_size(ProgramErrorKind::PageSizeNotPowerOfTwo { size });
        }
        // Size in whole zones (64 KiB) and in whole pages.
        let rounded = |region: Region, size: u32| {
            let up = |unit: u32| align_up(widen(size), widen(unit)).filter(|size| *size <= widen(u32::MAX));
            let too_big = || ProgramErrorKind::RegionTooBig { region, size }.at(Part::Memory, 0);
            let zones = up(ADDRESS_ZONE).ok_or_else(too_big)?;
            Ok::<_, ProgramError>((zones, low_u32(up(self.page_size).ok_or_else(too_big)?)))
        };
        let zone = widen(ADDRESS_ZONE);
        let (ro_zones, ro_data_size) = rounded(Region::RoData, self.ro_data_size)?;
        let (rw_zones, rw_data_size) = rounded(Region::RwData, self.rw_data_size)?;
        let (stack_zones, stack_size) = rounded(Region::Stack, self.stack_size)?;
        let (aux_zones, aux_data_size) = rounded(Region::AuxData, self.aux_data_size)?;

        let too_big = || ProgramErrorKind::MemoryTooBig.at(Part::Memory, 0);
        let rw_data_address = zone + ro_zones + zone;
        let aux_data_address = widen(ADDRESS_SPACE_TOP).checked_sub(aux_zones).ok_or_else(too_big)?;
        let stack_address_high = aux_data_address.checked_sub(zone).ok_or_else(too_big)?;
        let stack_zones_low = stack_address_high.checked_sub(stack_zones).ok_or_else(too_big)?;
        if rw_data_address + rw_zones + zone > stack_zones_low {
            return Err(too_big());
        }
        let heap_base = rw_data_address + widen(self.rw_data_size);
        Ok(MemoryMap {
            page_size: self.page_size,
            ro_data_size,
            rw_data_address: low_u32(rw_data_address),
            rw_data_size,
            stack_address_high: low_u32(stack_address_high),
            stack_size,
            aux_data_address: low_u32(aux_data_address),
            aux_data_size,
            heap_base: low_u32(heap_base),
            max_heap_size: low_u32(stack_zones_low - zone - heap_base),
        })
    }
}

impl MemoryMap {
    /// Bytes in a page.
    pub fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Where read-only data starts.
    pub fn ro_data_address(&self) -> u32 {
        ADDRESS_ZONE
    }

    /// Size of the read-only region.
    pub fn ro_data_size(&self) -> u32 {
        self.ro_data_size
    }

    /// The read-only region.
    pub fn ro_data_range(&self) -> Range<u32> {
        self.ro_data_address()..self.ro_data_address() + self.ro_data_size
    }

    /// Where read-write data starts.
    pub fn rw_data_address(&self) -> u32 {
        self.rw_data_address
    }

    /// Size of the read-write region, without what the heap may add.
    pub fn rw_data_size(&self) -> u32 {
        self.rw_data_size
    }

    /// The read-write region.
    pub fn rw_data_range(&self) -> Range<u32> {
        self.rw_data_address..self.rw_data_address + self.rw_data_size
    }

    /// Lowest address of the stack.
    pub fn stack_address_low(&self) -> u32 {
        self.stack_address_high - self.stack_size
    }

    /// End of the stack: the initial stack pointer.
    pub fn stack_address_high(&self) -> u32 {
        self.stack_address_high
    }

    /// Size of the stack.
    pub fn stack_size(&self) -> u32 {
        self.stack_size
    }

    /// The stack.
    pub fn stack_range(&self) -> Range<u32> {
        self.stack_address_low()..self.stack_address_high
    }

    /// Where the auxiliary region starts.
    pub fn aux_data_address(&self) -> u32 {
        self.aux_data_address
    }

    /// Size of the auxiliary region.
    pub fn aux_data_size(&self) -> u32 {
        self.aux_data_size
    }

    /// The auxiliary region.
    pub fn aux_data_range(&self) -> Range<u32> {
        self.aux_data_address..self.aux_data_address + self.aux_data_size
    }

    /// Where the heap starts: right behind the read-write data, not rounded.
    pub fn heap_base(&self) -> u32 {
        self.heap_base
    }

    /// Most bytes the heap can have.
    pub fn max_heap_size(&self) -> u32 {
        self.max_heap_size
    }
}
