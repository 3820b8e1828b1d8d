//! Settings of the server, all from the environment. The table in [`settings`] documents each; [`variables`]
//! reads them. A new setting gets a row there and a field here.

pub mod settings;
mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use ipnet::IpNet;
use lilac_api::auth::Secret;
use lilac_api::quantity::{Bytes, Span};

use crate::blob::StoreConfig;
use crate::hook::target::Targets;
use crate::output::OutputLimits;

pub use variables::Variables;

use crate::auth::settings::AuthSettings;

/// The shortest time for which anything is kept: it must not go before the job's owner could look.
const MIN_KEEP: Duration = Duration::from_secs(3600);
const MAX_KEEP: Duration = Duration::from_secs(86_400 * 3650);

#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The database; none for the embedded one.
    pub database_url: Option<Secret>,
    /// Where the embedded database and the generated key live.
    pub data_dir: PathBuf,
    /// Signs tokens; none for one that is generated and kept in the data folder.
    pub secret_key: Option<Secret>,
    /// Wraps the keys of what is kept sealed; none for one that follows from the secret key.
    pub encryption_key: Option<Secret>,
    /// Earlier encryption keys, with commas between them.
    pub encryption_keys_old: Option<Secret>,
    /// Password of the first administrator; none for a random one that is shown once.
    pub admin_password: Option<Secret>,
    /// Connections to the database, at most.
    pub database_connections: u32,
    /// Who may log in, and how.
    pub auth: AuthSettings,
    /// Where logs and outputs are kept.
    pub store: StoreConfig,
    /// How long logs are kept after their attempt ended.
    pub log_keep: Duration,
    /// What a task may leave as its outputs.
    pub outputs: OutputLimits,
    /// Connections of clients and agents, at most.
    pub max_connections: usize,
    /// Networks whose word on where a request comes from is taken.
    pub trusted_proxies: Vec<IpNet>,
    pub limits: LimitConfig,
    pub keep: KeepConfig,
    /// Where hooks may lead.
    pub hook_targets: Targets,
    /// Where agents reach this server and no other.
    pub advertise_url: Option<String>,
    /// Where the metrics have an address of their own.
    pub metrics_listen: Option<SocketAddr>,
    /// How long requests are still taken after the server said that it stops.
    pub stop_delay: Duration,
}

impl Config {
    pub fn from_environment() -> Result<Self> {
        Self::read(&Variables::from_environment()?)
    }

    pub fn read(variables: &Variables) -> Result<Self> {
        let connections = variables.number("LILAC_DATABASE_CONNECTIONS", 2..=500)?;
        Ok(Self {
            listen: variables
                .read("LILAC_LISTEN", "an address like 127.0.0.1:8080", |text| text.parse().ok())?,
            database_url: variables.secret("DATABASE_URL"),
            data_dir: data_dir(variables),
            secret_key: variables.strong_secret("LILAC_SECRET_KEY")?,
            encryption_key: variables.secret("LILAC_ENCRYPTION_KEY"),
            encryption_keys_old: variables.secret("LILAC_ENCRYPTION_KEYS_OLD"),
            admin_password: variables.secret("LILAC_ADMIN_PASSWORD"),
            database_connections: u32::try_from(connections).unwrap_or(u32::MAX),
            auth: AuthSettings::read(variables)?,
            store: StoreConfig {
                url: variables.text("LILAC_STORE_URL"),
                endpoint: variables.text("LILAC_STORE_ENDPOINT"),
                region: variables.text("LILAC_STORE_REGION"),
                access_key: variables.text("LILAC_STORE_ACCESS_KEY"),
                secret_key: variables.secret("LILAC_STORE_SECRET_KEY"),
            },
            log_keep: keep(variables, "LILAC_LOG_KEEP")?,
            outputs: OutputLimits {
                bytes: size(variables, "LILAC_OUTPUT_MAX_SIZE")?,
                file_bytes: size(variables, "LILAC_OUTPUT_MAX_FILE_SIZE")?,
                keep: keep(variables, "LILAC_OUTPUT_KEEP")?,
            },
            max_connections: usize::try_from(variables.number("LILAC_MAX_CONNECTIONS", 16..=1_000_000)?)?,
            trusted_proxies: variables.read(
                "LILAC_TRUSTED_PROXIES",
                "networks and addresses with commas between them, like 10.0.0.0/8, 192.0.2.7",
                networks,
            )?,
            limits: LimitConfig::read(variables)?,
            keep: KeepConfig {
                jobs: variables.span_or_never("LILAC_JOB_KEEP", MIN_KEEP..=MAX_KEEP)?,
                node_events: variables.span_or_never("LILAC_NODE_HISTORY_KEEP", MIN_KEEP..=MAX_KEEP)?,
            },
            hook_targets: hook_targets(variables)?,
            advertise_url: variables.read_optional(
                "LILAC_ADVERTISE_URL",
                "an address like http://10.0.0.7:8080",
                server_url,
            )?,
            metrics_listen: variables.read_optional(
                "LILAC_METRICS_LISTEN",
                "an address like 127.0.0.1:9090",
                |text| text.parse().ok(),
            )?,
            stop_delay: variables.span("LILAC_STOP_DELAY", Duration::ZERO..=Duration::from_secs(300))?,
        })
    }
}

