//! Reads the snapshot that the planner works on.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::cluster::Gpu;
use lilac_api::job::{Amounts, Reason};
use lilac_api::quantity::Span;
use lilac_api::queue::Quota;
use lilac_api::spec::{Constraint, JobSpec, Resources};
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Availability, Bounds, Cluster, Held, Job, Node, NodeGpu, Queue, Snapshot};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::types::Json;
use sqlx::{PgConnection, Row};

use crate::queue::admission::Ticket;

/// The most waiting jobs that one cycle looks at: the first in the order of priority.
const MAX_WAITING: i64 = 5000;

/// A GPU, in thousandths.
pub const WHOLE_GPU_MILLI: u16 = 1_000;

/// A snapshot and what the shell must remember of it.
pub struct Loaded {
    pub snapshot: Snapshot,
    pub now_ms: i64,
    pub jobs: HashMap<JobId, LoadedJob>,
    pub nodes: HashMap<NodeId, LoadedNode>,
    /// There are waiting jobs that this cycle did not look at.
    pub has_more: bool,
}

pub struct LoadedJob {
    pub epoch: i32,
    pub requests: Amounts,
    /// Thousandths of each of its GPUs.
    pub gpu_milli: u16,
    pub max_disconnect: Option<Duration>,
    pub reason: Option<Reason>,
    pub message: String,
    pub constraints: Vec<Constraint>,
}

pub struct LoadedNode {
    pub name: String,
    /// Length of a lease where the job does not say.
    pub max_disconnect: Duration,
}

pub async fn load(pool: &PgPool) -> Result<Loaded, sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *conn).await?;
    let (queues, clusters) = queues_and_clusters(&mut conn).await?;
    let mut jobs = HashMap::new();
    let waiting = waiting(&mut conn, &mut jobs).await?;
    let mut nodes = HashMap::new();
    let node_rows = if waiting.is_empty() { Vec::new() } else { read_nodes(&mut conn, None).await? };
    let held = if waiting.is_empty() { Vec::new() } else { held(&mut conn, None).await? };
    let mut snapshot =
        Snapshot { clusters, nodes: Vec::with_capacity(node_rows.len()), queues, jobs: waiting, held };
    for row in &node_rows {
        let node = node(row, now)?;
        let millis: i64 = row.try_get("max_disconnect_millis")?;
        let max_disconnect = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        nodes.insert(node.id, LoadedNode { name: node.name.clone(), max_disconnect });
        snapshot.nodes.push(node);
    }
    let has_more = snapshot.jobs.len() as i64 >= MAX_WAITING;
    Ok(Loaded { snapshot, now_ms: now.timestamp_millis(), jobs, nodes, has_more })
}

/// Adds a job that is not stored. Where nothing waits, the nodes have not been read yet.
pub async fn add_job(
    pool: &PgPool,
    loaded: &mut Loaded,
    id: JobId,
    spec: &JobSpec,
    ticket: Ticket,
    owner: UserId,
) -> Result<(), sqlx::Error> {
    if loaded.snapshot.nodes.is_empty() {
        let now = DateTime::from_timestamp_millis(loaded.now_ms).unwrap_or_default();
        let mut conn = pool.acquire().await?;
        loaded.snapshot.held = held(&mut conn, None).await?;
        for row in &read_nodes(&mut conn, None).await? {
            let node = node(row, now)?;
            loaded
                .nodes
                .insert(node.id, LoadedNode { name: node.name.clone(), max_disconnect: Duration::ZERO });
            loaded.snapshot.nodes.push(node);
        }
    }
    loaded.snapshot.jobs.push(Job {
        id,
        queue: ticket.queue_id,
        user: owner,
        priority: spec.priority,
        submitted_ms: loaded.now_ms,
        not_before_ms: None,
        requests: spec.requests(),
        gpus: spec.resources.gpus.clone(),
        constraints: spec.placement.constraints.clone(),
        avoid: Vec::new(),
    });
    Ok(())
}

async fn queues_and_clusters(conn: &mut PgConnection) -> Result<(Vec<Queue>, Vec<Cluster>), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT q.id, q.name, q.priority, q.paused, q.weight, q.quota, q.user_quota,
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

/// What live attempts hold, by queue and user: in all queues, or in those named.
pub async fn held(conn: &mut PgConnection, only: Option<&[uuid::Uuid]>) -> Result<Vec<Held>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT j.queue_id, j.owner_id, count(DISTINCT j.id) AS jobs, sum(t.cpu_milli)::bigint AS cpu_milli,
                LEAST(sum(t.memory_bytes), 9223372036854775807)::bigint AS memory_bytes,
                ceil(sum(cardinality(t.gpu_indices) * t.gpu_milli) / 1000.0)::bigint AS gpus
         FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id
         WHERE t.released_at IS NULL AND ($1::uuid[] IS NULL OR j.queue_id = ANY($1))
         GROUP BY j.queue_id, j.owner_id",
    )
    .bind(only)
    .fetch_all(conn)
    .await?;
    let count = |row: &PgRow, column: &str| {
        Ok::<u32, sqlx::Error>(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
    };
    let one = |row: &PgRow| {
        Ok(Held {
            queue: QueueId(row.try_get("queue_id")?),
            user: UserId(row.try_get("owner_id")?),
            jobs: count(row, "jobs")?,
            amounts: Amounts {
                cpu_milli: count(row, "cpu_milli")?,
                memory_bytes: row.try_get::<i64, _>("memory_bytes")?.unsigned_abs(),
                disk_bytes: 0,
                gpus: count(row, "gpus")?,
            },
        })
    };
    rows.iter().map(one).collect()
}

