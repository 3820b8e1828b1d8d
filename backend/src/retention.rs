//! Deletes what is old, by the leader, a small batch at a time: nobody waits for it, and a batch that is cut off is
//! taken up again. Objects in the store are not touched here: one whose row is gone is swept from there.
//!
//! The audit log is never deleted from. An idempotency key lives as long as its job. An array's row goes once all of
//! its jobs are gone.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};

use crate::app::App;
use crate::config::KeepConfig;
use crate::error::ApiResult;
use crate::metrics;
use crate::scheduler::leader::{self, Holder, Term};

/// How long after a look that found nothing the next follows.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// How long after a full batch the next follows.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often a replica that does not lead asks itself whether it does.
const NOT_LEADING: Duration = Duration::from_secs(5);
/// How old an array without jobs is at least: longer than any transaction that is about to give it some.
const EMPTY_ARRAY_KEEP: Duration = Duration::from_secs(86_400);
/// Rows that one transaction deletes.
const BATCH: i64 = 500;

/// How long a message to a hook is kept after its end.
const HOOK_DELIVERIES_KEEP: Duration = Duration::from_secs(30 * 86_400);

/// What is deleted: the table's name, how long its rows are kept (none for ever), and the condition on which one
/// goes, in which `$1` is how long in seconds.
fn rules(keep: &KeepConfig) -> [(&'static str, Option<Duration>, &'static str); 5] {
    [
        ("jobs", keep.jobs, "finished_at < now() - $1 * interval '1 second' ORDER BY finished_at"),
        (
            "job_arrays",
            // They are emptied by the rule before, and by nothing else.
            keep.jobs.map(|_| EMPTY_ARRAY_KEEP),
            "created_at < now() - $1 * interval '1 second'
                AND NOT EXISTS (SELECT FROM jobs WHERE array_id = job_arrays.id) ORDER BY created_at",
        ),
        ("node_events", keep.node_events, "at < now() - $1 * interval '1 second' ORDER BY at"),
        (
            "hook_deliveries",
            Some(HOOK_DELIVERIES_KEEP),
            "state <> 'pending' AND settled_at < now() - $1 * interval '1 second'",
        ),
        ("refresh_tokens", Some(Duration::ZERO), "expires_at < now() - $1 * interval '1 second'"),
    ]
}

pub async fn run(app: Arc<App>, holder: Holder) {
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = app.draining.cancelled() => return,
        }
        wait = match holder.term() {
            None => NOT_LEADING,
            Some(term) => match sweep(&app, term).await {
                Ok(true) => AGAIN_AFTER,
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(error = %error.detail, "deleting what is old failed; trying again later");
                    LOOK_EVERY
                }
            },
        };
    }
}

/// Deletes a batch of each kind. Says whether there may be more.
async fn sweep(app: &App, term: Term) -> ApiResult<bool> {
    let mut more = false;
    for (table, keep, condition) in rules(&app.settings.keep) {
        let Some(keep) = keep else { continue };
        let mut tx = app.pool.begin().await?;
        leader::check(&mut tx, term).await?;
        let delete = format!(
            "WITH old AS (SELECT id FROM {table} WHERE {condition} LIMIT $2),
                  gone AS (DELETE FROM {table} WHERE id IN (SELECT id FROM old) RETURNING 1)
             SELECT count(*) AS rows FROM gone"
        );
        // The statement is made of this file's own words.
        let deleted = sqlx::query(AssertSqlSafe(delete))
            .bind(keep.as_secs_f64())
            .bind(BATCH)
            .fetch_one(&mut *tx)
            .await?
            .try_get::<i64, _>("rows")?;
        tx.commit().await?;
        if deleted > 0 {
            ::metrics::counter!("lilac_retention_deleted_rows_total", "table" => table)
                .increment(deleted as u64);
            tracing::info!(table, rows = deleted, "deleted what was kept long enough");
        }
        more |= deleted == BATCH;
    }
    Ok(metrics::keep::thin_out(app, term).await? || more)
}
