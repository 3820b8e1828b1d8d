//! What all agents have seen together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lilac_api::JobId;

#[derive(Default)]
pub(super) struct Tally {
    heard: AtomicU64,
    syncs: AtomicU64,
    failed_syncs: AtomicU64,
    fenced: AtomicU64,
    lost_leases: AtomicU64,
    lost_attempts: AtomicU64,
    submitted: AtomicU64,
    done: AtomicU64,
    /// How much later than it could an answer came, in microseconds.
    late: Mutex<Vec<u64>>,
    /// When jobs were submitted, and when their containers were started first. Some start before the answer to their
    /// submission is read.
    submissions: Mutex<HashMap<JobId, Instant>>,
    starts: Mutex<HashMap<JobId, Instant>>,
}

impl Tally {
    pub(super) fn note_sync(&self, late: Option<Duration>, is_first: bool) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.heard.fetch_add(u64::from(is_first), Ordering::Relaxed);
        if let Some(late) = late {
            lock(&self.late).push(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn note_failed_sync(&self) {
        self.failed_syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_fenced(&self) {
        self.fenced.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_lost_lease(&self) {
        self.lost_leases.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_lost_attempt(&self) {
        self.lost_attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_submitted(&self, jobs: impl ExactSizeIterator<Item = JobId>, sent: Instant) {
        self.submitted.fetch_add(jobs.len() as u64, Ordering::Relaxed);
        lock(&self.submissions).extend(jobs.map(|job| (job, sent)));
    }

    pub(super) fn note_start(&self, job: JobId) {
        lock(&self.starts).entry(job).or_insert_with(Instant::now);
    }

    pub(super) fn note_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Agents that were answered.
    pub(super) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(super) fn submitted(&self) -> u64 {
        self.submitted.load(Ordering::Relaxed)
    }

    /// Attempts whose end is stored.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn fenced(&self) -> u64 {
        self.fenced.load(Ordering::Relaxed)
    }

    pub(super) fn lost_leases(&self) -> u64 {
        self.lost_leases.load(Ordering::Relaxed)
    }

    pub(super) fn lost_attempts(&self) -> u64 {
        self.lost_attempts.load(Ordering::Relaxed)
    }

    /// Syncs since this was last asked: how many, how many failed, and how late they were in milliseconds.
    pub(super) fn take_syncs(&self) -> (u64, u64, f64, f64) {
        let late = std::mem::take(&mut *lock(&self.late));
        let (p50, p99) = percentiles(late);
        (self.syncs.swap(0, Ordering::Relaxed), self.failed_syncs.swap(0, Ordering::Relaxed), p50, p99)
    }

    /// From the submission of a job to the start of its container, in milliseconds.
    pub(super) fn starts(&self) -> (f64, f64) {
        let (submissions, starts) = (lock(&self.submissions), lock(&self.starts));
        let waits = submissions.iter().filter_map(|(job, sent)| {
            let waited = starts.get(job)?.saturating_duration_since(*sent);
            u64::try_from(waited.as_micros()).ok()
        });
        percentiles(waits.collect())
    }
}

/// The middle and the slowest hundredth, of microseconds in milliseconds.
fn percentiles(mut micros: Vec<u64>) -> (f64, f64) {
    micros.sort_unstable();
    let last = micros.len().saturating_sub(1);
    let at = |percent: usize| micros.get(last * percent / 100).map_or(0.0, |micros| *micros as f64 / 1000.0);
    (at(50), at(99))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it left figures, which are whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
