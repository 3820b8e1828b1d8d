//! Images on this node: pulled once for all who want them at the same time, told of, kept for a while, and
//! made ready before a job comes.

mod credentials;
mod failure;
mod keeper;
mod ledger;
mod progress;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use lilac_api::agent::RegistryLogin;
use lilac_api::ids::AttemptId;
use lilac_api::image::{CachedImage, ImageProblem, MAX_PREFETCH, PullProgress, with_tag};
use lilac_api::secret::registry_of;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::core::Failure;
use crate::docker::{self, Link};
use credentials::Login;
use ledger::Ledger;

/// How often it is told how far a pull is.
const TELL_EVERY: Duration = Duration::from_secs(1);

type Work = BoxFuture<'static, Result<(), Failure>>;

/// The node's images.
#[derive(Clone)]
pub struct Images {
    inner: Arc<Inner>,
}

struct Inner {
    link: Link,
    settings: ImageSettings,
    ledger_path: PathBuf,
    ledger: Mutex<Ledger>,
    pulls: Mutex<Vec<UnderWay>>,
    /// Images of attempts that are here, whatever their stage.
    wanted: Mutex<HashMap<AttemptId, String>>,
    /// Images that jobs wait for.
    awaited: Mutex<Vec<String>>,
    /// Pulls that a job waits for.
    urgent: AtomicUsize,
    /// A pull that a job waits for begins.
    urgent_begins: Notify,
    /// The keeper has something to look at.
    stirred: Notify,
    /// What the node has, as the keeper saw it last.
    on_node: watch::Sender<Vec<CachedImage>>,
}

/// How images are kept.
#[derive(Clone, Debug)]
pub struct ImageSettings {
    /// Whether pulled images are removed at all.
    pub collect: bool,
    /// How long an image is kept that nobody uses.
    pub keep: Duration,
    /// From what share of the disk in use on images are removed, in percent.
    pub disk_high: u8,
    /// Until what share.
    pub disk_low: u8,
    /// Whether images that jobs wait for are pulled ahead.
    pub prefetch: bool,
    /// Docker's `config.json`, with the node's own logins.
    pub docker_config: PathBuf,
}

/// A pull that goes on for as long as anybody waits for it.
struct UnderWay {
    image: String,
    /// Nobody gets an image by another's login.
    login: Option<RegistryLogin>,
    work: WeakShared<Work>,
    progress: watch::Receiver<PullProgress>,
}

