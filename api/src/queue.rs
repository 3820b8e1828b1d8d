//! Queues.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::QueueId;

/// A queue of jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    pub id: QueueId,
    pub name: String,
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
    /// -1000 to 1000; 0 by default.
    #[serde(default)]
    pub priority: i32,
    /// Names of clusters, the preferred first; at least one.
    pub clusters: Vec<String>,
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
