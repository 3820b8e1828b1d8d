//! The SQL of nodes as users see them. What agents write is in `register` and `sync`.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use lilac_api::cluster::Gpu;
use lilac_api::image::CachedImage;
use lilac_api::{ClusterId, JobId, NodeId};
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
    pub engine: String,
    pub docker_version: String,
    pub address: Option<String>,
    pub agent_version: String,
    pub cpu_milli: i32,
    pub memory_bytes: i64,
    pub disk_bytes: i64,
    pub gpus: Json<Vec<Gpu>>,
    pub labels: Json<BTreeMap<String, String>>,
    pub admin_labels: Json<BTreeMap<String, String>>,
    pub cordon_reason: String,
    pub drain_deadline: Option<DateTime<Utc>>,
    pub drained_at: Option<DateTime<Utc>>,
    /// Only where a single node was asked for.
    pub images: Option<Json<Vec<CachedImage>>>,
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

/// Which nodes to read; all of them by default.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    pub only: Option<NodeId>,
    pub cluster: Option<ClusterId>,
    /// Those that come after this one in the order of their names.
    pub after: Option<Uuid>,
    pub limit: Option<i64>,
}

/// The nodes that are not removed, by name.
pub async fn nodes(conn: &mut PgConnection, wanted: Wanted) -> sqlx::Result<Vec<NodeRow>> {
    sqlx::query_as(
        "WITH holds AS (
             SELECT t.node_id, count(DISTINCT t.attempt_id) AS attempts, max(t.lease_until) AS leases_until,
                    sum(t.cpu_milli) AS cpu_milli, sum(t.memory_bytes) AS memory_bytes,
                    sum(t.disk_bytes) AS disk_bytes
             FROM tasks t
             WHERE t.released_at IS NULL AND ($1::uuid IS NULL OR t.node_id = $1) GROUP BY t.node_id
         )
         SELECT n.id, n.name, c.name AS cluster, n.cordoned, n.runtime_ok, n.runtime_message, n.engine, n.docker_version, n.address,
                n.agent_version, n.cpu_milli, n.memory_bytes, n.disk_bytes, n.gpus, n.labels, n.admin_labels, n.cordon_reason, n.drain_deadline, n.drained_at, n.registered_at,
                CASE WHEN $1::uuid IS NOT NULL THEN n.images END AS images,
                n.last_seen_at, now() AS now, COALESCE(h.attempts, 0) AS attempts, h.leases_until,
                COALESCE(h.cpu_milli, 0)::bigint AS held_cpu_milli,
                LEAST(COALESCE(h.memory_bytes, 0), 9223372036854775807)::bigint AS held_memory_bytes,
                LEAST(COALESCE(h.disk_bytes, 0), 9223372036854775807)::bigint AS held_disk_bytes,
                (SELECT count(DISTINCT gpu_index) FROM gpu_claims g WHERE g.node_id = n.id) AS held_gpus
         FROM nodes n JOIN clusters c ON c.id = n.cluster_id LEFT JOIN holds h ON h.node_id = n.id
         WHERE n.removed_at IS NULL AND ($1::uuid IS NULL OR n.id = $1) AND ($2::uuid IS NULL OR n.cluster_id = $2)
           AND ($3::uuid IS NULL OR (n.name, n.id) > (SELECT name, id FROM nodes WHERE id = $3))
         ORDER BY n.name, n.id LIMIT $4",
    )
    .bind(wanted.only.map(|id| id.0))
    .bind(wanted.cluster.map(|id| id.0))
    .bind(wanted.after)
    .bind(wanted.limit)
    .fetch_all(conn)
    .await
}

/// How much of a GPU is held, and by whom.
#[derive(Clone, Copy)]
pub struct Claimed {
    pub milli: u16,
    /// The first of those that share it whose job the teams see.
    pub job: Option<JobId>,
}

/// What is held of which GPU: by node and position on it. Jobs are named where they are of those teams (all, where
/// there are none named).
pub async fn gpu_claims(
    conn: &mut PgConnection,
    only: Option<NodeId>,
    teams: Option<&[Uuid]>,
) -> sqlx::Result<HashMap<(Uuid, u16), Claimed>> {
    let rows: Vec<(Uuid, i16, i64, Option<Uuid>)> = sqlx::query_as(
        "SELECT g.node_id, g.gpu_index, sum(g.milli),
                (array_agg(j.id ORDER BY j.id) FILTER (WHERE $2::uuid[] IS NULL OR j.team_id = ANY($2)))[1]
         FROM gpu_claims g JOIN attempts a ON a.id = g.attempt_id JOIN jobs j ON j.id = a.job_id
         WHERE $1::uuid IS NULL OR g.node_id = $1 GROUP BY 1, 2",
    )
    .bind(only.map(|id| id.0))
    .bind(teams)
    .fetch_all(conn)
    .await?;
    let by_gpu = |(node, index, milli, job): (Uuid, i16, i64, Option<Uuid>)| {
        let milli = u16::try_from(milli).unwrap_or(u16::MAX);
        ((node, index.unsigned_abs()), Claimed { milli, job: job.map(JobId) })
    };
    Ok(rows.into_iter().map(by_gpu).collect())
}

pub async fn exists(conn: &mut PgConnection, id: NodeId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM nodes WHERE id = $1 AND removed_at IS NULL)")
        .bind(id.0)
        .fetch_one(conn)
        .await
}

/// Cordons the node, and lets its jobs end by themselves for so long where it is to be emptied.
pub async fn cordon(
    conn: &mut PgConnection,
    id: NodeId,
    reason: &str,
    drain_within_millis: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET cordoned = true, cordon_reason = $2,
                drain_deadline = CASE WHEN $3::bigint IS NULL THEN drain_deadline
                                      ELSE clock_timestamp() + $3 * interval '1 millisecond' END,
                drained_at = CASE WHEN $3::bigint IS NULL THEN drained_at END
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(reason)
    .bind(drain_within_millis)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a cordon, and a drain with it.
pub async fn uncordon(conn: &mut PgConnection, id: NodeId) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET cordoned = false, cordon_reason = '', drain_deadline = NULL, drained_at = NULL WHERE id = $1")
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn set_labels(
    conn: &mut PgConnection,
    id: NodeId,
    labels: &BTreeMap<String, String>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET admin_labels = $2 WHERE id = $1")
        .bind(id.0)
        .bind(Json(labels))
        .execute(conn)
        .await?;
    Ok(())
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
