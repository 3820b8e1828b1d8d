//! Applies a plan. What the plan says is not believed: each placement is checked again, on rows that are
//! locked, in the transaction that writes it: the leader's term, the quotas, the node and its room.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_scheduler::{Availability, Node, Placement, Plan};

use super::leader::{self, Term};
use super::load::{self, Loaded};
use super::quotas;
use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::training_job::transitions::{self, Grant, Waiting};

const ACTOR: &str = "scheduler";
/// The most placements that one transaction makes.
const BATCH: usize = 500;

/// Carries out the placements. Says how many held.
pub async fn placements(app: &App, term: Term, loaded: &Loaded, plan: &Plan) -> ApiResult<usize> {
    let mut applied = 0;
    for batch in plan.placements.chunks(BATCH) {
        applied += place(app, term, loaded, batch).await?;
    }
    Ok(applied)
}

async fn place(app: &App, term: Term, loaded: &Loaded, batch: &[Placement]) -> ApiResult<usize> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let jobs: Vec<JobId> = batch.iter().map(|placement| placement.job).collect();
    let mut quotas = quotas::hold(&mut tx, &jobs).await?;
    let mut ids: Vec<uuid::Uuid> = batch.iter().map(|placement| placement.node.0).collect();
    ids.sort_unstable();
    ids.dedup();
    // Locked in the order of their ids, as everywhere.
    let now: Option<DateTime<Utc>> = sqlx::query_scalar(
        "SELECT clock_timestamp() FROM (SELECT id FROM nodes WHERE id = ANY($1) ORDER BY id FOR UPDATE) locked LIMIT 1",
    )
    .bind(&ids)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(now) = now else { return Ok(0) };
    let mut nodes = HashMap::new();
    for row in load::read_nodes(&mut tx, Some(&ids)).await? {
        let node = load::node(&row, now)?;
        nodes.insert(node.id, node);
    }
    let mut grants = Vec::with_capacity(batch.len());
    for placement in batch {
        let Some(job) = loaded.jobs.get(&placement.job) else { continue };
        let Some(node) = nodes.get_mut(&placement.node) else { continue };
        if !node.satisfies(&job.constraints) || !take(node, placement, &job.requests, job.gpu_milli) {
            tracing::debug!(job_id = %placement.job, node = %node.name, "the place is gone; planned again");
            continue;
        }
        if !quotas.take(placement.job, &job.requests) {
            tracing::debug!(job_id = %placement.job, "its queue has no room any more; planned again");
            continue;
        }
        let default_lease =
            loaded.nodes.get(&placement.node).map_or(Duration::from_secs(300), |node| node.max_disconnect);
        grants.push(Grant {
            job_id: placement.job,
            epoch: job.epoch,
            attempt_id: AttemptId::new(),
            node_id: placement.node,
            gpu_indices: placement.gpu_indices.clone(),
            gpu_milli: job.gpu_milli,
            cpu_milli: job.requests.cpu_milli,
            memory_bytes: job.requests.memory_bytes,
            disk_bytes: job.requests.disk_bytes,
            lease: job.max_disconnect.unwrap_or(default_lease),
            message: format!("placed on {}", node.name),
        });
    }
    if grants.is_empty() {
        return Ok(0);
    }
    let granted: HashSet<JobId> = transitions::grant(&mut tx, &grants, ACTOR).await?.into_iter().collect();
    tx.commit().await?;
    let mut told: HashSet<NodeId> = HashSet::new();
    for grant in grants.iter().filter(|grant| granted.contains(&grant.job_id)) {
        told.insert(grant.node_id);
        let node = loaded.nodes.get(&grant.node_id).map(|node| node.name.as_str()).unwrap_or_default();
        tracing::info!(job_id = %grant.job_id, attempt = grant.epoch + 1, node, "job placed");
        app.bell.ring(Topic::Job(grant.job_id));
    }
    app.bell.ring_all(told.into_iter().flat_map(|node| [Topic::Node(node), Topic::NodeView(node)]));
    Ok(granted.len())
}

/// Takes a placement's share of a node, if the node still takes jobs and has it.
fn take(node: &mut Node, placement: &Placement, requests: &lilac_api::job::Amounts, gpu_milli: u16) -> bool {
    let (capacity, allocated) = (&node.capacity, &node.allocated);
    let fits = node.availability == Availability::Ready
        && allocated.cpu_milli.saturating_add(requests.cpu_milli) <= capacity.cpu_milli
        && allocated.memory_bytes.saturating_add(requests.memory_bytes) <= capacity.memory_bytes
        && allocated.disk_bytes.saturating_add(requests.disk_bytes) <= capacity.disk_bytes
        && placement.gpu_indices.len() == requests.gpus as usize
        && placement
            .gpu_indices
            .iter()
            .all(|index| node.gpus.iter().any(|gpu| gpu.index == *index && gpu.free_milli >= gpu_milli));
    if !fits {
        return false;
    }
    node.allocated.cpu_milli += requests.cpu_milli;
    node.allocated.memory_bytes += requests.memory_bytes;
    node.allocated.disk_bytes += requests.disk_bytes;
    for gpu in node.gpus.iter_mut().filter(|gpu| placement.gpu_indices.contains(&gpu.index)) {
        gpu.free_milli -= gpu_milli;
    }
    true
}

/// Stores why jobs wait, where that is news.
pub async fn reasons(
    app: &App,
    term: Term,
    loaded: &Loaded,
    due: &[&lilac_scheduler::Waiting],
) -> ApiResult<()> {
    let news: Vec<Waiting> = due
        .iter()
        .filter_map(|one| {
            let job = loaded.jobs.get(&one.job)?;
            let is_known = job.reason == Some(one.reason) && job.message == one.message;
            (!is_known).then(|| Waiting {
                job_id: one.job,
                epoch: job.epoch,
                reason: one.reason,
                message: one.message.clone(),
            })
        })
        .collect();
    for batch in news.chunks(BATCH) {
        let mut tx = app.pool.begin().await?;
        leader::check(&mut tx, term).await?;
        let changed = transitions::note_waiting(&mut tx, batch, ACTOR).await?;
        tx.commit().await?;
        app.bell.ring_all(changed.into_iter().map(Topic::Job));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lilac_api::ClusterId;
    use lilac_api::job::Amounts;

    use super::*;

    #[test]
    fn a_node_is_never_given_more_than_it_has() {
        let capacity = Amounts { cpu_milli: 2000, memory_bytes: 4 << 30, disk_bytes: 0, gpus: 0 };
        let mut node = Node {
            id: NodeId::new(),
            name: "n1".into(),
            cluster: ClusterId::new(),
            availability: Availability::Ready,
            capacity,
            allocated: Amounts::default(),
            gpus: Vec::new(),
            labels: std::collections::BTreeMap::new(),
        };
        let placement = Placement { job: JobId::new(), node: node.id, gpu_indices: Vec::new() };
        let half = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 0, gpus: 0 };
        assert!(take(&mut node, &placement, &half, 1000));
        assert!(take(&mut node, &placement, &half, 1000));
        assert!(!take(&mut node, &placement, &half, 1000));
        node.allocated = Amounts::default();
        node.availability = Availability::Cordoned;
        assert!(!take(&mut node, &placement, &half, 1000));
    }
}
