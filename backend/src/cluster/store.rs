//! The SQL of clusters and join keys. That of nodes as users see them is in `nodes_store`.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::cluster::{Cluster, JoinKey, PlacementPolicy, UpdateCluster};
use lilac_api::job::Amounts;
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::{ClusterId, JoinKeyId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::auth::keys::Kind;
use crate::error::{ApiError, ApiResult, broken_constraint};

/// Silence, in seconds, after which a node counts as unreachable; as PostgreSQL takes it.
#[expect(clippy::cast_precision_loss, reason = "a small constant")]
pub const UNREACHABLE_AFTER: f64 = UNREACHABLE_AFTER_SECS as f64;

#[derive(sqlx::FromRow)]
struct ClusterRow {
    id: Uuid,
    name: String,
    placement_policy: String,
    max_disconnect_millis: i64,
    created_at: DateTime<Utc>,
    nodes: i64,
    nodes_alive: i64,
    #[sqlx(flatten)]
    capacity: CapacityRow,
    #[sqlx(flatten)]
    allocated: AllocatedRow,
}

#[derive(sqlx::FromRow)]
struct CapacityRow {
    cpu_milli: i64,
    memory_bytes: i64,
    disk_bytes: i64,
    gpus: i64,
}

/// What attempts hold, of one node or of a cluster's.
#[derive(Default, sqlx::FromRow)]
pub struct AllocatedRow {
    pub held_cpu_milli: i64,
    pub held_memory_bytes: i64,
    pub held_disk_bytes: i64,
    pub held_gpus: i64,
}

impl From<CapacityRow> for Amounts {
    fn from(row: CapacityRow) -> Self {
        amounts(row.cpu_milli, row.memory_bytes, row.disk_bytes, row.gpus)
    }
}

impl From<AllocatedRow> for Amounts {
    fn from(row: AllocatedRow) -> Self {
        amounts(row.held_cpu_milli, row.held_memory_bytes, row.held_disk_bytes, row.held_gpus)
    }
}

/// Sums as PostgreSQL counts them, as the API does. What is beyond its numbers is shown as the largest.
pub fn amounts(cpu_milli: i64, memory_bytes: i64, disk_bytes: i64, gpus: i64) -> Amounts {
    Amounts {
        cpu_milli: count(cpu_milli),
        memory_bytes: u64::try_from(memory_bytes).unwrap_or_default(),
        disk_bytes: u64::try_from(disk_bytes).unwrap_or_default(),
        gpus: count(gpus),
    }
}

/// A count that is never negative.
pub fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn unknown_word(what: &str, word: &str) -> ApiError {
    tracing::error!(what, word, "the database holds an unknown word");
    ApiError::internal()
}

impl ClusterRow {
    fn into_cluster(self) -> ApiResult<Cluster> {
        let policy = self.placement_policy.parse();
        let millis = u64::try_from(self.max_disconnect_millis).unwrap_or_default();
        Ok(Cluster {
            id: ClusterId(self.id),
            placement_policy: policy.map_err(|_| unknown_word("placement policy", &self.placement_policy))?,
            name: self.name,
            max_disconnect: Span(Duration::from_millis(millis)),
            nodes: count(self.nodes),
            nodes_alive: count(self.nodes_alive),
            capacity: self.capacity.into(),
            allocated: self.allocated.into(),
            created_at: self.created_at,
        })
    }
}

/// The clusters by name, or the one that is asked for. What attempts hold is counted on living nodes, as the
/// capacity is, so that the one is a part of the other.
pub async fn clusters(conn: &mut PgConnection, only: Option<ClusterId>) -> ApiResult<Vec<Cluster>> {
    let rows: Vec<ClusterRow> = sqlx::query_as(
        "WITH members AS (
             SELECT id, cluster_id, runtime_ok, cpu_milli, memory_bytes, disk_bytes, gpus,
                    COALESCE(last_seen_at > now() - $2 * interval '1 second', false) AS living
             FROM nodes WHERE removed_at IS NULL AND ($1::uuid IS NULL OR cluster_id = $1)
         ), sums AS (
             SELECT cluster_id, count(*) AS nodes, count(*) FILTER (WHERE living AND runtime_ok) AS nodes_alive,
                    sum(cpu_milli) FILTER (WHERE living) AS cpu_milli,
                    sum(memory_bytes) FILTER (WHERE living) AS memory_bytes,
                    sum(disk_bytes) FILTER (WHERE living) AS disk_bytes,
                    sum(jsonb_array_length(gpus)) FILTER (WHERE living) AS gpus
             FROM members GROUP BY cluster_id
         ), holds AS (
             SELECT m.cluster_id, sum(t.cpu_milli) AS cpu_milli, sum(t.memory_bytes) AS memory_bytes,
                    sum(t.disk_bytes) AS disk_bytes
             FROM tasks t JOIN members m ON m.id = t.node_id
             WHERE t.released_at IS NULL AND m.living GROUP BY m.cluster_id
         ), shared AS (
             -- One that is held in part counts as held.
             SELECT m.cluster_id, count(DISTINCT (g.node_id, g.gpu_index)) AS gpus
             FROM gpu_claims g JOIN members m ON m.id = g.node_id WHERE m.living GROUP BY m.cluster_id
         )
         SELECT c.id, c.name, c.placement_policy, c.max_disconnect_millis, c.created_at,
                COALESCE(s.nodes, 0) AS nodes, COALESCE(s.nodes_alive, 0) AS nodes_alive,
                COALESCE(s.cpu_milli, 0)::bigint AS cpu_milli,
                LEAST(COALESCE(s.memory_bytes, 0), 9223372036854775807)::bigint AS memory_bytes,
                LEAST(COALESCE(s.disk_bytes, 0), 9223372036854775807)::bigint AS disk_bytes,
                COALESCE(s.gpus, 0)::bigint AS gpus,
                COALESCE(h.cpu_milli, 0)::bigint AS held_cpu_milli,
                LEAST(COALESCE(h.memory_bytes, 0), 9223372036854775807)::bigint AS held_memory_bytes,
                LEAST(COALESCE(h.disk_bytes, 0), 9223372036854775807)::bigint AS held_disk_bytes,
                COALESCE(g.gpus, 0)::bigint AS held_gpus
         FROM clusters c LEFT JOIN sums s ON s.cluster_id = c.id LEFT JOIN holds h ON h.cluster_id = c.id
         LEFT JOIN shared g ON g.cluster_id = c.id
         WHERE c.deleted_at IS NULL AND ($1::uuid IS NULL OR c.id = $1)
         ORDER BY c.name",
    )
    .bind(only.map(|id| id.0))
    .bind(UNREACHABLE_AFTER)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ClusterRow::into_cluster).collect()
}

