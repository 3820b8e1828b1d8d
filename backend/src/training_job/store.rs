//! Reading jobs, attempts and events.

use std::time::Duration;

use lilac_api::agent::{TakenPorts, TaskResult};
use lilac_api::image::TaskImage;
use lilac_api::job::{Amounts, Attempt, Job, JobEvent, PublishedPort, RankEnd, Task};
use lilac_api::quantity::Span;
use lilac_api::spec::{JobSpec, Port};
use lilac_api::submission::ArrayPlace;
use lilac_api::{ArrayId, AttemptId, JobId, NodeId, UserId};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};

/// Columns of a job as users see it.
pub(super) const JOB: &str = "SELECT j.id, j.name, q.name AS queue, t.name AS team, u.username AS owner, j.priority, j.state, j.reason, j.message,
    j.actor, j.spec, j.epoch, j.attempts_charged, j.cancel_requested, j.not_before, j.created_at, j.started_at,
    j.finished_at, j.exit_code, j.signal, j.rerun_of, j.memory_bytes, j.max_runtime_millis,
    CASE WHEN j.state = 'queued' THEN j.queue_deadline END AS queue_deadline,
    j.array_id, j.array_index, (SELECT size FROM job_arrays WHERE id = j.array_id) AS array_size,
    ARRAY(SELECT n.name FROM attempts a JOIN tasks k ON k.attempt_id = a.id JOIN nodes n ON n.id = k.node_id
          WHERE a.job_id = j.id AND a.epoch = j.epoch ORDER BY k.rank) AS nodes
    FROM jobs j JOIN queues q ON q.id = j.queue_id JOIN users u ON u.id = j.owner_id JOIN teams t ON t.id = j.team_id";

/// One job with its spec.
pub async fn find(conn: &mut PgConnection, id: JobId) -> Result<Option<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(JOB);
    query.push(" WHERE j.id = ").push_bind(id.0);
    query.build().fetch_optional(conn).await?.as_ref().map(job).transpose()
}

/// Those of some jobs that the caller sees, in no order.
pub async fn seen(conn: &mut PgConnection, caller: &Caller, ids: &[Uuid]) -> Result<Vec<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(JOB);
    query.push(" WHERE j.id = ANY(").push_bind(ids.to_vec());
    query.push(") AND (").push_bind(caller.sees()).push("::uuid[] IS NULL OR j.team_id = ANY(");
    query.push_bind(caller.sees()).push("))");
    query.build().fetch_all(conn).await?.iter().map(job).collect()
}

/// The longest `max_runtime` that a job's queue allows one job, if it bounds it.
pub async fn longest_runtime(conn: &mut PgConnection, id: JobId) -> Result<Option<Span>, sqlx::Error> {
    let limit: Option<Json<Option<Span>>> = sqlx::query_scalar(
        "SELECT q.limits->'max_runtime' FROM jobs j JOIN queues q ON q.id = j.queue_id WHERE j.id = $1",
    )
    .bind(id.0)
    .fetch_optional(conn)
    .await?
    .flatten();
    Ok(limit.and_then(|Json(span)| span))
}

/// Who owns a job that the caller sees; another is answered as a missing one is.
pub async fn owner(pool: &PgPool, caller: &Caller, id: JobId) -> ApiResult<UserId> {
    let owner = sqlx::query_scalar(
        "SELECT owner_id FROM jobs WHERE id = $1 AND ($2::uuid[] IS NULL OR team_id = ANY($2))",
    )
    .bind(id.0)
    .bind(caller.sees())
    .fetch_optional(pool)
    .await?;
    owner.map(UserId).ok_or_else(|| ApiError::not_found("job"))
}

