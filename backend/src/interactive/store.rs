//! The rows that bring the two ends of a stream together.

use chrono::{DateTime, Utc};
use lilac_api::auth::Secret;
use lilac_api::job::AttemptState;
use lilac_api::problem::ErrorCode;
use lilac_api::stream::{CONNECT_WITHIN_SECS, StreamOrder, StreamTask};
use lilac_api::{AttemptId, JobId, NodeId, StreamId, UserId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};

use crate::error::{ApiError, ApiResult};

/// Open at once of one user, in one job, on one node.
const MAX_PER_USER: i64 = 32;
const MAX_PER_JOB: i64 = 32;
const MAX_PER_NODE: i64 = 128;
/// How long a stream counts as open after its server last said so.
const ALIVE_SECS: f64 = 30.0;
/// Held while streams are counted and one is added, so that two cannot both be the last one.
const COUNT_LOCK: i64 = 0x6c69_6c61_6373_7472;

/// Where a job runs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub node_id: NodeId,
    pub attempt_id: AttemptId,
    pub epoch: u32,
    pub rank: u16,
}

/// The place of a job's task, if it runs.
pub async fn place(conn: &mut PgConnection, job: JobId, rank: u16) -> ApiResult<Place> {
    let row = sqlx::query(
        "SELECT a.id, a.epoch, a.state, t.node_id, t.lease_until > clock_timestamp() AS is_leased,
                n.last_seen_at > clock_timestamp() - $3 * interval '1 second' AS is_heard
         FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.epoch = j.epoch
         LEFT JOIN tasks t ON t.attempt_id = a.id AND t.rank = $2 AND t.released_at IS NULL
         LEFT JOIN nodes n ON n.id = t.node_id WHERE j.id = $1",
    )
    .bind(job.0)
    .bind(i16::try_from(rank).unwrap_or(i16::MAX))
    .bind(f64::from(u32::try_from(lilac_api::agent::UNREACHABLE_AFTER_SECS).unwrap_or(30)))
    .fetch_optional(conn)
    .await?;
    let not_running =
        || ApiError::conflict("the job does not run: only a container that runs can be reached");
    let row = row.ok_or_else(not_running)?;
    let state: &str = row.try_get("state")?;
    let runs =
        [AttemptState::Running, AttemptState::Stopping].iter().any(|running| running.as_str() == state);
    if !runs {
        return Err(not_running());
    }
    let node: Option<uuid::Uuid> = row.try_get("node_id")?;
    let node =
        node.ok_or_else(|| ApiError::field("rank", "not-found", "the job has no such task that runs"))?;
    if row.try_get::<Option<bool>, _>("is_leased")? != Some(true)
        || row.try_get::<Option<bool>, _>("is_heard")? != Some(true)
    {
        return Err(ApiError::conflict("the job's node is not heard from at the moment"));
    }
    let epoch: i32 = row.try_get("epoch")?;
    Ok(Place {
        node_id: NodeId(node),
        attempt_id: AttemptId(row.try_get("id")?),
        epoch: u32::try_from(epoch).unwrap_or_default(),
        rank,
    })
}

/// Adds a stream, unless there are too many.
pub async fn open(
    conn: &mut PgConnection,
    user: UserId,
    job: JobId,
    place: &Place,
    task: &StreamTask,
) -> ApiResult<(StreamId, DateTime<Utc>)> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(COUNT_LOCK).execute(&mut *conn).await?;
    // What died with its server is tidied away here: nobody else needs to.
    sqlx::query("DELETE FROM streams WHERE alive_until < clock_timestamp()").execute(&mut *conn).await?;
    let (of_user, of_job, of_node): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE user_id = $1), count(*) FILTER (WHERE job_id = $2),
                count(*) FILTER (WHERE node_id = $3)
         FROM streams WHERE user_id = $1 OR job_id = $2 OR node_id = $3",
    )
    .bind(user.0)
    .bind(job.0)
    .bind(place.node_id.0)
    .fetch_one(&mut *conn)
    .await?;
    for (count, most, whose) in [
        (of_user, MAX_PER_USER, "you"),
        (of_job, MAX_PER_JOB, "the job"),
        (of_node, MAX_PER_NODE, "the node"),
    ] {
        if count >= most {
            return Err(too_many(&format!("{whose} may have {most} interactive streams at once: end some")));
        }
    }
    let id = StreamId::new();
    let expires_at = sqlx::query_scalar(
        "INSERT INTO streams (id, user_id, job_id, attempt_id, rank, node_id, task, expires_at, alive_until)
         SELECT $1, $2, $3, $4, $5, $6, $7, until, until + interval '5 seconds'
         FROM (SELECT clock_timestamp() + $8 * interval '1 second' AS until) AS now
         RETURNING expires_at",
    )
    .bind(id.0)
    .bind(user.0)
    .bind(job.0)
    .bind(place.attempt_id.0)
    .bind(i16::try_from(place.rank).unwrap_or(i16::MAX))
    .bind(place.node_id.0)
    .bind(Json(task))
    .bind(f64::from(u32::try_from(CONNECT_WITHIN_SECS).unwrap_or(20)))
    .fetch_one(conn)
    .await?;
    Ok((id, expires_at))
}

