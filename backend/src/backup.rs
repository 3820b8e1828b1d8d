//! `server backup` and `server restore`: the whole database as one consistent file, by PostgreSQL's own tools.
//!
//! A backup without the server's key opens nothing, so a restore asks for the key first. What is in the object
//! store and the key itself are named, for they are to be kept, too, and are not in the file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use lilac_api::auth::Secret;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::process::Command;
use url::Url;

use crate::auth::keys::{self, Keys};
use crate::config::Config;
use crate::embedded;

/// Writes the database to a new file. The server may be running.
pub async fn backup(config: &Config, file: &Path) -> Result<()> {
    let database = Database::open(config).await?;
    let result = dump(&database, file).await;
    database.close(config).await?;
    result?;
    let store = config.data_dir.display();
    say(&format!("the database is in {}", file.display()))?;
    say(&match &config.secret_key {
        Some(_) => "keep LILAC_SECRET_KEY with it: without the key it opens nothing".to_owned(),
        None => format!("keep {store}/secret.key with it: without the key it opens nothing"),
    })?;
    say(&format!(
        "logs and outputs that were moved to the object store are not in it: see `docs/operating.md` ({store})"
    ))
}

/// Fills an empty database from a file. No server may run on it.
pub async fn restore(config: &Config, file: &Path) -> Result<()> {
    let kept = config.secret_key.is_some() || config.data_dir.join("secret.key").is_file();
    ensure!(
        kept,
        "the key of the server that was backed up is missing: bring its secret.key to {}, or set LILAC_SECRET_KEY",
        config.data_dir.display()
    );
    let key = Keys::new(&keys::load_or_generate(config.secret_key.as_ref(), &config.data_dir)?);
    let database = Database::open(config).await?;
    let result = load(&database, file, &key.check_value()).await;
    database.close(config).await?;
    result?;
    say("restored; start the server, which brings the schema up to date")
}

async fn dump(database: &Database, file: &Path) -> Result<()> {
    let unfinished = file.with_extension("unfinished");
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| format!("cannot write {}", unfinished.display()))?;
    let finished = async {
        ensure!(!file.exists(), "{} exists already", file.display());
        let mut command = database.tool("pg_dump");
        command.args(["--format=custom", "--no-owner", "--no-privileges"]).stdout(out.try_clone()?);
        finish(command, "pg_dump").await?;
        out.sync_all()?;
        std::fs::rename(&unfinished, file).with_context(|| format!("cannot write {}", file.display()))
    };
    let result = finished.await;
    if result.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    result
}

async fn load(database: &Database, file: &Path, key_check: &[u8]) -> Result<()> {
    let mut connection = database.options()?.connect().await.context("cannot connect to the database")?;
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'p')",
    )
    .fetch_one(&mut connection)
    .await?;
    PgConnection::close(connection).await?;
    ensure!(tables == 0, "the database is not empty: a restore takes a database without any table");

    let mut command = database.tool("pg_restore");
    command.args(["--data-only", "--table=installation", "--file=-"]).stdin(open(file)?);
    let installation = finish(command, "pg_restore").await?;
    let wanted: String = key_check.iter().map(|byte| format!("{byte:02x}")).collect();
    if !String::from_utf8_lossy(&installation).contains(&wanted) {
        bail!("the backup belongs to another key: bring the secret.key, or LILAC_SECRET_KEY, of its server");
    }

    let mut command = database.tool("pg_restore");
    command.args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]);
    command.arg("--dbname").arg(&database.name).stdin(open(file)?);
    finish(command, "pg_restore").await.map(|_| ())
}

fn open(file: &Path) -> Result<File> {
    File::open(file).with_context(|| format!("cannot read {}", file.display()))
}

/// A database and the tools that speak to it.
struct Database {
    url: Secret,
    /// What the tools read from their environment: an argument list is for everybody to see.
    environment: Vec<(&'static str, String)>,
    name: String,
    bin: PathBuf,
    /// Whether it is the embedded one and was started for this.
    started: bool,
}

impl Database {
    async fn open(config: &Config) -> Result<Self> {
        let bin = embedded::tools(&config.data_dir).await?;
        let (url, started) = match &config.database_url {
            Some(url) => (url.clone(), false),
            None => {
                let ran =
                    matches!(embedded::status(&config.data_dir).await?, embedded::Status::Running { .. });
                let url = embedded::start(&config.data_dir, &embedded::Options::default()).await?;
                (Secret(url), !ran)
            }
        };
        let environment = environment(&url)?;
        let name = environment.iter().find(|(name, _)| *name == "PGDATABASE").map(|(_, value)| value.clone());
        Ok(Self { url, environment, name: name.unwrap_or_default(), bin, started })
    }

    async fn close(&self, config: &Config) -> Result<()> {
        if self.started {
            embedded::stop(&config.data_dir).await?;
        }
        Ok(())
    }

    fn options(&self) -> Result<PgConnectOptions> {
        self.url.0.parse().map_err(|_| unreadable())
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

fn unreadable() -> anyhow::Error {
    anyhow::anyhow!("DATABASE_URL cannot be read; write postgres://user:password@host:port/name")
}

/// A URL as the variables that PostgreSQL's tools read.
fn environment(url: &Secret) -> Result<Vec<(&'static str, String)>> {
    let url = Url::parse(&url.0).map_err(|_| unreadable())?;
    let decoded = |text: &str| {
        let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, text)| text.into_owned())
            .unwrap_or_default()
    };
    let parameter =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let host = parameter("host").or_else(|| url.host_str().map(decoded)).unwrap_or_default();
    let values = [
        ("PGHOST", host),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", decoded(url.username())),
        ("PGPASSWORD", url.password().map(decoded).unwrap_or_default()),
        ("PGDATABASE", decoded(url.path().trim_start_matches('/'))),
        ("PGSSLMODE", parameter("sslmode").unwrap_or_default()),
        ("PGSSLROOTCERT", parameter("sslrootcert").unwrap_or_default()),
    ];
    Ok(values.into_iter().filter(|(_, value)| !value.is_empty()).collect())
}

/// Runs a tool to its end, and gives what it printed.
async fn finish(mut command: Command, name: &str) -> Result<Vec<u8>> {
    // Not `output()`, which would take the place of the file that the output goes to.
    let child = command.spawn().with_context(|| format!("{name} does not run"))?;
    let output = child.wait_with_output().await.with_context(|| format!("{name} was lost sight of"))?;
    ensure!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(output.stdout)
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_what_the_tools_read() {
        let of = |url: &str| environment(&Secret(url.to_owned())).unwrap();
        assert_eq!(
            of("postgres://ada:p%40ss+w%26@db.example:6543/lilac?sslmode=require"),
            [
                ("PGHOST", "db.example".to_owned()),
                ("PGPORT", "6543".to_owned()),
                ("PGUSER", "ada".to_owned()),
                ("PGPASSWORD", "p@ss+w&".to_owned()),
                ("PGDATABASE", "lilac".to_owned()),
                ("PGSSLMODE", "require".to_owned()),
            ]
        );
        let socket = of("postgres://lilac@localhost:5432/lilac?host=%2Ftmp%2Frun");
        assert!(socket.contains(&("PGHOST", "/tmp/run".to_owned())), "{socket:?}");
    }
}
