//! The one file in which a job's state changes.
//!
//! Why it is right. Every transition is one statement, [`step`]: a compare-and-set of the job's row on its id,
//! epoch and state, which at the same time moves the attempt, frees what it held and writes one event. The
//! statement changes all of these or none. Epochs only grow, so what an agent says of an older attempt meets
//! no row. Decisions are made on rows that are locked (`FOR UPDATE`, jobs in the order of their ids, so that
//! two transactions never wait for each other) and are pure functions of what was read. The schema's triggers
//! hold the same lines a second time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::agent::TaskResult;
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::spec::Retry;
use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::{PgConnection, Row};

use super::retry::MAX_EPOCH;
use super::verdict::{self, Standing};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};

/// A job lost on this many different nodes is held for a person: it may be what kills them.
const POISON_NODES: i64 = 3;

/// One transition, told whole.
struct Step<'a> {
    job_id: JobId,
    epoch: i32,
    from: JobState,
    to: JobState,
    /// The attempt that moves with the job.
    attempt: Option<(AttemptId, AttemptState)>,
    reason: Option<Reason>,
    message: &'a str,
    actor: &'a str,
    /// The attempt counts against the job's retries.
    charge: bool,
    cancel: bool,
    /// Not placed again before this wait is over.
    wait: Option<Duration>,
    /// When the user's code started, by the node's clock.
    started_at: Option<DateTime<Utc>>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    log_end_bytes: Option<i64>,
}

impl<'a> Step<'a> {
    fn new(job: &LockedJob, to: JobState, actor: &'a str) -> Self {
        Self {
            job_id: job.id,
            epoch: job.epoch,
            from: job.state,
            to,
            attempt: None,
            reason: None,
            message: "",
            actor,
            charge: false,
            cancel: false,
            wait: None,
            started_at: None,
            exit_code: None,
            signal: None,
            log_end_bytes: None,
        }
    }
}

/// Carries a transition out. Says whether the job stood where the step begins.
async fn step(conn: &mut PgConnection, step: &Step<'_>) -> Result<bool, sqlx::Error> {
    let (attempt_id, attempt_state) = step.attempt.unzip();
    let wait_millis = step.wait.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2));
    let written = sqlx::query(
        "WITH job AS (
            UPDATE jobs SET state = $4, reason = $5, message = $6, actor = $7,
                event_count = event_count + 1,
                attempts_charged = attempts_charged + $8::int,
                cancel_requested = cancel_requested OR $9,
                not_before = clock_timestamp() + $10 * interval '1 millisecond',
                -- A node's clock may be wrong; a job starts between its grant and now. (LEAST passes over NULL.)
                started_at = CASE WHEN $11::timestamptz IS NULL THEN started_at ELSE LEAST($11, clock_timestamp()) END,
                finished_at = CASE WHEN $12 THEN clock_timestamp() END,
                exit_code = COALESCE($13, exit_code), signal = COALESCE($14, signal)
            WHERE id = $1 AND epoch = $2 AND state = $3
            RETURNING id, epoch, event_count
        ), attempt AS (
            UPDATE attempts a SET state = $16, reason = $5, message = $6,
                started_at = CASE WHEN $11::timestamptz IS NULL THEN a.started_at
                    ELSE GREATEST(LEAST($11, clock_timestamp()), a.granted_at) END,
                finished_at = CASE WHEN $17 THEN clock_timestamp() ELSE a.finished_at END,
                exit_code = COALESCE($13, a.exit_code), signal = COALESCE($14, a.signal)
            FROM job WHERE a.id = $15 AND a.job_id = job.id AND a.epoch = job.epoch
            RETURNING a.id
        ), released AS (
            UPDATE tasks SET released_at = COALESCE(released_at, clock_timestamp()),
                log_end_bytes = COALESCE($18, log_end_bytes)
            FROM attempt WHERE attempt_id = attempt.id AND $17
        ), unclaimed AS (
            DELETE FROM gpu_claims USING attempt WHERE attempt_id = attempt.id AND $17
        )
        INSERT INTO job_events (job_id, sequence, state, attempt_state, epoch, reason, message, actor)
        SELECT id, event_count, $4, $16, epoch, $5, $6, $7 FROM job",
    )
    .bind(step.job_id.0)
    .bind(step.epoch)
    .bind(step.from.as_str())
    .bind(step.to.as_str())
    .bind(step.reason.map(Reason::as_str))
    .bind(step.message)
    .bind(step.actor)
    .bind(i32::from(step.charge))
    .bind(step.cancel)
    .bind(wait_millis)
    .bind(step.started_at)
    .bind(step.to.is_terminal())
    .bind(step.exit_code)
    .bind(step.signal)
    .bind(attempt_id.map(|id| id.0))
    .bind(attempt_state.map(AttemptState::as_str))
    .bind(attempt_state.is_some_and(AttemptState::is_terminal))
    .bind(step.log_end_bytes)
    .execute(conn)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// A job whose row is locked until the transaction ends.
