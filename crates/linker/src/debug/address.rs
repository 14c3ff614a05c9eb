//! Addresses as debug information knows them: those of the file or, where a file has none, ones made up for it.

use crate::elf::{Class, Elf, SectionId};
use pvm_num::casts::{to_usize, widen};
use std::ops::Range;

/// Where made-up addresses start. Linkers leave zeros in place of addresses of what they dropped, which must lead nowhere.
const FIRST: u64 = 0x1_0000;
/// Bytes between sections, so that the end of one is not the start of another.
const GAP: u64 = 16;

/// Where the code sections lie.
pub(super) struct AddressSpace {
    /// By section; none for those without code.
    starts: Vec<Option<u64>>,
    /// Sorted by their starts. The address space is no place for trust: they may overlap.
    spans: Vec<Range<u64>>,
}

impl AddressSpace {
    pub(super) fn new(elf: &Elf<'_>) -> AddressSpace {
        let mut next = FIRST;
        let mut starts = vec![None; elf.sections.len()];
        let mut spans = Vec::new();
        for (id, section) in elf.sections().filter(|(_, section)| section.class == Class::Code) {
            let start = if elf.linked { section.address } else { next };
            let Some(end) = start.checked_add(widen(section.size)) else { continue };
            next = end + GAP;
            starts[to_usize(id)] = Some(start);
            spans.push(start..end);
        }
        spans.sort_by_key(|span| span.start);
        AddressSpace { starts, spans }
    }

    /// Where a code section starts.
    pub(super) fn start(&self, section: SectionId) -> Option<u64> {
        self.starts.get(to_usize(section)).copied().flatten()
    }

    /// As much of a range as belongs to the section it starts in.
    pub(super) fn clip(&self, range: Range<u64>) -> Option<Range<u64>> {
        let index = self.spans.partition_point(|span| span.start <= range.start).checked_sub(1)?;
        let end = range.end.min(self.spans[index].end);
        (range.start < end).then_some(range.start..end)
    }
}
