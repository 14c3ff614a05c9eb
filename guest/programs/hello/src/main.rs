//! The smallest Rust guest: prints a greeting through the system interface and returns 0.
#![no_std]
#![no_main]

#[polkavm_derive::polkavm_import]
extern "C" {
    fn pvm_v1_write(fd: u32, address: usize, length: usize) -> i64;
}

const GREETING: &str = "Hello from a Rust guest!\n";
const STDOUT: u32 = 1;

/// Entry point of the system interface: the result is the exit code.
#[polkavm_derive::polkavm_export]
extern "C" fn main() -> i32 {
    // SAFETY: the host only reads `length` bytes at `address`, which are those of a constant.
    let written = unsafe { pvm_v1_write(STDOUT, GREETING.as_ptr().addr(), GREETING.len()) };
    if usize::try_from(written) == Ok(GREETING.len()) { 0 } else { 1 }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    // SAFETY: `unimp` ends the run with a trap; nothing follows it.
    unsafe { core::arch::asm!("unimp", options(noreturn)) }
}
