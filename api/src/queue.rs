//! Queues.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::auth::DEFAULT_TEAM;
use crate::ids::QueueId;
use crate::job::JobState;
use crate::quantity::{Bytes, Cpus, Span};
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
    /// What Docker gives by default. Its jobs may also be processes of nodes that offer that (`runtime: process`).
    Trusted,
}

/// Whom the containers of a queue run as.
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
pub enum RunAs {
    /// Whom the job's `user` says, or the image.
    #[default]
    Image,
    /// The uid and gid of who submitted the job, and nobody else: files on shared volumes belong to that one.
    Submitter,
}

/// The networks that a queue allows unless it says otherwise: all but the node's own.
#[must_use]
pub fn default_networks() -> Vec<Network> {
    vec![Network::Bridge, Network::None]
}

/// How much may be held at a time; what is left out is not bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// CPUs of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Memory of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// GPUs of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Jobs that start or run. More wait with `quota-exceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_jobs: Option<u32>,
    /// Jobs that wait. More are refused when they are submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_jobs: Option<u32>,
}

/// What a queue is assured of; what is left out is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guarantee {
    /// CPUs of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Memory of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// GPUs of jobs that start or run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
}

/// Whose places the jobs of a queue may take.
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
pub enum Preemption {
    /// Nobody's: they wait. What the queue is guaranteed it gets back all the same.
    Off,
    /// Those of `preemptible` jobs in the same cluster that rank lower: by the priority of their queue, then by their
    /// own.
    #[default]
    LowerPriority,
}

/// What one job may ask for; what is left out is not bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobLimits {
    /// CPUs on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Memory on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// GPUs on each node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<u32>,
    /// Nodes of one job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// The longest `max_runtime`; a job that names none gets the queue's `default_max_runtime`, or this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
}

/// Who may submit to a queue beside the members of its team, and therefore sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submitters {
    /// Names of teams.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Usernames.
    #[serde(default)]
    pub users: Vec<String>,
}

/// A queue of jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    pub id: QueueId,
    pub name: String,
    /// Name of the team that owns it: its members see it and submit to it.
    pub team: String,
    /// The higher goes first, over all queues; -1000 to 1000.
    pub priority: i32,
    /// Its share against queues of the same priority; 1 to 1000.
    pub weight: u32,
    /// Names of the clusters that its jobs may run on, the preferred first.
    pub clusters: Vec<String>,
    /// A paused queue takes jobs and starts none.
    pub paused: bool,
    /// What its jobs may hold together.
    pub quota: Quota,
    /// What the jobs of each single user may hold together in it.
    pub user_quota: Quota,
    /// What no other queue may keep from it: others borrow what it does not use, and `preemptible` jobs give it back.
    #[serde(default)]
    pub guaranteed: Guarantee,
    /// Whose places its jobs may take.
    #[serde(default)]
    pub preemption: Preemption,
    /// What one job may ask for.
    pub limits: JobLimits,
    /// How long a job that names no `max_runtime` may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_runtime: Option<Span>,
    /// Who else may submit.
    pub submitters: Submitters,
    /// What its containers may do on their node.
    pub policy: ContainerPolicy,
    /// Whom its containers run as.
    pub run_as: RunAs,
    /// Networks that its jobs may choose from.
    pub networks: Vec<Network>,
    /// Jobs waiting, as far as the caller sees them.
    pub queued: u64,
    /// Jobs starting or running, as far as the caller sees them.
    pub running: u64,
    pub created_at: DateTime<Utc>,
}

/// What a new queue is to be.
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
    /// 1 to 1000; 1 by default.
    #[serde(default = "default_weight")]
    pub weight: u32,
    #[serde(default)]
    pub quota: Quota,
    #[serde(default)]
    pub user_quota: Quota,
    /// At most what the quota allows.
    #[serde(default)]
    pub guaranteed: Guarantee,
    /// `lower-priority` by default.
    #[serde(default)]
    pub preemption: Preemption,
    #[serde(default)]
    pub limits: JobLimits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_runtime: Option<Span>,
    #[serde(default)]
    pub submitters: Submitters,
    #[serde(default)]
    pub policy: ContainerPolicy,
    #[serde(default)]
    pub run_as: RunAs,
    /// `bridge` and `none` by default; at least one.
    #[serde(default = "default_networks")]
    pub networks: Vec<Network>,
}

