//! Applies a plan. What the plan says is not believed: each placement is checked again, on rows that are
//! locked, in the transaction that writes it: the leader's term, the quotas, the node and its room.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lilac_api::job::Amounts;
use lilac_api::{JobId, NodeId};
use lilac_scheduler::{Availability, Node};
use sqlx::Row;

use super::asked::offers;
use super::leader::{self, Term};
use super::load;
use super::quotas;
use super::world::Order;
use crate::app::App;
use crate::bell::Topic;
use crate::error::ApiResult;
use crate::training_job::transitions::{self, Grant, Waiting};

pub const ACTOR: &str = "scheduler";
/// The most placements that one transaction makes, and the most reasons.
pub const BATCH: usize = 500;

/// Carries out placements in one transaction. Answers with the jobs that got their place.
///
/// `beside` are orders that were planned before and may be under way still. They hold what they ask for, whether the
/// database knows of it yet or not: so the nodes need only be kept from changing, and transactions that place on the
/// same node do not wait for each other. No other leader's can be among them: each holds the term.
pub async fn place(
    app: &App,
    term: Term,
    batch: &[Order],
    beside: &[Arc<[Order]>],
) -> ApiResult<HashSet<JobId>> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let queues = batch.iter().map(|order| order.queue).collect();
    let mut quotas = quotas::hold(&mut tx, &queues).await?;
    let mut ids: Vec<uuid::Uuid> = batch.iter().flat_map(Order::places).map(|(node, _)| node.0).collect();
    ids.sort_unstable();
    ids.dedup();
    // Locked in the order of their ids, as everywhere. A claim of a GPU is checked by the database, alone on its node.
    let lock = if batch.iter().any(|order| order.asked.requests.gpus > 0) {
        "SELECT clock_timestamp() FROM (SELECT id FROM nodes WHERE id = ANY($1) ORDER BY id FOR UPDATE) locked LIMIT 1"
    } else {
        "SELECT clock_timestamp() FROM (SELECT id FROM nodes WHERE id = ANY($1) ORDER BY id FOR SHARE) locked LIMIT 1"
    };
    let now: Option<DateTime<Utc>> = sqlx::query_scalar(lock).bind(&ids).fetch_optional(&mut *tx).await?;
    let Some(now) = now else { return Ok(HashSet::new()) };
    let (mut nodes, mut addressed) = (HashMap::new(), HashSet::new());
    let touches = |order: &&Order| order.places().any(|(node, _)| ids.binary_search(&node.0).is_ok());
    let beside: Vec<&Order> = beside.iter().flat_map(|orders| orders.iter()).filter(touches).collect();
    let under_way: Vec<uuid::Uuid> = beside.iter().map(|order| order.attempt.0).collect();
    for row in load::read_nodes(&mut tx, Some(&ids), &under_way).await? {
        let node = load::node(&row, now)?;
        if row.try_get::<Option<&str>, _>("address")?.is_some() {
            addressed.insert(node.id);
        }
        nodes.insert(node.id, node);
    }
    beside.iter().for_each(|order| take_all(&mut nodes, order));
    let mut grants = Vec::with_capacity(batch.len());
    for order in batch {
        if !fits(&nodes, &addressed, order) {
            tracing::debug!(job_id = %order.job, "a place is gone; planned again");
            continue;
        }
        let requests = &order.asked.requests;
        let all = times(requests, order.places().count());
        if !quotas.take(order.queue, order.owner, &all, order.asked.gpu_milli()) {
            tracing::debug!(job_id = %order.job, "its queue has no room any more; planned again");
            continue;
        }
        take_all(&mut nodes, order);
        grants.push(Grant {
            job_id: order.job,
            epoch: order.epoch,
            queue_id: order.queue,
            attempt_id: order.attempt,
            node_id: order.node,
            gpu_indices: order.gpu_indices.clone(),
            others: order.others.clone(),
            gpu_milli: order.asked.gpu_milli(),
            cpu_milli: requests.cpu_milli,
            memory_bytes: requests.memory_bytes,
            disk_bytes: requests.disk_bytes,
            lease: order.lease,
            alternative: order.alternative,
            message: placed_on(&nodes, order),
        });
    }
    if grants.is_empty() {
        return Ok(HashSet::new());
    }
    let granted: HashSet<JobId> = transitions::grant(&mut tx, &grants, ACTOR).await?.into_iter().collect();
    tx.commit().await?;
    tracing::info!(jobs = granted.len(), "jobs placed");
    let mut told: HashSet<NodeId> = HashSet::new();
    for grant in grants.iter().filter(|grant| granted.contains(&grant.job_id)) {
        told.insert(grant.node_id);
        told.extend(grant.others.iter().map(|part| part.node));
        let node = nodes.get(&grant.node_id).map(|node| node.name.as_str()).unwrap_or_default();
        tracing::debug!(job_id = %grant.job_id, attempt = grant.epoch + 1, node, "job placed");
        app.bell.ring(Topic::Job(grant.job_id));
    }
    app.bell.ring_all(told.into_iter().flat_map(|node| [Topic::Node(node), Topic::NodeView(node)]));
    Ok(granted)
}

/// Whether all places of an order are there still: each on a node of its own that takes jobs and has the room. The
/// ranks of a gang must reach each other.
fn fits(nodes: &HashMap<NodeId, Node>, addressed: &HashSet<NodeId>, order: &Order) -> bool {
    let mut seen = HashSet::new();
    let is_gang = !order.others.is_empty();
    order.places().all(|(id, gpu_indices)| {
        let Some(node) = nodes.get(&id) else { return false };
        seen.insert(id)
            && (!is_gang || addressed.contains(&id))
            && node.satisfies(&order.asked.constraints)
            && node.satisfies(&[offers(order.asked.runtime)])
            && has_room(node, gpu_indices, order)
    })
}

