//! The SQL of logs, and the reading across its two stores.

use axum::http::StatusCode;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lilac_api::job::AttemptState;
use lilac_api::problem::ErrorCode;
use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{PgConnection, Row};

use super::segment;
use crate::app::App;
use crate::blob::frames;
use crate::error::{ApiError, ApiResult};

/// One task's log.
#[derive(Clone, Debug)]
pub struct Log {
    pub attempt_id: AttemptId,
    pub rank: i16,
    pub epoch: u32,
    pub state: AttemptState,
    /// Bytes stored.
    pub bytes: i64,
    /// Length of the whole log, once it is known.
    pub end: Option<i64>,
    /// Until when the node's last words may still come although the attempt ended.
    pub is_stale: bool,
    /// Its time was over: its bytes are gone.
    pub is_removed: bool,
}

impl Log {
    /// Whether no byte will follow: the log is whole, or its node is not heard of any more.
    pub fn is_complete(&self) -> bool {
        self.state.is_terminal()
            && match self.end {
                Some(end) => self.bytes >= end || self.is_stale,
                None => true,
            }
    }
}

/// What became of an upload.
pub enum Stored {
    /// Stored; the log now has this many bytes.
    Yes { bytes: i64, job_id: JobId },
    /// The log has this many bytes: send from there.
    Elsewhere { bytes: i64 },
    /// The node has no such task.
    Unknown,
}

/// Appends to a task's log where it ends.
pub async fn append(
    conn: &mut PgConnection,
    node: NodeId,
    attempt: AttemptId,
    rank: i16,
    offset: i64,
    data: &[u8],
) -> Result<Stored, sqlx::Error> {
    let row = sqlx::query(
        "SELECT t.log_bytes, a.job_id FROM tasks t JOIN attempts a ON a.id = t.attempt_id
         WHERE t.attempt_id = $1 AND t.rank = $2 AND t.node_id = $3 AND t.log_removed_at IS NULL FOR UPDATE OF t",
    )
    .bind(attempt.0)
    .bind(rank)
    .bind(node.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Stored::Unknown) };
    let bytes: i64 = row.try_get("log_bytes")?;
    if bytes != offset {
        return Ok(Stored::Elsewhere { bytes });
    }
    let job_id = JobId(row.try_get("job_id")?);
    if data.is_empty() {
        return Ok(Stored::Yes { bytes, job_id });
    }
    let end = bytes + i64::try_from(data.len()).unwrap_or(i64::MAX);
    sqlx::query(
        "WITH chunk AS (
            INSERT INTO log_chunks (attempt_id, rank, start_byte, end_byte, data) VALUES ($1, $2, $3, $4, $5)
        )
        UPDATE tasks SET log_bytes = $4 WHERE attempt_id = $1 AND rank = $2",
    )
    .bind(attempt.0)
    .bind(rank)
    .bind(bytes)
    .bind(end)
    .bind(data)
    .execute(conn)
    .await?;
    Ok(Stored::Yes { bytes: end, job_id })
}

/// The log of a job's attempt (the latest where none is named); none before the first attempt.
pub async fn find(
    pool: &PgPool,
    job: JobId,
    epoch: Option<u32>,
    rank: u16,
) -> Result<Option<Log>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT a.id, a.epoch, a.state, t.rank, t.log_bytes, t.log_end_bytes, t.log_removed_at IS NOT NULL AS is_removed,
                COALESCE(a.finished_at < clock_timestamp() - interval '1 minute', false)
                    AND COALESCE(n.last_seen_at < clock_timestamp() - interval '1 minute', true) AS is_stale
         FROM attempts a JOIN tasks t ON t.attempt_id = a.id JOIN nodes n ON n.id = t.node_id
         WHERE a.job_id = $1 AND ($2::int IS NULL OR a.epoch = $2) AND t.rank = $3
         ORDER BY a.epoch DESC LIMIT 1",
    )
    .bind(job.0)
    .bind(epoch.map(|epoch| i32::try_from(epoch).unwrap_or(i32::MAX)))
    .bind(i16::try_from(rank).unwrap_or(i16::MAX))
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state: &str = row.try_get("state")?;
    Ok(Some(Log {
        attempt_id: AttemptId(row.try_get("id")?),
        rank: row.try_get("rank")?,
        epoch: u32::try_from(row.try_get::<i32, _>("epoch")?).unwrap_or_default(),
        state: state.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?,
        bytes: row.try_get("log_bytes")?,
        end: row.try_get("log_end_bytes")?,
        is_stale: row.try_get("is_stale")?,
        is_removed: row.try_get("is_removed")?,
    }))
}

