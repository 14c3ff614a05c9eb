//! Failures: what an input did that none may do.

use pvm_num::casts::to_u64;
use serde::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

/// An input that takes longer than this hangs, as far as a user is concerned.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(1);
/// Most bytes allocated at a time.
pub(crate) const MEMORY_MAX: usize = 64 << 20;

/// What went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// A panic, failed assertions of a target included.
    Panic {
        /// File and line.
        place: String,
        message: String,
    },
    /// More than [`TIME_MAX`].
    Slow(Duration),
    /// More than [`MEMORY_MAX`].
    Large { bytes: usize },
}

impl Failure {
    /// Failures with one cause look the same here.
    pub(crate) fn kind(&self) -> String {
        match self {
            Failure::Panic { place, .. } => format!("panic at {place}"),
            Failure::Slow(_) => "slow".into(),
            Failure::Large { .. } => "large".into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panic { place, message } => write!(f, "panic at {place}: {message}"),
            Failure::Slow(time) => write!(f, "took {time:?}, more than {TIME_MAX:?}"),
            Failure::Large { bytes } => write!(f, "allocated {bytes} bytes, more than {MEMORY_MAX}"),
        }
    }
}

/// A failure and how to see it again.
#[derive(Serialize, Debug)]
pub(crate) struct Report {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) seed: u64,
    /// The shrunk input.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// The command that checks the file.
    pub(crate) again: String,
}

impl Report {
    pub(crate) fn new(failure: &Failure, seed: u64, input: &crate::Input, file: String, target: &str) -> Report {
        let again = format!("fuzz replay {target} {file} --choice {}", input.choice);
        let (kind, message, bytes) = (failure.kind(), failure.to_string(), to_u64(input.bytes.len()));
        Report { kind, message, seed, file, bytes, again }
    }
}

thread_local! {
    /// The panic last caught; none outside of [`catch`].
    static CAUGHT: RefCell<Option<Option<Failure>>> = const { RefCell::new(None) };
}

/// Does something and tells how it panicked, if it did, without a text on the terminal.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            let message = info.payload_as_str().unwrap_or("?").to_owned();
            CAUGHT.with_borrow_mut(|caught| match caught {
                Some(caught) => *caught = Some(Failure::Panic { place, message }),
                None => usual(info),
            });
        }));
    });
    CAUGHT.set(Some(None));
    let result = catch_unwind(AssertUnwindSafe(work));
    let caught = CAUGHT.take().flatten();
    result.map_err(|_| caught.expect("a panic calls the hook"))
}