pub(super) fn job(row: &PgRow) -> Result<Job, sqlx::Error> {
    let Json(spec): Json<JobSpec> = row.try_get("spec")?;
    let memory: Option<i64> = row.try_get("memory_bytes")?;
    let memory_bytes = memory.map(u64::try_from).transpose().map_err(decode)?;
    let extended: Option<i64> = row.try_get("max_runtime_millis")?;
    let extended = extended.map(u64::try_from).transpose().map_err(decode)?;
    let requests = spec.requests();
    Ok(Job {
        id: JobId(row.try_get("id")?),
        name: row.try_get("name")?,
        queue: row.try_get("queue")?,
        team: row.try_get("team")?,
        owner: row.try_get("owner")?,
        priority: u8::try_from(row.try_get::<i16, _>("priority")?).unwrap_or_default(),
        state: word(row, "state")?,
        reason: optional_word(row, "reason")?,
        message: row.try_get("message")?,
        actor: row.try_get("actor")?,
        image: spec.image.clone(),
        labels: spec.labels.clone(),
        requests: Amounts { memory_bytes: memory_bytes.unwrap_or(requests.memory_bytes), ..requests },
        epoch: number(row, "epoch")?,
        attempts_charged: number(row, "attempts_charged")?,
        cancel_requested: row.try_get("cancel_requested")?,
        nodes: row.try_get("nodes")?,
        exit_code: row.try_get("exit_code")?,
        signal: row.try_get("signal")?,
        created_at: row.try_get("created_at")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        not_before: row.try_get("not_before")?,
        rerun_of: row.try_get::<Option<Uuid>, _>("rerun_of")?.map(JobId),
        max_runtime: extended.map(|millis| Span(Duration::from_millis(millis))).or(spec.max_runtime),
        queue_deadline: row.try_get("queue_deadline")?,
        array: array_place(row)?,
        spec: Some(spec),
    })
}

fn array_place(row: &PgRow) -> Result<Option<ArrayPlace>, sqlx::Error> {
    let Some(id) = row.try_get::<Option<Uuid>, _>("array_id")? else { return Ok(None) };
    Ok(Some(ArrayPlace {
        id: ArrayId(id),
        index: number(row, "array_index")?,
        size: number(row, "array_size")?,
    }))
}

/// The jobs of a user that were made with these keys, in the order in which they were made.
pub async fn by_keys(conn: &mut PgConnection, owner: UserId, keys: &[&str]) -> Result<Vec<Job>, sqlx::Error> {
    let mut query = QueryBuilder::<Postgres>::new(JOB);
    query.push(" WHERE j.owner_id = ").push_bind(owner.0);
    query.push(" AND j.idempotency_key = ANY(").push_bind(keys.to_vec()).push(") ORDER BY j.id");
    query.build().fetch_all(conn).await?.iter().map(job).collect()
}

pub(super) fn decode<E: std::error::Error + Send + Sync + 'static>(error: E) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

pub(super) fn word<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: &str,
) -> Result<T, sqlx::Error> {
    row.try_get::<&str, _>(column)?.parse().map_err(decode)
}

pub(super) fn optional_word<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &PgRow,
    column: &str,
) -> Result<Option<T>, sqlx::Error> {
    row.try_get::<Option<&str>, _>(column)?.map(|text| text.parse().map_err(decode)).transpose()
}

pub(super) fn number(row: &PgRow, column: &str) -> Result<u32, sqlx::Error> {
    u32::try_from(row.try_get::<i32, _>(column)?).map_err(decode)
}

/// The newest attempts of a job, the latest first, with their tasks.
pub async fn attempts(
    pool: &PgPool,
    job_id: JobId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<Attempt>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT a.id, a.epoch, a.state, a.reason, a.message, a.granted_at, a.started_at, a.finished_at, a.exit_code,
                a.signal, a.alternative, t.rank, t.node_id, n.name AS node, t.gpu_indices, t.log_bytes, t.log_end_bytes, t.released_at,
                t.lease_until, t.image, COALESCE(t.address, n.address) AS address, t.ports, t.result, a.failed_rank,
                CASE WHEN t.ports IS NOT NULL THEN j.spec->'ports' END AS asked_ports
         FROM (SELECT * FROM attempts WHERE job_id = $1 AND epoch < $2 ORDER BY epoch DESC LIMIT $3) a
         JOIN jobs j ON j.id = a.job_id JOIN tasks t ON t.attempt_id = a.id JOIN nodes n ON n.id = t.node_id
         ORDER BY a.epoch DESC, t.rank",
    )
    .bind(job_id.0)
    .bind(before.unwrap_or(i32::MAX))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let mut attempts: Vec<Attempt> = Vec::new();
    for row in &rows {
        let id = AttemptId(row.try_get("id")?);
        if attempts.last().is_none_or(|last| last.id != id) {
            attempts.push(Attempt {
                id,
                job_id,
                epoch: number(row, "epoch")?,
                state: word(row, "state")?,
                reason: optional_word(row, "reason")?,
                message: row.try_get("message")?,
                granted_at: row.try_get("granted_at")?,
                started_at: row.try_get("started_at")?,
                finished_at: row.try_get("finished_at")?,
                lease_until: None,
                exit_code: row.try_get("exit_code")?,
                signal: row.try_get("signal")?,
                alternative: u32::try_from(row.try_get::<i16, _>("alternative")?)
                    .ok()
                    .filter(|number| *number > 0),
                tasks: Vec::new(),
            });
        }
        let Some(attempt) = attempts.last_mut() else { continue };
        let is_released = row.try_get::<Option<chrono::DateTime<chrono::Utc>>, _>("released_at")?.is_some();
        if !attempt.state.is_terminal() && !is_released {
            let lease: chrono::DateTime<chrono::Utc> = row.try_get("lease_until")?;
            attempt.lease_until = Some(attempt.lease_until.map_or(lease, |earliest| earliest.min(lease)));
        }
        attempt.tasks.push(task(row, attempt.state.is_terminal())?);
    }
    Ok(attempts)
}

