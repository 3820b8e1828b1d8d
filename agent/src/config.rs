//! The agent's configuration: a TOML file, and the environment over it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lilac_api::auth::Secret;
use lilac_api::quantity::{Bytes, Cpus, Span};
use lilac_api::spec::Runtime;
use serde::{Deserialize, Serialize};

use crate::files::{self, Durability};
use crate::images::ImageSettings;
use crate::ports::PortRange;

/// How long an image is kept that nobody uses, where nobody says.
const KEEP_IMAGES: Duration = Duration::from_secs(14 * 86_400);

/// What the file holds. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Address of the control plane: `https://lilac.example.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Key with which the node joins its cluster; not needed any more once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_key: Option<Secret>,
    /// File that holds the join key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_key_file: Option<PathBuf>,
    /// Name of the node; the host's by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What must survive a reboot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// What must not: a tmpfs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_dir: Option<PathBuf>,
    /// `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_host: Option<String>,
    /// What runs jobs: `docker`, or `process` on a machine without it; `docker` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// NVIDIA's management library, where it does not lie in the usual place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvml: Option<PathBuf>,
    /// `host:port` on which `/metrics` is served for Prometheus; nowhere by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<SocketAddr>,
    /// Where containers of other nodes reach this one; by default the address that it speaks to the control plane from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The node's ports that jobs are reached at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<PortRange>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "CapacityConfig::is_empty")]
    pub capacity: CapacityConfig,
    #[serde(default, skip_serializing_if = "ImageConfig::is_empty")]
    pub images: ImageConfig,
    #[serde(default, skip_serializing_if = "ContainerConfig::is_empty")]
    pub containers: ContainerConfig,
}

/// What the node offers, where it is not all that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
}

impl CapacityConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How images are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    /// Whether images that the agent pulled are removed again; `true` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect: Option<bool>,
    /// How long one is kept that nobody uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Span>,
    /// In percent: from what share of Docker's disk in use on unused images go at once …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_high: Option<u8>,
    /// … and until what share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_low: Option<u8>,
    /// Whether images that jobs wait for are pulled ahead; `true` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefetch: Option<bool>,
    /// Docker's configuration with the node's own logins to registries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_config: Option<PathBuf>,
}

/// What containers may take, where their jobs do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerConfig {
    /// How much one may write to the node's disk; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// How much of what one prints is kept in a second, and ten times that at once; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_rate: Option<Bytes>,
}

impl ContainerConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ImageConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn settle(self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<ImageSettings> {
        let settings = ImageSettings {
            collect: self.collect.unwrap_or(true),
            keep: self.keep.map_or(KEEP_IMAGES, |keep| keep.0),
            disk_high: self.disk_high.unwrap_or(85),
            disk_low: self
                .disk_low
                .unwrap_or_else(|| self.disk_high.map_or(75, |high| high.saturating_sub(10))),
            prefetch: self.prefetch.unwrap_or(true),
            docker_config: self.docker_config.unwrap_or_else(|| {
                let folder = env("DOCKER_CONFIG").map(PathBuf::from);
                folder.unwrap_or_else(|| home_folder().join(".docker")).join("config.json")
            }),
        };
        let in_order = settings.disk_low < settings.disk_high && settings.disk_high <= 100;
        ensure!(in_order, "images: disk_low must be below disk_high, and that at most 100");
        Ok(settings)
    }
}

/// The configuration with every default filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub server: String,
    pub join_key: Option<Secret>,
    pub name: String,
    pub state_dir: PathBuf,
    pub run_dir: PathBuf,
    pub docker_host: String,
    pub runtime: Runtime,
    pub nvml: Option<PathBuf>,
    pub metrics_listen: Option<SocketAddr>,
    /// Where containers of other nodes reach this one, where that was said.
    pub address: Option<String>,
    pub ports: PortRange,
    pub labels: BTreeMap<String, String>,
    pub capacity: CapacityConfig,
    pub images: ImageSettings,
    /// How much a container may write to the disk whose job does not say.
    pub disk_limit: Option<u64>,
    /// How much of a container's output is kept in a second.
    pub log_rate: Option<u64>,
}

