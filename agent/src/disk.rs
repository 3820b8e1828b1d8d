//! Watching how much a container writes to the node's disk.
//!
//! Docker limits that on few file systems only. So the agent measures: it walks the folder of the container's
//! layer, and only when the file system as a whole has filled up by enough for the container to come near its
//! limit, or after a while. A container that writes nothing costs one question to the kernel every few seconds.

use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lilac_api::ids::AttemptId;
use nix::sys::statvfs::statvfs;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::core::Event;
use crate::docker::{self, Link};

/// How often the file system is asked how full it is.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How old a measure may become while the file system does not fill up: others may free what this one takes.
const MEASURE_EVERY: Duration = Duration::from_secs(60);
/// A measure is not taken again before so many times its own length: at most a twentieth of one core.
const REST: u32 = 20;

/// What a measure found.
struct Measure {
    bytes: u64,
    /// How full the file system was.
    fs_bytes: u64,
    at: Instant,
    took: Duration,
}

impl Measure {
    /// Whether it says nothing any more about whether the limit still holds.
    fn is_stale(&self, limit: u64, fs_bytes: u64) -> bool {
        if self.at.elapsed() < self.took.saturating_mul(REST) {
            return false;
        }
        let grown = fs_bytes.saturating_sub(self.fs_bytes);
        let room = limit.saturating_sub(self.bytes);
        grown > room / 2 || self.at.elapsed() >= MEASURE_EVERY
    }
}

/// Watches an attempt's container until it has written more than `limit`, and says so once.
pub async fn watch(link: Link, attempt: AttemptId, limit: u64, events: mpsc::Sender<Event>) {
    let folders = loop {
        match docker::written_folders(&link, attempt).await {
            Ok(folders) => break folders,
            Err(error) => {
                tracing::debug!(%attempt, error = docker::words(&error), "cannot tell where it writes to yet");
                sleep(LOOK_EVERY).await;
            }
        }
    };
    let written = match folders {
        Some(folders) => watch_folders(folders.into(), limit).await,
        None => watch_by_docker(&link, attempt, limit).await,
    };
    tell(attempt, written, limit, &events).await;
}

/// The same for one folder of the node that a container may write to.
pub async fn watch_folder(attempt: AttemptId, folder: PathBuf, limit: u64, events: mpsc::Sender<Event>) {
    let written = watch_folders([folder].into(), limit).await;
    tell(attempt, written, limit, &events).await;
}

async fn tell(attempt: AttemptId, written: u64, limit: u64, events: &mpsc::Sender<Event>) {
    tracing::warn!(%attempt, written_bytes = written, limit_bytes = limit, "it wrote more than it may");
    // Without a loop nobody is left to hear it.
    let _ = events.send(Event::DiskExceeded(attempt)).await;
}

/// Returns what was written once that is over the limit.
async fn watch_folders(folders: Arc<[PathBuf]>, limit: u64) -> u64 {
    let mut last: Option<Measure> = None;
    loop {
        let (these, before) = (Arc::clone(&folders), last.take());
        let looked = spawn_blocking(move || look(&these, limit, before)).await;
        // Only a panic in there gives nothing.
        last = looked.ok().flatten();
        if let Some(over) = last.as_ref().filter(|measure| measure.bytes > limit) {
            return over.bytes;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn look(folders: &[PathBuf], limit: u64, before: Option<Measure>) -> Option<Measure> {
    let fs_bytes = used_bytes(folders.first()?)?;
    if let Some(before) = before
        && !before.is_stale(limit, fs_bytes)
    {
        return Some(before);
    }
    let began = Instant::now();
    let mut bytes = 0;
    for folder in folders {
        bytes += measure(folder, limit.saturating_sub(bytes)).unwrap_or_else(|error| {
            tracing::debug!(path = %folder.display(), %error, "cannot measure all that a container wrote");
            0
        });
    }
    Some(Measure { bytes, fs_bytes, at: Instant::now(), took: began.elapsed() })
}

fn used_bytes(folder: &Path) -> Option<u64> {
    let stat = statvfs(folder).ok()?;
    Some(stat.blocks().saturating_sub(stat.blocks_free()).saturating_mul(stat.fragment_size()))
}

/// What lies below a folder, in blocks of the disk; stops counting when that is more than `enough`.
fn measure(folder: &Path, enough: u64) -> io::Result<u64> {
    let device = folder.symlink_metadata()?.dev();
    let (mut bytes, mut linked) = (0_u64, HashSet::new());
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match folder.read_dir() {
            Ok(entries) => entries,
            // Deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // So deep that no program gets there by a path: nested to hide something.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENAMETOOLONG) => return Ok(u64::MAX),
            Err(error) => return Err(error),
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.dev() != device
                || (metadata.nlink() > 1 && metadata.is_file() && !linked.insert(metadata.ino()))
            {
                continue;
            }
            bytes = bytes.saturating_add(metadata.blocks().saturating_mul(512));
            if bytes > enough {
                return Ok(bytes);
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(bytes)
}

/// The same where there is no folder to look at.
async fn watch_by_docker(link: &Link, attempt: AttemptId, limit: u64) -> u64 {
    loop {
        let began = Instant::now();
        match docker::written_bytes(link, attempt).await {
            Ok(bytes) if bytes > limit => return bytes,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%attempt, error = docker::words(&error), "cannot tell how much it wrote");
            }
        }
        sleep(began.elapsed().saturating_mul(REST).max(LOOK_EVERY)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_lies_on_the_disk_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(measure(path, u64::MAX).unwrap() < 64 << 10);
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("a/b/file"), vec![1; 1 << 20]).unwrap();
        let one = measure(path, u64::MAX).unwrap();
        assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&one), "{one}");
        // A second name of the same file, and a hole, take nothing.
        fs::hard_link(path.join("a/b/file"), path.join("a/again")).unwrap();
        fs::File::create(path.join("hole")).unwrap().set_len(1 << 40).unwrap();
        std::os::unix::fs::symlink("/", path.join("link")).unwrap();
        let two = measure(path, u64::MAX).unwrap();
        assert!(two - one < 64 << 10, "{one} {two}");
        // It does not read on once it knows enough.
        assert!(measure(path, 1 << 10).unwrap() > 1 << 10);
    }

    #[test]
    fn it_is_measured_again_only_where_the_limit_is_near() {
        let old = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let measure = |bytes, at, took| Measure { bytes, fs_bytes: 1_000, at, took };
        let at_once = Duration::ZERO;
        assert!(!measure(10, old, at_once).is_stale(100, 1_040), "it cannot have come near");
        assert!(measure(10, old, at_once).is_stale(100, 1_060));
        assert!(!measure(10, old, at_once).is_stale(100, 500), "others freed much");
        assert!(!measure(10, old, Duration::from_secs(1)).is_stale(100, 2_000), "a dear measure rests");
        let Some(ancient) = Instant::now().checked_sub(Duration::from_secs(61)) else { return };
        assert!(measure(10, ancient, at_once).is_stale(100, 1_000));
    }
}
