//! A machine with Podman, whose service answers in Docker's place: one of its own, which nobody else uses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::image;
use crate::machine::connect;
use crate::process::{Process, clean_command};
use crate::scratch::Scratch;

const PODMAN: &str = "/usr/bin/podman";
/// How long the service may take to end.
const ENDING: Duration = Duration::from_secs(10);

/// Without systemd, without a journal, and with locks that no other Podman of the machine has.
const CONFIGURATION: &str = r#"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
"#;

/// A container as `podman ps` lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodmanContainer {
    pub id: String,
    pub state: String,
    pub pid: i32,
}

pub struct Podman {
    service: Process,
    scratch: Scratch,
}

impl Podman {
    /// Why none can be had here; `None` where one can.
    #[must_use]
    pub fn obstacle() -> Option<String> {
        (!Path::new(PODMAN).is_file()).then(|| "`podman` is not installed".to_owned())
    }

    /// Starts the service and gives it the test image.
    pub async fn start() -> Result<Self> {
        let scratch = Scratch::new()?;
        std::fs::write(configuration(&scratch), CONFIGURATION)?;
        let podman = Self { service: serve(&scratch)?, scratch };
        let docker =
            connect(&podman.host()).await.with_context(|| format!("it said: {}", podman.service.output()))?;
        image::import(&docker, &podman.scratch.path("image")).await?;
        Ok(podman)
    }

    /// Ends the service as a crash would. Containers do not hang on it.
    pub fn kill_service(&mut self) -> Result<()> {
        self.service.kill()
    }

    /// Starts the service again, after it was killed.
    pub async fn serve_again(&mut self) -> Result<()> {
        self.service = serve(&self.scratch)?;
        connect(&self.host()).await.map(|_| ())
    }

    /// Its address, as in DOCKER_HOST.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.scratch.path("p.sock").display())
    }

    /// All containers that there are, ended ones too, by Podman's own word.
    pub fn containers(&self) -> Result<Vec<PodmanContainer>> {
        Ok(serde_json::from_value(self.ask(&["ps", "--all", "--format", "json"])?)?)
    }

    /// What Podman itself says of a container.
    pub fn inspect(&self, name: &str) -> Result<Value> {
        Ok(self.ask(&["container", "inspect", name])?[0].take())
    }

    fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let output = podman(&self.scratch).args(arguments).output()?;
        ensure!(output.status.success(), "podman: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub fn show(&self) {
        self.service.show();
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What fails here is swept with the folder.
        let _ = podman(&self.scratch).args(["rm", "--all", "--force", "--time", "0"]).output();
        self.service.terminate(ENDING);
    }
}

fn configuration(scratch: &Scratch) -> PathBuf {
    scratch.path("containers.conf")
}

/// Podman on this folder's own data.
fn podman(scratch: &Scratch) -> Command {
    let mut command = clean_command(Path::new(PODMAN), scratch.root());
    command.env("CONTAINERS_CONF", configuration(scratch));
    for (flag, path) in [("--root", "data"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        command.arg(flag).arg(scratch.path(path));
    }
    command
}

fn serve(scratch: &Scratch) -> Result<Process> {
    let socket = scratch.path("p.sock");
    // One that was killed leaves its socket, on which nobody listens.
    let _ = std::fs::remove_file(&socket);
    let mut command = podman(scratch);
    command.args(["system", "service", "--time=0"]).arg(format!("unix://{}", socket.display()));
    Process::spawn("podman", command, &scratch.path("podman.log"))
}
