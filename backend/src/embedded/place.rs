//! Where the embedded database lives, and whether the user that it runs as gets there.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};

use super::NAME;

/// Who runs PostgreSQL when we are root.
const UNPRIVILEGED: &str = "nobody";
/// The longest path of a socket that every system takes (104 bytes on macOS, 108 on Linux, one for the end).
const MAX_SOCKET_PATH_BYTES: usize = 103;
/// How much of the log goes into an error.
const LOG_TAIL_LINES: usize = 12;

/// The folders of one embedded database.
pub(super) struct Place {
    /// The server's data folder.
    pub base: PathBuf,
    pub root: PathBuf,
    pub data: PathBuf,
    pub run: PathBuf,
    pub log: PathBuf,
    /// Set when we are root.
    pub unprivileged: Option<User>,
}

impl Place {
    pub(super) fn new(data_dir: &Path) -> Result<Self> {
        let base = std::path::absolute(data_dir)
            .with_context(|| format!("cannot find the folder {}", data_dir.display()))?;
        if base.to_str().is_none_or(|path| path.contains(['\'', '\n', '\\'])) {
            bail!("the data folder {} has a quote, a backslash or worse in its name", base.display());
        }
        let root = base.join("postgres");
        let unprivileged = match geteuid().is_root() {
            true => Some(
                User::from_name(UNPRIVILEGED)
                    .context("cannot read the users of this machine")?
                    .with_context(|| {
                        format!("PostgreSQL must not run as root, and there is no user `{UNPRIVILEGED}`")
                    })?,
            ),
            false => None,
        };
        let (data, run, log) = (root.join("data"), root.join("run"), root.join("log"));
        Ok(Self { base, root, data, run, log, unprivileged })
    }

    pub(super) fn is_initialised(&self) -> bool {
        self.data.join("PG_VERSION").exists()
    }

    /// Makes the folders, for their owner only, and sees to it that their owner gets there.
    pub(super) fn prepare(&self) -> Result<()> {
        std::fs::create_dir_all(&self.base)
            .with_context(|| format!("cannot make the data folder {}", self.base.display()))?;
        for folder in [&self.root, &self.run, &self.log] {
            if !folder.exists() {
                std::fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            }
            std::fs::set_permissions(folder, Permissions::from_mode(0o700))
                .with_context(|| format!("cannot set the mode of {}", folder.display()))?;
            if let Some(user) = &self.unprivileged {
                chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                    .with_context(|| format!("cannot give {} to `{}`", folder.display(), user.name))?;
            }
        }
        let Some(user) = &self.unprivileged else { return Ok(()) };
        // The data folder is ours to open, to pass through and not to read; those above it are not.
        let metadata = self.base.metadata()?;
        if metadata.uid() == 0 && metadata.mode() & 0o001 == 0 {
            std::fs::set_permissions(&self.base, Permissions::from_mode(metadata.mode() & 0o7777 | 0o011))?;
        }
        if let Some(closed) = first_closed(&self.base, user)? {
            bail!(
                "PostgreSQL runs as `{}`, which cannot pass through {}: `chmod o+x {0}`, or choose another LILAC_DATA_DIR",
                user.name,
                closed.display(),
            );
        }
        Ok(())
    }

    /// Holds off other servers that would start or stop the same database at the same time.
    pub(super) async fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        tokio::task::spawn_blocking(move || {
            let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
            Ok(file)
        })
        .await?
    }

    pub(super) fn check_socket(&self, port: u16) -> Result<()> {
        let socket = self.run.join(format!(".s.PGSQL.{port}"));
        if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            bail!(
                "{} is too long for the name of a socket; choose a shorter LILAC_DATA_DIR",
                socket.display()
            );
        }
        Ok(())
    }

    /// The URL of the database by its socket.
    pub(super) fn url(&self, port: u16) -> String {
        let folder = percent_encoded(&self.run.to_string_lossy());
        format!("postgres://{NAME}@localhost:{port}/{NAME}?host={folder}")
    }

    /// The last lines that PostgreSQL wrote.
    pub(super) fn log_tail(&self) -> String {
        let newest = std::fs::read_dir(&self.log)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .max();
        let mut text = std::fs::read_to_string(self.log.join("startup.log")).unwrap_or_default();
        if let Some((_, path)) = newest {
            text.push_str(&std::fs::read_to_string(path).unwrap_or_default());
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

/// The first folder on the way to `path`, itself included, that `user` cannot pass through.
pub(super) fn first_closed(path: &Path, user: &User) -> Result<Option<PathBuf>> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    for folder in folders {
        let metadata =
            folder.metadata().with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let needed = match (metadata.uid() == user.uid.as_raw(), metadata.gid() == user.gid.as_raw()) {
            (true, _) => 0o100,
            (_, true) => 0o010,
            _ => 0o001,
        };
        if metadata.mode() & needed == 0 {
            return Ok(Some(folder.to_owned()));
        }
    }
    Ok(None)
}

fn percent_encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_survives_blanks_and_umlauts() {
        assert_eq!(percent_encoded("/var/lib/li lac/ü"), "/var/lib/li%20lac/%C3%BC");
    }

    #[test]
    fn the_closed_folder_is_named() {
        let nobody = User::from_name(UNPRIVILEGED).unwrap().unwrap();
        if geteuid() == nobody.uid {
            eprintln!("skipped: the tests run as `{UNPRIVILEGED}`");
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("closed/open");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(first_closed(&inner, &nobody).unwrap(), None);
        let closed = root.path().join("closed");
        std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
        assert_eq!(first_closed(&inner, &nobody).unwrap(), Some(closed));
    }
}