fn has_room(node: &Node, gpu_indices: &[u16], order: &Order) -> bool {
    let (requests, gpu_milli) = (&order.asked.requests, order.asked.gpu_milli());
    let (capacity, allocated) = (&node.capacity, &node.allocated);
    node.availability == Availability::Ready
        && allocated.cpu_milli.saturating_add(requests.cpu_milli) <= capacity.cpu_milli
        && allocated.memory_bytes.saturating_add(requests.memory_bytes) <= capacity.memory_bytes
        && allocated.disk_bytes.saturating_add(requests.disk_bytes) <= capacity.disk_bytes
        && gpu_indices.len() == requests.gpus as usize
        && gpu_indices
            .iter()
            .all(|index| node.gpus.iter().any(|gpu| gpu.index == *index && gpu.free_milli >= gpu_milli))
}

/// Takes a placement's share of each of its nodes that is known.
fn take_all(nodes: &mut HashMap<NodeId, Node>, order: &Order) {
    for (node, gpu_indices) in order.places() {
        if let Some(node) = nodes.get_mut(&node) {
            take(node, gpu_indices, order);
        }
    }
}

/// Takes a placement's share of a node. One that has less than that, because it shrank, has nothing left.
fn take(node: &mut Node, gpu_indices: &[u16], order: &Order) {
    let (requests, gpu_milli) = (&order.asked.requests, order.asked.gpu_milli());
    let allocated = &mut node.allocated;
    allocated.cpu_milli = allocated.cpu_milli.saturating_add(requests.cpu_milli);
    allocated.memory_bytes = allocated.memory_bytes.saturating_add(requests.memory_bytes);
    allocated.disk_bytes = allocated.disk_bytes.saturating_add(requests.disk_bytes);
    for gpu in node.gpus.iter_mut().filter(|gpu| gpu_indices.contains(&gpu.index)) {
        gpu.free_milli = gpu.free_milli.saturating_sub(gpu_milli);
    }
}

/// What so many ranks ask for together.
fn times(requests: &Amounts, ranks: usize) -> Amounts {
    let ranks = u32::try_from(ranks).unwrap_or(u32::MAX);
    Amounts {
        cpu_milli: requests.cpu_milli.saturating_mul(ranks),
        memory_bytes: requests.memory_bytes.saturating_mul(ranks.into()),
        disk_bytes: requests.disk_bytes.saturating_mul(ranks.into()),
        gpus: requests.gpus.saturating_mul(ranks),
    }
}

/// `placed on n1`, and of many nodes the first few.
fn placed_on(nodes: &HashMap<NodeId, Node>, order: &Order) -> String {
    const NAMED: usize = 8;
    let names = order.places().filter_map(|(id, _)| Some(nodes.get(&id)?.name.as_str()));
    let named: Vec<&str> = names.take(NAMED).collect();
    let with = match order.alternative {
        0 => String::new(),
        number => format!(" with alternative {number} of its resources"),
    };
    match order.places().count().saturating_sub(NAMED) {
        0 => format!("placed on {}{with}", named.join(", ")),
        more => format!("placed on {} and {more} more{with}", named.join(", ")),
    }
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
    use std::collections::BTreeMap;
    use std::time::Duration;

    use lilac_api::spec::Runtime;
    use lilac_api::{AttemptId, ClusterId, QueueId, UserId};

    use super::*;
    use crate::scheduler::asked::Asked;

    fn node() -> Node {
        Node {
            id: NodeId::new(),
            name: "n1".into(),
            cluster: ClusterId::new(),
            availability: Availability::Ready,
            capacity: Amounts { cpu_milli: 2000, memory_bytes: 4 << 30, disk_bytes: 0, gpus: 0 },
            allocated: Amounts::default(),
            gpus: Vec::new(),
            labels: BTreeMap::new(),
        }
    }

    /// A container on one node.
    fn order(node: &Node, requests: Amounts) -> Order {
        let asked = Asked {
            image: None,
            requests,
            gpus: None,
            constraints: Vec::new(),
            runtime: Runtime::Docker,
            avoid: Vec::new(),
            max_disconnect: None,
            max_runtime: None,
            nodes: 1,
            same: None,
            grace: Duration::ZERO,
            alternatives: Vec::new(),
        };
        Order {
            job: JobId::new(),
            attempt: AttemptId::new(),
            queue: QueueId::new(),
            owner: UserId::new(),
            epoch: 0,
            node: node.id,
            gpu_indices: Vec::new(),
            others: Vec::new(),
            asked: Arc::new(asked),
            alternative: 0,
            lease: Duration::from_secs(10),
        }
    }

    #[test]
    fn a_node_is_never_given_more_than_it_has() {
        let mut node = node();
        let half = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 0, gpus: 0 };
        let order = order(&node, half);
        let takes = |node: &mut Node| {
            let fits = has_room(node, &[], &order);
            fits.then(|| take(node, &[], &order)).is_some()
        };
        assert!(takes(&mut node));
        assert!(takes(&mut node));
        assert!(!takes(&mut node));
        node.allocated = Amounts::default();
        node.availability = Availability::Cordoned;
        assert!(!takes(&mut node));
    }

    #[test]
    fn a_container_does_not_go_where_processes_are_run_since_a_moment() {
        let mut node = node();
        let order = order(&node, Amounts::default());
        let may = |node: &Node| fits(&HashMap::from([(node.id, node.clone())]), &HashSet::new(), &order);
        assert!(may(&node));
        node.labels.insert(Runtime::LABEL.to_owned(), Runtime::Process.to_string());
        assert!(!may(&node));
    }
}