fn task(row: &PgRow, has_ended: bool) -> Result<Task, sqlx::Error> {
    let log_bytes: i64 = row.try_get("log_bytes")?;
    let log_end: Option<i64> = row.try_get("log_end_bytes")?;
    let gpus: Vec<i16> = row.try_get("gpu_indices")?;
    let image: Option<Json<TaskImage>> = row.try_get("image")?;
    // Of an attempt that was lost in the middle of a pull, that is the last that was heard.
    let image = image.map(|Json(image)| TaskImage { pull: image.pull.filter(|_| !has_ended), ..image });
    Ok(Task {
        rank: u16::try_from(row.try_get::<i16, _>("rank")?).map_err(decode)?,
        node_id: NodeId(row.try_get("node_id")?),
        node: row.try_get("node")?,
        gpu_indices: gpus.into_iter().map(|index| u16::try_from(index).unwrap_or_default()).collect(),
        log_bytes: u64::try_from(log_bytes).map_err(decode)?,
        log_complete: log_end.is_some_and(|end| log_bytes >= end),
        image,
        ports: ports(row)?,
        end: rank_end(row)?,
    })
}

/// Where the task's ports are reached, once its node has told.
fn ports(row: &PgRow) -> Result<Vec<PublishedPort>, sqlx::Error> {
    let taken: Option<Json<TakenPorts>> = row.try_get("ports")?;
    let asked: Option<Json<Vec<Port>>> = row.try_get("asked_ports")?;
    let (Some(Json(taken)), Some(Json(asked))) = (taken, asked) else { return Ok(Vec::new()) };
    let host: Option<String> = row.try_get("address")?;
    let host = host.unwrap_or_else(|| row.try_get("node").unwrap_or_default());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let one = |(asked, node_port): (Port, u16)| PublishedPort {
        name: asked.name,
        port: asked.port,
        address: format!("{host}:{node_port}"),
    };
    Ok(asked.into_iter().zip(taken.published).map(one).collect())
}

fn rank_end(row: &PgRow) -> Result<Option<RankEnd>, sqlx::Error> {
    let result: Option<Json<TaskResult>> = row.try_get("result")?;
    let (rank, failed): (i16, Option<i16>) = (row.try_get("rank")?, row.try_get("failed_rank")?);
    Ok(result.map(|Json(end)| RankEnd {
        at: end.finished_at,
        exit_code: end.exit_code,
        signal: end.signal,
        reason: end.reason,
        message: end.message,
        failed_first: failed == Some(rank),
    }))
}

/// A job's history after the event `after`, in order.
pub async fn events(
    pool: &PgPool,
    job_id: JobId,
    after: i32,
    limit: i64,
) -> Result<Vec<JobEvent>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT job_id, sequence, at, state, attempt_state, epoch, reason, message, actor FROM job_events
         WHERE job_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
    )
    .bind(job_id.0)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(event).collect()
}

pub fn event(row: &PgRow) -> Result<JobEvent, sqlx::Error> {
    Ok(JobEvent {
        job_id: JobId(row.try_get("job_id")?),
        sequence: number(row, "sequence")?,
        at: row.try_get("at")?,
        state: word(row, "state")?,
        attempt_state: optional_word(row, "attempt_state")?,
        epoch: number(row, "epoch")?,
        reason: optional_word(row, "reason")?,
        message: row.try_get("message")?,
        actor: row.try_get("actor")?,
    })
}
