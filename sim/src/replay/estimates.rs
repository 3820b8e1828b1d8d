//! What the core foresaw of the starts of jobs that had to wait, and what came about.
//!
//! It is asked as the server asks it: what runs ends at the latest when its declared time is over, at the earliest after
//! the part of that which the quickest tenth of those that ended lately took. Whoever is submitted later and goes first
//! is not foreseen: how much later than foreseen jobs started is learnt from those that were asked for before, by what
//! the server learns it by.

use std::collections::{BTreeMap, VecDeque};

use lilac_api::JobId;
use lilac_scheduler::State;
use serde::Serialize;

use super::load::job_id;

/// So many of those that ended last tell how much of their declared time jobs take.
const ENDED: usize = 500;

/// How good the estimates were.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    /// Jobs of which it was asked when they first had to wait.
    pub asked: usize,
    /// Of which an end was in sight.
    pub foreseen: usize,
    /// In percent of them: started by the later bound, the one that is to hold for four of five.
    pub held_percent: f64,
    /// Started between the bounds.
    pub within_percent: f64,
    /// The wait until the later bound over the wait that came about, in the middle: what the bound costs.
    pub bound_over_wait_p50: f64,
}

#[derive(Debug)]
struct Told {
    asked_ms: i64,
    earliest_ms: i64,
    latest_ms: i64,
    started_ms: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Estimates {
    /// One in so many jobs is asked for; none where it is 0.
    every: usize,
    asked: usize,
    told: BTreeMap<usize, Told>,
    learnt: lilac_scheduler::Estimates,
    /// Parts of their declared time that those that ended last took.
    parts: VecDeque<f64>,
}

impl Estimates {
    pub(super) fn new(jobs: usize, wanted: u32) -> Self {
        let every = if wanted == 0 { 0 } else { jobs.div_ceil(wanted as usize) };
        Self {
            every,
            asked: 0,
            told: BTreeMap::new(),
            learnt: lilac_scheduler::Estimates::default(),
            parts: VecDeque::new(),
        }
    }

    /// Whether this job is one of those that are asked for: spread by a multiplication, so that none of a burst is
    /// always the one.
    pub(super) fn wants(&self, index: usize) -> bool {
        self.every > 0 && (index.wrapping_mul(0x9e37_79b9) >> 8).is_multiple_of(self.every)
    }

    pub(super) fn started(&mut self, index: usize, now_ms: i64) {
        if let Some(told) = self.told.get_mut(&index) {
            told.started_ms = Some(now_ms);
            self.learnt.started(job_id(index), now_ms);
        }
    }

    pub(super) fn ended(&mut self, takes_ms: i64, declared_ms: i64) {
        if self.parts.len() >= ENDED {
            self.parts.pop_front();
        }
        self.parts.push_back(takes_ms as f64 / declared_ms.max(1) as f64);
    }

    fn quickest(&self) -> f64 {
        let mut parts: Vec<f64> = self.parts.iter().copied().collect();
        parts.sort_unstable_by(f64::total_cmp);
        parts.get(parts.len() / 10).copied().unwrap_or_default()
    }

    /// `running` are those that have a place, with the times since when.
    pub(super) fn ask(
        &mut self,
        index: usize,
        state: &mut State,
        now_ms: i64,
        running: &[(usize, i64)],
        declared: impl Fn(JobId) -> Option<i64>,
    ) {
        self.asked += 1;
        let quickest = self.quickest();
        let mut foresee = |part: f64| {
            let length = |id| declared(id).map(|declared| (declared as f64 * part) as i64);
            let end = |(index, since): &(usize, i64)| {
                let id = job_id(*index);
                Some(((since + length(id)?).max(now_ms), id))
            };
            let ends: Vec<(i64, JobId)> = running.iter().filter_map(end).collect();
            state.foresee(job_id(index), &ends, length).map(|foreseen| foreseen.at_ms)
        };
        let Some(foreseen_ms) = foresee(1.0) else { return };
        let earliest_ms = foresee(quickest).map_or(now_ms, |at| at.min(foreseen_ms));
        let latest_ms = self.learnt.bound(now_ms, foreseen_ms);
        self.learnt.note(job_id(index), now_ms, foreseen_ms);
        self.told.insert(index, Told { asked_ms: now_ms, earliest_ms, latest_ms, started_ms: None });
    }

    pub(super) fn accuracy(&self) -> Accuracy {
        let foreseen = self.told.len();
        let share = |holds: fn(&Told, i64) -> bool| {
            let held = self.told.values().filter(|one| one.started_ms.is_some_and(|at| holds(one, at)));
            held.count() as f64 * 100.0 / foreseen.max(1) as f64
        };
        let ratio = |one: &Told| {
            let waited = (one.started_ms? - one.asked_ms).max(1);
            Some((one.latest_ms - one.asked_ms) as f64 / waited as f64)
        };
        let mut ratios: Vec<f64> = self.told.values().filter_map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Accuracy {
            asked: self.asked,
            foreseen,
            held_percent: share(|one, at| at <= one.latest_ms),
            within_percent: share(|one, at| (one.earliest_ms..=one.latest_ms).contains(&at)),
            bound_over_wait_p50: ratios.get(ratios.len() / 2).copied().unwrap_or_default(),
        }
    }
}
