//! From a task to the body of Docker's create call. What stands in the two structures that are filled here and
//! in `policy` is all that Docker is ever asked for: a test holds their fields against a list.

use std::collections::HashMap;

use std::path::Path;

use bollard::models::{
    ContainerCreateBody, Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountType, PortBinding,
};
use lilac_api::agent::{Supplies, TaskSpec};
use lilac_init::{LEASE_FOLDER, PROGRAM, SPOOL_FOLDER};

use super::ask::ImageConfig;
use super::policy::host_config;
use super::{Order, label};
use crate::init::Places;

/// What Docker is asked to make for one task. `program` is what its init runs.
#[must_use]
pub fn container_body(order: &Order<'_>, supplies: &Supplies, program: Vec<String>) -> ContainerCreateBody {
    let &Order { owner, attempt, epoch, task, places, ports } = order;
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
    if places.relabel {
        host_config.binds = Some(init_binds(places).to_vec());
    } else {
        host_config.mounts.get_or_insert_default().extend(init_mounts(places));
    }
    host_config.port_bindings = bindings(ports);
    ContainerCreateBody {
        image: Some(task.image.clone()),
        entrypoint: Some(vec![PROGRAM.to_owned(), attempt.to_string(), places.log_limit(), "--".to_owned()]),
        cmd: Some(program),
        env: Some(env),
        working_dir: task.workdir.clone(),
        user: task.user.clone(),
        labels: Some(labels),
        exposed_ports: (!ports.is_empty()).then(|| ports.iter().map(|(port, _)| tcp(*port)).collect()),
        stop_signal: Some(task.stop_signal.to_string()),
        stop_timeout: i64::try_from(task.stop_grace.0.as_secs()).ok(),
        host_config: Some(host_config),
        ..ContainerCreateBody::default()
    }
}

fn tcp(port: u16) -> String {
    format!("{port}/tcp")
}

/// The node's ports that lead to the container's.
fn bindings(ports: &[(u16, u16)]) -> Option<HashMap<String, Option<Vec<PortBinding>>>> {
    let one = |(port, node_port): &(u16, u16)| {
        let binding = PortBinding { host_ip: None, host_port: Some(node_port.to_string()) };
        (tcp(*port), Some(vec![binding]))
    };
    (!ports.is_empty()).then(|| ports.iter().map(one).collect())
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

/// The same where SELinux is on. Only in this older form can the daemon be asked to label them for all containers;
/// what else is mounted, its administrator labels.
fn init_binds(places: &Places) -> [String; 3] {
    let bind =
        |source: &Path, target: &str, mode: &str| format!("{}:{target}:{mode},z,rprivate", source.display());
    [
        bind(&places.program, PROGRAM, "ro"),
        bind(&places.lease, LEASE_FOLDER, "ro"),
        bind(&places.spool, SPOOL_FOLDER, "rw"),
    ]
}

#[cfg(test)]
mod tests {
    use lilac_api::agent::Mount as Volume;
    use lilac_api::auth::Secret;
    use lilac_api::ids::{AttemptId, ClusterId, NodeId};
    use lilac_api::queue::ContainerPolicy;

    use super::super::Owner;
    use super::*;
    use crate::core::tests::task;

    /// Every field that a request may have.
    const ALLOWED: [&str; 34] = [
        "Cmd",
        "Entrypoint",
        "Env",
        "ExposedPorts",
        "Image",
        "Labels",
        "StopSignal",
        "StopTimeout",
        "User",
        "WorkingDir",
        "HostConfig",
        "HostConfig.AutoRemove",
        "HostConfig.Binds",
        "HostConfig.CapAdd",
        "HostConfig.CapDrop",
        "HostConfig.CgroupnsMode",
        "HostConfig.CpuPeriod",
        "HostConfig.CpuQuota",
        "HostConfig.DeviceRequests",
        "HostConfig.Init",
        "HostConfig.IpcMode",
        "HostConfig.LogConfig",
        "HostConfig.Memory",
        "HostConfig.MemorySwap",
        "HostConfig.Mounts",
        "HostConfig.NetworkMode",
        "HostConfig.PidsLimit",
        "HostConfig.PortBindings",
        "HostConfig.Privileged",
        "HostConfig.ReadonlyRootfs",
        "HostConfig.SecurityOpt",
        "HostConfig.ShmSize",
        "HostConfig.Tmpfs",
        "HostConfig.Ulimits",
    ];

    #[test]
    fn a_request_has_no_field_that_is_not_on_the_list() {
        let attempt = AttemptId::new();
        let places = Places::of(Path::new("/init"), Path::new("/state"), Path::new("/run"), attempt);
        let owner = Owner { cluster_id: ClusterId::new(), node_id: NodeId::new() };
        let mount =
            Volume { name: "data".into(), host_path: "/data".into(), target: "/in".into(), read_only: true };
        let supplies = Supplies {
            env: [("TOKEN".to_owned(), Secret("x".into()))].into(),
            mounts: vec![mount],
            ..Supplies::default()
        };
        for policy in [ContainerPolicy::Restricted, ContainerPolicy::Strict, ContainerPolicy::Trusted] {
            // A task with all that a task can say.
            let task = TaskSpec {
                policy,
                entrypoint: vec!["sh".into()],
                workdir: Some("/".into()),
                user: Some("1".into()),
                shm_bytes: Some(1 << 20),
                disk_bytes: Some(1 << 20),
                gpu_uuids: vec!["GPU-1".into()],
                ..task()
            };
            let ports = [(80, 29_500)];
            let order = Order { owner, attempt, epoch: 1, task: &task, places: &places, ports: &ports };
            let body = container_body(&order, &supplies, vec!["true".into()]);
            let body = serde_json::to_value(body).unwrap();
            let inner = body["HostConfig"].as_object().unwrap().iter();
            let inner = inner.map(|(name, value)| (format!("HostConfig.{name}"), value));
            let outer = body.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value));
            for (name, _) in outer.chain(inner).filter(|(_, value)| !value.is_null()) {
                assert!(ALLOWED.contains(&name.as_str()), "{policy}: {name}");
            }
        }
    }

    #[test]
    fn ports_lead_from_the_node_to_the_container() {
        let bound = bindings(&[(80, 29_500), (29_501, 29_501)]).unwrap();
        let of = |port: &str| bound[port].as_ref().unwrap()[0].host_port.clone().unwrap();
        assert_eq!((of("80/tcp"), of("29501/tcp")), ("29500".into(), "29501".into()));
        assert_eq!(bindings(&[]), None);
    }

    #[test]
    fn where_selinux_is_on_our_own_files_are_labelled_for_containers() {
        let attempt = AttemptId::new();
        let places = Places {
            relabel: true,
            ..Places::of(Path::new("/init"), Path::new("/state"), Path::new("/run"), attempt)
        };
        let owner = Owner { cluster_id: ClusterId::new(), node_id: NodeId::new() };
        let task = task();
        let order = Order { owner, attempt, epoch: 1, task: &task, places: &places, ports: &[] };
        let config = container_body(&order, &Supplies::default(), vec!["true".into()]).host_config.unwrap();
        assert!(config.mounts.is_none());
        let binds = config.binds.unwrap();
        assert_eq!(binds[0], "/init:/.lilac/init:ro,z,rprivate");
        assert_eq!(binds[1], format!("/run/leases/{attempt}:/.lilac/run:ro,z,rprivate"));
        assert_eq!(binds[2], format!("/state/attempts/{attempt}/spool:/.lilac/log:rw,z,rprivate"));
    }

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
