//! Why a run stopped.

use pvm_interpreter::{Exit, Trap};

/// A page that the guest wants and the host may give.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Segfault {
    /// Where the page starts.
    pub page_address: u32,
    /// Its size in bytes: that of the module.
    pub page_size: u32,
    /// The page is there, and read-only.
    pub is_write_protected: bool,
}

/// Why a run stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InterruptKind {
    /// The guest returned to the host.
    Finished,
    /// The guest did something that stops it; [`crate::RawInstance::trap_reason`] says what.
    Trap,
    /// The guest calls the host function with this number.
    Ecalli(u32),
    /// The guest touched a page that is missing or read-only. Only under dynamic paging.
    Segfault(Segfault),
    /// What comes next cannot be paid.
    NotEnoughGas,
    /// Step tracing: an instruction comes next.
    Step,
}

impl InterruptKind {
    /// The interrupt for an exit, and the reason of a trap.
    pub(crate) fn from_exit(exit: Exit, page_size: u32) -> (Self, Option<Trap>) {
        let interrupt = match exit {
            Exit::Finished => InterruptKind::Finished,
            Exit::Trap(trap) => return (InterruptKind::Trap, Some(trap)),
            Exit::Ecalli(number) => InterruptKind::Ecalli(number),
            Exit::Segfault { page_address, is_write_protected } => {
                InterruptKind::Segfault(Segfault { page_address, page_size, is_write_protected })
            }
            Exit::OutOfGas => InterruptKind::NotEnoughGas,
            Exit::Step => InterruptKind::Step,
        };
        (interrupt, None)
    }
}
