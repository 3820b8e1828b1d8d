//! Which replica leads. One row names the leader, its term and until when it leads unless it renews. Taking
//! over is one compare-and-set that raises the term; each of the leader's transactions locks the row in share
//! mode and checks the term, so that a leader which was overtaken commits nothing.
//!
//! An advisory lock makes it quick. The leader's session holds it and the row says so: whoever gets the lock then
//! knows that the session is gone, and takes over without waiting for the row to expire. The lock is a hint and
//! proves nothing; a leader that is frozen or cut off still holds it, and is replaced when its row expires.
//!
//! Safety never needs a leader (grants and results are guarded row by row): it only avoids doing work twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use lilac_api::problem::ErrorCode;
use metrics::gauge;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::invariants;
use crate::app::App;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};

/// A leader that has not renewed for this long may be replaced.
const LEADS_FOR: Duration = Duration::from_secs(4);
/// How often a leader renews, and another replica looks whether the row has expired.
pub const RENEW_EVERY: Duration = Duration::from_millis(1000);
/// How often another replica tries to get the lock.
const TRY_LOCK_EVERY: Duration = Duration::from_millis(250);
/// How long one round of asking may take: a connection that died silently must not cost a term.
const ROUND_TIMEOUT: Duration = Duration::from_secs(2);
/// Any number, as long as nothing else in Lilac locks it.
const LOCK: i64 = 0x6c69_6c61_6c65_6164;

/// Proof of leadership, as good as the check in the transaction that uses it.
#[derive(Clone, Copy, Debug)]
pub struct Term(i64);

/// This replica's knowledge of whether it leads.
#[derive(Clone)]
pub struct Holder {
    id: Uuid,
    /// The term that this replica leads in; 0 when it does not.
    term: Arc<AtomicI64>,
}

impl Holder {
    #[expect(
        clippy::new_without_default,
        reason = "each holder is another one: a fresh id is no default value"
    )]
    pub fn new() -> Self {
        Self { id: Uuid::now_v7(), term: Arc::new(AtomicI64::new(0)) }
    }

    pub fn term(&self) -> Option<Term> {
        let term = self.term.load(Ordering::Acquire);
        (term > 0).then_some(Term(term))
    }
}

/// Takes over, renews, and hands over at a stop.
pub async fn hold(app: Arc<App>, holder: Holder) {
    let mut refused = None;
    let mut lock = Lock::default();
    loop {
        let round = tokio::time::timeout(ROUND_TIMEOUT, campaign(&app, &holder, &mut lock)).await;
        match round {
            Ok(Ok(Some(term))) if holder.term.load(Ordering::Acquire) != term => {
                if refused != Some(term) {
                    begin(&app, &holder, term, &mut refused).await;
                }
            }
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => {
                let before = holder.term.swap(0, Ordering::AcqRel);
                if before != 0 {
                    tracing::warn!(term = before, "another replica leads now");
                }
            }
            Ok(Err(error)) => {
                lock = Lock::default();
                tracing::debug!(%error, "cannot tell who leads");
            }
            Err(_) => lock = Lock::default(),
        }
        let term = holder.term.load(Ordering::Acquire);
        gauge!("lilac_leader").set(f64::from(u8::from(term != 0)));
        gauge!("lilac_leader_term").set(term as f64);
        tokio::select! {
            () = tokio::time::sleep(if term == 0 { TRY_LOCK_EVERY } else { RENEW_EVERY }) => {}
            () = app.draining.cancelled() => break,
        }
    }
    if holder.term.swap(0, Ordering::AcqRel) != 0 {
        // So that another replica need not wait.
        let left = "UPDATE leader SET expires_at = clock_timestamp() WHERE holder = $1";
        let _ = sqlx::query(left).bind(holder.id).execute(&app.pool).await;
        gauge!("lilac_leader").set(0);
    }
    lock.end().await;
}

/// The session that holds the advisory lock, or tries to. It is not one of the pool's, for the lock belongs to
/// whoever uses the connection next.
#[derive(Default)]
struct Lock {
    session: Option<PgConnection>,
    held: bool,
    /// When the row is looked at next; until then only the lock is tried.
    look_at: Option<Instant>,
}

impl Lock {
    /// Whether the lock was free and is held from now on.
    async fn acquire(&mut self, app: &App) -> Result<bool, sqlx::Error> {
        if self.session.is_none() {
            self.held = false;
            self.session = Some(PgConnection::connect_with(&app.pool.connect_options()).await?);
        }
        let Some(session) = &mut self.session else { return Ok(false) };
        if self.held {
            // A lock is held as long as its session lives, so asking the session anything is enough.
            session.ping().await?;
            return Ok(false);
        }
        self.held =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(session).await?;
        Ok(self.held)
    }

    async fn let_go(&mut self) -> Result<(), sqlx::Error> {
        self.held = false;
        if let Some(session) = &mut self.session {
            sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(session).await?;
        }
        Ok(())
    }

    /// Ends the session, and with it the lock.
    async fn end(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.close().await;
        }
    }
}

/// Begins a term, unless the database is in a state that should not exist: then nobody leads until a person
/// has looked and started the servers anew.
async fn begin(app: &App, holder: &Holder, term: i64, refused: &mut Option<i64>) {
    match invariants::violations(&app.pool).await {
        Ok(violations) if violations.is_empty() => {
            holder.term.store(term, Ordering::Release);
            tracing::info!(term, "leading");
            app.bell.ring(Topic::Schedule);
        }
        Ok(violations) => {
            *refused = Some(term);
            for (rule, rows) in violations {
                tracing::error!(term, rule, rows, "not leading: the database breaks a rule");
            }
        }
        Err(error) => tracing::warn!(%error, term, "cannot check the database before leading; trying again"),
    }
}

/// The term that this replica leads in after the call, if it does.
async fn campaign(app: &App, holder: &Holder, lock: &mut Lock) -> Result<Option<i64>, sqlx::Error> {
    let is_fresh = lock.acquire(app).await?;
    let leads = holder.term.load(Ordering::Acquire) != 0;
    let now = Instant::now();
    if !leads && !is_fresh && lock.look_at.is_some_and(|at| now < at) {
        return Ok(None);
    }
    lock.look_at = Some(now + RENEW_EVERY);
    let term = sqlx::query_scalar(
        "INSERT INTO leader (term, holder, expires_at, holds_lock)
         VALUES (1, $1, clock_timestamp() + $2 * interval '1 millisecond', $3)
         ON CONFLICT (only_row) DO UPDATE SET
            term = leader.term + (leader.holder <> $1)::int, holder = $1, holds_lock = $3,
            expires_at = clock_timestamp() + $2 * interval '1 millisecond'
         WHERE leader.holder = $1 OR leader.expires_at < clock_timestamp() OR ($4 AND leader.holds_lock)
         RETURNING term",
    )
    .bind(holder.id)
    .bind(i64::try_from(LEADS_FOR.as_millis()).unwrap_or(i64::MAX))
    .bind(lock.held)
    .bind(is_fresh)
    .fetch_optional(&app.pool)
    .await?;
    if term.is_none() && lock.held {
        // Another leads without it and may want it.
        lock.let_go().await?;
    }
    Ok(term)
}

/// Checks inside a transaction that the term is still the current one, and keeps it so until the commit.
pub async fn check(conn: &mut PgConnection, term: Term) -> ApiResult<()> {
    let current: Option<i64> =
        sqlx::query_scalar("SELECT term FROM leader WHERE only_row FOR SHARE").fetch_optional(conn).await?;
    if current == Some(term.0) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, "another replica leads now"))
}
