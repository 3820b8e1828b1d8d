//! What is replayed: nodes, queues, users, and jobs with the time each was submitted and the time it took.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use lilac_api::job::Amounts;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Availability, Bounds, Job, Node, NodeGpu, Queue};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::Options;
use crate::openb;
use crate::trace::{self, TraceNode, TracePod};

/// Declared times are whole minutes, as people write them.
const DECLARED_STEP_MS: i64 = 60_000;

#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Where it comes from, in words.
    pub source: String,
    pub nodes: Vec<TraceNode>,
    pub queues: Vec<LoadQueue>,
    pub users: u32,
    /// In the order in which they are submitted.
    pub jobs: Vec<LoadJob>,
    /// Jobs of the trace that never ran, so that nobody knows how long they take.
    pub left_out: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadQueue {
    pub name: String,
    pub priority: i32,
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadJob {
    pub submitted_ms: i64,
    pub takes_ms: i64,
    /// What its user declared as `max_runtime`, which is all that the core is told.
    pub declared_ms: i64,
    /// Place in the load's queues.
    pub queue: usize,
    pub user: u32,
    pub priority: u8,
    pub asks: TracePod,
}

/// A trace with times. It names no users: pods of one shape are taken to be of one user, whom a hash of it chooses.
/// Its classes of service are its queues, all equal.
///
/// # Errors
/// Where a file cannot be read.
pub fn from_trace(nodes: &Path, pods: &Path, options: &Options) -> anyhow::Result<Load> {
    let mut random = StdRng::seed_from_u64(options.seed);
    let (all_nodes, timed) = (trace::nodes(nodes)?, trace::timed_pods(pods)?);
    let percent = options.nodes_percent as usize;
    let picked = all_nodes.into_iter().enumerate().filter(|(index, _)| index * percent % 100 < percent);
    let nodes = picked.map(|(_, node)| node).collect();
    let mut names: Vec<String> = timed.iter().map(|pod| pod.qos.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let mut load = Load {
        source: format!("{} at {} times its speed, {percent} % of its nodes", pods.display(), options.speed),
        nodes,
        users: options.users,
        ..Load::default()
    };
    for pod in timed {
        let Some(takes_secs) = pod.ran_secs else {
            load.left_out += 1;
            continue;
        };
        let takes_ms = millis(takes_secs.max(1));
        load.jobs.push(LoadJob {
            submitted_ms: millis(pod.submitted_secs) / i64::from(options.speed),
            takes_ms,
            declared_ms: declared(takes_ms, options.overestimate, &mut random),
            queue: names.binary_search(&pod.qos).unwrap_or_default(),
            user: user_of(&pod.pod, options.users),
            priority: 50,
            asks: pod.pod,
        });
    }
    load.jobs.sort_by_key(|job| job.submitted_ms);
    let queue = |name: String| LoadQueue { name, priority: 0, weight: 1 };
    load.queues = names.into_iter().map(queue).collect();
    Ok(load)
}

fn user_of(pod: &TracePod, users: u32) -> u32 {
    let mut hasher = DefaultHasher::new();
    pod.hash(&mut hasher);
    u32::try_from(hasher.finish() % u64::from(users.max(1))).unwrap_or_default()
}

fn millis(secs: u64) -> i64 {
    i64::try_from(secs.saturating_mul(1000)).unwrap_or(i64::MAX / 4)
}

/// As long as it takes at the least and so many times as long at the most: as likely twice as half as much.
pub(super) fn declared(takes_ms: i64, most_times: u32, random: &mut StdRng) -> i64 {
    let factor = f64::from(most_times.max(1)).powf(random.random::<f64>());
    let declared = (takes_ms as f64 * factor).ceil() as i64;
    declared.max(1).div_euclid(DECLARED_STEP_MS).saturating_add(1).saturating_mul(DECLARED_STEP_MS)
}

pub(super) fn job_id(index: usize) -> JobId {
    JobId(Uuid::from_u128(index as u128 + 1))
}

pub(super) fn index_of(id: JobId) -> usize {
    usize::try_from(id.0.as_u128().saturating_sub(1)).unwrap_or_default()
}

/// A job as the core is told of it.
pub(super) fn core_job(index: usize, job: &LoadJob) -> Job {
    Job {
        id: job_id(index),
        queue: QueueId(Uuid::from_u128(job.queue as u128)),
        user: UserId(Uuid::from_u128(job.user.into())),
        priority: job.priority,
        submitted_ms: job.submitted_ms,
        max_runtime_ms: Some(job.declared_ms),
        ..openb::job(index as u128 + 1, &job.asks)
    }
}

pub(super) fn core_queue(index: usize, queue: &LoadQueue) -> Queue {
    Queue {
        id: QueueId(Uuid::from_u128(index as u128)),
        name: queue.name.clone(),
        priority: queue.priority,
        clusters: vec![ClusterId(Uuid::nil())],
        paused: false,
        weight: queue.weight,
        quota: Bounds::default(),
        user_quota: Bounds::default(),
        guaranteed: Bounds::default(),
        preempts: true,
    }
}

pub(super) fn core_node(index: usize, node: &TraceNode) -> Node {
    let model = openb::word(&node.model);
    let gpu = |index| NodeGpu { index, model: model.clone(), memory_bytes: 1 << 30, free_milli: 1000 };
    Node {
        id: NodeId(Uuid::from_u128(index as u128 + 1)),
        name: node.name.clone(),
        cluster: ClusterId(Uuid::nil()),
        availability: Availability::Ready,
        capacity: Amounts {
            cpu_milli: node.cpu_milli,
            memory_bytes: node.memory_mib << 20,
            disk_bytes: 0,
            gpus: node.gpus.into(),
        },
        allocated: Amounts::default(),
        gpus: (0..node.gpus).map(gpu).collect(),
        labels: BTreeMap::new(),
    }
}
