//! Fills a cluster from a trace, by the method of "Beware of Fragmentation" (Weng et al., USENIX ATC 2023): nothing
//! ever ends; pods are drawn from the trace in an order that a seed decides, until they have asked for 130 % of the
//! cluster's GPUs; each is placed at once or refused for good. The figure is the GPU share that got a pod.
//!
//! The core is told how common each shape is in the trace, and learns from what has arrived; never what is to come.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::ensure;
use lilac_api::job::Amounts;
use lilac_api::quantity::Ratio;
use lilac_api::spec::Gpus;
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};
use lilac_scheduler::{Availability, Bounds, Job, Node, NodeGpu, Policy, Queue, State};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use uuid::Uuid;

use crate::trace::{TraceNode, TracePod};

/// Percent of the cluster's GPUs that has arrived when the figures are taken.
const MARKS: [u64; 4] = [100, 110, 120, 130];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub policy: String,
    pub seeds: u32,
    /// Percent of the GPUs that are allocated, by percent arrived.
    pub allocated: BTreeMap<u64, f64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {} seeds; GPUs allocated", self.policy, self.seeds)?;
        self.allocated.iter().try_for_each(|(mark, share)| write!(f, "\n  at {mark} % arrived  {share:.2} %"))
    }
}

/// # Errors
/// Where the cluster has no GPU or no pod asks for one.
pub fn replay(nodes: &[TraceNode], pods: &[TracePod], policy: Policy, seeds: u32) -> anyhow::Result<Report> {
    let capacity: u64 = nodes.iter().map(|node| u64::from(node.gpus) * 1000).sum();
    ensure!(capacity > 0, "the cluster has no GPU");
    ensure!(pods.iter().any(|pod| pod.total_gpu_milli() > 0), "no pod asks for a GPU");
    let mut sums = [0.0; MARKS.len()];
    for seed in 0..seeds {
        let arrivals = arrivals(pods, capacity, seed.into());
        let allocated = fill(nodes, pods, &arrivals, policy, capacity);
        sums.iter_mut()
            .zip(allocated)
            .for_each(|(sum, allocated)| *sum += allocated as f64 * 100.0 / capacity as f64);
    }
    let mean = |sum: f64| (sum / f64::from(seeds) * 1000.0).round() / 1000.0;
    let allocated = MARKS.into_iter().zip(sums.map(mean)).collect();
    Ok(Report { policy: policy.to_string(), seeds, allocated })
}

/// The whole trace in a random order, and more that is drawn from it where that is not enough.
fn arrivals(pods: &[TracePod], capacity: u64, seed: u64) -> Vec<&TracePod> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut arrivals: Vec<&TracePod> = pods.iter().collect();
    arrivals.shuffle(&mut random);
    let mut asked: u64 = arrivals.iter().map(|pod| pod.total_gpu_milli()).sum();
    while asked * 100 < capacity * MARKS[MARKS.len() - 1] {
        let pod = &pods[random.random_range(0..pods.len())];
        asked += pod.total_gpu_milli();
        arrivals.push(pod);
    }
    arrivals
}

/// Thousandths of GPUs allocated at each mark.
fn fill(
    nodes: &[TraceNode],
    pods: &[TracePod],
    arrivals: &[&TracePod],
    policy: Policy,
    capacity: u64,
) -> [u64; MARKS.len()] {
    let mut state = cluster(nodes, policy);
    let mut common: BTreeMap<&TracePod, u64> = BTreeMap::new();
    pods.iter().for_each(|pod| *common.entry(pod).or_default() += 1);
    common.iter().for_each(|(pod, times)| state.expect(&job(0, pod), *times));

    let mut allocated = [0; MARKS.len()];
    let (mut arrived, mut held) = (0, 0);
    for (number, pod) in (1..).zip(arrivals) {
        let job = job(number, pod);
        state.add_job(&job);
        arrived += pod.total_gpu_milli();
        if state.schedule(0, usize::MAX).is_empty() {
            state.end(job.id);
        } else {
            held += pod.total_gpu_milli();
        }
        for (mark, allocated) in MARKS.iter().zip(&mut allocated) {
            if *allocated == 0 && arrived * 100 >= capacity * mark {
                *allocated = held;
            }
        }
        if allocated[MARKS.len() - 1] > 0 {
            break;
        }
    }
    allocated
}

fn cluster(nodes: &[TraceNode], policy: Policy) -> State {
    let cluster = ClusterId(Uuid::nil());
    let mut state = State::default();
    state.put_cluster(cluster, policy);
    state.put_queue(&Queue {
        id: QueueId(Uuid::nil()),
        name: "trace".to_owned(),
        priority: 0,
        clusters: vec![cluster],
        paused: false,
        weight: 1,
        quota: Bounds::default(),
        user_quota: Bounds::default(),
        guaranteed: Bounds::default(),
        preempts: true,
    });
    for (number, node) in (1..).zip(nodes) {
        let gpu =
            |index| NodeGpu { index, model: word(&node.model), memory_bytes: 1 << 30, free_milli: 1000 };
        state.put_node(&Node {
            id: NodeId(Uuid::from_u128(number)),
            name: node.name.clone(),
            cluster,
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
        });
    }
    state
}

pub(crate) fn job(number: u128, pod: &TracePod) -> Job {
    let share = (pod.gpu_milli < 1000).then_some(Ratio { thousandths: pod.gpu_milli.into() });
    let model = pod.models.iter().map(|model| word(model)).collect();
    Job {
        requests: Amounts {
            cpu_milli: pod.cpu_milli,
            memory_bytes: pod.memory_mib << 20,
            disk_bytes: 0,
            gpus: pod.gpus,
        },
        gpus: (pod.gpus > 0).then_some(Gpus { count: pod.gpus, model, memory: None, share }),
        ..Job::new(JobId(Uuid::from_u128(number)), QueueId(Uuid::nil()), UserId(Uuid::nil()))
    }
}

/// Models are matched by a word of their name; the trace means the whole of it.
pub(crate) fn word(model: &str) -> String {
    format!("<{model}>")
}