impl UnderWay {
    /// The pull, if anybody still waits for it.
    fn goes_on(&self) -> Option<Shared<Work>> {
        self.work.upgrade().filter(|work| work.peek().is_none())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Images {
    /// The images of the daemon at `link`; what was pulled is remembered in `state_dir`.
    #[must_use]
    pub fn new(settings: ImageSettings, state_dir: &Path, link: Link) -> Self {
        let ledger_path = state_dir.join("images.json");
        let inner = Inner {
            link,
            settings,
            ledger: Mutex::new(Ledger::load(&ledger_path)),
            ledger_path,
            pulls: Mutex::default(),
            wanted: Mutex::default(),
            awaited: Mutex::default(),
            urgent: AtomicUsize::new(0),
            urgent_begins: Notify::new(),
            stirred: Notify::new(),
            on_node: watch::Sender::new(Vec::new()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What the node has: at most as much as is told.
    #[must_use]
    pub fn on_node(&self) -> watch::Receiver<Vec<CachedImage>> {
        self.inner.on_node.subscribe()
    }

    /// An attempt came that needs the image: from now on it stays.
    pub fn want(&self, attempt: AttemptId, image: &str) {
        lock(&self.inner.wanted).insert(attempt, with_tag(image));
    }

    /// A container was made of the image.
    pub fn note_use(&self, image: &str) {
        lock(&self.inner.ledger).note_used(&with_tag(image), Utc::now());
    }

    /// The attempt and its container are gone.
    pub fn release(&self, attempt: AttemptId) {
        let image = lock(&self.inner.wanted).remove(&attempt);
        if let Some(image) = image {
            lock(&self.inner.ledger).note_used(&image, Utc::now());
            self.inner.stirred.notify_one();
        }
    }

    /// Jobs wait for these images.
    pub fn await_jobs(&self, images: Vec<String>) {
        let mut awaited = lock(&self.inner.awaited);
        let images: Vec<String> =
            images.into_iter().take(MAX_PREFETCH).map(|image| with_tag(&image)).collect();
        if self.inner.settings.prefetch && *awaited != images {
            *awaited = images;
            self.inner.stirred.notify_one();
        }
    }

    /// Pulls an image that a job waits for. Tells how far that is, at most once a second.
    pub async fn pull(
        &self,
        image: &str,
        login: Option<RegistryLogin>,
        told: impl Fn(PullProgress),
    ) -> Result<(), Failure> {
        let _urgent = Urgent::begin(self);
        self.pull_along(image, login, told).await
    }

    /// Joins a pull of the same image with the same login, or begins one.
    async fn pull_along(
        &self,
        image: &str,
        login: Option<RegistryLogin>,
        told: impl Fn(PullProgress),
    ) -> Result<(), Failure> {
        let (work, mut progress) = self.join(image, login);
        let mut work = pin!(work);
        let mut tell_at = Instant::now();
        progress.mark_changed();
        loop {
            tokio::select! {
                result = &mut work => return result,
                () = sleep_until(tell_at) => {}
            }
            tokio::select! {
                result = &mut work => return result,
                Ok(()) = progress.changed() => {
                    told(progress.borrow_and_update().clone());
                    tell_at = Instant::now() + TELL_EVERY;
                }
            }
        }
    }

    fn join(
        &self,
        image: &str,
        login: Option<RegistryLogin>,
    ) -> (Shared<Work>, watch::Receiver<PullProgress>) {
        let mut pulls = lock(&self.inner.pulls);
        let mut joined = None;
        pulls.retain(|pull| {
            let Some(work) = pull.goes_on() else { return false };
            if pull.image == image && pull.login == login {
                joined = Some((work, pull.progress.clone()));
            }
            true
        });
        if let Some(joined) = joined {
            return joined;
        }
        let (sender, progress) = watch::channel(PullProgress::default());
        let work = pull(self.clone(), image.to_owned(), login.clone(), sender).boxed().shared();
        if let Some(weak) = work.downgrade() {
            pulls.push(UnderWay { image: image.to_owned(), login, work: weak, progress: progress.clone() });
        }
        (work, progress)
    }

    /// Names that must stay: of attempts that are here, of jobs that wait, of pulls that are under way.
    fn needed(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = lock(&self.inner.wanted).values().cloned().collect();
        names.extend(lock(&self.inner.awaited).iter().cloned());
        let pulls = lock(&self.inner.pulls);
        names.extend(pulls.iter().filter(|pull| pull.goes_on().is_some()).map(|pull| with_tag(&pull.image)));
        names
    }

    fn is_urgent(&self) -> bool {
        self.inner.urgent.load(Ordering::SeqCst) > 0
    }
}

/// That a job waits for a pull.
struct Urgent<'a>(&'a Images);

impl<'a> Urgent<'a> {
    fn begin(images: &'a Images) -> Self {
        images.inner.urgent.fetch_add(1, Ordering::SeqCst);
        images.inner.urgent_begins.notify_waiters();
        Self(images)
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.inner.urgent.fetch_sub(1, Ordering::SeqCst);
        self.0.inner.stirred.notify_one();
    }
}

/// Pulls; where there is no room, removes what nobody uses and pulls once more.
async fn pull(
    images: Images,
    image: String,
    login: Option<RegistryLogin>,
    progress: watch::Sender<PullProgress>,
) -> Result<(), Failure> {
    let server = registry_of(&image);
    let login = match login {
        Some(login) => Login::Team(login),
        None => nodes_login(&images.inner.settings, &server).await,
    };
    tracing::info!(image, login = login.kind(), "pulling");
    let once = || async {
        let tell = |word| {
            progress.send_if_modified(|progress| progress::note(progress, &word));
        };
        let pulled = docker::pull(&images.inner.link, &image, &server, login.credentials(), tell).await;
        pulled.map_err(|failed| failure::of(failed, &login))
    };
    let mut pulled = once().await;
    if let Err(Failure::Pull(ImageProblem::DiskFull, _)) = &pulled
        && images.make_room().await
    {
        tracing::info!(image, "pulling again, after room was made");
        pulled = once().await;
    }
    pulled?;
    let name = with_tag(&image);
    if let Ok(Some((id, _))) = docker::find_image(&images.inner.link, &name).await {
        lock(&images.inner.ledger).note_pulled(&name, &id, Utc::now());
    }
    Ok(())
}

async fn nodes_login(settings: &ImageSettings, server: &str) -> Login {
    let (config, server) = (settings.docker_config.clone(), server.to_owned());
    match spawn_blocking(move || credentials::of_node(&config, &server)).await {
        Ok(Some(credentials)) => Login::Node(credentials),
        _ => Login::None,
    }
}
