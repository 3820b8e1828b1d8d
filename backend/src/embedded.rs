//! A private PostgreSQL, so that Lilac runs where nobody has set up a database.
//!
//! The data folder holds all of it: `postgres/data` (the cluster), `postgres/run` (the socket) and
//! `postgres/log`. It listens on that socket only, unless it is asked to serve an address of this
//! machine as well. It outlives the server that started it: a server that is killed and started again
//! finds it running and goes on. PostgreSQL refuses to run as root, so under root it runs as `nobody`.

mod binaries;
mod command;
mod place;
mod settings;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use tokio::process::Command as Process;

pub use binaries::Source;
pub use command::{Command, run};
use place::Place;
pub use settings::Listen;

/// Name of the database and of the role that owns it.
const NAME: &str = "lilac";
/// The superuser: reachable through the socket only.
const SUPERUSER: &str = "postgres";
/// Longest that a start may take, recovery after a crash included.
const START_TIMEOUT_SECS: &str = "300";
/// How often a start is tried while the remains of a killed one are in the way.
const START_TRIES: u32 = 30;
/// Longest that a stop may take.
const STOP_TIMEOUT_SECS: &str = "60";
/// Longest that any of PostgreSQL's tools may take.
const TOOL_TIMEOUT: Duration = Duration::from_secs(330);

/// How to run it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Serve an address of this machine besides the socket.
    pub listen: Option<Listen>,
    /// Where the programs come from.
    pub source: Source,
    /// For tests: many connections, and no waiting for the disk. A crash of the machine loses all.
    pub volatile: bool,
}

/// What there is in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// No database was ever made here.
    Absent,
    Stopped,
    Running {
        /// For `DATABASE_URL`; without a password, as the socket asks for none.
        url: String,
        /// Process id of the first of PostgreSQL's processes.
        pid: i32,
    },
}

/// Starts the database of `data_dir`, making it where there is none, and returns its URL.
/// One that runs already is adopted.
pub async fn start(data_dir: &Path, options: &Options) -> Result<String> {
    let place = Place::new(data_dir)?;
    place.prepare()?;
    let _lock = place.lock().await?;
    let bin = binaries::find(&place, options.source).await?;
    if !place.is_initialised() {
        initialise(&place, &bin).await?;
    }
    if let Some(running) = running(&place, &bin).await? {
        if let Some(listen) = &options.listen
            && !(running.tcp && running.port == listen.port)
        {
            bail!(
                "the database in {} runs already, without 127.0.0.1:{}; stop it first: `server db stop`",
                place.root.display(),
                listen.port
            );
        }
        provision(&place, running.port, options.listen.as_ref()).await?;
        return Ok(place.url(running.port));
    }
    let port = options.listen.as_ref().map_or(settings::SOCKET_PORT, |listen| listen.port);
    place.check_socket(port)?;
    settings::write(&place, options)?;
    launch(&place, &bin).await?;
    provision(&place, port, options.listen.as_ref()).await?;
    tracing::info!(data_dir = %place.root.display(), "started the embedded PostgreSQL");
    Ok(place.url(port))
}

/// Stops the database of `data_dir`. Whether there was one to stop.
pub async fn stop(data_dir: &Path) -> Result<bool> {
    let place = Place::new(data_dir)?;
    if !place.is_initialised() {
        return Ok(false);
    }
    let _lock = place.lock().await?;
    let bin = binaries::find(&place, Source::Any).await?;
    if running(&place, &bin).await?.is_none() {
        return Ok(false);
    }
    let mut command = pg_ctl(&place, &bin);
    command.args(["stop", "--mode=fast", "--wait", "--timeout", STOP_TIMEOUT_SECS]);
    finish(command, "stop PostgreSQL").await?;
    Ok(true)
}

/// Whether the database of `data_dir` runs, and where.
pub async fn status(data_dir: &Path) -> Result<Status> {
    let place = Place::new(data_dir)?;
    if !place.is_initialised() {
        return Ok(Status::Absent);
    }
    let bin = binaries::find(&place, Source::Any).await?;
    Ok(match running(&place, &bin).await? {
        Some(running) => Status::Running { url: place.url(running.port), pid: running.pid },
        None => Status::Stopped,
    })
}

/// The folder of the programs that dump and restore.
pub async fn tools(data_dir: &Path) -> Result<std::path::PathBuf> {
    binaries::tools(&Place::new(data_dir)?).await
}

/// What the running database says of itself.
struct Running {
    pid: i32,
    port: u16,
    tcp: bool,
}

async fn running(place: &Place, bin: &Path) -> Result<Option<Running>> {
    let mut command = pg_ctl(place, bin);
    let status = command.arg("status").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    match status.context("cannot run pg_ctl")?.code() {
        Some(0) => {}
        // 3: not running; what a killed one left behind is no hindrance to the next start.
        Some(3) => return Ok(None),
        _ => bail!("PostgreSQL cannot read its data in {}", place.data.display()),
    }
    let file = place.data.join("postmaster.pid");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    // Lines: process id, data folder, start time, port, socket folder, address listened on.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let read = |index: usize| lines.get(index).copied().unwrap_or_default();
    let pid = read(0).parse().with_context(|| format!("{} names no process", file.display()))?;
    if is_zombie(pid) {
        return Ok(None);
    }
    Ok(Some(Running {
        pid,
        port: read(3).parse().with_context(|| format!("{} names no port", file.display()))?,
        tcp: !read(5).is_empty(),
    }))
}

