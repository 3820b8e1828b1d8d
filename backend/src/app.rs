//! Starts the control plane and stops it again.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waiting, Poll};
use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::auth::Secret;
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::auth::bootstrap;
use crate::auth::keys::{self, Keys};
use crate::auth::known::Callers;
use crate::auth::oidc::Provider;
use crate::auth::password::Passwords;
use crate::auth::settings::AuthSettings;
use crate::auth::throttle::Throttle;
use crate::bell::Bell;
use crate::blob::{self, Store};
use crate::cluster::images::Awaited;
use crate::cluster::quiet::{self, QuietNodes};
use crate::config::{Config, KeepConfig, LimitConfig};
use crate::hook::HookSettings;
use crate::interactive::Relays;
use crate::limits::Limits;
use crate::observe::metrics;
use crate::observe::sample::{self, Sampled};
use crate::output::OutputLimits;
use crate::secret::rotate;
use crate::secret::vault::Vault;
use crate::streams::Streams;
use crate::training_job::committer::Committer;
use crate::{db, embedded, router, scheduler, serve};

/// How long requests in flight may take to end at a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// Connections to the metrics' own address.
const MAX_SCRAPES: usize = 32;
/// Files that are open beside the connections: those to the database above all.
const FILES_BESIDE_CONNECTIONS: u64 = 1024;

/// What every request can reach.
pub struct App {
    pub pool: PgPool,
    pub bell: Bell,
    pub keys: Keys,
    pub passwords: Passwords,
    /// Seals what the database keeps and may not know.
    pub vault: Vault,
    /// Callers seen lately.
    pub callers: Callers,
    /// Nodes with nothing to do.
    pub quiet: QuietNodes,
    pub throttle: Throttle,
    pub auth: AuthSettings,
    /// The provider of single sign-on, where there is one.
    pub sso: Option<Provider>,
    pub committer: Committer,
    /// The connection by which the scheduler hears of changes, a hundred times a second.
    pub feed: PgPool,
    /// What the scheduler knows.
    pub desk: scheduler::Desk,
    pub settings: Settings,
    pub streams: Streams,
    /// Programs and ports in containers that are reached through this server.
    pub relays: Relays,
    pub limits: Limits,
    /// Images that jobs wait for.
    pub awaited: Awaited,
    /// When the figures of the metrics were fresh.
    pub sampled: Sampled,
    /// Says at a stop that this server is about to go: `readyz` tells so, and another replica leads. Whoever
    /// stops at once does both.
    pub draining: CancellationToken,
    /// Ends held requests and background work at a stop, a moment later.
    pub stopping: CancellationToken,
}

/// What an application is told at its start.
pub struct Settings {
    /// Logs and outputs.
    pub store: Store,
    /// How long an ended attempt's log stays in the database: it is read most then.
    pub log_settles: Duration,
    /// How long a log is kept.
    pub log_keep: Duration,
    /// What a task may leave as its outputs.
    pub outputs: OutputLimits,
    /// Rates beyond which requests are refused.
    pub limits: LimitConfig,
    /// How long what has ended is kept.
    pub keep: KeepConfig,
    /// How hooks are told.
    pub hooks: HookSettings,
    /// Where agents reach this server and no other, where that has an address of its own.
    pub advertise_url: Option<String>,
    /// How long a request's body may pause.
    pub body_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: blob::in_memory(),
            log_settles: Duration::from_secs(60),
            log_keep: Duration::from_secs(90 * 86_400),
            outputs: OutputLimits::default(),
            limits: LimitConfig::default(),
            keep: KeepConfig::default(),
            hooks: HookSettings::default(),
            advertise_url: None,
            body_pause: Duration::from_secs(30),
        }
    }
}

impl App {
    /// An application on a database whose schema is up to date, with the encryption key that follows from the
    /// secret key.
    pub fn new(pool: PgPool, secret: &Secret) -> Result<Arc<Self>> {
        Self::with_vault(pool, secret, Vault::derived(secret)?)
    }

    /// As [`App::new`], with encryption keys of its own.
    pub fn with_vault(pool: PgPool, secret: &Secret, vault: Vault) -> Result<Arc<Self>> {
        Self::with(pool, secret, vault, AuthSettings::default(), Settings::default())
    }

    /// As [`App::new`], with settings of who may log in and how.
    pub fn with_auth(pool: PgPool, secret: &Secret, auth: AuthSettings) -> Result<Arc<Self>> {
        Self::with(pool, secret, Vault::derived(secret)?, auth, Settings::default())
    }

    /// An application as its settings say.
    pub fn with(
        pool: PgPool,
        secret: &Secret,
        vault: Vault,
        auth: AuthSettings,
        settings: Settings,
    ) -> Result<Arc<Self>> {
        let stopping = CancellationToken::new();
        let bell = Bell::start(pool.clone());
        Ok(Arc::new(Self {
            vault,
            relays: Relays::start(&bell),
            bell,
            keys: Keys::new(secret),
            passwords: Passwords::new()?,
            callers: Callers::default(),
            quiet: QuietNodes::default(),
            throttle: Throttle::default(),
            sso: auth.oidc.clone().map(Provider::new).transpose()?,
            auth,
            committer: Committer::new(pool.clone()),
            feed: db::planned_once(&pool, 1),
            desk: scheduler::Desk::default(),
            limits: Limits::new(&settings.limits),
            settings,
            streams: Streams::default(),
            pool,
            awaited: Awaited::default(),
            sampled: Sampled::default(),
            draining: stopping.child_token(),
            stopping,
        }))
    }
}

