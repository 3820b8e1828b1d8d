//! Profiles: which server to talk to, and the login for it. Most people have one; it has no name.
//!
//! It holds a secret, so it is readable by its owner only, and refused when others can read it. The login
//! belongs to the server that gave it and is never sent to another.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use lilac_api::ApiKeyId;
use lilac_api::auth::Secret;
use serde::{Deserialize, Serialize};

use crate::args::Global;
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

/// The file: the profile without a name, those with one, and which of them is used where nobody says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<Login>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, Profile>,
}

impl Stored {
    /// The profile of that name; without one, the one that has none.
    pub fn profile(&self, name: Option<&str>) -> Profile {
        match name {
            Some(name) => self.profiles.get(name).cloned().unwrap_or_default(),
            None => Profile { server: self.server.clone(), login: self.login.clone() },
        }
    }

    fn set(&mut self, name: Option<&str>, profile: Profile) {
        match name {
            Some(name) => {
                self.profiles.insert(name.to_owned(), profile);
            }
            None => (self.server, self.login) = (profile.server, profile.login),
        }
    }

    fn has_login(&self) -> bool {
        self.login.is_some() || self.profiles.values().any(|profile| profile.login.is_some())
    }
}

/// Which profile of which file.
#[derive(Clone, Debug)]
pub struct Place {
    pub path: PathBuf,
    /// The profile asked for.
    name: Option<String>,
}

/// The name by which the profile is chosen that has none.
pub const UNNAMED: &str = "default";

impl Place {
    /// The name of the profile that is meant; none for the one without a name.
    pub fn name<'a>(&'a self, stored: &'a Stored) -> Option<&'a str> {
        self.name.as_deref().or(stored.current.as_deref()).filter(|name| *name != UNNAMED)
    }
}

/// The profile of this invocation.
pub fn place(global: &Global) -> Result<Place, Failure> {
    if let Some(name) = global.profile() {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.len() > 63 || !name.chars().all(is_plain) {
            let hint = "it has 1 to 63 characters of letters, digits, `.`, `_`, `-`";
            return Err(Failure::usage(format!("`{name}` is no name of a profile"), hint));
        }
    }
    Ok(Place { path: path()?, name: global.profile().map(str::to_owned) })
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

/// Where profiles are: `$LILAC_CONFIG`, else `~/.config/lilac/cli.toml`.
fn path() -> Result<PathBuf, Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("LILAC_CONFIG")
        .or_else(|| set("XDG_CONFIG_HOME").map(|folder| folder.join("lilac/cli.toml")))
        .or_else(|| set("HOME").map(|home| home.join(".config/lilac/cli.toml")))
        .ok_or_else(|| Failure::usage("there is no place for the profile", "set HOME or LILAC_CONFIG"))
}

/// The profile that is meant; an empty one where there is none.
pub fn load(place: &Place) -> Result<Profile, Failure> {
    let stored = stored(&place.path)?;
    Ok(stored.profile(place.name(&stored)))
}

/// Writes the profile that is meant, and leaves the others as they are.
pub fn save(place: &Place, profile: &Profile) -> Result<(), Failure> {
    let mut stored = stored(&place.path)?;
    let name = place.name(&stored).map(str::to_owned);
    stored.set(name.as_deref(), profile.clone());
    store(&place.path, &stored)
}

/// All profiles at `path`; none where there is no such file.
pub fn stored(path: &Path) -> Result<Stored, Failure> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
        Err(error) => return Err(Failure::file(path, error, "set LILAC_CONFIG to use another profile")),
    };
    let unusable = |message: String| {
        Failure::file(path, message, "mend it, or remove it and run `lilac_cli configure` again")
    };
    let mode = file.metadata().map_err(|error| unusable(error.to_string()))?.permissions().mode();
    let mut text = String::new();
    file.take(MAX_PROFILE_BYTES).read_to_string(&mut text).map_err(|error| unusable(error.to_string()))?;
    let stored: Stored = toml::from_str(&text).map_err(|error| {
        // The parser's own report quotes the line, which may be the one with the token.
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        unusable(format!("line {line} is not as expected: {}", error.message()))
    })?;
    if stored.has_login() && mode & 0o077 != 0 {
        let hint = format!("run `chmod 600 {}`; if it was readable for long, log in again", path.display());
        return Err(Failure::file(path, "others can read this file, and it holds your login", &hint));
    }
    Ok(stored)
}

/// Writes profiles for their owner only, whole or not at all.
pub fn store(path: &Path, stored: &Stored) -> Result<(), Failure> {
    let text = toml::to_string(stored).map_err(|error| Failure::file(path, error, ""))?;
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

    fn at(path: &Path) -> Place {
        Place { path: path.to_owned(), name: None }
    }

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
        assert_eq!(load(&at(&path)).unwrap(), Profile::default());
        save(&at(&path), &with_login()).unwrap();
        assert_eq!(load(&at(&path)).unwrap(), with_login());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn profiles_stand_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cli.toml");
        let lab = Place { path: path.clone(), name: Some("lab".into()) };
        save(&at(&path), &with_login()).unwrap();
        let other = Profile { server: Some("http://lab:8080".into()), login: None };
        save(&lab, &other).unwrap();
        assert_eq!((load(&at(&path)).unwrap(), load(&lab).unwrap()), (with_login(), other.clone()));
        let mut all = stored(&path).unwrap();
        all.current = Some("lab".into());
        store(&path, &all).unwrap();
        assert_eq!(load(&at(&path)).unwrap(), other);
        let unnamed = Place { path, name: Some(UNNAMED.into()) };
        assert_eq!(load(&unnamed).unwrap(), with_login());
    }

    #[test]
    fn a_login_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cli.toml");
        save(&at(&path), &with_login()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&at(&path)).unwrap_err().to_string().contains("others can read"));
        fs::remove_file(&path).unwrap();
        save(&at(&path), &Profile { login: None, ..with_login() }).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load(&at(&path)).is_ok(), "without a login there is nothing to hide");
    }

    #[test]
    fn a_broken_profile_names_its_line_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cli.toml");
        fs::write(&path, "server = \"x\"\n[login]\ntoken = \"lilac_pat_secret\" oops\n").unwrap();
        let message = load(&at(&path)).unwrap_err().to_string();
        assert!(message.contains("line 3"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
