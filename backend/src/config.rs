//! Settings of the server, all from the environment. `.env.example` documents each.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lilac_api::auth::Secret;

/// The shortest key that may sign tokens.
const MIN_SECRET_KEY_BYTES: usize = 32;

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
    /// Password of the first administrator; none for a random one that is shown once.
    pub admin_password: Option<Secret>,
    /// Connections to the database, at most.
    pub database_connections: u32,
}

/// A variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl Config {
    pub fn from_environment() -> Result<Self> {
        let listen = variable("LILAC_LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let connections = variable("LILAC_DATABASE_CONNECTIONS").unwrap_or_else(|| "16".to_owned());
        let config = Self {
            listen: listen
                .parse()
                .with_context(|| format!("LILAC_LISTEN is `{listen}`, not an address like 127.0.0.1:8080"))?,
            database_url: variable("DATABASE_URL").map(Secret),
            data_dir: data_dir(),
            secret_key: variable("LILAC_SECRET_KEY").map(Secret),
            admin_password: variable("LILAC_ADMIN_PASSWORD").map(Secret),
            database_connections: connections
                .parse()
                .ok()
                .filter(|count| (2..=500).contains(count))
                .with_context(|| format!("LILAC_DATABASE_CONNECTIONS is `{connections}`, not 2 to 500"))?,
        };
        if let Some(key) = &config.secret_key
            && key.0.len() < MIN_SECRET_KEY_BYTES
        {
            bail!(
                "LILAC_SECRET_KEY is too short: at least {MIN_SECRET_KEY_BYTES} characters; `openssl rand -hex 32` makes one"
            );
        }
        Ok(config)
    }
}

/// Where the server keeps what it must not lose.
pub fn data_dir() -> PathBuf {
    if let Some(dir) = variable("LILAC_DATA_DIR") {
        return PathBuf::from(dir);
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/lilac");
    }
    let home = variable("XDG_DATA_HOME").map(PathBuf::from);
    let home = home.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    home.unwrap_or_else(|| PathBuf::from(".")).join("lilac")
}
