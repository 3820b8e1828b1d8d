//! How late this machine lets things happen. A promise of milliseconds holds on a machine that has time; whether this
//! one had any is measured beside the promise, so that a test can assert it strictly and still run on one that is busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// How long the thread sleeps at a time, and how late it must wake to be worth noting.
const NAP: Duration = Duration::from_millis(10);
const WORTH_NOTING: Duration = Duration::from_millis(10);
/// How long before and after a moment a stall counts as one of that moment, in ms.
const AROUND_MS: u64 = 1_000;

/// Watches, until it is dropped, how much later than it asked for a sleeping thread wakes.
pub struct Stalls {
    /// When it woke, in ms since boot, and how late.
    noted: Arc<Mutex<Vec<(u64, Duration)>>>,
    is_over: Arc<AtomicBool>,
}

impl Stalls {
    #[must_use]
    pub fn watch() -> Self {
        let (noted, is_over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (into, until) = (Arc::clone(&noted), Arc::clone(&is_over));
        std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let asleep = Instant::now();
                std::thread::sleep(NAP);
                let late = asleep.elapsed().saturating_sub(NAP);
                if late > WORTH_NOTING {
                    into.lock().unwrap_or_else(PoisonError::into_inner).push((now_ms(), late));
                }
            }
        });
        Self { noted, is_over }
    }

    /// The longest stall around a moment, in ms; both in ms since boot.
    #[must_use]
    pub fn around(&self, moment_ms: u64) -> u64 {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_then = |(woke_ms, _): &&(u64, Duration)| woke_ms.abs_diff(moment_ms) <= AROUND_MS;
        let longest = noted.iter().filter(is_then).map(|(_, late)| late.as_millis()).max();
        longest.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default()
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// The clock that leases are counted by.
fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.ok().and_then(|now| u64::try_from(now.as_millis()).ok()).unwrap_or_default()
}
