//! What a `no_std` guest needs around it: a heap, a panic handler, atomics, and the entry points.
//!
//! Works the same for the PVM targets and for `wasm32-unknown-unknown`. Guests have one thread.
#![no_std]

#[cfg(target_arch = "riscv32")]
mod atomics;
mod heap;

pub use heap::reset_heap;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    trap()
}

/// Ends the run with a trap.
pub fn trap() -> ! {
    #[cfg(not(target_arch = "wasm32"))]
    // SAFETY: `unimp` ends the run; nothing follows it.
    unsafe {
        core::arch::asm!("unimp", options(noreturn, nomem, nostack))
    }
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable()
}

/// The entry points of a workload: `initialize()`, which does nothing, and `run() -> u64`.
///
/// `run` begins with an empty heap, so that it can be called any number of times. The default stack of 8 KiB is too small
/// for the cryptographic crates, which keep tables of points on it.
#[macro_export]
macro_rules! workload {
    ($run:path) => {
        #[cfg(not(target_arch = "wasm32"))]
        polkavm_derive::min_stack_size!(64 * 1024);

        #[cfg_attr(not(target_arch = "wasm32"), polkavm_derive::polkavm_export)]
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        extern "C" fn initialize() {}

        #[cfg_attr(not(target_arch = "wasm32"), polkavm_derive::polkavm_export)]
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        extern "C" fn run() -> u64 {
            // SAFETY: the entry points hold no allocation beyond their end.
            unsafe { $crate::reset_heap() };
            $run()
        }
    };
}
