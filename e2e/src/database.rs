//! A private PostgreSQL, started and stopped by the server's own binary.

use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;

use crate::process::{binary, clean_command};
use crate::scratch::Scratch;
use crate::wait::eventually;

/// How long PostgreSQL may take to end at once.
const ENDING: Duration = Duration::from_secs(5);

pub struct Database {
    data_dir: PathBuf,
    url: String,
}

impl Database {
    /// Starts a fresh one with its data in `scratch`.
    pub fn start(scratch: &Scratch) -> Result<Self> {
        let mut database = Self { data_dir: scratch.path("data"), url: String::new() };
        database.start_again()?;
        Ok(database)
    }

    /// Starts it on the data that is there.
    pub fn start_again(&mut self) -> Result<()> {
        self.run("start")?;
        self.run("url")?.trim().clone_into(&mut self.url);
        Ok(())
    }

    /// As in DATABASE_URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's data folder, in which the database lies.
    #[must_use]
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// What `pg_ctl stop -m immediate` does: no checkpoint, no goodbye, recovery at the next start.
    pub async fn stop_immediately(&self) -> Result<()> {
        let postmaster = self.postmaster()?;
        kill(postmaster, Signal::SIGQUIT).context("stopping PostgreSQL")?;
        eventually("end of PostgreSQL", async || Ok((!is_alive(postmaster)).then_some(()))).await
    }

    fn run(&self, verb: &str) -> Result<String> {
        let mut command = self.command()?;
        let output = command.args(["db", verb]).output().context("running the server's binary")?;
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "`server db {verb}` failed ({}): {out}{error}", output.status);
        Ok(out.into_owned())
    }

    fn command(&self) -> Result<Command> {
        let folder = self.data_dir.parent().context("a data folder without a parent")?;
        let mut command = clean_command(&binary("server")?, folder);
        command.env("LILAC_DATA_DIR", &self.data_dir);
        Ok(command)
    }

    /// PostgreSQL's first process, as its socket's lock file names it.
    fn postmaster(&self) -> Result<Pid> {
        let options = PgConnectOptions::from_str(&self.url).context("reading the database's URL")?;
        let folder = options.get_socket().context("a database without a socket")?;
        let lock = folder.join(format!(".s.PGSQL.{}.lock", options.get_port()));
        let text = std::fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).context("no pid")?;
        Ok(Pid::from_raw(pid))
    }
}

/// A zombie is dead: not every init reaps at once what it inherits.
fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

impl Drop for Database {
    fn drop(&mut self) {
        // Its data goes too, so nothing is worth writing out.
        let Ok(postmaster) = self.postmaster() else { return };
        let _ = kill(postmaster, Signal::SIGQUIT);
        let start = Instant::now();
        while is_alive(postmaster) && start.elapsed() < ENDING {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
