//! The naive reference: what is free is counted anew from all that runs, each time.

use std::collections::{BTreeMap, BTreeSet};

use lilac_api::job::Amounts;
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, NodeId};
use lilac_scheduler::{Availability, Bounds, Job, Node, Part, Queue};

/// What of a job counts for where it fits: its first resources, or one of the alternatives.
#[derive(Clone, Debug)]
pub struct Wish {
    pub requests: Amounts,
    pub gpus: Option<Gpus>,
}

impl Wish {
    /// All that would do, the preferred first.
    pub fn of(job: &Job) -> Vec<Self> {
        let first = Self { requests: job.requests, gpus: job.gpus.clone() };
        let others = job.alternatives.iter();
        let others = others.map(|other| Self { requests: other.requests, gpus: other.gpus.clone() });
        std::iter::once(first).chain(others).collect()
    }

    /// Thousandths of each of its GPUs.
    fn milli(&self) -> u32 {
        self.gpus.as_ref().and_then(|gpus| gpus.share).map_or(1000, |share| share.thousandths)
    }

    fn accepts(&self, model: &str) -> bool {
        self.gpus
            .as_ref()
            .is_none_or(|gpus| gpus.model.is_empty() || gpus.model.iter().any(|word| word == model))
    }
}

/// What runs, and with what.
#[derive(Clone, Debug)]
pub struct Run {
    pub job: Job,
    pub wish: Wish,
    pub parts: Vec<Part>,
    /// When it ends.
    pub at_ms: i64,
}

/// What is left of a node: CPUs, memory, disk, and thousandths of each GPU.
fn left<'a>(node: &Node, runs: impl Iterator<Item = &'a Run>) -> (i64, i64, i64, BTreeMap<u16, i64>) {
    let mut cpus = i64::from(node.capacity.cpu_milli);
    let (mut memory, mut disk) = (node.capacity.memory_bytes as i64, node.capacity.disk_bytes as i64);
    let mut gpus: BTreeMap<u16, i64> = node.gpus.iter().map(|gpu| (gpu.index, 1000)).collect();
    for run in runs {
        for part in run.parts.iter().filter(|part| part.node == node.id) {
            cpus -= i64::from(run.wish.requests.cpu_milli);
            memory -= run.wish.requests.memory_bytes as i64;
            disk -= run.wish.requests.disk_bytes as i64;
            for index in &part.gpu_indices {
                *gpus.entry(*index).or_default() -= i64::from(run.wish.milli());
            }
        }
    }
    (cpus, memory, disk, gpus)
}

/// Whether nothing on the node is given out more than once over.
pub fn is_within<'a>(node: &Node, runs: impl Iterator<Item = &'a Run>) -> bool {
    let (cpus, memory, disk, gpus) = left(node, runs);
    cpus >= 0 && memory >= 0 && disk >= 0 && gpus.values().all(|free| *free >= 0)
}

fn fits<'a>(node: &Node, runs: impl Iterator<Item = &'a Run>, job: &Job, wish: &Wish) -> bool {
    let (cpus, memory, disk, gpus) = left(node, runs);
    let usable = node.gpus.iter().filter(|gpu| {
        wish.accepts(&gpu.model) && gpus.get(&gpu.index).is_some_and(|free| *free >= i64::from(wish.milli()))
    });
    let asks = |asked: u64, free: i64| asked == 0 || asked as i64 <= free;
    node.availability == Availability::Ready
        && node.satisfies(&job.constraints)
        && asks(wish.requests.cpu_milli.into(), cpus)
        && asks(wish.requests.memory_bytes, memory)
        && asks(wish.requests.disk_bytes, disk)
        && usable.count() >= wish.requests.gpus as usize
}

/// The group of nodes that ranks of a job may run on together; `None` for a node that is in none.
pub fn group(node: &Node, job: &Job) -> Option<(ClusterId, Option<String>)> {
    match job.same.as_ref().filter(|_| job.nodes > 1) {
        None => Some((node.cluster, None)),
        Some(label) => Some((node.cluster, Some(node.labels.get(label)?.clone()))),
    }
}

/// Whether all ranks of a job would have a place, off the nodes that are kept.
pub fn has_place(
    nodes: &[Node],
    runs: &[Run],
    queue: &Queue,
    job: &Job,
    wish: &Wish,
    kept: &BTreeSet<NodeId>,
) -> bool {
    let mut groups: BTreeMap<_, u32> = BTreeMap::new();
    for node in nodes.iter().filter(|node| queue.clusters.contains(&node.cluster) && !kept.contains(&node.id))
    {
        if let Some(group) = group(node, job)
            && fits(node, runs.iter(), job, wish)
        {
            *groups.entry(group).or_default() += 1;
        }
    }
    groups.into_values().any(|count| count >= job.nodes)
}

/// Whether a job may hold this beside what its queue and its user hold.
pub fn is_within_quota(queue: &Queue, runs: &[Run], job: &Job, wish: &Wish) -> bool {
    [(queue.quota, false), (queue.user_quota, true)].into_iter().all(|(bounds, of_user)| {
        let held =
            runs.iter().filter(|run| run.job.queue == queue.id && (!of_user || run.job.user == job.user));
        let mut sums = asked(job, wish);
        let wanted = sums;
        held.for_each(|run| {
            sums.iter_mut().zip(asked(&run.job, &run.wish)).for_each(|(sum, held)| *sum += held);
        });
        let Bounds { jobs, cpu_milli, memory_bytes, gpus } = bounds;
        let bounds = [jobs, cpu_milli, memory_bytes, gpus.map(|gpus| gpus * 1000)];
        (0..4).all(|what| wanted[what] == 0 || bounds[what].is_none_or(|bound| sums[what] <= bound))
    })
}

/// Jobs, CPUs, memory and thousandths of GPUs, of all ranks.
fn asked(job: &Job, wish: &Wish) -> [u64; 4] {
    let nodes = u64::from(job.nodes);
    let Amounts { cpu_milli, memory_bytes, gpus, .. } = wish.requests;
    let gpu_milli = u64::from(gpus) * u64::from(wish.milli());
    [1, u64::from(cpu_milli) * nodes, memory_bytes * nodes, gpu_milli * nodes]
}
