//! The `gs` base: the guest's address 0 while it runs, the host's own when it does not.
//!
//! Setting the base costs as much as the rest of a host call, and on Linux hardly any program uses it: it is 0, where nothing
//! lies. So where the host's is 0, a guest that stops leaves its own, for as long as it lives or until another runs, and this
//! thread remembers what was left there. A base of the host's own is put back at every stop.

use core::arch::asm;
use core::cell::Cell;

thread_local! {
    /// The base that a guest has left on this thread in place of the host's, which is 0; 0 if none has. It is set only while
    /// no guest runs, so that guests in handlers of signals put back what they interrupt.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// The host's base, to be put back after a guest has run.
pub(crate) struct Host(u64);

/// Makes `base` the base.
///
/// # Safety
/// 1. The processor and the kernel let programs set the base ([`crate::is_supported`]).
#[inline]
pub(crate) unsafe fn enter(base: u64) -> Host {
    let found: u64;
    // SAFETY: reading the base changes nothing; that it can be read is the caller's obligation.
    unsafe { asm!("rdgsbase {}", out(reg) found, options(nostack, preserves_flags)) };
    let left = LEFT.replace(0);
    if found == base {
        return Host(0);
    }
    // SAFETY: no code but guests' relies on the base while they run, and who interrupts them puts it back.
    unsafe { set(base) };
    Host(if found == left { 0 } else { found })
}

impl Host {
    /// Ends what [`enter`] began for `base`: the host has its own base again, or none while `base` is left for the next time.
    #[inline]
    pub(crate) fn stop(self, base: u64) {
        if self.0 == 0 {
            LEFT.set(base);
        } else {
            // SAFETY: a `Host` is made only where the base can be set, and this is what the host had.
            unsafe { set(self.0) };
        }
    }
}

/// If `base` was left on this thread, there is none again.
#[inline]
pub(crate) fn leave(base: u64) {
    if LEFT.get() == base {
        LEFT.set(0);
        // SAFETY: the base was set before, so it can be; what the host had is 0.
        unsafe { set(0) };
    }
}

/// Sets the base.
///
/// # Safety
/// 1. As for [`enter`].
/// 2. Nobody on this thread relies on the base there was.
#[inline]
unsafe fn set(base: u64) {
    // SAFETY: the caller's obligations; the instruction touches no memory.
    unsafe { asm!("wrgsbase {}", in(reg) base, options(nostack, preserves_flags)) };
}
