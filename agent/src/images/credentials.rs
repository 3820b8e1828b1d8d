//! With what an image is pulled: the login of the job's team, or what the node's Docker configuration has for
//! its registry. The latter is the node's own, and so for every job that runs there.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lilac_api::agent::RegistryLogin;
use lilac_api::secret::normal_server;
use serde::Deserialize;

use crate::docker::Credentials;

/// How long a helper of Docker's may take.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest configuration that is read.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The login of a pull.
#[derive(Clone, Debug)]
pub(super) enum Login {
    None,
    Team(RegistryLogin),
    Node(Credentials),
}

impl Login {
    /// Whose it is, for the log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Team(_) => "team",
            Self::Node(_) => "node",
        }
    }

    pub(super) fn credentials(&self) -> Option<Credentials> {
        match self {
            Self::None => None,
            Self::Team(login) => {
                Some(Credentials::Password(login.username.clone(), login.password.0.clone()))
            }
            Self::Node(credentials) => Some(credentials.clone()),
        }
    }
}

/// What is read of Docker's `config.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: HashMap<String, Auth>,
    /// A helper by the registry that it is for.
    cred_helpers: HashMap<String, String>,
    /// The helper for all others.
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Auth {
    /// `username:password` in base64.
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// The node's own login to a registry, if it has one. Reads files and may run a helper: not for the thread
/// that everything else runs on.
pub(super) fn of_node(config: &Path, server: &str) -> Option<Credentials> {
    let length = std::fs::metadata(config).ok()?.len();
    if length > MAX_CONFIG_BYTES {
        tracing::warn!(path = %config.display(), "the Docker configuration is too long to be one");
        return None;
    }
    let config: DockerConfig = match serde_json::from_slice(&std::fs::read(config).ok()?) {
        Ok(read) => read,
        // The error's own words may quote a password.
        Err(_) => {
            tracing::warn!(path = %config.display(), "the Docker configuration cannot be read");
            return None;
        }
    };
    let is_it = |name: &str| normal_server(host(name)) == server;
    let helper = config.cred_helpers.iter().find(|(name, _)| is_it(name));
    if let Some((name, helper)) = helper {
        return ask_helper(helper, name);
    }
    let named = config.auths.iter().find(|(name, _)| is_it(name));
    if let Some(credentials) = named.and_then(|(_, auth)| written(auth)) {
        return Some(credentials);
    }
    // A store's own names stand in `auths` with nothing in them.
    let (name, _) = named?;
    ask_helper(config.creds_store.as_deref()?, name)
}

/// `https://index.docker.io/v1/` is written for `index.docker.io`.
fn host(name: &str) -> &str {
    let name = name.split_once("://").map_or(name, |(_, rest)| rest);
    name.split('/').next().unwrap_or(name)
}

fn written(auth: &Auth) -> Option<Credentials> {
    if !auth.identitytoken.is_empty() {
        return Some(Credentials::Token(auth.identitytoken.clone()));
    }
    if !auth.username.is_empty() {
        return Some(Credentials::Password(auth.username.clone(), auth.password.clone()));
    }
    let decoded = STANDARD.decode(auth.auth.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some(Credentials::Password(username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// Asks `docker-credential-HELPER`, as Docker's own client does.
fn ask_helper(helper: &str, server: &str) -> Option<Credentials> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if helper.is_empty() || !helper.chars().all(is_plain) {
        return None;
    }
    ask(Path::new(&format!("docker-credential-{helper}")), server)
}

fn ask(program: &Path, server: &str) -> Option<Credentials> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .inspect_err(
            |error| tracing::warn!(program = %program.display(), %error, "cannot ask for the node's login"),
        )
        .ok()?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).ok()?);
    child.stdin.take()?.write_all(server.as_bytes()).ok()?;
    let (sender, answer) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = answer.recv_timeout(HELPER_TIMEOUT) else {
        // Its thread reaps it.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        tracing::warn!(program = %program.display(), "it does not answer");
        return None;
    };
    let output = output.ok().filter(|output| output.status.success())?;
    let helped: Helped = serde_json::from_slice(&output.stdout).ok()?;
    // The name that stands for "the secret is a token".
    if helped.username == "<token>" {
        return Some(Credentials::Token(helped.secret));
    }
    Some(Credentials::Password(helped.username, helped.secret))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn password(username: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Password(username.into(), password.into()))
    }

    #[test]
    fn logins_are_found_as_docker_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let config = serde_json::json!({ "auths": {
            "https://index.docker.io/v1/": { "auth": STANDARD.encode("ada:a:b") },
            "r.example:5000": { "username": "bob", "password": "secret" },
            "token.example": { "auth": STANDARD.encode("<token>:"), "identitytoken": "t" },
            "empty.example": {},
            "broken.example": { "auth": "%" },
        }, "HttpHeaders": {} });
        fs::write(&path, config.to_string()).unwrap();
        for (server, expected) in [
            ("docker.io", password("ada", "a:b")),
            ("r.example:5000", password("bob", "secret")),
            ("token.example", Some(Credentials::Token("t".into()))),
            ("r.example", None),
            ("empty.example", None),
            ("broken.example", None),
        ] {
            assert_eq!(of_node(&path, server), expected, "{server}");
        }
        fs::write(&path, "{").unwrap();
        assert_eq!(of_node(&path, "docker.io"), None);
        assert_eq!(of_node(&folder.path().join("nothing"), "docker.io"), None);
    }

    #[test]
    fn a_helper_is_asked_for_the_registries_that_are_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let helper = folder.path().join("helper");
        fs::write(
            &helper,
            "#!/bin/sh\nserver=$(cat)\necho '{\"Username\":\"eve\",\"Secret\":\"of '$server'\"}'\n",
        )
        .unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(ask(&helper, "r.example"), password("eve", "of r.example"));
        // Only names are taken, no paths.
        assert_eq!(ask_helper(&helper.display().to_string(), "r.example"), None);
        assert_eq!(ask_helper("no-such-helper-here", "r.example"), None);
    }
}
