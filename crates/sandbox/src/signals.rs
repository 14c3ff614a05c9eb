//! Faults of guests, told apart from all others and turned into stops.
//!
//! A thread that runs a guest says so in a variable of its own. When a fault arrives, the handler looks there: if the instruction
//! that faulted lies in the guest's code, the thread continues at the code's fault exit; if not, whoever handled the signal before
//! us gets it.

use crate::{Action, SandboxError};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

/// A run under way, as the handler needs it.
pub(crate) struct Run {
    pub(crate) text: core::ops::Range<usize>,
    pub(crate) fault_exit: usize,
    /// Address of the instruction that faulted; 0 until one does.
    pub(crate) fault: AtomicUsize,
}

thread_local! {
    /// The innermost run of this thread. Neither made lazily nor dropped, so that a signal handler may read it.
    static CURRENT: Cell<*const Run> = const { Cell::new(ptr::null()) };
}

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// How each of [`SIGNALS`] was handled before.
static PREVIOUS: OnceLock<Result<[libc::sigaction; 2], rustix::io::Errno>> = OnceLock::new();

/// Makes sure that the handler is in place.
pub(crate) fn install() -> Result<(), SandboxError> {
    let installed = PREVIOUS.get_or_init(|| {
        // SAFETY: all-zero bytes are a valid `sigaction`.
        let mut previous: [libc::sigaction; 2] = unsafe { core::mem::zeroed() };
        for (signal, previous) in SIGNALS.into_iter().zip(&mut previous) {
            // SAFETY: as above.
            let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
            action.sa_sigaction = handler as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: both pointers are valid, and the handler only does what a handler may.
            if unsafe { libc::sigaction(signal, &raw const action, previous) } != 0 {
                return Err(rustix::io::Errno::from_io_error(&std::io::Error::last_os_error())
                    .unwrap_or(rustix::io::Errno::INVAL));
            }
        }
        Ok(previous)
    });
    match installed {
        Ok(_) => Ok(()),
        Err(error) => Err(Action::HandleFaults.failed(*error)),
    }
}

/// Calls `body` with `run` as this thread's innermost run.
pub(crate) fn with_run(run: &Run, body: impl FnOnce()) {
    /// Puts the run before back, also when `body` panics.
    struct Restore(*const Run);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(run));
    body();
}

extern "C" fn handler(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let current = CURRENT.get();
    if !current.is_null() {
        // SAFETY: `with_run` borrows the run for as long as it is in the variable.
        let run = unsafe { &*current };
        // SAFETY: the kernel passes a context to a handler with SA_SIGINFO.
        let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
        let ip = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
        let at = *ip as usize;
        if run.text.contains(&at) && run.fault.load(Ordering::Relaxed) == 0 {
            run.fault.store(at, Ordering::Relaxed);
            *ip = run.fault_exit as libc::greg_t;
            return;
        }
    }
    let Some(Ok(previous)) = PREVIOUS.get() else { return };
    let Some((_, previous)) = SIGNALS.into_iter().zip(previous).find(|(number, _)| *number == signal) else { return };
    match previous.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // A fault cannot be ignored: the instruction faults again at once, and then as if we had never been here.
            // SAFETY: all-zero bytes are a valid `sigaction`, the default one.
            let default: libc::sigaction = unsafe { core::mem::zeroed() };
            // SAFETY: the pointers are valid or null.
            unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
        }
        address if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with SA_SIGINFO the address is that of a function of this type.
            let function: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { core::mem::transmute(address) };
            function(signal, info, context);
        }
        address => {
            // SAFETY: without SA_SIGINFO the address is that of a function of this type.
            let function: extern "C" fn(c_int) = unsafe { core::mem::transmute(address) };
            function(signal);
        }
    }
}
