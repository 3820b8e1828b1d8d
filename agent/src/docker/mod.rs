//! Docker, through its API: the only module that knows of it.
//!
//! Containers are found by their name, which is the attempt's id, so that one attempt can never have
//! two. What the daemon refuses is told apart from what it did not say: the first is an answer, after
//! the second the container may be there or not.

mod ask;
pub mod dial;
pub mod exec;
mod images;
mod launch;
pub mod podman;
mod policy;
mod pull;
mod spec;
mod volumes;
mod watch;
mod written;

use std::error::Error as _;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerUpdateBody, SystemVersion};
use bollard::query_parameters::{DownloadFromContainerOptions, KillContainerOptions, RemoveContainerOptions};
use bytes::Bytes;
use chrono::{DateTime, Datelike, Utc};
use futures::Stream;
use lilac_api::cluster::Engine;
use lilac_api::ids::{AttemptId, ClusterId, NodeId};
use lilac_api::spec::Signal;
use lilac_init::KILL_ORDER;
use tokio::task::spawn_blocking;

use crate::core::{Exit, Listed, Sight};
use crate::process::Local;
pub use bollard::errors::Error;
pub use images::{find_image, image_of, images, images_in_use, remove_image, root_folder};
pub use launch::{Order, Sources, create, start};
pub use policy::objection;
pub use pull::{Credentials, Failed as PullFailed, Word, pull};
pub use spec::container_body;
pub use watch::watch;
pub use written::{written_bytes, written_folders};

/// How long Docker may take to answer a question that costs it nothing.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);

/// How many CPUs a container may use to die.
const DYING_CPUS: i64 = 4;

/// Labels of every container that Lilac makes.
pub mod label {
    pub const CLUSTER: &str = "lilac.cluster";
    pub const NODE: &str = "lilac.node";
    pub const ATTEMPT: &str = "lilac.attempt";
    pub const JOB: &str = "lilac.job";
    pub const EPOCH: &str = "lilac.epoch";
}

/// Whose containers these are. Those of another node or cluster are never touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub cluster_id: ClusterId,
    pub node_id: NodeId,
}

/// Name of an attempt's container.
#[must_use]
pub fn container_name(attempt: AttemptId) -> String {
    format!("lilac-{attempt}")
}

/// The way to a daemon that may not be there yet.
#[derive(Clone, Debug)]
pub struct Link {
    host: Arc<str>,
    client: Arc<Mutex<Option<Docker>>>,
    has_selinux: Arc<AtomicBool>,
    is_podman: Arc<AtomicBool>,
    /// What runs jobs where there is no daemon.
    local: Option<Local>,
}

impl Link {
    /// A link to `unix:///path`, `tcp://host:port` or `http://host:port`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            host: host.into(),
            client: Arc::default(),
            has_selinux: Arc::default(),
            is_podman: Arc::default(),
            local: None,
        }
    }

    /// One that leads to no daemon, but to processes of the node's.
    #[must_use]
    pub fn to_processes(local: Local) -> Self {
        Self { local: Some(local), ..Self::new("") }
    }

    /// The node's processes, where they are what runs jobs.
    #[must_use]
    pub fn local(&self) -> Option<&Local> {
        self.local.as_ref()
    }

    /// Whether the daemon labels containers for SELinux, as it said when it was asked last.
    #[must_use]
    pub fn has_selinux(&self) -> bool {
        self.has_selinux.load(Ordering::Relaxed)
    }

    /// Whether it is Podman that answers, as it said when it was asked last.
    #[must_use]
    pub fn is_podman(&self) -> bool {
        self.is_podman.load(Ordering::Relaxed)
    }

    /// What runs jobs, as far as is known.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match () {
            () if self.local.is_some() => Engine::Process,
            () if self.is_podman() => Engine::Podman,
            () => Engine::Docker,
        }
    }

    /// Asks the daemon who it is, and what it does for the containers' security.
    pub async fn get_to_know(&self) -> Result<SystemVersion, Error> {
        let docker = self.client().await?;
        let version = answer_in_time(docker.version()).await?;
        self.is_podman.store(podman::is_one(&version), Ordering::Relaxed);
        let options = ask::info(self).await?.security_options.unwrap_or_default();
        self.has_selinux.store(options.iter().any(|option| option == "name=selinux"), Ordering::Relaxed);
        Ok(version)
    }

    /// A client for the daemon, in the newest version of the API that both know.
    pub async fn client(&self) -> Result<Docker, Error> {
        if self.local.is_some() {
            return Err(Error::IOError {
                err: io::Error::other("this node runs processes and no containers"),
            });
        }
        let known = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(client) = known {
            return Ok(client);
        }
        let connect = async { Docker::connect_with_host(&self.host)?.negotiate_version().await };
        let client = answer_in_time(connect).await?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }
}

