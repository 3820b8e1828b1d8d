//! The SQL of nodes as users see them. What agents write is in `register` and `sync`.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use lilac_api::cluster::Gpu;
use lilac_api::{JobId, NodeId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::store::AllocatedRow;

/// A node, and what is held of it.
#[derive(Default, sqlx::FromRow)]
pub struct NodeRow {
    pub id: Uuid,
    pub name: String,
    pub cluster: String,
    pub cordoned: bool,
    pub runtime_ok: bool,
    pub runtime_message: String,
    pub docker_version: String,
    pub agent_version: String,
    pub cpu_milli: i32,
    pub memory_bytes: i64,
    pub disk_bytes: i64,
    pub gpus: Json<Vec<Gpu>>,
    pub labels: Json<BTreeMap<String, String>>,
    pub registered_at: DateTime<Utc>,
    pub last_seen_at: Option<DateTime<Utc>>,
    /// The database's clock, which also wrote `last_seen_at`.
    pub now: DateTime<Utc>,
    /// Attempts that hold a part of the node: each is another job's.
    pub attempts: i64,
    /// When the last of their leases ends.
    pub leases_until: Option<DateTime<Utc>>,
    #[sqlx(flatten)]
    pub held: AllocatedRow,
}

/// The nodes that are not removed, by name; or the one that is asked for.
pub async fn nodes(conn: &mut PgConnection, only: Option<NodeId>) -> sqlx::Result<Vec<NodeRow>> {
    sqlx::query_as(
        "WITH holds AS (
             SELECT t.node_id, count(DISTINCT t.attempt_id) AS attempts, max(t.lease_until) AS leases_until,
                    sum(t.cpu_milli) AS cpu_milli, sum(t.memory_bytes) AS memory_bytes,
                    sum(t.disk_bytes) AS disk_bytes, sum(cardinality(t.gpu_indices)) AS gpus
             FROM tasks t
             WHERE t.released_at IS NULL AND ($1::uuid IS NULL OR t.node_id = $1) GROUP BY t.node_id
         )
         SELECT n.id, n.name, c.name AS cluster, n.cordoned, n.runtime_ok, n.runtime_message, n.docker_version,
                n.agent_version, n.cpu_milli, n.memory_bytes, n.disk_bytes, n.gpus, n.labels, n.registered_at,
                n.last_seen_at, now() AS now, COALESCE(h.attempts, 0) AS attempts, h.leases_until,
                COALESCE(h.cpu_milli, 0)::bigint AS held_cpu_milli,
                LEAST(COALESCE(h.memory_bytes, 0), 9223372036854775807)::bigint AS held_memory_bytes,
                LEAST(COALESCE(h.disk_bytes, 0), 9223372036854775807)::bigint AS held_disk_bytes,
                COALESCE(h.gpus, 0)::bigint AS held_gpus
         FROM nodes n JOIN clusters c ON c.id = n.cluster_id LEFT JOIN holds h ON h.node_id = n.id
         WHERE n.removed_at IS NULL AND ($1::uuid IS NULL OR n.id = $1)
         ORDER BY n.name, c.name",
    )
    .bind(only.map(|id| id.0))
    .fetch_all(conn)
    .await
}

/// Which job holds which GPU: by node and position on it.
pub async fn gpu_holders(
    conn: &mut PgConnection,
    only: Option<NodeId>,
) -> sqlx::Result<HashMap<(Uuid, u16), JobId>> {
    let rows: Vec<(Uuid, i16, Uuid)> = sqlx::query_as(
        "SELECT g.node_id, g.gpu_index, a.job_id FROM gpu_claims g JOIN attempts a ON a.id = g.attempt_id
         WHERE $1::uuid IS NULL OR g.node_id = $1",
    )
    .bind(only.map(|id| id.0))
    .fetch_all(conn)
    .await?;
    let by_gpu = |(node, index, job): (Uuid, i16, Uuid)| ((node, index.unsigned_abs()), JobId(job));
    Ok(rows.into_iter().map(by_gpu).collect())
}

/// Says whether there is such a node.
pub async fn set_cordoned(conn: &mut PgConnection, id: NodeId, cordoned: bool) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE nodes SET cordoned = $2 WHERE id = $1 AND removed_at IS NULL")
        .bind(id.0)
        .bind(cordoned)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Holds the node's row until the transaction ends, against tasks that would be placed on it too; gives its
/// name.
pub async fn lock_node(conn: &mut PgConnection, id: NodeId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT name FROM nodes WHERE id = $1 AND removed_at IS NULL FOR UPDATE")
        .bind(id.0)
        .fetch_optional(conn)
        .await
}

/// Removes the node and voids its credential: no HMAC is empty.
pub async fn mark_removed(conn: &mut PgConnection, id: NodeId) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET removed_at = now(), credential_hmac = '', session_id = NULL WHERE id = $1")
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(())
}
