//! Templates: what the memory of a program's guests starts with.
//!
//! Data lies in a file in memory, whose pages all guests share until they write to them. So a guest costs the pages it
//! changes, and is as at first when those are discarded.

use crate::ranges::Ranges;
use crate::region::{PAGE, Region};
use crate::{Access, Action, SandboxError};
use core::ops::Range;
use pvm_num::casts::to_u64;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::{Errno, pwrite};

/// A part of a guest's initial memory.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Where: whole pages below 2^32.
    pub range: Range<u64>,
    /// What the guest may do there.
    pub access: Access,
    /// What it starts with, at most as long as the part; the rest is zeroed.
    pub data: &'a [u8],
}

/// What the memory of a program's guests starts with.
#[derive(Debug)]
pub struct Template {
    mapped: Ranges,
    /// The pages of parts that begin with data, and where in the source they are.
    data: Vec<(Range<u64>, Access, u64)>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// A sealed file in memory.
    File(OwnedFd),
    /// The same bytes, to be copied, where there can be no more files.
    Bytes(Vec<u8>),
}

impl Template {
    /// A template of disjoint parts.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If a part does not consist of whole pages below 2^32, or has more data than pages.
    pub fn new(parts: &[Part<'_>]) -> Result<Template, SandboxError> {
        Self::with(parts, new_file)
    }

    fn with(
        parts: &[Part<'_>],
        new_file: impl FnOnce(u64) -> Result<OwnedFd, Errno>,
    ) -> Result<Template, SandboxError> {
        let mut template = Template { mapped: Ranges::new(), data: Vec::new(), source: Source::Bytes(Vec::new()) };
        let mut offset = 0;
        for part in parts {
            template.mapped.insert(part.range.clone(), part.access);
            if !part.data.is_empty() {
                let size = to_u64(part.data.len()).next_multiple_of(PAGE);
                let range = part.range.start..part.range.start + size;
                assert!(range.end <= part.range.end, "{} bytes of data in {:x?}", part.data.len(), part.range);
                template.data.push((range, part.access, offset));
                offset += size;
            }
        }
        if offset > 0 {
            let data = || parts.iter().map(|part| part.data).filter(|data| !data.is_empty());
            let starts = || template.data.iter().map(|(_, _, offset)| *offset);
            template.source = match new_file(offset).and_then(|file| fill(file, starts().zip(data()))) {
                Ok(file) => Source::File(file),
                Err(Errno::MFILE | Errno::NFILE | Errno::NOSYS | Errno::PERM) => {
                    Source::Bytes(data().fold(Vec::new(), |mut bytes, data| {
                        bytes.extend_from_slice(data);
                        bytes.resize(bytes.len().next_multiple_of(PAGE as usize), 0);
                        bytes
                    }))
                }
                Err(error) => return Err(Action::Map.failed(error)),
            };
        }
        Ok(template)
    }

    /// What is mapped at first.
    pub(crate) fn mapped(&self) -> &Ranges {
        &self.mapped
    }

    /// Is data only in place once, so that discarding changes does not bring it back?
    pub(crate) fn copies(&self) -> bool {
        matches!(&self.source, Source::Bytes(bytes) if !bytes.is_empty())
    }

    /// Does the range touch pages with data?
    pub(crate) fn has_data(&self, range: &Range<u64>) -> bool {
        self.data.iter().any(|(data, ..)| data.start < range.end && range.start < data.end)
    }

    /// Maps everything in a region where nothing is mapped.
    pub(crate) fn map(&self, region: &mut Region) -> Result<(), SandboxError> {
        for mapping in self.mapped.iter() {
            region.map(&mapping.range, Some(mapping.access))?;
        }
        for (range, access, offset) in &self.data {
            match &self.source {
                Source::File(file) => region.map_file(range, *access, file.as_fd(), *offset)?,
                Source::Bytes(bytes) => {
                    region.protect(range, Access::ReadWrite)?;
                    let start = usize::try_from(*offset).expect("a 64-bit machine");
                    // SAFETY: the range has just been mapped, and made writable.
                    let target = unsafe { region.bytes_mut(range) };
                    target.copy_from_slice(&bytes[start..][..target.len()]);
                    region.protect(range, *access)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes these bytes at these offsets, and lets nobody change the file any more.
fn fill<'a>(file: OwnedFd, data: impl Iterator<Item = (u64, &'a [u8])>) -> Result<OwnedFd, Errno> {
    for (mut offset, mut bytes) in data {
        while !bytes.is_empty() {
            let written = pwrite(&file, bytes, offset)?;
            bytes = &bytes[written..];
            offset += to_u64(written);
        }
    }
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

/// An empty file in memory of so many bytes.
fn new_file(size: u64) -> Result<OwnedFd, Errno> {
    let file = memfd_create("pvm-data", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, size)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pool, Space};
    use std::sync::Arc;

    #[test]
    fn without_files_data_is_copied_for_each_guest() {
        if !crate::is_supported() {
            return;
        }
        let parts = [
            Part { range: 0x10000..0x12000, access: Access::Read, data: &[1; 0x1001] },
            Part { range: 0x30000..0x33000, access: Access::ReadWrite, data: &[2; 5] },
        ];
        let template = Arc::new(Template::with(&parts, |_| Err(Errno::MFILE)).unwrap());
        let pool = Arc::new(Pool::new(1));
        for _ in 0..3 {
            let mut space = Space::of(&template, Some(&pool)).unwrap();
            assert_eq!(space.bytes(0x10000..0x11002).unwrap(), [[1; 0x1001].as_slice(), &[0]].concat());
            assert_eq!(space.bytes(0x30000..0x30006).unwrap(), [2, 2, 2, 2, 2, 0]);
            assert_eq!(space.mapping(0x10000), Some((0x10000..0x12000, Access::Read)));
            space.bytes_mut(0x30000..0x33000).unwrap().fill(9);
        }
    }
}
