//! The machine itself: disks, cgroups, limits.

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{FsType, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, TMPFS_MAGIC, statfs};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};

use super::{Finding, Verdict};
use crate::config::Settings;

/// Less free than this, and logs and the journal are soon lost.
const LITTLE_BYTES: u64 = 1 << 30;
/// Files that the agent may have open: two connections and a log for each container, and then some.
const FEW_FILES: u64 = 4_096;
/// What containers use of inotify is counted per user of the node, most often root.
const INOTIFY: [(&str, u64); 2] = [("max_user_instances", 512), ("max_user_watches", 65_536)];

pub(super) fn examine(settings: &Settings, root: &Path) -> Vec<Finding> {
    let mut findings = vec![
        state_dir(&settings.state_dir),
        programs(&settings.state_dir),
        run_dir(&settings.run_dir),
        cgroups(root),
        open_files(),
        inotify(root),
    ];
    findings.retain(|finding| finding.verdict != Verdict::Skipped);
    findings
}

/// The folder, or what of its path is there already.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

fn state_dir(path: &Path) -> Finding {
    let place = existing(path);
    let shown = path.display();
    if access(place, AccessFlags::W_OK).is_err() {
        let message = format!("{shown} cannot be written");
        return Finding::bad("state-dir", message, "run the agent as the folder's owner, or set `state_dir`");
    }
    let Ok(stat) = statfs(place) else {
        return Finding::warning(
            "state-dir",
            format!("{shown}: its disk cannot be looked at"),
            "see `dmesg`",
        );
    };
    match kind(stat.filesystem_type()) {
        Kind::Memory => Finding::bad(
            "state-dir",
            format!("{shown} is in memory: after a reboot the agent knows nothing of its jobs"),
            "set `state_dir` to a folder on a disk",
        ),
        Kind::Network => Finding::warning(
            "state-dir",
            format!("{shown} is on the network: while that is away, nothing starts or ends"),
            "set `state_dir` to a folder on a disk of this machine",
        ),
        Kind::Disk => {
            let block = u64::try_from(stat.block_size()).unwrap_or_default();
            let free = stat.blocks_available().saturating_mul(block);
            let words = format!("{shown}: {} MiB free", free >> 20);
            if free < LITTLE_BYTES {
                return Finding::bad(
                    "state-dir",
                    words,
                    "free some space, or set `state_dir` to another disk",
                );
            }
            Finding::good("state-dir", words)
        }
    }
}

/// Every container runs a program from the state folder.
fn programs(path: &Path) -> Finding {
    let shown = path.display();
    match statvfs(existing(path)) {
        Ok(stat) if stat.flags().contains(FsFlags::ST_NOEXEC) => Finding::bad(
            "state-dir-exec",
            format!("{shown} is on a file system mounted `noexec`, and containers run a program from there"),
            "set `state_dir` to a folder elsewhere, or mount its file system without `noexec`",
        ),
        Ok(_) => Finding::good("state-dir-exec", format!("programs can be run from {shown}")),
        Err(error) => Finding::skipped("state-dir-exec", error.to_string()),
    }
}

fn run_dir(path: &Path) -> Finding {
    let place = existing(path);
    let shown = path.display();
    if access(place, AccessFlags::W_OK).is_err() {
        let message = format!("{shown} cannot be made or written");
        return Finding::bad("run-dir", message, "run the agent as root, or set `run_dir`");
    }
    match statfs(place).map(|stat| kind(stat.filesystem_type())) {
        Ok(Kind::Memory) => Finding::good("run-dir", format!("{shown} is in memory, as it should be")),
        _ => Finding::warning(
            "run-dir",
            format!("{shown} is not in memory: leases are written to a disk, several times a minute"),
            "set `run_dir` to a folder on a tmpfs, as below /run",
        ),
    }
}

enum Kind {
    Disk,
    Memory,
    Network,
}

fn kind(kind: FsType) -> Kind {
    match kind {
        TMPFS_MAGIC => Kind::Memory,
        NFS_SUPER_MAGIC | SMB_SUPER_MAGIC => Kind::Network,
        _ => Kind::Disk,
    }
}

