//! A machine whose services systemd looks after: a real one, the first process of namespaces of its own, over the files
//! of this machine. It runs the units of `deploy/`, and a Docker daemon that nobody else uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bollard::Docker;
use bollard::query_parameters::ListContainersOptions;

use crate::image;
use crate::machine::connect;
use crate::process::{Process, binary, clean_command};
use crate::scratch::Scratch;
use crate::wait::eventually_within;

const SCRIPT: &str = include_str!("systemd.sh");
const SYSTEMD: &str = "/lib/systemd/systemd";
/// How long it may take to boot.
const BOOT: Duration = Duration::from_secs(60);

/// What it boots to: nothing but what a service leans on.
const TARGET: &str = "[Unit]\nRequires=basic.target\nAfter=basic.target\n";
/// A daemon beside others of the machine's network, whose bridge and rules it leaves alone.
const DOCKER: &str = "[Service]\nType=notify\nDelegate=yes\nKillMode=process\n\
                      ExecStart=/usr/sbin/dockerd --bridge none --iptables=false --ip-masq=false --log-level warn\n";

pub struct Systemd {
    process: Process,
    pid: u32,
    scratch: Scratch,
}

impl Systemd {
    /// Why none can be had here; `None` where one can.
    #[must_use]
    pub fn obstacle() -> Option<String> {
        [SYSTEMD, "/usr/sbin/dockerd"]
            .iter()
            .find(|program| !Path::new(program).is_file())
            .map(|program| format!("`{program}` is not installed"))
    }

    /// Boots, with the workspace's agent and command line installed, and Docker with the test image.
    pub async fn boot() -> Result<Self> {
        let scratch = Scratch::new()?;
        let files = scratch.path("files");
        for (path, text) in [("trial.target", TARGET), ("docker.service", DOCKER)] {
            put(&files, &format!("etc/systemd/system/{path}"), text)?;
        }
        put(&files, "etc/machine-id", "0123456789abcdef0123456789abcdef\n")?;
        for program in ["lilac_agent", "lilac_cli"] {
            let at = files.join("usr/local/bin").join(program);
            fs::create_dir_all(files.join("usr/local/bin"))?;
            fs::copy(binary(program)?, at)?;
        }
        let script = scratch.path("systemd.sh");
        fs::write(&script, SCRIPT)?;
        let mut command = clean_command(Path::new("/bin/sh"), scratch.root());
        command.arg(script).arg(scratch.root()).arg(scratch.cgroup().trim_start_matches('/'));
        let process = Process::spawn("systemd", command, &scratch.path("systemd.log"))?;
        let mut systemd = Self { process, pid: 0, scratch };
        systemd.pid = eventually_within(BOOT, "systemd", async || {
            ensure!(systemd.process.is_alive(), "{}", systemd.process.output());
            systemd.first_process()
        })
        .await?;
        eventually_within(BOOT, "a booted systemd", async || {
            let target = systemd.ask(&["systemctl", "is-active", "trial.target"]).ok();
            Ok(target.filter(|state| state.trim() == "active"))
        })
        .await
        .with_context(|| systemd.process.output())?;
        systemd.run(&["systemctl", "start", "docker"])?;
        image::import(&systemd.docker().await?, &systemd.scratch.path("image")).await?;
        Ok(systemd)
    }

    /// The process that is systemd, once it is.
    fn first_process(&self) -> Result<Option<u32>> {
        let parent = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        let Some(pid) = children.split_whitespace().next().and_then(|pid| pid.parse().ok()) else {
            return Ok(None);
        };
        let name = fs::read_to_string(format!("/proc/{pid}/comm"))?;
        Ok((name.trim() == "systemd").then_some(pid))
    }

    /// Writes a file there.
    pub fn put(&self, path: &str, text: &str) -> Result<()> {
        put(&PathBuf::from(format!("/proc/{}/root", self.pid)), path, text)
    }

    /// Runs a program there and gives what it printed.
    pub fn ask(&self, command: &[&str]) -> Result<String> {
        let output = Command::new("nsenter")
            .args(["--all", "--target", &self.pid.to_string(), "--"])
            .args(["env", "-i", "HOME=/root", &format!("PATH={}", crate::process::PATH)])
            .args(command)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("{command:?}: {}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(said)
    }

    /// The same for a program that says nothing of interest.
    pub fn run(&self, command: &[&str]) -> Result<()> {
        self.ask(command).map(|_| ())
    }

    /// A property of a unit, as `systemctl show` prints it.
    pub fn property(&self, unit: &str, name: &str) -> Result<String> {
        let value = self.ask(&["systemctl", "show", unit, "--value", "--property", name])?;
        Ok(value.trim().to_owned())
    }

    /// Its Docker daemon.
    pub async fn docker(&self) -> Result<Docker> {
        connect(&format!("unix:///proc/{}/root/run/docker.sock", self.pid)).await
    }

    /// Ids of the containers that run.
    pub async fn running(&self) -> Result<Vec<String>> {
        let listed = self.docker().await?.list_containers(None::<ListContainersOptions>).await?;
        Ok(listed.into_iter().filter_map(|container| container.id).collect())
    }

    /// Shows what its services said.
    #[expect(clippy::print_stderr, reason = "a failing test must show what the services said")]
    pub fn show(&self) {
        self.process.show();
        let said = self.ask(&["journalctl", "--no-pager", "--lines", "80", "--output", "short-precise"]);
        eprintln!("--- the journal:\n{}", said.unwrap_or_else(|error| format!("({error:#})")));
    }
}

fn put(root: &Path, path: &str, text: &str) -> Result<()> {
    let at = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(at.parent().context("a file in no folder")?)?;
    fs::write(&at, text).with_context(|| at.display().to_string())
}
