//! The whole set of attempts that a node should run, read from the database.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use lilac_api::agent::{Gang, SyncRequest, TaskSpec};
use lilac_api::cluster::Gpu;
use lilac_api::quantity::Span;
use lilac_api::queue::RunAs;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, JobId};
use lilac_rules::desired::Held;
use lilac_rules::gang;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;

use super::sync::fenced;
use crate::app::App;
use crate::auth::caller::NodeCaller;
use crate::auth::node_user;
use crate::error::ApiResult;
use crate::output::OutputLimits;

/// Whom a container runs as that must run as its submitter, who is nobody on the nodes.
const NOBODY: &str = "65534:65534";

/// Reads what the node holds, and notes to which session it is handed out: another session that does not know
/// of it already will not be told to start it.
pub async fn deliver(app: &App, node: &NodeCaller, request: &SyncRequest) -> ApiResult<Vec<Held>> {
    let mentioned: Vec<uuid::Uuid> = request.attempts.iter().map(|report| report.attempt_id.0).collect();
    let mut rows = read(app, node, request, &mentioned).await?;
    // The node's own row always comes, so that "holds nothing" and "does not speak for the node" are two answers.
    if !rows.first().is_some_and(|row| row.try_get("is_current").unwrap_or(false)) {
        return Err(fenced("a newer agent speaks for this node"));
    }
    if rows.iter().any(is_undelivered) {
        let mut tx = app.pool.begin().await?;
        // On the disk before the node is told: a database that crashed must not tell another session as well.
        sqlx::query(
            "UPDATE tasks t SET session_id = $2 FROM nodes n, attempts a
             WHERE t.node_id = $1 AND t.released_at IS NULL AND t.session_id IS NULL
               AND n.id = t.node_id AND n.session_id = $2
               AND a.id = t.attempt_id AND (t.rank = 0 OR a.rendezvous_port IS NOT NULL OR a.state = 'stopping')",
        )
        .bind(node.node_id.0)
        .bind(request.session.0)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        rows = read(app, node, request, &mentioned).await?;
    }
    let is_task = |row: &&PgRow| {
        row.try_get("is_undelivered").is_ok_and(|undelivered: Option<bool>| undelivered == Some(false))
    };
    let limits = app.settings.outputs;
    Ok(rows.iter().filter(is_task).map(|row| held(row, limits)).collect::<Result<_, _>>()?)
}

fn is_undelivered(row: &PgRow) -> bool {
    row.try_get::<Option<bool>, _>("is_undelivered").is_ok_and(|undelivered| undelivered == Some(true))
}

async fn read(
    app: &App,
    node: &NodeCaller,
    request: &SyncRequest,
    mentioned: &[uuid::Uuid],
) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::query(
        "SELECT n.session_id IS NOT DISTINCT FROM $2 AS is_current,
                t.attempt_id, t.rank, t.lease_until, t.gpu_indices, t.is_undelivered,
                t.epoch, t.state, t.lease_millis, t.job_id, t.spec, t.policy, t.run_as, t.uid, t.gid, t.networks, t.resume_reason,
                t.memory_bytes, t.max_runtime_millis, t.array_index, t.alternative, t.ranks, t.rendezvous_port, t.addresses, t.go, t.hurries,
                CASE WHEN t.spec IS NOT NULL THEN n.gpus END AS gpus
         FROM nodes n LEFT JOIN LATERAL (
            SELECT t.attempt_id, t.rank, t.lease_until, t.gpu_indices, t.session_id IS NULL AS is_undelivered,
                   a.epoch, a.state, a.lease_millis, a.job_id, a.alternative, t.memory_bytes, j.max_runtime_millis, j.array_index,
                   a.ranks, a.rendezvous_port,
                   CASE WHEN a.ranks > 1 THEN ARRAY(SELECT o.address FROM tasks o WHERE o.attempt_id = a.id ORDER BY o.rank) END AS addresses,
                   a.ranks > 1 AND NOT EXISTS (SELECT FROM tasks o WHERE o.attempt_id = a.id AND o.ready_at IS NULL) AS go,
                   a.failed_rank IS NOT NULL OR a.ranks > 1 AND a.reason IS NOT DISTINCT FROM 'infrastructure' AS hurries,
                   CASE WHEN t.attempt_id = ANY($3) THEN NULL ELSE j.spec END AS spec, q.policy, q.run_as, u.uid, u.gid, q.networks,
                   CASE WHEN a.epoch > 1 THEN
                       (SELECT reason FROM attempts p WHERE p.job_id = a.job_id AND p.epoch = a.epoch - 1) END AS resume_reason
            FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id JOIN queues q ON q.id = j.queue_id JOIN users u ON u.id = j.owner_id
            WHERE t.node_id = n.id AND t.released_at IS NULL AND (t.session_id IS NULL OR t.session_id = $2)
              -- The other ranks of a gang are handed out once it is known where they meet.
              AND (t.rank = 0 OR a.rendezvous_port IS NOT NULL OR a.state = 'stopping')
         ) t ON n.session_id = $2
         WHERE n.id = $1 AND n.removed_at IS NULL
         ORDER BY t.attempt_id",
    )
    .bind(node.node_id.0)
    .bind(request.session.0)
    .bind(mentioned)
    .fetch_all(&app.pool)
    .await
}

