//! What the scheduler says of one job: why it waits, what would let it start, and when it may.
//!
//! When it may start is found by letting what runs end, and planning on. At the latest each job takes as long as it
//! may, which its `max_runtime` bounds; at the earliest, the part of that which the quickest tenth of those that
//! ended lately took. What nobody has submitted yet is not foreseen: where jobs of which it was said lately started
//! later than that, the latest is put off as much as held for nearly all of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lilac_api::JobId;
use lilac_api::explanation::{Change, Estimate, Evidence};
use lilac_api::job::Reason;
use lilac_api::quantity::Span;
use lilac_scheduler::Outcome;
use sqlx::Row;
use sqlx::postgres::PgPool;
use sqlx::types::Json;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::kept::Kept;
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// Explanations that are made at a time: a look ahead takes its time, and the leader waits for it.
static AT_A_TIME: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn before it is told to come back.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// A job without a bound on its time is let end so much later, so that it is known what it holds up.
const FAR_MS: i64 = 10 * 365 * 86_400_000;
/// So many of those that ended last tell how much of their time jobs take.
const ENDED: i64 = 500;

/// All that is said of a job that waits.
pub struct Explained {
    pub why: Option<(Reason, String)>,
    pub position: usize,
    pub evidence: Vec<Evidence>,
    pub changes: Vec<Change>,
    /// Jobs that have to end first, and when they have done so at the latest.
    pub blockers: Vec<(JobId, Option<DateTime<Utc>>)>,
    pub estimate: Option<Estimate>,
    /// Nodes that are kept for it.
    pub kept: Option<Kept>,
}

/// A turn to ask.
pub(super) async fn turn() -> ApiResult<SemaphorePermit<'static>> {
    let turn = tokio::time::timeout(PATIENCE, AT_A_TIME.acquire()).await.ok().and_then(Result::ok);
    turn.ok_or_else(|| ApiError::unavailable("too many ask the scheduler; try again later"))
}

/// Explains a job; `None` for one that is not among those that wait for a place.
pub async fn explain(app: &App, id: JobId) -> ApiResult<Option<Explained>> {
    let _turn = turn().await?;
    let runs = runs(&app.pool).await?;
    let quickest = quickest(&app.pool).await?;
    let mut shelf = app.desk.lock().await;
    let mirror = shelf.fresh(app, true).await?;
    while mirror.world.waiting_epoch(id).is_none() && !mirror.is_whole() {
        mirror.read_on(&app.pool).await?;
    }
    let world = &mut mirror.world;
    let Some(found) = world.waiting_epoch(id).and_then(|_| world.ask().explain(id)) else { return Ok(None) };
    let now_ms = world.now_ms;
    let mut explained = Explained {
        why: found.why,
        position: found.position,
        evidence: found.evidence,
        changes: found.changes,
        blockers: Vec::new(),
        estimate: None,
        kept: None,
    };
    let since = app.desk.kept.lock().await;
    explained.kept = world.kept(&since).into_iter().find(|kept| kept.job == id);
    drop(since);
    let waits_for_others = explained.why.as_ref().is_some_and(|(reason, _)| {
        matches!(
            reason,
            Reason::WaitingForCapacity
                | Reason::WaitingForGpus
                | Reason::QuotaExceeded
                | Reason::GangIncomplete
                | Reason::ReservedForHigher
        )
    });
    if !waits_for_others {
        return Ok(Some(explained));
    }
    let part = quickest.map_or(0.0, |(part, _)| part);
    if let Some(latest) = world.foresee(id, &runs, 1.0, FAR_MS) {
        let ends_by = |job: &JobId| {
            let end = runs.get(job).and_then(|run| run.ends_ms);
            (*job, end.and_then(DateTime::from_timestamp_millis))
        };
        explained.blockers = latest.after.iter().map(ends_by).collect();
        let earliest = world.foresee(id, &runs, part, FAR_MS).map_or(now_ms, |earliest| earliest.at_ms);
        let mut estimates = app.desk.estimates.lock().await;
        estimates.settle(|job| match (runs.get(&job), world.waiting_epoch(job)) {
            (Some(run), _) => Outcome::Started(run.since_ms),
            (None, Some(_)) => Outcome::Waits,
            (None, None) => Outcome::Gone,
        });
        let bound = if latest.at_ms < now_ms.saturating_add(FAR_MS) {
            estimates.note(id, now_ms, latest.at_ms);
            estimates.bound(now_ms, latest.at_ms)
        } else {
            latest.at_ms
        };
        let late_ms = bound - latest.at_ms;
        explained.estimate =
            Some(estimate(now_ms, earliest.min(latest.at_ms), latest.at_ms, late_ms, quickest));
    }
    // Who is in its way then is the one that goes first.
    if let Some((job, _)) = found.kept_for {
        explained.blockers = vec![(job, None)];
    }
    Ok(Some(explained))
}

