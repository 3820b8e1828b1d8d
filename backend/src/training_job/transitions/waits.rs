//! What other jobs' ends do to jobs that wait for them, and arrays to their jobs: many at a time, each by a
//! compare-and-set with one event, as everywhere. A job that is blocked has never been placed: its epoch is 0
//! and no attempt moves with it.

use lilac_api::JobId;
use lilac_api::job::{JobState, Reason};
use sqlx::PgConnection;
use uuid::Uuid;

/// Lets jobs through that waited for others: from now on the scheduler sees them. Answers with those that did.
pub async fn unblock(
    conn: &mut PgConnection,
    jobs: &[Uuid],
    message: &str,
    actor: &str,
) -> Result<Vec<JobId>, sqlx::Error> {
    let freed = sqlx::query_scalar(
        "WITH waiting AS (
            SELECT id FROM jobs WHERE id = ANY($1) AND blocked AND state IN ('queued', 'held') ORDER BY id FOR UPDATE
        ), job AS (
            UPDATE jobs SET blocked = false, event_count = event_count + 1,
                reason = CASE WHEN state = 'queued' THEN NULL ELSE reason END,
                message = CASE WHEN state = 'queued' THEN '' ELSE message END,
                actor = $3
            FROM waiting WHERE jobs.id = waiting.id AND blocked AND state IN ('queued', 'held')
            RETURNING jobs.id, state, epoch, event_count, reason
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, event_count, state, epoch, reason, $2, $3 FROM job
        )
        SELECT id FROM job",
    )
    .bind(jobs)
    .bind(message)
    .bind(actor)
    .fetch_all(conn)
    .await?;
    Ok(freed.into_iter().map(JobId).collect())
}

/// T9 for many: ends jobs that are still queued or held. Answers with those that did.
pub async fn end_waiting(
    conn: &mut PgConnection,
    jobs: &[Uuid],
    to: JobState,
    reason: Reason,
    message: &str,
    actor: &str,
) -> Result<Vec<JobId>, sqlx::Error> {
    let ended = sqlx::query_scalar(
        "WITH waiting AS (
            SELECT id, epoch, state FROM jobs WHERE id = ANY($1) AND state IN ('queued', 'held') ORDER BY id FOR UPDATE
        ), job AS (
            UPDATE jobs SET state = $2, reason = $3, message = $4, actor = $5, event_count = event_count + 1,
                cancel_requested = cancel_requested OR $2 = 'cancelled', finished_at = clock_timestamp()
            FROM waiting WHERE jobs.id = waiting.id AND jobs.epoch = waiting.epoch AND jobs.state = waiting.state
            RETURNING jobs.id, jobs.epoch, jobs.event_count
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, event_count, $2, epoch, $3, $4, $5 FROM job
        )
        SELECT id FROM job",
    )
    .bind(jobs)
    .bind(to.as_str())
    .bind(reason.as_str())
    .bind(message)
    .bind(actor)
    .fetch_all(conn)
    .await?;
    Ok(ended.into_iter().map(JobId).collect())
}