fn held(row: &PgRow, limits: OutputLimits) -> Result<Held, sqlx::Error> {
    let state: &str = row.try_get("state")?;
    let spec: Option<Json<JobSpec>> = row.try_get("spec")?;
    Ok(Held {
        attempt_id: AttemptId(row.try_get("attempt_id")?),
        epoch: u32::try_from(row.try_get::<i32, _>("epoch")?).unwrap_or_default(),
        state: state.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?,
        lease_until: row.try_get("lease_until")?,
        lease_millis: row.try_get("lease_millis")?,
        max_runtime: extended(row)?,
        go: row.try_get("go")?,
        stop_within: row.try_get::<bool, _>("hurries")?.then_some(Span(gang::STOP_WITHIN)),
        task: spec.map(|Json(spec)| task(row, spec, limits)).transpose()?,
    })
}

fn task(row: &PgRow, mut spec: JobSpec, limits: OutputLimits) -> Result<TaskSpec, sqlx::Error> {
    let alternative = usize::try_from(row.try_get::<i16, _>("alternative")?).unwrap_or_default();
    if (1..=spec.alternatives.len()).contains(&alternative) {
        spec.resources = spec.alternatives.swap_remove(alternative - 1);
    }
    let job_id = JobId(row.try_get("job_id")?);
    let epoch: i32 = row.try_get("epoch")?;
    let rank: i16 = row.try_get("rank")?;
    let indices: Vec<i16> = row.try_get("gpu_indices")?;
    let gpus: Option<Json<Vec<Gpu>>> = row.try_get("gpus")?;
    let gpus = gpus.map(|json| json.0).unwrap_or_default();
    let mut gpu_uuids = Vec::with_capacity(indices.len());
    for index in &indices {
        let gpu = gpus.iter().find(|gpu| i32::from(gpu.index) == i32::from(*index));
        gpu_uuids.extend(gpu.map(|gpu| gpu.uuid.clone()));
    }
    let networks: Vec<String> = row.try_get("networks")?;
    let networks = networks.iter().map(|text| word(text)).collect::<Result<_, _>>()?;
    let (entrypoint, command) = spec.invocation();
    let needs_supplies = spec.needs_supplies();
    let mut env = spec.env;
    if let Some(index) = row.try_get::<Option<i32>, _>("array_index")? {
        let index = u32::try_from(index).unwrap_or_default();
        env.insert("LILAC_ARRAY_INDEX".to_owned(), index.to_string());
        let values = spec.array.iter().flat_map(|array| array.values(index));
        env.extend(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    env.extend(injected(job_id, &spec.name, epoch, rank, gpu_uuids.len()));
    let gang = gang_of(row)?;
    if let Some(gang) = &gang {
        env.extend(gang_env(gang, row.try_get("rendezvous_port")?));
    }
    if let Some(share) = spec.resources.gpus.as_ref().and_then(|gpus| gpus.share) {
        env.insert("LILAC_GPU_SHARE".to_owned(), share.to_string());
    }
    if let Some(reason) = row.try_get::<Option<String>, _>("resume_reason")? {
        env.insert("LILAC_RESUME_REASON".to_owned(), reason);
    }
    Ok(TaskSpec {
        job_id,
        job_name: spec.name,
        rank: u16::try_from(rank).unwrap_or_default(),
        runtime: spec.runtime,
        image: spec.image,
        pull: spec.pull.policy,
        command,
        entrypoint,
        workdir: spec.workdir,
        user: user(row, spec.user)?,
        env,
        network: spec.network,
        policy: word(row.try_get("policy")?)?,
        networks,
        cpu_milli: spec.resources.cpus.milli,
        // As granted: a retry may have got more than the spec says.
        memory_bytes: u64::try_from(row.try_get::<i64, _>("memory_bytes")?).unwrap_or_default(),
        disk_bytes: spec.resources.disk.map(|disk| disk.0),
        shm_bytes: spec.shm_size.map(|size| size.0),
        gpu_uuids,
        stop_signal: spec.stop.signal,
        stop_grace: spec.stop.grace,
        stop_warn: spec.stop.warn,
        hold_on_failure: spec.hold_on_failure,
        max_runtime: extended(row)?.or(spec.max_runtime),
        needs_supplies,
        outputs: spec.outputs.into_iter().map(|output| limits.task(output.path)).collect(),
        gang,
        ports: spec.ports.into_iter().map(|port| port.port).collect(),
    })
}

/// The ranks of a job on several nodes.
fn gang_of(row: &PgRow) -> Result<Option<Gang>, sqlx::Error> {
    let addresses: Option<Vec<Option<String>>> = row.try_get("addresses")?;
    Ok(addresses.map(|addresses| Gang { addresses: addresses.into_iter().flatten().collect() }))
}

/// Where the ranks find each other, in the words that `torchrun` and its kind know. The port is left out for rank
/// 0: its agent chooses it, and tells its container.
fn gang_env(gang: &Gang, port: Option<i32>) -> BTreeMap<String, String> {
    let first = gang.addresses.first().cloned().unwrap_or_default();
    let mut env = BTreeMap::from([
        ("LILAC_NUM_NODES".to_owned(), gang.addresses.len().to_string()),
        ("LILAC_NODE_IPS".to_owned(), gang.addresses.join(",")),
        ("MASTER_ADDR".to_owned(), first),
    ]);
    env.extend(port.map(|port| ("MASTER_PORT".to_owned(), port.to_string())));
    env
}

/// Whom the container runs as: of a queue that demands it, its submitter.
fn user(row: &PgRow, of_job: Option<String>) -> Result<Option<String>, sqlx::Error> {
    if word::<RunAs>(row.try_get("run_as")?)? == RunAs::Image {
        return Ok(of_job);
    }
    // The queue may have come to demand it after the job was submitted.
    let submitter = node_user(row.try_get("uid")?, row.try_get("gid")?);
    Ok(Some(submitter.map_or_else(|| NOBODY.to_owned(), |user| format!("{}:{}", user.uid, user.gid))))
}

/// A word as the database holds it.
fn word<T: FromStr<Err = strum::ParseError>>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// How long the job may run, where that differs from its spec.
fn extended(row: &PgRow) -> Result<Option<Span>, sqlx::Error> {
    let millis: Option<i64> = row.try_get("max_runtime_millis")?;
    Ok(millis.map(|millis| Span(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))))
}

/// The variables that every job finds.
fn injected(job_id: JobId, name: &str, epoch: i32, rank: i16, gpus: usize) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("LILAC_JOB_ID".to_owned(), job_id.to_string()),
        ("LILAC_JOB_NAME".to_owned(), name.to_owned()),
        ("LILAC_ATTEMPT".to_owned(), epoch.to_string()),
        ("LILAC_NODE_RANK".to_owned(), rank.to_string()),
        ("LILAC_NUM_NODES".to_owned(), "1".to_owned()),
        ("LILAC_GPUS_PER_NODE".to_owned(), gpus.to_string()),
    ])
}
