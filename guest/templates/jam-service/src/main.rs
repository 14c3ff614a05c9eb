//! A service of JAM. `pvm build` makes a standard program, `cargo test` tests it on this machine, and this runs a refinement:
//!
//! ```text
//! $ pvm run --args 0badc0de
//! ```
#![cfg_attr(target_os = "none", no_std, no_main)]

use pvm::Bytes;
use pvm::prelude::*;

// The instruction set of JAM cannot grow the heap.
pvm::heap!(256 << 10);

#[pvm::import]
unsafe extern "C" {
    /// The host call 0, `gas`: what is left.
    #[pvm::import(index = 0, native = plenty)]
    safe fn gas() -> u64;
}

#[cfg(not(target_os = "none"))]
fn plenty() -> u64 {
    u64::MAX
}

/// Refine: from a work item's encoded arguments to a result. Here: the bytes from the last to the first.
#[pvm::export]
fn refine_ext(arguments: Bytes) -> Bytes {
    arguments.iter().rev().copied().collect::<Vec<u8>>().into()
}

/// Accumulate: takes the results up into the service's state. Here: nothing but a look at the gas.
#[pvm::export]
fn accumulate_ext(_arguments: Bytes) -> Bytes {
    gas().to_le_bytes().to_vec().into()
}

#[cfg(not(target_os = "none"))]
fn main() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refine_turns_bytes_around() {
        assert_eq!(*refine_ext(b"abc".into()), *b"cba");
    }
}
