//! The profile: which server to talk to, and the login for it.
//!
//! It holds a secret, so it is readable by its owner only, and refused when others can read it. The login
//! belongs to the server that gave it and is never sent to another.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lilac_api::ApiKeyId;
use lilac_api::auth::Secret;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Far more than a profile needs.
const MAX_PROFILE_BYTES: u64 = 64 << 10;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

/// An API key that `login` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub username: String,
    pub token: Secret,
    pub key_id: ApiKeyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Where the profile is: `$LILAC_CONFIG`, else `~/.config/lilac/cli.toml`.
pub fn path() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("LILAC_CONFIG")
        .or_else(|| set("XDG_CONFIG_HOME").map(|folder| folder.join("lilac/cli.toml")))
        .or_else(|| set("HOME").map(|home| home.join(".config/lilac/cli.toml")))
        .ok_or_else(|| Failure::usage("there is no place for the profile", "set HOME or LILAC_CONFIG"))
}

/// The profile at `path`; an empty one where there is none.
pub fn load(path: &Path) -> Result<Profile, Failure> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Profile::default()),
        Err(error) => return Err(Failure::file(path, error, "set LILAC_CONFIG to use another profile")),
    };
    let unusable = |message: String| {
        Failure::file(path, message, "mend it, or remove it and run `lilac_cli configure` again")
    };
    let mode = file.metadata().map_err(|error| unusable(error.to_string()))?.permissions().mode();
    let mut text = String::new();
    file.take(MAX_PROFILE_BYTES).read_to_string(&mut text).map_err(|error| unusable(error.to_string()))?;
    let profile: Profile = toml::from_str(&text).map_err(|error| {
        // The parser's own report quotes the line, which may be the one with the token.
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        unusable(format!("line {line} is not as expected: {}", error.message()))
    })?;
    if profile.login.is_some() && mode & 0o077 != 0 {
        let hint = format!("run `chmod 600 {}`; if it was readable for long, log in again", path.display());
        return Err(Failure::file(path, "others can read this file, and it holds your login", &hint));
    }
    Ok(profile)
}

/// Writes the profile for its owner only, whole or not at all.
pub fn save(path: &Path, profile: &Profile) -> Result<(), Failure> {
    let text = toml::to_string(profile).map_err(|error| Failure::file(path, error, ""))?;
    write_private(path, text.as_bytes())
        .map_err(|error| Failure::file(path, error, "set LILAC_CONFIG to keep the profile elsewhere"))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_login() -> Profile {
        Profile {
            server: Some("http://127.0.0.1:8080".into()),
            login: Some(Login {
                username: "ada".into(),
                token: Secret("lilac_pat_x".into()),
                key_id: "0198c2f0-1111-7222-8333-abcdef012345".parse().unwrap(),
                expires_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            }),
        }
    }

    #[test]
    fn what_is_saved_is_loaded_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/cli.toml");
        assert_eq!(load(&path).unwrap(), Profile::default());
        save(&path, &with_login()).unwrap();
        assert_eq!(load(&path).unwrap(), with_login());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_login_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cli.toml");
        save(&path, &with_login()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("others can read"));
        save(&path, &Profile { login: None, ..with_login() }).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&path).is_ok(), "without a login there is nothing to hide");
    }

    #[test]
    fn a_broken_profile_names_its_line_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cli.toml");
        fs::write(&path, "server = \"x\"\n[login]\ntoken = \"lilac_pat_secret\" oops\n").unwrap();
        let message = load(&path).unwrap_err().to_string();
        assert!(message.contains("line 3"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
