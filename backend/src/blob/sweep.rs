//! The leader's work on the store: moves what is due into it, removes what has been kept for its time, and
//! sweeps up objects that no row names.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use sqlx::{PgConnection, Row};
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiResult;
use crate::logs::segment;
use crate::scheduler::leader::{self, Holder, Term};

/// Looked this often for logs to move.
const MOVE_EVERY: Duration = Duration::from_secs(2);
/// Looked this often for what has been kept for its time.
const REMOVE_EVERY: Duration = Duration::from_secs(60);
/// The store is listed this often.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 3600);
/// An object without a row may still get one while it is younger: far longer than any write takes.
const UNKNOWN_FOR: TimeDelta = TimeDelta::hours(24);
/// Rows that one transaction removes.
const BATCH: i64 = 100;
/// Objects that one query asks about.
const ASK_AT_ONCE: usize = 500;

pub async fn run(app: Arc<App>, holder: Holder) {
    let mut place = segment::Place::default();
    let mut remove_at = Instant::now();
    let mut sweep_at = Instant::now() + SWEEP_EVERY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(MOVE_EVERY) => {}
            () = app.stopping.cancelled() => return,
        }
        let Some(term) = holder.term() else { continue };
        if let Err(error) = segment::pass(&app, term, &mut place).await {
            tracing::warn!(error = %error.detail, "logs stay in the database for now");
        }
        if Instant::now() >= remove_at {
            remove_at = Instant::now() + REMOVE_EVERY;
            if let Err(error) = remove(&app, term).await {
                tracing::warn!(error = %error.detail, "what has been kept for its time stays for now");
            }
        }
        if Instant::now() >= sweep_at {
            sweep_at = Instant::now() + SWEEP_EVERY;
            match sweep(&app, UNKNOWN_FOR).await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(swept, "removed objects of the store that nothing names"),
                Err(error) => tracing::warn!(error = %error.detail, "sweeping the store failed"),
            }
        }
    }
}

/// Removes a batch of logs and outputs whose time is over; gives how many. What is left comes next time.
pub async fn remove(app: &App, term: Term) -> ApiResult<u64> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let (logs, mut objects) = remove_logs(&mut tx, app.settings.log_keep).await?;
    let outputs = remove_outputs(&mut tx).await?;
    let removed = logs + outputs.len() as u64;
    tx.commit().await?;
    objects.extend(outputs);
    // Should this fail, the sweep finds what is left.
    let paths = futures::stream::iter(objects.into_iter().map(|object| Ok(Path::from(object)))).boxed();
    app.settings.store.delete_stream(paths).try_collect::<Vec<_>>().await?;
    Ok(removed)
}

async fn remove_logs(conn: &mut PgConnection, keep: Duration) -> Result<(u64, Vec<String>), sqlx::Error> {
    let rows = sqlx::query(
        "UPDATE tasks SET log_removed_at = clock_timestamp() WHERE (attempt_id, rank) IN (
            SELECT attempt_id, rank FROM tasks
            WHERE released_at < clock_timestamp() - $1 * interval '1 second' AND log_removed_at IS NULL
            ORDER BY released_at LIMIT $2 FOR UPDATE SKIP LOCKED)
         RETURNING attempt_id, rank",
    )
    .bind(i64::try_from(keep.as_secs()).unwrap_or(i64::MAX / 2))
    .bind(BATCH)
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("attempt_id")).collect::<Result<_, _>>()?;
    let ranks: Vec<i16> = rows.iter().map(|row| row.try_get("rank")).collect::<Result<_, _>>()?;
    let chunks =
        "DELETE FROM log_chunks WHERE (attempt_id, rank) IN (SELECT * FROM unnest($1::uuid[], $2::int2[]))";
    sqlx::query(chunks).bind(&ids).bind(&ranks).execute(&mut *conn).await?;
    let segments =
        "DELETE FROM log_segments WHERE (attempt_id, rank) IN (SELECT * FROM unnest($1::uuid[], $2::int2[]))
        RETURNING object";
    let objects = sqlx::query_scalar(segments).bind(&ids).bind(&ranks).fetch_all(conn).await?;
    Ok((rows.len() as u64, objects))
}

async fn remove_outputs(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE outputs o SET state = 'removed', object = NULL, files = '[]', frame_ends = '{}',
                message = 'it was kept until its time was over'
         FROM (SELECT attempt_id, rank, number, object FROM outputs
               WHERE state = 'stored' AND remove_at < clock_timestamp()
               ORDER BY remove_at LIMIT $1 FOR UPDATE SKIP LOCKED) old
         WHERE (o.attempt_id, o.rank, o.number) = (old.attempt_id, old.rank, old.number)
         RETURNING old.object",
    )
    .bind(BATCH)
    .fetch_all(conn)
    .await
}

/// Removes objects that are older than `unknown_for` and that no row names. Gives how many.
pub async fn sweep(app: &App, unknown_for: TimeDelta) -> ApiResult<usize> {
    let before = Utc::now() - unknown_for;
    let store = &app.settings.store;
    let mut swept = 0;
    for folder in ["logs", "outputs"] {
        let old = store
            .list(Some(&Path::from(folder)))
            .try_filter(|object| futures::future::ready(object.last_modified < before));
        let mut old = old.try_chunks(ASK_AT_ONCE);
        while let Some(objects) = old.next().await {
            let objects = objects.map_err(|error| error.1)?;
            let names: Vec<String> = objects.iter().map(|object| object.location.to_string()).collect();
            let unknown: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM unnest($1::text[]) AS name
                 WHERE NOT EXISTS (SELECT FROM log_segments WHERE object = name)
                   AND NOT EXISTS (SELECT FROM outputs WHERE object = name)",
            )
            .bind(&names)
            .fetch_all(&app.pool)
            .await?;
            for name in unknown {
                store.delete(&Path::from(name)).await?;
                swept += 1;
            }
        }
    }
    Ok(swept)
}
