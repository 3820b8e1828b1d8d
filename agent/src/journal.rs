//! What the agent must remember of its attempts when it dies: one folder per attempt, one file per fact.
//!
//! | file | written | survives |
//! |---|---|---|
//! | `intent.json` | before the container is created | a power cut, by content |
//! | `created` | once the container was created | a crash of the agent |
//! | `stop.json` | when the agent begins to end the container | a crash of the agent |
//! | `exit.json` | before the result is reported | a power cut |
//! | `spool/frames` | all the while, by `lilac-init` | see `log_spool` |
//! | `output-N` | when output N is handed over, or never will be | a crash of the agent |
//!
//! Each file is written once, so writes never overtake one another. `intent.json` costs one fsync, for
//! it stands between a user and their code: should a power cut take its name, then the machine has
//! rebooted, the container is dead and nothing was lost. `exit.json` is the tombstone; the folder stays
//! until the control plane says forget. What cannot be read is set aside, and the rest lives on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lilac_api::agent::{TakenPorts, TaskResult, TaskSpec};
use lilac_api::ids::AttemptId;
use lilac_init::SPOOL_FILE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Millis;
use crate::files::{self, Durability};

/// That this node is going to run an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub attempt_id: AttemptId,
    pub epoch: u32,
    /// The boot in which it was accepted: after another one its processes are gone.
    pub boot_id: Uuid,
    /// The first lease, for the moment before its file was written.
    pub lease_until: Millis,
    pub task: TaskSpec,
}

/// Why the agent ends a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopCause {
    /// The control plane asked for it.
    Asked,
    /// The control plane no longer knows the attempt, or has given it up.
    Disowned,
    /// It ran for as long as it may.
    MaxRuntime,
    /// It wrote more to the disk than it may.
    DiskLimit,
    /// Nothing was heard from the control plane until its lease was over.
    LeaseOver,
    /// A GPU that it computes on failed.
    GpuLost,
}

/// That the agent began to end a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopNote {
    pub cause: StopCause,
    pub asked_at: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitNote {
    pub started_at: Option<DateTime<Utc>>,
    pub result: TaskResult,
}

/// All that is remembered of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub intent: Intent,
    pub created: bool,
    pub stop: Option<StopNote>,
    pub exit: Option<ExitNote>,
}

fn attempts(state_dir: &Path) -> PathBuf {
    state_dir.join("attempts")
}

/// The folder of one attempt.
#[must_use]
pub fn folder(state_dir: &Path, attempt: AttemptId) -> PathBuf {
    attempts(state_dir).join(attempt.to_string())
}

/// The folder in which the container of one attempt writes its log.
#[must_use]
pub fn spool_folder(state_dir: &Path, attempt: AttemptId) -> PathBuf {
    folder(state_dir, attempt).join("spool")
}

/// The file that holds the log of one attempt.
#[must_use]
pub fn log_path(state_dir: &Path, attempt: AttemptId) -> PathBuf {
    spool_folder(state_dir, attempt).join(SPOOL_FILE)
}

/// The mark that an output is done with.
#[must_use]
pub fn output_mark(state_dir: &Path, attempt: AttemptId, index: u16) -> PathBuf {
    folder(state_dir, attempt).join(format!("output-{index}"))
}

pub fn write_intent(state_dir: &Path, intent: &Intent) -> io::Result<()> {
    let folder = folder(state_dir, intent.attempt_id);
    files::make_private_folder(&folder)?;
    files::replace(&folder.join("intent.json"), &serde_json::to_vec(intent)?, Durability::Content)
}

pub fn note_created(state_dir: &Path, attempt: AttemptId) -> io::Result<()> {
    fs::write(folder(state_dir, attempt).join("created"), b"")
}

pub fn note_stop(state_dir: &Path, attempt: AttemptId, note: &StopNote) -> io::Result<()> {
    let path = folder(state_dir, attempt).join("stop.json");
    files::replace(&path, &serde_json::to_vec(note)?, Durability::Process)
}

/// Once this returned, others may be told of these ports.
pub fn write_ports(state_dir: &Path, attempt: AttemptId, ports: &TakenPorts) -> io::Result<()> {
    let path = folder(state_dir, attempt).join("ports.json");
    files::replace(&path, &serde_json::to_vec(ports)?, Durability::Process)
}

/// The ports that the attempt has taken, if it did.
#[must_use]
pub fn read_ports(state_dir: &Path, attempt: AttemptId) -> Option<TakenPorts> {
    read_fact(&folder(state_dir, attempt).join("ports.json")).ok().flatten()
}

/// Once this returned, the result may be reported: it will be reported until it is forgotten.
pub fn write_exit(state_dir: &Path, attempt: AttemptId, exit: &ExitNote) -> io::Result<()> {
    let path = folder(state_dir, attempt).join("exit.json");
    files::replace(&path, &serde_json::to_vec(exit)?, Durability::Name)?;
    // The folder was not worth the wait while the job was about to start. From now on its own name matters.
    files::sync_folder(&attempts(state_dir))
}

/// Drops all that is remembered of an attempt.
pub fn forget(state_dir: &Path, attempt: AttemptId) -> io::Result<()> {
    match fs::remove_dir_all(folder(state_dir, attempt)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads everything that an earlier run of the agent left.
pub fn recover(state_dir: &Path) -> io::Result<Vec<Entry>> {
    let attempts = attempts(state_dir);
    files::make_private_folder(&attempts)?;
    let mut entries = Vec::new();
    for found in fs::read_dir(&attempts)? {
        let found = found?;
        let name = found.file_name();
        let Some(attempt) = name.to_str().and_then(|name| name.parse::<AttemptId>().ok()) else {
            tracing::warn!(?name, "a stray file among the attempts is left alone");
            continue;
        };
        match read_entry(&found.path(), attempt)? {
            Some(entry) => entries.push(entry),
            None => set_aside(&found.path(), &state_dir.join("damaged"))?,
        }
    }
    Ok(entries)
}

fn read_entry(folder: &Path, attempt: AttemptId) -> io::Result<Option<Entry>> {
    let Some(intent) = read_fact::<Intent>(&folder.join("intent.json"))? else { return Ok(None) };
    if intent.attempt_id != attempt {
        tracing::warn!(%attempt, "an intent names another attempt than its folder");
        return Ok(None);
    }
    Ok(Some(Entry {
        intent,
        created: folder.join("created").exists(),
        stop: read_fact(&folder.join("stop.json"))?,
        exit: read_fact(&folder.join("exit.json"))?,
    }))
}

/// Reads one fact. One that is damaged counts as missing: Docker still knows how the container stands.
fn read_fact<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let Some(content) = files::read_if_there(path)? else { return Ok(None) };
    match serde_json::from_slice(&content) {
        Ok(fact) => Ok(Some(fact)),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a damaged journal file is set aside");
            fs::rename(path, path.with_extension("damaged"))?;
            Ok(None)
        }
    }
}

fn set_aside(folder: &Path, damaged: &Path) -> io::Result<()> {
    files::make_private_folder(damaged)?;
    let Some(name) = folder.file_name() else { return Ok(()) };
    let target = damaged.join(name);
    // Only the latest of one name is kept, so that damage cannot fill the disk.
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    tracing::warn!(attempt = ?name, to = %target.display(), "an attempt without a readable intent is set aside");
    fs::rename(folder, target)
}

#[cfg(test)]
mod tests;
