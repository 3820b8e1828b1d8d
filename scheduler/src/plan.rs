//! The plan, and how it is made.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat};
use lilac_api::job::Reason;
use lilac_api::{JobId, NodeId};

use crate::explain::explain;
use crate::fleet::Fleet;
use crate::ledger::Ledger;
use crate::line::{self, Line};
use crate::shape::Shape;
use crate::snapshot::{Job, Queue, Snapshot};

/// What to do with the jobs of a snapshot: each of them is either placed or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In scheduling order. Each one fits when those before it have been applied.
    pub placements: Vec<Placement>,
    /// In the order in which they would be tried next.
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
    let mut ledger = Ledger::new(snapshot);
    let mut line = Line::new(snapshot);
    let mut plan = Plan::default();
    // What is free only shrinks while a plan grows: a shape that did not fit once never will.
    let mut full: HashSet<Shape<'_>> = HashSet::new();
    let mut left: Vec<Left<'_>> = Vec::new();
    while let Some((job, queue)) = line.next(&ledger) {
        let (admitting, shape) = match admit(job, queue, now_ms) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                if refusal.0 == Reason::Backoff {
                    plan.wake_at_ms = plan.wake_at_ms.into_iter().chain(job.not_before_ms).min();
                }
                left.push(Left { job, queue, why: Why::Refused(refusal) });
                continue;
            }
        };
        // What is held only grows: who is over a quota now stays so.
        let is_hopeless = ledger.is_over_quota(job, admitting) || full.contains(&shape);
        match if is_hopeless { None } else { fleet.place(&shape) } {
            Some((node, gpu_indices)) => {
                ledger.place(job);
                plan.placements.push(Placement { job: job.id, node, gpu_indices });
            }
            None => {
                if !ledger.is_over_quota(job, admitting) {
                    full.insert(shape);
                }
                left.push(Left { job, queue, why: Why::NotPlaced(admitting, shape) });
            }
        }
    }
    left.sort_by(|one, other| line::compare((one.job, one.queue), (other.job, other.queue), &ledger));
    plan.waiting = give_reasons(left, &fleet, &ledger);
    plan
}

/// A code and its sentence.
type Refusal = (Reason, String);

/// A job that was not placed.
struct Left<'a> {
    job: &'a Job,
    queue: Option<&'a Queue>,
    why: Why<'a>,
}

/// Why a job was left.
enum Why<'a> {
    Refused(Refusal),
    NotPlaced(&'a Queue, Shape<'a>),
}

/// The job's shape, unless it is not to be tried now whatever is free. A paused queue is told before
/// a backoff: it needs a person, and outlasts it.
fn admit<'a>(job: &'a Job, queue: Option<&'a Queue>, now_ms: i64) -> Result<(&'a Queue, Shape<'a>), Refusal> {
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
        _ => Ok((queue, Shape::of(job, queue))),
    }
}

/// Reasons are found after all placements, once for each shape, so that jobs of one plan are told
/// the same about the same nodes. A quota is told before what else may be missing: no node would help.
fn give_reasons(left: Vec<Left<'_>>, fleet: &Fleet<'_>, ledger: &Ledger) -> Vec<Waiting> {
    let mut explained: HashMap<Shape<'_>, Refusal> = HashMap::new();
    left.into_iter()
        .map(|Left { job, why, .. }| {
            let (reason, message) = match why {
                Why::Refused(refusal) => refusal,
                Why::NotPlaced(queue, shape) => match ledger.explain(job, queue) {
                    Some(message) => (Reason::QuotaExceeded, message),
                    None => explained.entry(shape).or_insert_with(|| explain(fleet, &shape)).clone(),
                },
            };
            Waiting { job: job.id, reason, message }
        })
        .collect()
}
