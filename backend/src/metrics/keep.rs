//! Thinning out what grows old, by the leader: the rows of a step become one, with the counters as they stood at its
//! end, so that no sum changes. What a job used is kept as long as the job.

use std::time::Duration;

use lilac_api::quantity::Span;
use sqlx::{AssertSqlSafe, Row};

use crate::app::App;
use crate::error::ApiResult;
use crate::scheduler::leader::{self, Term};

/// What is older than so many seconds is kept in steps of so many, which were of so many before.
const LEVELS: [(i64, i32, i32); 2] = [(2 * 3_600, 0, 60), (3 * 86_400, 60, 900)];
/// How long what nodes used is kept.
const NODE_DAYS: i32 = 30;
/// How many steps one sweep thins out, of each kind: the rest waits for the next.
const STEPS: usize = 20;

const TABLES: [(&str, &str); 2] = [("node_usage", "node_id"), ("task_usage", "attempt_id, rank")];

/// Thins out the next steps. Says whether there may be more.
pub async fn thin_out(app: &App, term: Term) -> ApiResult<bool> {
    let mut more = false;
    for (table, key) in TABLES {
        for level in LEVELS {
            let mut steps = 0;
            while steps < STEPS && step(app, term, table, key, level).await? {
                steps += 1;
            }
            more |= steps == STEPS;
        }
    }
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    sqlx::query(
        "DELETE FROM node_usage WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM node_usage WHERE step_secs = 900 AND at < clock_timestamp() - $1 * interval '1 day' LIMIT 5000))",
    )
    .bind(NODE_DAYS)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(more)
}

/// Thins out the oldest step of a level. Says whether there was one.
async fn step(
    app: &App,
    term: Term,
    table: &str,
    key: &str,
    (older_secs, from, to): (i64, i32, i32),
) -> ApiResult<bool> {
    let last = |column: &str| format!("(array_agg({column} ORDER BY at DESC))[1]");
    let roll = format!(
        "WITH first AS (
            SELECT date_bin($3 * interval '1 second', min(at), 'epoch') AS start FROM {table} WHERE step_secs = $2
        ), old AS (
            DELETE FROM {table} t USING first
            WHERE t.step_secs = $2 AND t.at >= first.start AND t.at < first.start + $3 * interval '1 second'
              -- A step that is not over yet as a whole is left alone.
              AND first.start + $3 * interval '1 second' < clock_timestamp() - $1 * interval '1 second'
            RETURNING t.*
        ), rolled AS (
            INSERT INTO {table} ({key}, at, step_secs, cpu_micros, memory_bytes, memory_peak_bytes, disk_read_bytes,
                disk_written_bytes, network_received_bytes, network_sent_bytes, gpu_milli, gpu_memory_bytes)
            SELECT {key}, max(at), $3, {}, avg(memory_bytes)::bigint, max(memory_peak_bytes), {}, {}, {}, {},
                avg(gpu_milli)::integer, avg(gpu_memory_bytes)::bigint
            FROM old GROUP BY {key}
            ON CONFLICT DO NOTHING
        )
        SELECT count(*) AS rows FROM old",
        last("cpu_micros"),
        last("disk_read_bytes"),
        last("disk_written_bytes"),
        last("network_received_bytes"),
        last("network_sent_bytes"),
    );
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    // The statement is made of this file's own words.
    let rows: i64 = sqlx::query(AssertSqlSafe(roll))
        .bind(older_secs)
        .bind(from)
        .bind(to)
        .fetch_one(&mut *tx)
        .await?
        .try_get("rows")?;
    tx.commit().await?;
    if rows > 0 {
        let step = Span(Duration::from_secs(u64::from(to.unsigned_abs())));
        tracing::debug!(table, rows, %step, "thinned out");
    }
    Ok(rows > 0)
}
