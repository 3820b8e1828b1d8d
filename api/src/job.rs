//! Jobs and attempts as the API shows them; their states and reasons, each spelled once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};

use crate::ids::{ArrayId, AttemptId, JobId, NodeId};
use crate::image::TaskImage;
use crate::quantity::Span;
use crate::spec::JobSpec;
use crate::submission::ArrayPlace;

/// Where a job stands.
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
pub enum JobState {
    /// Waits for a place; `reason` says why.
    Queued,
    /// Placed; the node prepares the container.
    Starting,
    /// The user's code runs.
    Running,
    Succeeded,
    Failed,
    Cancelled,
    /// Waits for a person: it was lost on several nodes.
    Held,
}

impl JobState {
    /// Whether the job has ended for good.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where one try at a job stands.
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
pub enum AttemptState {
    /// Given to its nodes, which have not spoken yet.
    Granted,
    /// Image and container are made ready.
    Preparing,
    Running,
    /// Told to stop; the node has not confirmed yet.
    Stopping,
    Succeeded,
    Failed,
    Cancelled,
    /// Put back in the queue, not charged.
    Preempted,
    /// Its node fell silent beyond the lease, rebooted, or was attested dead.
    Lost,
}

impl AttemptState {
    /// Whether the attempt has ended for good.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Preempted | Self::Lost)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a job stands where it stands: one dominant, stable code.
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
pub enum Reason {
    // Why it waits.
    /// Nodes that could take it are full.
    WaitingForCapacity,
    /// Nodes that could take it have too few GPUs free.
    WaitingForGpus,
    /// No node offers what it asks for, the right GPU model for example.
    NoMatchingNodes,
    /// It asks for more than any node has.
    ExceedsAnyNode,
    QuotaExceeded,
    QueuePaused,
    Dependency,
    ArrayLimit,
    /// It waits before it is tried again.
    Backoff,
    /// It waits for a person.
    Held,
    ReservedForHigher,
    /// Its nodes are unreachable or cordoned.
    NodeDown,
    GangIncomplete,
    // How it ended.
    /// The user's code ended with a code other than 0.
    ExitCode,
    /// It used more memory than it asked for.
    Oom,
    /// It wrote more to the node's disk than it asked for.
    DiskLimit,
    GpuOom,
    /// It ran longer than `max_runtime`.
    Timeout,
    QueueTimeout,
    Cancelled,
    Preempted,
    /// Its node fell silent, rebooted or was attested dead.
    NodeLost,
    /// A GPU failed, or could not be handed over to it: no fault of the job.
    GpuLost,
    /// The image could not be had.
    ImagePull,
    /// No node could start the container.
    Unstartable,
    DependencyFailed,
    /// A fault of the platform, not of the job.
    Infrastructure,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Job {
    pub id: JobId,
    pub name: String,
    /// Name of its queue.
    pub queue: String,
    /// Name of the team whose members see it.
    pub team: String,
    /// Username of who submitted it.
    pub owner: String,
    /// 0 to 100 inside the queue; the higher goes first.
    pub priority: u8,
    pub state: JobState,
    /// The dominant reason of the state, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The reason in a sentence; empty where there is nothing to say.
    pub message: String,
    /// Who caused the latest transition: `user:NAME`, `node:NAME`, `scheduler` or `reaper`.
    pub actor: String,
    pub image: String,
    pub labels: BTreeMap<String, String>,
    /// What it asks for on a node: the spec's, or more memory after a retry with a `memory_factor`.
    pub requests: Amounts,
    /// Number of the latest attempt; 0 before the first.
    pub epoch: u32,
    /// Attempts that counted against `retry.max_attempts`.
    pub attempts_charged: u32,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// Names of the nodes of the latest attempt, in rank order.
    pub nodes: Vec<String>,
    /// Exit code of the latest attempt, once it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Signal that ended the latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    pub created_at: DateTime<Utc>,
    /// When the user's code first ran in the latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Not tried before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// The job whose spec this one was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<JobId>,
    /// How long an attempt may run; the spec's, or what it was extended to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
    /// When it fails with `queue-timeout` if it still waits then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_deadline: Option<DateTime<Utc>>,
    /// Its place in the array that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<ArrayPlace>,
    /// What was submitted; left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<JobSpec>,
}

/// Amounts of what a node has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Amounts {
    /// CPUs in thousandths.
    pub cpu_milli: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub gpus: u32,
}

/// One try at a job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    pub id: AttemptId,
    pub job_id: JobId,
    /// Number of the attempt; grows for ever and is never reused.
    pub epoch: u32,
    pub state: AttemptState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    pub message: String,
    pub granted_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when its nodes may run it without hearing from the control plane; only while it is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Which of the job's alternatives it was given, from 1 on; absent for the resources that the job asks for first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<u32>,
    /// One task per rank.
    pub tasks: Vec<Task>,
}

/// The part of an attempt that one node runs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub rank: u16,
    pub node_id: NodeId,
    /// Name of the node.
    pub node: String,
    /// GPUs of the node that belong to the task while it is live.
    pub gpu_indices: Vec<u16>,
    /// Bytes of log that the control plane holds.
    pub log_bytes: u64,
    /// Whether those are all that there will be.
    pub log_complete: bool,
    /// What its node tells of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<TaskImage>,
    /// Where its ports are reached, by their names in the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PublishedPort>,
    /// Of a job on several nodes: how this rank ended, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<RankEnd>,
}

