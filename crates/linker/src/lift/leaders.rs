//! Where basic blocks start, and the numbers of the blocks.

use super::decode::Code;
use crate::elf::{Class, Elf, Place, SectionId};
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::BlockId;
use pvm_num::casts::{to_u32, to_usize};

/// Offsets in code sections at which blocks start.
pub(crate) struct Leaders {
    /// By section; empty for sections without code. One flag per two bytes of code and one for the end, where the trap
    /// behind the section stands.
    flags: Vec<Vec<bool>>,
}

/// Who refers to a place, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Referrer {
    pub(crate) section: SectionId,
    pub(crate) offset: u32,
}

impl Leaders {
    /// The first instruction and the end of every code section.
    pub(crate) fn new(elf: &Elf<'_>) -> Leaders {
        let mut flags = Vec::with_capacity(elf.sections.len());
        for section in &elf.sections {
            let mut section_flags = Vec::new();
            if section.class == Class::Code {
                section_flags.resize(to_usize(section.size / 2) + 1, false);
                section_flags[0] = true;
                section_flags[to_usize(section.size / 2)] = true;
            }
            flags.push(section_flags);
        }
        Leaders { flags }
    }

    /// Does a block start here?
    pub(crate) fn contains(&self, section: SectionId, offset: u32) -> bool {
        offset.is_multiple_of(2) && self.flags[to_usize(section)].get(to_usize(offset / 2)).copied().unwrap_or(false)
    }

    /// Marks a place that something refers to, if it is in code.
    pub(crate) fn add(&mut self, elf: &Elf<'_>, from: Referrer, place: Place) -> Result<(), LinkError> {
        let Place::Section { section, offset } = place else { return Ok(()) };
        if elf.section(section).class != Class::Code {
            return Ok(());
        }
        let flag = u32::try_from(offset).ok().filter(|offset| offset.is_multiple_of(2));
        let flag = flag.and_then(|offset| self.flags[to_usize(section)].get_mut(to_usize(offset / 2)));
        match flag {
            Some(flag) => {
                *flag = true;
                Ok(())
            }
            None => {
                let target = elf.section(section).name.into();
                Err(elf.error(from.section, from.offset, LinkErrorKind::CodeTargetOutOfSection { target, offset }))
            }
        }
    }

    /// Marks what the steps of a section refer to, and what follows a step that ends a block.
    pub(crate) fn add_steps(&mut self, elf: &Elf<'_>, code: &Code) -> Result<(), LinkError> {
        for step in &code.steps {
            let from = Referrer { section: code.section, offset: step.at };
            if let Some(target) = step.target() {
                self.add(elf, from, target)?;
            }
            if step.ends_block() {
                self.add(elf, from, Place::Section { section: code.section, offset: i64::from(step.end()) })?;
            }
        }
        Ok(())
    }
}

/// Numbers of the blocks by where they start.
pub(crate) struct BlockMap {
    /// By section: where its blocks start, in order.
    starts: Vec<Vec<u32>>,
    /// By section: the number of its first block. Those of the others follow.
    first: Vec<u32>,
}

impl BlockMap {
    /// Numbers the blocks in order of sections and offsets. A leader within a step is an error.
    pub(crate) fn new(elf: &Elf<'_>, all: &[Code], leaders: &Leaders) -> Result<BlockMap, LinkError> {
        let mut map = BlockMap { starts: vec![Vec::new(); elf.sections.len()], first: vec![0; elf.sections.len()] };
        let mut count = 0;
        for code in all {
            let starts = &mut map.starts[to_usize(code.section)];
            let mut at = 0;
            let ends = code.steps.iter().map(|step| step.end());
            for end in ends.chain([elf.section(code.section).size + 2]) {
                if leaders.contains(code.section, at) {
                    starts.push(at);
                }
                let inside = (at + 2..end).step_by(2).find(|inside| leaders.contains(code.section, *inside));
                if let Some(inside) = inside.filter(|inside| *inside <= elf.section(code.section).size) {
                    return Err(jump_into_instruction(elf, all, code.section, inside));
                }
                at = end;
            }
            map.first[to_usize(code.section)] = count;
            count += to_u32(starts.len());
        }
        Ok(map)
    }

    /// The block that starts at an offset of a code section.
    pub(crate) fn block(&self, section: SectionId, offset: u32) -> Option<BlockId> {
        let index = self.starts[to_usize(section)].binary_search(&offset).ok()?;
        Some(BlockId(self.first[to_usize(section)] + to_u32(index)))
    }
}

/// Names the step that refers to the middle of an instruction, or the place itself if it is data that does.
#[cold]
fn jump_into_instruction(elf: &Elf<'_>, code: &[Code], section: SectionId, offset: u32) -> LinkError {
    let place = Place::Section { section, offset: i64::from(offset) };
    let steps = code.iter().flat_map(|code| code.steps.iter().map(move |step| (code.section, step)));
    let from = steps.into_iter().find(|(_, step)| step.target() == Some(place));
    let (from_section, at) = from.map_or((section, offset), |(section, step)| (section, step.at));
    let target = elf.section(section).name.into();
    elf.error(from_section, at, LinkErrorKind::JumpIntoInstruction { target, offset })
}
