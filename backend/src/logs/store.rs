//! The SQL of logs.

use lilac_api::{AttemptId, JobId, NodeId};
use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Row};

use lilac_api::job::AttemptState;

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
         WHERE t.attempt_id = $1 AND t.rank = $2 AND t.node_id = $3 FOR UPDATE OF t",
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
        "SELECT a.id, a.epoch, a.state, t.rank, t.log_bytes, t.log_end_bytes,
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
    }))
}

/// At most `limit` bytes of a log from `offset` on.
pub async fn read(pool: &PgPool, log: &Log, offset: i64, limit: usize) -> Result<Vec<u8>, sqlx::Error> {
    let to = offset.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX)).min(log.bytes);
    let rows = sqlx::query(
        "SELECT start_byte, data FROM log_chunks
         WHERE attempt_id = $1 AND rank = $2 AND end_byte > $3 AND start_byte < $4
           -- The chunk that holds the offset begins at most one chunk before it.
           AND start_byte > $3 - $5
         ORDER BY start_byte",
    )
    .bind(log.attempt_id.0)
    .bind(log.rank)
    .bind(offset)
    .bind(to)
    .bind(i64::try_from(lilac_api::agent::MAX_LOG_CHUNK_BYTES).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let mut bytes = Vec::with_capacity(usize::try_from((to - offset).max(0)).unwrap_or_default());
    for row in rows {
        let start: i64 = row.try_get("start_byte")?;
        let data: &[u8] = row.try_get("data")?;
        let skip = usize::try_from((offset - start).max(0)).unwrap_or_default();
        let end = usize::try_from((to - start).max(0)).unwrap_or_default().min(data.len());
        bytes.extend_from_slice(data.get(skip..end).unwrap_or_default());
    }
    Ok(bytes)
}
