//! Moves logs from the database to the object store, a segment at a time.
//!
//! The hot end of a log is in chunks in the database, where an append is durable with the check of its offset.
//! What is long enough, old enough or complete is packed, put into the store, and then, in one transaction,
//! its chunks are deleted and its row is added. A reader sees the bytes in one place or the other. A crash
//! before the commit leaves an object without a row, and the chunks where they were.

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::{AttemptId, JobId};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::app::App;
use crate::blob::frames::Packer;
use crate::error::{ApiError, ApiResult};
use crate::scheduler::leader::{self, Term};

/// A log that has this much in the database gives some of it to the store.
const MIN_BYTES: i64 = 2 << 20;
/// Where a segment is closed; the chunk that crosses this belongs to it.
const MAX_BYTES: i64 = 4 << 20;
/// The longest that a segment can be: one byte less than full, and one chunk.
pub const LONGEST_BYTES: i64 = MAX_BYTES + (1 << 20);
/// Chunks of a segment at most: a log that trickles has many small ones.
const MAX_CHUNKS: i64 = 50_000;
/// Logs that are looked at in one pass.
const LOGS_AT_ONCE: i64 = 200;
/// How far apart the noted times are at least: what lies between two arrived within this of the first.
const MARK_EVERY: TimeDelta = TimeDelta::seconds(1);

/// Where the next pass goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place(Uuid, i16);

struct Candidate {
    attempt_id: AttemptId,
    rank: i16,
    job_id: JobId,
    epoch: i32,
    start: i64,
}

/// Looks at some logs and moves a segment of each that has one. Gives the number of segments moved.
pub async fn pass(app: &App, term: Term, place: &mut Place) -> ApiResult<usize> {
    let (candidates, next) = candidates(app, *place).await?;
    *place = next;
    let mut moved = 0;
    for candidate in &candidates {
        if app.stopping.is_cancelled() {
            break;
        }
        moved += usize::from(move_segment(app, term, candidate).await?);
    }
    Ok(moved)
}

/// Logs behind `place` whose chunks should move. The index of the chunks is jumped through, log by log.
async fn candidates(app: &App, place: Place) -> Result<(Vec<Candidate>, Place), sqlx::Error> {
    let rows = sqlx::query(
        "WITH RECURSIVE hot AS (
            (SELECT attempt_id, rank, start_byte, stored_at FROM log_chunks
             WHERE (attempt_id, rank) > ($1, $2) ORDER BY attempt_id, rank, start_byte LIMIT 1)
            UNION ALL
            SELECT n.* FROM hot h CROSS JOIN LATERAL (
                SELECT attempt_id, rank, start_byte, stored_at FROM log_chunks c
                WHERE (c.attempt_id, c.rank) > (h.attempt_id, h.rank)
                ORDER BY attempt_id, rank, start_byte LIMIT 1) n
         )
         SELECT h.attempt_id, h.rank, h.start_byte, a.job_id, a.epoch,
                t.log_bytes - h.start_byte >= $4
                -- A log that trickles should not pile up small chunks.
                OR h.stored_at < clock_timestamp() - interval '1 hour'
                OR (a.finished_at < clock_timestamp() - $5 * interval '1 millisecond'
                    AND t.log_bytes >= COALESCE(t.log_end_bytes, 0)) AS is_due
         FROM (SELECT * FROM hot LIMIT $3) h
         JOIN tasks t ON t.attempt_id = h.attempt_id AND t.rank = h.rank
         JOIN attempts a ON a.id = h.attempt_id
         ORDER BY h.attempt_id, h.rank",
    )
    .bind(place.0)
    .bind(place.1)
    .bind(LOGS_AT_ONCE)
    .bind(MIN_BYTES)
    .bind(i64::try_from(app.settings.log_settles.as_millis()).unwrap_or(i64::MAX / 2))
    .fetch_all(&app.pool)
    .await?;
    let is_last = rows.len() < usize::try_from(LOGS_AT_ONCE).unwrap_or_default();
    let mut next = Place::default();
    let mut candidates = Vec::new();
    for row in &rows {
        let candidate = Candidate {
            attempt_id: AttemptId(row.try_get("attempt_id")?),
            rank: row.try_get("rank")?,
            job_id: JobId(row.try_get("job_id")?),
            epoch: row.try_get("epoch")?,
            start: row.try_get("start_byte")?,
        };
        if !is_last {
            next = Place(candidate.attempt_id.0, candidate.rank);
        }
        if row.try_get::<Option<bool>, _>("is_due")? == Some(true) {
            candidates.push(candidate);
        }
    }
    Ok((candidates, next))
}

