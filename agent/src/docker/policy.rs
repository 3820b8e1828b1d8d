//! What a container may do: from a task and its queue's policy to Docker's host configuration.
//!
//! All that is granted stands in [`Allowance`]; everything else of Docker's many ways out of a container
//! (privileged mode, the node's namespaces, devices but its GPUs, free host paths, other runtimes and profiles) is never
//! set, because nothing in a task can say it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use bollard::models::{
    DeviceMapping, DeviceRequest, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    Mount as DockerMount, MountBindOptions, MountBindOptionsPropagationEnum, MountType, ResourcesUlimits,
};
use lilac_api::agent::{Mount, TaskSpec};
use lilac_api::queue::ContainerPolicy;
use lilac_api::spec::Network;
use nix::sys::resource::{Resource, getrlimit};

use crate::gpu::amd;

/// The most processes and threads in one container.
const PIDS_LIMIT: i64 = 4_096;
/// The kernel shares out CPU time in rounds of this length.
pub(super) const CPU_PERIOD_MICROS: i64 = 100_000;
/// The least share of a round that the kernel takes.
const MIN_CPU_QUOTA_MICROS: i64 = 1_000;
/// Open files of one process, and up to how many a program may ask for. A daemon's own limit may be a thousand
/// million, which has some programs loop over all of them.
const NOFILE_SOFT: u64 = 65_536;
const NOFILE_HARD: u64 = 524_288;

/// What images need that set up their files as root and then become another user. Of Docker's own list it
/// leaves out raw sockets and device nodes (attacks on the network and the node), file and process
/// capabilities and `chroot` (steps to more), and writing to the node's audit log.
const FEW_CAPABILITIES: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

/// What a policy grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The only capabilities; none for those that Docker gives.
    capabilities: Option<&'static [&'static str]>,
    /// Whether programs may gain rights that their starter lacks (`sudo`).
    new_privileges: bool,
    /// Whether the image's files may be written over; if not, `/tmp` is a file system in memory.
    writable_root: bool,
    /// Whether it may run as root.
    pub root: bool,
}

/// What the policy grants.
#[must_use]
pub fn allowance(policy: ContainerPolicy) -> Allowance {
    match policy {
        ContainerPolicy::Restricted => Allowance {
            capabilities: Some(&FEW_CAPABILITIES),
            new_privileges: false,
            writable_root: true,
            root: true,
        },
        ContainerPolicy::Strict => {
            Allowance { capabilities: Some(&[]), new_privileges: false, writable_root: false, root: false }
        }
        ContainerPolicy::Trusted => {
            Allowance { capabilities: None, new_privileges: true, writable_root: true, root: true }
        }
    }
}

/// Why the task may not run at all, if so.
#[must_use]
pub fn objection(task: &TaskSpec) -> Option<String> {
    let allowed = task.networks.contains(&task.network);
    (!allowed).then(|| format!("The queue does not allow the network `{}`.", task.network))
}

/// Whether a container's user is surely not root: a number other than 0. A name may be any user in its image.
#[must_use]
pub fn is_not_root(user: &str) -> bool {
    user.split(':').next().is_some_and(|uid| uid.parse::<u32>().is_ok_and(|uid| uid != 0))
}

