//! `agent`: configures and starts the agent on this machine, and looks whether it can work there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand};
use lilac_agent::config::{self, AgentConfig};
use lilac_agent::doctor::{self, Finding, Verdict};
use lilac_api::quantity::{Bytes, Cpus};

use crate::args::{Global, key_value};
use crate::commands::prompt;
use crate::failure::{Exit, Failure};
use crate::printer::{Field, Printer, Tone, note, painted};
use crate::session;
use crate::text::clean_lines;

const AGENT: &str = "lilac_agent";
/// An agent that cannot work ends within this time of its start.
const PROVING_TIME: Duration = Duration::from_millis(700);
/// A log beyond this size is set aside when the agent is started.
const MAX_LOG_BYTES: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub enum AgentVerb {
    /// Writes the agent's configuration. What is not given stays as it is.
    Configure(Box<ConfigureArgs>),
    /// Starts the agent, in the foreground unless told otherwise.
    Start(StartArgs),
    /// Says whether the agent of this machine runs, and what it holds.
    Status(super::agent_status::StatusArgs),
    /// Joins a cluster in one step: writes the configuration and starts the agent in the background.
    Join(Box<JoinArgs>),
    /// Looks whether this machine is fit for the agent, and says how to mend what is not.
    Doctor(DoctorArgs),
}

#[derive(Args, Debug)]
pub struct ConfigureArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// File that holds the join key.
    #[arg(long, value_name = "FILE", conflicts_with = "join_key_stdin")]
    join_key_file: Option<PathBuf>,
    /// Read the join key from standard input.
    #[arg(long)]
    join_key_stdin: bool,
    /// Name of the node; that of the host by default.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where the agent keeps what must survive a reboot.
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
    /// Where it keeps what must not; on a tmpfs.
    #[arg(long, value_name = "FOLDER")]
    run_dir: Option<PathBuf>,
    /// Address of Docker: unix:///var/run/docker.sock.
    #[arg(long, value_name = "URL")]
    docker_host: Option<String>,
    /// Label of the node. May be repeated; replaces the labels that there are.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    label: Vec<(String, String)>,
    /// CPUs to offer, where it is not all: 2, 0.5 or 500m.
    #[arg(long, value_name = "CPUS")]
    cpus: Option<Cpus>,
    /// Memory to offer, where it is not all: 8Gi.
    #[arg(long, value_name = "BYTES")]
    memory: Option<Bytes>,
    /// Disk to offer, where it is not all: 100Gi.
    #[arg(long, value_name = "BYTES")]
    disk: Option<Bytes>,
}

#[derive(Args, Debug)]
pub struct StartArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run in the background, with a log file and a pid file.
    #[arg(short, long)]
    detach: bool,
}

#[derive(Args, Debug)]
pub struct JoinArgs {
    #[command(flatten)]
    configure: ConfigureArgs,
    /// Stay in the foreground, as a service manager wants it.
    #[arg(long)]
    foreground: bool,
}

#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write the findings as JSON, as `--output json` does.
    #[arg(long)]
    json: bool,
}

pub async fn run(global: &Global, verb: AgentVerb) -> Result<Exit, Failure> {
    match verb {
        AgentVerb::Configure(args) => configure(global, *args),
        AgentVerb::Start(args) => start(global, args).await,
        AgentVerb::Status(args) => super::agent_status::run(global, args).await,
        AgentVerb::Join(args) => join(global, *args).await,
        AgentVerb::Doctor(args) => doctor(global, args).await,
    }
}

async fn join(global: &Global, args: JoinArgs) -> Result<Exit, Failure> {
    let config = args.configure.config.clone();
    if !args.configure.join_key_stdin && args.configure.join_key_file.is_none() {
        let hint =
            "`lilac_cli -q cluster join-key create CLUSTER` makes one; pipe it here with --join-key-stdin";
        return Err(Failure::usage("a node joins with a join key", hint));
    }
    write_config(global, args.configure)?;
    start(global, StartArgs { config, detach: !args.foreground }).await
}

fn configure(global: &Global, args: ConfigureArgs) -> Result<Exit, Failure> {
    let path = write_config(global, args)?;
    let given =
        if path == config::default_path() { String::new() } else { format!(" --config {}", path.display()) };
    global.printer().done(&format!("Next: `lilac_cli agent start{given}`"))?;
    Ok(Exit::Ok)
}

