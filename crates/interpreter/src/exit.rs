//! How a run ended.

/// Why a guest was stopped for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Trap {
    /// It executed `trap`.
    #[error("trap instruction")]
    Instruction,
    /// It executed bytes that are no instruction, or ran off the end of its code.
    #[error("invalid instruction")]
    InvalidInstruction,
    /// A static jump or branch, one of whose successors is no jump target.
    #[error("jump or branch to an offset where no block starts")]
    JumpTarget,
    /// A jump to this dynamic address, which names no jump target.
    #[error("jump to dynamic address {0:#x}, which names no block")]
    JumpAddress(u32),
    /// A memory access at this address which the memory map does not allow.
    #[error("{} at {address:#x} is not allowed", if *is_write { "store" } else { "load" })]
    Memory {
        /// The first byte of the access.
        address: u32,
        /// Was it a store?
        is_write: bool,
    },
    /// The host set a program counter at which no instruction starts.
    #[error("no instruction starts at the program counter")]
    Entry,
    /// `sbrk` under dynamic paging.
    #[error("sbrk under dynamic paging")]
    Sbrk,
}

/// How a run ended. Program counter, gas and registers are read from the instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The guest returned to the host.
    Finished,
    /// The guest did something that stops it.
    Trap(Trap),
    /// The guest asks the host for service number `n`.
    Ecalli(u32),
    /// The guest touched a page that is missing or read-only; the host may provide it and run on.
    Segfault {
        /// First address of the page.
        page_address: u32,
        /// Whether the page is there but read-only.
        is_write_protected: bool,
    },
    /// The block, instruction or byte that comes next cannot be paid.
    OutOfGas,
    /// Step tracing: an instruction comes next.
    Step,
}
