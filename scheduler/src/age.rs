//! Ageing: nothing waits for ever behind what goes first in its queue.
//!
//! A stream of jobs with a higher priority, or of users who hold less, could hold one back for as long as it lasts. So
//! of every eight jobs that a queue starts one is the job that has waited longest, once that is an hour, whatever its
//! priority and its user's share. What is more urgent loses an eighth of its turns to it at most; and as whoever
//! waits becomes the eldest at last, whoever can be placed is. The priority of queues is the administrators' word,
//! and is not softened. Who waits for more room than comes free at a time is not helped by its turn.

use lilac_api::JobId;
use rustc_hash::FxHashMap;

use crate::class::ClassId;
use crate::ledger::{LaneIndex, QueueIndex};
use crate::line::Row;
use crate::state::{JobRow, State};

/// So long a job waits before its age counts.
const AGED_MS: i64 = 3_600_000;
/// One in so many starts of a queue goes by age.
const TURN: u32 = 8;
/// So many of the eldest of a queue are known at a time.
const KNOWN: usize = 64;
/// How often they are looked for: a look goes over all jobs.
const LOOK_EVERY_MS: i64 = 60_000;

/// Who has waited longest, by queue.
#[derive(Clone, Default)]
pub(crate) struct Ages {
    next_look_ms: i64,
    /// The eldest first, as it was at the last look.
    eldest: FxHashMap<QueueIndex, Vec<(i64, JobId, Row)>>,
    started: FxHashMap<QueueIndex, u32>,
}

impl Ages {
    pub(crate) fn count_start(&mut self, queue: QueueIndex) {
        let started = self.started.entry(queue).or_default();
        *started = (*started + 1) % TURN;
    }
}

impl State {
    /// Looks for the eldest, where it is time to.
    pub(crate) fn look_at_ages(&mut self, now_ms: i64) {
        if now_ms < self.ages.next_look_ms {
            return;
        }
        self.ages.next_look_ms = now_ms.saturating_add(LOOK_EVERY_MS);
        self.ages.eldest.clear();
        let aged_at = now_ms.saturating_sub(AGED_MS);
        for (row, job) in (0..).zip(&self.rows) {
            let (_, submitted_ms, id) = job.key();
            if submitted_ms > aged_at || job.spot.is_some() {
                continue;
            }
            let eldest = self.ages.eldest.entry(self.lanes[job.lane as usize].queue).or_default();
            let entry = (submitted_ms, id, row);
            let position = eldest.partition_point(|other| *other < entry);
            // What a row says may be of one that has gone.
            if position < KNOWN && self.row_of.get(&id) == Some(&row) {
                eldest.insert(position, entry);
                eldest.truncate(KNOWN);
            }
        }
    }

    /// The job that goes in place of the one whose turn it is in this lane: the eldest of the queue that can be placed,
    /// where that is due.
    pub(crate) fn eldest_instead(&self, lane: LaneIndex) -> Option<Row> {
        let queue = self.lanes[lane as usize].queue;
        // In a look ahead what ended has no place either, and does not wait.
        if self.yielding.is_frozen || self.ages.started.get(&queue) != Some(&(TURN - 1)) {
            return None;
        }
        let may = |(_, id, row): &&(i64, JobId, Row)| {
            let JobRow { class, lane, ref spot, .. } = self.rows[*row as usize];
            let stands =
                self.row_of.get(id) == Some(row) && spot.is_none() && !self.later_of.contains_key(row);
            stands
                && (!self.parking.is_parked(class)
                    || self.parking.is_roused(class, &self.fleet, &self.classes))
                && !self.is_held_up(queue, lane, class)
                // Where nodes are kept for one of its kind, that one goes first.
                && !self.is_kept_for_another(*row, class)
        };
        self.ages.eldest.get(&queue)?.iter().find(may).map(|(.., row)| *row)
    }

    /// Whether jobs of a class in a lane wait for a quota, with all or some of the resources that would do.
    fn is_held_up(&self, queue: QueueIndex, lane: LaneIndex, class: ClassId) -> bool {
        let rules = &self.queues[queue as usize].queue;
        let is_over = |option| self.ledger.is_over_quota(queue, lane, rules, &self.classes.get(option).total);
        self.torn.contains(&(lane, class)) || self.classes.get(class).options(class).all(is_over)
    }
}
