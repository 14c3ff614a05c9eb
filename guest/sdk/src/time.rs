//! Clocks.

use crate::calls;
use crate::error::{Result, check};
use core::time::Duration;

/// A moment since the program began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instant(Duration);

impl Instant {
    /// This moment.
    pub fn now() -> Instant {
        // The host always gives ticks; one that does not has a clock that stands.
        Instant(Duration::from_nanos(check(calls::ticks()).unwrap_or(0)))
    }

    /// How long ago it was.
    pub fn elapsed(self) -> Duration {
        Instant::now().since(self)
    }

    /// How much later it is than another; zero if it is not.
    pub fn since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// The time of day, since 1970 without leap seconds.
///
/// # Errors
/// If the host did not grant it.
pub fn now() -> Result<Duration> {
    check(calls::time()).map(Duration::from_nanos)
}
