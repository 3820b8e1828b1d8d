//! What became of what was foreseen. A look ahead knows who waits, not who will be submitted and go first: how much
//! later than foreseen jobs start is learnt from those of which it was said lately, and the next bounds are set so much
//! further off. Where jobs take less than they may, that is not at all.

use std::collections::VecDeque;

use lilac_api::JobId;
use rustc_hash::FxHashMap;

/// So many of the latest are kept, of those that have started and of those that have not.
const KEPT: usize = 500;
/// From so few nothing is learnt.
const ENOUGH: usize = 10;
/// A bound is to hold for four of five; it is set where it would have held for this many of a hundred, as nobody knows
/// that the next ones are like the last.
const HOLDS_PERCENT: usize = 95;
/// Added to both when a wait is compared with what was foreseen: of a few seconds, the double means nothing.
const GRAIN_MS: i64 = 60_000;
/// A bound is set no further off than so many times what is foreseen.
const MOST: f64 = 20.0;

/// Bounds that were told, and how far they held.
#[derive(Clone, Debug, Default)]
pub struct Estimates {
    open: FxHashMap<JobId, Open>,
    /// Those that are open, the oldest first; some of them are not any more.
    order: VecDeque<JobId>,
    /// How many times as long as foreseen those waited that started last.
    times: VecDeque<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    asked_ms: i64,
    foreseen_ms: i64,
}

impl Open {
    /// How many times as long as foreseen it has waited by then.
    fn times(self, now_ms: i64) -> f64 {
        let grained = |ms: i64| (ms.max(0) + GRAIN_MS) as f64;
        grained(now_ms - self.asked_ms) / grained(self.foreseen_ms - self.asked_ms)
    }
}

impl Estimates {
    /// It is foreseen now that a job starts at that time. What was foreseen first counts.
    pub fn note(&mut self, job: JobId, now_ms: i64, foreseen_ms: i64) {
        if self.open.contains_key(&job) {
            return;
        }
        self.open.insert(job, Open { asked_ms: now_ms, foreseen_ms });
        self.order.push_back(job);
        while self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.open.remove(&oldest);
        }
    }

    /// A job has started.
    pub fn started(&mut self, job: JobId, at_ms: i64) {
        let Some(open) = self.open.remove(&job) else { return };
        self.order.retain(|other| *other != job);
        self.times.push_back(open.times(at_ms));
        if self.times.len() > KEPT {
            self.times.pop_front();
        }
    }

    /// Settles what is open: `start` says when a job started, or that it is none that waits.
    pub fn settle(&mut self, start: impl Fn(JobId) -> Outcome) {
        for job in self.order.iter().copied().collect::<Vec<_>>() {
            match start(job) {
                Outcome::Waits => {}
                Outcome::Started(at_ms) => self.started(job, at_ms),
                Outcome::Gone => {
                    self.open.remove(&job);
                    self.order.retain(|other| *other != job);
                }
            }
        }
    }

    /// By when a job starts of which it is foreseen now that it starts then.
    #[must_use]
    pub fn bound(&self, now_ms: i64, foreseen_ms: i64) -> i64 {
        let waited = (foreseen_ms - now_ms).max(0) + GRAIN_MS;
        let late = waited as f64 * (self.times_at(now_ms) - 1.0);
        foreseen_ms.saturating_add(late as i64)
    }

    /// How many times as long as foreseen those wait that wait long; 1 at the least.
    fn times_at(&self, now_ms: i64) -> f64 {
        // Who waits longer than foreseen already is known to be late, though not how much: the late ones are those that
        // have not started yet.
        let overdue = self.open.values().map(|open| open.times(now_ms)).filter(|times| *times > 1.0);
        let mut times: Vec<f64> = self.times.iter().copied().chain(overdue).collect();
        if times.len() < ENOUGH {
            return 1.0;
        }
        times.sort_unstable_by(f64::total_cmp);
        times[(times.len() * HOLDS_PERCENT / 100).min(times.len() - 1)].clamp(1.0, MOST)
    }
}

/// What has become of a job that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Waits,
    /// At this time, in milliseconds since the Unix epoch.
    Started(i64),
    /// It waits no longer, and nobody knows since when.
    Gone,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn job(number: u128) -> JobId {
        JobId(Uuid::from_u128(number))
    }

    /// So many jobs that were foreseen to wait for nine minutes waited for so many.
    fn after(waits: impl IntoIterator<Item = i64>) -> Estimates {
        let mut estimates = Estimates::default();
        for (number, waited) in (1..).zip(waits) {
            estimates.note(job(number), 0, 9 * MINUTE);
            estimates.started(job(number), waited * MINUTE);
        }
        estimates
    }

    #[test]
    fn a_bound_is_what_is_foreseen_until_it_was_missed() {
        assert_eq!(Estimates::default().bound(0, 9 * MINUTE), 9 * MINUTE);
        assert_eq!(after([29; 9]).bound(0, 9 * MINUTE), 9 * MINUTE, "too few to learn from");
        assert_eq!(
            after([1; 100]).bound(0, 9 * MINUTE),
            9 * MINUTE,
            "who is early costs the next one nothing"
        );
    }

    #[test]
    fn what_most_of_them_waited_is_the_next_bound() {
        let waits = |late: usize| (0..100).map(move |number| if number < late { 29 } else { 9 });
        assert_eq!(after(waits(30)).bound(0, 9 * MINUTE), 29 * MINUTE);
        assert_eq!(after(waits(4)).bound(0, 9 * MINUTE), 9 * MINUTE);
        assert_eq!(after([10_000; 50]).bound(0, 9 * MINUTE), 199 * MINUTE, "there is an end to it");
    }

    #[test]
    fn who_is_late_and_has_not_started_counts_already() {
        let mut estimates = after([9; 30]);
        (100..150).for_each(|number| estimates.note(job(number), 0, 9 * MINUTE));
        assert_eq!(estimates.bound(9 * MINUTE, 18 * MINUTE), 18 * MINUTE);
        assert_eq!(estimates.bound(19 * MINUTE, 28 * MINUTE), 38 * MINUTE);
        estimates.settle(|_| Outcome::Gone);
        assert_eq!(
            estimates.bound(19 * MINUTE, 28 * MINUTE),
            28 * MINUTE,
            "nobody knows what became of them"
        );
    }

    #[test]
    fn the_first_word_counts_and_the_oldest_are_forgotten() {
        let mut estimates = Estimates::default();
        estimates.note(job(1), 0, 9 * MINUTE);
        estimates.note(job(1), 5 * MINUTE, 99 * MINUTE);
        estimates.settle(|_| Outcome::Started(19 * MINUTE));
        assert_eq!(estimates.times, [2.0]);
        (0..5_000).for_each(|number| estimates.note(job(number), 0, MINUTE));
        assert_eq!((estimates.open.len(), estimates.order.len()), (KEPT, KEPT));
    }
}