#[derive(Debug)]
pub struct LockedJob {
    pub id: JobId,
    pub epoch: i32,
    pub state: JobState,
    pub cancel_requested: bool,
    attempts_charged: i32,
    retry: Retry,
}

/// An attempt together with its job, which is locked.
#[derive(Debug)]
pub struct LockedAttempt {
    pub id: AttemptId,
    pub epoch: i32,
    pub state: AttemptState,
    pub job: LockedJob,
}

impl LockedAttempt {
    fn is_current(&self) -> bool {
        self.epoch == self.job.epoch
    }
}

fn word<T: std::str::FromStr>(row: &sqlx::postgres::PgRow, column: &'static str) -> Result<T, sqlx::Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(Box::new(error)))
}

fn locked_job(row: &sqlx::postgres::PgRow) -> Result<LockedJob, sqlx::Error> {
    let retry: Option<sqlx::types::Json<Retry>> = row.try_get("retry")?;
    Ok(LockedJob {
        id: JobId(row.try_get("job_id")?),
        epoch: row.try_get("job_epoch")?,
        state: word(row, "job_state")?,
        cancel_requested: row.try_get("cancel_requested")?,
        attempts_charged: row.try_get("attempts_charged")?,
        retry: retry.map(|json| json.0).unwrap_or_default(),
    })
}

async fn lock_job(conn: &mut PgConnection, job_id: JobId) -> Result<Option<LockedJob>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id AS job_id, epoch AS job_epoch, state AS job_state, cancel_requested, attempts_charged,
                spec->'retry' AS retry
         FROM jobs WHERE id = $1 FOR UPDATE",
    )
    .bind(job_id.0)
    .fetch_optional(conn)
    .await?;
    row.as_ref().map(locked_job).transpose()
}

/// Locks the jobs of these attempts, as far as they are (or, for `node`, are that node's).
pub async fn lock_attempts(
    conn: &mut PgConnection,
    attempts: &[AttemptId],
    node: Option<NodeId>,
) -> Result<Vec<LockedAttempt>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT a.id, a.epoch, a.state, j.id AS job_id, j.epoch AS job_epoch, j.state AS job_state,
                j.cancel_requested, j.attempts_charged, j.spec->'retry' AS retry
         FROM jobs j JOIN attempts a ON a.job_id = j.id
         WHERE a.id = ANY($1)
           AND ($2::uuid IS NULL OR EXISTS (SELECT FROM tasks t WHERE t.attempt_id = a.id AND t.node_id = $2))
         ORDER BY j.id, a.epoch FOR UPDATE OF j",
    )
    .bind(&ids)
    .bind(node.map(|node| node.0))
    .fetch_all(&mut *conn)
    .await?;
    let mut locked = Vec::with_capacity(rows.len());
    for row in rows {
        locked.push(LockedAttempt {
            id: AttemptId(row.try_get("id")?),
            epoch: row.try_get("epoch")?,
            state: word(&row, "state")?,
            job: locked_job(&row)?,
        });
    }
    // A row that was waited for shows its job as it is now and the attempt as it was: read the states again.
    let states =
        sqlx::query("SELECT id, state FROM attempts WHERE id = ANY($1)").bind(&ids).fetch_all(conn).await?;
    for row in states {
        let (id, state) = (AttemptId(row.try_get("id")?), word(&row, "state")?);
        if let Some(attempt) = locked.iter_mut().find(|attempt| attempt.id == id) {
            attempt.state = state;
        }
    }
    Ok(locked)
}

