//! Where the data is, and what it holds (elf.md 5.1).
//!
//! ```text
//! 0x10000           read-only sections in file order, those without contents last
//!                   at least 64 KiB of nothing, up to a multiple of 64 KiB
//! rw data address   saved registers, writable sections in file order, zero sections in file order
//! heap base
//! ```

use super::Resolver;
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{Data, DataId, DataKind, DataRelocation, DataValue, Program, Source, Target};
use crate::lift::SPILL_SECTION;
use crate::limits::DATA_PADDING_MAX;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, signed_64, to_usize, widen, widen_u8};
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::{MemoryMap, MemoryMapBuilder};

/// The places of the data sections.
pub(super) struct Memory {
    /// By section; none for those that were dropped.
    addresses: Vec<Option<u32>>,
    pub(super) ro_size: u32,
    pub(super) rw_size: u32,
    pub(super) stack_size: u32,
    pub(super) heap_base: u32,
    ro_address: u32,
    rw_address: u32,
}

/// Sections one behind the other.
#[derive(Default)]
struct Region {
    /// Offset of each section from the start of the region.
    offsets: Vec<(DataId, u64)>,
    size: u64,
    padding: u64,
}

impl Region {
    fn push(&mut self, id: DataId, data: &Data<'_>) {
        let at = align_up(self.size, widen(data.align)).unwrap_or(u64::MAX);
        self.padding = self.padding.saturating_add(at - self.size);
        self.offsets.push((id, at));
        self.size = at.saturating_add(widen(data.size));
    }
}

impl Memory {
    pub(super) fn new(program: &Program<'_>, stack_size_min: u32) -> Result<Memory, LinkError> {
        let mut sections: Vec<(DataId, &Data<'_>)> = program.data_kept().collect();
        // Stable: within a group the order of the file stays.
        sections.sort_by_key(|(_, data)| (data.kind, group(data)));
        let (mut ro, mut rw) = (Region::default(), Region::default());
        for (id, data) in sections {
            match data.kind {
                DataKind::Ro => ro.push(id, data),
                DataKind::Rw | DataKind::Bss => rw.push(id, data),
            }
        }
        let refuse = |kind| Err(LinkError { kind, at: Location::default() });
        let padding = ro.padding.saturating_add(rw.padding);
        if padding > DATA_PADDING_MAX {
            return refuse(LinkErrorKind::TooMuchPadding { padding, limit: DATA_PADDING_MAX });
        }
        let stack = widen(stack_size_min.max(program.stack_size_min));
        let stack = align_up(stack, widen(PAGE_SIZE_DEFAULT)).unwrap_or(u64::MAX);
        let Ok(stack_size) = u32::try_from(stack) else {
            return refuse(LinkErrorKind::StackTooBig { size: stack });
        };
        let size = ro.size.saturating_add(rw.size);
        let too_big = LinkErrorKind::DataTooBig { size, stack };
        let (Ok(ro_size), Ok(rw_size)) = (u32::try_from(ro.size), u32::try_from(rw.size)) else {
            return refuse(too_big);
        };
        let Ok(map) = memory_map(ro_size, rw_size, stack_size) else {
            return refuse(too_big);
        };
        let (ro_address, rw_address) = (map.ro_data_address(), map.rw_data_address());
        let mut addresses = vec![None; program.data.len()];
        for (region, start) in [(&ro, ro_address), (&rw, rw_address)] {
            for (id, offset) in &region.offsets {
                // The map fits 32 bits, and so does whatever is within it.
                addresses[id.index()] = Some(start + low_u32(*offset));
            }
        }
        Ok(Memory { addresses, ro_size, rw_size, stack_size, heap_base: map.heap_base(), ro_address, rw_address })
    }

    /// The address of a section that is part of the program.
    pub(super) fn address(&self, section: DataId) -> u32 {
        self.addresses[section.index()].expect("every section that is referred to is kept")
    }

    /// Contents of the read-only and of the writable region, without the zeros at their ends.
    pub(super) fn contents(&self, resolver: &Resolver<'_, '_>) -> Result<(Vec<u8>, Vec<u8>), LinkError> {
        let (mut ro, mut rw) = (Vec::new(), Vec::new());
        for (id, data) in resolver.program.data_kept() {
            let (region, start) = match data.kind {
                DataKind::Ro => (&mut ro, self.ro_address),
                DataKind::Rw => (&mut rw, self.rw_address),
                DataKind::Bss => continue,
            };
            let at = to_usize(self.address(id) - start);
            fill(region, at, data.bytes);
            for relocation in &data.relocations {
                let bytes = value(resolver, data, relocation)?.to_le_bytes();
                fill(region, at + to_usize(relocation.offset), &bytes[..usize::from(relocation.size)]);
            }
        }
        for region in [&mut ro, &mut rw] {
            let end = region.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            region.truncate(end);
        }
        Ok((ro, rw))
    }
}

/// What comes first among sections of a kind.
fn group(data: &Data<'_>) -> u8 {
    match data.kind {
        // A read-only section without contents would otherwise have to be written out.
        DataKind::Ro => u8::from(data.bytes.is_empty()),
        DataKind::Rw => u8::from(data.name != SPILL_SECTION),
        DataKind::Bss => 0,
    }
}

fn memory_map(ro: u32, rw: u32, stack: u32) -> Result<MemoryMap, pvm_program::ProgramError> {
    MemoryMapBuilder::new(PAGE_SIZE_DEFAULT).ro_data_size(ro).rw_data_size(rw).stack_size(stack).build()
}

fn fill(region: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = at + bytes.len();
    if region.len() < end {
        region.resize(end, 0);
    }
    region[at..end].copy_from_slice(bytes);
}

/// The value of a relocated field, in as many low bytes as the field has.
fn value(resolver: &Resolver<'_, '_>, data: &Data<'_>, relocation: &DataRelocation) -> Result<u64, LinkError> {
    let bits = widen_u8(relocation.size) * 8;
    match relocation.value {
        DataValue::Address(target) => {
            let value = resolver.address(target);
            // An absolute value may be a negative number.
            let signed = matches!(target, Target::Absolute(_)) && signed_64(value) >> (bits - 1) == -1;
            if bits < 64 && value >> bits != 0 && !signed {
                let source = Source { section: data.section, offset: relocation.offset };
                let kind = LinkErrorKind::ValueDoesNotFit { value, size: relocation.size };
                return Err(resolver.program.error(source, kind));
            }
            Ok(value)
        }
        DataValue::Difference { plus, minus } => {
            let value = resolver.address(plus).wrapping_sub(resolver.address(minus));
            let whole = signed_64(value);
            let fits = bits == 64 || {
                // What a field of this width can hold as a signed or as an unsigned number.
                let least = -1i64 << (bits - 1);
                whole >= least && whole < 1i64 << bits
            };
            if !fits {
                let source = Source { section: data.section, offset: relocation.offset };
                let kind = LinkErrorKind::ValueDoesNotFit { value, size: relocation.size };
                return Err(resolver.program.error(source, kind));
            }
            Ok(value)
        }
    }
}