/// Runs the server until a signal ends it.
pub async fn serve(config: Config) -> Result<()> {
    // What is measured from here on is kept.
    let _ = metrics::exposition();
    raise_file_limit(config.max_connections);
    let secret = keys::load_or_generate(config.secret_key.as_ref(), &config.data_dir)?;
    let (url, embedded) = match &config.database_url {
        Some(url) => (url.clone(), false),
        None => (Secret(embedded::start(&config.data_dir, &embedded::Options::default()).await?), true),
    };
    let pool = db::connect(&url, config.database_connections).await?;
    let vault = vault(&config, &secret)?;
    rotate::check_keys(&pool, &vault).await?;
    let store = blob::open(&config.store, &config.data_dir)?;
    let settings = Settings {
        store,
        log_keep: config.log_keep,
        outputs: config.outputs,
        limits: config.limits.clone(),
        keep: config.keep.clone(),
        hooks: HookSettings { targets: config.hook_targets.clone(), ..HookSettings::default() },
        advertise_url: config.advertise_url.clone(),
        ..Settings::default()
    };
    let app = App::with(pool, &secret, vault, config.auth.clone(), settings)?;
    bootstrap::run(&app, config.admin_password.as_ref()).await?;
    let listener = listen(config.listen).await?;
    tracing::info!(address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"), "serving");

    let background = scheduler::start(app.clone());
    tokio::spawn(sample::tidy(app.clone()));
    tokio::spawn(quiet::keep_written(app.clone()));
    if let Some(address) = config.metrics_listen {
        let router = router::metrics_alone(app.clone());
        let (listener, stopping) = (listen(address).await?, app.stopping.clone());
        tracing::info!(address = %listener.local_addr()?, "serving metrics");
        tokio::spawn(serve::serve(listener, router, MAX_SCRAPES, stopping, Duration::ZERO));
    }
    tokio::spawn(stop_on_signal(app.clone(), config.stop_delay));
    let router = router::build_with(app.clone(), &config.trusted_proxies);
    serve::serve(listener, router, config.max_connections, app.stopping.clone(), STOP_PATIENCE).await;
    background.stop().await;
    app.pool.close().await;
    if embedded {
        embedded::stop(&config.data_dir).await?;
    }
    Ok(())
}

fn vault(config: &Config, secret: &Secret) -> Result<Vault> {
    Vault::new(config.encryption_key.as_ref(), config.encryption_keys_old.as_ref(), secret)
}

/// `server rotate-keys`: afterwards the older encryption keys are not needed any more. Servers may run meanwhile,
/// if they have the new key.
pub async fn rotate_keys(config: Config) -> Result<()> {
    let secret = keys::load_or_generate(config.secret_key.as_ref(), &config.data_dir)?;
    let url = match &config.database_url {
        Some(url) => url.clone(),
        None => Secret(embedded::start(&config.data_dir, &embedded::Options::default()).await?),
    };
    let pool = db::connect(&url, 2).await?;
    let vault = vault(&config, &secret)?;
    rotate::check_keys(&pool, &vault).await?;
    let changed = rotate::run(&pool, &vault).await?;
    tracing::info!(changed, "everything is sealed under the present encryption key");
    pool.close().await;
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// A stop has two steps: first this server says that it goes, and hands over what it leads; a moment later, when
/// whoever sends it requests has heard so, it takes no more of them.
async fn stop_on_signal(app: Arc<App>, delay: Duration) {
    stop_signal().await;
    tracing::info!("stopping");
    app.draining.cancel();
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        // Whoever asks twice is in a hurry.
        () = stop_signal() => {}
    }
    app.stopping.cancel();
}

/// Each connection is a file; what is allowed at first is often less than what may be had.
fn raise_file_limit(max_connections: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let needed = max_connections as u64 + FILES_BESIDE_CONNECTIONS;
    let wanted = needed.min(hard);
    let mut files = soft;
    if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        files = wanted;
        tracing::info!(files, before = soft, "more files may be open now");
    }
    if files < needed {
        tracing::warn!(
            files,
            needed,
            "fewer files may be open than the connections need: raise the hard limit"
        );
    }
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Runs a future to its end even when the request that asked for it is dropped: a write transaction must
/// never be cut off in the middle (a pool may hand its connection on with the transaction still open).
pub async fn detached<T: 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    // What it logs belongs to the request all the same.
    let work: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(work.in_current_span());
    Detached(Some(work)).await
}

/// Work that goes on as a task of its own where nobody waits for it any more. While somebody does it is part of their
/// task, which spares it two changes of hands.
struct Detached<T: 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, waiting: &mut Waiting<'_>) -> Poll<T> {
        // Out of its place meanwhile: work that panics has ended.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(waiting);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        polled
    }
}

impl<T: 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { drop(work.await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn work_goes_on_where_its_caller_is_gone() {
        let (told, mut heard) = mpsc::channel(2);
        let (go_on, waits) = oneshot::channel::<()>();
        let work = detached(async move {
            let _ = told.send("begun").await;
            let _ = waits.await;
            let _ = told.send("ended").await;
        });
        let caller = tokio::spawn(work);
        assert_eq!(heard.recv().await, Some("begun"));
        caller.abort();
        assert!(caller.await.is_err_and(|error| error.is_cancelled()), "the caller was to go first");
        assert!(go_on.send(()).is_ok(), "the work went with its caller");
        assert_eq!(heard.recv().await, Some("ended"));
    }

    #[tokio::test]
    async fn work_that_panics_takes_its_caller_along_and_does_not_go_on() {
        let caller = tokio::spawn(detached(async { assert_eq!(1, 2, "as it must") }));
        assert!(caller.await.is_err_and(|error| error.is_panic()));
    }
}
