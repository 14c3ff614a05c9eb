//! The system interface as imports of the host.
//!
//! Addresses are pointers here, so that the compiler knows that the host may look behind them.

use crate::abi::STATUS_SIZE;

#[crate::import]
unsafe extern "C" {
    safe fn pvm_v1_exit(code: i32);
    fn pvm_v1_write(fd: u32, address: *const u8, length: usize) -> i64;
    fn pvm_v1_read(fd: u32, address: *mut u8, length: usize) -> i64;
    fn pvm_v1_arguments(address: *mut u8, length: usize) -> i64;
    fn pvm_v1_environment(address: *mut u8, length: usize) -> i64;
    pub(crate) safe fn pvm_v1_ticks() -> i64;
    pub(crate) safe fn pvm_v1_time() -> i64;
    fn pvm_v1_open(path: *const u8, length: usize, flags: u32) -> i64;
    pub(crate) safe fn pvm_v1_close(fd: u32) -> i64;
    pub(crate) safe fn pvm_v1_seek(fd: u32, whence: u32, offset: i64) -> i64;
    fn pvm_v1_status(fd: u32, address: *mut u8) -> i64;
    pub(crate) safe fn pvm_v1_resize(fd: u32, size: u64) -> i64;
    fn pvm_v1_next_entry(fd: u32, address: *mut u8, length: usize) -> i64;
    fn pvm_v1_remove(path: *const u8, length: usize) -> i64;
    fn pvm_v1_rename(from: *const u8, from_length: usize, to: *const u8, to_length: usize) -> i64;
    fn pvm_v1_make_directory(path: *const u8, length: usize) -> i64;
    fn pvm_v1_show(address: *const u32, width: u32, height: u32) -> i64;
    pub(crate) safe fn pvm_v1_key() -> i64;
    fn pvm_v1_play(address: *const [i16; 2], frames: u32) -> i64;
}

pub(crate) use self::{
    pvm_v1_close as close, pvm_v1_key as key, pvm_v1_resize as resize, pvm_v1_seek as seek, pvm_v1_ticks as ticks,
    pvm_v1_time as time,
};

pub(crate) fn exit(code: i32) -> ! {
    pvm_v1_exit(code);
    crate::trap()
}

pub(crate) fn write(fd: u32, bytes: &[u8]) -> i64 {
    // SAFETY: the host reads the bytes of the slice only.
    unsafe { pvm_v1_write(fd, bytes.as_ptr(), bytes.len()) }
}

pub(crate) fn open(path: &[u8], flags: u32) -> i64 {
    // SAFETY: as in `write`.
    unsafe { pvm_v1_open(path.as_ptr(), path.len(), flags) }
}

pub(crate) fn remove(path: &[u8]) -> i64 {
    // SAFETY: as in `write`.
    unsafe { pvm_v1_remove(path.as_ptr(), path.len()) }
}

pub(crate) fn make_directory(path: &[u8]) -> i64 {
    // SAFETY: as in `write`.
    unsafe { pvm_v1_make_directory(path.as_ptr(), path.len()) }
}

pub(crate) fn read(fd: u32, bytes: &mut [u8]) -> i64 {
    // SAFETY: the host writes to the bytes of the slice only.
    unsafe { pvm_v1_read(fd, bytes.as_mut_ptr(), bytes.len()) }
}

pub(crate) fn next_entry(fd: u32, bytes: &mut [u8]) -> i64 {
    // SAFETY: as in `read`.
    unsafe { pvm_v1_next_entry(fd, bytes.as_mut_ptr(), bytes.len()) }
}

pub(crate) fn arguments(bytes: &mut [u8]) -> i64 {
    // SAFETY: as in `read`.
    unsafe { pvm_v1_arguments(bytes.as_mut_ptr(), bytes.len()) }
}

pub(crate) fn environment(bytes: &mut [u8]) -> i64 {
    // SAFETY: as in `read`.
    unsafe { pvm_v1_environment(bytes.as_mut_ptr(), bytes.len()) }
}

pub(crate) fn status(fd: u32, record: &mut [u8; STATUS_SIZE]) -> i64 {
    // SAFETY: the host writes a record of this size.
    unsafe { pvm_v1_status(fd, record.as_mut_ptr()) }
}

pub(crate) fn rename(from: &[u8], to: &[u8]) -> i64 {
    // SAFETY: the host reads the bytes of the slices only.
    unsafe { pvm_v1_rename(from.as_ptr(), from.len(), to.as_ptr(), to.len()) }
}

/// `pixels` has `width * height` elements.
pub(crate) fn show(pixels: &[u32], width: u32, height: u32) -> i64 {
    // SAFETY: the host reads the pixels of the slice only.
    unsafe { pvm_v1_show(pixels.as_ptr(), width, height) }
}

pub(crate) fn play(frames: &[[i16; 2]]) -> i64 {
    let count = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    // SAFETY: the host reads as many frames as there are.
    unsafe { pvm_v1_play(frames.as_ptr(), count) }
}
