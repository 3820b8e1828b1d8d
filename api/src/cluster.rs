//! Clusters, nodes and join keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::ids::{ClusterId, JoinKeyId, NodeId};
use crate::image::CachedImage;
use crate::job::Amounts;
use crate::metric::GpuUsage;
use crate::quantity::Span;

/// How the scheduler chooses between nodes that fit.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PlacementPolicy {
    /// The first node, by name, that fits.
    FirstFit,
    /// The node that is left with the least.
    BestFit,
    /// The node that is left with the most.
    Spread,
    /// The node where the GPU share that the usual jobs cannot use grows least; best fit between equals.
    #[default]
    FragmentationAware,
}

/// A set of nodes that share a policy.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    pub placement_policy: PlacementPolicy,
    /// How long a node may be silent before its jobs count as lost, where the job does not say.
    pub max_disconnect: Span,
    /// How many nodes it has.
    pub nodes: u32,
    /// Nodes that are ready or cordoned, and heard from lately.
    pub nodes_alive: u32,
    /// What its living nodes have.
    pub capacity: Amounts,
    /// What live attempts hold of it.
    pub allocated: Amounts,
    pub created_at: DateTime<Utc>,
}

/// What a new cluster is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCluster {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    #[serde(default)]
    pub placement_policy: PlacementPolicy,
    /// 10s to 24h; 5m by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_disconnect: Option<Span>,
}

/// What to change of a cluster; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateCluster {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement_policy: Option<PlacementPolicy>,
    /// 10s to 24h; for attempts that start from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_disconnect: Option<Span>,
}

/// A cluster in numbers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClusterStats {
    /// Nodes by state; a state without a node is 0.
    pub nodes: BTreeMap<NodeState, u32>,
    /// What its living nodes have.
    pub capacity: Amounts,
    /// What live attempts hold of it.
    pub allocated: Amounts,
    /// Attempts that hold a part of it, whoever's they are.
    pub running_jobs: u32,
}

/// What a node is good for at the moment.
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
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NodeState {
    /// Takes jobs.
    Ready,
    /// Runs what it has, takes nothing new.
    Cordoned,
    /// Its agent answers, its Docker does not: takes nothing new.
    Unhealthy,
    /// Silent for over 30 seconds.
    Unreachable,
    /// Registered, never heard from since.
    Joining,
}

/// What runs a node's jobs.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Engine {
    /// Docker; what agents have that do not tell.
    #[default]
    Docker,
    /// Podman, in Docker's place.
    Podman,
    /// The agent itself, as processes of the node.
    Process,
}

impl Engine {
    /// What an agent leaves unsaid, so that a control plane understands it that does not know the word.
    #[must_use]
    pub fn is_docker(&self) -> bool {
        *self == Self::Docker
    }

    /// With its version, where one is known, as people say it.
    #[must_use]
    pub fn with_version(self, version: &str) -> String {
        match self {
            Self::Process => "processes".to_owned(),
            _ if version.is_empty() => String::new(),
            Self::Docker => format!("Docker {version}"),
            Self::Podman => format!("Podman {version}"),
        }
    }
}

/// A machine that runs jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    pub id: NodeId,
    pub name: String,
    /// Name of its cluster.
    pub cluster: String,
    pub state: NodeState,
    /// The state in a sentence; empty where there is nothing to say.
    pub message: String,
    pub capacity: Amounts,
    pub allocated: Amounts,
    pub gpus: Vec<Gpu>,
    /// What the whole machine uses, where its agent measured it lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<NodeUsage>,
    /// What its agent reports, with what an administrator set over it.
    pub labels: BTreeMap<String, String>,
    /// Those of the labels that an administrator set.
    pub admin_labels: BTreeMap<String, String>,
    /// Whether it is being drained, and how far that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<NodeDrain>,
    /// Images that it has, those used last first; left out of lists, and where its agent does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<CachedImage>>,
    /// All jobs that it runs, whoever sees them.
    pub running_jobs: u32,
    pub agent_version: String,
    /// What runs its jobs.
    #[serde(default)]
    pub engine: Engine,
    /// Version of that; empty while it does not answer.
    pub docker_version: String,
    /// Where containers of other nodes reach it, as its agent says; without it, it is given no part of a job on several
    /// nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    pub registered_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// What a node uses at the moment, whoever uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeUsage {
    /// When it was measured.
    pub at: DateTime<Utc>,
    /// CPUs in use, in thousandths.
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    /// Each GPU by itself.
    pub gpus: Vec<GpuUsage>,
}

/// A drain of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeDrain {
    /// Until then jobs may end by themselves; what runs on is stopped and goes back to its queue, uncharged.
    pub deadline: DateTime<Utc>,
    /// Since when nothing runs there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drained_at: Option<DateTime<Utc>>,
}

/// What to change of a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateNode {
    /// Labels that stand over those of its agent, all of them: at most 64, keys to 63 characters, values to 255.
    pub labels: BTreeMap<String, String>,
}

/// Why a node is cordoned.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CordonNode {
    /// A sentence for the others, at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// How to empty a node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainNode {
    /// How long its jobs may take to end by themselves: 0s to 30d.
    pub within: Span,
    /// A sentence for the others, at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// A kind of thing that happens to a node.
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
pub enum NodeEventKind {
    Registered,
    Rebooted,
    /// Its agent has another version.
    AgentChanged,
    /// Its Docker does not answer.
    RuntimeLost,
    RuntimeBack,
    Unreachable,
    /// Heard from again.
    Back,
    Cordoned,
    Uncordoned,
    /// Ordered to be emptied.
    Draining,
    /// Empty, as was ordered.
    Drained,
    /// An administrator set its labels.
    Labelled,
}

/// One entry of a node's history.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeEvent {
    pub id: u64,
    pub at: DateTime<Utc>,
    pub kind: NodeEventKind,
    /// A sentence.
    pub message: String,
    /// Who caused it: `user:NAME`, `node:NAME` or `reaper`.
    pub actor: String,
}

/// One GPU of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gpu {
    /// Position on the node, from 0.
    pub index: u16,
    /// The vendor's id of the device, stable over reboots.
    pub uuid: String,
    /// Model in the vendor's words: `NVIDIA H100 80GB HBM3`.
    pub model: String,
    pub memory_bytes: u64,
    /// Why no job is placed on it: it is lost, it reports errors, or somebody uses it outside the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How much of it live attempts hold, in thousandths; only in answers about nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_milli: Option<u16>,
    /// The job that holds it, or the first of those that share it, where the caller sees that; only in answers
    /// about nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<crate::ids::JobId>,
}

/// A key with which new nodes join a cluster. Its secret is shown once, when it is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinKey {
    pub id: JoinKeyId,
    pub name: String,
    /// What its secret begins with, which is no secret: by this it is told where it is found.
    #[serde(default)]
    pub prefix: String,
    /// Whether more than one node may join with it.
    pub reusable: bool,
    /// How often it was used.
    pub uses: u32,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What a new join key is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJoinKey {
    /// What it is for; 1 to 63 characters.
    pub name: String,
    /// Whether several nodes may join with it.
    #[serde(default)]
    pub reusable: bool,
    /// How long it may be used; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

/// A join key with its secret: the only time it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedJoinKey {
    pub key: JoinKey,
    /// `lilac_join_…`
    pub secret: crate::auth::Secret,
}
