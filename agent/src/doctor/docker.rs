//! Docker, or Podman in its place.

use std::path::Path;

use bollard::models::{SystemInfo, SystemVersion};

use super::Finding;
use crate::docker::{Link, podman, words};

/// The oldest Docker that is supported.
const OLDEST: (u32, u32) = (20, 10);
/// The oldest Podman that was tried.
const OLDEST_PODMAN: (u32, u32) = (4, 3);
/// Where Podman listens when it stands in for Docker.
const PODMAN: [&str; 2] = ["/run/podman/podman.sock", "/var/run/podman/podman.sock"];

/// What the daemon says of itself.
pub(super) struct Daemon {
    pub info: SystemInfo,
    pub is_podman: bool,
}

/// What is to be said, and the daemon that answers.
pub(super) async fn examine(host: &str) -> (Vec<Finding>, Option<Daemon>) {
    let link = Link::new(host);
    let asked = async {
        let client = link.client().await?;
        Ok::<_, bollard::errors::Error>((client.version().await?, client.info().await?))
    };
    match asked.await {
        Ok((version, info)) => {
            let findings = vec![of_version(&version), of_cgroups(&info), of_limits(&info)];
            (findings, Some(Daemon { info, is_podman: podman::is_one(&version) }))
        }
        Err(error) => (vec![unreachable(host, &words(&error))], None),
    }
}

fn unreachable(host: &str, words: &str) -> Finding {
    let remedy = if words.contains("ermission denied") {
        "run the agent as root, or put its user in the group `docker`".to_owned()
    } else if let Some(podman) = PODMAN.iter().find(|path| Path::new(path).exists()) {
        format!("Podman listens: set `docker_host = \"unix://{podman}\"` in the agent's configuration")
    } else {
        "install Docker Engine, start it (`systemctl enable --now docker`), or name its address in `docker_host`"
            .to_owned()
    };
    Finding::bad("docker", format!("{host} does not answer: {words}"), remedy)
}

fn of_version(version: &SystemVersion) -> Finding {
    let text = version.version.as_deref().unwrap_or("of unknown version");
    if podman::is_one(version) {
        return of_podman(text);
    }
    match major_minor(text) {
        Some(found) if found < OLDEST => Finding::bad(
            "docker",
            format!("Docker {text} is too old"),
            format!("install Docker Engine {}.{} or newer", OLDEST.0, OLDEST.1),
        ),
        Some(_) => Finding::good("docker", format!("Docker {text} answers")),
        None => Finding::warning(
            "docker",
            format!("a Docker answers whose version cannot be read: {text}"),
            format!("see that it is {}.{} or newer", OLDEST.0, OLDEST.1),
        ),
    }
}

fn of_podman(version: &str) -> Finding {
    let told = format!("Podman {version} answers in Docker's place");
    if major_minor(version).is_some_and(|found| found < OLDEST_PODMAN) {
        let (major, minor) = OLDEST_PODMAN;
        let remedy = format!("install Podman {major}.{minor} or newer, or Docker Engine");
        return Finding::warning("docker", format!("{told}, and is older than what was tried"), remedy);
    }
    Finding::good("docker", told)
}

fn major_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '-', '+']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn of_cgroups(info: &SystemInfo) -> Finding {
    let driver = info.cgroup_driver.as_ref().map(ToString::to_string).unwrap_or_default();
    let version = info.cgroup_version.as_ref().map(ToString::to_string).unwrap_or_default();
    match driver.as_str() {
        "" | "none" => Finding::bad(
            "docker-cgroups",
            "Docker uses no cgroups: CPU and memory of jobs cannot be limited",
            "run Docker as root, or give the rootless one cgroup v2 with delegation",
        ),
        driver => Finding::good(
            "docker-cgroups",
            format!("cgroup {} by the driver {driver}", if version.is_empty() { "v1" } else { &version }),
        ),
    }
}

fn of_limits(info: &SystemInfo) -> Finding {
    let lacks: Vec<&str> =
        [("memory", info.memory_limit), ("CPU quota", info.cpu_cfs_quota), ("process", info.pids_limit)]
            .into_iter()
            .filter(|(_, has)| *has == Some(false))
            .map(|(name, _)| name)
            .collect();
    if !lacks.is_empty() {
        return Finding::bad(
            "docker-limits",
            format!("the kernel does not enforce limits: {}", lacks.join(", ")),
            "boot with the cgroup controllers memory, cpu and pids (on Debian: `cgroup_enable=memory`)",
        );
    }
    if info.swap_limit == Some(false) {
        return Finding::warning(
            "docker-limits",
            "swap is not limited: a job over its memory swaps instead of ending",
            "boot with `swapaccount=1`, or run without swap",
        );
    }
    Finding::good("docker-limits", "memory, swap, CPU and processes are limited")
}

#[cfg(test)]
mod tests {
    use bollard::models::SystemVersionComponents;

    use super::super::Verdict;
    use super::*;

    fn version(text: &str) -> SystemVersion {
        SystemVersion { version: Some(text.to_owned()), ..SystemVersion::default() }
    }

    #[test]
    fn versions_are_told_apart() {
        for (text, verdict) in [
            ("19.03.15", Verdict::Bad),
            ("20.10.5+dfsg1", Verdict::Good),
            ("29.3.1", Verdict::Good),
            ("20.9", Verdict::Bad),
            ("dev", Verdict::Warning),
        ] {
            assert_eq!(of_version(&version(text)).verdict, verdict, "{text}");
        }
        let engine = SystemVersionComponents { name: "Podman Engine".into(), ..Default::default() };
        for (text, verdict) in
            [("4.3.1", Verdict::Good), ("5.4.2", Verdict::Good), ("3.0.1", Verdict::Warning)]
        {
            let podman = SystemVersion { components: Some(vec![engine.clone()]), ..version(text) };
            assert_eq!(of_version(&podman).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_limit_is_said() {
        let with = |memory, swap| SystemInfo {
            memory_limit: Some(memory),
            swap_limit: Some(swap),
            pids_limit: Some(true),
            cpu_cfs_quota: Some(true),
            ..SystemInfo::default()
        };
        assert_eq!(of_limits(&with(true, true)).verdict, Verdict::Good);
        assert_eq!(of_limits(&with(true, false)).verdict, Verdict::Warning);
        let bad = of_limits(&with(false, false));
        assert!(bad.verdict == Verdict::Bad && bad.message.contains("memory"), "{bad:?}");
    }

    #[tokio::test]
    async fn a_docker_that_is_not_there_is_said_with_what_to_do() {
        let (findings, daemon) = examine("unix:///nonexistent/docker.sock").await;
        assert!(daemon.is_none());
        assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Bad), "{findings:?}");
        assert!(findings[0].remedy.is_some());
    }
}