pub fn too_many(detail: &str) -> ApiError {
    let mut error =
        ApiError::new(axum::http::StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, detail);
    error.headers.push(("retry-after", "10".to_owned()));
    error
}

/// A stream whose user's end is here.
#[derive(Clone, Copy, Debug)]
pub struct Claimed {
    pub id: StreamId,
    pub job_id: JobId,
    pub node_id: NodeId,
}

/// Whether the user opened the stream and may still connect to it.
pub async fn is_open(pool: &PgPool, id: StreamId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM streams WHERE id = $1 AND user_id = $2 AND claimed_at IS NULL AND expires_at > clock_timestamp())",
    )
    .bind(id.0)
    .bind(user.0)
    .fetch_one(pool)
    .await
}

/// Takes the user's end, once. `server` is where the agent finds it.
pub async fn claim(
    pool: &PgPool,
    id: StreamId,
    user: UserId,
    server: Option<&str>,
) -> sqlx::Result<Option<Claimed>> {
    let row = sqlx::query(
        "UPDATE streams SET claimed_at = clock_timestamp(), server = $3
         WHERE id = $1 AND user_id = $2 AND claimed_at IS NULL AND expires_at > clock_timestamp()
         RETURNING job_id, node_id",
    )
    .bind(id.0)
    .bind(user.0)
    .bind(server)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Claimed { id, job_id: JobId(row.try_get("job_id")?), node_id: NodeId(row.try_get("node_id")?) })
    })
    .transpose()
}

/// Whether the agent of the node is wanted at the stream.
pub async fn is_wanted(pool: &PgPool, id: StreamId, node: NodeId) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM streams WHERE id = $1 AND node_id = $2 AND joined_at IS NULL AND expires_at > clock_timestamp())",
    )
    .bind(id.0)
    .bind(node.0)
    .fetch_one(pool)
    .await
}

/// Notes that the agent's end is here.
pub async fn join(pool: &PgPool, id: StreamId) -> sqlx::Result<()> {
    sqlx::query("UPDATE streams SET joined_at = clock_timestamp() WHERE id = $1")
        .bind(id.0)
        .execute(pool)
        .await
        .map(|_| ())
}

/// The streams at which a node's agent is wanted; `token` makes each one's token.
pub async fn orders(
    pool: &PgPool,
    node: NodeId,
    token: impl Fn(StreamId) -> Secret,
) -> sqlx::Result<Vec<StreamOrder>> {
    let rows = sqlx::query(
        "SELECT id, server, attempt_id, task FROM streams
         WHERE node_id = $1 AND claimed_at IS NOT NULL AND joined_at IS NULL AND expires_at > clock_timestamp()
         ORDER BY id LIMIT 64",
    )
    .bind(node.0)
    .fetch_all(pool)
    .await?;
    let order = |row: &sqlx::postgres::PgRow| {
        let (id, Json(task)) = (StreamId(row.try_get("id")?), row.try_get("task")?);
        let (server, attempt_id) = (row.try_get("server")?, AttemptId(row.try_get("attempt_id")?));
        Ok(StreamOrder { id, token: token(id), server, attempt_id, task })
    };
    rows.iter().map(order).collect()
}

/// Says that the stream is still carried. False when it must end: its attempt ended, or its node may not run it any
/// more.
pub async fn keep_alive(pool: &PgPool, id: StreamId) -> sqlx::Result<bool> {
    let kept = sqlx::query(
        "UPDATE streams s SET alive_until = clock_timestamp() + $2 * interval '1 second'
         FROM tasks t JOIN attempts a ON a.id = t.attempt_id
         WHERE s.id = $1 AND t.attempt_id = s.attempt_id AND t.rank = s.rank AND t.released_at IS NULL
           AND t.lease_until > clock_timestamp() AND a.state IN ('running', 'stopping')",
    )
    .bind(id.0)
    .bind(ALIVE_SECS)
    .execute(pool)
    .await?;
    Ok(kept.rows_affected() > 0)
}

pub async fn end(pool: &PgPool, id: StreamId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM streams WHERE id = $1").bind(id.0).execute(pool).await.map(|_| ())
}
