//! Many jobs at a glance: grouped and counted, how long they waited, and what they held over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::job::JobState;

/// Jobs that have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobGroup {
    /// What they have in common; empty for those that have none of it.
    pub value: String,
    /// How many they are.
    pub jobs: u64,
    /// How many of them are in each state; a state without a job is left out.
    pub by_state: BTreeMap<JobState, u64>,
}

/// Jobs by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobGroups {
    /// The largest groups first; at most 200.
    pub items: Vec<JobGroup>,
    /// Whether there are more groups.
    pub has_more: bool,
}

/// How far back to look.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// Hours up to now, 1 to 168; 24 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
}

/// What the jobs that the caller sees held at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsagePoint {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Attempts that held a part of a node.
    pub jobs: u64,
    /// CPUs that they held, in thousandths.
    pub cpu_milli: u64,
    /// Memory that they held.
    pub memory_bytes: u64,
    /// GPUs that they held.
    pub gpus: u64,
}

/// How long jobs waited for their first start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueWaiting {
    /// Name of the queue.
    pub queue: String,
    /// How many jobs were started in this time.
    pub started: u64,
    /// Half of them waited no longer than this, in seconds.
    pub p50_secs: f64,
    /// Nine in ten of them waited no longer than this, in seconds.
    pub p90_secs: f64,
}

/// What was held over time, and how long jobs waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlatformUsage {
    /// Seconds between two points.
    pub step_secs: u32,
    /// In the order of time, up to now.
    pub points: Vec<UsagePoint>,
    /// By queue, the most jobs first; queues from which nothing was started are left out.
    pub waiting: Vec<QueueWaiting>,
}