/// Writes what is given into the agent's file, and says where that is.
fn write_config(global: &Global, args: ConfigureArgs) -> Result<PathBuf, Failure> {
    let path = std::path::absolute(args.config.clone().unwrap_or_else(config::default_path))?;
    let mut agent = if path.exists() { load(Some(&path))? } else { AgentConfig::default() };
    if global.server().is_some() || agent.server.is_none() {
        agent.server = Some(session::server_and_profile(global)?.0);
    }
    let secret = if args.join_key_stdin { Some(prompt::secret_from_stdin("a join key")?) } else { None };
    if let Some(file) = &args.join_key_file {
        agent.join_key_file = Some(absolute_key_file(file)?);
        agent.join_key = None;
    }
    if secret.is_some() {
        agent.join_key = secret;
        agent.join_key_file = None;
    }
    apply(&mut agent, args)?;
    config::save(&path, &agent).map_err(|error| told(&error))?;
    let printer = global.printer();
    printer.done(&format!("Wrote {}.", path.display()))?;
    if agent.join_key.is_none() && agent.join_key_file.is_none() {
        note(&painted(
            "it holds no join key: a node that has not joined yet needs one (--join-key-stdin)",
            Tone::Warn,
        ));
    }
    Ok(path)
}

fn apply(agent: &mut AgentConfig, args: ConfigureArgs) -> Result<(), Failure> {
    let absolute = |path: Option<PathBuf>| path.map(std::path::absolute).transpose();
    agent.name = args.name.or(agent.name.take());
    agent.state_dir = absolute(args.state_dir)?.or(agent.state_dir.take());
    agent.run_dir = absolute(args.run_dir)?.or(agent.run_dir.take());
    agent.docker_host = args.docker_host.or(agent.docker_host.take());
    agent.capacity.cpus = args.cpus.or(agent.capacity.cpus);
    agent.capacity.memory = args.memory.or(agent.capacity.memory);
    agent.capacity.disk = args.disk.or(agent.capacity.disk);
    if !args.label.is_empty() {
        agent.labels = args.label.into_iter().collect();
    }
    // The agent itself says what does not fit together, in its own words; better now than at its start.
    config::settle(agent.clone(), |_| None).map_err(|error| told(&error))?;
    Ok(())
}

fn absolute_key_file(path: &Path) -> Result<PathBuf, Failure> {
    let refuse = |error: io::Error| {
        Failure::file(path, error, "write the key to a file of mode 0600, or use --join-key-stdin")
    };
    let mode = fs::metadata(path).map_err(refuse)?.permissions().mode();
    if mode & 0o077 != 0 {
        note(&painted(&format!("others can read {}; run `chmod 600` on it", path.display()), Tone::Warn));
    }
    std::path::absolute(path).map_err(refuse)
}

fn load(path: Option<&Path>) -> Result<AgentConfig, Failure> {
    config::load(path).map_err(|error| told(&error))
}

/// The agent's library tells its errors as a chain; a person gets it in a line.
fn told(error: &anyhow::Error) -> Failure {
    Failure::usage(format!("{error:#}"), "`lilac_cli agent configure --help` shows what can be set")
}

/// Ends with 1 where something keeps the agent or its jobs from working.
async fn doctor(global: &Global, args: DoctorArgs) -> Result<Exit, Failure> {
    let environment = |name: &str| match name {
        "LILAC_SERVER" => global.server(),
        name => std::env::var(name).ok(),
    };
    let settings =
        config::load(args.config.as_deref()).and_then(|config| config::settle(config, environment));
    let findings = match &settings {
        Ok(settings) => doctor::examine(settings).await,
        Err(error) => {
            let remedy = "`lilac_cli agent configure` writes one";
            vec![Finding::bad("configuration", format!("{error:#}"), remedy)]
        }
    };
    let printer = global.printer();
    if args.json || printer.json_wanted() {
        printer.json(&findings)?;
    } else {
        for Finding { check, verdict, message, remedy } in &findings {
            let (word, tone) = match verdict {
                Verdict::Good => ("ok     ", Tone::Good),
                Verdict::Warning => ("warning", Tone::Warn),
                Verdict::Bad => ("bad    ", Tone::Bad),
                Verdict::Skipped => ("skipped", Tone::Faint),
            };
            printer.spans(&[Field::toned(word, tone), format!("  {check:<15} {message}").into()])?;
            if let Some(remedy) = remedy {
                printer.line(&format!("{:24} → {remedy}", ""))?;
            }
        }
    }
    let is_unfit = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if is_unfit { Exit::Unfit } else { Exit::Ok })
}

async fn start(global: &Global, args: StartArgs) -> Result<Exit, Failure> {
    let program = find_agent()?;
    let environment = |name: &str| match name {
        "LILAC_SERVER" => global.server(),
        name => std::env::var(name).ok(),
    };
    let settings =
        config::settle(load(args.config.as_deref())?, environment).map_err(|error| told(&error))?;
    let mut command = Command::new(&program);
    if let Some(config) = &args.config {
        command.arg("--config").arg(config);
    }
    if let Some(server) = global.server() {
        command.env("LILAC_SERVER", server);
    }
    if !args.detach {
        // Only a failure comes back from here: the agent takes this process's place.
        let error = command.exec();
        return Err(Failure::file(program, error, "build it with `cargo build --release -p lilac_agent`"));
    }
    detach(global.printer(), command, &settings.state_dir, &settings.run_dir).await
}

