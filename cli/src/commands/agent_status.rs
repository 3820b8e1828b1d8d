//! `agent status`: whether the agent of this machine runs, and what it holds.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use lilac_agent::config::{self, Settings};
use lilac_agent::identity;
use lilac_api::NodeId;
use lilac_api::cluster::Node;
use serde::Serialize;

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Tone, node_tone};
use crate::session::{self, same_server};

#[derive(Args, Debug)]
pub struct StatusArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Serialize)]
struct Status {
    running: bool,
    /// Its process, where `agent start --detach` noted it.
    pid: Option<u32>,
    name: String,
    server: String,
    /// The node that it is, once it has joined a cluster.
    node_id: Option<NodeId>,
    /// Attempts that it keeps on its disk: those that run, and those whose log or result is on its way.
    attempts: usize,
    state_dir: PathBuf,
    log: Option<PathBuf>,
    /// As the server sees it, for who is logged in there.
    node: Option<Node>,
}

/// Ends with 1 where it does not run.
pub async fn run(global: &Global, args: StatusArgs) -> Result<Exit, Failure> {
    let environment = |name: &str| match name {
        "LILAC_SERVER" => global.server(),
        name => std::env::var(name).ok(),
    };
    let settings =
        config::load(args.config.as_deref()).and_then(|config| config::settle(config, environment));
    let settings = settings.map_err(|error| {
        Failure::usage(format!("{error:#}"), "`lilac_cli agent configure` writes a configuration")
    })?;
    let status = status(global, settings).await?;
    let (words, tone) = if status.running { ("running", Tone::Good) } else { ("not running", Tone::Bad) };
    let printer = global.printer();
    let node = status.node.as_ref();
    printer.one(
        &status,
        |status| status.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        |status| {
            let state = node
                .map_or(Field::from(""), |node| Field::toned(node.state.to_string(), node_tone(node.state)));
            printer.facts(&[
                ("Agent", Field::toned(words, tone)),
                ("Process", status.pid.map(|pid| pid.to_string()).unwrap_or_default().into()),
                ("Node", Field::from(&status.name)),
                ("Server", Field::from(&status.server)),
                ("Joined", status.node_id.map_or("not yet".to_owned(), |id| id.to_string()).into()),
                ("State there", state),
                ("Says", Field::from(node.map(|node| node.message.as_str()).unwrap_or_default())),
                ("Attempts", status.attempts.to_string().into()),
                ("State folder", status.state_dir.display().to_string().into()),
                ("Log", status.log.as_ref().map(|log| log.display().to_string()).unwrap_or_default().into()),
            ])
        },
    )?;
    Ok(if status.running { Exit::Ok } else { Exit::Unfit })
}

async fn status(global: &Global, settings: Settings) -> Result<Status, Failure> {
    let unreadable =
        |error: io::Error| Failure::file(&settings.state_dir, error, "run it as the user who runs the agent");
    let running = is_locked(&settings.state_dir.join("lock")).map_err(unreadable)?;
    let credential = identity::load_credential(&settings.state_dir)
        .map_err(|error| Failure::Refused(vec![format!("{error:#}")]))?;
    let node_id = credential.map(|credential| credential.node_id);
    let attempts = fs::read_dir(settings.state_dir.join("attempts")).map_or(0, Iterator::count);
    let log = Some(settings.state_dir.join("agent.log")).filter(|log| log.exists());
    let node = match node_id {
        Some(id) => node(global, &settings.server, id).await,
        None => None,
    };
    Ok(Status {
        running,
        pid: pid(&settings.run_dir).filter(|_| running),
        name: settings.name,
        server: settings.server,
        node_id,
        attempts,
        state_dir: settings.state_dir,
        log,
        node,
    })
}

/// An agent that runs holds a lock on its state folder.
fn is_locked(path: &Path) -> io::Result<bool> {
    let file: File = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn pid(run_dir: &Path) -> Option<u32> {
    let pid = fs::read_to_string(run_dir.join("agent.pid")).ok()?.trim().parse().ok()?;
    Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
}

/// What the server says of it; nothing for who is not logged in there.
async fn node(global: &Global, server: &str, id: NodeId) -> Option<Node> {
    let session = session::open(global).ok()?;
    if !same_server(session.client.base_url(), server) {
        return None;
    }
    session.client.node(id).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_whether_an_agent_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap(), "no agent has been here");
        let lock = identity::lock(folder.path()).unwrap();
        assert!(is_locked(&path).unwrap());
        drop(lock);
        assert!(!is_locked(&path).unwrap(), "looking takes no lock that stays");
    }
}
