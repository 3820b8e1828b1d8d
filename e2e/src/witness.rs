//! A file that containers write to while they run: evidence that comes from nobody's word.
//!
//! Every line names a job, an attempt, a process by its container and its number there, and a time on the machine's own
//! clock, which all of a test's nodes share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::secret::CreateVolume;
use lilac_api::spec::{JobSpec, VolumeMount};

use crate::jobs::script;
use crate::stalls::Stalls;

const VOLUME: &str = "witness";
/// Before anything else, and then twenty times a second.
const SIGN: &str = r#"read host < /proc/sys/kernel/hostname; sign() { read up rest < /proc/uptime; echo "$LILAC_JOB_ID $LILAC_ATTEMPT $host/$$ $up" >> /witness/marks; }; sign; "#;

/// How long after the end of its lease a container may be alive: what is promised.
const DEAD_WITHIN_MS: u64 = 300;

pub struct Witness {
    folder: PathBuf,
    stalls: Stalls,
}

/// When one attempt of a job was seen, in ms since the machine was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub epoch: u32,
    pub first_ms: u64,
    pub last_ms: u64,
}

impl Witness {
    /// Makes the folder, and the volume that leads to it.
    pub async fn new(client: &Client, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        let folder = folder.canonicalize()?;
        let volume = CreateVolume {
            name: VOLUME.to_owned(),
            host_path: folder.display().to_string(),
            read_only: false,
            teams: Vec::new(),
            clusters: Vec::new(),
        };
        client.create_volume(&volume).await?;
        Ok(Self { folder, stalls: Stalls::watch() })
    }

    /// A job that signs for as long as it lives, and then does as `body` says. In `body`, `sign` signs once more.
    #[must_use]
    pub fn job(&self, name: &str, body: &str) -> JobSpec {
        let mount = VolumeMount { name: VOLUME.to_owned(), target: "/witness".to_owned(), read_only: false };
        JobSpec { volumes: vec![mount], ..script(name, &format!("{SIGN}{body}")) }
    }

    /// A file beside the marks.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// By when a container must be dead whose lease ends at `lease_until`: within 300 ms, and what this machine slept
    /// through meanwhile. A kernel that has no time for anybody ends nobody, and lets nobody sign; but what it does first
    /// when it has time again is not promised.
    #[must_use]
    pub fn dead_by(&self, lease_until: u64) -> u64 {
        lease_until + DEAD_WITHIN_MS + self.stalls.around(lease_until)
    }

    /// All attempts of a job, by when they were seen first. An error where two were alive at once, or where one was run
    /// by two containers.
    pub fn of(&self, job: JobId) -> Result<Vec<Seen>> {
        self.of_ranks(job, 1)
    }

    /// The same of a job on several nodes, each attempt of which is run by so many containers.
    pub fn of_ranks(&self, job: JobId, ranks: usize) -> Result<Vec<Seen>> {
        let marks = std::fs::read_to_string(self.path("marks")).context("nobody signed")?;
        let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
        let mut who: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        for line in marks.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [of, epoch, process, secs] = words.as_slice() else { continue };
            if *of != job.to_string() {
                continue;
            }
            let (epoch, at) = (epoch.parse()?, since_boot_ms(secs)?);
            let all = who.entry(epoch).or_default();
            all.insert(process);
            ensure!(all.len() <= ranks, "attempt {epoch} of {job} was run by {all:?}");
            let one = seen.entry(epoch).or_insert(Seen { epoch, first_ms: at, last_ms: at });
            (one.first_ms, one.last_ms) = (one.first_ms.min(at), one.last_ms.max(at));
        }
        let mut seen: Vec<Seen> = seen.into_values().collect();
        seen.sort_by_key(|one| one.first_ms);
        for pair in seen.windows(2) {
            ensure!(pair[0].last_ms < pair[1].first_ms, "two at once: {seen:?}");
        }
        Ok(seen)
    }
}

/// `12.34`, as the kernel writes it.
fn since_boot_ms(secs: &str) -> Result<u64> {
    let (whole, part) = secs.split_once('.').context("no time")?;
    Ok(whole.parse::<u64>()? * 1_000 + part.parse::<u64>()? * 10)
}
