//! The system interface, version 1: what `pvm run` does for a guest that calls an import.
//! (`pvm_guest_abi::system` describes it).

use crate::output::symbol;
use pvm::{MemoryAccessError, MemoryProtection, RawInstance, Reg};
use pvm_guest_abi::system::{EBADF, EFAULT, EIO, EXIT, STDERR, STDOUT, WRITE};
use pvm_num::casts::{high_u32, low_u32, signed_32, to_usize, unsigned_64, widen};
use std::io::{self, Write};

/// Bytes copied from the guest at once.
const CHUNK: u32 = 64 << 10;

/// A function of the interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Function {
    /// `pvm_v1_write`
    Write,
    /// `pvm_v1_exit`
    Exit,
}

impl Function {
    /// The function an import means.
    pub(crate) fn from_symbol(symbol: &[u8]) -> Option<Function> {
        match symbol {
            _ if symbol == WRITE.as_bytes() => Some(Function::Write),
            _ if symbol == EXIT.as_bytes() => Some(Function::Exit),
            _ => None,
        }
    }
}

/// What a guest's call leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// The guest runs on.
    Continue,
    /// The guest ends with this exit code.
    Exit(i32),
}

/// Does what the guest asks for.
pub(crate) fn call(function: Function, guest: &mut RawInstance) -> Reply {
    match function {
        Function::Exit => Reply::Exit(signed_32(low_u32(guest.reg(Reg::A0)))),
        Function::Write => {
            let [stream, address, length] = [Reg::A0, Reg::A1, Reg::A2].map(|reg| guest.reg(reg));
            // An address that needs more than 32 bits is none, whatever its low half.
            let result = match (low_u32(stream), u32::try_from(address), u32::try_from(length)) {
                (STDOUT, Ok(address), Ok(length)) => write(&mut io::stdout().lock(), guest, address, length),
                (STDERR, Ok(address), Ok(length)) => write(&mut io::stderr().lock(), guest, address, length),
                (STDOUT | STDERR, ..) => -EFAULT,
                _ => -EBADF,
            };
            set_result(guest, unsigned_64(result));
            Reply::Continue
        }
    }
}

/// Sets an i64 result.
fn set_result(guest: &mut RawInstance, result: u64) {
    if guest.is_64_bit() {
        guest.set_reg(Reg::A0, result);
    } else {
        guest.set_reg(Reg::A0, widen(low_u32(result)));
        guest.set_reg(Reg::A1, widen(high_u32(result)));
    }
}

/// All or, if some of it is not the guest's to read, nothing.
fn write(stream: &mut dyn Write, guest: &mut RawInstance, address: u32, length: u32) -> i64 {
    if !guest.is_memory_accessible(address, length, MemoryProtection::Read) {
        return -EFAULT;
    }
    let mut buffer = vec![0; to_usize(length.min(CHUNK))];
    let mut copy = |offset: u32| -> Result<io::Result<u32>, MemoryAccessError> {
        let size = (length - offset).min(CHUNK);
        let chunk = &mut buffer[..to_usize(size)];
        guest.read_memory_into(address + offset, chunk)?;
        Ok(stream.write_all(chunk).and_then(|()| stream.flush()).map(|()| size))
    };
    let mut written = 0;
    while written < length {
        match copy(written) {
            Ok(Ok(size)) => written += size,
            Ok(Err(_)) => return -EIO,
            Err(_) => return -EFAULT,
        }
    }
    i64::from(length)
}

/// The name of import `index` for messages.
pub(crate) fn import_name(imports: &pvm_program::Imports<'_>, index: u32) -> String {
    match imports.get(index) {
        Some(name) => format!("import {index} (`{}`)", symbol(name)),
        None if imports.is_empty() => format!("host call {index}"),
        None => format!("import {index}, which the program does not list"),
    }
}

/// Does `pvm run` offer this import?
pub(crate) fn is_offered(symbol: Option<&[u8]>) -> bool {
    symbol.and_then(Function::from_symbol).is_some()
}
