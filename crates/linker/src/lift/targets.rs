//! From places of the file to targets of the program.

use super::leaders::{BlockMap, Referrer};
use crate::elf::{Class, Elf, Place, SectionId};
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{BlockId, DataId, Target};
use pvm_num::casts::{to_usize, widen};
use pvm_num::limits::ADDRESS_ZONE;

/// What the sections of the file became.
pub(crate) struct Targets<'e, 'a> {
    pub(crate) elf: &'e Elf<'a>,
    pub(crate) blocks: BlockMap,
    /// By section.
    pub(crate) data: Vec<Option<DataId>>,
}

impl Targets<'_, '_> {
    /// What a reference to `place` refers to.
    pub(crate) fn target(&self, from: Referrer, place: Place) -> Result<Target, LinkError> {
        let (section, offset) = match place {
            Place::Absolute(value) => return Ok(Target::Absolute(value)),
            // Any address will do, as long as it is not null and always the same.
            Place::Nowhere => return Ok(Target::Absolute(widen(ADDRESS_ZONE))),
            Place::Section { section, offset } => (section, offset),
        };
        if let Some(data) = self.data[to_usize(section)] {
            return Ok(Target::Data { section: data, offset });
        }
        if self.elf.section(section).class == Class::Code {
            return self.code(from, section, offset).map(Target::Code);
        }
        self.refuse(from, LinkErrorKind::TargetNotLoaded { target: self.elf.section(section).name.into() })
    }

    /// Where a jump to `place` goes; none if there is nothing to go to (an undefined weak function).
    pub(crate) fn jump(&self, from: Referrer, place: Place) -> Result<Option<BlockId>, LinkError> {
        match place {
            Place::Absolute(_) | Place::Nowhere => Ok(None),
            Place::Section { section, offset } => match self.elf.section(section).class {
                Class::Code => self.code(from, section, offset).map(Some),
                _ => {
                    let target = self.elf.section(section).name.into();
                    self.refuse(from, LinkErrorKind::JumpIntoData { target })
                }
            },
        }
    }

    fn code(&self, from: Referrer, section: SectionId, offset: i64) -> Result<BlockId, LinkError> {
        let block = u32::try_from(offset).ok().and_then(|offset| self.blocks.block(section, offset));
        match block {
            Some(block) => Ok(block),
            None => {
                let target = self.elf.section(section).name.into();
                self.refuse(from, LinkErrorKind::CodeTargetOutOfSection { target, offset })
            }
        }
    }

    fn refuse<T>(&self, from: Referrer, kind: LinkErrorKind) -> Result<T, LinkError> {
        Err(self.elf.error(from.section, from.offset, kind))
    }
}
