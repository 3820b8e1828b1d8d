//! Signals a container's init without Docker: for a daemon that does not answer, or that lost the container.
//!
//! The init is found by what nobody in a container can imitate: it is the first process of a namespace of its own
//! and runs the very file that this agent unpacked. When it dies, the kernel ends everything beside it. For an agent
//! that is not root the kernel refuses all this; then the lease in the container has the last word.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lilac_api::ids::AttemptId;
use lilac_init::PROGRAM;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const CGROUPS: &str = "/sys/fs/cgroup";

/// Sends a signal to the init of an attempt's container; whether there was one.
pub fn signal(state_dir: &Path, attempt: AttemptId, signal: Signal) -> io::Result<bool> {
    let Some(pid) = find(state_dir, attempt)? else { return Ok(false) };
    let frozen = if signal == Signal::SIGKILL { freezers(pid) } else { Vec::new() };
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) => {}
        Err(nix::errno::Errno::ESRCH) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    }
    for (path, go_on) in frozen {
        // The dead do not die before they may go on. Most cgroups have only one of the files.
        let _ = fs::write(path, go_on);
    }
    Ok(true)
}

/// The init of an attempt, by the node's count.
pub fn find(state_dir: &Path, attempt: AttemptId) -> io::Result<Option<i32>> {
    Ok(inits(state_dir)?.into_iter().find(|(id, _)| *id == attempt).map(|(_, pid)| pid))
}

/// The attempts whose inits run.
pub fn all(state_dir: &Path) -> io::Result<Vec<AttemptId>> {
    Ok(inits(state_dir)?.into_iter().map(|(id, _)| id).collect())
}

/// Whether the process is the init of an attempt.
#[must_use]
pub fn is_init_of(state_dir: &Path, pid: i32, attempt: AttemptId) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    named(&process) == Some(attempt) && programs(state_dir).is_ok_and(|programs| is_init(&process, &programs))
}

fn inits(state_dir: &Path) -> io::Result<Vec<(AttemptId, i32)>> {
    let programs = programs(state_dir)?;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if let Some(attempt) = named(&entry.path())
            && is_init(&entry.path(), &programs)
        {
            found.push((attempt, pid));
        }
    }
    Ok(found)
}

/// The attempt that a process names on its command line, as an init does. Most of what is read here is gone a moment
/// later, now and then.
fn named(process: &Path) -> Option<AttemptId> {
    let line = fs::read(process.join("cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0);
    let program = words.next()?;
    let attempt = std::str::from_utf8(words.next()?).ok()?;
    if program == PROGRAM.as_bytes() { attempt.parse().ok() } else { None }
}

/// The programs that this agent and those before it unpacked, by device and number.
fn programs(state_dir: &Path) -> io::Result<Vec<(u64, u64)>> {
    let entries = fs::read_dir(state_dir.join("init"))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| (file.dev(), file.ino()))
        .collect())
}

fn is_init(process: &Path, programs: &[(u64, u64)]) -> bool {
    let runs_ours =
        fs::metadata(process.join("exe")).is_ok_and(|file| programs.contains(&(file.dev(), file.ino())));
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    runs_ours && is_first(&status)
}

/// Whether the process is the first one of a pid namespace below this one.
fn is_first(status: &str) -> bool {
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let pids: Vec<&str> = pids.split_whitespace().collect();
    pids.len() > 1 && pids.last() == Some(&"1")
}

/// The files that let a paused container go on, with what is to be written: version 1 and 2 of cgroups.
fn freezers(pid: i32) -> Vec<(PathBuf, &'static str)> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let files = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?.trim_start_matches('/'));
        if path.is_empty() {
            None
        } else if controllers.is_empty() {
            let group = Path::new(CGROUPS).join(path);
            Some(vec![(group.join("cgroup.kill"), "1"), (group.join("cgroup.freeze"), "0")])
        } else if controllers == "freezer" {
            Some(vec![(Path::new(CGROUPS).join("freezer").join(path).join("freezer.state"), "THAWED")])
        } else {
            None
        }
    });
    files.flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_the_first_process_of_a_namespace_below_is_one() {
        assert!(is_first("Name:\tx\nNSpid:\t4711\t1\nThreads:\t1\n"));
        assert!(is_first("NSpid:\t4711\t12\t1\n"));
        for status in ["NSpid:\t1\n", "NSpid:\t4711\t12\n", "NSpid:\t4711\n", "", "NSpid:\n"] {
            assert!(!is_first(status), "{status:?}");
        }
    }

    #[test]
    fn a_process_that_only_looks_like_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        crate::init::unpack(folder.path()).unwrap();
        let attempt = AttemptId::new();
        // The right words on its command line, another program behind them.
        let mut process =
            Command::new("sleep").arg0(PROGRAM).args([&attempt.to_string(), "1000"]).spawn().unwrap();
        assert!(!signal(folder.path(), attempt, Signal::SIGKILL).unwrap());
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