/// Where the configuration lies when nobody says: `/etc/lilac/agent.toml` for root.
#[must_use]
pub fn default_path() -> PathBuf {
    if is_root() {
        return PathBuf::from("/etc/lilac/agent.toml");
    }
    home("XDG_CONFIG_HOME", ".config").join("lilac/agent.toml")
}

/// Reads the configuration at `path`, or at the default path, where it may be missing.
pub fn load(path: Option<&Path>) -> anyhow::Result<AgentConfig> {
    let given = path.map_or_else(default_path, Path::to_path_buf);
    let content = match fs::read_to_string(&given) {
        Ok(content) => content,
        Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(AgentConfig::default());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", given.display())),
    };
    let config: AgentConfig = parse(&content).with_context(|| format!("{} is wrong", given.display()))?;
    let open_to_others =
        fs::metadata(&given).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if config.join_key.is_some() && open_to_others {
        tracing::warn!(path = %given.display(), "others may read the join key; run `chmod 600` on the file");
    }
    Ok(config)
}

fn parse(content: &str) -> anyhow::Result<AgentConfig> {
    toml::from_str(content).map_err(|error| {
        // The error's own text quotes the line, and with it the join key.
        let line = error.span().map_or(0, |span| content[..span.start].matches('\n').count() + 1);
        anyhow::anyhow!("line {line}: {}", error.message())
    })
}

/// Writes the configuration with mode 0600, as a whole or not at all.
pub fn save(path: &Path, config: &AgentConfig) -> anyhow::Result<()> {
    let content = toml::to_string(config).context("cannot write the configuration as TOML")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    files::replace(path, content.as_bytes(), Durability::Name)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Fills in what the environment says and then the defaults.
pub fn settle(config: AgentConfig, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<Settings> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let server = env("LILAC_SERVER").or(config.server);
    let server = server.context(
        "no server is configured; set `server` in the configuration or LILAC_SERVER in the environment",
    )?;
    let join_key = match env("LILAC_JOIN_KEY").map(Secret).or(config.join_key) {
        Some(key) => Some(key),
        None => config.join_key_file.as_deref().map(read_join_key).transpose()?,
    };
    let name = match env("LILAC_NODE_NAME").or(config.name) {
        Some(name) => name,
        None => host_name()?,
    };
    let mut errors = Vec::new();
    lilac_api::validate::name("name", &name, 63, &mut errors);
    if let Some(error) = errors.first() {
        bail!("the node's name `{name}` {}; set `name` in the configuration", error.message);
    }
    let path_of = |variable: &str, configured: Option<PathBuf>, default: fn() -> PathBuf| {
        env(variable).map(PathBuf::from).or(configured).unwrap_or_else(default)
    };
    let settings = Settings {
        server,
        join_key,
        name,
        state_dir: path_of("LILAC_STATE_DIR", config.state_dir, default_state_dir),
        run_dir: path_of("LILAC_RUN_DIR", config.run_dir, default_run_dir),
        docker_host: config
            .docker_host
            .or_else(|| env("DOCKER_HOST"))
            .unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned()),
        runtime: config.runtime.unwrap_or_default(),
        nvml: env("LILAC_NVML_PATH").map(PathBuf::from).or(config.nvml),
        metrics_listen: config.metrics_listen,
        address: env("LILAC_NODE_ADDRESS").or(config.address),
        ports: config.ports.unwrap_or_default(),
        labels: labels(config.labels, config.runtime.unwrap_or_default()),
        capacity: config.capacity,
        images: config.images.settle(env)?,
        disk_limit: config.containers.disk.map(|disk| disk.0),
        log_rate: config.containers.log_rate.map(|rate| rate.0),
    };
    ensure!(settings.log_rate != Some(0), "containers: log_rate must be at least 1");
    ensure!(settings.state_dir.is_absolute(), "state_dir must be an absolute path");
    ensure!(settings.run_dir.is_absolute(), "run_dir must be an absolute path");
    Ok(settings)
}

/// The node's labels, with the one that tells the scheduler of a node without Docker.
fn labels(mut labels: BTreeMap<String, String>, runtime: Runtime) -> BTreeMap<String, String> {
    labels.remove(Runtime::LABEL);
    if runtime != Runtime::Docker {
        labels.insert(Runtime::LABEL.to_owned(), runtime.to_string());
    }
    labels
}

