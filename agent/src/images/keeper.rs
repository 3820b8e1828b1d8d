//! Keeping house: telling what the node has, removing what nobody used for long or what the disk has no room
//! for, pulling ahead what jobs wait for.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use lilac_api::image::{CachedImage, MAX_CACHED_IMAGES};
use nix::sys::statvfs::statvfs;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::{Images, lock};
use crate::docker;

/// How often the node is looked at when nothing stirs.
const ROUND_EVERY: Duration = Duration::from_secs(60);
/// The least time between two rounds.
const SPACING: Duration = Duration::from_secs(3);
/// How long an image that could not be pulled ahead is left alone.
const FAILED_FOR: Duration = Duration::from_secs(600);

/// What the keeper remembers from round to round.
#[derive(Default)]
struct Memory {
    root: Option<PathBuf>,
    failed: HashMap<String, Instant>,
}

impl Images {
    /// Keeps house for as long as the agent runs.
    pub async fn keep(self) {
        let mut memory = Memory::default();
        loop {
            if let Err(error) = self.round(&mut memory).await {
                tracing::debug!(error = docker::words(&error), "cannot look after the images");
            }
            sleep(SPACING).await;
            // Whatever stirs is looked at in the next round.
            let _ = timeout(ROUND_EVERY, self.inner.stirred.notified()).await;
        }
    }

    async fn round(&self, memory: &mut Memory) -> Result<(), docker::Error> {
        if memory.root.is_none() {
            memory.root = docker::root_folder(&self.inner.link).await?;
        }
        let settings = &self.inner.settings;
        if settings.collect {
            self.collect(memory.root.as_deref(), false).await?;
        }
        self.look().await?;
        if settings.prefetch {
            self.pull_ahead(memory).await?;
        }
        let images = self.clone();
        let saved = spawn_blocking(move || lock(&images.inner.ledger).save(&images.inner.ledger_path)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "cannot write down which images were pulled");
        }
        Ok(())
    }

    /// Takes in what the node has, those used last first.
    async fn look(&self) -> Result<(), docker::Error> {
        let mut images = docker::images(&self.inner.link).await?;
        {
            let ledger = lock(&self.inner.ledger);
            let rank = |image: &CachedImage| std::cmp::Reverse(ledger.last_used(&image.names));
            images.sort_by_cached_key(|image| (rank(image), image.id.clone()));
        }
        images.truncate(MAX_CACHED_IMAGES);
        self.inner.on_node.send_if_modified(|known| {
            let is_new = *known != images;
            *known = images;
            is_new
        });
        Ok(())
    }

    /// Removes images to make room at once; says whether any went.
    pub(super) async fn make_room(&self) -> bool {
        if !self.inner.settings.collect {
            return false;
        }
        match self.collect(None, true).await {
            Ok(removed) => removed > 0,
            Err(error) => {
                tracing::warn!(error = docker::words(&error), "cannot make room for an image");
                false
            }
        }
    }

    /// Removes what is over its time, and what the disk has no room for. Says how many went.
    async fn collect(&self, root: Option<&Path>, at_once: bool) -> Result<usize, docker::Error> {
        let settings = &self.inner.settings;
        let is_over = |percent: u8| root.and_then(used_percent).is_some_and(|used| used >= percent);
        let wants_room = at_once || is_over(settings.disk_high);
        let keep = TimeDelta::from_std(settings.keep).unwrap_or(TimeDelta::MAX);
        let due = lock(&self.inner.ledger).disposable(Utc::now(), keep, wants_room, &self.needed());
        if due.is_empty() {
            return Ok(0);
        }
        let in_use = self.ids_in_use().await?;
        let mut removed = 0;
        for (name, entry) in due {
            let is_old = Utc::now() - entry.last_used_at >= keep;
            if !is_old && !at_once && !is_over(settings.disk_low) {
                break;
            }
            // An attempt may have come meanwhile.
            if in_use.contains(&entry.id) || self.needed().contains(&name) {
                continue;
            }
            let found = docker::find_image(&self.inner.link, &name).await?;
            // A name that means something else by now is somebody else's; so is an image that has other names.
            let is_ours = found.is_some_and(|(id, names)| id == entry.id && (name != entry.id || names == 0));
            if is_ours && docker::remove_image(&self.inner.link, &name).await? {
                tracing::info!(image = name, last_used_at = %entry.last_used_at, wants_room, "removed an unused image");
                removed += 1;
            }
            lock(&self.inner.ledger).forget(&name);
        }
        Ok(removed)
    }

    /// Ids of images that containers were made of, or will be.
    async fn ids_in_use(&self) -> Result<BTreeSet<String>, docker::Error> {
        let mut ids = docker::images_in_use(&self.inner.link).await?;
        for name in self.needed() {
            // Another spelling of a name is another name, but the same image.
            ids.extend(docker::find_image(&self.inner.link, &name).await?.map(|(id, _)| id));
        }
        Ok(ids)
    }

    /// Pulls what jobs wait for, one image at a time, while no job waits for a pull and there is room.
    async fn pull_ahead(&self, memory: &mut Memory) -> Result<(), docker::Error> {
        let awaited = lock(&self.inner.awaited).clone();
        memory.failed.retain(|image, at| awaited.contains(image) && at.elapsed() < FAILED_FOR);
        for image in awaited {
            let has_room = memory.root.as_deref().and_then(used_percent);
            if has_room.is_none_or(|used| used >= self.inner.settings.disk_low) {
                return Ok(());
            }
            if memory.failed.contains_key(&image)
                || docker::find_image(&self.inner.link, &image).await?.is_some()
            {
                continue;
            }
            let urgent_begins = self.inner.urgent_begins.notified();
            if self.is_urgent() {
                return Ok(());
            }
            tracing::info!(image, "pulling ahead: jobs wait for it");
            tokio::select! {
                pulled = self.pull_along(&image, None, |_| {}) => match pulled {
                    Ok(()) => self.look().await?,
                    Err(failure) => {
                        tracing::info!(image, ?failure, "it cannot be pulled ahead");
                        memory.failed.insert(image, Instant::now());
                    }
                },
                // A job comes first. Where it wants the same image, it has joined by now.
                () = urgent_begins => return Ok(()),
            }
        }
        Ok(())
    }
}

/// How much of the disk below a folder is in use, as those see it who may not use its last reserve.
fn used_percent(folder: &Path) -> Option<u8> {
    let stat = statvfs(folder).ok()?;
    let used = stat.blocks().checked_sub(stat.blocks_free())?;
    let usable = used.checked_add(stat.blocks_available())?;
    u8::try_from(used.saturating_mul(100).checked_div(usable)?).ok()
}