/// A part of a log, in the database or in the store.
struct Piece {
    start: i64,
    end: i64,
    data: Option<Bytes>,
    object: Option<(String, Vec<i64>)>,
}

/// The pieces that hold the bytes from `offset` to `to`. One statement sees each byte once, even while its
/// segment is moved.
async fn pieces(pool: &PgPool, log: &Log, offset: i64, to: i64) -> Result<Vec<Piece>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT start_byte, end_byte, data, NULL::text AS object, NULL::bigint[] AS frame_ends FROM log_chunks
         WHERE attempt_id = $1 AND rank = $2 AND end_byte > $3 AND start_byte < $4
           -- The chunk that holds the offset begins at most one chunk before it.
           AND start_byte > $3 - $5
         UNION ALL
         SELECT start_byte, end_byte, NULL, object, frame_ends FROM log_segments
         WHERE attempt_id = $1 AND rank = $2 AND end_byte > $3 AND start_byte < $4 AND start_byte > $3 - $6
         ORDER BY start_byte",
    )
    .bind(log.attempt_id.0)
    .bind(log.rank)
    .bind(offset)
    .bind(to)
    .bind(i64::try_from(lilac_api::agent::MAX_LOG_CHUNK_BYTES).unwrap_or(i64::MAX))
    .bind(segment::LONGEST_BYTES)
    .fetch_all(pool)
    .await?;
    let piece = |row: &PgRow| {
        let object: Option<String> = row.try_get("object")?;
        Ok(Piece {
            start: row.try_get("start_byte")?,
            end: row.try_get("end_byte")?,
            data: row.try_get::<Option<Vec<u8>>, _>("data")?.map(Bytes::from),
            object: object.zip(row.try_get("frame_ends")?),
        })
    };
    rows.iter().map(piece).collect()
}

/// At most `limit` bytes of a log from `offset` on.
pub async fn read(app: &App, log: &Log, offset: i64, limit: usize) -> ApiResult<Vec<u8>> {
    let limit = i64::try_from(limit.min(frames::MAX_READ_BYTES)).unwrap_or_default();
    let to = offset.saturating_add(limit).min(log.bytes);
    if offset >= to {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(to - offset).unwrap_or_default());
    let mut position = offset;
    for piece in pieces(&app.pool, log, offset, to).await? {
        if piece.start > position {
            break;
        }
        let (from, until) = (position - piece.start, piece.end.min(to) - piece.start);
        let (from, until) = (from.unsigned_abs(), until.unsigned_abs());
        if let Some((object, ends)) = &piece.object {
            bytes.extend_from_slice(&frames::read(&app.settings.store, object, ends, from..until).await?);
        } else if let Some(data) = &piece.data {
            let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(until).unwrap_or(0);
            bytes.extend_from_slice(data.get(range).unwrap_or_default());
        }
        position = piece.end.min(to);
    }
    // Its time was over while it was read.
    if position < to { Err(removed()) } else { Ok(bytes) }
}

/// The answer to whoever asks for a log that was kept for its time.
pub fn removed() -> ApiError {
    let detail = "the log was kept until its time was over, and is gone";
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, detail)
}

/// The first byte that arrived at `since` or later; up to a second of what came before may be with it.
pub async fn since(pool: &PgPool, log: &Log, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        // What lies behind a mark arrived within a second of it.
        "SELECT (SELECT COALESCE(
                    (SELECT min(mark) FROM unnest(mark_bytes, mark_times) AS m (mark, at)
                     WHERE at > $3 - interval '1 second'), start_byte)
                 FROM log_segments WHERE attempt_id = $1 AND rank = $2 AND stored_to >= $3
                 ORDER BY start_byte LIMIT 1) AS cold,
                (SELECT start_byte FROM log_chunks WHERE attempt_id = $1 AND rank = $2 AND stored_at >= $3
                 ORDER BY start_byte LIMIT 1) AS hot",
    )
    .bind(log.attempt_id.0)
    .bind(log.rank)
    .bind(since)
    .fetch_one(pool)
    .await?;
    let (cold, hot): (Option<i64>, Option<i64>) = (row.try_get("cold")?, row.try_get("hot")?);
    Ok(cold.or(hot).unwrap_or(log.bytes))
}
