//! The plan, and how it is made.

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};

use lilac_api::job::Reason;
use lilac_api::{JobId, NodeId, QueueId};
use smallvec::SmallVec;

use crate::class::ClassId;
use crate::explain::explain;
use crate::inquiry::{backoff, paused};
use crate::room::rooms;
use crate::snapshot::{Job, Queue, Snapshot};
use crate::state::{JobRow, State, by_turn};
use crate::why::Refusal;

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
    /// A place for each rank, in order: one for a job on one node. Each is on a node of its own, and all of them in one
    /// cluster.
    pub parts: SmallVec<[Part; 1]>,
    /// With which resources: 0 for those that it asks for first, 1 for the first of its alternatives.
    pub alternative: usize,
}

/// The place of one rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub node: NodeId,
    /// The node's GPUs that the rank gets, in ascending order.
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
    plan_with(snapshot, now_ms, true)
}

/// The same, with nodes kept for those that cannot start, or without.
#[must_use]
pub fn plan_with(snapshot: &Snapshot, now_ms: i64, keeps_nodes: bool) -> Plan {
    let queues: HashMap<QueueId, &Queue> = snapshot.queues.iter().map(|queue| (queue.id, queue)).collect();
    let mut jobs: Vec<&Job> = snapshot.jobs.iter().collect();
    // Nothing may depend on the order of the input.
    jobs.sort_unstable_by_key(|job| (Reverse(job.priority), job.submitted_ms, job.id));
    let mut state = State::without_jobs(snapshot);
    state.keep_nodes(keeps_nodes);
    let mut plan = Plan::default();
    let mut left: Vec<Left<'_>> = Vec::new();
    for job in jobs {
        let queue = queues.get(&job.queue).copied();
        match admit(job, queue, now_ms) {
            Ok(()) => {
                // A backoff that is over is none.
                state.add_job(&Job { not_before_ms: None, ..job.clone() });
                left.push(Left { job, queue, why: Why::NotPlaced });
            }
            Err(refusal) => {
                // It is usual for all that, as it is to a state that has it wait.
                state.expect(job, 1);
                if refusal.0 == Reason::Backoff {
                    plan.wake_at_ms = plan.wake_at_ms.into_iter().chain(job.not_before_ms).min();
                }
                left.push(Left { job, queue, why: Why::Refused(refusal) });
            }
        }
    }
    plan.placements = state.schedule(now_ms, usize::MAX);
    let placed: HashSet<JobId> = plan.placements.iter().map(|placement| placement.job).collect();
    left.retain(|left| !placed.contains(&left.job.id));
    plan.waiting = give_reasons(in_order(left, &mut state), snapshot, &mut state);
    plan
}

/// A job that was not placed.
struct Left<'a> {
    job: &'a Job,
    queue: Option<&'a Queue>,
    why: Why,
}

/// Why a job was left.
enum Why {
    Refused(Refusal),
    NotPlaced,
}

/// The order in which they would be tried next; those without a known queue come last.
fn in_order<'a>(left: Vec<Left<'a>>, state: &mut State) -> Vec<Left<'a>> {
    let mut turns: Vec<_> = left
        .into_iter()
        .map(|left| {
            let of_queue = left.queue.and_then(|queue| Some((queue, state.queue_index(queue.id)?)));
            let shares = of_queue.map(|(queue, index)| {
                let lane = state.lane(index, left.job.user);
                (
                    Reverse(queue.priority),
                    state.ledger.queue_share(index, queue),
                    state.ledger.user_share(lane),
                )
            });
            (shares, left)
        })
        .collect();
    let key = |job: &Job| (Reverse(job.priority), job.submitted_ms, job.id);
    turns.sort_by(|(one_shares, one), (other_shares, other)| match (one_shares, other_shares) {
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => key(one.job).cmp(&key(other.job)),
        (Some((one_priority, one_queue, one_user)), Some((other_priority, other_queue, other_user))) => {
            one_priority
                .cmp(other_priority)
                .then(one_queue.total_cmp(other_queue))
                .then_with(|| by_turn((&key(one.job), *one_user), (&key(other.job), *other_user)))
        }
    });
    turns.into_iter().map(|(_, left)| left).collect()
}

/// Why the job is not to be tried now whatever is free. A paused queue is told before
/// a backoff: it needs a person, and outlasts it.
fn admit(job: &Job, queue: Option<&Queue>, now_ms: i64) -> Result<(), Refusal> {
    let Some(queue) = queue else {
        return Err((Reason::NoMatchingNodes, "its queue does not exist".to_owned()));
    };
    if queue.paused {
        return Err(paused(&queue.name));
    }
    match job.not_before_ms {
        Some(not_before_ms) if now_ms < not_before_ms => Err(backoff(not_before_ms)),
        _ => Ok(()),
    }
}

/// Reasons are found after all placements, once for each shape, so that jobs of one plan are told
/// the same about the same nodes. A quota is told before what else may be missing: no node would help.
fn give_reasons(left: Vec<Left<'_>>, snapshot: &Snapshot, state: &mut State) -> Vec<Waiting> {
    let rooms = if left.is_empty() { Vec::new() } else { rooms(&snapshot.nodes, &state.fleet) };
    let mut explained: HashMap<ClassId, Refusal> = HashMap::new();
    let mut reason = |job: &Job, why| {
        let row = match why {
            Why::Refused(refusal) => return refusal,
            Why::NotPlaced => state.row_of.get(&job.id).copied(),
        };
        let Some(row) = row else { return (Reason::NoMatchingNodes, String::new()) };
        let JobRow { class, lane, .. } = state.rows[row as usize];
        let queue = state.lanes[lane as usize].queue;
        if let Some(message) = state.over_quota(queue, lane, class) {
            return (Reason::QuotaExceeded, message);
        }
        let explain = || {
            let shape = state.classes.get(class).shape();
            state.why_not(class, &rooms).unwrap_or_else(|| explain(&rooms, &shape))
        };
        explained.entry(class).or_insert_with(explain).clone()
    };
    left.into_iter()
        .map(|Left { job, why, .. }| {
            let (reason, message) = reason(job, why);
            Waiting { job: job.id, reason, message }
        })
        .collect()
}
