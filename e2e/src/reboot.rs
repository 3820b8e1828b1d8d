//! A reboot, as far as an agent can see: what ran is gone, and the kernel tells another boot id.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;
use uuid::Uuid;

use crate::process::binary;
use crate::scratch::Scratch;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The agent's program, in a boot of its own: another file lies over the kernel's, for nobody but this process.
pub fn rebooted_agent(scratch: &Scratch, name: &str) -> Result<PathBuf> {
    let boot_id = scratch.path(&format!("boot-id-{name}"));
    std::fs::write(&boot_id, format!("{}\n", Uuid::new_v4()))?;
    let program = scratch.path(&format!("rebooted-{name}"));
    let words = format!(
        "#!/bin/sh\nexec unshare --mount --propagation private sh -c 'mount --bind {} {BOOT_ID} && exec {} \"$@\"' agent \"$@\"\n",
        boot_id.display(),
        binary("lilac_agent")?.display(),
    );
    std::fs::write(&program, words)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    Ok(program)
}