/// Beside this program, else in PATH.
fn find_agent() -> Result<PathBuf, Failure> {
    let beside = std::env::current_exe().ok().and_then(|this| Some(this.parent()?.join(AGENT)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join(AGENT));
    let executable = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    beside.into_iter().chain(in_path).find(executable).ok_or_else(|| {
        Failure::usage(
            format!("there is no {AGENT} beside lilac_cli or in PATH"),
            "build it with `cargo build --release -p lilac_agent`, or put it in PATH",
        )
    })
}

async fn detach(
    printer: Printer,
    mut command: Command,
    state_dir: &Path,
    run_dir: &Path,
) -> Result<Exit, Failure> {
    let (log_path, pid_path) = (state_dir.join("agent.log"), run_dir.join("agent.pid"));
    let unusable = |path: &Path, error: io::Error| {
        Failure::file(path, error, "choose another folder with `lilac_cli agent configure`, or run as root")
    };
    for folder in [state_dir, run_dir] {
        fs::create_dir_all(folder).map_err(|error| unusable(folder, error))?;
    }
    let mut log = open_log(&log_path).map_err(|error| unusable(&log_path, error))?;
    let begins_at = log.seek(SeekFrom::End(0)).map_err(|error| unusable(&log_path, error))?;
    let for_errors = log.try_clone().map_err(|error| unusable(&log_path, error))?;
    let program = PathBuf::from(command.get_program());
    let mut agent = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(for_errors)
        // Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Failure::file(&program, error, "build it with `cargo build --release -p lilac_agent`")
        })?;
    tokio::time::sleep(PROVING_TIME).await;
    if let Some(status) = agent.try_wait()? {
        let words = tail(&log_path, begins_at);
        return Err(Failure::Refused(vec![format!("the agent ended at once ({status}):\n{words}")]));
    }
    fs::write(&pid_path, format!("{}\n", agent.id())).map_err(|error| unusable(&pid_path, error))?;
    if printer.quiet {
        printer.line(&agent.id().to_string())?;
    } else {
        printer.line(&format!("The agent runs in the background (pid {}).", agent.id()))?;
        printer.line(&format!("Log:  {}", log_path.display()))?;
        printer.line(&format!("Stop: kill $(cat {})    (its jobs go on)", pid_path.display()))?;
    }
    Ok(Exit::Ok)
}

fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > MAX_LOG_BYTES) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// What the agent wrote since it was started, at most a few lines.
fn tail(path: &Path, begins_at: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut log) = File::open(path) {
        // What cannot be read is not told: the log's path is known, and the status says enough.
        let _ = log.seek(SeekFrom::Start(begins_at)).and_then(|_| log.take(64 << 10).read_to_end(&mut text));
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    clean_lines(&lines[lines.len().saturating_sub(5)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use lilac_api::auth::Secret;

    use super::*;
    use clap::Parser;

    use crate::args::{Cli, Verb};

    fn configured(words: &[&str]) -> Result<Exit, Failure> {
        let cli = Cli::try_parse_from(["lilac_cli", "agent", "configure"].iter().chain(words)).unwrap();
        let Verb::Agent(AgentVerb::Configure(args)) = cli.verb else { unreachable!("the verb is agent") };
        configure(&cli.global, *args)
    }

    #[test]
    fn what_is_given_is_written_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("agent.toml");
        let key = folder.path().join("key");
        fs::write(&key, "lilac_join_x").unwrap();
        let path = config.to_str().unwrap();
        let words = ["--config", path, "--server", "http://127.0.0.1:1", "--name", "n1", "-l", "pool=a"];
        configured(&words).unwrap();
        configured(&["--config", path, "--join-key-file", key.to_str().unwrap(), "--cpus", "2"]).unwrap();
        let agent = config::load(Some(&config)).unwrap();
        assert_eq!(agent.server.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(agent.name.as_deref(), Some("n1"));
        assert_eq!(agent.labels["pool"], "a");
        assert_eq!(agent.join_key_file, Some(key));
        assert_eq!(agent.capacity.cpus, Some(Cpus { milli: 2000 }));
        assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(agent.join_key, None::<Secret>);
    }

    #[test]
    fn what_the_agent_would_refuse_is_refused_now() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("agent.toml");
        let path = config.to_str().unwrap();
        let words = ["--config", path, "--server", "http://127.0.0.1:1", "--name", "a b"];
        assert_eq!(configured(&words).unwrap_err().code(), 2);
        assert!(!config.exists());
        let none = folder.path().join("none");
        assert!(configured(&["--config", path, "--join-key-file", none.to_str().unwrap()]).is_err());
    }
}
