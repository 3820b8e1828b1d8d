//! The SQL of queues.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::problem::ErrorCode;
use lilac_api::queue::Queue;
use lilac_api::{ClusterId, QueueId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::{ApiError, ApiResult, broken_constraint};

#[derive(sqlx::FromRow)]
struct QueueRow {
    id: Uuid,
    name: String,
    team: String,
    priority: i32,
    clusters: Vec<String>,
    paused: bool,
    queued: i64,
    running: i64,
    created_at: DateTime<Utc>,
    version: i64,
}

/// A queue, and the version that its `ETag` carries.
pub struct Versioned {
    pub queue: Queue,
    pub version: i64,
}

impl From<QueueRow> for Versioned {
    fn from(row: QueueRow) -> Self {
        let queue = Queue {
            id: QueueId(row.id),
            name: row.name,
            team: row.team,
            priority: row.priority,
            clusters: row.clusters,
            paused: row.paused,
            queued: row.queued.unsigned_abs(),
            running: row.running.unsigned_abs(),
            created_at: row.created_at,
        };
        Self { queue, version: row.version }
    }
}

/// The queues in the order in which they are served, or the one that is asked for. Only unfinished jobs are
/// counted, so the cost does not grow with history. `teams` as in [`crate::auth::caller::Caller::sees`].
pub async fn queues(
    conn: &mut PgConnection,
    teams: Option<&[Uuid]>,
    only: Option<QueueId>,
) -> sqlx::Result<Vec<Versioned>> {
    let rows: Vec<QueueRow> = sqlx::query_as(
        "WITH counts AS (
             SELECT queue_id, count(*) FILTER (WHERE state = 'queued') AS queued,
                    count(*) FILTER (WHERE state IN ('starting', 'running')) AS running
             FROM jobs
             WHERE state IN ('queued', 'starting', 'running') AND ($1::uuid IS NULL OR queue_id = $1)
             GROUP BY queue_id
         ), targets AS (
             SELECT qc.queue_id, array_agg(c.name ORDER BY qc.position) AS clusters
             FROM queue_clusters qc JOIN clusters c ON c.id = qc.cluster_id
             WHERE $1::uuid IS NULL OR qc.queue_id = $1
             GROUP BY qc.queue_id
         )
         SELECT q.id, q.name, m.name AS team, q.priority, COALESCE(t.clusters, '{}') AS clusters, q.paused,
                COALESCE(n.queued, 0) AS queued, COALESCE(n.running, 0) AS running, q.created_at, q.version
         FROM queues q JOIN teams m ON m.id = q.team_id LEFT JOIN counts n ON n.queue_id = q.id LEFT JOIN targets t ON t.queue_id = q.id
         WHERE ($1::uuid IS NULL OR q.id = $1) AND ($2::uuid[] IS NULL OR q.team_id = ANY($2))
         ORDER BY q.priority DESC, q.name",
    )
    .bind(only.map(|id| id.0))
    .bind(teams)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Versioned::from).collect())
}

pub async fn queue(conn: &mut PgConnection, teams: Option<&[Uuid]>, id: QueueId) -> ApiResult<Versioned> {
    queues(conn, teams, Some(id)).await?.pop().ok_or_else(|| ApiError::not_found("queue"))
}

/// Ids of clusters by their names, in the names' order; none for a name that no cluster has.
pub async fn clusters_by_name(
    conn: &mut PgConnection,
    names: &[String],
) -> sqlx::Result<Vec<Option<ClusterId>>> {
    let ids: Vec<Option<Uuid>> = sqlx::query_scalar(
        "SELECT c.id FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, position)
         LEFT JOIN clusters c ON c.name = wanted.name ORDER BY wanted.position",
    )
    .bind(names)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(|id| id.map(ClusterId)).collect())
}

pub async fn insert_queue(
    conn: &mut PgConnection,
    name: &str,
    team: &str,
    priority: i32,
    clusters: &[ClusterId],
) -> ApiResult<QueueId> {
    let id = QueueId::new();
    let done = sqlx::query(
        "INSERT INTO queues (id, name, team_id, priority)
         SELECT $1, $2, id, $4 FROM teams WHERE lower(name) = lower($3)",
    )
    .bind(id.0)
    .bind(name)
    .bind(team)
    .bind(priority)
    .execute(&mut *conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("queues_name_key") => {
            let detail = format!("there is a queue named `{name}` already");
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    if done.rows_affected() == 0 {
        return Err(ApiError::field("team", "not-found", "there is no such team"));
    }
    set_clusters(conn, id, clusters).await?;
    Ok(id)
}

/// Holds the queue's row until the transaction ends; gives its version.
pub async fn lock_queue(conn: &mut PgConnection, id: QueueId) -> ApiResult<i64> {
    let version = sqlx::query_scalar("SELECT version FROM queues WHERE id = $1 FOR NO KEY UPDATE")
        .bind(id.0)
        .fetch_optional(conn)
        .await?;
    version.ok_or_else(|| ApiError::not_found("queue"))
}

/// Changes what is given, and counts the version up.
pub async fn update_queue(
    conn: &mut PgConnection,
    id: QueueId,
    priority: Option<i32>,
    paused: Option<bool>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE queues SET priority = COALESCE($2, priority), paused = COALESCE($3, paused),
                version = version + 1
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(priority)
    .bind(paused)
    .execute(conn)
    .await?;
    Ok(())
}

/// Says on which clusters the queue's jobs may run, the preferred first.
pub async fn set_clusters(conn: &mut PgConnection, id: QueueId, clusters: &[ClusterId]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM queue_clusters WHERE queue_id = $1").bind(id.0).execute(&mut *conn).await?;
    let clusters: Vec<Uuid> = clusters.iter().map(|cluster| cluster.0).collect();
    sqlx::query(
        "INSERT INTO queue_clusters (queue_id, cluster_id, position)
         SELECT $1, cluster_id, position - 1
         FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (cluster_id, position)",
    )
    .bind(id.0)
    .bind(&clusters)
    .execute(conn)
    .await?;
    Ok(())
}