pub async fn cluster(conn: &mut PgConnection, id: ClusterId) -> ApiResult<Cluster> {
    clusters(conn, Some(id)).await?.pop().ok_or_else(|| ApiError::not_found("cluster"))
}

pub async fn insert_cluster(
    conn: &mut PgConnection,
    name: &str,
    policy: PlacementPolicy,
    max_disconnect: Span,
) -> ApiResult<ClusterId> {
    let id = ClusterId::new();
    sqlx::query(
        "INSERT INTO clusters (id, name, placement_policy, max_disconnect_millis) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.0)
    .bind(name)
    .bind(<&str>::from(policy))
    .bind(i64::try_from(max_disconnect.0.as_millis()).unwrap_or(i64::MAX))
    .execute(conn)
    .await
    .map_err(|error| match broken_constraint(&error) {
        Some("clusters_name_key") => {
            let detail = format!("there is a cluster named `{name}` already");
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    Ok(id)
}

pub async fn cluster_exists(conn: &mut PgConnection, id: ClusterId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM clusters WHERE id = $1 AND deleted_at IS NULL)")
        .bind(id.0)
        .fetch_one(conn)
        .await
}

pub async fn version(conn: &mut PgConnection, id: ClusterId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT version FROM clusters WHERE id = $1").bind(id.0).fetch_one(conn).await
}

/// Holds the cluster's row until the transaction ends, against nodes that join and queues that turn to it too;
/// gives its version and name.
pub async fn lock_cluster(conn: &mut PgConnection, id: ClusterId) -> ApiResult<(i64, String)> {
    let row =
        sqlx::query_as("SELECT version, name FROM clusters WHERE id = $1 AND deleted_at IS NULL FOR UPDATE")
            .bind(id.0)
            .fetch_optional(conn)
            .await?;
    row.ok_or_else(|| ApiError::not_found("cluster"))
}

/// Changes what is given, and counts the version up.
pub async fn update_cluster(
    conn: &mut PgConnection,
    id: ClusterId,
    change: &UpdateCluster,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE clusters SET placement_policy = COALESCE($2, placement_policy),
                max_disconnect_millis = COALESCE($3, max_disconnect_millis), version = version + 1
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(change.placement_policy.map(<&str>::from))
    .bind(change.max_disconnect.map(|span| i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX)))
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a cluster that nothing needs, and its join keys. The row stays, unseen.
pub async fn delete_cluster(conn: &mut PgConnection, id: ClusterId) -> ApiResult<()> {
    let (nodes, queues): (i64, Vec<String>) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM nodes WHERE cluster_id = $1 AND removed_at IS NULL),
                ARRAY(SELECT q.name FROM queue_clusters c JOIN queues q ON q.id = c.queue_id
                      WHERE c.cluster_id = $1 AND q.deleted_at IS NULL ORDER BY q.name LIMIT 10)",
    )
    .bind(id.0)
    .fetch_one(&mut *conn)
    .await?;
    if nodes > 0 {
        return Err(ApiError::conflict(format!("nodes are in it ({nodes}): remove them first")));
    }
    if !queues.is_empty() {
        return Err(ApiError::conflict(format!("queues feed it: {}", queues.join(", "))));
    }
    for statement in [
        "DELETE FROM join_keys WHERE cluster_id = $1",
        "DELETE FROM queue_clusters WHERE cluster_id = $1",
        "UPDATE clusters SET deleted_at = now(), version = version + 1 WHERE id = $1",
    ] {
        sqlx::query(statement).bind(id.0).execute(&mut *conn).await?;
    }
    Ok(())
}

// Join keys.

#[derive(sqlx::FromRow)]
struct JoinKeyRow {
    id: Uuid,
    name: String,
    reusable: bool,
    uses: i32,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<JoinKeyRow> for JoinKey {
    fn from(row: JoinKeyRow) -> Self {
        Self {
            id: JoinKeyId(row.id),
            name: row.name,
            prefix: Kind::JoinKey.beginning(row.id),
            reusable: row.reusable,
            uses: count(row.uses.into()),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// All keys of a cluster, the newest first; the revoked ones say so.
pub async fn join_keys(conn: &mut PgConnection, cluster: ClusterId) -> sqlx::Result<Vec<JoinKey>> {
    let rows: Vec<JoinKeyRow> = sqlx::query_as(
        "SELECT id, name, reusable, uses, created_at, expires_at, last_used_at, revoked_at
         FROM join_keys WHERE cluster_id = $1 ORDER BY id DESC",
    )
    .bind(cluster.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(JoinKey::from).collect())
}

/// A join key to be.
pub struct NewJoinKey<'a> {
    pub id: JoinKeyId,
    pub cluster: ClusterId,
    pub name: &'a str,
    pub secret_hmac: &'a [u8],
    pub reusable: bool,
    pub created_by: UserId,
    pub lifetime_secs: Option<f64>,
}

pub async fn insert_join_key(conn: &mut PgConnection, key: &NewJoinKey<'_>) -> ApiResult<JoinKey> {
    let row: Option<JoinKeyRow> = sqlx::query_as(
        "INSERT INTO join_keys (id, cluster_id, name, secret_hmac, reusable, created_by, expires_at)
         SELECT $1, id, $3, $4, $5, $6, now() + $7 * interval '1 second'
         FROM clusters WHERE id = $2 AND deleted_at IS NULL FOR KEY SHARE
         RETURNING id, name, reusable, uses, created_at, expires_at, last_used_at, revoked_at",
    )
    .bind(key.id.0)
    .bind(key.cluster.0)
    .bind(key.name)
    .bind(key.secret_hmac)
    .bind(key.reusable)
    .bind(key.created_by.0)
    .bind(key.lifetime_secs)
    .fetch_optional(conn)
    .await?;
    row.map(JoinKey::from).ok_or_else(|| ApiError::not_found("cluster"))
}

/// Says whether the cluster has such a key. One that is revoked already keeps its time.
pub async fn revoke_join_key(
    conn: &mut PgConnection,
    cluster: ClusterId,
    id: JoinKeyId,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE join_keys SET revoked_at = COALESCE(revoked_at, now()) WHERE id = $1 AND cluster_id = $2",
    )
    .bind(id.0)
    .bind(cluster.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
