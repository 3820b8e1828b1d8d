//! The protocol between agents and the control plane.
//!
//! One message, `sync`, carries everything that must not be lost: up goes *all* that the agent knows of
//! its attempts, down comes the *whole* set that the node should run. Full state makes repeated, late
//! and reordered messages harmless. The agent dials; the control plane never does. Logs go on a
//! connection of their own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Secret;
use crate::cluster::{Engine, Gpu};
use crate::ids::{AttemptId, ClusterId, JobId, NodeId, SessionId};
use crate::image::{CachedImage, TaskImage};
use crate::job::Reason;
use crate::output::OutputTask;
use crate::quantity::Span;
use crate::queue::{ContainerPolicy, default_networks};
use crate::spec::{Network, PullPolicy, Runtime, Signal, Warn};
use crate::stream::StreamOrder;

/// Version of this protocol, which an agent names in every message.
pub const PROTOCOL_VERSION: u32 = 1;

/// The oldest version that a server of this release still understands. A server is upgraded before its agents: it
/// speaks to those of the release before in their words, and answers 426 to any other.
pub const OLDEST_PROTOCOL: u32 = 1;

/// How long a `sync` is held open when nothing changes.
pub const SYNC_WAIT_SECS: u64 = 20;

/// The most bytes of log that one request may carry.
pub const MAX_LOG_CHUNK_BYTES: usize = 1 << 20;

/// A node is shown as unreachable after this long without a word.
pub const UNREACHABLE_AFTER_SECS: u64 = 30;

/// Sent once, with the join key as the bearer token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    pub protocol: u32,
    /// Name of the node; must be free in the cluster, or belong to a node with the same machine id.
    pub name: String,
    /// Id of the operating system's installation (`/etc/machine-id`), hashed.
    pub machine_id: String,
    pub agent_version: String,
}

/// The node's identity from now on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegisterResponse {
    pub node_id: NodeId,
    pub cluster_id: ClusterId,
    /// `lilac_node_…`: the bearer token from now on. An earlier one of this node is void.
    pub credential: Secret,
}

/// What a node has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeCapacity {
    /// CPUs in thousandths.
    pub cpu_milli: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub gpus: Vec<Gpu>,
}

/// Whether the node's container runtime answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuntimeHealth {
    /// Whether it answers.
    pub ok: bool,
    /// Version of Docker, or of what is in its place; empty when it does not answer.
    pub version: String,
    /// What is wrong; empty when nothing is.
    pub message: String,
    /// Who it is that answers, or did last.
    #[serde(default, skip_serializing_if = "Engine::is_docker")]
    pub engine: Engine,
}

/// Up: all that the agent knows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    pub protocol: u32,
    pub agent_version: String,
    /// Changes with every boot of the machine.
    pub boot_id: Uuid,
    /// As in `RegisterRequest`; tells a reboot from a copied credential.
    pub machine_id: String,
    /// This run of the agent. A session not seen before takes over when `sequence` is 0; an older
    /// one is answered 409 `fenced`.
    pub session: SessionId,
    /// 0, 1, 2 … within the session.
    pub sequence: u64,
    pub capacity: NodeCapacity,
    pub labels: BTreeMap<String, String>,
    pub runtime: RuntimeHealth,
    /// All attempts that the agent knows of, whatever their phase, until told to forget them.
    pub attempts: Vec<AttemptReport>,
    /// Images that the node has, those used last first, at most 64; left out where the control plane was told
    /// in an earlier sync of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<CachedImage>>,
    /// Where the containers of other nodes reach this one: an IP address, or a name. A node that names none is
    /// given no part of a job on several nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Answer at once, even when there is nothing new.
    #[serde(default)]
    pub no_wait: bool,
}

impl SyncRequest {
    /// Whether it differs from another in nothing but its place in the order, and whether it waits. Both must
    /// speak of no attempts: those always want to be looked at.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        // Every field by name: one that is added must be thought of here.
        let Self {
            protocol,
            agent_version,
            boot_id,
            machine_id,
            session,
            sequence: _,
            capacity,
            labels,
            runtime,
            attempts,
            images,
            address,
            no_wait: _,
        } = self;
        attempts.is_empty()
            && other.attempts.is_empty()
            && (*protocol, *boot_id, *session) == (other.protocol, other.boot_id, other.session)
            && *machine_id == other.machine_id
            && *agent_version == other.agent_version
            && *capacity == other.capacity
            && *labels == other.labels
            && *runtime == other.runtime
            && *images == other.images
            && *address == other.address
    }
}

/// Where an attempt stands on its node.
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
pub enum Phase {
    /// The image is pulled, the container made.
    Preparing,
    Running,
    /// It was told to end.
    Stopping,
    /// It ended; `result` says how.
    Ended,
    /// Docker does not answer, so nobody knows. Not dead.
    Unknown,
}

/// What the agent knows of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttemptReport {
    pub attempt_id: AttemptId,
    pub epoch: u32,
    pub phase: Phase,
    /// When the container started, by the node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// Set with `ended`, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<TaskResult>,
    /// What is known of its image; left out where nothing is, and never unsaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<TaskImage>,
    /// Of a job on several nodes: its container is made, and is not started before those of the others are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_ready: bool,
    /// The ports that it took on its node; left out where it took none, and never unsaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<TakenPorts>,
}