/// Docker's host configuration for the task.
///
/// CPU is limited by quota, not by `NanoCpus`: the daemon refuses more `NanoCpus` than it sees CPUs,
/// and what a node offers is not the daemon's to decide.
#[must_use]
pub fn host_config(task: &TaskSpec, mounts: &[Mount]) -> HostConfig {
    let allowed = allowance(task.policy);
    let memory = i64::try_from(task.memory_bytes).unwrap_or(i64::MAX);
    let cpu_quota = i64::from(task.cpu_milli) * CPU_PERIOD_MICROS / 1_000;
    // What is written there counts as the container's memory, whatever the size.
    let tmp = HashMap::from([("/tmp".to_owned(), format!("rw,nosuid,nodev,mode=1777,size={memory}"))]);
    let mut config = HostConfig {
        cpu_period: Some(CPU_PERIOD_MICROS),
        cpu_quota: Some(cpu_quota.max(MIN_CPU_QUOTA_MICROS)),
        memory: Some(memory),
        // As much swap and memory together as memory: none.
        memory_swap: Some(memory),
        pids_limit: Some(PIDS_LIMIT),
        ulimits: Some(vec![nofile()]),
        // Lilac's own takes its place.
        init: Some(false),
        privileged: Some(false),
        // What a daemon gives by default its configuration may change: these are asked for by name.
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        network_mode: Some(network_mode(task.network).to_owned()),
        shm_size: task.shm_bytes.and_then(|bytes| i64::try_from(bytes).ok()),
        device_requests: gpu_request(&task.gpu_uuids).map(|request| vec![request]),
        cap_drop: allowed.capabilities.map(|_| vec!["ALL".to_owned()]),
        cap_add: allowed.capabilities.map(|few| few.iter().map(ToString::to_string).collect()),
        security_opt: (!allowed.new_privileges).then(|| vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: (!allowed.writable_root).then_some(true),
        tmpfs: (!allowed.writable_root).then_some(tmp),
        mounts: (!mounts.is_empty()).then(|| mounts.iter().map(bind).collect()),
        // The output goes to the spool. What Docker kept of it would be lost with the daemon, and cost twice.
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        auto_remove: Some(false),
        ..HostConfig::default()
    };
    add_devices(&mut config, &amd::devices(Path::new("/"), &task.gpu_uuids));
    config
}

/// Never more than this process may have itself: a daemon without all rights cannot raise it either, and would
/// start nothing.
fn nofile() -> ResourcesUlimits {
    let own = getrlimit(Resource::RLIMIT_NOFILE).map_or(NOFILE_SOFT, |(_, hard)| hard);
    let hard = NOFILE_HARD.min(own);
    let number = |limit: u64| i64::try_from(limit).ok();
    ResourcesUlimits {
        name: Some("nofile".to_owned()),
        soft: number(NOFILE_SOFT.min(hard)),
        hard: number(hard),
    }
}

/// Unlike a `Bind`, a mount never makes the folder on the node.
fn bind(mount: &Mount) -> DockerMount {
    DockerMount {
        typ: Some(MountType::BIND),
        source: Some(mount.host_path.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..MountBindOptions::default()
        }),
        ..DockerMount::default()
    }
}

fn network_mode(network: Network) -> &'static str {
    match network {
        Network::Bridge => "bridge",
        Network::Host => "host",
        Network::None => "none",
    }
}

/// Gives the container the devices of its GPUs, where these are devices.
fn add_devices(config: &mut HostConfig, devices: &[amd::Device]) {
    if devices.is_empty() {
        return;
    }
    let device = |device: &amd::Device| DeviceMapping {
        path_on_host: Some(device.path.display().to_string()),
        path_in_container: Some(device.path.display().to_string()),
        cgroup_permissions: Some("rw".to_owned()),
    };
    config.devices = Some(devices.iter().map(device).collect());
    // A user other than root opens them as a member of their group.
    let groups: BTreeSet<u32> = devices.iter().filter_map(|device| device.group).collect();
    config.group_add = (!groups.is_empty()).then(|| groups.iter().map(ToString::to_string).collect());
}

fn gpu_request(uuids: &[String]) -> Option<DeviceRequest> {
    let uuids: Vec<String> = uuids.iter().filter(|uuid| !amd::is_amd(uuid)).cloned().collect();
    if uuids.is_empty() {
        return None;
    }
    Some(DeviceRequest {
        driver: Some("nvidia".to_owned()),
        device_ids: Some(uuids),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    })
}

#[cfg(test)]
mod tests {
    use lilac_api::queue::default_networks;

    use super::*;
    use crate::core::tests::task;

    fn under(policy: ContainerPolicy) -> HostConfig {
        host_config(&TaskSpec { policy, ..task() }, &[])
    }

