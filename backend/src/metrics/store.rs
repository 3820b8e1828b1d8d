//! The SQL of measurements.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lilac_api::cluster::NodeUsage;
use lilac_api::metric::{GpuUsage, MetricsReport};
use lilac_api::{JobId, NodeId};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// The columns that are counted in, in the order of [`Counted`].
const USAGE: &str = "cpu_micros bigint, memory_bytes bigint, disk_read_bytes bigint, disk_written_bytes bigint, \
    network_received_bytes bigint, network_sent_bytes bigint, gpu_milli integer, gpu_memory_bytes bigint";
const COLUMNS: &str = "cpu_micros, memory_bytes, memory_peak_bytes, disk_read_bytes, disk_written_bytes, \
    network_received_bytes, network_sent_bytes, gpu_milli, gpu_memory_bytes";
const VALUES: &str = "u.cpu_micros, u.memory_bytes, u.memory_bytes, u.disk_read_bytes, u.disk_written_bytes, \
    u.network_received_bytes, u.network_sent_bytes, u.gpu_milli, u.gpu_memory_bytes";
/// A node's clock may be wrong, and what it measured long ago belongs to a time that is thinned out already.
const IN_TIME: &str =
    "s.at BETWEEN clock_timestamp() - interval '1 day' AND clock_timestamp() + interval '1 minute'";

/// Stores what a node measured, and what it measured of tasks that are its own.
pub async fn take(conn: &mut PgConnection, node: NodeId, report: &MetricsReport) -> sqlx::Result<()> {
    let of_node = format!(
        "INSERT INTO node_usage (node_id, at, {COLUMNS}, gpus)
         SELECT $1, s.at, {VALUES}, COALESCE(s.gpus, '[]')
         FROM jsonb_to_recordset($2) AS s (at timestamptz, node jsonb, gpus jsonb)
         CROSS JOIN LATERAL jsonb_to_record(s.node) AS u ({USAGE})
         WHERE {IN_TIME} ON CONFLICT DO NOTHING"
    );
    let of_tasks = format!(
        "INSERT INTO task_usage (attempt_id, rank, at, {COLUMNS})
         SELECT k.attempt_id, k.rank, s.at, {VALUES}
         FROM jsonb_to_recordset($2) AS s (at timestamptz, tasks jsonb)
         CROSS JOIN LATERAL jsonb_to_recordset(s.tasks) AS t (attempt_id uuid, rank integer, usage jsonb)
         CROSS JOIN LATERAL jsonb_to_record(t.usage) AS u ({USAGE})
         JOIN tasks k ON k.attempt_id = t.attempt_id AND k.rank = t.rank AND k.node_id = $1
         WHERE {IN_TIME} ON CONFLICT DO NOTHING"
    );
    // The statements are made of this file's own words.
    for insert in [of_node, of_tasks] {
        sqlx::query(AssertSqlSafe(insert))
            .bind(node.0)
            .bind(Json(&report.samples))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// What was counted up to one moment, and what was used at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counted {
    pub at: DateTime<Utc>,
    pub cpu_micros: i64,
    pub memory_bytes: i64,
    pub memory_peak_bytes: i64,
    pub disk_read_bytes: i64,
    pub disk_written_bytes: i64,
    pub network_received_bytes: i64,
    pub network_sent_bytes: i64,
    pub gpu_milli: Option<i32>,
    pub gpu_memory_bytes: Option<i64>,
}

/// A part of time, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub step_secs: i64,
}

/// One row for each step in which something was measured: the counters at its end, the averages over it.
fn stepped(table: &str, whose: &str) -> String {
    let last = |column: &str| format!("(array_agg({column} ORDER BY at DESC))[1] AS {column}");
    format!(
        "SELECT max(at) AS at, {}, avg(memory_bytes)::bigint AS memory_bytes, max(memory_peak_bytes) AS memory_peak_bytes,
                {}, {}, {}, {}, avg(gpu_milli)::integer AS gpu_milli, avg(gpu_memory_bytes)::bigint AS gpu_memory_bytes
         FROM {table} WHERE {whose} AND at >= $1 - $3 * interval '1 second' AND at <= $2
         GROUP BY date_bin($3 * interval '1 second', at, 'epoch') ORDER BY 1",
        last("cpu_micros"),
        last("disk_read_bytes"),
        last("disk_written_bytes"),
        last("network_received_bytes"),
        last("network_sent_bytes"),
    )
}

