//! The SQL of outputs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::output::{JobOutput, MAX_LISTED_ENTRIES, OutputEntry, OutputState};
use lilac_api::spec::Output;
use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use super::archive::{Archived, StoredEntry};

/// How long a node may take to hand outputs over after its attempt ended; then they count as lost.
const DELIVERED_WITHIN: chrono::TimeDelta = chrono::TimeDelta::days(2);

/// A task of a node, and what its job says of outputs.
pub struct Source {
    pub job_id: JobId,
    pub epoch: i32,
    pub outputs: Vec<Output>,
}

/// The node's task of that attempt, if it has one.
pub async fn source(
    pool: &PgPool,
    node: NodeId,
    attempt: AttemptId,
    rank: i16,
) -> Result<Option<Source>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT a.job_id, a.epoch, COALESCE(j.spec->'outputs', '[]') AS outputs
         FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id
         WHERE t.attempt_id = $1 AND t.rank = $2 AND t.node_id = $3",
    )
    .bind(attempt.0)
    .bind(rank)
    .bind(node.0)
    .fetch_optional(pool)
    .await?;
    let source = |row: PgRow| {
        let outputs: Json<Vec<Output>> = row.try_get("outputs")?;
        Ok(Source { job_id: JobId(row.try_get("job_id")?), epoch: row.try_get("epoch")?, outputs: outputs.0 })
    };
    row.map(source).transpose()
}

/// Which output of which task.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub attempt: AttemptId,
    pub rank: i16,
    pub number: i16,
}

/// Notes that an archive is in the store. Says whether it was: the first that came stays.
pub async fn record(
    conn: &mut PgConnection,
    place: Place,
    archived: &Archived,
    object: &str,
    keep: Duration,
) -> Result<bool, sqlx::Error> {
    let written = sqlx::query(
        "INSERT INTO outputs (attempt_id, rank, number, state, object, tar_bytes, sha256, frame_ends, files, remove_at)
         VALUES ($1, $2, $3, 'stored', $4, $5, $6, $7, $8, clock_timestamp() + $9 * interval '1 second')
         ON CONFLICT (attempt_id, rank, number) DO UPDATE SET
            state = 'stored', message = '', object = excluded.object, tar_bytes = excluded.tar_bytes,
            sha256 = excluded.sha256, frame_ends = excluded.frame_ends, files = excluded.files,
            stored_at = now(), remove_at = excluded.remove_at
         WHERE outputs.state = 'failed'",
    )
    .bind(place.attempt.0)
    .bind(place.rank)
    .bind(place.number)
    .bind(object)
    .bind(i64::try_from(archived.bytes).unwrap_or(i64::MAX))
    .bind(&archived.sha256)
    .bind(&archived.frame_ends)
    .bind(Json(&archived.entries))
    .bind(i64::try_from(keep.as_secs()).unwrap_or(i64::MAX / 2))
    .execute(conn)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Notes that an output will not come. One that is there stays.
pub async fn fail(conn: &mut PgConnection, place: Place, message: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO outputs (attempt_id, rank, number, state, message, remove_at)
         VALUES ($1, $2, $3, 'failed', $4, now())
         ON CONFLICT (attempt_id, rank, number) DO UPDATE SET message = excluded.message
         WHERE outputs.state = 'failed'",
    )
    .bind(place.attempt.0)
    .bind(place.rank)
    .bind(place.number)
    .bind(message)
    .execute(conn)
    .await?;
    Ok(())
}

/// All outputs of a job's attempt (the latest where none is named), of all its tasks.
pub async fn list(pool: &PgPool, job: JobId, epoch: Option<u32>) -> Result<Vec<JobOutput>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT COALESCE(a.epoch, 0) AS epoch, COALESCE(t.rank, 0::smallint) AS rank, spec.number - 1 AS number, spec.output->>'path' AS path, o.state, o.message,
                o.tar_bytes, COALESCE(jsonb_array_length(o.files), 0) AS entry_count,
                jsonb_path_query_array(o.files, '$[0 to 999]') AS files, o.remove_at,
                COALESCE(a.finished_at, j.finished_at) AS finished_at, t.rank IS NULL AS never_ran
         FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id AND a.epoch = COALESCE($2, j.epoch)
         LEFT JOIN tasks t ON t.attempt_id = a.id
         CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(j.spec->'outputs') WHEN 'array' THEN j.spec->'outputs' END) WITH ORDINALITY AS spec (output, number)
         LEFT JOIN outputs o ON o.attempt_id = a.id AND o.rank = t.rank AND o.number = spec.number - 1
         WHERE j.id = $1 AND ($2::int4 IS NULL OR a.id IS NOT NULL) ORDER BY t.rank, spec.number",
    )
    .bind(job.0)
    .bind(epoch.map(|epoch| i32::try_from(epoch).unwrap_or(i32::MAX)))
    .fetch_all(pool)
    .await?;
    rows.iter().map(output).collect()
}