/// `late_ms` is how much later than foreseen others started.
fn estimate(
    now_ms: i64,
    earliest_ms: i64,
    latest_ms: i64,
    late_ms: i64,
    quickest: Option<(f64, usize)>,
) -> Estimate {
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default();
    let is_bounded = latest_ms < now_ms.saturating_add(FAR_MS);
    let early = match quickest {
        Some((part, of)) => format!(
            "at the earliest when those before it take {:.0} % of their max_runtime, as the quickest tenth of the last {of} did",
            part * 100.0
        ),
        None => "at the earliest when those before it end at once".to_owned(),
    };
    let late = if is_bounded && late_ms > 0 {
        "at the latest when each of them takes all of it, and as much later as others started lately"
    } else if is_bounded {
        "at the latest when each of them takes all of it"
    } else {
        "at the latest nobody knows when, as one of them has no max_runtime"
    };
    Estimate {
        earliest: at(if earliest_ms < now_ms.saturating_add(FAR_MS) { earliest_ms } else { now_ms }),
        latest: is_bounded.then(|| at(latest_ms.saturating_add(late_ms))),
        basis: format!("{early}; {late}; what is submitted meanwhile and goes first is not foreseen"),
    }
}

/// A job that runs: since when, and when it has ended at the latest, in milliseconds since the Unix epoch.
pub struct Run {
    pub since_ms: i64,
    pub ends_ms: Option<i64>,
}

async fn runs(pool: &PgPool) -> Result<HashMap<JobId, Run>, sqlx::Error> {
    let rows: Vec<(Uuid, DateTime<Utc>, Option<DateTime<Utc>>)> = sqlx::query_as(
        "SELECT a.job_id, COALESCE(a.started_at, a.granted_at), a.run_deadline FROM attempts a
         WHERE a.state IN ('granted', 'preparing', 'running', 'stopping')",
    )
    .fetch_all(pool)
    .await?;
    let run = |(id, since, deadline): (Uuid, DateTime<Utc>, Option<DateTime<Utc>>)| {
        let ends_ms = deadline.map(|at| at.timestamp_millis());
        (JobId(id), Run { since_ms: since.timestamp_millis(), ends_ms })
    };
    Ok(rows.into_iter().map(run).collect())
}

/// Which part of their `max_runtime` the quickest tenth of the jobs that ended lately took, and of how many.
async fn quickest(pool: &PgPool) -> Result<Option<(f64, usize)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT EXTRACT(EPOCH FROM finished_at - started_at)::float8 AS took, max_runtime FROM (
            SELECT finished_at, started_at, spec->'max_runtime' AS max_runtime
            FROM jobs WHERE state = 'succeeded' ORDER BY id DESC LIMIT $1) last
         WHERE started_at IS NOT NULL AND jsonb_typeof(max_runtime) = 'string'",
    )
    .bind(ENDED)
    .fetch_all(pool)
    .await?;
    let mut parts = Vec::with_capacity(rows.len());
    for row in &rows {
        let Json(Span(most)) = row.try_get("max_runtime")?;
        let took: f64 = row.try_get("took")?;
        parts.push((took / most.as_secs_f64().max(1e-3)).clamp(0.0, 1.0));
    }
    parts.sort_by(f64::total_cmp);
    Ok(parts.get(parts.len() / 10).map(|part| (*part, parts.len())))
}
