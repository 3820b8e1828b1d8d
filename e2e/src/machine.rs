//! A machine with Docker: in truth a Docker daemon of its own, which nobody else uses.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse, ContainerSummary, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, EventsOptionsBuilder, ListContainersOptions, RemoveContainerOptions,
};
use futures::{StreamExt, TryStreamExt};
use lilac_api::AttemptId;
use nix::sys::signal::Signal;

use crate::image::{self, IMAGE};
use crate::island::Island;
use crate::process::{PATH, Process, clean_command};
use crate::scratch::Scratch;
use crate::wait::{eventually, eventually_within};

const DOCKER_TIMEOUT_SECS: u64 = 60;
/// How long a daemon may take to end once its containers are dead.
const DAEMON_ENDING: Duration = Duration::from_secs(15);

/// Why no machine can be had here; `None` where one can.
pub(crate) fn obstacle() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("a Docker daemon of the test's own needs root".to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in ["dockerd", "tar"] {
        let is_there = std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .any(|folder| folder.join(program).is_file());
        if !is_there {
            return Some(format!("`{program}` is not installed"));
        }
    }
    image::busybox().is_none().then(|| "busybox-static is not installed".to_owned())
}

/// Starts of containers, in order, as the daemon told them: the job of each.
#[derive(Clone, Default)]
pub struct Starts(Arc<Mutex<Vec<Result<String, String>>>>);

impl Starts {
    /// The jobs whose containers were started; an error where the daemon broke off.
    pub fn jobs(&self) -> Result<Vec<String>> {
        let seen = self.0.lock().map_err(|_| anyhow!("a test panicked"))?;
        seen.iter().cloned().map(|job| job.map_err(|error| anyhow!(error))).collect()
    }
}

pub struct Machine {
    daemon: Process,
    name: String,
    docker: Docker,
    host: String,
    /// The network that it is in, where that is one of its own.
    network: Option<PathBuf>,
    scratch: Scratch,
}

impl Machine {
    /// Starts a daemon and gives it the test image.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_in(name, None).await
    }

    /// The same in a network where nobody else's daemon is, so that this one has a bridge and rules as Docker makes them.
    pub async fn start_on(name: &str, island: &Island) -> Result<Self> {
        Self::start_in(name, Some(island.namespace())).await
    }

    async fn start_in(name: &str, network: Option<PathBuf>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let host = format!("unix://{}", scratch.path("d.sock").display());
        let daemon = start_daemon(name, &scratch, &host, network.as_deref())?;
        let docker = connect(&host).await.with_context(|| format!("dockerd said: {}", daemon.output()))?;
        image::import(&docker, &scratch.path("image")).await?;
        Ok(Self { daemon, name: name.to_owned(), docker, host, network, scratch })
    }

    /// Gives it [`image::BARE_IMAGE`] as well.
    pub async fn add_bare_image(&self) -> Result<()> {
        image::import_bare(&self.docker, &self.scratch.path("bare")).await
    }

    /// Ends the daemon as a crash would. Its containers live on.
    pub fn kill_daemon(&mut self) -> Result<()> {
        self.daemon.kill()
    }

    /// Starts the daemon again, after it was killed. It ends the containers that ran.
    pub async fn start_daemon_again(&mut self) -> Result<()> {
        // Its containerd died with it. Where nobody collects dead processes, the pid that these files name still
        // looks alive.
        for file in ["pid", "exec/containerd/containerd.pid"] {
            let _ = std::fs::remove_file(self.scratch.path(file));
        }
        self.daemon = start_daemon(&self.name, &self.scratch, &self.host, self.network.as_deref())?;
        let docker =
            connect(&self.host).await.with_context(|| format!("dockerd said: {}", self.daemon.output()))?;
        self.docker = docker;
        Ok(())
    }

    /// The daemon's address, as in DOCKER_HOST.
    #[must_use]
    pub fn docker_host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// All containers that the daemon knows, ended ones too.
    pub async fn containers(&self) -> Result<Vec<ContainerSummary>> {
        let options = ListContainersOptions { all: true, ..ListContainersOptions::default() };
        Ok(self.docker.list_containers(Some(options)).await?)
    }

    /// Containers that run.
    pub async fn running(&self) -> Result<Vec<ContainerSummary>> {
        Ok(self.docker.list_containers(Some(ListContainersOptions::default())).await?)
    }

    /// The container of an attempt, `None` where there is none.
    pub async fn container(&self, attempt: AttemptId) -> Result<Option<ContainerInspectResponse>> {
        match self.docker.inspect_container(&format!("lilac-{attempt}"), None).await {
            Ok(container) => Ok(Some(container)),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until no container is left.
    pub async fn empty(&self, within: Duration) -> Result<()> {
        eventually_within(within, "an empty machine", async || {
            Ok(self.containers().await?.is_empty().then_some(()))
        })
        .await
    }

    /// Starts a container as somebody other than the agent would.
    pub async fn run_foreign(
        &self,
        name: &str,
        command: &[&str],
        labels: HashMap<String, String>,
    ) -> Result<()> {
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            labels: Some(labels),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        self.docker.create_container(Some(options), body).await?;
        Ok(self.docker.start_container(name, None).await?)
    }

    /// Removes a container, running or not.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let options = RemoveContainerOptions { force: true, ..RemoveContainerOptions::default() };
        Ok(self.docker.remove_container(name, Some(options)).await?)
    }

    /// What a container printed, as the daemon kept it.
    pub async fn output(&self, name: &str) -> Result<Vec<u8>> {
        let options = bollard::query_parameters::LogsOptions {
            stdout: true,
            stderr: true,
            ..bollard::query_parameters::LogsOptions::default()
        };
        let chunks: Vec<_> = self.docker.logs(name, Some(options)).try_collect().await?;
        Ok(chunks.into_iter().flat_map(|chunk| chunk.into_bytes().to_vec()).collect())
    }

    /// Notes from now on which jobs' containers are started: evidence that does not come from the
    /// platform itself.
    #[must_use]
    pub fn watch_starts(&self) -> Starts {
        let starts = Starts::default();
        let options = EventsOptionsBuilder::default()
            .since(&chrono::Utc::now().timestamp().to_string())
            .filters(&HashMap::from([("type", vec!["container"]), ("event", vec!["start"])]))
            .build();
        let (docker, seen) = (self.docker.clone(), starts.clone());
        tokio::spawn(async move {
            let mut events = docker.events(Some(options));
            while let Some(event) = events.next().await {
                let event = event.map_err(|error| error.to_string()).map(|event| {
                    let labels = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
                    labels.get("lilac.job").cloned().unwrap_or_default()
                });
                if let Ok(mut seen) = seen.0.lock() {
                    seen.push(event);
                }
            }
        });
        starts
    }

    /// Kills all that runs in containers, behind the daemon's back, as the death of a machine would.
    pub fn kill_containers(&self) {
        self.scratch.kill_containers();
    }

    /// Stops the daemon from answering, or lets it go on.
    pub fn signal_daemon(&mut self, signal: Signal) -> Result<()> {
        self.daemon.signal(signal)
    }

    pub(crate) fn show(&self) {
        self.daemon.show();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A stopped daemon would not hear that it should end.
        let _ = self.daemon.signal(Signal::SIGCONT);
        self.scratch.kill_containers();
        self.daemon.terminate(DAEMON_ENDING);
    }
}

