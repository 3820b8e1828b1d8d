//! Queues.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::auth::DEFAULT_TEAM;
use crate::ids::QueueId;
use crate::spec::Network;

/// What the containers of a queue may do on their node.
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
pub enum ContainerPolicy {
    /// Few capabilities, no new privileges, no devices but its GPUs, no paths of the node but allowed volumes.
    #[default]
    Restricted,
    /// As restricted, and without any capability, not as root, on a read-only file system.
    Strict,
    /// What Docker gives by default.
    Trusted,
}

/// The networks that a queue allows unless it says otherwise: all but the node's own.
#[must_use]
pub fn default_networks() -> Vec<Network> {
    vec![Network::Bridge, Network::None]
}

/// A queue of jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    pub id: QueueId,
    pub name: String,
    /// Name of the team whose members see it and submit to it.
    pub team: String,
    /// The higher goes first, over all queues; -1000 to 1000.
    pub priority: i32,
    /// Names of the clusters that its jobs may run on, the preferred first.
    pub clusters: Vec<String>,
    /// A paused queue takes jobs and starts none.
    pub paused: bool,
    /// Jobs waiting.
    pub queued: u64,
    /// Jobs starting or running.
    pub running: u64,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQueue {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the team that it is for; `default` by default.
    #[serde(default = "default_team")]
    pub team: String,
    /// -1000 to 1000; 0 by default.
    #[serde(default)]
    pub priority: i32,
    /// Names of clusters, the preferred first; at least one.
    pub clusters: Vec<String>,
}

impl CreateQueue {
    /// A queue of the default team.
    #[must_use]
    pub fn new(name: &str, priority: i32, clusters: Vec<String>) -> Self {
        Self { name: name.to_owned(), team: default_team(), priority, clusters }
    }
}

fn default_team() -> String {
    DEFAULT_TEAM.to_owned()
}

/// What to change; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateQueue {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}
