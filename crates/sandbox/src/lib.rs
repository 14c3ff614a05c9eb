//! The sandbox: runs native code of guests inside the host's process, behind address spaces that hold nothing else.
//!
//! ```text
//! compiler::Output --Code::load--> Code (executable, not writable)
//! Template: the memory a program's guests start with
//! Space: 4 GiB of addresses and the guest's context      Space::of(&Template, &Pool), Space::run(&Code, offset) --> Stop
//! Pool: spaces that wait for their next guest, and memory that waits for code
//! ```
//!
//! A guest cannot leave its space: its code adds 32-bit addresses to a segment base, and around the space lies nothing. What it
//! must not touch within is inaccessible to it by the rights of pages; an access that they forbid arrives as a signal, which
//! ends the run. The only code that a guest executes was made by [`pvm_compiler`], which is why this crate takes it in no other
//! form.
//!
//! What it deliberately does not do: it knows neither instructions nor memory maps.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod code;
mod pool;
mod ranges;
mod region;
mod segment;
mod signals;
mod space;
mod template;

pub use code::Code;
pub use pool::Pool;
pub use space::Space;
pub use template::{Part, Template};

use thiserror::Error;

/// What the system refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{action}: {error}")]
pub struct SandboxError {
    /// What was attempted.
    pub action: Action,
    /// Why it failed.
    pub error: rustix::io::Errno,
}

/// What was attempted of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Action {
    /// Memory for machine code.
    #[error("cannot make memory executable")]
    LoadCode,
    /// An address space for a guest.
    #[error("cannot reserve an address space")]
    Reserve,
    /// Memory of a guest.
    #[error("cannot map memory of a guest")]
    Map,
    /// Handling of faults.
    #[error("cannot handle faults")]
    HandleFaults,
}

impl Action {
    fn failed(self, error: rustix::io::Errno) -> SandboxError {
        SandboxError { action: self, error }
    }
}

/// What a guest may do with pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
}

/// Why a guest stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It left at the site with this number.
    Site(u32),
    /// The native instruction at this offset in its code touched what it may not.
    Fault {
        /// Offset in the code.
        offset: u32,
    },
}

/// Can this machine run guests here? It takes a processor and a kernel that let programs set segment bases.
pub fn is_supported() -> bool {
    /// Bit of `AT_HWCAP2` that says so (Linux, arch/x86/include/uapi/asm/hwcap2.h).
    const HWCAP2_FSGSBASE: usize = 1 << 1;
    rustix::param::linux_hwcap().1 & HWCAP2_FSGSBASE != 0
}
