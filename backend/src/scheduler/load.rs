//! Reads what the planner works on: nodes, queues and clusters.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::cluster::Gpu;
use lilac_api::job::Amounts;
use lilac_api::queue::Quota;
use lilac_api::{ClusterId, NodeId, QueueId, UserId};
use lilac_scheduler::{Availability, Bounds, Cluster, Node, NodeGpu, Queue};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

/// A GPU, in thousandths.
pub const WHOLE_GPU_MILLI: u16 = 1_000;

/// The queues, and the clusters with their policies.
pub async fn queues_and_clusters(conn: &mut PgConnection) -> Result<(Vec<Queue>, Vec<Cluster>), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT q.id, q.name, q.priority, q.paused, q.weight, q.quota, q.user_quota, q.guaranteed, q.preemption,
                ARRAY(SELECT cluster_id FROM queue_clusters c WHERE c.queue_id = q.id ORDER BY position) AS clusters
         FROM queues q WHERE q.deleted_at IS NULL",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut queues = Vec::with_capacity(rows.len());
    for row in &rows {
        let clusters: Vec<uuid::Uuid> = row.try_get("clusters")?;
        queues.push(Queue {
            id: QueueId(row.try_get("id")?),
            name: row.try_get("name")?,
            priority: row.try_get("priority")?,
            clusters: clusters.into_iter().map(ClusterId).collect(),
            paused: row.try_get("paused")?,
            weight: row.try_get::<i32, _>("weight")?.unsigned_abs(),
            quota: bounds(row, "quota")?,
            user_quota: bounds(row, "user_quota")?,
            guaranteed: bounds(row, "guaranteed")?,
            preempts: row.try_get::<&str, _>("preemption")? != "off",
        });
    }
    let rows = sqlx::query("SELECT id, placement_policy FROM clusters").fetch_all(conn).await?;
    let mut clusters = Vec::with_capacity(rows.len());
    for row in rows {
        let policy: &str = row.try_get("placement_policy")?;
        let policy = policy.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?;
        clusters.push(Cluster { id: ClusterId(row.try_get("id")?), policy });
    }
    Ok((queues, clusters))
}

/// A quota as the planner takes it.
pub fn bounds(row: &PgRow, column: &str) -> Result<Bounds, sqlx::Error> {
    let Json(quota): Json<Quota> = row.try_get(column)?;
    Ok(Bounds {
        jobs: quota.running_jobs.map(u64::from),
        cpu_milli: quota.cpus.map(|cpus| cpus.milli.into()),
        memory_bytes: quota.memory.map(|memory| memory.0),
        gpus: quota.gpus.map(u64::from),
    })
}

/// What the jobs of one user that start or run hold in one queue.
pub struct Held {
    pub queue: QueueId,
    pub user: UserId,
    pub jobs: u64,
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    /// Shares of GPUs count as such.
    pub gpu_milli: u64,
}

/// What live attempts hold, by queue and user, in these queues.
pub async fn held(conn: &mut PgConnection, queues: &[uuid::Uuid]) -> Result<Vec<Held>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT j.queue_id, j.owner_id, count(DISTINCT j.id) AS jobs, sum(t.cpu_milli)::bigint AS cpu_milli,
                LEAST(sum(t.memory_bytes), 9223372036854775807)::bigint AS memory_bytes,
                sum(cardinality(t.gpu_indices) * t.gpu_milli)::bigint AS gpu_milli
         FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id
         WHERE t.released_at IS NULL AND j.queue_id = ANY($1)
         GROUP BY j.queue_id, j.owner_id",
    )
    .bind(queues)
    .fetch_all(conn)
    .await?;
    let count =
        |row: &PgRow, column: &str| Ok::<u64, sqlx::Error>(row.try_get::<i64, _>(column)?.unsigned_abs());
    let one = |row: &PgRow| {
        Ok(Held {
            queue: QueueId(row.try_get("queue_id")?),
            user: UserId(row.try_get("owner_id")?),
            jobs: count(row, "jobs")?,
            cpu_milli: count(row, "cpu_milli")?,
            memory_bytes: count(row, "memory_bytes")?,
            gpu_milli: count(row, "gpu_milli")?,
        })
    };
    rows.iter().map(one).collect()
}

