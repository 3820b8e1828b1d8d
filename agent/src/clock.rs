//! The one place that reads clocks.
//!
//! Leases are counted on `CLOCK_BOOTTIME`: it goes on while the machine sleeps and no one can set it.
//! Wall time is only for people and for comparing with what Docker wrote down.

use chrono::{DateTime, Utc};
use nix::time::{ClockId, clock_gettime};

/// Milliseconds of `CLOCK_BOOTTIME`.
pub type Millis = u64;

/// One moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub boot_ms: Millis,
    pub wall: DateTime<Utc>,
}

/// This moment.
#[must_use]
pub fn now() -> Moment {
    Moment { boot_ms: boot_ms(), wall: Utc::now() }
}

/// Milliseconds since the machine was booted.
#[must_use]
pub fn boot_ms() -> Millis {
    // Linux has had this clock since 2.6.39. Should it fail all the same, a clock at the end of time
    // lets every lease run out, which is the safe side.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Millis::MAX, |time| {
        let secs = Millis::try_from(time.tv_sec()).unwrap_or(0);
        let nanos = Millis::try_from(time.tv_nsec()).unwrap_or(0);
        secs * 1000 + nanos / 1_000_000
    })
}