async fn waiting(
    conn: &mut PgConnection,
    jobs: &mut HashMap<JobId, LoadedJob>,
) -> Result<Vec<Job>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT j.id, j.queue_id, j.owner_id, j.priority, j.created_at, j.not_before, j.epoch, j.reason, j.message,
                j.memory_bytes, j.spec->'resources' AS resources, j.spec->'max_disconnect' AS max_disconnect, j.spec->'placement'->'constraints' AS constraints
         FROM jobs j JOIN queues q ON q.id = j.queue_id
         WHERE j.state = 'queued' AND NOT j.blocked
         ORDER BY q.paused, q.priority DESC, j.priority DESC, j.id LIMIT $1",
    )
    .bind(MAX_WAITING)
    .fetch_all(conn)
    .await?;
    let mut waiting = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = JobId(row.try_get("id")?);
        let resources: Option<Json<Resources>> = row.try_get("resources")?;
        let resources = resources.map(|json| json.0).unwrap_or_default();
        let max_disconnect: Option<Json<Span>> = row.try_get("max_disconnect")?;
        let mut requests = amounts(&resources);
        if let Some(more) = row.try_get::<Option<i64>, _>("memory_bytes")? {
            requests.memory_bytes = u64::try_from(more).unwrap_or_default();
        }
        let reason: Option<&str> = row.try_get("reason")?;
        let constraints: Option<Json<Vec<Constraint>>> = row.try_get("constraints")?;
        let constraints = constraints.map(|json| json.0).unwrap_or_default();
        jobs.insert(
            id,
            LoadedJob {
                epoch: row.try_get("epoch")?,
                requests,
                gpu_milli: gpu_milli(&resources),
                max_disconnect: max_disconnect.map(|Json(span)| span.0),
                reason: reason.and_then(|reason| reason.parse().ok()),
                message: row.try_get("message")?,
                constraints: constraints.clone(),
            },
        );
        let not_before: Option<DateTime<Utc>> = row.try_get("not_before")?;
        waiting.push(Job {
            id,
            queue: QueueId(row.try_get("queue_id")?),
            user: UserId(row.try_get("owner_id")?),
            priority: u8::try_from(row.try_get::<i16, _>("priority")?).unwrap_or_default(),
            submitted_ms: row.try_get::<DateTime<Utc>, _>("created_at")?.timestamp_millis(),
            not_before_ms: not_before.map(|at| at.timestamp_millis()),
            requests,
            gpus: resources.gpus,
            constraints,
            avoid: Vec::new(),
        });
    }
    Ok(waiting)
}

/// Thousandths of each GPU that the job asks for.
fn gpu_milli(resources: &Resources) -> u16 {
    let share = resources.gpus.as_ref().and_then(|gpus| gpus.share);
    share.map_or(WHOLE_GPU_MILLI, |share| u16::try_from(share.thousandths).unwrap_or(WHOLE_GPU_MILLI))
}

fn amounts(resources: &Resources) -> Amounts {
    Amounts {
        cpu_milli: resources.cpus.milli,
        memory_bytes: resources.memory.0,
        disk_bytes: resources.disk.map_or(0, |disk| disk.0),
        gpus: resources.gpus.as_ref().map_or(0, |gpus| gpus.count),
    }
}

/// Reads nodes with what is taken of each: all, or those named.
pub async fn read_nodes(
    conn: &mut PgConnection,
    only: Option<&[uuid::Uuid]>,
) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::query(
        "SELECT n.id, n.name, n.cluster_id, n.cordoned, n.runtime_ok, n.last_seen_at, n.given_up_at, n.cpu_milli, n.memory_bytes,
                n.disk_bytes, n.gpus, n.labels || n.admin_labels AS labels, c.max_disconnect_millis,
                COALESCE(h.cpu_milli, 0)::bigint AS held_cpu, COALESCE(h.memory_bytes, 0)::bigint AS held_memory,
                COALESCE(h.disk_bytes, 0)::bigint AS held_disk,
                COALESCE((SELECT jsonb_object_agg(gpu_index, milli) FROM (
                    SELECT gpu_index, sum(milli) AS milli FROM gpu_claims g WHERE g.node_id = n.id GROUP BY 1) held), '{}') AS held_gpus
         FROM nodes n JOIN clusters c ON c.id = n.cluster_id
         LEFT JOIN (SELECT node_id, sum(cpu_milli) AS cpu_milli, sum(memory_bytes) AS memory_bytes, sum(disk_bytes) AS disk_bytes
                    FROM tasks WHERE released_at IS NULL GROUP BY node_id) h ON h.node_id = n.id
         WHERE n.removed_at IS NULL AND ($1::uuid[] IS NULL OR n.id = ANY($1))
         ORDER BY n.id",
    )
    .bind(only)
    .fetch_all(conn)
    .await
}

/// A node as the planner sees it.
pub fn node(row: &PgRow, now: DateTime<Utc>) -> Result<Node, sqlx::Error> {
    let Json(gpus): Json<Vec<Gpu>> = row.try_get("gpus")?;
    let Json(held): Json<HashMap<u16, u16>> = row.try_get("held_gpus")?;
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

fn availability(row: &PgRow, now: DateTime<Utc>) -> Result<Availability, sqlx::Error> {
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
