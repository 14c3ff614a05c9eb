//! Leaves in all ways a guest can: with an exit code from the depth, with a result, with a trap.
#![no_std]
#![no_main]

use core::hint::black_box;

#[polkavm_derive::polkavm_import]
extern "C" {
    fn pvm_v1_write(fd: u32, address: usize, length: usize) -> i64;
    fn pvm_v1_exit(code: i32);
}

const STDERR: u32 = 2;

/// Writes to the standard error output and exits with code 42, from a call in a call.
#[polkavm_derive::polkavm_export]
extern "C" fn main() -> i32 {
    write_all(b"leaving with code 42\n");
    descend(black_box(3));
    1
}

/// Returns an exit code that is negative as a number of 32 bits.
#[polkavm_derive::polkavm_export]
extern "C" fn negative() -> i32 {
    black_box(-1)
}

/// Writes to a stream that does not exist and returns the error number.
#[polkavm_derive::polkavm_export]
extern "C" fn bad_stream() -> i64 {
    // SAFETY: the host reads nothing: there is no such stream.
    unsafe { pvm_v1_write(77, 0, 0) }
}

/// Traps.
#[polkavm_derive::polkavm_export]
extern "C" fn fail() {
    panic!("trap")
}

#[inline(never)]
fn descend(depth: u32) {
    if depth == 0 {
        // SAFETY: takes a number; does not return.
        unsafe { pvm_v1_exit(42) }
    } else {
        descend(depth - 1);
    }
    // Work behind the call keeps the frames.
    black_box(depth);
}

fn write_all(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the host only reads the bytes of the slice.
        let written = unsafe { pvm_v1_write(STDERR, bytes.as_ptr().addr(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if 0 < written && written <= bytes.len() => bytes = &bytes[written..],
            _ => return,
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: `unimp` ends the run with a trap; nothing follows it.
    unsafe { core::arch::asm!("unimp", options(noreturn)) }
}
