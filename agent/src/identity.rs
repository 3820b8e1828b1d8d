//! Who this agent is: machine, boot, node and the credential that proves it.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use anyhow::{Context, bail};
use lilac_api::agent::{PROTOCOL_VERSION, RegisterRequest};
use lilac_api::auth::Secret;
use lilac_api::client::{Client, ClientError};
use lilac_api::ids::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::VERSION;
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
    fn a_damaged_credential_is_said_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load_credential(folder.path()).unwrap().is_none());
        fs::write(folder.path().join("credential.json"), "{\"credential\": \"lilac_node_secret\"").unwrap();
        let error = load_credential(folder.path()).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("damaged") && !text.contains("secret"), "{text}");
    }
}