fn read_join_key(path: &Path) -> anyhow::Result<Secret> {
    let content = fs::read_to_string(path)
        .with_context(|| format!("cannot read the join key from {}", path.display()))?;
    let key = content.trim();
    ensure!(!key.is_empty(), "{} holds no join key", path.display());
    Ok(Secret(key.to_owned()))
}

fn host_name() -> anyhow::Result<String> {
    let name = nix::unistd::gethostname().context("cannot tell the host's name; set `name`")?;
    Ok(name.to_string_lossy().into_owned())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn home(variable: &str, below: &str) -> PathBuf {
    let variable = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    variable.unwrap_or_else(|| home_folder().join(below))
}

fn home_folder() -> PathBuf {
    let of_root = || if is_root() { "/root" } else { "/" }.into();
    PathBuf::from(std::env::var_os("HOME").unwrap_or_else(of_root))
}

fn default_state_dir() -> PathBuf {
    if is_root() {
        "/var/lib/lilac-agent".into()
    } else {
        home("XDG_STATE_HOME", ".local/state").join("lilac-agent")
    }
}

fn default_run_dir() -> PathBuf {
    if is_root() { "/run/lilac-agent".into() } else { home("XDG_RUNTIME_DIR", ".cache").join("lilac-agent") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_env(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn what_is_saved_is_loaded_again_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lilac/agent.toml");
        let config = AgentConfig {
            server: Some("http://127.0.0.1:8080".into()),
            join_key: Some(Secret("lilac_join_x".into())),
            labels: BTreeMap::from([("zone".into(), "a".into())]),
            capacity: CapacityConfig { cpus: Some(Cpus { milli: 1500 }), ..CapacityConfig::default() },
            ..AgentConfig::default()
        };
        save(&path, &config).unwrap();
        assert_eq!(load(Some(&path)).unwrap(), config);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_given_file_must_exist() {
        let error = load(Some(Path::new("/nonexistent/agent.toml"))).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/agent.toml"), "{error}");
    }

    #[test]
    fn a_mistake_is_named_by_its_line_and_without_the_secret() {
        let error = parse("server = \"http://x\"\njoin_key = \"lilac_join_secret\" extra\n").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
        assert!(!format!("{error:#}").contains("lilac_join_secret"), "{error:#}");
        let error = parse("serer = \"http://x\"\n").unwrap_err();
        assert!(error.to_string().contains("serer"), "{error}");
        let error = parse("[capacity]\ncpus = \"many\"\n").unwrap_err();
        assert!(error.to_string().contains("is not a number of CPUs"), "{error}");
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let config = AgentConfig {
            server: Some("http://file".into()),
            name: Some("file".into()),
            ..AgentConfig::default()
        };
        let env = |name: &str| match name {
            "LILAC_SERVER" => Some("http://env".to_owned()),
            "LILAC_JOIN_KEY" => Some("key".to_owned()),
            "LILAC_NODE_NAME" => Some(String::new()),
            _ => None,
        };
        let settings = settle(config, env).unwrap();
        assert_eq!(settings.server, "http://env");
        assert_eq!(settings.join_key, Some(Secret("key".into())));
        assert_eq!(settings.name, "file");
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let error = settle(AgentConfig::default(), no_env).unwrap_err();
        assert!(error.to_string().contains("LILAC_SERVER"), "{error}");
        let config = AgentConfig {
            server: Some("http://x".into()),
            name: Some("a b".into()),
            ..AgentConfig::default()
        };
        let error = settle(config, no_env).unwrap_err();
        assert!(error.to_string().contains("`a b`"), "{error}");
    }

    #[test]
    fn the_join_key_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "lilac_join_abc\n").unwrap();
        let config = AgentConfig {
            server: Some("http://x".into()),
            name: Some("n".into()),
            join_key_file: Some(path),
            ..AgentConfig::default()
        };
        assert_eq!(settle(config, no_env).unwrap().join_key, Some(Secret("lilac_join_abc".into())));
    }
}
