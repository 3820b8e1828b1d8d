//! `lilac-init` on this node: the program that becomes the first process of every container.
//!
//! The agent carries it in itself and unpacks it once, under a name that its content gives: a newer agent never
//! changes the program of a container that was made before. It lies in the state folder, not in the run folder,
//! because a tmpfs under `/run` is often mounted so that nothing in it can be run.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use lilac_api::ids::AttemptId;
use lilac_init::limit::LIMIT_BYTES;
use sha2::{Digest, Sha256};

use crate::files::{self, Durability};
use crate::{journal, lease};

/// The program, as `build.rs` made it.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lilac-init"));
/// How often it is tried, where another process of ours still holds the file open for writing.
const TRIES: u32 = 20;

/// What of the node a container gets to see of Lilac.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    pub program: PathBuf,
    /// The folder with the lease.
    pub lease: PathBuf,
    /// The folder with the spool.
    pub spool: PathBuf,
    /// How much of what it prints is kept in a second; none for all.
    pub log_rate: Option<u64>,
    /// Whether SELinux keeps containers from files that are not labelled for them.
    pub relabel: bool,
}

impl Places {
    #[must_use]
    pub fn of(program: &Path, state_dir: &Path, run_dir: &Path, attempt: AttemptId) -> Self {
        Self {
            program: program.to_owned(),
            lease: lease::folder(run_dir, attempt),
            spool: journal::spool_folder(state_dir, attempt),
            log_rate: None,
            relabel: false,
        }
    }

    /// How much of its output the program is to keep, in the program's words.
    #[must_use]
    pub fn log_limit(&self) -> String {
        match self.log_rate {
            Some(rate) => format!("{LIMIT_BYTES}/{rate}"),
            None => LIMIT_BYTES.to_string(),
        }
    }
}

/// Puts the program on the disk, if it is not there yet, and sees that it can be run.
pub fn unpack(state_dir: &Path) -> anyhow::Result<PathBuf> {
    let folder = state_dir.join("init");
    files::make_private_folder(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let hash: String = Sha256::digest(PROGRAM).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(format!("lilac-init-{hash}"));
    let is_there = fs::read(&path).is_ok_and(|content| content == PROGRAM);
    if !is_there {
        files::replace(&path, PROGRAM, Durability::Name)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    // The container's user, whoever that is, runs it.
    fs::set_permissions(&path, Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} a program", path.display()))?;
    check(&path)?;
    Ok(path)
}

fn check(path: &Path) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        match Command::new(path).arg("--check").status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => bail!("{} does not run on this machine: {status}", path.display()),
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot run {}; is `state_dir` on a file system mounted `noexec`?",
                        path.display()
                    )
                });
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{} is being written to", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_unpacked_once_and_mended_when_it_is_not_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = unpack(folder.path()).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 1 << 20);
        assert_eq!(unpack(folder.path()).unwrap(), path);
        fs::write(&path, "#!/bin/false").unwrap();
        assert_eq!(unpack(folder.path()).unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), PROGRAM);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn outside_of_a_container_it_does_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = unpack(folder.path()).unwrap();
        let marker = folder.path().join("ran");
        let status =
            Command::new(&path).args(["attempt", "1000", "--", "touch"]).arg(&marker).status().unwrap();
        assert_eq!(status.code(), Some(lilac_init::BROKEN));
        assert!(!marker.exists());
    }
}
