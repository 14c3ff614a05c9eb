//! What a Rust guest of PVM needs: an entry point, exports and imports, a heap, panics that tell where, and the system interface
//! of `pvm run` behind names that read like those of `std`.
//!
//! ```
//! #![cfg_attr(target_os = "none", no_std, no_main)]
//! use pvm::prelude::*;
//!
//! #[pvm::main]
//! fn main() {
//!     println!("Hello from {}!", pvm::args().first().map_or("a guest", String::as_str));
//! }
//! ```
//!
//! The same code builds for the host, where every call goes to `std`: `cargo test` and `cargo run` work as with any program.
//! For a guest target (`target_os = "none"`) there is no `std`; [`prelude`] has what one misses most.
//!
//! A guest for another host than `pvm run` leaves out the feature `system`, and says where its heap is with [`heap!`]:
//!
//! ```
//! # #[cfg(not(feature = "system"))]
//! pvm::heap!(64 << 10); // 64 KiB within the program; without a size it grows by `sbrk`, which JAM has not
//!
//! #[pvm::import]
//! unsafe extern "C" {
//!     #[pvm::import(index = 100, native = say)]
//!     safe fn log(level: u32, text: *const u8, length: usize) -> u32;
//! }
//!
//! # #[cfg(not(target_os = "none"))]
//! fn say(_level: u32, _text: *const u8, length: usize) -> u32 {
//!     u32::try_from(length).unwrap()
//! }
//!
//! #[pvm::export]
//! fn add(left: u32, right: u32) -> u32 {
//!     left.wrapping_add(right)
//! }
//! # fn main() { assert_eq!(add(2, log(0, "abc".as_ptr(), 3)), 5) }
//! ```
//!
//! What it deliberately does not do: there are no threads, no unwinding, and no path of the host; a guest has what its host
//! granted. The versioned symbols and error numbers come from [`abi`], which is the host's own table.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_arch = "riscv32", feature(linkage))]

pub extern crate alloc;
// What the attributes expand to names the crate so.
extern crate self as pvm;

#[path = "../../../crates/guest-abi/src/system.rs"]
pub mod abi;

#[cfg(target_arch = "riscv32")]
mod atomics;
mod bytes;
#[cfg(feature = "system")]
mod calls;
#[cfg(feature = "system")]
pub mod device;
#[cfg(feature = "system")]
mod environment;
#[cfg(feature = "system")]
mod error;
#[cfg(feature = "system")]
pub mod fs;
#[cfg(target_os = "none")]
#[doc(hidden)]
pub mod heap;
#[cfg(feature = "system")]
pub mod io;
#[cfg(target_os = "none")]
mod panic;
mod record;
#[cfg(feature = "system")]
pub mod time;

pub use bytes::Bytes;
#[cfg(feature = "system")]
pub use environment::{Report, args, exit, var, vars};
#[cfg(feature = "system")]
pub use error::{Error, Result};
pub use pvm_guest_macros::{export, import, main};
pub use record::Value;

/// What almost every guest uses; on the host what `std` has for it.
pub mod prelude {
    #[cfg(feature = "system")]
    pub use crate::io::{Read as _, Write as _};
    // On the host they are there already, and an import would be ambiguous.
    #[cfg(all(feature = "system", target_os = "none"))]
    pub use crate::{eprint, eprintln, print, println};
    pub use alloc::borrow::ToOwned;
    pub use alloc::boxed::Box;
    pub use alloc::string::{String, ToString};
    pub use alloc::vec::Vec;
    #[cfg(target_os = "none")]
    pub use alloc::{format, vec};
}

/// Called by what the attributes expand to; of no use otherwise.
#[doc(hidden)]
pub mod expansion {
    #[cfg(feature = "system")]
    pub use crate::environment::{entry, native_entry};
    pub use crate::record::{Metadata, sum};
}

/// Asks for a stack of at least so many bytes; the greatest number counts. `#[pvm::main]` asks for 1 MiB.
///
/// ```
/// pvm::min_stack_size!(256 << 10);
/// ```
#[macro_export]
macro_rules! min_stack_size {
    ($bytes:expr) => {
        const _: () = {
            #[cfg_attr(target_os = "none", unsafe(link_section = ".polkavm_min_stack_size"), used)]
            static BYTES: u32 = $bytes;
            let _ = &BYTES;
        };
    };
}

/// The heap of a guest without the feature `system`: `heap!()` grows by `sbrk`, `heap!(BYTES)` is memory within the program and
/// works with every instruction set. On the host it is that of `std`.
#[macro_export]
macro_rules! heap {
    () => {
        #[cfg(target_os = "none")]
        #[global_allocator]
        static HEAP: $crate::heap::Heap<$crate::heap::Growing> = $crate::heap::Heap::new($crate::heap::Growing);
    };
    ($bytes:expr) => {
        #[cfg(target_os = "none")]
        const _: () = {
            static MEMORY: $crate::heap::Memory<{ $bytes }> = $crate::heap::Memory::new();
            #[global_allocator]
            static HEAP: $crate::heap::Heap<$crate::heap::Fixed<{ $bytes }>> =
                // SAFETY: nobody else can name the memory.
                $crate::heap::Heap::new(unsafe { $crate::heap::Fixed::new(&MEMORY) });
        };
    };
}

/// Ends the run with a trap.
pub fn trap() -> ! {
    #[cfg(target_os = "none")]
    // SAFETY: `unimp` ends the run; nothing follows it.
    unsafe {
        core::arch::asm!("unimp", options(noreturn, nomem, nostack))
    }
    #[cfg(not(target_os = "none"))]
    std::process::abort()
}
