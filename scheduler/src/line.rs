//! The order in which jobs are tried: who is next depends on who got something before.
//!
//! The next job is the least by: the priority of its queue (higher first), its queue's share by weight, its own
//! priority (higher first), its user's share in the queue, the time it was submitted, its id. Shares change with
//! every placement, so nothing is sorted once: the jobs of one user in one queue stand in a lane of their own,
//! whose order is fixed, and the heads of the lanes are compared.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use lilac_api::{QueueId, UserId};

use crate::ledger::Ledger;
use crate::snapshot::{Job, Queue, Snapshot};

pub(crate) struct Line<'a> {
    lanes: Vec<Lane<'a>>,
    /// Jobs whose queue is not known come last.
    strays: IntoIter<&'a Job>,
}

struct Lane<'a> {
    queue: &'a Queue,
    jobs: Peekable<IntoIter<&'a Job>>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        let queues: HashMap<QueueId, &Queue> =
            snapshot.queues.iter().map(|queue| (queue.id, queue)).collect();
        let mut lanes: HashMap<(QueueId, UserId), (&Queue, Vec<&Job>)> = HashMap::new();
        let mut strays = Vec::new();
        for job in &snapshot.jobs {
            match queues.get(&job.queue) {
                Some(queue) => lanes.entry((job.queue, job.user)).or_insert((*queue, Vec::new())).1.push(job),
                None => strays.push(job),
            }
        }
        let lane = |(queue, jobs)| Lane { queue, jobs: sorted(jobs).peekable() };
        Self { lanes: lanes.into_values().map(lane).collect(), strays: sorted(strays) }
    }

    /// The job that is to be tried next, as things stand.
    pub(crate) fn next(&mut self, ledger: &Ledger) -> Option<(&'a Job, Option<&'a Queue>)> {
        let heads = self.lanes.iter_mut().enumerate().filter_map(|(position, lane)| {
            let job = *lane.jobs.peek()?;
            Some((Place::of(job, lane.queue, ledger), position))
        });
        let first = heads.min_by(|(one, _), (other, _)| one.compare(other)).map(|(_, position)| position);
        match first {
            None => self.strays.next().map(|job| (job, None)),
            Some(position) => {
                let lane = &mut self.lanes[position];
                let next = lane.jobs.next().map(|job| (job, Some(lane.queue)));
                if lane.jobs.peek().is_none() {
                    self.lanes.swap_remove(position);
                }
                next
            }
        }
    }
}

fn sorted(mut jobs: Vec<&Job>) -> IntoIter<&Job> {
    jobs.sort_unstable_by_key(|job| (Reverse(job.priority), job.submitted_ms, job.id));
    jobs.into_iter()
}

/// Two jobs with their queues in the order in which they stand once a plan is made.
pub(crate) fn compare(
    (one, one_queue): (&Job, Option<&Queue>),
    (other, other_queue): (&Job, Option<&Queue>),
    ledger: &Ledger,
) -> Ordering {
    match (one_queue, other_queue) {
        (Some(one_queue), Some(other_queue)) => {
            Place::of(one, one_queue, ledger).compare(&Place::of(other, other_queue, ledger))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => (Reverse(one.priority), one.submitted_ms, one.id).cmp(&(
            Reverse(other.priority),
            other.submitted_ms,
            other.id,
        )),
    }
}

/// Where a job stands in the line. No two are equal, as ids are not.
struct Place<'a> {
    job: &'a Job,
    queue_priority: i32,
    queue_share: f64,
    user_share: f64,
}

impl<'a> Place<'a> {
    fn of(job: &'a Job, queue: &Queue, ledger: &Ledger) -> Self {
        Self {
            job,
            queue_priority: queue.priority,
            queue_share: ledger.queue_share(queue),
            user_share: ledger.user_share(queue.id, job.user),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (one, two) = (self.job, other.job);
        (other.queue_priority.cmp(&self.queue_priority))
            .then(self.queue_share.total_cmp(&other.queue_share))
            .then(two.priority.cmp(&one.priority))
            .then(self.user_share.total_cmp(&other.user_share))
            .then(one.submitted_ms.cmp(&two.submitted_ms))
            .then(one.id.cmp(&two.id))
    }
}
