//! GPUs: that they are seen, that containers get them, and that they keep them.

use std::fs;
use std::path::Path;

use bollard::models::SystemInfo;

use super::Finding;
use super::docker::Daemon;
use crate::gpu;

const NVIDIA: &str = "0x10de";
/// Displays and 3D controllers, as PCI classes begin.
const GPU_CLASSES: [&str; 2] = ["0x0300", "0x0302"];
/// The driver's major number of device nodes.
const NVIDIA_MAJOR: &str = "195";

pub(super) fn examine(root: &Path, library: Option<&Path>, daemon: Option<&Daemon>) -> Vec<Finding> {
    let on_the_bus = on_the_bus(root);
    let seen = gpu::nvidia_count(library);
    let mut findings = vec![driver(on_the_bus, seen)];
    if seen > 0
        && let Some(Daemon { info, is_podman }) = daemon
    {
        findings.push(if *is_podman { podman() } else { toolkit(root, info) });
        findings.push(reload(root, info));
    }
    findings
}

/// NVIDIA's GPUs on the PCI bus, driver or not.
fn on_the_bus(root: &Path) -> usize {
    let devices = fs::read_dir(root.join("sys/bus/pci/devices")).into_iter().flatten().flatten();
    let read = |path: &Path, name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
    devices
        .filter(|device| {
            let path = device.path();
            let class = read(&path, "class");
            read(&path, "vendor").trim() == NVIDIA && GPU_CLASSES.iter().any(|gpu| class.starts_with(gpu))
        })
        .count()
}

fn driver(on_the_bus: usize, seen: usize) -> Finding {
    match (on_the_bus, seen) {
        (0, 0) => Finding::skipped("gpu-driver", "no NVIDIA GPU on this machine"),
        (some, 0) => Finding::bad(
            "gpu-driver",
            format!("{some} NVIDIA GPUs are there, and the driver shows none"),
            "install NVIDIA's driver with its management library, and see that `nvidia-smi` works",
        ),
        (more, seen) if more > seen => Finding::warning(
            "gpu-driver",
            format!("{more} NVIDIA GPUs are there, and the driver shows {seen}"),
            "see `nvidia-smi` and `dmesg | grep -i xid`: one may have fallen off the bus",
        ),
        (_, seen) => Finding::good("gpu-driver", format!("{seen} GPUs by NVML")),
    }
}

/// It passes over the request for them, so the agent does not run what wants them.
fn podman() -> Finding {
    Finding::bad(
        "gpu-containers",
        "Podman hands no NVIDIA GPUs to containers in Docker's way: jobs that want them fail here",
        "run Docker Engine on nodes with GPUs",
    )
}

fn toolkit(root: &Path, docker: &SystemInfo) -> Finding {
    let has_runtime = docker.runtimes.as_ref().is_some_and(|runtimes| runtimes.contains_key("nvidia"));
    let programs = ["nvidia-container-runtime-hook", "nvidia-container-toolkit"];
    let has_hook = programs
        .iter()
        .any(|name| ["usr/bin", "usr/local/bin"].iter().any(|folder| root.join(folder).join(name).exists()));
    if has_runtime || has_hook {
        return Finding::good("gpu-containers", "Docker can hand GPUs to containers");
    }
    Finding::bad(
        "gpu-containers",
        "Docker has no way to hand GPUs to containers",
        "install nvidia-container-toolkit, run `nvidia-ctk runtime configure --runtime=docker`, restart Docker",
    )
}

/// With systemd as the driver of cgroups, a `systemctl daemon-reload` applies anew which devices a container may
/// use, and finds only those that have a link below /dev/char: without it, running jobs lose their GPUs
/// ("Failed to initialize NVML: Unknown Error").
fn reload(root: &Path, docker: &SystemInfo) -> Finding {
    let by_systemd = docker.cgroup_driver.as_ref().is_some_and(|driver| driver.to_string() == "systemd");
    if !by_systemd {
        return Finding::good("gpu-reload", "Docker does not leave its cgroups to systemd");
    }
    let links = fs::read_dir(root.join("dev/char")).into_iter().flatten().flatten();
    let has_link = links
        .filter_map(|link| link.file_name().into_string().ok())
        .any(|name| name.split(':').next() == Some(NVIDIA_MAJOR));
    if has_link {
        return Finding::good("gpu-reload", "the GPUs outlive `systemctl daemon-reload`");
    }
    Finding::warning(
        "gpu-reload",
        "running jobs lose their GPUs at the next `systemctl daemon-reload`: /dev/char has no links to them",
        "run `nvidia-ctk system create-dev-char-symlinks --create-all` at boot (a udev rule or a unit), or set \
         `\"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]` in /etc/docker/daemon.json",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::symlink;

    use bollard::models::{Runtime, SystemInfoCgroupDriverEnum};

    use super::super::Verdict;
    use super::*;

    fn docker(driver: SystemInfoCgroupDriverEnum) -> SystemInfo {
        SystemInfo { cgroup_driver: Some(driver), ..SystemInfo::default() }
    }

    #[test]
    fn a_gpu_without_a_driver_is_found_on_the_bus() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(driver(on_the_bus(folder.path()), 0).verdict, Verdict::Skipped);
        for (name, vendor, class) in
            [("a", NVIDIA, "0x030200\n"), ("b", NVIDIA, "0x040300\n"), ("c", "0x8086", "0x030000\n")]
        {
            let device = folder.path().join("sys/bus/pci/devices").join(name);
            fs::create_dir_all(&device).unwrap();
            fs::write(device.join("vendor"), format!("{vendor}\n")).unwrap();
            fs::write(device.join("class"), class).unwrap();
        }
        assert_eq!(on_the_bus(folder.path()), 1);
        assert_eq!(driver(1, 0).verdict, Verdict::Bad);
        assert_eq!((driver(2, 1).verdict, driver(2, 2).verdict), (Verdict::Warning, Verdict::Good));
    }

    #[test]
    fn gpus_that_a_reload_takes_away_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let by_systemd = docker(SystemInfoCgroupDriverEnum::SYSTEMD);
        fs::create_dir_all(folder.path().join("dev/char")).unwrap();
        symlink("../tty", folder.path().join("dev/char/5:0")).unwrap();
        let found = reload(folder.path(), &by_systemd);
        assert!(
            found.verdict == Verdict::Warning && found.remedy.unwrap().contains("create-dev-char-symlinks")
        );
        assert_eq!(
            reload(folder.path(), &docker(SystemInfoCgroupDriverEnum::CGROUPFS)).verdict,
            Verdict::Good
        );
        symlink("../nvidia0", folder.path().join("dev/char/195:0")).unwrap();
        assert_eq!(reload(folder.path(), &by_systemd).verdict, Verdict::Good);
    }

    #[test]
    fn a_docker_that_cannot_hand_out_gpus_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut info = SystemInfo::default();
        assert_eq!(toolkit(folder.path(), &info).verdict, Verdict::Bad);
        info.runtimes = Some(HashMap::from([("nvidia".to_owned(), Runtime::default())]));
        assert_eq!(toolkit(folder.path(), &info).verdict, Verdict::Good);
    }
}