/// What a node counted, from a step before the span on.
pub async fn of_node(conn: &mut PgConnection, node: NodeId, span: Span) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as(AssertSqlSafe(stepped("node_usage", "node_id = $4")))
        .bind(span.since)
        .bind(span.until)
        .bind(span.step_secs)
        .bind(node.0)
        .fetch_all(conn)
        .await
}

/// What was counted of a task, from a step before the span on.
pub async fn of_task(conn: &mut PgConnection, task: &Task, span: Span) -> sqlx::Result<Vec<Counted>> {
    sqlx::query_as(AssertSqlSafe(stepped("task_usage", "attempt_id = $4 AND rank = $5")))
        .bind(span.since)
        .bind(span.until)
        .bind(span.step_secs)
        .bind(task.attempt_id)
        .bind(task.rank)
        .fetch_all(conn)
        .await
}

/// A task whose measurements are asked for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Task {
    pub attempt_id: Uuid,
    pub epoch: i32,
    pub rank: i16,
    pub began_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The task of a job's attempt, the latest where none is named; none before the first.
pub async fn task(
    conn: &mut PgConnection,
    job: JobId,
    epoch: Option<u32>,
    rank: u16,
) -> sqlx::Result<Option<Task>> {
    sqlx::query_as(
        "SELECT a.id AS attempt_id, a.epoch, t.rank, COALESCE(a.started_at, a.granted_at) AS began_at,
                a.finished_at AS ended_at
         FROM attempts a JOIN tasks t ON t.attempt_id = a.id
         WHERE a.job_id = $1 AND ($2::int IS NULL OR a.epoch = $2) AND t.rank = $3
         ORDER BY a.epoch DESC LIMIT 1",
    )
    .bind(job.0)
    .bind(epoch.map(|epoch| i32::try_from(epoch).unwrap_or(i32::MAX)))
    .bind(i16::try_from(rank).unwrap_or(i16::MAX))
    .fetch_optional(conn)
    .await
}

type UsageRow = (Uuid, DateTime<Utc>, i64, i64, Json<Vec<GpuUsage>>);

/// What each node uses now, where that was measured lately; of all, or of the one that is asked for.
pub async fn latest(conn: &mut PgConnection, only: Option<NodeId>) -> sqlx::Result<HashMap<Uuid, NodeUsage>> {
    let rows: Vec<UsageRow> = sqlx::query_as(
        "SELECT n.id, u.at, GREATEST(0, (u.cpu_micros - p.cpu_micros) / NULLIF(extract(epoch FROM u.at - p.at) * 1000, 0))::bigint,
                u.memory_bytes, u.gpus
         FROM nodes n
         CROSS JOIN LATERAL (SELECT * FROM node_usage WHERE node_id = n.id AND at > clock_timestamp() - interval '2 minutes'
                             ORDER BY at DESC LIMIT 1) u
         CROSS JOIN LATERAL (SELECT at, cpu_micros FROM node_usage WHERE node_id = n.id AND at < u.at
                             ORDER BY at DESC LIMIT 1) p
         WHERE n.removed_at IS NULL AND ($1::uuid IS NULL OR n.id = $1)",
    )
    .bind(only.map(|id| id.0))
    .fetch_all(conn)
    .await?;
    let usage = |(id, at, cpu_milli, memory_bytes, Json(gpus)): UsageRow| {
        let (cpu_milli, memory_bytes) = (cpu_milli.unsigned_abs(), memory_bytes.unsigned_abs());
        (id, NodeUsage { at, cpu_milli, memory_bytes, gpus })
    };
    Ok(rows.into_iter().map(usage).collect())
}
