//! Why a job waits, with the evidence, when it may start, and what would let it start sooner.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use crate::ids::JobId;
use crate::job::{Amounts, JobState, Reason};
use crate::queue::Quota;
use crate::reservation::Reservation;

/// Why a job stands where it stands, as the scheduler sees it now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    pub job_id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// The dominant reason. Absent where nothing holds it up: it starts with the next plan, runs, or has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The reason in a sentence.
    pub message: String,
    /// How many jobs of its queue would be tried before it, as shares are now.
    pub position: u32,
    /// What it asks for of one node, and what nodes have of it.
    pub evidence: Vec<Evidence>,
    /// Jobs that hold what it waits for, in the order in which they have to end; at most ten. Those of teams that the
    /// caller does not see are only counted.
    pub blockers: Vec<Blocker>,
    /// Blockers that the caller does not see.
    pub blockers_hidden: u32,
    /// When it may start, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Nodes that are kept for it, where some are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
    /// The smallest change that would let it start as things are now: all of these together. Empty where only time
    /// helps, or nothing is in its way.
    pub changes: Vec<Change>,
    /// The reasons that it was told while it waited, the oldest first; the latest hundred.
    pub history: Vec<ReasonChange>,
}

/// What a job can ask for of a node.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Dimension {
    /// In thousandths of a CPU.
    Cpus,
    /// In bytes.
    Memory,
    /// In bytes.
    Disk,
    /// GPUs of the kind asked for, of which enough is free.
    Gpus,
    /// Nodes with room for one rank of a job on several nodes: `most_free` and `most` count those that could be used
    /// together.
    Nodes,
}

/// How nodes stand to one thing that a job asks for. Of all nodes of its queue's clusters those are looked at that
/// take jobs and that its constraints allow, or, where there is none, all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Of what.
    pub dimension: Dimension,
    /// How much the job asks for.
    pub asked: u64,
    /// Nodes that were looked at.
    pub nodes: u32,
    /// Those of them that have too little of it free.
    pub nodes_lacking: u32,
    /// The most that one of them has free.
    pub most_free: u64,
    /// The most that one of them has in all.
    pub most: u64,
}

/// A job that holds what another waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Blocker {
    pub job_id: JobId,
    pub name: String,
    /// Username of who submitted it.
    pub owner: String,
    /// When it has ended at the latest, where its time is bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_by: Option<DateTime<Utc>>,
}

/// When a job may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// Not before this time.
    pub earliest: DateTime<Utc>,
    /// Absent where a job that has no bound on its time is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<DateTime<Utc>>,
    /// What the estimate rests on, in a sentence.
    pub basis: String,
}

/// One thing to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What kind of change.
    pub kind: ChangeKind,
    /// The change in a sentence.
    pub message: String,
    /// What the job would ask for instead, or the node to be added would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Amounts>,
    /// On how many nodes the job would run instead, or how many are to be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// Name of the node that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Name of the queue that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// The constraints to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    /// The bounds to raise, and to what; the others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// What kind of change.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ChangeKind {
    /// The job asks for `requests` instead.
    AskForLess,
    /// The job takes GPUs of any model and memory.
    AnyGpu,
    /// The job leaves `constraints` out.
    DropConstraints,
    /// `node` takes jobs again.
    Uncordon,
    /// `node` is repaired.
    BringBack,
    /// `queue` is resumed.
    ResumeQueue,
    /// The quota of `queue` is raised to `quota`.
    RaiseQuota,
    /// The quota of each user in `queue` is raised to `quota`.
    RaiseUserQuota,
    /// A cluster of `queue` gets a node with `requests` free.
    AddNode,
    /// `queue` feeds a cluster.
    FeedCluster,
    /// The job is released.
    Release,
    /// The job runs on `nodes` nodes instead.
    FewerNodes,
    /// The job's nodes need not share a label.
    DropSame,
}

impl Change {
    #[must_use]
    pub fn new(kind: ChangeKind, message: String) -> Self {
        Self {
            kind,
            message,
            requests: None,
            nodes: None,
            node: None,
            queue: None,
            constraints: Vec::new(),
            quota: None,
        }
    }
}

/// Since when a job waited for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonChange {
    /// Since when.
    pub at: DateTime<Utc>,
    /// The reason from then on.
    pub reason: Reason,
    pub message: String,
}