/// A part of a log, ready for the store.
struct Segment {
    end: i64,
    chunks: u64,
    line_ends: i64,
    stored_from: DateTime<Utc>,
    stored_to: DateTime<Utc>,
    marks: Vec<(i64, DateTime<Utc>)>,
    frame_ends: Vec<i64>,
    packed: Vec<u8>,
}

async fn move_segment(app: &App, term: Term, candidate: &Candidate) -> ApiResult<bool> {
    let rows = sqlx::query(
        "SELECT start_byte, end_byte, stored_at, data FROM log_chunks
         WHERE attempt_id = $1 AND rank = $2 AND start_byte >= $3 AND start_byte < $4
         ORDER BY start_byte LIMIT $5",
    )
    .bind(candidate.attempt_id.0)
    .bind(candidate.rank)
    .bind(candidate.start)
    .bind(candidate.start + MAX_BYTES)
    .bind(MAX_CHUNKS)
    .fetch_all(&app.pool)
    .await?;
    let packed = tokio::task::spawn_blocking(move || pack(&rows)).await;
    let Some(segment) = packed.map_err(|_| ApiError::internal())?? else { return Ok(false) };
    let object = format!(
        "logs/{}/{}-{}/{}-{}.zst",
        candidate.job_id,
        candidate.epoch,
        candidate.rank,
        candidate.start,
        Uuid::now_v7().simple()
    );
    let path = Path::from(object.as_str());
    app.settings.store.put(&path, segment.packed.clone().into()).await?;
    if record(app, term, candidate, &segment, &object).await? {
        return Ok(true);
    }
    // Another leader was faster.
    app.settings.store.delete(&path).await?;
    Ok(false)
}

fn pack(rows: &[PgRow]) -> ApiResult<Option<Segment>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let stored_from: DateTime<Utc> = first.try_get("stored_at")?;
    let mut segment = Segment {
        end: 0,
        chunks: rows.len() as u64,
        line_ends: 0,
        stored_from,
        stored_to: stored_from,
        marks: Vec::new(),
        frame_ends: Vec::new(),
        packed: Vec::new(),
    };
    let mut packer = Packer::default();
    for row in rows {
        let data: &[u8] = row.try_get("data")?;
        let at: DateTime<Utc> = row.try_get("stored_at")?;
        segment.stored_to = segment.stored_to.max(at);
        if segment.marks.last().is_none_or(|(_, marked)| at - *marked >= MARK_EVERY) {
            segment.marks.push((row.try_get("start_byte")?, at));
        }
        segment.line_ends += i64::try_from(memchr::memchr_iter(b'\n', data).count()).unwrap_or_default();
        segment.packed.extend(packer.push(data).map_err(|_| ApiError::internal())?);
        segment.end = row.try_get("end_byte")?;
    }
    segment.packed.extend(packer.finish().map_err(|_| ApiError::internal())?);
    segment.frame_ends = packer.ends;
    Ok(Some(segment))
}

/// Lets the row take the chunks' place. Says whether it did: the chunks may be gone meanwhile.
async fn record(
    app: &App,
    term: Term,
    candidate: &Candidate,
    segment: &Segment,
    object: &str,
) -> ApiResult<bool> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let deleted = sqlx::query(
        "DELETE FROM log_chunks WHERE attempt_id = $1 AND rank = $2 AND start_byte >= $3 AND end_byte <= $4",
    )
    .bind(candidate.attempt_id.0)
    .bind(candidate.rank)
    .bind(candidate.start)
    .bind(segment.end)
    .execute(&mut *tx)
    .await?;
    if deleted.rows_affected() != segment.chunks {
        tx.rollback().await?;
        return Ok(false);
    }
    let (mark_bytes, mark_times): (Vec<i64>, Vec<DateTime<Utc>>) = segment.marks.iter().copied().unzip();
    sqlx::query(
        "INSERT INTO log_segments (attempt_id, rank, start_byte, end_byte, first_line, line_ends, stored_from,
            stored_to, mark_bytes, mark_times, frame_ends, object)
         VALUES ($1, $2, $3, $4,
            COALESCE((SELECT first_line + line_ends FROM log_segments
                      WHERE attempt_id = $1 AND rank = $2 AND start_byte < $3
                      ORDER BY start_byte DESC LIMIT 1), 0),
            $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(candidate.attempt_id.0)
    .bind(candidate.rank)
    .bind(candidate.start)
    .bind(segment.end)
    .bind(segment.line_ends)
    .bind(segment.stored_from)
    .bind(segment.stored_to)
    .bind(mark_bytes)
    .bind(mark_times)
    .bind(&segment.frame_ends)
    .bind(object)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}
