//! What a container has used, from the files in which the kernel counts it. Found once, through the container's
//! first process, and then read without asking anybody.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use lilac_api::metric::Usage;

use super::machine;

const ROOT: &str = "/sys/fs/cgroup";

/// Where one container is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup {
    pid: u32,
    /// In the words of the kernel, which tell whose a process is.
    name: String,
    files: Files,
    /// Its network is not the node's.
    has_network: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Files {
    /// A tree for each kind of counter.
    V1 { cpu: PathBuf, memory: PathBuf, disk: PathBuf },
    /// One tree for all.
    V2(PathBuf),
}

impl Cgroup {
    /// The one that a process is in.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let (name, files) = locate(&fs::read_to_string(format!("/proc/{pid}/cgroup"))?, Path::new(ROOT))
            .ok_or_else(|| io::Error::other("the process is in no cgroup"))?;
        let network = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net"));
        let has_network = network(&pid.to_string())? != network("self")?;
        Ok(Self { pid, name, files, has_network })
    }

    /// What was used so far; none once the container is gone.
    pub(super) fn read(&self) -> Option<Usage> {
        // Read first: where it is gone, the pid may be another's already.
        let mut usage = match &self.files {
            Files::V1 { cpu, memory, disk } => {
                let nanos: u64 = text(&cpu.join("cpuacct.usage"))?.trim().parse().ok()?;
                let used: u64 = text(&memory.join("memory.usage_in_bytes"))?.trim().parse().ok()?;
                let statistics = text(&memory.join("memory.stat")).unwrap_or_default();
                let (read, written) =
                    v1_disk(&text(&disk.join("blkio.throttle.io_service_bytes")).unwrap_or_default());
                Usage {
                    cpu_micros: nanos / 1_000,
                    memory_bytes: used.saturating_sub(field(&statistics, "total_inactive_file")),
                    disk_read_bytes: read,
                    disk_written_bytes: written,
                    ..Usage::default()
                }
            }
            Files::V2(folder) => {
                let cpu = text(&folder.join("cpu.stat"))?;
                let used: u64 = text(&folder.join("memory.current"))?.trim().parse().ok()?;
                let statistics = text(&folder.join("memory.stat")).unwrap_or_default();
                let (read, written) = v2_disk(&text(&folder.join("io.stat")).unwrap_or_default());
                Usage {
                    cpu_micros: field(&cpu, "usage_usec"),
                    memory_bytes: used.saturating_sub(field(&statistics, "inactive_file")),
                    disk_read_bytes: read,
                    disk_written_bytes: written,
                    ..Usage::default()
                }
            }
        };
        if self.has_network {
            let network = text(Path::new(&format!("/proc/{}/net/dev", self.pid))).unwrap_or_default();
            (usage.network_received_bytes, usage.network_sent_bytes) = machine::network(&network);
        }
        Some(usage)
    }

    /// Which of these processes are the container's.
    pub(super) fn own(&self, pids: impl Iterator<Item = u32>) -> BTreeSet<u32> {
        let is_own = |pid: &u32| {
            let told = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            locate(&told, Path::new(ROOT)).is_some_and(|(name, _)| name == self.name)
        };
        pids.filter(is_own).collect()
    }
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// From what the kernel says of a process to where it is counted. A machine may have both trees: the old one holds
/// the counters then.
fn locate(told: &str, root: &Path) -> Option<(String, Files)> {
    let find = |controller: &str| {
        told.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            controllers.split(',').any(|one| one == controller).then_some(path)
        })
    };
    let below = |tree: &str, path: &str| root.join(tree).join(path.trim_start_matches('/'));
    if let (Some(cpu), Some(memory)) = (find("cpuacct"), find("memory")) {
        let disk = find("blkio").unwrap_or(memory);
        let files = Files::V1 {
            cpu: below("cpuacct", cpu),
            memory: below("memory", memory),
            disk: below("blkio", disk),
        };
        return Some((memory.to_owned(), files));
    }
    let path = find("")?;
    Some((path.to_owned(), Files::V2(below("", path))))
}

/// The number behind a word at the beginning of a line.
fn field(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
    value.unwrap_or(0)
}

/// Lines like `8:0 Read 4096`.
fn v1_disk(text: &str) -> (u64, u64) {
    let sum = |kind: &str| {
        text.lines()
            .filter_map(|line| {
                let mut words = line.split_ascii_whitespace().skip(1);
                (words.next()? == kind).then(|| words.next()?.parse::<u64>().ok())?
            })
            .sum()
    };
    (sum("Read"), sum("Write"))
}

/// Lines like `8:0 rbytes=4096 wbytes=0 rios=1 …`.
fn v2_disk(text: &str) -> (u64, u64) {
    let sum = |kind: &str| {
        text.split_ascii_whitespace()
            .filter_map(|word| word.strip_prefix(kind)?.strip_prefix('=')?.parse::<u64>().ok())
            .sum()
    };
    (sum("rbytes"), sum("wbytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_trees_are_found() {
        let root = Path::new("/cg");
        let old = "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n3:blkio:/docker/abc\n1:name=systemd:/docker/abc\n0::/system.slice/x\n";
        let (name, files) = locate(old, root).unwrap();
        assert_eq!(name, "/docker/abc");
        let Files::V1 { cpu, disk, .. } = files else { panic!("the old tree") };
        assert_eq!((cpu, disk), ("/cg/cpuacct/docker/abc".into(), "/cg/blkio/docker/abc".into()));
        let (_, files) = locate("0::/system.slice/docker-abc.scope\n", root).unwrap();
        assert_eq!(files, Files::V2("/cg/system.slice/docker-abc.scope".into()));
        assert_eq!(locate("", root), None);
    }

    #[test]
    fn counters_are_read() {
        assert_eq!(field("user_usec 1\nusage_usec 250\n", "usage_usec"), 250);
        assert_eq!(field("inactive_file_x 1\n", "inactive_file"), 0);
        assert_eq!(v1_disk("8:0 Read 10\n8:0 Write 5\n8:16 Read 1\nTotal 16\n"), (11, 5));
        assert_eq!(v2_disk("8:0 rbytes=10 wbytes=5 rios=1\n8:16 rbytes=1 wbytes=0\n"), (11, 5));
    }

    #[test]
    fn this_very_process_is_counted() {
        let own = Cgroup::of(std::process::id()).unwrap();
        assert!(!own.has_network, "it is in the node's own network");
        assert_eq!(own.own([std::process::id(), u32::MAX].into_iter()), [std::process::id()].into());
    }
}
