//! The one place in which a job's state changes.
//!
//! Why it is right. Every transition is one statement, [`step`]: a compare-and-set of the job's row on its id,
//! epoch and state, which at the same time moves the attempt, frees what it held and writes one event. The
//! statement changes all of these or none. Epochs only grow, so what an agent says of an older attempt meets
//! no row. Decisions are made on rows that are locked (`FOR UPDATE`, jobs in the order of their ids, so that
//! two transactions never wait for each other) and are pure functions of what was read. The schema's triggers
//! hold the same lines a second time.

mod begin;
mod elsewhere;
mod end;
mod gang;
mod loss;
mod order;
mod preempt;
mod relocate;
mod submit;
mod time;
mod waits;

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::quantity::Span;
use lilac_api::spec::{Retry, Stop};
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_rules::table;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

pub use begin::{Grant, Waiting, grant, note_waiting};
pub use end::{finish, progress};
pub use gang::{stop_scattered, touched_nodes};
pub use loss::{lose_attempts, lose_node};
pub use order::{cancel, extend, hold, release, reprioritise};
pub use preempt::preempt;
pub use relocate::move_jobs;
pub use submit::{Member, NewJob, queue_deadline, submit, submit_array};
pub use time::{expire_waits, stop_overdue};
pub use waits::{end_waiting, unblock};

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
    /// How long the attempt may run from its start, with the time to stop it.
    run_for: Option<Duration>,
    /// What differs from the spec from now on.
    over: Override,
    /// The job stands and waits as before: only its history, and what differs from the spec, grows.
    is_note: bool,
    exit_code: Option<i32>,
    signal: Option<i32>,
    log_end_bytes: Option<i64>,
}

/// What a job takes in place of what its spec says.
#[derive(Clone, Copy, Debug, Default)]
struct Override {
    memory_bytes: Option<u64>,
    max_runtime: Option<Duration>,
    priority: Option<u8>,
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2)
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
            run_for: None,
            over: Override::default(),
            is_note: false,
            exit_code: None,
            signal: None,
            log_end_bytes: None,
        }
    }
}

/// Carries a transition out. Says whether the job stood where the step begins.
async fn step(conn: &mut PgConnection, step: &Step<'_>) -> Result<bool, sqlx::Error> {
    debug_assert!(table::job_may(step.from, step.to), "{} → {}", step.from, step.to);
    let (attempt_id, attempt_state) = step.attempt.unzip();
    let written = sqlx::query(
        "WITH job AS (
            UPDATE jobs SET state = $4, reason = CASE WHEN $20 THEN reason ELSE $5 END, message = $6, actor = $7,
                event_count = event_count + 1,
                attempts_charged = attempts_charged + $8::int,
                cancel_requested = cancel_requested OR $9,
                not_before = CASE WHEN $20 THEN not_before ELSE clock_timestamp() + $10 * interval '1 millisecond' END,
                -- It bounds the wait for the first start. What a person held waits anew.
                queue_deadline = CASE
                    WHEN $4 = 'running' OR queue_deadline IS NULL THEN NULL
                    WHEN state = 'held' THEN clock_timestamp() + max_queue_millis * interval '1 millisecond'
                    ELSE queue_deadline END,
                memory_bytes = COALESCE($21, memory_bytes), max_runtime_millis = COALESCE($22, max_runtime_millis),
                priority = COALESCE($23, priority),
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
                run_deadline = CASE
                    WHEN $19::bigint IS NULL THEN a.run_deadline
                    WHEN $11::timestamptz IS NULL THEN a.started_at + $19 * interval '1 millisecond'
                    ELSE GREATEST(LEAST($11, clock_timestamp()), a.granted_at) + $19 * interval '1 millisecond' END,
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
    .bind(step.wait.map(millis))
    .bind(step.started_at)
    .bind(step.to.is_terminal())
    .bind(step.exit_code)
    .bind(step.signal)
    .bind(attempt_id.map(|id| id.0))
    .bind(attempt_state.map(AttemptState::as_str))
    .bind(attempt_state.is_some_and(AttemptState::is_terminal))
    .bind(step.log_end_bytes)
    .bind(step.run_for.map(millis))
    .bind(step.is_note)
    .bind(step.over.memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)))
    .bind(step.over.max_runtime.map(millis))
    .bind(step.over.priority.map(i16::from))
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
    /// How long it may run, as extended.
    max_runtime: Option<Duration>,
    /// How long it may take to stop.
    grace: Duration,
    priority: u8,
}

