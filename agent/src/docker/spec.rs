//! From a task to the body of Docker's create call.

use std::collections::HashMap;

use std::path::Path;

use bollard::models::{
    ContainerCreateBody, ImageConfig, Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType,
};
use lilac_api::agent::{Supplies, TaskSpec};
use lilac_init::limit::LIMIT_BYTES;
use lilac_init::{LEASE_FOLDER, PROGRAM, SPOOL_FOLDER};

use super::policy::host_config;
use super::{Order, label};
use crate::init::Places;

/// What Docker is asked to make for one task. `program` is what its init runs.
#[must_use]
pub fn container_body(order: &Order<'_>, supplies: &Supplies, program: Vec<String>) -> ContainerCreateBody {
    let &Order { owner, attempt, epoch, task, places } = order;
    let labels = HashMap::from([
        (label::CLUSTER.to_owned(), owner.cluster_id.to_string()),
        (label::NODE.to_owned(), owner.node_id.to_string()),
        (label::ATTEMPT.to_owned(), attempt.to_string()),
        (label::JOB.to_owned(), task.job_id.to_string()),
        (label::EPOCH.to_owned(), epoch.to_string()),
    ]);
    let secret = supplies.env.iter().map(|(name, value)| format!("{name}={}", value.0));
    let env = task.env.iter().map(|(name, value)| format!("{name}={value}")).chain(secret).collect();
    let mut host_config = host_config(task, &supplies.mounts);
    host_config.mounts.get_or_insert_default().extend(init_mounts(places));
    ContainerCreateBody {
        image: Some(task.image.clone()),
        entrypoint: Some(vec![
            PROGRAM.to_owned(),
            attempt.to_string(),
            LIMIT_BYTES.to_string(),
            "--".to_owned(),
        ]),
        cmd: Some(program),
        env: Some(env),
        working_dir: task.workdir.clone(),
        user: task.user.clone(),
        labels: Some(labels),
        stop_signal: Some(task.stop_signal.to_string()),
        stop_timeout: i64::try_from(task.stop_grace.0.as_secs()).ok(),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

/// What a container of this image runs for the task, put together as Docker does it: who names an entrypoint
/// does without the image's command.
#[must_use]
pub fn program(task: &TaskSpec, image: Option<&ImageConfig>) -> Vec<String> {
    let of_image = |words: fn(&ImageConfig) -> &Option<Vec<String>>| {
        image.and_then(|image| words(image).clone()).unwrap_or_default()
    };
    let (mut entrypoint, mut command) = (task.entrypoint.clone(), task.command.clone());
    if entrypoint.is_empty() {
        entrypoint = of_image(|image| &image.entrypoint);
        if command.is_empty() {
            command = of_image(|image| &image.cmd);
        }
    }
    entrypoint.append(&mut command);
    entrypoint
}

/// Whether the image has a say in what runs.
#[must_use]
pub fn needs_image(task: &TaskSpec) -> bool {
    task.entrypoint.is_empty()
}

fn init_mounts(places: &Places) -> [Mount; 3] {
    let bind = |source: &Path, target: &str, read_only| Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..Mount::default()
    };
    [
        bind(&places.program, PROGRAM, true),
        bind(&places.lease, LEASE_FOLDER, true),
        bind(&places.spool, SPOOL_FOLDER, false),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tests::task;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_runs_is_put_together_as_docker_does_it() {
        let image = ImageConfig {
            entrypoint: Some(words("/entry -x")),
            cmd: Some(words("serve all")),
            ..ImageConfig::default()
        };
        for (entrypoint, command, expected) in [
            ("", "", "/entry -x serve all"),
            ("", "train", "/entry -x train"),
            ("sh -c", "", "sh -c"),
            ("sh -c", "true", "sh -c true"),
        ] {
            let task = TaskSpec { entrypoint: words(entrypoint), command: words(command), ..task() };
            assert_eq!(program(&task, Some(&image)), words(expected), "{entrypoint:?} {command:?}");
        }
        let task = TaskSpec { entrypoint: Vec::new(), command: words("train"), ..task() };
        assert_eq!(program(&task, None), words("train"));
    }
}
