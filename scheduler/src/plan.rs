//! The plan, and how it is made.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat};
use lilac_api::job::Reason;
use lilac_api::{JobId, NodeId, QueueId};

use crate::explain::explain;
use crate::fleet::Fleet;
use crate::shape::Shape;
use crate::snapshot::{Job, Queue, Snapshot};

/// What to do with the jobs of a snapshot: each of them is either placed or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In scheduling order. Each one fits when those before it have been applied.
    pub placements: Vec<Placement>,
    /// In scheduling order.
    pub waiting: Vec<Waiting>,
    /// When to plan again even if nothing happens: the end of the earliest backoff, in milliseconds
    /// since the Unix epoch.
    pub wake_at_ms: Option<i64>,
}

/// A job gets a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub job: JobId,
    pub node: NodeId,
    /// The node's GPUs that the job gets, in ascending order.
    pub gpu_indices: Vec<u16>,
}

/// A job stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub job: JobId,
    pub reason: Reason,
    /// The reason in a sentence, with its evidence as it is after all placements of the plan.
    pub message: String,
}

/// Plans for a snapshot at a time given in milliseconds since the Unix epoch.
#[must_use]
pub fn plan(snapshot: &Snapshot, now_ms: i64) -> Plan {
    let mut fleet = Fleet::new(snapshot);
    let mut plan = Plan::default();
    // What is free only shrinks while a plan grows: a shape that did not fit once never will.
    let mut full: HashSet<Shape<'_>> = HashSet::new();
    let mut left: Vec<(JobId, Why<'_>)> = Vec::new();
    for (job, queue) in in_order(snapshot) {
        let shape = match admit(job, queue, now_ms) {
            Ok(shape) => shape,
            Err(refusal) => {
                if refusal.0 == Reason::Backoff {
                    plan.wake_at_ms = plan.wake_at_ms.into_iter().chain(job.not_before_ms).min();
                }
                left.push((job.id, Why::Refused(refusal)));
                continue;
            }
        };
        let place = if full.contains(&shape) { None } else { fleet.place(&shape) };
        match place {
            Some((node, gpu_indices)) => {
                plan.placements.push(Placement { job: job.id, node, gpu_indices });
            }
            None => {
                full.insert(shape);
                left.push((job.id, Why::DoesNotFit(shape)));
            }
        }
    }
    plan.waiting = give_reasons(left, &fleet);
    plan
}

/// Jobs with their queues in scheduling order; those without a known queue come last.
fn in_order(snapshot: &Snapshot) -> Vec<(&Job, Option<&Queue>)> {
    let queues: HashMap<QueueId, &Queue> = snapshot.queues.iter().map(|queue| (queue.id, queue)).collect();
    let mut jobs: Vec<_> = snapshot.jobs.iter().map(|job| (job, queues.get(&job.queue).copied())).collect();
    jobs.sort_unstable_by_key(|(job, queue)| {
        (Reverse(queue.map(|queue| queue.priority)), Reverse(job.priority), job.submitted_ms, job.id)
    });
    jobs
}

/// A code and its sentence.
type Refusal = (Reason, String);

/// Why a job was left.
enum Why<'a> {
    Refused(Refusal),
    DoesNotFit(Shape<'a>),
}

/// The job's shape, unless it is not to be tried now whatever is free. A paused queue is told before
/// a backoff: it needs a person, and outlasts it.
fn admit<'a>(job: &'a Job, queue: Option<&'a Queue>, now_ms: i64) -> Result<Shape<'a>, Refusal> {
    let Some(queue) = queue else {
        return Err((Reason::NoMatchingNodes, "its queue does not exist".to_owned()));
    };
    if queue.paused {
        return Err((Reason::QueuePaused, format!("queue {} is paused and starts no jobs", queue.name)));
    }
    match job.not_before_ms {
        // The time itself rather than what is left of it: the sentence stays true while it stands.
        Some(not_before_ms) if now_ms < not_before_ms => {
            let when = DateTime::from_timestamp_millis(not_before_ms).map_or_else(
                || "its backoff is over".to_owned(),
                |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
            );
            Err((Reason::Backoff, format!("is not tried again before {when}")))
        }
        _ => Ok(Shape::of(job, queue)),
    }
}

/// Reasons are found after all placements, once for each shape, so that jobs of one plan are told
/// the same about the same nodes.
fn give_reasons(left: Vec<(JobId, Why<'_>)>, fleet: &Fleet<'_>) -> Vec<Waiting> {
    let mut explained: HashMap<Shape<'_>, Refusal> = HashMap::new();
    left.into_iter()
        .map(|(job, why)| {
            let (reason, message) = match why {
                Why::Refused(refusal) => refusal,
                Why::DoesNotFit(shape) => {
                    explained.entry(shape).or_insert_with(|| explain(fleet, &shape)).clone()
                }
            };
            Waiting { job, reason, message }
        })
        .collect()
}
