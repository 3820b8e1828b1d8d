//! How a job begins, once it is stored: it waits, and gets an attempt.

use std::time::Duration;

use lilac_api::job::Reason;
use lilac_api::{AttemptId, JobId, NodeId, QueueId};
use lilac_scheduler::Part;
use sqlx::PgConnection;

use super::gang;

/// Why a queued job was not placed.
pub struct Waiting {
    pub job_id: JobId,
    pub epoch: i32,
    pub reason: Reason,
    pub message: String,
}

/// Stores why jobs wait. A new code is an event of the job's history; new words for the same code are not.
pub async fn note_waiting(
    conn: &mut PgConnection,
    waiting: &[Waiting],
    actor: &str,
) -> Result<Vec<JobId>, sqlx::Error> {
    let changed = sqlx::query_scalar(
        "WITH told AS (
            SELECT w.*, jobs.reason IS DISTINCT FROM w.reason AS is_new
            FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) AS w(id, epoch, reason, message)
            JOIN jobs ON jobs.id = w.id AND jobs.epoch = w.epoch AND jobs.state = 'queued' AND NOT jobs.blocked
                AND (jobs.reason IS DISTINCT FROM w.reason OR jobs.message <> w.message)
            ORDER BY jobs.id FOR UPDATE OF jobs
        ), job AS (
            UPDATE jobs SET reason = told.reason, message = told.message,
                actor = CASE WHEN is_new THEN $5 ELSE actor END,
                event_count = event_count + is_new::int
            FROM told WHERE jobs.id = told.id
            RETURNING jobs.id, jobs.epoch, jobs.event_count, jobs.reason, jobs.message, is_new
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, epoch, reason, message, actor)
            SELECT id, event_count, 'queued', epoch, reason, message, $5 FROM job WHERE is_new
        )
        SELECT id FROM job",
    )
    .bind(waiting.iter().map(|one| one.job_id.0).collect::<Vec<_>>())
    .bind(waiting.iter().map(|one| one.epoch).collect::<Vec<_>>())
    .bind(waiting.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>())
    .bind(waiting.iter().map(|one| one.message.as_str()).collect::<Vec<_>>())
    .bind(actor)
    .fetch_all(conn)
    .await?;
    Ok(changed.into_iter().map(JobId).collect())
}

/// A placement that the scheduler asks for.
#[derive(Clone, Debug)]
pub struct Grant {
    pub job_id: JobId,
    /// The job's epoch when it was planned.
    pub epoch: i32,
    /// Whose quota it was counted against.
    pub queue_id: QueueId,
    pub attempt_id: AttemptId,
    pub node_id: NodeId,
    pub gpu_indices: Vec<u16>,
    /// Where its other ranks go.
    pub others: Vec<Part>,
    /// Thousandths of each of them.
    pub gpu_milli: u16,
    pub cpu_milli: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub lease: Duration,
    /// Which of the resources that would do it gets: 0 for those that the job asks for first.
    pub alternative: usize,
    pub message: String,
}