/// What Docker calls to give a container its NVIDIA GPUs. It is there where NVIDIA's toolkit is, and is what Docker
/// knows the toolkit by; this one gives nothing, as there is nothing to give.
fn write_gpu_hook(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let hook = folder.join("nvidia-container-runtime-hook");
    std::fs::write(&hook, "#!/bin/sh\nexit 0\n")?;
    Ok(std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755))?)
}

fn start_daemon(name: &str, scratch: &Scratch, host: &str, network: Option<&Path>) -> Result<Process> {
    let mut command =
        clean_command(Path::new(if network.is_some() { "nsenter" } else { "dockerd" }), scratch.root());
    if let Some(network) = network {
        command.arg(format!("--net={}", network.display())).arg("dockerd");
    }
    let hooks = scratch.path("hooks");
    write_gpu_hook(&hooks)?;
    command.env("PATH", format!("{PATH}:{}", hooks.display()));
    command.args(["-H", host]);
    for (flag, path) in [("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")] {
        command.arg(flag).arg(scratch.path(path));
    }
    if network.is_none() {
        // A second daemon would take the first one's bridge and rules away.
        command.args(["--bridge", "none", "--iptables=false", "--ip-masq=false"]);
    }
    command.args(["--cgroup-parent", &scratch.cgroup(), "--log-level", "warn"]);
    Process::spawn(&format!("dockerd {name}"), command, &scratch.path("dockerd.log"))
}

pub(crate) async fn connect(host: &str) -> Result<Docker> {
    eventually("a Docker daemon that answers", async || {
        // The socket must be there before bollard takes its path.
        let docker = Docker::connect_with_unix(host, DOCKER_TIMEOUT_SECS, bollard::API_DEFAULT_VERSION)?;
        Ok(Some(docker.negotiate_version().await?))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_of_a_machine_is_left() {
        if let Some(obstacle) = obstacle() {
            eprintln!("SKIPPED: {obstacle}");
            return;
        }
        let machine = Machine::start("test").await.unwrap();
        let root = machine.scratch.root().to_owned();
        machine.run_foreign("sleeper", &["sleep", "1000"], HashMap::new()).await.unwrap();
        assert_eq!(machine.running().await.unwrap().len(), 1);
        machine.run_foreign("speaker", &["echo", "hello"], HashMap::new()).await.unwrap();
        eventually("output", async || Ok((machine.output("speaker").await? == b"hello\n").then_some(())))
            .await
            .unwrap();
        drop(machine);

        assert!(!root.exists());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(root.to_str().unwrap()), "{mounts}");
        let name = root.file_name().unwrap();
        for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            assert!(!controller.path().join(name).exists(), "a cgroup is left");
        }
    }
}
