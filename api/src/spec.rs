//! The job spec: the file of `lilac_cli submit -f`, the body of `POST /api/v1/jobs`, the form of the UI.

use std::collections::BTreeMap;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::job::{Amounts, Reason};
use crate::quantity::{Bytes, Cpus, Span};

/// A containerised job. Only `name` and `image` are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// 1 to 128 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the queue.
    #[serde(default = "default_queue")]
    pub queue: String,
    /// 0 to 100 inside the queue: the higher goes first, equal ones in the order of arrival.
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// At most 64; keys to 63 characters, values to 255.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Image reference, as Docker understands it.
    pub image: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pull: Pull,
    /// Program and arguments; the image's own command by default. Not together with `run`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// A script for the image's `/bin/sh`. Not together with `command` and `entrypoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Replaces the image's entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Absolute path in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workdir: Option<String>,
    /// `uid`, `uid:gid` or a name that the image knows; the image's own by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Environment of the container. Names that begin with `LILAC_` are Lilac's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// More environment, by name: each is the value of the secret of the job's team that is named here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Named volumes that an administrator allowed. At most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumeMount>,
    /// Size of `/dev/shm`; Docker's 64Mi by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_size: Option<Bytes>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: Network,
    #[serde(default)]
    pub resources: Resources,
    /// Ends as failed with `timeout` when it ran for this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: Stop,
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// How long its node may be silent before the job counts as lost and goes back to the queue,
    /// 10s to 24h; the cluster's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_disconnect: Option<Span>,
}

fn default_queue() -> String {
    "default".to_owned()
}

fn default_priority() -> u8 {
    50
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl JobSpec {
    /// The smallest job: an image run as it is.
    #[must_use]
    pub fn new(name: &str, image: &str) -> Self {
        Self {
            name: name.to_owned(),
            queue: default_queue(),
            priority: default_priority(),
            labels: BTreeMap::new(),
            image: image.to_owned(),
            pull: Pull::default(),
            command: Vec::new(),
            run: None,
            entrypoint: Vec::new(),
            workdir: None,
            user: None,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            volumes: Vec::new(),
            shm_size: None,
            network: Network::default(),
            resources: Resources::default(),
            max_runtime: None,
            stop: Stop::default(),
            retry: Retry::default(),
            max_disconnect: None,
        }
    }

    /// What the job takes from its node.
    #[must_use]
    pub fn requests(&self) -> Amounts {
        Amounts {
            cpu_milli: self.resources.cpus.milli,
            memory_bytes: self.resources.memory.0,
            disk_bytes: self.resources.disk.map_or(0, |disk| disk.0),
            gpus: self.resources.gpus.as_ref().map_or(0, |gpus| gpus.count),
        }
    }

    /// Whether the job needs what only the control plane has at hand: secrets, volumes.
    #[must_use]
    pub fn needs_supplies(&self) -> bool {
        !self.secrets.is_empty() || !self.volumes.is_empty()
    }

    /// Entrypoint and command for the container: a script becomes an argument of `/bin/sh`.
    #[must_use]
    pub fn invocation(&self) -> (Vec<String>, Vec<String>) {
        match &self.run {
            Some(script) => (vec!["/bin/sh".to_owned(), "-c".to_owned()], vec![script.clone()]),
            None => (self.entrypoint.clone(), self.command.clone()),
        }
    }
}

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

/// What the job takes from its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// 1 by default; at least 1m.
    #[serde(default = "default_cpus")]
    pub cpus: Cpus,
    /// 256Mi by default; at least 8Mi. Using more ends the job with `oom`.
    #[serde(default = "default_memory")]
    pub memory: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// A number, `MODEL:number`, or an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Gpus>,
}

fn default_cpus() -> Cpus {
    Cpus { milli: 1000 }
}

fn default_memory() -> Bytes {
    Bytes(256 << 20)
}

impl Default for Resources {
    fn default() -> Self {
        Self { cpus: default_cpus(), memory: default_memory(), disk: None, gpus: None }
    }
}

/// GPUs of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gpus {
    /// Whole GPUs; 1 to 1024.
    pub count: u32,
    /// Accepted models, any of them; a word of the vendor's name, in any case: `H100`. All by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub model: Vec<String>,
    /// The least memory that each of them must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl<'de> Deserialize<'de> for Gpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            count: u32,
            #[serde(default)]
            model: Vec<String>,
            #[serde(default)]
            memory: Option<Bytes>,
        }

        struct AnyForm;
        impl<'de> Visitor<'de> for AnyForm {
            type Value = Gpus;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("GPUs as 8, \"H100:8\" or {count: 8, model: [H100]}")
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Gpus, E> {
                let count = u32::try_from(count).map_err(|_| E::custom("more GPUs than can be counted"))?;
                Ok(Gpus { count, model: Vec::new(), memory: None })
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Gpus, E> {
                u64::try_from(count)
                    .map_err(|_| E::custom("a negative number of GPUs"))
                    .and_then(|n| self.visit_u64(n))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Gpus, E> {
                let (model, count) = match text.rsplit_once(':') {
                    Some((model, count)) => (vec![model.to_owned()], count),
                    None => (Vec::new(), text),
                };
                let count = count.parse().map_err(|_| {
                    E::custom(format_args!(
                        "`{}` is not a number of GPUs; write 8 or H100:8",
                        count.chars().take(32).collect::<String>()
                    ))
                })?;
                Ok(Gpus { count, model, memory: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gpus, A::Error> {
                let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Gpus { count: long.count, model: long.model, memory: long.memory })
            }
        }
        deserializer.deserialize_any(AnyForm)
    }
}

/// How a running job is asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    #[serde(default)]
    pub signal: Signal,
    /// Killed when it has not ended by then; 10s by default, 24h at most.
    #[serde(default = "default_grace")]
    pub grace: Span,
}

fn default_grace() -> Span {
    Span(std::time::Duration::from_secs(10))
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::default(), grace: default_grace() }
    }
}

/// Signals that make sense to a job.
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
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Signal {
    #[default]
    SigTerm,
    SigInt,
    SigHup,
    SigQuit,
    SigUsr1,
    SigUsr2,
    SigKill,
}

/// What to do when an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts that count, the first included; 1 to 100, 1 by default. A lost node never counts.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    #[serde(default)]
    pub backoff: Backoff,
    /// The first that matches says what happens. Without rules every failure is retried while
    /// attempts are left; with rules, what none matches is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

fn default_max_attempts() -> u32 {
    1
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: default_max_attempts(), backoff: Backoff::default(), rules: Vec::new() }
    }
}

/// The wait before the n-th retry: `initial` × `factor`^(n-1), at most `max`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// 10s by default.
    #[serde(default = "default_initial")]
    pub initial: Span,
    /// 1 to 10; 2 by default.
    #[serde(default = "default_factor")]
    pub factor: u32,
    /// 10m by default.
    #[serde(default = "default_max")]
    pub max: Span,
}

fn default_initial() -> Span {
    Span(std::time::Duration::from_secs(10))
}

fn default_factor() -> u32 {
    2
}

fn default_max() -> Span {
    Span(std::time::Duration::from_secs(600))
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: default_initial(), factor: default_factor(), max: default_max() }
    }
}

/// Matches a failure by its reason or exit code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    /// Reasons that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Reason>,
    /// Exit codes that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_codes: Vec<i32>,
    pub action: RetryAction,
    /// Whether the attempt counts against `max_attempts`.
    #[serde(default = "yes")]
    pub counts: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAction {
    Retry,
    Fail,
}
