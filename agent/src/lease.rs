//! Until when each attempt may run, in a file that its container reads.
//!
//! The agent's own timer ends an attempt in time. These files are for what must hold when the agent is
//! dead: `lilac-init` in the container reads its deadline here. They lie on a tmpfs, so a reboot
//! takes them along, and they name the boot that their clock belongs to.
//!
//! An attempt has a folder of its own, which its container sees: the file in it is replaced as a whole, and a
//! container that saw the file alone would keep the old one.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lilac_api::ids::AttemptId;
use lilac_init::{LEASE_FILE, lease::deadline};
use uuid::Uuid;

use crate::clock::Millis;
use crate::files;

/// Beside the lease, for a rank of a gang: the nodes of all ranks.
pub const HOSTS: &str = "hosts";

/// The folder of one attempt.
#[must_use]
pub fn folder(run_dir: &Path, attempt: AttemptId) -> PathBuf {
    run_dir.join("leases").join(attempt.to_string())
}

/// The file of one attempt. It holds one line: `<boot id> <deadline in ms of CLOCK_BOOTTIME>`.
#[must_use]
pub fn path(run_dir: &Path, attempt: AttemptId) -> PathBuf {
    folder(run_dir, attempt).join(LEASE_FILE)
}

/// Makes the folder for the lease files.
pub fn prepare(run_dir: &Path) -> io::Result<()> {
    files::make_private_folder(&run_dir.join("leases"))
}

/// Writes down that `attempt` may run until `deadline`.
pub fn write(run_dir: &Path, attempt: AttemptId, boot_id: Uuid, deadline: Millis) -> io::Result<()> {
    let path = path(run_dir, attempt);
    let temporary = path.with_extension("tmp");
    let line = format!("{boot_id} {deadline}\n");
    let written = fs::write(&temporary, &line).or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        let folder = folder(run_dir, attempt);
        fs::create_dir(&folder)?;
        // Nobody gets this far on the node; in the container it may be any user.
        fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
        fs::write(&temporary, &line)
    });
    written?;
    fs::set_permissions(&temporary, Permissions::from_mode(0o644))?;
    fs::rename(&temporary, &path)
}

/// Writes down, for the container to see, which nodes the ranks of its gang are on. Its folder is there: the lease was
/// written before.
pub fn write_hosts(run_dir: &Path, attempt: AttemptId, hosts: &str) -> io::Result<()> {
    let path = folder(run_dir, attempt).join(HOSTS);
    fs::write(&path, hosts)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))
}

/// The deadline of `attempt`, if one is known for this boot.
#[must_use]
pub fn read(run_dir: &Path, attempt: AttemptId, boot_id: Uuid) -> Option<Millis> {
    deadline(&fs::read(path(run_dir, attempt)).ok()?, boot_id.to_string().as_bytes())
}

/// Drops the folder of an attempt that is over.
pub fn remove(run_dir: &Path, attempt: AttemptId) {
    // A file that stays behind grants nothing: its deadline passes.
    let _ = fs::remove_dir_all(folder(run_dir, attempt));
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
        write(folder.path(), attempt, boot, 12).unwrap();
        for content in ["", "x", &boot.to_string(), &format!("{boot} 12x\n"), &format!("{boot} 12")] {
            fs::write(path(folder.path(), attempt), content).unwrap();
            assert_eq!(read(folder.path(), attempt, boot), None, "{content:?}");
        }
    }

    #[test]
    fn any_user_of_the_container_may_read_it_and_nobody_on_the_node() {
        let run_dir = tempfile::tempdir().unwrap();
        prepare(run_dir.path()).unwrap();
        let attempt = AttemptId::new();
        write(run_dir.path(), attempt, Uuid::new_v4(), 12).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder(run_dir.path(), attempt)), 0o755);
        assert_eq!(mode(&path(run_dir.path(), attempt)), 0o644);
        assert_eq!(mode(&run_dir.path().join("leases")), 0o700);
    }
}