/// An attempt together with its job, which is locked.
#[derive(Debug)]
pub struct LockedAttempt {
    pub id: AttemptId,
    pub epoch: i32,
    pub state: AttemptState,
    /// Why it stands as it does: of one that is stopping, why it was told to.
    reason: Option<Reason>,
    /// How many tasks it has.
    ranks: i16,
    /// The node whose word it was locked for.
    node: Option<NodeId>,
    pub job: LockedJob,
}

impl LockedAttempt {
    fn is_current(&self) -> bool {
        self.epoch == self.job.epoch
    }

    /// Whether it runs on several nodes.
    #[must_use]
    pub fn is_gang(&self) -> bool {
        self.ranks > 1
    }
}

fn word<T: std::str::FromStr>(row: &sqlx::postgres::PgRow, column: &'static str) -> Result<T, sqlx::Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(Box::new(error)))
}

/// What is read of a job that is locked, in the words of [`locked_job`].
const LOCKED: &str = "j.id AS job_id, j.epoch AS job_epoch, j.state AS job_state, j.cancel_requested, j.attempts_charged, \
    j.priority, j.max_runtime_millis, j.spec->'retry' AS retry, j.spec->'stop' AS stop, j.spec->'max_runtime' AS max_runtime";

fn locked_job(row: &sqlx::postgres::PgRow) -> Result<LockedJob, sqlx::Error> {
    let retry: Option<Json<Retry>> = row.try_get("retry")?;
    let stop: Option<Json<Stop>> = row.try_get("stop")?;
    let spec_runtime: Option<Json<Span>> = row.try_get("max_runtime")?;
    let extended: Option<i64> = row.try_get("max_runtime_millis")?;
    let extended = extended.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
    Ok(LockedJob {
        id: JobId(row.try_get("job_id")?),
        epoch: row.try_get("job_epoch")?,
        state: word(row, "job_state")?,
        cancel_requested: row.try_get("cancel_requested")?,
        attempts_charged: row.try_get("attempts_charged")?,
        retry: retry.map(|json| json.0).unwrap_or_default(),
        max_runtime: extended.or_else(|| spec_runtime.map(|Json(span)| span.0)),
        grace: stop.map(|json| json.0).unwrap_or_default().grace.0,
        priority: u8::try_from(row.try_get::<i16, _>("priority")?).unwrap_or_default(),
    })
}

async fn lock_job(conn: &mut PgConnection, job_id: JobId) -> Result<Option<LockedJob>, sqlx::Error> {
    let query = format!("SELECT {LOCKED} FROM jobs j WHERE id = $1 FOR UPDATE");
    let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(job_id.0).fetch_optional(conn).await?;
    row.as_ref().map(locked_job).transpose()
}

/// Locks the jobs of these attempts, as far as they are (or, for `node`, are that node's).
pub async fn lock_attempts(
    conn: &mut PgConnection,
    attempts: &[AttemptId],
    node: Option<NodeId>,
) -> Result<Vec<LockedAttempt>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    let query = format!(
        "SELECT a.id, a.epoch, a.state, a.ranks, {LOCKED}
         FROM jobs j JOIN attempts a ON a.job_id = j.id
         WHERE a.id = ANY($1)
           AND ($2::uuid IS NULL OR EXISTS (SELECT FROM tasks t WHERE t.attempt_id = a.id AND t.node_id = $2))
         ORDER BY j.id, a.epoch FOR UPDATE OF j"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(query))
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
            reason: None,
            ranks: row.try_get("ranks")?,
            node,
            job: locked_job(&row)?,
        });
    }
    // A row that was waited for shows its job as it is now and the attempt as it was: read the states again.
    let states = sqlx::query("SELECT id, state, reason FROM attempts WHERE id = ANY($1)")
        .bind(&ids)
        .fetch_all(conn)
        .await?;
    for row in states {
        let (id, state) = (AttemptId(row.try_get("id")?), word(&row, "state")?);
        let reason: Option<&str> = row.try_get("reason")?;
        if let Some(attempt) = locked.iter_mut().find(|attempt| attempt.id == id) {
            (attempt.state, attempt.reason) = (state, reason.and_then(|reason| reason.parse().ok()));
        }
    }
    Ok(locked)
}