/// Ports of the node that an attempt took before its container was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenPorts {
    /// Where the other ranks meet it; taken by rank 0 of a job on several nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendezvous: Option<u16>,
    /// Where those of its task are reached, in the task's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<u16>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The container's first process ended by itself.
    Exited,
    /// It ended after the control plane had asked it to stop.
    Stopped,
    /// It could not be started at all.
    NotStarted,
    /// The agent ended it because its lease ran out, or found it gone.
    Lost,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskResult {
    pub outcome: Outcome,
    /// Exit code, where the process ended by itself (0 to 255).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Signal that ended the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why it counts as failed, where it does: `exit-code`, `oom`, `image-pull`, `unstartable` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A sentence: the daemon's own words where it refused. At most 2,000 characters.
    pub message: String,
    pub finished_at: DateTime<Utc>,
    /// Length of the whole log in bytes.
    pub log_bytes: u64,
}

/// Down: what the node should do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct SyncResponse {
    /// The whole set: run (or keep, or stop) these. An attempt that the agent has and that stands in
    /// neither list must be stopped: the control plane no longer knows it.
    pub desired: Vec<DesiredAttempt>,
    /// Ended and recorded: drop container and files, once the log is handed over.
    pub forget: Vec<AttemptId>,
    /// Images that jobs wait for which may come to this node: have them ready, if there is nothing better to do.
    /// At most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefetch: Vec<String>,
    /// Streams to connect to, each to be taken up once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamOrder>,
}

/// One attempt that the node owns.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DesiredAttempt {
    pub attempt_id: AttemptId,
    pub epoch: u32,
    /// The lease lasts this long, counted from when the request was *sent*: the agent must have
    /// ended the attempt by then unless it hears again.
    pub lease_ms: u64,
    /// Whether to stop it.
    pub stop: bool,
    /// How long it may run, counted from its start, where that differs from its task: it was extended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
    /// Of a job on several nodes: all ranks are ready, so its container may be started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub go: bool,
    /// How long it may take to stop, where that is less than its task says: another rank has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_within: Option<Span>,
    /// What to run; only for attempts that the request did not mention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskSpec>,
}

/// All that a node needs to run its part of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskSpec {
    pub job_id: JobId,
    /// Name of the job.
    pub job_name: String,
    pub rank: u16,
    /// What runs it; a node that offers another refuses it.
    #[serde(default)]
    pub runtime: Runtime,
    /// Empty where it is no container.
    pub image: String,
    pub pull: PullPolicy,
    /// Replaces the image's own command; empty leaves it.
    pub command: Vec<String>,
    /// Replaces the image's own entrypoint; empty leaves it.
    pub entrypoint: Vec<String>,
    /// Folder that the process starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's own and the injected `LILAC_…` variables.
    pub env: BTreeMap<String, String>,
    pub network: Network,
    /// What the container may do, as its queue says.
    #[serde(default)]
    pub policy: ContainerPolicy,
    /// The networks that its queue allows: any other is refused.
    #[serde(default = "default_networks")]
    pub networks: Vec<Network>,
    pub cpu_milli: u32,
    pub memory_bytes: u64,
    /// How much it may write to the node's disk; none for no limit but the node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Size of `/dev/shm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_bytes: Option<u64>,
    /// GPUs of the node, by the vendor's id, that belong to the task.
    pub gpu_uuids: Vec<String>,
    pub stop_signal: Signal,
    pub stop_grace: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
    /// A signal before `max_runtime` is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_warn: Option<Warn>,
    /// How long its container is kept after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_on_failure: Option<Span>,
    /// Whether the container needs supplies (see [`Supplies`]): it must not be made without them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_supplies: bool,
    /// What is handed over when the container has ended, each under its place in this list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputTask>,
    /// The other ranks, of a job on several nodes: its container is not started before the control plane says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gang: Option<Gang>,
    /// Ports of the container that are reached at its node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
}

/// The ranks of a job on several nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gang {
    /// Addresses of their nodes, in the order of the ranks.
    pub addresses: Vec<String>,
}

/// What an attempt needs and no journal may hold: secrets, the login to the registry, the folders of the
/// node that it may see. Asked for when the container is made, by the node that runs the attempt only, and
/// kept in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Supplies {
    /// Environment whose values are secret.
    pub env: BTreeMap<String, Secret>,
    /// With what to pull the image; none for no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryLogin>,
    /// Folders of the node that the container sees.
    pub mounts: Vec<Mount>,
}

/// A login to a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryLogin {
    /// `host` or `host:port`.
    pub server: String,
    pub username: String,
    pub password: Secret,
}

/// A folder of the node, and where the container sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mount {
    /// Name of the volume, for messages.
    pub name: String,
    /// The folder on the node, as the administrator allowed it.
    pub host_path: String,
    /// Absolute path in the container.
    pub target: String,
    pub read_only: bool,
}

/// Where a log stands after an upload, and in a 409.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogOffset {
    /// Bytes that are stored for good: the next upload starts here.
    pub offset: u64,
}