/// T3: the owning node says how far an attempt is: `preparing` or `running`.
pub async fn progress(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    to: AttemptState,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let forward = matches!(
        (attempt.state, to),
        (AttemptState::Granted, AttemptState::Preparing | AttemptState::Running)
            | (AttemptState::Preparing, AttemptState::Running)
    );
    if !forward || !attempt.is_current() {
        return Ok(false);
    }
    let job_to = if to == AttemptState::Running { JobState::Running } else { JobState::Starting };
    let started_at = if to == AttemptState::Running { started_at.or_else(|| Some(Utc::now())) } else { None };
    let change =
        Step { attempt: Some((attempt.id, to)), started_at, ..Step::new(&attempt.job, job_to, actor) };
    step(conn, &change).await
}

/// T5, T6, T8: the owning node says how an attempt ended. Accepted once, while its epoch is the current one;
/// after a loss, too, as long as the job was not placed again: finished work is not thrown away.
pub async fn finish(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    result: &TaskResult,
    started_at: Option<DateTime<Utc>>,
    actor: &str,
) -> Result<bool, sqlx::Error> {
    let ended_for_good = attempt.state.is_terminal() && attempt.state != AttemptState::Lost;
    if ended_for_good || !attempt.is_current() || attempt.job.state.is_terminal() {
        return Ok(false);
    }
    let standing = Standing {
        attempt: attempt.state,
        cancel_requested: attempt.job.cancel_requested,
        retry: &attempt.job.retry,
        charged: u32::try_from(attempt.job.attempts_charged).unwrap_or_default(),
        epoch: attempt.job.epoch,
    };
    let Some(verdict) = verdict::judge(standing, result) else { return Ok(false) };
    let log_end_bytes = i64::try_from(result.log_bytes).ok();
    if verdict.attempt == AttemptState::Lost {
        return lose(conn, attempt, &result.message, actor, log_end_bytes).await;
    }
    let message = verdict.sentence(result);
    let change = Step {
        attempt: Some((attempt.id, verdict.attempt)),
        reason: verdict.reason,
        message: &message,
        charge: verdict.charge,
        wait: verdict.wait,
        started_at,
        exit_code: result.exit_code,
        signal: result.signal,
        log_end_bytes,
        ..Step::new(&attempt.job, verdict.job, actor)
    };
    step(conn, &change).await
}

/// T7, T8: a live attempt is lost. The job goes back to the queue, uncharged; is held when it was lost on
/// too many nodes; or is cancelled where its user had asked for that.
async fn lose(
    conn: &mut PgConnection,
    attempt: &LockedAttempt,
    message: &str,
    actor: &str,
    log_end_bytes: Option<i64>,
) -> Result<bool, sqlx::Error> {
    if attempt.state.is_terminal() || !attempt.is_current() {
        return Ok(false);
    }
    let (to, reason, message) = if attempt.job.cancel_requested {
        (JobState::Cancelled, Reason::Cancelled, format!("cancelled by its user; {message}"))
    } else if attempt.job.epoch >= MAX_EPOCH || nodes_lost_on(conn, attempt).await? >= POISON_NODES {
        let why = format!(
            "{message}; lost on {POISON_NODES} different nodes, so a person should look before it runs again"
        );
        (JobState::Held, Reason::Held, why)
    } else {
        (JobState::Queued, Reason::NodeLost, format!("{message}; back in the queue"))
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
         WHERE a.job_id = $1 AND (a.state = 'lost' OR a.id = $2)",
    )
    .bind(attempt.job.id.0)
    .bind(attempt.id.0)
    .fetch_one(conn)
    .await
}

