//! Fires what is due.
//!
//! Exactly once: the job carries the schedule's id and time in its idempotency key, so that storing it a second
//! time, after a crash or by another leader, gives the same job; only then is the schedule moved on, by
//! compare-and-set. After a long pause of the platform at most one missed time is made up for: the next one lies
//! after now.

use chrono::{DateTime, Utc};
use lilac_api::spec::{JobSpec, Overlap};
use lilac_api::{JobId, ScheduleId};

use super::store::{self, ScheduleRow};
use crate::app::App;
use crate::auth::known;
use crate::error::{ApiError, ApiResult};
use crate::training_job::{store as jobs, submit, transitions};

/// Schedules that one look fires; what is left is due still.
const BATCH: i64 = 50;
const ACTOR: &str = "scheduler";

pub async fn fire_due(app: &App) -> ApiResult<()> {
    let mut conn = app.pool.acquire().await?;
    let due = store::due(&mut conn, BATCH).await?;
    drop(conn);
    for row in due {
        let (id, name) = (row.schedule.id, row.schedule.name.clone());
        if let Err(error) = fire(app, row).await {
            tracing::warn!(schedule = %id, name, error = %error.detail, "a schedule did not fire; tried again");
        }
    }
    Ok(())
}

async fn fire(app: &App, row: ScheduleRow) -> ApiResult<()> {
    let Some(at) = row.schedule.next_at else { return Ok(()) };
    let key = format!("schedule-{}-{}", row.schedule.id, at.timestamp());
    let (job, message) = match submit_now(app, &row, Some(&key)).await {
        Ok(job) => (Some(job), String::new()),
        // The job itself is refused, and will be until somebody changes something: told, and not tried again.
        Err(error) if error.status.is_client_error() => (None, error.detail),
        Err(error) => return Err(error),
    };
    let after = at.max(now(app).await?);
    let next = row.spec.schedule.as_ref().and_then(|schedule| schedule.next_after(after));
    let mut conn = app.pool.acquire().await?;
    if store::move_on(&mut conn, row.schedule.id, at, next, job, &message).await? {
        tracing::info!(schedule = %row.schedule.id, name = row.schedule.name, job_id = ?job, message, "schedule fired");
    }
    Ok(())
}

async fn now(app: &App) -> ApiResult<DateTime<Utc>> {
    Ok(sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&app.pool).await?)
}

/// Submits the schedule's job in its owner's name. What keeps it from being submitted is a refusal.
pub async fn submit_now(app: &App, row: &ScheduleRow, key: Option<&str>) -> ApiResult<JobId> {
    let mut conn = app.pool.acquire().await?;
    let owner = known::of_user(&mut conn, row.owner_id).await?;
    drop(conn);
    let Some(owner) = owner else {
        return Err(ApiError::conflict(format!("its owner {} is disabled", row.schedule.owner)));
    };
    if let Some(last) = row.schedule.last_job_id {
        settle_overlap(app, &row.spec, last).await?;
    }
    let spec = JobSpec { schedule: None, ..row.spec.clone() };
    let body = format!("schedule {}", row.schedule.id);
    let (job, _) = submit::submit(app, &owner, &spec, body.as_bytes(), key, None).await?;
    Ok(job.id)
}

/// What happens where the job of the time before has not ended.
async fn settle_overlap(app: &App, spec: &JobSpec, last: JobId) -> ApiResult<()> {
    let overlap = spec.schedule.as_ref().map(|schedule| schedule.overlap).unwrap_or_default();
    let mut tx = app.pool.begin().await?;
    let is_over = jobs::find(&mut tx, last).await?.is_none_or(|job| job.state.is_terminal());
    if is_over || overlap == Overlap::Queue {
        return Ok(());
    }
    if overlap == Overlap::Skip {
        return Err(ApiError::conflict(format!("left out: job {last} of the time before had not ended")));
    }
    let topics = transitions::cancel(&mut tx, last, ACTOR).await?;
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(())
}

/// When a schedule fires first, counted from now.
pub async fn first(app: &App, spec: &JobSpec) -> ApiResult<Option<DateTime<Utc>>> {
    let now = now(app).await?;
    Ok(spec.schedule.as_ref().and_then(|schedule| schedule.next_after(now)))
}

/// How the audit log names a schedule.
pub fn object(id: ScheduleId) -> String {
    format!("schedule:{id}")
}
