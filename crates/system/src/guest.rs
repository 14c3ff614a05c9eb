//! A guest in the middle of a call: its arguments one after the other, its memory, its result.

use pvm::{MemoryProtection, RawInstance, Reg};
use pvm_guest_abi::system::{Errno, PATH_SIZE_MAX};
use pvm_num::casts::{high_u32, low_u32, to_usize, widen};

/// A guest that made a call.
pub(crate) struct Guest<'a> {
    instance: &'a mut RawInstance,
    /// Argument registers that have been read.
    read: usize,
}

/// Bytes the guest names; nobody has looked yet whether they exist.
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) address: u64,
    pub(crate) length: u64,
}

impl<'a> Guest<'a> {
    pub(crate) fn new(instance: &'a mut RawInstance) -> Guest<'a> {
        Guest { instance, read: 0 }
    }

    /// The next argument: a register. No function has more arguments than there are argument registers.
    pub(crate) fn argument(&mut self) -> u64 {
        let reg = Reg::ARG_REGS[self.read];
        self.read += 1;
        self.instance.reg(reg)
    }

    /// The next argument, of which the low half counts.
    pub(crate) fn number(&mut self) -> u32 {
        low_u32(self.argument())
    }

    /// The next argument, of 64 bits.
    pub(crate) fn wide(&mut self) -> u64 {
        let low = self.argument();
        if self.instance.is_64_bit() { low } else { low | self.argument() << 32 }
    }

    /// The next two arguments: an address and a length.
    pub(crate) fn bytes(&mut self) -> Bytes {
        Bytes { address: self.argument(), length: self.argument() }
    }

    pub(crate) fn set_result(&mut self, result: u64) {
        if self.instance.is_64_bit() {
            self.instance.set_reg(Reg::A0, result);
        } else {
            self.instance.set_reg(Reg::A0, widen(low_u32(result)));
            self.instance.set_reg(Reg::A1, widen(high_u32(result)));
        }
    }

    /// Address and length, if all bytes are the guest's to read.
    pub(crate) fn readable(&self, bytes: Bytes) -> Result<(u32, u32), Errno> {
        self.accessible(bytes, MemoryProtection::Read)
    }

    /// Address and length, if all bytes are the guest's to write.
    pub(crate) fn writable(&self, bytes: Bytes) -> Result<(u32, u32), Errno> {
        self.accessible(bytes, MemoryProtection::ReadWrite)
    }

    fn accessible(&self, bytes: Bytes, protection: MemoryProtection) -> Result<(u32, u32), Errno> {
        // An address that needs more than 32 bits is none, whatever its low half.
        let (Ok(address), Ok(length)) = (u32::try_from(bytes.address), u32::try_from(bytes.length)) else {
            return Err(Errno::Fault);
        };
        match length == 0 || self.instance.is_memory_accessible(address, length, protection) {
            true => Ok((address, length)),
            false => Err(Errno::Fault),
        }
    }

    /// A copy of the bytes. The caller bounds the length, else the guest does by having so much memory.
    pub(crate) fn read(&mut self, bytes: Bytes) -> Result<Vec<u8>, Errno> {
        let (address, length) = self.readable(bytes)?;
        let mut copy = vec![0; to_usize(length)];
        self.read_into(address, &mut copy)?;
        Ok(copy)
    }

    pub(crate) fn read_into(&mut self, address: u32, buffer: &mut [u8]) -> Result<(), Errno> {
        if buffer.is_empty() {
            return Ok(());
        }
        self.instance.read_memory_into(address, buffer).map(drop).map_err(|_| Errno::Fault)
    }

    /// Writes all of `data` to the start of `to`, all of which must be the guest's.
    pub(crate) fn write(&mut self, to: Bytes, data: &[u8]) -> Result<(), Errno> {
        let (address, length) = self.writable(to)?;
        if to_usize(length) < data.len() {
            return Err(Errno::Range);
        }
        if data.is_empty() {
            return Ok(());
        }
        self.instance.write_memory(address, data).map_err(|_| Errno::Fault)
    }

    /// A path.
    pub(crate) fn path(&mut self, bytes: Bytes) -> Result<String, Errno> {
        if bytes.length > u64::from(PATH_SIZE_MAX) {
            return Err(Errno::NameTooLong);
        }
        let path = String::from_utf8(self.read(bytes)?).map_err(|_| Errno::Invalid)?;
        match path.is_empty() || path.contains('\0') {
            true => Err(if path.is_empty() { Errno::NoEntry } else { Errno::Invalid }),
            false => Ok(path),
        }
    }
}
