//! The job spec: the file of `lilac_cli submit -f`, the body of `POST /api/v1/jobs`, the form of the UI.

mod container;
mod ending;
mod many;
mod resources;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use container::{Network, Notify, Output, Port, Pull, PullPolicy, Runtime, VolumeMount};
pub use ending::{Backoff, Retry, RetryAction, RetryRule, Signal, Stop, Warn};
pub use many::{Array, Need, NeedOn, Overlap, Schedule};
pub use resources::{Comparison, Constraint, Gpus, Placement, Resources, Subject};

use crate::job::Amounts;
use crate::quantity::{Bytes, Span};

/// A containerised job. Only `name` and `image` are needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// 1 to 128 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the queue.
    #[serde(default = "default_queue")]
    pub queue: String,
    /// Name of the team that the job is for. By default the queue's, else the submitter's only team that may
    /// submit there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// 0 to 100 inside the queue: the higher goes first, equal ones in the order of arrival.
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// At most 64; keys to 63 characters, values to 255.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Image reference, as Docker understands it. Left out with `runtime: process`, and only then.
    #[serde(default)]
    pub image: String,
    /// What runs it: a container, or a process of the node's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub runtime: Runtime,
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
    /// At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    #[serde(default)]
    pub resources: Resources,
    /// Other resources that will do, tried in turn where the ones before fit nowhere; at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Resources>,
    /// 1 by default, 1024 at most. More than 1 start together or not at all, each with its `resources`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub nodes: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    pub placement: Placement,
    /// Ends as failed with `timeout` when it ran for this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runtime: Option<Span>,
    /// Ends as failed with `queue-timeout` when it has waited for this long without having started once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_queue_time: Option<Span>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: Stop,
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// Whether it may be put back in the queue for a more urgent job. That never counts as a failure.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preemptible: bool,
    /// How long its node may be silent before the job counts as lost and goes back to the queue,
    /// 10s to 24h; the cluster's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_disconnect: Option<Span>,
    /// How long the container of a failed attempt is kept for a look, 24h at most; not at all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_on_failure: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<Array>,
    /// At most 100 jobs that must have ended before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// At most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Output>,
    /// At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
}

fn default_queue() -> String {
    "default".to_owned()
}

fn default_priority() -> u8 {
    50
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one(number: &u32) -> bool {
    *number == 1
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
            team: None,
            priority: default_priority(),
            labels: BTreeMap::new(),
            image: image.to_owned(),
            runtime: Runtime::default(),
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
            ports: Vec::new(),
            resources: Resources::default(),
            alternatives: Vec::new(),
            nodes: 1,
            placement: Placement::default(),
            max_runtime: None,
            max_queue_time: None,
            stop: Stop::default(),
            retry: Retry::default(),
            preemptible: false,
            max_disconnect: None,
            hold_on_failure: None,
            array: None,
            needs: Vec::new(),
            schedule: None,
            outputs: Vec::new(),
            notify: Vec::new(),
        }
    }

    /// What the job takes from its node.
    #[must_use]
    pub fn requests(&self) -> Amounts {
        self.resources.amounts()
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
