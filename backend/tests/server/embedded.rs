//! The embedded PostgreSQL, for real: made, stopped, killed, adopted, shared, fetched.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "what is not as expected has to fail its test")]

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use lilac_server::embedded::{self, Listen, Options, Source, Status};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// A data folder whose database is stopped at the end, however the test ends.
struct DataDir(TempDir);

impl DataDir {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("lilac-db-").tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let path = self.path().to_owned();
        // A runtime of its own: the test's may be the one that is unwinding.
        let stopped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(embedded::stop(&path))
        });
        match stopped.join() {
            Ok(Ok(_)) => {}
            other => eprintln!("the database was not stopped: {other:?}"),
        }
    }
}

async fn pid(dir: &DataDir) -> i32 {
    match embedded::status(dir.path()).await.unwrap() {
        Status::Running { pid, .. } => pid,
        other => panic!("not running: {other:?}"),
    }
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn it_keeps_its_data_and_is_closed_to_others() {
    let dir = DataDir::new();
    assert_eq!(embedded::status(dir.path()).await.unwrap(), Status::Absent);
    assert!(!embedded::stop(dir.path()).await.unwrap());

    let url = embedded::start(dir.path(), &Options::default()).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept (n INT)").execute(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO kept VALUES (7)").execute(&mut connection).await.unwrap();
    assert_eq!(setting(&mut connection, "listen_addresses").await, "");
    assert_eq!(setting(&mut connection, "fsync").await, "on");
    let is_superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!is_superuser, "the server needs no superuser");
    connection.close().await.unwrap();
    for folder in ["postgres", "postgres/run", "postgres/data"] {
        let mode = dir.path().join(folder).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{folder}");
    }

    assert!(embedded::stop(dir.path()).await.unwrap());
    assert_eq!(embedded::status(dir.path()).await.unwrap(), Status::Stopped);
    let options = Options { volatile: true, ..Options::default() };
    assert_eq!(embedded::start(dir.path(), &options).await.unwrap(), url);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    assert_eq!(setting(&mut connection, "fsync").await, "off");
    let kept: i32 = sqlx::query_scalar("SELECT n FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 7);
}

#[tokio::test]
async fn one_that_runs_is_adopted_and_one_that_was_killed_is_started_again() {
    let dir = DataDir::new();
    let options = Options::default();
    // Two servers at once: one starts it, the other finds it running.
    let (one, other) =
        tokio::join!(embedded::start(dir.path(), &options), embedded::start(dir.path(), &options));
    let url = one.unwrap();
    assert_eq!(url, other.unwrap());
    let before = pid(&dir).await;
    embedded::start(dir.path(), &options).await.unwrap();
    assert_eq!(pid(&dir).await, before);

    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE kept (n INT)").execute(&mut connection).await.unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(before), nix::sys::signal::Signal::SIGKILL).unwrap();
    embedded::start(dir.path(), &options).await.unwrap();
    assert_ne!(pid(&dir).await, before);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::query("INSERT INTO kept VALUES (7)").execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn it_serves_the_address_that_it_is_asked_to() {
    let dir = DataDir::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://dev:o'p\\en@127.0.0.1:{port}/playground");
    let options = Options { listen: Some(Listen::from_url(&url).unwrap()), ..Options::default() };
    embedded::start(dir.path(), &options).await.unwrap();

    let address = url.replace("o'p\\en", "o%27p%5Cen");
    let mut connection = PgConnection::connect(&address).await.unwrap();
    sqlx::query("CREATE TABLE mine (n INT)").execute(&mut connection).await.unwrap();
    assert!(PgConnection::connect(&address.replace("o%27", "no")).await.is_err());
    assert!(
        PgConnection::connect(&address.replace("/playground", "/postgres").replace("dev:", "postgres:"))
            .await
            .is_err()
    );

    let moved = Listen { port: port.wrapping_add(1).max(1), ..Listen::from_url(&url).unwrap() };
    let options = Options { listen: Some(moved), ..Options::default() };
    let error = embedded::start(dir.path(), &options).await.unwrap_err();
    assert!(error.to_string().contains("stop it first"), "{error:#}");
}

#[tokio::test]
async fn a_taken_port_is_told_in_postgresqls_words() {
    let dir = DataDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let listen = Listen::from_url(&format!("postgres://dev:open@127.0.0.1:{port}/dev")).unwrap();
    let options = Options { listen: Some(listen), ..Options::default() };
    let error = format!("{:#}", embedded::start(dir.path(), &options).await.unwrap_err());
    assert!(error.contains("Address already in use"), "{error}");
}

#[tokio::test]
async fn a_folder_that_postgresql_cannot_pass_through_is_named() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only under root does PostgreSQL run as another user");
        return;
    }
    let dir = DataDir::new();
    let inner = dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let error = format!("{:#}", embedded::start(&inner, &Options::default()).await.unwrap_err());
    assert!(error.contains(&dir.path().display().to_string()) && error.contains("chmod o+x"), "{error}");
}

#[tokio::test]
async fn without_a_postgresql_of_the_machine_the_package_serves() {
    let dir = DataDir::new();
    let options = Options { source: Source::Package, ..Options::default() };
    let url = embedded::start(dir.path(), &options).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    assert!(setting(&mut connection, "server_version").await.starts_with("18."));
    connection.close().await.unwrap();
    // Stopping finds the same programs again, by the release that made the data.
    assert!(embedded::stop(dir.path()).await.unwrap());
}
