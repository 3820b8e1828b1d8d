//! What Podman does otherwise than the Docker in whose place it answers.

use std::path::{Path, PathBuf};
use std::{fs, io};

use bollard::models::{ContainerCreateBody, ResourcesUlimits, SystemVersion};
use lilac_api::agent::TaskSpec;
use nix::sys::resource::{Resource, getrlimit};

use crate::gpu::amd;

const CGROUPS: &str = "/sys/fs/cgroup";
/// How the cgroups of its containers are named.
const PREFIX: &str = "libpod-";

/// Whether it is Podman that answers.
#[must_use]
pub fn is_one(version: &SystemVersion) -> bool {
    let components = version.components.as_deref().unwrap_or_default();
    components.iter().any(|component| component.name.starts_with("Podman"))
}

/// Whether a refusal, which it gives the status 500, is one that Docker answers with 409: the name is taken, or the
/// container is not in a state for that.
pub(super) fn is_conflict(message: &str) -> bool {
    ["that name is already in use", "container state improper"].iter().any(|words| message.contains(words))
}

/// Why it cannot run the task, if so.
pub(super) fn objection(task: &TaskSpec) -> Option<String> {
    let wants_nvidia = task.gpu_uuids.iter().any(|uuid| !amd::is_amd(uuid));
    // It passes over the request, and the job would run without them.
    wants_nvidia.then(|| {
        "This node runs Podman, which hands no NVIDIA GPUs to containers in Docker's way.".to_owned()
    })
}

/// Asks for what it would not choose well by itself: its own limit on a user's processes is a million, which no
/// container starts with where the daemon may not raise limits.
pub(super) fn adapt(body: &mut ContainerCreateBody) {
    let Some(config) = &mut body.host_config else { return };
    let Some(most) = most_processes() else { return };
    config.ulimits.get_or_insert_default().push(ResourcesUlimits {
        name: Some("nproc".to_owned()),
        soft: Some(most),
        hard: Some(most),
    });
}

/// As many processes as this process's user may have, and as the machine can have at all, to which Podman itself is
/// held.
fn most_processes() -> Option<i64> {
    let (_, own) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    let all = fs::read_to_string("/proc/sys/kernel/pid_max").ok()?.trim().parse().ok()?;
    i64::try_from(own.min(all)).ok()
}

/// Lets the container that a process is in use so much CPU time of each round: older Podmans have no call for it.
pub(super) fn set_cpu_quota(pid: u32, quota: i64, period: i64) -> io::Result<()> {
    let told = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    for (file, is_v2) in quota_files(&told, Path::new(CGROUPS)) {
        let value = if is_v2 { format!("{quota} {period}") } else { quota.to_string() };
        fs::write(file, value)?;
    }
    Ok(())
}

/// The files that hold the quota: of the process's cgroup, and of the one above where that is the container's too.
/// Says of each whether it is of version 2.
fn quota_files(told: &str, root: &Path) -> Vec<(PathBuf, bool)> {
    let groups = told.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, Path::new(parts.next()?.trim_start_matches('/')));
        let (tree, file) = match controllers {
            "" => (root.to_owned(), "cpu.max"),
            named if named.split(',').any(|name| name == "cpu") => (root.join("cpu"), "cpu.cfs_quota_us"),
            _ => return None,
        };
        Some((tree, path, file, controllers.is_empty()))
    });
    let files = groups.flat_map(|(tree, path, file, is_v2)| {
        let is_a_containers = |path: &&Path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
                || path
                    .parent()
                    .and_then(Path::file_name)
                    .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
        };
        let own = path.ancestors().take_while(is_a_containers);
        own.map(|path| (tree.join(path).join(file), is_v2)).collect::<Vec<_>>()
    });
    files.filter(|(file, _)| file.exists()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_known_by_its_words() {
        for words in [
            "container create: creating container storage: the container name \"a\" is already in use by 1. You have \
             to remove that container to be able to reuse that name: that name is already in use",
            "can only kill running containers. 1 is in state exited: container state improper",
        ] {
            assert!(is_conflict(words), "{words}");
        }
        assert!(!is_conflict("runc: runc create failed: unable to start container process"));
    }

    #[test]
    fn the_quota_of_a_container_and_of_no_other_cgroup_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let make = |path: &str| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        };
        make("cpu/libpod_parent/libpod-1/cpu.cfs_quota_us");
        make("cpu/libpod_parent/cpu.cfs_quota_us");
        let old =
            "9:memory:/libpod_parent/libpod-1\n1:cpu:/libpod_parent/libpod-1\n0::/libpod_parent/libpod-1\n";
        assert_eq!(
            quota_files(old, root),
            [(root.join("cpu/libpod_parent/libpod-1/cpu.cfs_quota_us"), false)]
        );
        make("machine.slice/libpod-1.scope/container/cpu.max");
        make("machine.slice/libpod-1.scope/cpu.max");
        make("machine.slice/cpu.max");
        let scope = root.join("machine.slice/libpod-1.scope");
        assert_eq!(
            quota_files("0::/machine.slice/libpod-1.scope/container\n", root),
            [(scope.join("container/cpu.max"), true), (scope.join("cpu.max"), true)]
        );
        make("system.slice/docker-1.scope/cpu.max");
        assert_eq!(quota_files("0::/system.slice/docker-1.scope\n", root), []);
    }
}