/// A port of a container, and where it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedPort {
    /// Its name in the spec.
    pub name: String,
    /// The port in the container.
    pub port: u16,
    /// `address:port` of the node.
    pub address: String,
}

/// How one rank of a job on several nodes ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RankEnd {
    pub at: DateTime<Utc>,
    /// Exit code, where its container ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A sentence; empty where there is nothing to say.
    pub message: String,
    /// It is the one that ended the attempt, by failing first.
    pub failed_first: bool,
}

/// One entry of a job's history.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobEvent {
    pub job_id: JobId,
    /// 1, 2, 3 … within the job, without a gap.
    pub sequence: u32,
    pub at: DateTime<Utc>,
    /// The job's state after the event.
    pub state: JobState,
    /// The attempt's state after the event, where the event concerns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_state: Option<AttemptState>,
    /// Number of the attempt; 0 before the first.
    pub epoch: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    pub message: String,
    pub actor: String,
}

/// In which order jobs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobOrder {
    #[default]
    Newest,
    Oldest,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
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
    /// Only jobs whose name has this text in it, in any case; 1 to 128 characters. Looks at the 50,000 newest
    /// jobs (from the cursor on) and no further.
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
    /// `true` leaves only the first job of each array; its `array` tells how many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folded: Option<bool>,
    /// Only jobs that were submitted at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<DateTime<Utc>>,
    /// Only jobs that were submitted before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<DateTime<Utc>>,
    /// Only jobs that ended at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_after: Option<DateTime<Utc>>,
    /// Only jobs that ended before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_before: Option<DateTime<Utc>>,
    /// `newest` (first), which is the default, or `oldest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub sort: Option<JobOrder>,
    /// Only jobs with this label, as `key=value`; of several, separated by commas, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Only jobs whose latest attempt is on this node, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// At most this many, 1 to 500; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where an earlier page ended: its `next_cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How many jobs there are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct JobCounts {
    /// Jobs by state; a state without a job is 0.
    pub by_state: BTreeMap<JobState, u64>,
    /// Queued jobs by reason; `none` are those not looked at yet.
    pub queued_by_reason: BTreeMap<String, u64>,
}

/// Which part of a log to read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Number of the attempt; the latest by default. Also `attempt`.
    #[serde(default, alias = "attempt", skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
    /// First byte to return. Not together with `tail` or `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Start this many lines before the end. Not together with `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Start with what arrived at this time; up to a second of what came before may be with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// At most this many bytes, 1 to 1048576; 262144 by default. Not for the live stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which log to download.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogDownload {
    /// Number of the attempt; the latest by default. Also `attempt`.
    #[serde(default, alias = "attempt", skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
}

/// A `log` event of the live log: bytes of the log from an offset on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogChunk {
    /// Number of the attempt that the bytes belong to.
    pub epoch: u32,
    /// Position of the first byte.
    pub offset: u64,
    /// The bytes in base64: a log may hold any bytes.
    pub data: String,
}

/// The last event of a live log, named `end`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogEnd {
    pub epoch: u32,
    /// Length of the log.
    pub offset: u64,
}

/// Names of the headers that come with a part of a log.
pub mod log_headers {
    /// Position of the first byte of the body.
    pub const OFFSET: &str = "lilac-log-offset";
    /// Where to read on.
    pub const NEXT_OFFSET: &str = "lilac-log-next-offset";
    /// `true` when the log is whole and the body reaches its end.
    pub const COMPLETE: &str = "lilac-log-complete";
    /// Number of the attempt that the body belongs to.
    pub const EPOCH: &str = "lilac-log-epoch";
}
