//! Who this agent is: machine, boot, node and the credential that proves it.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use anyhow::{Context, bail};
use lilac_api::agent::{PROTOCOL_VERSION, RegisterRequest};
use lilac_api::auth::Secret;
use lilac_api::client::{Client, ClientError};
use lilac_api::ids::{ClusterId, NodeId, SessionId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{NoContext, Timestamp, Uuid};

use crate::VERSION;
use crate::clock::Millis;
use crate::config::Settings;
use crate::files::{self, Durability};
use crate::sync::Backoff;

/// What the control plane gave this node when it joined; kept in `credential.json`, mode 0600.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    pub node_id: NodeId,
    pub cluster_id: ClusterId,
    pub credential: Secret,
}

/// The machine and this boot of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Hash of the operating system's installation id: the id itself is meant to stay private.
    pub machine_id: String,
    /// Changes with every boot.
    pub boot_id: Uuid,
}

/// Held while the agent runs: two agents on one state folder would start every job twice.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// Takes the state folder for this process, or says who has it.
pub fn lock(state_dir: &Path) -> anyhow::Result<StateLock> {
    files::make_private_folder(state_dir).with_context(|| format!("cannot make {}", state_dir.display()))?;
    let path = state_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(StateLock { _file: file }),
        Err(fs::TryLockError::WouldBlock) => bail!(
            "another agent runs on {}; stop it, or give this one a `state_dir` of its own",
            state_dir.display()
        ),
        Err(fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Finds out which machine and which boot this is.
pub fn machine(state_dir: &Path) -> anyhow::Result<Machine> {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("cannot read the boot id")?;
    let boot_id = boot_id.trim().parse().context("the boot id is no UUID")?;
    let installation = match files::read_if_there(Path::new("/etc/machine-id")) {
        Ok(Some(id)) if id.trim_ascii().len() >= 32 => id,
        _ => own_machine_id(state_dir)?,
    };
    let mut hash = Sha256::new();
    hash.update(b"lilac machine id ");
    hash.update(installation.trim_ascii());
    let machine_id = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Machine { machine_id, boot_id })
}

/// Refuses a state folder that came from another machine together with its installation's id, as a copied disk does:
/// what is known of the other one's containers would be taken for the word of this one. Where the firmware says nothing,
/// nothing can be told apart.
pub fn check_hardware(state_dir: &Path, root: &Path) -> anyhow::Result<()> {
    let told = files::read_if_there(&root.join("sys/class/dmi/id/product_uuid")).unwrap_or_default();
    let Some(told) = told.filter(|told| !told.trim_ascii().is_empty()) else { return Ok(()) };
    let mut hash = Sha256::new();
    hash.update(b"lilac hardware id ");
    hash.update(told.trim_ascii());
    let hardware: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let path = state_dir.join("hardware-id");
    match files::read_if_there(&path).with_context(|| format!("cannot read {}", path.display()))? {
        Some(known) if known == hardware.as_bytes() => Ok(()),
        Some(_) => bail!(
            "{} belongs to another machine: where this one is its copy, delete the folder and join with a key of \
             its own; where the hardware was replaced, delete {}",
            state_dir.display(),
            path.display()
        ),
        None => files::replace(&path, hardware.as_bytes(), Durability::Name)
            .with_context(|| format!("cannot write {}", path.display())),
    }
}

/// An id for machines that have none, as many containers do.
fn own_machine_id(state_dir: &Path) -> anyhow::Result<Vec<u8>> {
    let path = state_dir.join("machine-id");
    if let Some(id) = files::read_if_there(&path).context("cannot read the machine id")? {
        return Ok(id);
    }
    let id = Uuid::new_v4().simple().to_string().into_bytes();
    files::replace(&path, &id, Durability::Name)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(id)
}

/// The credential of an earlier registration.
pub fn load_credential(state_dir: &Path) -> anyhow::Result<Option<Credential>> {
    let path = state_dir.join("credential.json");
    let content = files::read_if_there(&path).with_context(|| format!("cannot read {}", path.display()))?;
    content
        .map(|content| serde_json::from_slice(&content))
        .transpose()
        // The error of serde_json tells line and column only, nothing of the content.
        .with_context(|| format!("{} is damaged; delete it and join again with a join key", path.display()))
}

/// A new session of this machine. Its id holds when in this boot it began, so that the control plane knows the late
/// first message of one that is dead from a new one: that clock is never set.
#[must_use]
pub fn session(boot_ms: Millis) -> SessionId {
    let nanos = u32::try_from(boot_ms % 1_000).unwrap_or_default() * 1_000_000;
    SessionId(Uuid::new_v7(Timestamp::from_unix(NoContext, boot_ms / 1_000, nanos)))
}

/// Joins the cluster with the join key and keeps the credential. Waits for a server that is away.
pub async fn register(settings: &Settings, machine: &Machine) -> anyhow::Result<Credential> {
    let Some(key) = &settings.join_key else {
        bail!(
            "this node has not joined a cluster yet and has no join key; make one in the web interface \
             or with `lilac_cli`, and set `join_key` in the configuration or LILAC_JOIN_KEY"
        );
    };
    let client = Client::new(&settings.server, Some(key.clone()))?;
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        name: settings.name.clone(),
        machine_id: machine.machine_id.clone(),
        agent_version: VERSION.to_owned(),
    };
    let mut backoff = Backoff::default();
    let answer = loop {
        match client.register(&request).await {
            Ok(answer) => break answer,
            Err(error) if error.is_transient() => {
                let pause = backoff.pause();
                tracing::warn!(%error, retry_in_ms = pause.as_millis(), "cannot join the cluster yet");
                tokio::time::sleep(pause).await;
            }
            Err(error @ ClientError::Refused(_)) => {
                return Err(error).context("the control plane refused this node");
            }
            Err(error) => return Err(error).context("cannot join the cluster"),
        }
    };
    let credential =
        Credential { node_id: answer.node_id, cluster_id: answer.cluster_id, credential: answer.credential };
    let path = settings.state_dir.join("credential.json");
    let content = serde_json::to_vec(&credential).context("cannot write the credential as JSON")?;
    files::replace(&path, &content, Durability::Name)
        .with_context(|| format!("cannot write {}", path.display()))?;
    tracing::info!(node_id = %credential.node_id, cluster_id = %credential.cluster_id, "joined the cluster");
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_has_one_agent() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        let error = lock(folder.path()).unwrap_err();
        assert!(error.to_string().contains("another agent runs"), "{error}");
        drop(first);
        lock(folder.path()).unwrap();
    }

    #[test]
    fn the_machine_stays_the_same_and_its_id_stays_private() {
        let folder = tempfile::tempdir().unwrap();
        let first = machine(folder.path()).unwrap();
        assert_eq!(first, machine(folder.path()).unwrap());
        assert_eq!(first.machine_id.len(), 64);
        let raw = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        assert_ne!(first.machine_id, raw.trim());
    }

    #[test]
    fn a_state_folder_stays_with_its_machine() {
        let (state, machine) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // One that says nothing of itself.
        check_hardware(state.path(), machine.path()).unwrap();
        let firmware = machine.path().join("sys/class/dmi/id");
        fs::create_dir_all(&firmware).unwrap();
        fs::write(firmware.join("product_uuid"), "4c4c4544-0043\n").unwrap();
        check_hardware(state.path(), machine.path()).unwrap();
        check_hardware(state.path(), machine.path()).unwrap();
        fs::write(firmware.join("product_uuid"), "4c4c4544-0044\n").unwrap();
        let error = check_hardware(state.path(), machine.path()).unwrap_err().to_string();
        assert!(error.contains("belongs to another machine") && !error.contains("4c4c"), "{error}");
        fs::remove_file(state.path().join("hardware-id")).unwrap();
        check_hardware(state.path(), machine.path()).unwrap();
    }

    #[test]
    fn a_damaged_credential_is_said_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load_credential(folder.path()).unwrap().is_none());
        fs::write(folder.path().join("credential.json"), "{\"credential\": \"lilac_node_secret\"").unwrap();
        let error = load_credential(folder.path()).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("damaged") && !text.contains("secret"), "{text}");
    }
}
