//! From a task to the body of Docker's create call.

use std::collections::HashMap;

use bollard::models::ContainerCreateBody;
use lilac_api::agent::{Supplies, TaskSpec};
use lilac_api::ids::AttemptId;

use super::policy::host_config;
use super::{Owner, label};

/// What Docker is asked to make for one task.
#[must_use]
pub fn container_body(
    owner: Owner,
    attempt: AttemptId,
    epoch: u32,
    task: &TaskSpec,
    supplies: &Supplies,
) -> ContainerCreateBody {
    let labels = HashMap::from([
        (label::CLUSTER.to_owned(), owner.cluster_id.to_string()),
        (label::NODE.to_owned(), owner.node_id.to_string()),
        (label::ATTEMPT.to_owned(), attempt.to_string()),
        (label::JOB.to_owned(), task.job_id.to_string()),
        (label::EPOCH.to_owned(), epoch.to_string()),
    ]);
    let secret = supplies.env.iter().map(|(name, value)| format!("{name}={}", value.0));
    let env = task.env.iter().map(|(name, value)| format!("{name}={value}")).chain(secret).collect();
    ContainerCreateBody {
        image: Some(task.image.clone()),
        entrypoint: some_unless_empty(&task.entrypoint),
        cmd: some_unless_empty(&task.command),
        env: Some(env),
        working_dir: task.workdir.clone(),
        user: task.user.clone(),
        labels: Some(labels),
        stop_signal: Some(task.stop_signal.to_string()),
        stop_timeout: i64::try_from(task.stop_grace.0.as_secs()).ok(),
        host_config: Some(host_config(task, &supplies.mounts)),
        ..ContainerCreateBody::default()
    }
}

fn some_unless_empty(words: &[String]) -> Option<Vec<String>> {
    if words.is_empty() { None } else { Some(words.to_vec()) }
}
