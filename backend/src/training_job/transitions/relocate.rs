//! Jobs change their queue: in batches, in whatever state they are, as nothing else about them changes.

use lilac_api::{JobId, QueueId};
use sqlx::PgConnection;

/// Moves unfinished jobs from one queue to another, `limit` at most, each with an event. Gives those moved.
pub async fn move_jobs(
    conn: &mut PgConnection,
    from: QueueId,
    to: QueueId,
    to_name: &str,
    message: &str,
    actor: &str,
    limit: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    let moved = sqlx::query_scalar(
        "WITH chosen AS (
            SELECT id, epoch, state FROM jobs
            WHERE queue_id = $1 AND state IN ('queued', 'starting', 'running', 'held')
            ORDER BY id LIMIT $6 FOR UPDATE
        ), job AS (
            -- Jobs that wait are told anew why. The spec names the queue that the job is in, for whoever submits it again.
            UPDATE jobs SET queue_id = $2, spec = jsonb_set(jobs.spec, '{queue}', to_jsonb($3::text)),
                reason = CASE WHEN jobs.state = 'queued' THEN NULL ELSE jobs.reason END,
                message = CASE WHEN jobs.state = 'held' THEN jobs.message ELSE $4 END,
                actor = $5, event_count = event_count + 1
            FROM chosen c WHERE jobs.id = c.id AND jobs.epoch = c.epoch AND jobs.state = c.state
            RETURNING jobs.id, jobs.epoch, jobs.state, jobs.event_count, jobs.reason
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, event_count, state, epoch, reason, $4, $5 FROM job
        )
        SELECT id FROM job",
    )
    .bind(from.0)
    .bind(to.0)
    .bind(to_name)
    .bind(message)
    .bind(actor)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(moved.into_iter().map(JobId).collect())
}