/// An address that a client can be made of.
fn server_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/";
    (is_plain && url.username().is_empty() && url.query().is_none())
        .then(|| text.trim_end_matches('/').to_owned())
}

fn keep(variables: &Variables, name: &str) -> Result<Duration> {
    variables.read(name, "a time of at least 1h, like 90d", |text| {
        text.parse::<Span>().ok().map(|span| span.0).filter(|span| *span >= MIN_KEEP)
    })
}

fn size(variables: &Variables, name: &str) -> Result<u64> {
    variables.read(name, "a size of at least 1Ki, like 10Gi", |text| {
        text.parse::<Bytes>().ok().map(|bytes| bytes.0).filter(|bytes| (1 << 10..1 << 50).contains(bytes))
    })
}

fn hook_targets(variables: &Variables) -> Result<Targets> {
    let http = variables.flag("LILAC_HOOK_HTTP")?;
    let allowed = "hosts, addresses and networks with commas between them, like chat.internal, 10.0.0.0/8";
    variables.read("LILAC_HOOK_ALLOW", allowed, |text| Targets::parse(text, http))
}

fn networks(text: &str) -> Option<Vec<IpNet>> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| word.parse().ok().or_else(|| word.parse::<std::net::IpAddr>().ok().map(IpNet::from)))
        .collect()
}

/// Rates beyond which requests are answered 429; 0 is no limit.
#[derive(Clone, Debug)]
pub struct LimitConfig {
    /// Logins from one address.
    pub logins_per_minute: u32,
    /// Changes by one user.
    pub writes_per_second: u32,
}

impl LimitConfig {
    fn read(variables: &Variables) -> Result<Self> {
        let number = |name| variables.number(name, 0..=1_000_000).map(|number| number as u32);
        Ok(Self {
            logins_per_minute: number("LILAC_LOGINS_PER_MINUTE")?,
            writes_per_second: number("LILAC_WRITES_PER_SECOND")?,
        })
    }
}

impl Default for LimitConfig {
    /// No limits.
    fn default() -> Self {
        Self { logins_per_minute: 0, writes_per_second: 0 }
    }
}

/// How long what has ended is kept.
#[derive(Clone, Debug, Default)]
pub struct KeepConfig {
    /// Jobs with their attempts and history; none for ever.
    pub jobs: Option<Duration>,
    /// What happened to nodes; none for ever.
    pub node_events: Option<Duration>,
}

/// Where the server keeps what it must not lose.
pub fn data_dir(variables: &Variables) -> PathBuf {
    if let Some(dir) = variables.text("LILAC_DATA_DIR") {
        return PathBuf::from(dir);
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/lilac");
    }
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")));
    home.unwrap_or_else(|| PathBuf::from(".")).join("lilac")
}

/// How the log is written.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// As in `info,sqlx=warn`.
    pub filter: String,
    /// JSON, a line an entry; otherwise for people.
    pub json: bool,
    /// Base address of a receiver of traces, if traces are sent.
    pub traces: Option<String>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false, traces: None }
    }
}

impl LogConfig {
    pub fn read(variables: &Variables) -> Result<Self> {
        let filter = |text: &str| text.parse::<tracing_subscriber::EnvFilter>().ok().map(|_| text.to_owned());
        Ok(Self {
            filter: variables.read("LILAC_LOG", "levels like info,sqlx=warn", filter)?,
            json: variables.read("LILAC_LOG_FORMAT", "text or json", |text| match text {
                "text" => Some(false),
                "json" => Some(true),
                _ => None,
            })?,
            traces: variables.read_optional(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "an address like http://127.0.0.1:4318",
                |text| {
                    let is_web = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
                    is_web.then(|| text.to_owned())
                },
            )?,
        })
    }
}