fn output(row: &PgRow) -> Result<JobOutput, sqlx::Error> {
    let word: Option<&str> = row.try_get("state")?;
    let ended: Option<DateTime<Utc>> = row.try_get("finished_at")?;
    let is_lost = ended.is_some_and(|ended| Utc::now() - ended > DELIVERED_WITHIN);
    let (state, message) = match word {
        Some(word) => (
            word.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            row.try_get::<Option<String>, _>("message")?.unwrap_or_default(),
        ),
        None if ended.is_some() && row.try_get("never_ran")? => {
            (OutputState::Failed, "the job never ran".to_owned())
        }
        None if is_lost => (OutputState::Failed, "its node never handed it over".to_owned()),
        None => (OutputState::Pending, String::new()),
    };
    let entries: Option<Json<Vec<StoredEntry>>> = row.try_get("files")?;
    let shown = entries.map(|entries| entries.0).unwrap_or_default().into_iter().take(MAX_LISTED_ENTRIES);
    let kept_until: Option<DateTime<Utc>> = row.try_get("remove_at")?;
    Ok(JobOutput {
        epoch: u32::try_from(row.try_get::<i32, _>("epoch")?).unwrap_or_default(),
        rank: u16::try_from(row.try_get::<i16, _>("rank")?).unwrap_or_default(),
        index: u16::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default(),
        path: row.try_get::<Option<String>, _>("path")?.unwrap_or_default(),
        state,
        message,
        bytes: row.try_get::<Option<i64>, _>("tar_bytes")?.unwrap_or_default().unsigned_abs(),
        entry_count: u64::from(row.try_get::<i32, _>("entry_count")?.unsigned_abs()),
        entries: shown
            .map(|entry| OutputEntry { path: entry.path, kind: entry.kind, size: entry.size })
            .collect(),
        kept_until: kept_until.filter(|_| state == OutputState::Stored),
    })
}

/// An archive in the store.
pub struct Held {
    pub epoch: u32,
    pub object: String,
    pub frame_ends: Vec<i64>,
    pub bytes: u64,
}

/// The stored output of a job's attempt (the latest where none is named); and the entry at `path`, if one is asked for.
pub async fn find(
    pool: &PgPool,
    job: JobId,
    epoch: Option<u32>,
    rank: u16,
    number: u16,
    path: Option<&str>,
) -> Result<Option<(Held, Option<StoredEntry>)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT a.epoch, o.object, o.frame_ends, o.tar_bytes,
                (SELECT entry FROM jsonb_array_elements(o.files) AS entry WHERE entry->>'path' = $5) AS entry
         FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.epoch = COALESCE($2, j.epoch)
         JOIN outputs o ON o.attempt_id = a.id
         WHERE j.id = $1 AND o.rank = $3 AND o.number = $4 AND o.state = 'stored'",
    )
    .bind(job.0)
    .bind(epoch.map(|epoch| i32::try_from(epoch).unwrap_or(i32::MAX)))
    .bind(i16::try_from(rank).unwrap_or(i16::MAX))
    .bind(i16::try_from(number).unwrap_or(i16::MAX))
    .bind(path)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let entry: Option<Json<StoredEntry>> = row.try_get("entry")?;
    let held = Held {
        epoch: u32::try_from(row.try_get::<i32, _>("epoch")?).unwrap_or_default(),
        object: row.try_get("object")?,
        frame_ends: row.try_get("frame_ends")?,
        bytes: row.try_get::<i64, _>("tar_bytes")?.unsigned_abs(),
    };
    Ok(Some((held, entry.map(|entry| entry.0))))
}
