//! What surrounds the container: where its image comes from, what it sees, what is taken out of it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::job::JobState;
use crate::quantity::Span;

/// How the image comes to the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    #[serde(default)]
    pub policy: PullPolicy,
    /// Name of the registry login of the job's team to pull with. Without it, the only login that the team
    /// has for the image's server is used, if there is just one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A named volume, and where the container sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeMount {
    /// Name of the volume.
    pub name: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether the job may only read it; a volume may demand that by itself.
    #[serde(default)]
    pub read_only: bool,
}

/// When to ask the registry for the image.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, Display, EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PullPolicy {
    Always,
    #[default]
    IfNotPresent,
    Never,
}

/// Which network the container sees.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
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
pub enum Network {
    /// Docker's own bridge.
    #[default]
    Bridge,
    /// The node's.
    Host,
    /// None but loopback: the fastest start.
    None,
}

/// What runs the job on its node.
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
pub enum Runtime {
    /// A container of the job's image.
    #[default]
    Docker,
    /// A process among the node's own, on its files and without an image: for machines without Docker. Only nodes that
    /// offer it take such jobs, and only queues with the policy `trusted`.
    Process,
}

impl Runtime {
    /// The label of nodes that run anything but containers; its value is the runtime.
    pub const LABEL: &str = "lilac.runtime";
}

/// A port on which the job serves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// 1 to 63 characters, unique in the job: `tensorboard`.
    pub name: String,
    /// 1 to 65535, in the container.
    pub port: u16,
}

/// A folder or file that is kept when the job has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Absolute path in the container, without `..`.
    pub path: String,
    /// How long it is kept, 1h to 400d; as long as the server is set to by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Span>,
}

/// Who is told when the job comes into a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// States that are told: `running`, `held`, `succeeded`, `failed`, `cancelled`.
    pub on: Vec<JobState>,
    /// Name of a hook of the job's team.
    pub to: String,
}
