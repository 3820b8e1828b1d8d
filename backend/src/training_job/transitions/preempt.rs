//! T10: a place is taken back. The attempt is told to stop, and the job goes back to its queue, uncharged, when its
//! node says that it did.

use lilac_api::AttemptId;
use lilac_api::job::{AttemptState, Reason};
use lilac_rules::order;
use sqlx::PgConnection;

use super::{Step, lock_attempts, step, touched_nodes};
use crate::bell::Topic;
use crate::error::ApiResult;

/// Tells live attempts to stop for that reason. Those that are stopping already are left to it.
pub async fn preempt(
    conn: &mut PgConnection,
    attempts: &[AttemptId],
    message: &str,
    actor: &str,
) -> ApiResult<Vec<Topic>> {
    let mut topics = Vec::new();
    for attempt in lock_attempts(conn, attempts, None).await? {
        if !order::may_stop(attempt.state, attempt.is_current()) {
            continue;
        }
        let change = Step {
            attempt: Some((attempt.id, AttemptState::Stopping)),
            reason: Some(Reason::Preempted),
            message,
            ..Step::new(&attempt.job, attempt.job.state, actor)
        };
        if step(conn, &change).await? {
            tracing::info!(job_id = %attempt.job.id, attempt = attempt.epoch, message, "told to stop");
            topics.push(Topic::Job(attempt.job.id));
            topics.extend(touched_nodes(conn, &attempt).await?);
        }
    }
    Ok(topics)
}