/// A daemon that hangs is a daemon that does not answer.
async fn answer_in_time<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(QUESTION_TIMEOUT, question).await.unwrap_or(Err(Error::RequestTimeoutError))
}

/// What went wrong, in the daemon's own words where it spoke.
#[must_use]
pub fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => "Docker did not answer in time".to_owned(),
        Error::SocketNotFoundError(path) => format!("there is no Docker socket at {path}"),
        error => {
            // The innermost cause is what a person can act on: "Connection refused".
            let mut cause = error.source();
            while let Some(deeper) = cause.and_then(|cause| cause.source()) {
                cause = Some(deeper);
            }
            cause.map_or_else(|| error.to_string(), ToString::to_string)
        }
    }
}

/// The status of the daemon's refusal, as Docker gives it.
fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code: 500, message } if podman::is_conflict(message) => {
            Some(409)
        }
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// How the attempt's container stands.
pub async fn look(link: &Link, attempt: AttemptId) -> Result<Sight, Error> {
    if let Some(local) = link.local() {
        return Ok(local.look(attempt));
    }
    match ask::find(link, attempt).await {
        Ok(found) => sight(&found.state),
        Err(error) if status(&error) == Some(404) => Ok(Sight::Missing),
        Err(error) => Err(error),
    }
}

/// The process that the attempt's container is, by the node's count; none where it does not run.
pub async fn pid(link: &Link, attempt: AttemptId) -> Result<Option<u32>, Error> {
    if let Some(local) = link.local() {
        return Ok(local.find(attempt).and_then(|pid| u32::try_from(pid).ok()));
    }
    let found = ask::find(link, attempt).await?;
    let pid = found.state.pid.and_then(|pid| u32::try_from(pid).ok());
    Ok(pid.filter(|pid| *pid != 0))
}

/// What a state comes to. `initialized`, `stopping` and `stopped` are Podman's. One that nobody knows says nothing: a
/// container that may run must not be taken for one that has ended.
fn sight(state: &ask::State) -> Result<Sight, Error> {
    let started_at = state.started_at.as_deref().and_then(moment);
    match state.status.as_str() {
        "running" | "paused" | "restarting" | "stopping" => {
            Ok(Sight::Running { started_at: started_at.unwrap_or_else(Utc::now) })
        }
        "created" | "initialized" => Ok(Sight::Created),
        "exited" | "stopped" | "removing" | "dead" => Ok(Sight::Exited(Exit {
            code: state.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(255),
            oom_killed: state.oom_killed.unwrap_or(false),
            started_at,
            finished_at: state.finished_at.as_deref().and_then(moment).unwrap_or_else(Utc::now),
        })),
        unknown => Err(Error::IOError { err: io::Error::other(format!("a container is `{unknown}`")) }),
    }
}

/// Reads one of Docker's times; the year 1 is how it writes "never".
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (moment.year() > 1).then_some(moment)
}

/// All containers of this node, running or not.
pub async fn list(link: &Link, owner: Owner) -> Result<Vec<Listed>, Error> {
    let labels =
        [format!("{}={}", label::NODE, owner.node_id), format!("{}={}", label::CLUSTER, owner.cluster_id)];
    let listed = ask::list(link, &labels).await?.into_iter().map(|container| {
        let attempt = container.labels.unwrap_or_default().get(label::ATTEMPT).and_then(|id| id.parse().ok());
        Listed { container: container.id, attempt, running: container.state == "running" }
    });
    Ok(listed.collect())
}

/// Sends a signal to the container's init. A container that is not there or does not run needs none.
pub async fn signal(link: &Link, attempt: AttemptId, signal: Signal) -> Result<(), Error> {
    send(link, attempt, signal.to_string()).await
}

/// Orders the container's init to kill the job, to keep its last words and to end.
pub async fn order_kill(link: &Link, attempt: AttemptId) -> Result<(), Error> {
    send(link, attempt, KILL_ORDER.to_string()).await
}