/// T2, in a batch: each job that is still queued, where it was and in the epoch that was planned, gets its attempt. Answers with
/// the jobs that did. The caller holds the leader's term and the locks of the nodes, and has checked that
/// each grant fits.
pub async fn grant(
    conn: &mut PgConnection,
    grants: &[Grant],
    actor: &str,
) -> Result<Vec<JobId>, sqlx::Error> {
    let column = |of: fn(&Grant) -> i64| grants.iter().map(of).collect::<Vec<i64>>();
    let gpus: Vec<(uuid::Uuid, i16)> = grants
        .iter()
        .flat_map(|grant| {
            grant
                .gpu_indices
                .iter()
                .map(|index| (grant.attempt_id.0, i16::try_from(*index).unwrap_or(i16::MAX)))
        })
        .collect();
    let granted: Vec<uuid::Uuid> = sqlx::query_scalar(
        "WITH wanted AS (
            SELECT unnest($1::uuid[]) AS job_id, unnest($2::int[]) AS epoch, unnest($3::uuid[]) AS attempt_id, unnest($4::uuid[]) AS node_id,
                unnest($5::bigint[]) AS cpu_milli, unnest($6::bigint[]) AS memory_bytes, unnest($7::bigint[]) AS disk_bytes,
                unnest($8::bigint[]) AS lease_millis, unnest($9::text[]) AS message, unnest($13::smallint[]) AS gpu_milli,
                unnest($14::smallint[]) AS alternative, unnest($15::uuid[]) AS queue_id
        ), gpu AS (
            SELECT * FROM unnest($10::uuid[], $11::smallint[]) AS g(attempt_id, gpu_index)
        ), job AS (
            UPDATE jobs SET state = 'starting', epoch = jobs.epoch + 1, reason = NULL, message = w.message, actor = $12,
                event_count = event_count + 1, not_before = NULL, started_at = NULL, exit_code = NULL, signal = NULL
            FROM wanted w WHERE jobs.id = w.job_id AND jobs.epoch = w.epoch AND jobs.queue_id = w.queue_id AND jobs.state = 'queued'
                AND NOT jobs.blocked
            RETURNING jobs.id, jobs.epoch, jobs.event_count, jobs.message, w.attempt_id, w.node_id,
                w.cpu_milli, w.memory_bytes, w.disk_bytes, w.lease_millis, w.gpu_milli, w.alternative
        ), attempt AS (
            INSERT INTO attempts (id, job_id, epoch, state, lease_millis, granted_at, alternative)
            SELECT attempt_id, job.id, job.epoch, 'granted', lease_millis, clock_timestamp(), alternative FROM job
            RETURNING id
        ), task AS (
            INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, gpu_indices, gpu_milli, lease_until)
            SELECT attempt_id, 0, node_id, cpu_milli, memory_bytes, disk_bytes,
                ARRAY(SELECT gpu_index FROM gpu WHERE gpu.attempt_id = job.attempt_id ORDER BY gpu_index), gpu_milli,
                clock_timestamp() + lease_millis * interval '1 millisecond'
            FROM job
        ), claim AS (
            INSERT INTO gpu_claims (node_id, gpu_index, attempt_id, milli)
            SELECT job.node_id, gpu.gpu_index, job.attempt_id, job.gpu_milli FROM job JOIN gpu USING (attempt_id)
        ), event AS (
            INSERT INTO job_events (job_id, sequence, state, attempt_state, epoch, message, actor)
            SELECT job.id, job.event_count, 'starting', 'granted', job.epoch, job.message, $12 FROM job
        )
        SELECT job.id FROM job",
    )
    .bind(grants.iter().map(|grant| grant.job_id.0).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.epoch).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.attempt_id.0).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.node_id.0).collect::<Vec<_>>())
    .bind(column(|grant| i64::from(grant.cpu_milli)))
    .bind(column(|grant| i64::try_from(grant.memory_bytes).unwrap_or(i64::MAX)))
    .bind(column(|grant| i64::try_from(grant.disk_bytes).unwrap_or(i64::MAX)))
    .bind(column(|grant| i64::try_from(grant.lease.as_millis()).unwrap_or(i64::MAX)))
    .bind(grants.iter().map(|grant| grant.message.as_str()).collect::<Vec<_>>())
    .bind(gpus.iter().map(|gpu| gpu.0).collect::<Vec<_>>())
    .bind(gpus.iter().map(|gpu| gpu.1).collect::<Vec<_>>())
    .bind(actor)
    .bind(grants.iter().map(|grant| i16::try_from(grant.gpu_milli).unwrap_or(1_000)).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| i16::try_from(grant.alternative).unwrap_or_default()).collect::<Vec<_>>())
    .bind(grants.iter().map(|grant| grant.queue_id.0).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await?;
    let granted: Vec<JobId> = granted.into_iter().map(JobId).collect();
    gang::grant_others(conn, grants, &granted).await?;
    Ok(granted)
}