/// Whether a process has ended and only waits to be taken note of, which pg_ctl counts as running.
fn is_zombie(pid: i32) -> bool {
    // The state follows the name, which stands in brackets and may itself hold any character.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}

/// Makes the cluster beside its place and moves it there once it is whole: an initdb that was killed
/// leaves nothing that looks like a database.
async fn initialise(place: &Place, bin: &Path) -> Result<()> {
    let unfinished = place.root.join("data.new");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)
            .with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    let mut command = tool(place, bin, "initdb");
    command.arg("--pgdata").arg(&unfinished);
    command.args(["--username", SUPERUSER, "--encoding=UTF8", "--locale=C"]);
    command.args(["--auth=reject", "--data-checksums", "--no-instructions"]);
    finish(command, "make a PostgreSQL database").await?;
    std::fs::rename(&unfinished, &place.data)
        .with_context(|| format!("cannot move the new database to {}", place.data.display()))
}

async fn launch(place: &Place, bin: &Path) -> Result<()> {
    let startup_log = place.log.join("startup.log");
    if startup_log.exists() {
        std::fs::remove_file(&startup_log)
            .with_context(|| format!("cannot remove {}", startup_log.display()))?;
    }
    let mut tries = 0;
    loop {
        let mut command = pg_ctl(place, bin);
        command.arg("start").arg("--log").arg(&startup_log);
        command.args(["--silent", "--wait", "--timeout", START_TIMEOUT_SECS]);
        let Err(error) = finish(command, "start PostgreSQL").await else { return Ok(()) };
        let log = place.log_tail();
        tries += 1;
        // One that was killed is in the way until the system and its own helpers have taken note of it.
        let in_the_way = ["pre-existing shared memory block", "\"postmaster.pid\" already exists"];
        if tries == START_TRIES || !in_the_way.iter().any(|words| log.contains(words)) {
            return Err(error.context(format!("its log says:\n{log}")));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Makes the database and its role where they are missing, and sets the password that `listen` asks for.
async fn provision(place: &Place, port: u16, listen: Option<&Listen>) -> Result<()> {
    let options = PgConnectOptions::new_without_pgpass()
        .socket(&place.run)
        .port(port)
        .username(SUPERUSER)
        .database("postgres");
    let mut connection =
        PgConnection::connect_with(&options).await.context("cannot connect to the embedded PostgreSQL")?;
    let mut wanted = vec![(NAME, NAME, None)];
    if let Some(listen) = listen {
        wanted.push((listen.user.as_str(), listen.database.as_str(), Some(&listen.password)));
    }
    for (role, database, password) in wanted {
        // PostgreSQL quotes the names and the password itself; utility statements take no parameters.
        let statements: Vec<String> = sqlx::query_scalar(
            "SELECT format('CREATE ROLE %I LOGIN CREATEDB', $1)
              WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
             UNION ALL
             SELECT format('ALTER ROLE %I PASSWORD %L', $1, $3) WHERE $3 IS NOT NULL
             UNION ALL
             SELECT format('CREATE DATABASE %I OWNER %I', $2, $1)
              WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = $2)",
        )
        .bind(role)
        .bind(database)
        .bind(password.map(|password| password.0.as_str()))
        .fetch_all(&mut connection)
        .await?;
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .with_context(|| format!("cannot set up the database `{database}` of `{role}`"))?;
        }
    }
    connection.close().await?;
    Ok(())
}

fn pg_ctl(place: &Place, bin: &Path) -> Process {
    let mut command = tool(place, bin, "pg_ctl");
    command.arg("--pgdata").arg(&place.data);
    command
}

/// One of PostgreSQL's programs, as the user that owns the data.
fn tool(place: &Place, bin: &Path, name: &str) -> Process {
    let mut command = Process::new(bin.join(name));
    // The caller's folder may be closed to the unprivileged user, and its PG… variables are not meant for us.
    command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
    for (variable, _) in std::env::vars_os() {
        if variable.to_str().is_some_and(|name| name.starts_with("PG") || name == "DATABASE_URL") {
            command.env_remove(variable);
        }
    }
    if let Some(user) = &place.unprivileged {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// Runs a program to its end; its words go into the error when it fails.
async fn finish(mut command: Process, what: &str) -> Result<()> {
    let output = tokio::time::timeout(TOOL_TIMEOUT, command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("cannot {what}: no end after {} s", TOOL_TIMEOUT.as_secs()))?
        .with_context(|| format!("cannot {what}: {:?} does not run", command.as_std().get_program()))?;
    if !output.status.success() {
        let words = [&output.stderr[..], &output.stdout[..]].concat();
        bail!("cannot {what} ({}): {}", output.status, String::from_utf8_lossy(&words).trim());
    }
    Ok(())
}