async fn send(link: &Link, attempt: AttemptId, signal: String) -> Result<(), Error> {
    if let Some(local) = link.local() {
        local.signal(attempt, &signal);
        return Ok(());
    }
    let docker = link.client().await?;
    let options = KillContainerOptions { signal };
    match answer_in_time(docker.kill_container(&container_name(attempt), Some(options))).await {
        Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
        answer => answer,
    }
}

/// Takes the limits off a container that is about to be killed: what is throttled to a tenth of a CPU and thrashes at
/// the end of its memory takes minutes to die.
pub async fn lift_limits(link: &Link, attempt: AttemptId) -> Result<(), Error> {
    if link.local().is_some() {
        return Ok(());
    }
    let docker = link.client().await?;
    let update = ContainerUpdateBody {
        cpu_period: Some(policy::CPU_PERIOD_MICROS),
        cpu_quota: Some(DYING_CPUS * policy::CPU_PERIOD_MICROS),
        ..ContainerUpdateBody::default()
    };
    match answer_in_time(docker.update_container(&container_name(attempt), update)).await {
        Err(error) if status(&error) == Some(404) && link.is_podman() => lift_by_hand(link, attempt).await,
        Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
        answer => answer,
    }
}

async fn lift_by_hand(link: &Link, attempt: AttemptId) -> Result<(), Error> {
    let Ok(Some(pid)) = pid(link, attempt).await else { return Ok(()) };
    let quota = DYING_CPUS * policy::CPU_PERIOD_MICROS;
    let lifted = spawn_blocking(move || podman::set_cpu_quota(pid, quota, policy::CPU_PERIOD_MICROS)).await;
    Ok(lifted.unwrap_or_else(|panic| Err(io::Error::other(panic)))?)
}

/// Kills and removes a container, by name or id, with its anonymous volumes.
pub async fn remove(link: &Link, container: &str) -> Result<(), Error> {
    if let Some(local) = link.local() {
        local.remove(container).await;
        return Ok(());
    }
    let docker = link.client().await?;
    if link.is_podman() {
        // It would ask the container to end, and wait for as long as the job's grace.
        let options = KillContainerOptions { signal: Signal::SigKill.to_string() };
        let _ = answer_in_time(docker.kill_container(container, Some(options))).await;
    }
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    match docker.remove_container(container, Some(options)).await {
        // Gone, or going already.
        Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
        answer => answer,
    }
}

/// A folder or file of the container as a tar archive, in which its name stands in front of all others.
pub fn archive(
    docker: &Docker,
    attempt: AttemptId,
    path: &str,
) -> impl Stream<Item = Result<Bytes, Error>> + use<> {
    let options = DownloadFromContainerOptions { path: path.to_owned() };
    docker.download_from_container(&container_name(attempt), Some(options))
}

/// Whether the daemon says that there is no such thing.
#[must_use]
pub fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read() {
        let state = |status: &str, code| ask::State {
            status: status.to_owned(),
            exit_code: Some(code),
            oom_killed: Some(true),
            started_at: Some("2026-01-02T03:04:05.678901234Z".into()),
            finished_at: Some("2026-01-02T03:04:06Z".into()),
            ..ask::State::default()
        };
        let started_at = "2026-01-02T03:04:05.678901234Z".parse().unwrap();
        let seen = |status, code| sight(&state(status, code)).unwrap();
        for running in ["running", "paused", "stopping"] {
            assert_eq!(seen(running, 0), Sight::Running { started_at }, "{running}");
        }
        for created in ["created", "initialized"] {
            assert_eq!(seen(created, 0), Sight::Created, "{created}");
        }
        let exit = Exit {
            code: 137,
            oom_killed: true,
            started_at: Some(started_at),
            finished_at: "2026-01-02T03:04:06Z".parse().unwrap(),
        };
        for ended in ["exited", "stopped", "dead"] {
            assert_eq!(seen(ended, 137), Sight::Exited(exit.clone()), "{ended}");
        }
        for unknown in ["", "unknown"] {
            assert!(sight(&state(unknown, 0)).is_err(), "{unknown}");
        }
    }

    #[test]
    fn the_year_one_is_never() {
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert_eq!(moment("nonsense"), None);
    }
}
