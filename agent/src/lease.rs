//! Until when each attempt may run, in a file that others can read.
//!
//! The agent's own timer ends an attempt in time. These files are for what must hold when the agent is
//! dead: whoever watches over the container reads its deadline here. They lie on a tmpfs, so a reboot
//! takes them along, and they name the boot that their clock belongs to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lilac_api::ids::AttemptId;
use uuid::Uuid;

use crate::clock::Millis;
use crate::files::{self, Durability};

/// The file of one attempt. It holds one line: `<boot id> <deadline in ms of CLOCK_BOOTTIME>`.
#[must_use]
pub fn path(run_dir: &Path, attempt: AttemptId) -> PathBuf {
    run_dir.join("leases").join(attempt.to_string())
}

/// Makes the folder for the lease files.
pub fn prepare(run_dir: &Path) -> io::Result<()> {
    files::make_private_folder(&run_dir.join("leases"))
}

/// Writes down that `attempt` may run until `deadline`.
pub fn write(run_dir: &Path, attempt: AttemptId, boot_id: Uuid, deadline: Millis) -> io::Result<()> {
    let line = format!("{boot_id} {deadline}\n");
    files::replace(&path(run_dir, attempt), line.as_bytes(), Durability::Process)
}

/// The deadline of `attempt`, if one is known for this boot.
#[must_use]
pub fn read(run_dir: &Path, attempt: AttemptId, boot_id: Uuid) -> Option<Millis> {
    let content = fs::read_to_string(path(run_dir, attempt)).ok()?;
    let (boot, deadline) = content.trim_end().split_once(' ')?;
    (boot.parse::<Uuid>().ok()? == boot_id).then(|| deadline.parse().ok())?
}

/// Drops the file of an attempt that is over.
pub fn remove(run_dir: &Path, attempt: AttemptId) {
    // A file that stays behind grants nothing: its deadline passes.
    let _ = fs::remove_file(path(run_dir, attempt));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_read_back_within_its_boot_only() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path()).unwrap();
        let (attempt, boot) = (AttemptId::new(), Uuid::new_v4());
        assert_eq!(read(folder.path(), attempt, boot), None);
        write(folder.path(), attempt, boot, 12_345).unwrap();
        write(folder.path(), attempt, boot, 23_456).unwrap();
        assert_eq!(read(folder.path(), attempt, boot), Some(23_456));
        assert_eq!(read(folder.path(), attempt, Uuid::new_v4()), None);
        remove(folder.path(), attempt);
        assert_eq!(read(folder.path(), attempt, boot), None);
    }

    #[test]
    fn a_torn_lease_grants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path()).unwrap();
        let (attempt, boot) = (AttemptId::new(), Uuid::new_v4());
        for content in ["", "x", &boot.to_string(), &format!("{boot} 12x")] {
            fs::write(path(folder.path(), attempt), content).unwrap();
            assert_eq!(read(folder.path(), attempt, boot), None, "{content:?}");
        }
    }
}