/// Reads nodes with what is taken of each, but for what the attempts `without` take: all, or those named.
pub async fn read_nodes(
    conn: &mut PgConnection,
    only: Option<&[uuid::Uuid]>,
    without: &[uuid::Uuid],
) -> Result<Vec<PgRow>, sqlx::Error> {
    // Two statements: one that would do for both would be planned to look at all.
    let those = if only.is_some() { "n.id = ANY($1)" } else { "$1::uuid[] IS NULL" };
    let query = format!(
        "SELECT n.id, n.name, n.cluster_id, n.cordoned, n.runtime_ok, n.last_seen_at, n.given_up_at, n.cpu_milli, n.memory_bytes,
                n.disk_bytes, n.gpus, n.address, n.labels || n.admin_labels AS labels, c.max_disconnect_millis,
                COALESCE(h.cpu_milli, 0)::bigint AS held_cpu, COALESCE(h.memory_bytes, 0)::bigint AS held_memory,
                COALESCE(h.disk_bytes, 0)::bigint AS held_disk,
                COALESCE((SELECT jsonb_object_agg(gpu_index, milli) FROM (
                    SELECT gpu_index, sum(milli) AS milli FROM gpu_claims g
                    WHERE g.node_id = n.id AND g.attempt_id NOT IN (SELECT unnest($2::uuid[])) GROUP BY 1) held), '{{}}') AS held_gpus
         FROM nodes n JOIN clusters c ON c.id = n.cluster_id
         LEFT JOIN LATERAL (SELECT sum(cpu_milli) AS cpu_milli, sum(memory_bytes) AS memory_bytes, sum(disk_bytes) AS disk_bytes
                    FROM tasks WHERE released_at IS NULL AND node_id = n.id AND attempt_id NOT IN (SELECT unnest($2::uuid[]))) h ON true
         WHERE n.removed_at IS NULL AND {those}
         ORDER BY n.id",
    );
    sqlx::query(sqlx::AssertSqlSafe(query)).bind(only).bind(without).fetch_all(conn).await
}

/// A node as the planner sees it.
pub fn node(row: &PgRow, now: DateTime<Utc>) -> Result<Node, sqlx::Error> {
    let Json(held): Json<HashMap<u16, u16>> = row.try_get("held_gpus")?;
    node_with(row, now, &held)
}

/// A node of whose GPUs so much is held, in thousandths by index.
fn node_with(row: &PgRow, now: DateTime<Utc>, held: &HashMap<u16, u16>) -> Result<Node, sqlx::Error> {
    let Json(gpus): Json<Vec<Gpu>> = row.try_get("gpus")?;
    let free_milli = |gpu: &Gpu| match gpu.fault {
        Some(_) => 0,
        None => WHOLE_GPU_MILLI.saturating_sub(held.get(&gpu.index).copied().unwrap_or(0)),
    };
    let gpus: Vec<NodeGpu> = gpus
        .into_iter()
        .map(|gpu| NodeGpu {
            free_milli: free_milli(&gpu),
            index: gpu.index,
            model: gpu.model,
            memory_bytes: gpu.memory_bytes,
        })
        .collect();
    let amount = |column: &str| {
        Ok::<u64, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Node {
        id: NodeId(row.try_get("id")?),
        name: row.try_get("name")?,
        cluster: ClusterId(row.try_get("cluster_id")?),
        availability: availability(row, now)?,
        capacity: Amounts {
            cpu_milli: u32::try_from(row.try_get::<i32, _>("cpu_milli")?).unwrap_or_default(),
            memory_bytes: amount("memory_bytes")?,
            disk_bytes: amount("disk_bytes")?,
            gpus: count(gpus.len()),
        },
        allocated: Amounts {
            cpu_milli: u32::try_from(amount("held_cpu")?).unwrap_or(u32::MAX),
            memory_bytes: amount("held_memory")?,
            disk_bytes: amount("held_disk")?,
            gpus: count(gpus.iter().filter(|gpu| gpu.free_milli < WHOLE_GPU_MILLI).count()),
        },
        gpus,
        labels: row.try_get::<Json<BTreeMap<String, String>>, _>("labels")?.0,
    })
}

/// A node with nothing taken on it, and how long its jobs may be out of touch where they do not say.
pub fn bare_node(row: &PgRow, now: DateTime<Utc>) -> Result<(Node, Duration), sqlx::Error> {
    let node = node_with(row, now, &HashMap::new())?;
    let millis: i64 = row.try_get("max_disconnect_millis")?;
    let max_disconnect = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    Ok((Node { allocated: Amounts::default(), ..node }, max_disconnect))
}

/// Whether a node takes jobs at this time.
pub fn availability(row: &PgRow, now: DateTime<Utc>) -> Result<Availability, sqlx::Error> {
    let seen: Option<DateTime<Utc>> = row.try_get("last_seen_at")?;
    let given_up: Option<DateTime<Utc>> = row.try_get("given_up_at")?;
    let silence = chrono::Duration::seconds(UNREACHABLE_AFTER_SECS as i64);
    let is_alive = given_up.is_none() && seen.is_some_and(|seen| now - seen < silence);
    Ok(if !is_alive || !row.try_get::<bool, _>("runtime_ok")? {
        Availability::Down
    } else if row.try_get("cordoned")? {
        Availability::Cordoned
    } else {
        Availability::Ready
    })
}