/// T7 for attempts whose leases and the margin have passed; T8 for those that are known to be dead.
pub async fn lose_attempts(
    conn: &mut PgConnection,
    attempts: &[AttemptId],
    message: &str,
    actor: &str,
) -> Result<Vec<Topic>, sqlx::Error> {
    let mut topics = Vec::new();
    for attempt in lock_attempts(conn, attempts, None).await? {
        if lose(conn, &attempt, message, actor, None).await? {
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
    Ok(lose_attempts(conn, &held, message, actor).await?)
}

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

/// A placement that the scheduler asks for.
#[derive(Clone, Debug)]
pub struct Grant {
    pub job_id: JobId,
    /// The job's epoch when it was planned.
    pub epoch: i32,
    pub attempt_id: AttemptId,
    pub node_id: NodeId,
    pub gpu_indices: Vec<u16>,
    pub cpu_milli: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub lease: Duration,
    pub message: String,
}

/// T2, in a batch: each job that is still queued in the epoch that was planned gets its attempt. Answers with
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
    let granted = sqlx::query_scalar(
        "WITH wanted AS (
            SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[])
                AS w(job_id, epoch, attempt_id, node_id, cpu_milli, memory_bytes, disk_bytes, lease_millis, message)
        ), gpu AS (
            SELECT * FROM unnest($10::uuid[], $11::smallint[]) AS g(attempt_id, gpu_index)
        ), job AS (
            UPDATE jobs SET state = 'starting', epoch = jobs.epoch + 1, reason = NULL, message = w.message, actor = $12,
                event_count = event_count + 1, not_before = NULL, started_at = NULL, exit_code = NULL, signal = NULL
            FROM wanted w WHERE jobs.id = w.job_id AND jobs.epoch = w.epoch AND jobs.state = 'queued'
            RETURNING jobs.id, jobs.epoch, jobs.event_count, jobs.message, w.attempt_id, w.node_id,
                w.cpu_milli, w.memory_bytes, w.disk_bytes, w.lease_millis
        ), attempt AS (
            INSERT INTO attempts (id, job_id, epoch, state, lease_millis, granted_at)
            SELECT attempt_id, job.id, job.epoch, 'granted', lease_millis, clock_timestamp() FROM job
            RETURNING id
        ), task AS (
            INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, gpu_indices, lease_until)
            SELECT attempt_id, 0, node_id, cpu_milli, memory_bytes, disk_bytes,
                ARRAY(SELECT gpu_index FROM gpu WHERE gpu.attempt_id = job.attempt_id ORDER BY gpu_index),
                clock_timestamp() + lease_millis * interval '1 millisecond'
            FROM job
        ), claim AS (
            INSERT INTO gpu_claims (node_id, gpu_index, attempt_id)
            SELECT job.node_id, gpu.gpu_index, job.attempt_id FROM job JOIN gpu USING (attempt_id)
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
    .fetch_all(conn)
    .await?;
    Ok(granted.into_iter().map(JobId).collect())
}

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
            JOIN jobs ON jobs.id = w.id AND jobs.epoch = w.epoch AND jobs.state = 'queued'
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

/// A job as it is stored first.
pub struct NewJob<'a> {
    pub id: JobId,
    pub spec: &'a lilac_api::spec::JobSpec,
    pub queue_id: lilac_api::QueueId,
    pub team_id: lilac_api::TeamId,
    pub owner_id: lilac_api::UserId,
    pub actor: &'a str,
    pub idempotency_key: Option<&'a str>,
    pub body_hash: &'a [u8],
}

/// T1: a user submits. Says whether the job is new; it is not when the key was used before.
pub async fn submit(conn: &mut PgConnection, job: &NewJob<'_>) -> Result<bool, sqlx::Error> {
    let written = sqlx::query(
        "WITH job AS (
            INSERT INTO jobs (id, name, queue_id, owner_id, priority, state, actor, spec, labels, idempotency_key, idempotency_hash, team_id)
            VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11)
            ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
            RETURNING id
        )
        INSERT INTO job_events (job_id, sequence, state, epoch, message, actor)
        SELECT id, 1, 'queued', 0, 'submitted', $6 FROM job",
    )
    .bind(job.id.0)
    .bind(&job.spec.name)
    .bind(job.queue_id.0)
    .bind(job.owner_id.0)
    .bind(i16::from(job.spec.priority))
    .bind(job.actor)
    .bind(sqlx::types::Json(job.spec))
    .bind(sqlx::types::Json(&job.spec.labels))
    .bind(job.idempotency_key)
    .bind(job.idempotency_key.map(|_| job.body_hash))
    .bind(job.team_id.0)
    .execute(conn)
    .await?;
    Ok(written.rows_affected() == 1)
}
