//! Faults of guests, told apart from all others and turned into stops.
//!
//! A thread that runs a guest says so in a variable of its own. When a fault arrives, the handler looks there: if an instruction
//! of the guest's code touched the guest's addresses, the thread continues at the code's fault exit; if not, or if somebody sent
//! the signal, whoever handled it before us gets it.

use crate::{Action, Code, SandboxError};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

/// A run under way, as the handler needs it.
pub(crate) struct Run<'code> {
    pub(crate) code: &'code Code,
    /// Where an access of the guest can fault.
    pub(crate) guest: Range<usize>,
    /// Address of the instruction that faulted; 0 until one does.
    pub(crate) fault: AtomicUsize,
}

thread_local! {
    /// The innermost run of this thread. Neither made lazily nor dropped, so that a signal handler may read it.
    static CURRENT: Cell<*const Run<'static>> = const { Cell::new(ptr::null()) };
}

/// How faults were handled before.
static PREVIOUS: OnceLock<Result<libc::sigaction, rustix::io::Errno>> = OnceLock::new();

/// Makes sure that the handler is in place.
pub(crate) fn install() -> Result<(), SandboxError> {
    let installed = PREVIOUS.get_or_init(|| {
        // SAFETY: all-zero bytes are a valid `sigaction`.
        let [mut previous, mut action]: [libc::sigaction; 2] = unsafe { core::mem::zeroed() };
        action.sa_sigaction = handler as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both pointers are valid, and the handler only does what a handler may.
        if unsafe { libc::sigaction(libc::SIGSEGV, &raw const action, &raw mut previous) } != 0 {
            return Err(
                rustix::io::Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(rustix::io::Errno::INVAL)
            );
        }
        Ok(previous)
    });
    match installed {
        Ok(_) => Ok(()),
        Err(error) => Err(Action::HandleFaults.failed(*error)),
    }
}

/// Calls `body` with `run` as this thread's innermost run.
#[inline]
pub(crate) fn with_run<T>(run: &Run<'_>, body: impl FnOnce() -> T) -> T {
    /// Puts the run before back, also when `body` panics.
    struct Restore(*const Run<'static>);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(ptr::from_ref(run).cast()));
    body()
}

extern "C" fn handler(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both to a handler with SA_SIGINFO.
    let (info_ref, context_ref) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    // What is not positive was sent by a process.
    let is_fault = info_ref.si_code > 0;
    let current = CURRENT.get();
    if is_fault && !current.is_null() {
        // SAFETY: `with_run` borrows the run for as long as it is in the variable.
        let run = unsafe { &*current };
        // SAFETY: the kernel says the address of faults.
        let touched = unsafe { info_ref.si_addr() }.addr();
        let ip = &mut context_ref.uc_mcontext.gregs[libc::REG_RIP as usize];
        let at = *ip as usize;
        if run.code.holds(at) && run.guest.contains(&touched) && run.fault.load(Ordering::Relaxed) == 0 {
            run.fault.store(at, Ordering::Relaxed);
            *ip = run.code.fault_exit() as libc::greg_t;
            return;
        }
    }
    let Some(Ok(previous)) = PREVIOUS.get() else { return };
    match previous.sa_sigaction {
        libc::SIG_IGN if !is_fault => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // A fault cannot be ignored: the instruction faults again at once, and then as if we had never been here.
            // SAFETY: all-zero bytes are a valid `sigaction`, the default one; the pointers are valid or null.
            unsafe {
                let default: libc::sigaction = core::mem::zeroed();
                libc::sigaction(signal, &raw const default, ptr::null_mut());
            }
            if !is_fault {
                // What was sent is sent again, to arrive when this handler returns.
                // SAFETY: `raise` may be called by handlers.
                unsafe { libc::raise(signal) };
            }
        }
        address => {
            // The handler runs with the signals blocked that it asked for; when it returns, the kernel undoes that.
            // SAFETY: the sets are valid, and these functions may be called by handlers.
            unsafe {
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const previous.sa_mask, ptr::null_mut());
                if previous.sa_flags & libc::SA_NODEFER != 0 {
                    let mut own: libc::sigset_t = core::mem::zeroed();
                    libc::sigaddset(&raw mut own, signal);
                    libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const own, ptr::null_mut());
                }
            }
            if previous.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: with SA_SIGINFO the address is that of a function of this type.
                let function: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                    unsafe { core::mem::transmute(address) };
                function(signal, info, context);
            } else {
                // SAFETY: without SA_SIGINFO the address is that of a function of this type.
                let function: extern "C" fn(c_int) = unsafe { core::mem::transmute(address) };
                function(signal);
            }
        }
    }
}