impl CreateQueue {
    /// A queue of the default team, with the rules that hold by default.
    #[must_use]
    pub fn new(name: &str, priority: i32, clusters: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            team: default_team(),
            priority,
            clusters,
            weight: default_weight(),
            quota: Quota::default(),
            user_quota: Quota::default(),
            guaranteed: Guarantee::default(),
            preemption: Preemption::default(),
            limits: JobLimits::default(),
            default_max_runtime: None,
            submitters: Submitters::default(),
            policy: ContainerPolicy::default(),
            run_as: RunAs::default(),
            networks: default_networks(),
        }
    }
}

fn default_team() -> String {
    DEFAULT_TEAM.to_owned()
}

fn default_weight() -> u32 {
    1
}

/// What to change; what is left out stays. Quotas, guarantees, limits and submitters are replaced as a whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateQueue {
    /// Name of the team that owns it from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Its share against queues of the same priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Names of its clusters, the first choice first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_quota: Option<Quota>,
    /// At most what the quota allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guaranteed: Option<Guarantee>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemption: Option<Preemption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<JobLimits>,
    /// `null` takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<Span>)]
    pub default_max_runtime: Option<Option<Span>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitters: Option<Submitters>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ContainerPolicy>,
    /// Whom its containers run as, from the next start on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<RunAs>,
    /// Networks that its containers may choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<Network>>,
}

/// Tells a field that is `null` from one that is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Span>>, D::Error> {
    Option::<Span>::deserialize(deserializer).map(Some)
}

/// What is held of something that a quota bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// CPUs of jobs that start or run.
    pub cpus: Cpus,
    pub memory: Bytes,
    pub gpus: u64,
    /// Jobs that start or run.
    pub running_jobs: u64,
    /// Jobs that wait.
    pub queued_jobs: u64,
}

/// What one user has in a queue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserUsage {
    /// Username.
    pub user: String,
    pub used: Usage,
}

/// What stands in a queue at this moment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueStats {
    /// Unfinished jobs that the caller sees, by state; a state without a job is 0.
    pub by_state: BTreeMap<JobState, u64>,
    /// What users hold with the jobs that the caller sees, the largest first; at most 100.
    pub by_user: Vec<UserUsage>,
    /// Since when the job that waits longest, of those that the caller sees, is in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_waiting_since: Option<DateTime<Utc>>,
    /// What all its jobs hold together, whoever sees them.
    pub used: Usage,
    /// The part of the living nodes that this is, of the resource of which it is the largest: 0 to 1.
    #[serde(default)]
    pub share: f64,
    /// The part that its weight gives it among the queues of its priority that want something now: 0 to 1.
    #[serde(default)]
    pub fair_share: f64,
    /// The bounds on that.
    pub quota: Quota,
    /// The bounds for each single user.
    pub user_quota: Quota,
}

/// What becomes of a queue's unfinished jobs when it is deleted: `refuse` (the queue stays while there are any),
/// `cancel`, or `move:QUEUE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum JobsChoice {
    #[default]
    Refuse,
    Cancel,
    /// To the queue of that name.
    Move(String),
}

impl fmt::Display for JobsChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse"),
            Self::Cancel => f.write_str("cancel"),
            Self::Move(queue) => write!(f, "move:{queue}"),
        }
    }
}

impl FromStr for JobsChoice {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "cancel" => Ok(Self::Cancel),
            _ => match text.strip_prefix("move:") {
                Some(queue) if !queue.is_empty() => Ok(Self::Move(queue.to_owned())),
                _ => Err("write refuse, cancel or move:QUEUE"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_told_from_a_field_that_is_left_out() {
        let read = |text: &str| serde_json::from_str::<UpdateQueue>(text).unwrap().default_max_runtime;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"default_max_runtime": null}"#), Some(None));
        assert!(matches!(read(r#"{"default_max_runtime": "1h"}"#), Some(Some(_))));
    }

    #[test]
    fn choices_survive_their_spelling() {
        for choice in [JobsChoice::Refuse, JobsChoice::Cancel, JobsChoice::Move("a".into())] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for wrong in ["", "Cancel", "move", "move:", "delete"] {
            assert!(wrong.parse::<JobsChoice>().is_err(), "{wrong}");
        }
    }
}
