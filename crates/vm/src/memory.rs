//! Guest memory: its map, its protection, and buffers it can be read into.

use pvm_program::{MemoryMap, ProgramErrorKind, Region};
use std::mem::MaybeUninit;

/// Access rights of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryProtection {
    /// It can be read.
    Read,
    /// It can be read and written.
    ReadWrite,
}

impl From<MemoryProtection> for pvm_interpreter::Protection {
    fn from(protection: MemoryProtection) -> Self {
        match protection {
            MemoryProtection::Read => pvm_interpreter::Protection::Read,
            MemoryProtection::ReadWrite => pvm_interpreter::Protection::ReadWrite,
        }
    }
}

/// Makes a [`MemoryMap`] from sizes.
#[derive(Clone, Debug)]
pub struct MemoryMapBuilder(pvm_program::MemoryMapBuilder);

impl MemoryMapBuilder {
    /// A map with this page size and regions of size 0.
    pub fn new(page_size: u32) -> Self {
        MemoryMapBuilder(pvm_program::MemoryMapBuilder::new(page_size))
    }

    /// Size of the read-only data in bytes.
    pub fn ro_data_size(&mut self, value: u32) -> &mut Self {
        self.0.ro_data_size(value);
        self
    }

    /// Size of the read-write data in bytes.
    pub fn rw_data_size(&mut self, value: u32) -> &mut Self {
        self.0.rw_data_size(value);
        self
    }

    /// Size of the stack in bytes.
    pub fn stack_size(&mut self, value: u32) -> &mut Self {
        self.0.stack_size(value);
        self
    }

    /// Size of the auxiliary region in bytes.
    pub fn aux_data_size(&mut self, value: u32) -> &mut Self {
        self.0.aux_data_size(value);
        self
    }

    /// Lays the regions out.
    ///
    /// # Errors
    /// If the page size is none, a region exceeds 32 bits once rounded, or the regions do not fit.
    pub fn build(&self) -> Result<MemoryMap, &'static str> {
        use ProgramErrorKind as K;
        self.0.build().map_err(|error| match error.kind {
            K::PageSizeTooSmall { .. } => "invalid page size: page size is too small",
            K::PageSizeTooBig { .. } => "invalid page size: page size is too big",
            K::PageSizeNotPowerOfTwo { .. } => "invalid page size: page size is not a power of two",
            K::RegionTooBig { region: Region::RoData, .. } => "the size of read-only data is too big",
            K::RegionTooBig { region: Region::RwData, .. } => "the size of read-write data is too big",
            K::RegionTooBig { region: Region::Stack, .. } => "the size of the stack is too big",
            K::RegionTooBig { region: Region::AuxData, .. } => "the size of the aux data is too big",
            _ => "maximum memory size exceeded",
        })
    }
}

/// A buffer that guest memory can be read into, initialised or not.
pub trait AsUninitSliceMut {
    /// The buffer's size in bytes.
    fn uninit_len(&self) -> usize;

    /// Lets `read` fill the whole buffer. An error leaves it as it is.
    ///
    /// # Errors
    /// That of `read`.
    fn read_with<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<&mut [u8], E>;
}

impl AsUninitSliceMut for [u8] {
    fn uninit_len(&self) -> usize {
        self.len()
    }

    fn read_with<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<&mut [u8], E> {
        read(self)?;
        Ok(self)
    }
}

impl<const N: usize> AsUninitSliceMut for [u8; N] {
    fn uninit_len(&self) -> usize {
        N
    }

    fn read_with<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<&mut [u8], E> {
        self.as_mut_slice().read_with(read)
    }
}

/// By way of a copy: safe code cannot write into memory that is not initialised.
impl AsUninitSliceMut for [MaybeUninit<u8>] {
    fn uninit_len(&self) -> usize {
        self.len()
    }

    fn read_with<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<&mut [u8], E> {
        let mut bytes = vec![0; self.len()];
        read(&mut bytes)?;
        Ok(self.write_copy_of_slice(&bytes))
    }
}

impl<const N: usize> AsUninitSliceMut for MaybeUninit<[u8; N]> {
    fn uninit_len(&self) -> usize {
        N
    }

    fn read_with<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<&mut [u8], E> {
        let mut bytes = [0; N];
        read(&mut bytes)?;
        Ok(self.write(bytes))
    }
}
