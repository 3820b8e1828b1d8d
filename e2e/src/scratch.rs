//! A folder that takes all that lives in it along when it goes.
//!
//! Processes are found by it (working directory, or a path on the command line), containers by a cgroup
//! of the same name, mounts by their mount point. So tearing down needs no list of what was started,
//! which a killed test could not have handed on anyway.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PREFIX: &str = "lilac-e2e-";
/// Folders younger than this may belong to a test that has not locked them yet.
const SWEPT_FROM: Duration = Duration::from_secs(60);
/// How long processes may take to follow SIGTERM, and then SIGKILL.
const ENDING: Duration = Duration::from_secs(5);

pub struct Scratch {
    root: PathBuf,
    /// Held while the owner lives; the kernel lets go of it however the owner ends.
    _lock: File,
}

impl Scratch {
    /// A new folder under `/tmp`: the paths of sockets must stay short.
    pub fn new() -> Result<Self> {
        sweep();
        let root = tempfile::Builder::new().prefix(PREFIX).tempdir_in("/tmp")?.keep();
        // PostgreSQL runs as another user and must be able to get to its part.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
        let lock = File::create(root.join("lock"))?;
        lock.try_lock().with_context(|| format!("locking {}", root.display()))?;
        Ok(Self { root, _lock: lock })
    }

    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The cgroup below which this folder's containers live.
    #[must_use]
    pub fn cgroup(&self) -> String {
        format!("/{}", name_of(&self.root))
    }

    /// Ends the containers of this folder's daemon, without asking the daemon.
    pub(crate) fn kill_containers(&self) {
        kill_cgroups(&cgroups(&self.root));
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        tear_down(&self.root);
    }
}

fn name_of(root: &Path) -> String {
    root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Tears down what tests left that were killed themselves: their folders' locks are free.
fn sweep() {
    let Ok(entries) = fs::read_dir("/tmp") else { return };
    for root in entries.flatten().map(|entry| entry.path()) {
        let is_old = root
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > SWEPT_FROM));
        if !name_of(&root).starts_with(PREFIX) || !is_old {
            continue;
        }
        if File::open(root.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok()) {
            tear_down(&root);
        }
    }
}

fn tear_down(root: &Path) {
    let cgroups = cgroups(root);
    kill_cgroups(&cgroups);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        end_processes(root, signal);
    }
    // A daemon that was in the middle of starting a container may have done so after the first pass.
    kill_cgroups(&cgroups);
    for mount in mounts(root) {
        let _ = umount2(&mount, MntFlags::MNT_DETACH);
    }
    for cgroup in &cgroups {
        remove_cgroup(cgroup);
    }
    let _ = fs::remove_dir_all(root);
}

/// The cgroups of this folder's containers: one per controller in version 1, one in version 2.
fn cgroups(root: &Path) -> Vec<PathBuf> {
    let name = name_of(root);
    let base = Path::new("/sys/fs/cgroup");
    let controllers = fs::read_dir(base).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(base.to_owned())
        .chain(controllers)
        .map(|controller| controller.join(&name))
        .filter(|path| path.is_dir())
        .collect()
}

fn kill_cgroups(cgroups: &[PathBuf]) {
    let start = Instant::now();
    loop {
        let pids: Vec<Pid> = cgroups.iter().flat_map(|cgroup| members(cgroup)).collect();
        if pids.is_empty() || start.elapsed() > ENDING {
            return;
        }
        for pid in pids {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// All processes in a cgroup and below.
fn members(cgroup: &Path) -> Vec<Pid> {
    let own = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    let mut pids: Vec<Pid> = own.lines().filter_map(|line| line.parse().ok()).map(Pid::from_raw).collect();
    pids.retain(|pid| pid.as_raw() > 1);
    for child in folders(cgroup) {
        pids.extend(members(&child));
    }
    pids
}

fn remove_cgroup(cgroup: &Path) {
    for child in folders(cgroup) {
        remove_cgroup(&child);
    }
    // A cgroup's files go with it; only `rmdir` is allowed.
    let _ = fs::remove_dir(cgroup);
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Signals every process of the folder until none is left, for as long as is sensible.
fn end_processes(root: &Path, signal: Signal) {
    let start = Instant::now();
    let mut signalled = Vec::new();
    loop {
        let pids = processes(root);
        if pids.is_empty() || start.elapsed() > ENDING {
            return;
        }
        for pid in pids {
            if !signalled.contains(&pid) {
                let _ = kill(pid, signal);
                signalled.push(pid);
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn processes(root: &Path) -> Vec<Pid> {
    let own = std::process::id().to_string();
    let mut on_command_line = root.as_os_str().as_encoded_bytes().to_vec();
    on_command_line.push(b'/');
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let process = entry.path();
            let pid: i32 = process.file_name()?.to_str()?.parse().ok()?;
            if pid.to_string() == own {
                return None;
            }
            let is_inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(root));
            let is_named = fs::read(process.join("cmdline")).is_ok_and(|line| {
                line.windows(on_command_line.len()).any(|window| window == on_command_line)
            });
            (is_inside || is_named).then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// Mount points in the folder, the innermost first.
fn mounts(root: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut mounts: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .filter(|mount| mount.starts_with(root))
        .collect();
    mounts.sort();
    mounts.reverse();
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Process, clean_command};

    #[test]
    fn what_lives_in_the_folder_goes_with_it() {
        let scratch = Scratch::new().unwrap();
        let root = scratch.root().to_owned();
        let mut command = clean_command(Path::new("sleep"), &root);
        command.arg("1000");
        let mut process = Process::spawn("sleep", command, &scratch.path("log")).unwrap();
        assert!(processes(&root).contains(&Pid::from_raw(i32::try_from(process.pid()).unwrap())));
        drop(scratch);
        assert!(!process.is_alive());
        assert!(!root.exists());
    }

    #[test]
    fn a_folder_in_use_is_not_swept() {
        let scratch = Scratch::new().unwrap();
        let old = SystemTime::now() - SWEPT_FROM * 2;
        File::open(scratch.root()).unwrap().set_modified(old).unwrap();
        sweep();
        assert!(scratch.root().is_dir());
    }
}
