//! Applies a plan. What the plan says is not believed: each placement is checked again, on rows that are
//! locked, in the transaction that writes it: the leader's term, the quotas, the node and its room.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_scheduler::{Availability, Node};

use super::leader::{self, Term};
use super::load;
use super::quotas;
use super::world::Order;
use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::training_job::transitions::{self, Grant, Waiting};

const ACTOR: &str = "scheduler";
/// The most placements that one transaction makes, and the most reasons.
pub const BATCH: usize = 500;

/// Carries out placements in one transaction. Answers with the jobs that got their place.
pub async fn place(app: &App, term: Term, batch: &[Order]) -> ApiResult<HashSet<JobId>> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let jobs: Vec<JobId> = batch.iter().map(|order| order.job).collect();
    let mut quotas = quotas::hold(&mut tx, &jobs).await?;
    let mut ids: Vec<uuid::Uuid> = batch.iter().map(|order| order.node.0).collect();
    ids.sort_unstable();
    ids.dedup();
    // Locked in the order of their ids, as everywhere.
    let now: Option<DateTime<Utc>> = sqlx::query_scalar(
        "SELECT clock_timestamp() FROM (SELECT id FROM nodes WHERE id = ANY($1) ORDER BY id FOR UPDATE) locked LIMIT 1",
    )
    .bind(&ids)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(now) = now else { return Ok(HashSet::new()) };
    let mut nodes = HashMap::new();
    for row in load::read_nodes(&mut tx, Some(&ids)).await? {
        let node = load::node(&row, now)?;
        nodes.insert(node.id, node);
    }
    let mut grants = Vec::with_capacity(batch.len());
    for order in batch {
        let Some(node) = nodes.get_mut(&order.node) else { continue };
        if !node.satisfies(&order.asked.constraints) || !take(node, order) {
            tracing::debug!(job_id = %order.job, node = %node.name, "the place is gone; planned again");
            continue;
        }
        let requests = &order.asked.requests;
        if !quotas.take(order.job, requests) {
            tracing::debug!(job_id = %order.job, "its queue has no room any more; planned again");
            continue;
        }
        grants.push(Grant {
            job_id: order.job,
            epoch: order.epoch,
            attempt_id: AttemptId::new(),
            node_id: order.node,
            gpu_indices: order.gpu_indices.clone(),
            gpu_milli: order.asked.gpu_milli(),
            cpu_milli: requests.cpu_milli,
            memory_bytes: requests.memory_bytes,
            disk_bytes: requests.disk_bytes,
            lease: order.lease,
            message: format!("placed on {}", node.name),
        });
    }
    if grants.is_empty() {
        return Ok(HashSet::new());
    }
    let granted: HashSet<JobId> = transitions::grant(&mut tx, &grants, ACTOR).await?.into_iter().collect();
    tx.commit().await?;
    let mut told: HashSet<NodeId> = HashSet::new();
    for grant in grants.iter().filter(|grant| granted.contains(&grant.job_id)) {
        told.insert(grant.node_id);
        let node = nodes.get(&grant.node_id).map(|node| node.name.as_str()).unwrap_or_default();
        tracing::info!(job_id = %grant.job_id, attempt = grant.epoch + 1, node, "job placed");
        app.bell.ring(Topic::Job(grant.job_id));
    }
    app.bell.ring_all(told.into_iter().flat_map(|node| [Topic::Node(node), Topic::NodeView(node)]));
    Ok(granted)
}

/// Takes a placement's share of a node, if the node still takes jobs and has it.
fn take(node: &mut Node, order: &Order) -> bool {
    let (requests, gpu_milli) = (&order.asked.requests, order.asked.gpu_milli());
    let (capacity, allocated) = (&node.capacity, &node.allocated);
    let fits = node.availability == Availability::Ready
        && allocated.cpu_milli.saturating_add(requests.cpu_milli) <= capacity.cpu_milli
        && allocated.memory_bytes.saturating_add(requests.memory_bytes) <= capacity.memory_bytes
        && allocated.disk_bytes.saturating_add(requests.disk_bytes) <= capacity.disk_bytes
        && order.gpu_indices.len() == requests.gpus as usize
        && order
            .gpu_indices
            .iter()
            .all(|index| node.gpus.iter().any(|gpu| gpu.index == *index && gpu.free_milli >= gpu_milli));
    if !fits {
        return false;
    }
    node.allocated.cpu_milli += requests.cpu_milli;
    node.allocated.memory_bytes += requests.memory_bytes;
    node.allocated.disk_bytes += requests.disk_bytes;
    for gpu in node.gpus.iter_mut().filter(|gpu| order.gpu_indices.contains(&gpu.index)) {
        gpu.free_milli -= gpu_milli;
    }
    true
}

/// Stores why jobs wait, where that is news to the database.
pub async fn reasons(app: &App, term: Term, news: &[Waiting]) -> ApiResult<()> {
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
    use std::sync::Arc;
    use std::time::Duration;

    use lilac_api::ClusterId;
    use lilac_api::job::Amounts;

    use super::*;
    use crate::scheduler::asked::Asked;

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
        let half = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 0, gpus: 0 };
        let asked = Asked {
            requests: half,
            gpus: None,
            constraints: Vec::new(),
            max_disconnect: None,
            max_runtime: None,
        };
        let order = Order {
            job: JobId::new(),
            epoch: 0,
            node: node.id,
            gpu_indices: Vec::new(),
            asked: Arc::new(asked),
            lease: Duration::from_secs(10),
        };
        assert!(take(&mut node, &order));
        assert!(take(&mut node, &order));
        assert!(!take(&mut node, &order));
        node.allocated = Amounts::default();
        node.availability = Availability::Cordoned;
        assert!(!take(&mut node, &order));
    }
}
