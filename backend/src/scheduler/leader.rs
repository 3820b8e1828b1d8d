//! Which replica leads. One row names the leader, its term and until when it leads unless it renews. Taking
//! over is one compare-and-set that raises the term; each of the leader's transactions locks the row in share
//! mode and checks the term, so that a leader which was overtaken commits nothing.
//!
//! Safety never needs a leader (grants and results are guarded row by row): it only avoids doing work twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use lilac_api::problem::ErrorCode;
use sqlx::PgConnection;
use uuid::Uuid;

use super::invariants;
use crate::app::App;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};

/// A leader that has not renewed for this long may be replaced.
const LEADS_FOR: Duration = Duration::from_secs(4);
/// How often a leader renews, and another replica looks whether it may take over.
pub const RENEW_EVERY: Duration = Duration::from_millis(1000);

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
    loop {
        match campaign(&app, &holder).await {
            Ok(Some(term)) if holder.term.load(Ordering::Acquire) != term => {
                if refused != Some(term) {
                    begin(&app, &holder, term, &mut refused).await;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => {
                let before = holder.term.swap(0, Ordering::AcqRel);
                if before != 0 {
                    tracing::warn!(term = before, "another replica leads now");
                }
            }
            Err(error) => tracing::debug!(%error, "cannot tell who leads"),
        }
        tokio::select! {
            () = tokio::time::sleep(RENEW_EVERY) => {}
            () = app.stopping.cancelled() => break,
        }
    }
    if holder.term.swap(0, Ordering::AcqRel) != 0 {
        // So that another replica need not wait.
        let left = "UPDATE leader SET expires_at = clock_timestamp() WHERE holder = $1";
        let _ = sqlx::query(left).bind(holder.id).execute(&app.pool).await;
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
async fn campaign(app: &App, holder: &Holder) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO leader (term, holder, expires_at)
         VALUES (1, $1, clock_timestamp() + $2 * interval '1 millisecond')
         ON CONFLICT (only_row) DO UPDATE SET
            term = leader.term + (leader.holder <> $1)::int, holder = $1,
            expires_at = clock_timestamp() + $2 * interval '1 millisecond'
         WHERE leader.holder = $1 OR leader.expires_at < clock_timestamp()
         RETURNING term",
    )
    .bind(holder.id)
    .bind(i64::try_from(LEADS_FOR.as_millis()).unwrap_or(i64::MAX))
    .fetch_optional(&app.pool)
    .await
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
