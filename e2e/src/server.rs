//! A control plane: the real binary on a free port of the loopback interface.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lilac_api::auth::{LoginRequest, Secret};
use lilac_api::client::Client;

use crate::database::Database;
use crate::process::{Process, binary, clean_command};
use crate::scratch::Scratch;
use crate::wait::eventually;

/// How long a server may take to end when asked.
const ENDING: Duration = Duration::from_secs(10);

/// What every server seals secrets with.
pub const ENCRYPTION_KEY: &str = "Y2FuYXJ5IG9mIHRoZSBlbmNyeXB0aW9uIGtleSAwMDE=";

pub struct Server {
    process: Process,
    name: String,
    port: u16,
    database_url: String,
    data_dir: PathBuf,
    admin_password: Secret,
    folder: PathBuf,
    /// Beside those that every server has.
    settings: Vec<(String, String)>,
}

impl Server {
    /// Starts a server on `database` and waits until it serves.
    pub async fn start(
        name: &str,
        scratch: &Scratch,
        database: &Database,
        password: &Secret,
    ) -> Result<Self> {
        let folder = scratch.path(name);
        std::fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let (database_url, data_dir) = (database.url().to_owned(), database.data_dir().to_owned());
        let process = spawn(name, &folder, port, &database_url, &data_dir, password, &[])?;
        let server = Self {
            process,
            name: name.to_owned(),
            port,
            database_url,
            data_dir,
            admin_password: password.clone(),
            folder,
            settings: Vec::new(),
        };
        server.serves().await?;
        Ok(server)
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// A client without a token.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.url(), None)?)
    }

    /// A client that acts as the first administrator.
    pub async fn admin(&self) -> Result<Client> {
        let client = self.client()?;
        let request = LoginRequest { username: "admin".to_owned(), password: self.admin_password.clone() };
        let login = client.login(&request).await.context("logging in as the administrator")?;
        Ok(client.with_token(login.access_token))
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Adds a setting, for its next start.
    pub fn configure(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it again on the same port, after it was killed.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = spawn(
            &self.name,
            &self.folder,
            self.port,
            &self.database_url,
            &self.data_dir,
            &self.admin_password,
            &self.settings,
        )?;
        self.serves().await
    }

    async fn serves(&self) -> Result<()> {
        let url = format!("{}/readyz", self.url());
        // The client installs the TLS provider that any HTTP client needs, and is otherwise not wanted.
        self.client()?;
        let http = reqwest::Client::new();
        eventually(&format!("{} that is ready", self.name), async || {
            Ok(http.get(&url).send().await?.status().is_success().then_some(()))
        })
        .await
        .with_context(|| format!("it said: {}", self.process.output()))
    }

    /// All that it logged so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }

    pub(crate) fn show(&self) {
        self.process.show();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.terminate(ENDING);
    }
}

fn spawn(
    name: &str,
    folder: &Path,
    port: u16,
    database_url: &str,
    data_dir: &Path,
    password: &Secret,
    settings: &[(String, String)],
) -> Result<Process> {
    let mut command = clean_command(&binary("server")?, folder);
    command
        .env("LILAC_LISTEN", format!("127.0.0.1:{port}"))
        .env("LILAC_DATA_DIR", data_dir)
        .env("DATABASE_URL", database_url)
        .env("LILAC_ENCRYPTION_KEY", ENCRYPTION_KEY)
        // One user does what many would: the benchmarks above all.
        .env("LILAC_WRITES_PER_SECOND", "0")
        .env("LILAC_LOGINS_PER_MINUTE", "0")
        .env("LILAC_MAX_CONNECTIONS", "12000")
        .env("LILAC_ADMIN_PASSWORD", &password.0)
        .envs(settings.iter().map(|(name, value)| (name, value)));
    Process::spawn(name, command, &folder.join("log"))
}

/// Ports below the range from which the kernel takes the local ends of connections: a server that is
/// started again must find its port free.
const PORTS: std::ops::Range<u16> = 21_000..31_000;

fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Processes that run side by side begin at different places.
    let start = u16::try_from(std::process::id() * 7 % u32::from(count)).unwrap_or_default();
    for _ in 0..count {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}
