//! A node's agent: the real binary with a configuration file.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::AttemptId;
use lilac_fake_nvml::state::Gpu;
use nix::sys::signal::Signal;

use crate::process::{Process, binary, clean_command};

/// What a node offers, whatever the machine below it has.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub cpus: u32,
    pub memory: &'static str,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { cpus: 4, memory: "2Gi" }
    }
}

/// The file that tells of the node's GPUs, in the agent's folder.
const GPUS: &str = "gpus";

/// How an agent is set up.
pub struct AgentOptions<'a> {
    pub name: &'a str,
    pub server: &'a str,
    /// Not needed by an agent whose folder holds a credential already.
    pub join_key: Option<&'a str>,
    pub docker_host: &'a str,
    pub capacity: Option<Capacity>,
    /// The node's GPUs; a test may change them later ([`Agent::set_gpus`]).
    pub gpus: &'a [Gpu],
}

pub struct Agent {
    process: Process,
    name: String,
    program: PathBuf,
    config: PathBuf,
    folder: PathBuf,
}

impl Agent {
    /// Writes the configuration into `folder` and starts the agent.
    pub fn start(folder: &Path, options: &AgentOptions<'_>) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        lilac_fake_nvml::state::write(&folder.join(GPUS), options.gpus)?;
        let config = folder.join("agent.toml");
        std::fs::write(&config, configuration(folder, options)?)?;
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600))?;
        Self::with_config(options.name, folder, &config)
    }

    /// Starts the agent on a configuration that is there.
    pub fn with_config(name: &str, folder: &Path, config: &Path) -> Result<Self> {
        let program = binary("lilac_agent")?;
        let process = spawn(name, &program, folder, config)?;
        let (name, config, folder) = (name.to_owned(), config.to_owned(), folder.to_owned());
        Ok(Self { process, name, program, config, folder })
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Until when the attempt may run, in ms since the machine was booted, as its container is told.
    pub fn lease(&self, attempt: AttemptId) -> Result<u64> {
        let path = self.folder.join("run/leases").join(attempt.to_string()).join("lease");
        let line = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let (_, deadline) = line.trim_end().split_once(' ').context("a torn lease")?;
        Ok(deadline.parse()?)
    }

    /// Adds a line to its configuration, for its next start.
    pub fn configure(&self, line: &str) -> Result<()> {
        let content = std::fs::read_to_string(&self.config)?;
        // In front, for its last lines belong to a table.
        Ok(std::fs::write(&self.config, format!("{line}\n{content}"))?)
    }

    /// Changes the GPUs under it.
    pub fn set_gpus(&self, gpus: &[Gpu]) -> Result<()> {
        Ok(lilac_fake_nvml::state::write(&self.folder.join(GPUS), gpus)?)
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where it keeps what must survive a restart.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again, after it was killed, on the same folder.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = spawn(&self.name, &self.program, &self.folder, &self.config)?;
        Ok(())
    }

    /// From its next start on it is another file.
    pub fn be(&mut self, program: &Path) {
        self.program = program.to_owned();
    }

    /// Makes it silent without ending it, or lets it go on, or asks it to end.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits until it ends by itself.
    pub async fn exit(&mut self, within: Duration) -> Result<ExitStatus> {
        self.process.exit(within).await
    }

    /// All that it logged so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    pub fn show(&self) {
        self.process.show();
    }
}

fn spawn(name: &str, program: &Path, folder: &Path, config: &Path) -> Result<Process> {
    let mut command = clean_command(program, folder);
    command.arg("--config").arg(config);
    command.env(lilac_fake_nvml::STATE_FILE, folder.join(GPUS));
    Process::spawn(&format!("agent {name}"), command, &folder.join("log"))
}

fn configuration(folder: &Path, options: &AgentOptions<'_>) -> Result<String> {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // A TOML string and a JSON string are written alike for what is used here.
        let value = serde_json::to_string(value).context("a setting that is no text")?;
        writeln!(text, "{key} = {value}").context("writing the configuration")
    };
    line("server", options.server)?;
    line("name", options.name)?;
    line("docker_host", options.docker_host)?;
    line("state_dir", &folder.join("state").display().to_string())?;
    line("run_dir", &folder.join("run").display().to_string())?;
    if let Some(join_key) = options.join_key {
        line("join_key", join_key)?;
    }
    if !options.gpus.is_empty() {
        // It lies beside the test's own program.
        line("nvml", &binary("liblilac_fake_nvml.so")?.display().to_string())?;
    }
    if let Some(capacity) = options.capacity {
        write!(text, "[capacity]\ncpus = \"{}\"\nmemory = \"{}\"\n", capacity.cpus, capacity.memory)?;
    }
    Ok(text)
}
