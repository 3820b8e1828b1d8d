//! How an attempt is lost: without its node's word, or by the word that it is gone.

use lilac_api::job::{AttemptState, JobState};
use lilac_api::{AttemptId, NodeId};
use lilac_rules::loss::{self, Losing, POISON_NODES};
use sqlx::PgConnection;

use super::{LockedAttempt, Step, gang, lock_attempts, step};
use crate::bell::Topic;
use crate::error::ApiResult;

/// T7, T8: a live attempt is lost. The job goes back to the queue, uncharged; is held when it was lost on
/// too many nodes; or is cancelled where its user had asked for that.
pub(super) async fn lose(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    message: &str,
    actor: &str,
    log_end_bytes: Option<i64>,
) -> Result<bool, sqlx::Error> {
    let losing = Losing {
        attempt: attempt.state,
        is_current: attempt.is_current(),
        cancel_requested: attempt.job.cancel_requested,
        epoch: attempt.job.epoch,
    };
    if !losing.may_be_lost() {
        return Ok(false);
    }
    let (to, reason) = loss::after(losing, nodes_lost_on(conn, attempt).await?);
    let message = match to {
        JobState::Cancelled => format!("cancelled by its user; {message}"),
        JobState::Held => format!(
            "{message}; lost on {POISON_NODES} different nodes, so a person should look before it runs again"
        ),
        _ => format!("{message}; back in the queue"),
    };
    let change = Step {
        attempt: Some((attempt.id, AttemptState::Lost)),
        reason: Some(reason),
        message: &message,
        log_end_bytes,
        ..Step::new(&attempt.job, to, actor)
    };
    step(conn, &change).await
}

/// On how many different nodes the job was lost, this attempt's counted in.
async fn nodes_lost_on(conn: &mut PgConnection, attempt: &LockedAttempt) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(DISTINCT t.node_id) FROM attempts a JOIN tasks t ON t.attempt_id = a.id
         WHERE a.job_id = $1 AND (a.state = 'lost' OR a.id = $2) AND (a.failed_rank IS NULL OR t.rank = a.failed_rank)",
    )
    .bind(attempt.job.id.0)
    .bind(attempt.id.0)
    .fetch_one(conn)
    .await
}

/// T7 for attempts whose leases and the margin have passed on a node; T8 for those that are known to be dead there.
/// A gang is lost when all its ranks are over.
pub async fn lose_attempts(
    conn: &mut PgConnection,
    attempts: &[AttemptId],
    node: NodeId,
    message: &str,
    actor: &str,
) -> Result<Vec<Topic>, sqlx::Error> {
    let mut topics = Vec::new();
    for attempt in lock_attempts(conn, attempts, Some(node)).await? {
        let is_lost = if attempt.is_gang() {
            gang::lose(conn, &attempt, message, actor).await?
        } else {
            lose(conn, &attempt, message, actor, None).await?
        };
        if is_lost {
            topics.extend(gang::touched_nodes(conn, &attempt).await?);
            tracing::warn!(job_id = %attempt.job.id, attempt = attempt.epoch, actor, message, "attempt lost");
            topics.push(Topic::Job(attempt.job.id));
        }
    }
    if !topics.is_empty() {
        topics.push(Topic::Schedule);
    }
    Ok(topics)
}

/// T8: all that a node runs is lost at once, because it rebooted or a person attests that it is dead.
pub async fn lose_node(
    conn: &mut PgConnection,
    node: NodeId,
    message: &str,
    actor: &str,
) -> ApiResult<Vec<Topic>> {
    let held = sqlx::query_scalar(
        "SELECT DISTINCT attempt_id FROM tasks WHERE node_id = $1 AND released_at IS NULL",
    )
    .bind(node.0)
    .fetch_all(&mut *conn)
    .await?;
    let held: Vec<AttemptId> = held.into_iter().map(AttemptId).collect();
    Ok(lose_attempts(conn, &held, node, message, actor).await?)
}
