//! What the scheduler is told: the fleet as it is, and the jobs that wait.
//!
//! Ids are unique within their vector, which the database sees to. Amounts may be inconsistent for a
//! moment, with more allocated than there is for example; such a node just has no room.

use std::collections::BTreeMap;

use lilac_api::job::Amounts;
use lilac_api::spec::{Constraint, Gpus, Subject};
use lilac_api::{ClusterId, JobId, NodeId, QueueId, UserId};

use crate::class::WHOLE_MILLI;
use crate::policy::Policy;

/// The fleet and what waits, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub clusters: Vec<Cluster>,
    pub nodes: Vec<Node>,
    pub queues: Vec<Queue>,
    /// Only jobs that wait, in any order.
    pub jobs: Vec<Job>,
    /// What live attempts hold, for quotas and shares. Several entries of one user in one queue add up.
    pub held: Vec<Held>,
    /// Which images nodes have, as far as that is known.
    pub images: Vec<NodeImages>,
}

/// The images of a node, by all names under which jobs may ask for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeImages {
    pub node: NodeId,
    pub names: Vec<String>,
}

/// What jobs of one user that start or run hold in one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub queue: QueueId,
    pub user: UserId,
    pub jobs: u32,
    pub amounts: Amounts,
}

/// How much may be held at a time; `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub jobs: Option<u64>,
    pub cpu_milli: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub gpus: Option<u64>,
}

impl Bounds {
    /// In thousandths of one, as shares of GPUs count as such.
    #[must_use]
    pub fn gpu_milli(&self) -> Option<u64> {
        self.gpus.map(|gpus| gpus.saturating_mul(u64::from(WHOLE_MILLI)))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub id: ClusterId,
    /// How a node is chosen where several fit.
    pub policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub id: NodeId,
    pub name: String,
    pub cluster: ClusterId,
    pub availability: Availability,
    pub capacity: Amounts,
    /// What live attempts hold. The GPUs among them are told by `gpus`, which alone counts for them.
    pub allocated: Amounts,
    pub gpus: Vec<NodeGpu>,
    pub labels: BTreeMap<String, String>,
}

impl Node {
    /// Whether all of these hold of the node.
    #[must_use]
    pub fn satisfies(&self, constraints: &[Constraint]) -> bool {
        satisfies(&self.name, &self.labels, constraints)
    }
}

pub(crate) fn satisfies(name: &str, labels: &BTreeMap<String, String>, constraints: &[Constraint]) -> bool {
    constraints.iter().all(|constraint| match &constraint.subject {
        Subject::Node => constraint.holds(Some(name)),
        Subject::Label(key) => constraint.holds(labels.get(key).map(String::as_str)),
    })
}

/// Whether a node takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    Ready,
    /// Runs what it has, takes nothing new.
    Cordoned,
    /// Unreachable, unhealthy, or not heard from since it joined.
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGpu {
    pub index: u16,
    /// Model in the vendor's words.
    pub model: String,
    pub memory_bytes: u64,
    /// Thousandths of it that no live attempt holds: 1000 of one that is free, 0 of one that takes nobody.
    pub free_milli: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub id: QueueId,
    pub name: String,
    /// Jobs of a higher queue all go before those of a lower one.
    pub priority: i32,
    /// Where its jobs may run, the preferred cluster first.
    pub clusters: Vec<ClusterId>,
    pub paused: bool,
    /// Its part against queues of the same priority; 0 counts as 1.
    pub weight: u32,
    /// What all its jobs may hold together.
    pub quota: Bounds,
    /// What the jobs of one user may hold together in it.
    pub user_quota: Bounds,
    /// What no other queue may keep from it: others may use it while it does not, and have to give it back where they
    /// can. Jobs are not counted.
    pub guaranteed: Bounds,
    /// Whether its jobs may take the places of jobs that rank lower and may be put back.
    pub preempts: bool,
}

/// A job that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub queue: QueueId,
    pub user: UserId,
    pub priority: u8,
    /// Milliseconds since the Unix epoch.
    pub submitted_ms: i64,
    /// Not tried before this time, in milliseconds since the Unix epoch.
    pub not_before_ms: Option<i64>,
    pub requests: Amounts,
    /// Which GPUs; `None` asks for `requests.gpus` of any kind.
    pub gpus: Option<Gpus>,
    /// What must hold of its node.
    pub constraints: Vec<Constraint>,
    /// Nodes that could not start it: it is not placed there again.
    pub avoid: Vec<NodeId>,
    /// On so many nodes, each of which gives it what it requests; 0 counts as 1.
    pub nodes: u32,
    /// The label whose value all its nodes share.
    pub same: Option<String>,
    /// What would do in place of `requests` and `gpus`, the preferred first: each is tried where none before it fits.
    pub alternatives: Vec<Alternative>,
    /// How long it runs at most, in milliseconds.
    pub max_runtime_ms: Option<i64>,
    /// Name of the image that it is made of: between nodes that are equal to the policy it goes to one that has it.
    pub image: Option<String>,
}

/// Other resources of one node that a job would run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    pub requests: Amounts,
    pub gpus: Option<Gpus>,
}

impl Job {
    /// A job that asks for nothing yet, and starts on one node.
    #[must_use]
    pub fn new(id: JobId, queue: QueueId, user: UserId) -> Self {
        Self {
            id,
            queue,
            user,
            priority: 50,
            submitted_ms: 0,
            not_before_ms: None,
            requests: Amounts::default(),
            gpus: None,
            constraints: Vec::new(),
            avoid: Vec::new(),
            nodes: 1,
            same: None,
            alternatives: Vec::new(),
            max_runtime_ms: None,
            image: None,
        }
    }
}
