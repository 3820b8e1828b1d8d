//! The cgroup of a job's process: CPU, memory and number of processes, in both versions of cgroups.
//!
//! Where the agent may not make one, the job runs without: namespaces hold the promises, and the log says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lilac_api::agent::TaskSpec;
use lilac_api::ids::AttemptId;

const CGROUPS: &str = "/sys/fs/cgroup";
/// Below which all of them are.
const PARENT: &str = "lilac-process";
const CPU_PERIOD_MICROS: u64 = 100_000;
/// The most processes and threads, as in a container.
const PIDS_LIMIT: u64 = 4_096;

/// How much a process may have.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    pub cpu_milli: u32,
    pub memory_bytes: u64,
}

impl Wants {
    pub fn of(task: &TaskSpec) -> Self {
        Self { cpu_milli: task.cpu_milli, memory_bytes: task.memory_bytes }
    }
}

/// The cgroups of one process: one per controller in version 1, one in version 2.
#[derive(Debug)]
pub struct Limits {
    /// The files to write its pid to.
    pub members: Vec<PathBuf>,
}

impl Limits {
    pub fn make(attempt: AttemptId, wants: &Wants) -> Self {
        let made = if is_version_2() { version_2(attempt, wants) } else { version_1(attempt, wants) };
        let members = made.unwrap_or_else(|error| {
            tracing::warn!(%attempt, %error, "no cgroup can be made: the job runs without limits");
            Vec::new()
        });
        Self { members }
    }
}

fn is_version_2() -> bool {
    Path::new(CGROUPS).join("cgroup.controllers").exists()
}

fn version_2(attempt: AttemptId, wants: &Wants) -> io::Result<Vec<PathBuf>> {
    let parent = Path::new(CGROUPS).join(PARENT);
    fs::create_dir_all(&parent)?;
    for above in [Path::new(CGROUPS), &parent] {
        fs::write(above.join("cgroup.subtree_control"), "+cpu +memory +pids")?;
    }
    let group = parent.join(attempt.to_string());
    fs::create_dir_all(&group)?;
    fs::write(group.join("cpu.max"), format!("{} {CPU_PERIOD_MICROS}", quota_micros(wants)))?;
    fs::write(group.join("memory.max"), wants.memory_bytes.to_string())?;
    // Where the kernel does not account for swap there is none to limit.
    let _ = fs::write(group.join("memory.swap.max"), "0");
    fs::write(group.join("pids.max"), PIDS_LIMIT.to_string())?;
    Ok(vec![group.join("cgroup.procs")])
}

fn version_1(attempt: AttemptId, wants: &Wants) -> io::Result<Vec<PathBuf>> {
    let memory = wants.memory_bytes.to_string();
    let settings = [
        ("cpu", "cpu.cfs_period_us", CPU_PERIOD_MICROS.to_string()),
        ("cpu", "cpu.cfs_quota_us", quota_micros(wants).to_string()),
        ("memory", "memory.limit_in_bytes", memory.clone()),
        ("pids", "pids.max", PIDS_LIMIT.to_string()),
    ];
    for (controller, file, value) in settings {
        let group = of_controller(controller, attempt);
        fs::create_dir_all(&group)?;
        fs::write(group.join(file), value)?;
    }
    let _ = fs::write(of_controller("memory", attempt).join("memory.memsw.limit_in_bytes"), memory);
    Ok(["cpu", "memory", "pids"].map(|name| of_controller(name, attempt).join("cgroup.procs")).to_vec())
}

fn of_controller(controller: &str, attempt: AttemptId) -> PathBuf {
    Path::new(CGROUPS).join(controller).join(PARENT).join(attempt.to_string())
}

fn quota_micros(wants: &Wants) -> u64 {
    (u64::from(wants.cpu_milli) * CPU_PERIOD_MICROS / 1_000).max(1_000)
}

/// Whether the kernel killed something in it for want of memory.
pub fn killed_for_memory(attempt: AttemptId) -> bool {
    let file = if is_version_2() {
        Path::new(CGROUPS).join(PARENT).join(attempt.to_string()).join("memory.events")
    } else {
        of_controller("memory", attempt).join("memory.oom_control")
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    kills.and_then(|kills| kills.trim().parse::<u64>().ok()).is_some_and(|kills| kills > 0)
}

/// Removes what [`Limits::make`] made; nothing is in there any more.
pub fn remove(attempt: AttemptId) {
    let own = Path::new(CGROUPS).join(PARENT).join(attempt.to_string());
    let of_version_1 = ["cpu", "memory", "pids"].map(|name| of_controller(name, attempt));
    for group in of_version_1.into_iter().chain([own]) {
        // It is not there, or the kernel is not done with it: an empty cgroup costs next to nothing.
        let _ = fs::remove_dir(group);
    }
}