fn cgroups(root: &Path) -> Finding {
    let controllers = fs::read_to_string(root.join("sys/fs/cgroup/cgroup.controllers"));
    let (version, lacks) = match &controllers {
        Ok(found) => {
            let found: Vec<&str> = found.split_whitespace().collect();
            ("v2", missing(|name| found.contains(&name)))
        }
        Err(_) => ("v1", missing(|name| root.join("sys/fs/cgroup").join(name).is_dir())),
    };
    if lacks.is_empty() {
        return Finding::good("cgroups", format!("cgroup {version} with cpu, memory and pids"));
    }
    Finding::bad(
        "cgroups",
        format!("cgroup {version} lacks: {}", lacks.join(", ")),
        "boot without `cgroup_disable`; in a container, run with the host's cgroup namespace",
    )
}

fn missing(has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    ["cpu", "memory", "pids"].into_iter().filter(|name| !has(name)).collect()
}

fn open_files() -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft.min(hard) < FEW_FILES => Finding::warning(
            "open-files",
            format!("{soft} files may be open, which is enough for about {} containers", soft / 4),
            "set `LimitNOFILE=65536` in the unit, or `ulimit -n 65536`",
        ),
        Ok((soft, _)) => Finding::good("open-files", format!("{soft} files may be open")),
        Err(error) => Finding::skipped("open-files", error.to_string()),
    }
}

fn inotify(root: &Path) -> Finding {
    let folder = root.join("proc/sys/fs/inotify");
    let few: Vec<(&str, u64)> = INOTIFY
        .into_iter()
        .filter(|(name, least)| {
            let found = fs::read_to_string(folder.join(name)).ok();
            found.and_then(|text| text.trim().parse::<u64>().ok()).is_some_and(|found| found < *least)
        })
        .collect();
    if few.is_empty() {
        return Finding::good("inotify", "enough instances and watches");
    }
    let settings: Vec<String> =
        few.iter().map(|(name, least)| format!("fs.inotify.{name}={least}")).collect();
    Finding::warning(
        "inotify",
        "few inotify instances or watches: programs in many containers that watch files will fail",
        format!("`sysctl -w {}`, and the same in /etc/sysctl.d", settings.join(" ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn cgroups_of_both_versions_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let bad = cgroups(folder.path());
        assert!(bad.verdict == Verdict::Bad && bad.message.contains("cpu, memory, pids"), "{bad:?}");
        for name in ["cpu", "memory", "pids"] {
            fs::create_dir_all(folder.path().join("sys/fs/cgroup").join(name)).unwrap();
        }
        let good = cgroups(folder.path());
        assert!(good.verdict == Verdict::Good && good.message.contains("v1"), "{good:?}");
        write(folder.path(), "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n");
        let bad = cgroups(folder.path());
        assert!(bad.verdict == Verdict::Bad && bad.message.contains("v2 lacks: pids"), "{bad:?}");
    }

    #[test]
    fn few_watches_are_said_with_the_setting() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "proc/sys/fs/inotify/max_user_instances", "128\n");
        write(folder.path(), "proc/sys/fs/inotify/max_user_watches", "1000000\n");
        let remedy = inotify(folder.path()).remedy.unwrap();
        assert!(remedy.contains("max_user_instances=512") && !remedy.contains("watches"), "{remedy}");
        write(folder.path(), "proc/sys/fs/inotify/max_user_instances", "1024\n");
        assert_eq!(inotify(folder.path()).verdict, Verdict::Good);
    }

    #[test]
    fn a_state_folder_that_runs_no_programs_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(programs(&folder.path().join("state")).verdict, Verdict::Good);
        // The kernel mounts its own so.
        if statvfs("/proc").is_ok_and(|stat| stat.flags().contains(FsFlags::ST_NOEXEC)) {
            let found = programs(Path::new("/proc/lilac"));
            assert!(found.verdict == Verdict::Bad && found.message.contains("noexec"), "{found:?}");
        }
    }

    #[test]
    fn a_state_folder_in_memory_is_refused() {
        if Path::new("/dev/shm").is_dir() {
            let found = state_dir(Path::new("/dev/shm/lilac-doctor"));
            assert_eq!(found.verdict, Verdict::Bad, "{found:?}");
        }
        let run = run_dir(Path::new("/dev/shm/lilac-doctor"));
        assert_ne!(run.verdict, Verdict::Skipped);
    }
}
