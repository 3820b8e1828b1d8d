//! Slows down the guessing of passwords.
//!
//! After five failures for a name, each further one doubles the time for which that name is answered 429.
//! The count is kept by name, known or not, so that it tells nothing about who exists; and in memory, for it
//! must cost an attacker time and nobody else a write. Each replica counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use lilac_api::problem::ErrorCode;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{ApiError, ApiResult};

/// Failures that go unpunished: people mistype.
const FREE_FAILURES: u32 = 5;
/// How long the name is closed after the failure that was one too many.
const FIRST_DELAY: Duration = Duration::from_secs(4);
/// The longest that a name is closed for. Longer would let anyone lock anyone out.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// After so long without a failure the count starts anew.
const FORGET_AFTER: Duration = Duration::from_secs(15 * 60);
/// Names that are counted at once; beyond, the least guilty is dropped.
const MAX_NAMES: usize = 10_000;
/// Logins that may wait for their hash at once.
const MAX_IN_FLIGHT: usize = 64;

pub struct Throttle {
    failures: Mutex<HashMap<String, Failures>>,
    in_flight: Semaphore,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    /// How long from `now` until the next try is looked at; none when it is by now.
    fn delay(self, now: Instant) -> Option<Duration> {
        let doublings = self.count.checked_sub(FREE_FAILURES)?;
        let delay = FIRST_DELAY.saturating_mul(1 << doublings.min(16)).min(LONGEST_DELAY);
        let left = (self.last + delay).saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }
}

/// What a name is counted and looked up by. No username is longer, so what is cut off changes no answer.
pub fn key(username: &str) -> String {
    username.chars().take(64).collect::<String>().to_lowercase()
}

impl Default for Throttle {
    fn default() -> Self {
        Self { failures: Mutex::default(), in_flight: Semaphore::new(MAX_IN_FLIGHT) }
    }
}

impl Throttle {
    /// Lets a try in, unless the name is closed or too many tries are in flight.
    pub fn enter(&self, name: &str, now: Instant) -> ApiResult<SemaphorePermit<'_>> {
        self.refuse_closed(name, now)?;
        self.enter_uncounted()
    }

    /// Lets in what hashes a password without guessing one, unless too many are in flight.
    pub fn enter_uncounted(&self) -> ApiResult<SemaphorePermit<'_>> {
        let crowded = "too many logins at once; try again in a moment";
        self.in_flight.try_acquire().map_err(|_| too_many(crowded, Duration::from_secs(1)))
    }

    /// Counts how a try ended, and says whether this failure closed the name, which was open until now. A name that closed while the try was in flight gets no answer even to the
    /// right password: else a burst of guesses, sent before the first is counted, would all be answered.
    pub fn leave(&self, name: &str, now: Instant, accepted: bool) -> ApiResult<bool> {
        self.refuse_closed(name, now)?;
        let mut names = self.lock();
        if accepted {
            names.remove(name);
            return Ok(false);
        }
        if names.len() >= MAX_NAMES && !names.contains_key(name) {
            make_room(&mut names, now);
        }
        let entry = names.entry(name.to_owned()).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(entry.last) > FORGET_AFTER {
            entry.count = 0;
        }
        *entry = Failures { count: entry.count.saturating_add(1), last: now };
        Ok(entry.count == FREE_FAILURES)
    }

    fn refuse_closed(&self, name: &str, now: Instant) -> ApiResult<()> {
        match self.lock().get(name).and_then(|failures| failures.delay(now)) {
            Some(delay) => Err(too_many("too many failed logins for this user; try again later", delay)),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(names: &mut HashMap<String, Failures>, now: Instant) {
    names.retain(|_, failures| now.saturating_duration_since(failures.last) <= FORGET_AFTER);
    if names.len() < MAX_NAMES {
        return;
    }
    let least = names.iter().min_by_key(|(_, failures)| (failures.count, failures.last));
    if let Some(name) = least.map(|(name, _)| name.clone()) {
        names.remove(&name);
    }
}

fn too_many(detail: &str, delay: Duration) -> ApiError {
    let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, detail);
    let seconds = delay.as_millis().div_ceil(1000).max(1);
    error.headers.push(("retry-after", seconds.to_string()));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(throttle: &Throttle, name: &str, now: Instant, times: u32) {
        for _ in 0..times {
            throttle.leave(name, now, false).unwrap();
        }
    }

    fn retry_after(error: &ApiError) -> &str {
        assert_eq!(error.status, 429);
        &error.headers.iter().find(|(name, _)| *name == "retry-after").unwrap().1
    }

    #[test]
    fn the_sixth_try_waits_and_each_failure_doubles_the_wait() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, "ada", now, 4);
        assert!(throttle.enter("ada", now).is_ok());
        assert!(throttle.leave("ada", now, false).unwrap(), "the fifth closes the name");
        assert_eq!(retry_after(&throttle.enter("ada", now).unwrap_err()), "4");
        assert!(throttle.enter("grace", now).is_ok(), "another name is not closed");
        let later = now + FIRST_DELAY;
        assert!(throttle.enter("ada", later).is_ok());
        assert!(!throttle.leave("ada", later, false).unwrap(), "that it was closed before is no news");
        assert_eq!(retry_after(&throttle.enter("ada", later).unwrap_err()), "8");
    }

    #[test]
    fn the_wait_stays_bounded_and_quiet_time_ends_it() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        for _ in 0..40 {
            fail(&throttle, "ada", now, 1);
            now += LONGEST_DELAY;
        }
        fail(&throttle, "ada", now, 1);
        assert_eq!(retry_after(&throttle.enter("ada", now).unwrap_err()), "60");
        now += FORGET_AFTER + Duration::from_secs(1);
        fail(&throttle, "ada", now, 4);
        assert!(throttle.enter("ada", now).is_ok(), "the count began anew");
    }

    #[test]
    fn a_success_clears_the_count_but_not_while_the_name_is_closed() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, "ada", now, 5);
        assert!(throttle.leave("ada", now, true).is_err(), "a burst learns nothing");
        let later = now + FIRST_DELAY;
        throttle.leave("ada", later, true).unwrap();
        fail(&throttle, "ada", later, 4);
        assert!(throttle.enter("ada", later).is_ok());
    }

    #[test]
    fn a_flood_of_names_keeps_the_guilty() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        fail(&throttle, "ada", now, 5);
        for index in 0..MAX_NAMES + 100 {
            fail(&throttle, &format!("name-{index}"), now, 1);
        }
        assert_eq!(throttle.lock().len(), MAX_NAMES);
        assert!(throttle.enter("ada", now).is_err());
    }

    #[test]
    fn tries_in_flight_are_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let permits: Vec<_> = (0..MAX_IN_FLIGHT).map(|_| throttle.enter("ada", now).unwrap()).collect();
        assert_eq!(retry_after(&throttle.enter("ada", now).unwrap_err()), "1");
        drop(permits);
        assert!(throttle.enter("ada", now).is_ok());
    }
}
