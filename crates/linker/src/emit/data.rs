//! Data: where each section lies, and what stands in it (elf.md 5.1).

use super::{Values, whole};
use crate::Config;
use crate::elf::Elf;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{Data, DataKind, DataRelocation, DataValue, Program, Target};
use crate::limits::DATA_PADDING_MAX;
use pvm_num::align::align_up;
use pvm_num::casts::{low_u32, to_u64, to_usize, to_usize_saturating, widen};
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::MemoryMapBuilder;

/// Addresses and sizes.
pub(crate) struct Layout {
    /// Address of each data section.
    pub(crate) addresses: Vec<u32>,
    pub(crate) ro_size: u32,
    pub(crate) rw_size: u32,
    pub(crate) stack_size: u32,
    pub(crate) heap_base: u32,
}

/// The order of kinds within their regions.
const RO: &[DataKind] = &[DataKind::Ro];
const RW: &[DataKind] = &[DataKind::Rw, DataKind::Bss];

pub(crate) fn layout(program: &Program<'_>, config: &Config) -> Result<Layout, LinkError> {
    let stack = widen(config.min_stack_size.max(program.stack_size_min));
    let stack_rounded = align_up(stack, widen(PAGE_SIZE_DEFAULT)).and_then(|size| u32::try_from(size).ok());
    let stack_size = stack_rounded.ok_or_else(|| whole(LinkErrorKind::StackTooBig { size: stack }))?;
    let mut offsets = vec![0u64; program.data.len()];
    let ro_size = place(program, RO, &mut offsets)?;
    let rw_size = place(program, RW, &mut offsets)?;
    let too_big =
        || whole(LinkErrorKind::DataTooBig { size: ro_size.saturating_add(rw_size), stack: widen(stack_size) });
    let region = |size: u64| u32::try_from(size).map_err(|_| too_big());
    let (ro_size, rw_size) = (region(ro_size)?, region(rw_size)?);
    let map = MemoryMapBuilder::new(PAGE_SIZE_DEFAULT)
        .ro_data_size(ro_size)
        .rw_data_size(rw_size)
        .stack_size(stack_size)
        .build()
        .map_err(|_| too_big())?;
    let base = |data: &Data<'_>| match data.kind {
        DataKind::Ro => map.ro_data_address(),
        DataKind::Rw | DataKind::Bss => map.rw_data_address(),
    };
    let addresses = program.data.iter().zip(&offsets).map(|(data, offset)| base(data) + low_u32(*offset)).collect();
    Ok(Layout { addresses, ro_size, rw_size, stack_size, heap_base: map.heap_base() })
}

/// Gives sections of these kinds their offsets in a region and returns its size. Padding inside counts, and is bounded.
fn place(program: &Program<'_>, kinds: &[DataKind], offsets: &mut [u64]) -> Result<u64, LinkError> {
    let (mut end, mut padding) = (0u64, 0u64);
    for kind in kinds {
        for (id, data) in program.data_kept().filter(|(_, data)| data.kind == *kind) {
            let start = align_up(end, widen(data.align)).expect("sections and alignments are 32-bit numbers, and few");
            padding += start - end;
            offsets[id.index()] = start;
            end = start + widen(data.size);
        }
    }
    if padding > DATA_PADDING_MAX {
        return Err(whole(LinkErrorKind::TooMuchPadding { padding, limit: DATA_PADDING_MAX }));
    }
    Ok(end)
}

/// The bytes of both regions, without the zeros at their ends.
pub(crate) fn contents(
    elf: &Elf<'_>,
    program: &Program<'_>,
    values: &Values<'_>,
) -> Result<(Vec<u8>, Vec<u8>), LinkError> {
    let ro = region(elf, program, values, RO)?;
    let rw = region(elf, program, values, RW)?;
    Ok((ro, rw))
}

fn region(elf: &Elf<'_>, program: &Program<'_>, values: &Values<'_>, kinds: &[DataKind]) -> Result<Vec<u8>, LinkError> {
    let mut out: Vec<u8> = Vec::new();
    let mut sections: Vec<_> = program.data_kept().filter(|(_, data)| kinds.contains(&data.kind)).collect();
    sections.sort_by_key(|(id, _)| values.layout.addresses[id.index()]);
    let Some((first, _)) = sections.first() else { return Ok(out) };
    let base = values.layout.addresses[first.index()];
    // The first section's address is the region's unless alignment pads before it, which it does not: both are page aligned.
    for (id, data) in sections {
        let relocated = data.relocations.last().map_or(0, |last| to_u64(to_usize(last.offset)) + u64::from(last.size));
        let stored = to_u64(data.bytes.len()).max(relocated);
        if stored == 0 {
            continue;
        }
        let start = to_usize(values.layout.addresses[id.index()] - base);
        let end = start + to_usize_saturating(stored);
        if out.len() < end {
            out.resize(end, 0);
        }
        let bytes = &mut out[start..end];
        bytes[..data.bytes.len()].copy_from_slice(data.bytes);
        for relocation in &data.relocations {
            relocate(elf, data, relocation, values, bytes)?;
        }
    }
    let used = out.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    out.truncate(used);
    Ok(out)
}

fn relocate(
    elf: &Elf<'_>,
    data: &Data<'_>,
    relocation: &DataRelocation,
    values: &Values<'_>,
    bytes: &mut [u8],
) -> Result<(), LinkError> {
    let size = relocation.size;
    let value = match relocation.value {
        DataValue::Address(target) => {
            let value = values.address(target);
            // A narrow field holds an address only if it can be read back.
            if size < 8 && value >> (8 * u32::from(size)) != 0 {
                let kind = LinkErrorKind::ValueDoesNotFit { value, size };
                return Err(elf.error(data.section, relocation.offset, kind));
            }
            value
        }
        DataValue::Difference { plus, minus } => {
            let code_and_data = matches!((plus, minus), (Target::Code(_), Target::Data { .. }));
            if code_and_data && size == 8 {
                return Err(elf.error(data.section, relocation.offset, LinkErrorKind::UnsupportedDifference));
            }
            values.address(plus).wrapping_sub(values.address(minus))
        }
    };
    let start = to_usize(relocation.offset);
    bytes[start..start + usize::from(size)].copy_from_slice(&value.to_le_bytes()[..usize::from(size)]);
    Ok(())
}
