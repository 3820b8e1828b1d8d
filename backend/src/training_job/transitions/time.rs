//! What time does to jobs: a wait that was too long, and a run whose agent did not end it.

use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::PgConnection;

use super::{Step, lock_attempts, lock_job, step};
use crate::bell::Topic;
use crate::error::ApiResult;

/// The most jobs that one transaction ends.
const BATCH: i64 = 200;
/// How long after its end an agent is given to end a run by itself.
const PATIENCE_SECS: i64 = 30;

/// T16: jobs that have waited for longer than they may fail.
pub async fn expire_waits(conn: &mut PgConnection, actor: &str) -> ApiResult<Vec<Topic>> {
    let overdue: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT id FROM jobs WHERE state = 'queued' AND queue_deadline < clock_timestamp() ORDER BY id LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(&mut *conn)
    .await?;
    let mut topics = Vec::new();
    for id in overdue {
        let Some(job) = lock_job(conn, JobId(id)).await? else { continue };
        if job.state != JobState::Queued {
            continue;
        }
        let change = Step {
            reason: Some(Reason::QueueTimeout),
            message: "it waited for as long as `max_queue_time` allows",
            ..Step::new(&job, JobState::Failed, actor)
        };
        if step(conn, &change).await? {
            tracing::info!(job_id = %job.id, "job failed: queue-timeout");
            topics.push(Topic::Job(job.id));
        }
    }
    Ok(topics)
}

/// T17: a run whose `max_runtime` and grace are over, and which its agent should have ended, is told to stop.
pub async fn stop_overdue(conn: &mut PgConnection, actor: &str) -> ApiResult<Vec<Topic>> {
    let overdue: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT id FROM attempts WHERE state = 'running'
           AND run_deadline < clock_timestamp() - $1 * interval '1 second' ORDER BY run_deadline LIMIT $2",
    )
    .bind(PATIENCE_SECS)
    .bind(BATCH)
    .fetch_all(&mut *conn)
    .await?;
    let overdue: Vec<AttemptId> = overdue.into_iter().map(AttemptId).collect();
    let mut topics = Vec::new();
    for attempt in lock_attempts(conn, &overdue, None).await? {
        if attempt.state != AttemptState::Running || !attempt.is_current() {
            continue;
        }
        let change = Step {
            attempt: Some((attempt.id, AttemptState::Stopping)),
            reason: Some(Reason::Timeout),
            message: "its time is over and its node did not end it: told to stop",
            ..Step::new(&attempt.job, attempt.job.state, actor)
        };
        if step(conn, &change).await? {
            tracing::warn!(job_id = %attempt.job.id, attempt = attempt.epoch, "a run outlasted its time; told to stop");
            topics.push(Topic::Job(attempt.job.id));
            topics.extend(nodes(conn, attempt.id).await?.into_iter().map(Topic::Node));
        }
    }
    Ok(topics)
}

async fn nodes(conn: &mut PgConnection, attempt: AttemptId) -> Result<Vec<NodeId>, sqlx::Error> {
    let nodes = sqlx::query_scalar("SELECT node_id FROM tasks WHERE attempt_id = $1")
        .bind(attempt.0)
        .fetch_all(conn)
        .await?;
    Ok(nodes.into_iter().map(NodeId).collect())
}