    #[test]
    fn every_policy_bounds_what_a_container_takes_and_opens_nothing_of_the_node() {
        for policy in [ContainerPolicy::Restricted, ContainerPolicy::Strict, ContainerPolicy::Trusted] {
            let config = under(policy);
            assert_eq!((config.pids_limit, config.memory), (Some(4_096), Some(1 << 26)), "{policy:?}");
            assert_eq!((config.memory_swap, config.cpu_quota), (config.memory, Some(100_000)));
            assert_eq!(config.privileged, Some(false));
            let closed = [
                config.pid_mode.is_none(),
                config.ipc_mode.as_deref() == Some("private"),
                config.cgroupns_mode == Some(HostConfigCgroupnsModeEnum::PRIVATE),
                config.ulimits.as_ref().is_some_and(|limits| limits.len() == 1),
                config.uts_mode.is_none(),
                config.userns_mode.is_none(),
                config.devices.is_none(),
                config.device_cgroup_rules.is_none(),
                config.device_requests.is_none(),
                config.binds.is_none(),
                config.mounts.is_none(),
                config.volumes_from.is_none(),
                config.volume_driver.is_none(),
                config.runtime.is_none(),
                config.sysctls.is_none(),
                config.masked_paths.is_none(),
                config.readonly_paths.is_none(),
                config.group_add.is_none(),
                config.cgroup_parent.is_none(),
                config.port_bindings.is_none(),
                config.oom_score_adj.is_none(),
            ];
            assert!(closed.iter().all(|closed| *closed), "{policy:?}: {closed:?}");
        }
    }

    #[test]
    fn policies_differ_in_rights() {
        let rights = |policy| {
            let config = under(policy);
            let drop = config.cap_drop.unwrap_or_default().join(" ");
            let options = config.security_opt.unwrap_or_default().join(" ");
            (
                drop,
                config.cap_add.map(|caps| caps.len()),
                options,
                config.readonly_rootfs,
                config.tmpfs.is_some(),
            )
        };
        let all = || "ALL".to_owned();
        let no_new = || "no-new-privileges".to_owned();
        assert_eq!(rights(ContainerPolicy::Restricted), (all(), Some(8), no_new(), None, false));
        assert_eq!(rights(ContainerPolicy::Strict), (all(), Some(0), no_new(), Some(true), true));
        assert_eq!(rights(ContainerPolicy::Trusted), (String::new(), None, String::new(), None, false));
        let given = under(ContainerPolicy::Restricted).cap_add.unwrap();
        for dangerous in ["NET_RAW", "MKNOD", "SYS_ADMIN", "SYS_CHROOT", "SETFCAP", "SETPCAP", "AUDIT_WRITE"]
        {
            assert!(!given.iter().any(|given| given == dangerous), "{dangerous}");
        }
    }

    #[test]
    fn a_network_that_the_queue_does_not_allow_is_refused() {
        let with = |network| TaskSpec { network, networks: default_networks(), ..task() };
        assert_eq!(objection(&with(Network::Bridge)), None);
        assert_eq!(objection(&with(Network::None)), None);
        assert!(objection(&with(Network::Host)).unwrap().contains("`host`"));
        let allowed = TaskSpec { networks: vec![Network::Host], ..with(Network::Host) };
        assert_eq!(objection(&allowed), None);
    }

    #[test]
    fn only_a_number_is_surely_not_root() {
        for user in ["1000", "1000:0", "65534:65534", "1"] {
            assert!(is_not_root(user), "{user}");
        }
        for user in ["", "0", "0:1000", "00", "root", "app", ":1000", "-1", "+0", "4294967296", "1000 "] {
            assert!(!is_not_root(user), "{user}");
        }
    }

    #[test]
    fn a_volume_is_bound_as_it_is_and_nothing_else() {
        let mount = Mount {
            name: "data".into(),
            host_path: "/data/sets".into(),
            target: "/in".into(),
            read_only: true,
        };
        let config = host_config(&task(), &[mount]);
        let [bound] = config.mounts.as_deref().unwrap() else { panic!("one mount") };
        assert_eq!(bound.typ, Some(MountType::BIND));
        assert_eq!(bound.source.as_deref().map(Path::new), Some(Path::new("/data/sets")));
        assert_eq!((bound.target.as_deref(), bound.read_only), (Some("/in"), Some(true)));
        assert!(config.binds.is_none());
    }
}
