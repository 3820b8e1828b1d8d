//! Clusters, nodes and join keys.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::ids::{ClusterId, JoinKeyId, NodeId};
use crate::job::Amounts;
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
    #[default]
    BestFit,
}

/// A set of nodes that share a policy.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    pub id: ClusterId,
    pub name: String,
    pub placement_policy: PlacementPolicy,
    /// How long a node may be silent before its jobs count as lost, where the job does not say.
    pub max_disconnect: Span,
    pub nodes: u32,
    /// Nodes that are ready or cordoned, and heard from lately.
    pub nodes_alive: u32,
    /// What its living nodes have.
    pub capacity: Amounts,
    /// What live attempts hold of it.
    pub allocated: Amounts,
    pub created_at: DateTime<Utc>,
}

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
    pub labels: BTreeMap<String, String>,
    pub running_jobs: u32,
    pub agent_version: String,
    /// Version of its container runtime.
    pub docker_version: String,
    pub registered_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// One GPU of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gpu {
    /// Position on the node, from 0.
    pub index: u16,
    /// The vendor's id of the device, stable over reboots.
    pub uuid: String,
    /// Model in the vendor's words: `NVIDIA H100 80GB HBM3`.
    pub model: String,
    pub memory_bytes: u64,
    /// Name of the job that holds it; only in answers about nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<crate::ids::JobId>,
}

/// A key with which new nodes join a cluster. Its secret is shown once, when it is made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinKey {
    pub id: JoinKeyId,
    pub name: String,
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

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateJoinKey {
    /// What it is for; 1 to 63 characters.
    pub name: String,
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
