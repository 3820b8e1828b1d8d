//! The settings of the embedded database: small, safe, and closed to all but its owner.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lilac_api::auth::Secret;
use nix::unistd::{User, geteuid};

use super::place::Place;
use super::{NAME, Options, SUPERUSER};

/// Names the socket when nothing but the socket is served.
pub(super) const SOCKET_PORT: u16 = 5432;

/// An address of this machine that is served besides the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub port: u16,
    pub user: String,
    pub password: Secret,
    pub database: String,
}

impl Listen {
    /// What it takes to serve a given `DATABASE_URL`: `postgres://user:password@127.0.0.1:port/name`.
    pub fn from_url(url: &str) -> Result<Self> {
        // The URL holds a password, so it is not repeated in the error.
        const FORM: &str = "write DATABASE_URL as postgres://user:password@127.0.0.1:port/name";
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let (access, place) = rest.and_then(|rest| rest.rsplit_once('@')).context(FORM)?;
        let (user, password) = access.split_once(':').context(FORM)?;
        let (address, database) = place.split_once('/').context(FORM)?;
        let database = database.split('?').next().unwrap_or_default();
        let (host, port) = address.split_once(':').context(FORM)?;
        if !matches!(host, "127.0.0.1" | "localhost") {
            bail!("DATABASE_URL names another machine, {host}; only 127.0.0.1 can be served here");
        }
        for (what, name) in [("user", user), ("database", database)] {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || name.len() > 63 || !name.chars().all(plain) || name == SUPERUSER {
                bail!("the {what} in DATABASE_URL must be of a-z, 0-9 and _, and not `{SUPERUSER}`");
            }
        }
        if password.is_empty() || password.contains(['%', '\0']) {
            bail!("the password in DATABASE_URL is empty or has a percent sign in it");
        }
        Ok(Self {
            port: port.parse().ok().filter(|port| *port != 0).context(FORM)?,
            user: user.to_owned(),
            password: Secret(password.to_owned()),
            database: database.to_owned(),
        })
    }
}

/// Writes settings and access rules, at every start: those of a newer Lilac take effect.
pub(super) fn write(place: &Place, options: &Options) -> Result<()> {
    let listen = options.listen.as_ref();
    let mut configuration = configuration(place, listen);
    if options.volatile {
        configuration.push_str(VOLATILE);
    }
    put(&place.data.join("postgresql.conf"), &configuration)?;
    let mut rules = format!("local all {NAME} peer map=lilac\nlocal all {SUPERUSER} peer map=lilac\n");
    if let Some(listen) = listen {
        // Only this machine is listened to; both of its families, for a resolver that prefers the newer one.
        for address in ["127.0.0.1/32", "::1/128"] {
            let _ = writeln!(rules, "host all {} {address} scram-sha-256", listen.user);
        }
    }
    put(&place.data.join("pg_hba.conf"), &rules)?;
    put(&place.data.join("pg_ident.conf"), &identities(place)?)
}

fn configuration(place: &Place, listen: Option<&Listen>) -> String {
    let address = if listen.is_some() { "127.0.0.1" } else { "" };
    let port = listen.map_or(SOCKET_PORT, |listen| listen.port);
    let (run, log) = (place.run.display(), place.log.display());
    format!(
        "# Written by Lilac at every start; changes made here are lost.
listen_addresses = '{address}'
port = {port}
unix_socket_directories = '{run}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100
timezone = 'UTC'

# Sized for a small machine that runs jobs beside it.
shared_buffers = '32MB'
effective_cache_size = '256MB'
min_wal_size = '32MB'
max_wal_size = '512MB'
max_parallel_workers_per_gather = 0
jit = off

# A week of logs, and no values of rows or parameters in them: those can be secrets.
logging_collector = on
log_directory = '{log}'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = '1d'
log_rotation_size = 0
log_timezone = 'UTC'
log_error_verbosity = terse
log_min_error_statement = panic
"
    )
}

const VOLATILE: &str = "
# Asked for by tests.
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
";

/// Who may come through the socket: whoever runs the server, and the owner of the data.
fn identities(place: &Place) -> Result<String> {
    let ours = User::from_uid(geteuid())
        .context("cannot read the users of this machine")?
        .context("this process runs as a user without a name")?;
    let mut lines = String::new();
    for user in [Some(&ours), place.unprivileged.as_ref()].into_iter().flatten() {
        for role in [NAME, SUPERUSER] {
            let _ = writeln!(lines, "lilac \"{}\" {role}", user.name);
        }
    }
    Ok(lines)
}

/// The owner of the folder reads these files, so they need no owner of their own.
fn put(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_this_machine_is_read() {
        let listen = Listen::from_url("postgres://lilac:p@ss:w@127.0.0.1:5433/jobs?sslmode=disable").unwrap();
        assert_eq!(listen.port, 5433);
        assert_eq!((listen.user.as_str(), listen.password.0.as_str()), ("lilac", "p@ss:w"));
        assert_eq!(listen.database, "jobs");
    }

    #[test]
    fn a_url_that_cannot_be_served_is_refused_without_its_password() {
        for url in [
            "mysql://lilac:hush@127.0.0.1:5433/lilac",
            "postgres://lilac:hush@db.example:5433/lilac",
            "postgres://lilac:hush@127.0.0.1/lilac",
            "postgres://lilac:hush@127.0.0.1:0/lilac",
            "postgres://lilac:hush@127.0.0.1:5433/",
            "postgres://lilac@127.0.0.1:5433/lilac",
            "postgres://postgres:hush@127.0.0.1:5433/lilac",
            "postgres://li\"lac:hush@127.0.0.1:5433/lilac",
        ] {
            let error = Listen::from_url(url).expect_err(url);
            assert!(!format!("{error:#}").contains("hush"), "{error:#}");
        }
    }
}
