//! Many jobs at a glance: grouped and counted, how long they waited, and what they held over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::ArrayId;
use crate::job::{JobFilter, JobState};

/// Which jobs to group, and by what.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobGroupQuery {
    /// `queue`, `owner`, `team`, `reason`, `name`, `image`, `node` (of the latest attempt's first task), or `label:KEY`.
    pub by: String,
    /// Only jobs in these states, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only jobs of this queue, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Only jobs of this owner, by username; `me` is the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Only jobs whose name is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only jobs whose name has this text in it, in any case; 1 to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only jobs that stand where they do for one of these reasons, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Only jobs of this team, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Only the jobs of this array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayId>,
    /// Only jobs that were submitted at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<DateTime<Utc>>,
    /// Only jobs with this label, as `key=value`; of several, separated by commas, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only jobs whose latest attempt is on this node, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl JobGroupQuery {
    /// What to group by, and the filter of a list that means the same jobs.
    #[must_use]
    pub fn split(self) -> (String, JobFilter) {
        let filter = JobFilter {
            state: self.state,
            queue: self.queue,
            owner: self.owner,
            name: self.name,
            text: self.text,
            reason: self.reason,
            team: self.team,
            array: self.array,
            created_after: self.created_after,
            label: self.label,
            node: self.node,
            ..JobFilter::default()
        };
        (self.by, filter)
    }
}

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
