//! The whole set of attempts that a node should run, as it is told with every answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use lilac_api::AttemptId;
use lilac_api::agent::{AttemptReport, DesiredAttempt, Phase, SyncResponse, TaskSpec};
use lilac_api::job::AttemptState;
use lilac_api::quantity::Span;

/// A task that the node holds and that its agent may be told of.
#[derive(Clone, Debug)]
pub struct Held {
    pub attempt_id: AttemptId,
    pub epoch: u32,
    pub state: AttemptState,
    pub lease_until: DateTime<Utc>,
    pub lease_millis: i64,
    /// How long it may run, where it was extended.
    pub max_runtime: Option<Span>,
    /// Of a gang: all its ranks are ready.
    pub go: bool,
    /// How long it may take to stop, where that is less than its task says.
    pub stop_within: Option<Span>,
    /// Only for what the agent does not know yet.
    pub task: Option<TaskSpec>,
}

/// The answer to a message that came with these reports `at` that time of the database: leases are counted from
/// then, because the agent counts from a moment before. What was `settled` by the message may be forgotten.
#[must_use]
pub fn response(
    reports: &[AttemptReport],
    held: &[Held],
    settled: &[AttemptId],
    at: DateTime<Utc>,
) -> SyncResponse {
    let known: HashSet<AttemptId> = reports.iter().map(|report| report.attempt_id).collect();
    let settled: BTreeSet<AttemptId> = settled.iter().copied().collect();
    let desired = held
        .iter()
        .filter(|held| !settled.contains(&held.attempt_id))
        .map(|held| DesiredAttempt {
            attempt_id: held.attempt_id,
            epoch: held.epoch,
            lease_ms: u64::try_from((held.lease_until - at).num_milliseconds()).unwrap_or_default(),
            stop: held.state == AttemptState::Stopping,
            max_runtime: held.max_runtime,
            go: held.go,
            stop_within: held.stop_within,
            task: if known.contains(&held.attempt_id) { None } else { held.task.clone() },
        })
        .collect();
    SyncResponse { desired, forget: settled.into_iter().collect(), ..SyncResponse::default() }
}

/// Whether an answer tells the agent anything that its message did not know.
#[must_use]
pub fn is_news(reports: &[AttemptReport], response: &SyncResponse) -> bool {
    let reported: HashMap<AttemptId, (Phase, bool)> =
        reports.iter().map(|report| (report.attempt_id, (report.phase, report.is_ready))).collect();
    let wanted: HashSet<AttemptId> = response.desired.iter().map(|desired| desired.attempt_id).collect();
    let new_orders = response.desired.iter().any(|desired| match reported.get(&desired.attempt_id) {
        None => true,
        Some((phase, is_ready)) => {
            desired.stop && !matches!(phase, Phase::Stopping | Phase::Ended) || desired.go && *is_ready
        }
    });
    let unknown =
        reports.iter().any(|report| report.phase != Phase::Ended && !wanted.contains(&report.attempt_id));
    new_orders || unknown || !response.forget.is_empty() || !response.streams.is_empty()
}
