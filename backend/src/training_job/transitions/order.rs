//! What people order: each on one job, whose row is locked first.

use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::{PgConnection, Row};

use super::{Step, lock_job, step};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};

/// T9: a user cancels. A waiting job is cancelled at once; a running one is told to stop, and is cancelled
/// when its node says that it did, or is lost.
pub async fn cancel(conn: &mut PgConnection, job_id: JobId, actor: &str) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if job.state.is_terminal() {
        return Err(ApiError::conflict(format!("the job has ended already: it is {}", job.state)));
    }
    if job.cancel_requested {
        return Ok(Vec::new());
    }
    let mut topics = vec![Topic::Job(job_id)];
    if matches!(job.state, JobState::Queued | JobState::Held) {
        let change = Step {
            reason: Some(Reason::Cancelled),
            message: "cancelled before it started",
            cancel: true,
            ..Step::new(&job, JobState::Cancelled, actor)
        };
        step(conn, &change).await?;
        return Ok(topics);
    }
    let row = sqlx::query(
        "SELECT a.id, array_agg(t.node_id) AS nodes FROM attempts a JOIN tasks t ON t.attempt_id = a.id
         WHERE a.job_id = $1 AND a.epoch = $2 GROUP BY a.id",
    )
    .bind(job_id.0)
    .bind(job.epoch)
    .fetch_one(&mut *conn)
    .await?;
    let change = Step {
        attempt: Some((AttemptId(row.try_get("id")?), AttemptState::Stopping)),
        reason: Some(Reason::Cancelled),
        message: "told to stop",
        cancel: true,
        ..Step::new(&job, job.state, actor)
    };
    step(conn, &change).await?;
    let nodes: Vec<uuid::Uuid> = row.try_get("nodes")?;
    topics.extend(nodes.into_iter().map(|node| Topic::Node(NodeId(node))));
    Ok(topics)
}

/// A person lets a held job go back to its queue.
pub async fn release(conn: &mut PgConnection, job_id: JobId, actor: &str) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if job.state != JobState::Held {
        return Err(ApiError::conflict(format!(
            "only a held job can be released; this one is {}",
            job.state
        )));
    }
    step(conn, &Step { message: "released", ..Step::new(&job, JobState::Queued, actor) }).await?;
    Ok(vec![Topic::Job(job_id), Topic::Schedule])
}
