//! What people do to jobs: cancel, run once more, prioritise anew, extend, hold, release.
//!
//! Each is a transition; who may order it is decided here. A job's own history records it, so that only the
//! cancel of many at once has an entry in the audit log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lilac_api::JobId;
use lilac_api::action::{CancelledJobs, ExtendJob, HoldJob, ReprioritiseJob};
use lilac_api::auth::Role;
use lilac_api::job::{Job, JobFilter, JobState};
use lilac_api::problem::Problem;
use lilac_api::quantity::Span;
use serde_json::json;
use strum::VariantArray;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{list, routes, store, submit, transitions};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Json, Query};

/// Jobs that one transaction of a cancel by filter takes.
const CANCEL_BATCH: i64 = 200;
/// Jobs that one call cancels at most; the answer says whether there are more.
const MAX_CANCELLED: u64 = 10_000;
/// The longest sentence that a hold keeps, in characters.
const MAX_HOLD_MESSAGE: usize = 500;
/// The longest that a job may be allowed to run.
const MAX_RUNTIME: Duration = Duration::from_secs(3650 * 86_400);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(cancel))
        .routes(routes!(cancel_many))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(reprioritise))
        .routes(routes!(extend))
        .routes(routes!(rerun))
}

/// Only its owner or an administrator may control a job.
pub async fn may_control(app: &App, caller: &Caller, id: JobId) -> ApiResult<()> {
    let owner = store::owner(&app.pool, caller, id).await?;
    if owner == caller.user_id || caller.role == Role::Admin {
        return Ok(());
    }
    Err(ApiError::forbidden("only the job's owner or an administrator may do this"))
}

/// Commits, rings, and answers with the job as it is now.
async fn changed(
    app: &App,
    mut tx: sqlx::Transaction<'_, sqlx::Postgres>,
    topics: Vec<Topic>,
    id: JobId,
) -> ApiResult<axum::Json<Job>> {
    let job = routes::found(&mut tx, id).await?;
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(axum::Json(job))
}

/// Cancel a job
///
/// A waiting job is cancelled at once. A running one is told to stop and is cancelled when its node says so;
/// until then the answer shows it as it is, with `cancel_requested`. Cancelling twice changes nothing.
#[utoipa::path(post, operation_id = "cancel_job", path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = JobId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The job after the call", body = Job),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job has ended already", body = Problem),
    ))]
async fn cancel(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
) -> ApiResult<axum::Json<Job>> {
    may_control(&app, &caller, id).await?;
    let mut tx = app.pool.begin().await?;
    let topics = transitions::cancel(&mut tx, id, &caller.actor()).await?;
    changed(&app, tx, topics, id).await
}

/// Cancel all jobs that match a filter
///
/// Takes the filters of the list of jobs, of which at least one must be given. A member cancels their own jobs
/// among those that match; an administrator all of them. Jobs that have ended are passed over. One call takes
/// 10,000 jobs at most and says whether there are more.
#[utoipa::path(post, operation_id = "cancel_jobs", path = "/jobs/cancel", tag = "jobs", params(JobFilter), security(("bearer" = [])),
    responses(
        (status = 200, description = "How many were cancelled or told to stop", body = CancelledJobs),
        (status = 400, description = "A parameter cannot be read, or there is no filter", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, a node's credential, or another user's jobs", body = Problem),
    ))]
async fn cancel_many(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Query(asked): Query<JobFilter>,
) -> ApiResult<axum::Json<CancelledJobs>> {
    let told = serde_json::to_value(&asked).unwrap_or_default();
    if told.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(ApiError::malformed("query: name at least one filter, as in state=queued"));
    }
    let mut filter = list::Filter { limit: CANCEL_BATCH, ..list::Filter::of_all(asked, &caller)? };
    if caller.role < Role::Admin {
        let owner = filter.owner.get_or_insert_with(|| caller.username.clone());
        if !owner.eq_ignore_ascii_case(&caller.username) {
            return Err(ApiError::forbidden("only an administrator may cancel the jobs of others"));
        }
    }
    if filter.states.is_empty() {
        filter.states = JobState::VARIANTS.iter().copied().filter(|state| !state.is_terminal()).collect();
    }
    let mut done = CancelledJobs::default();
    loop {
        let jobs = list::list(&app.pool, &filter).await?;
        let Some(last) = jobs.last().map(|job| job.id) else { break };
        done.cancelled += cancel_batch(&app, &caller, &jobs, &told).await?;
        filter.beyond = Some(last.0);
        if done.cancelled >= MAX_CANCELLED {
            done.has_more = !list::list(&app.pool, &filter).await?.is_empty();
            break;
        }
    }
    Ok(axum::Json(done))
}

/// Cancels some jobs in one transaction, in the order of their ids, as everywhere. One that ended meanwhile
/// is no mistake.
async fn cancel_batch(
    app: &App,
    caller: &Caller,
    jobs: &[Job],
    filter: &serde_json::Value,
) -> ApiResult<u64> {
    let mut tx = app.pool.begin().await?;
    let (mut cancelled, mut topics) = (0, Vec::new());
    for job in jobs.iter().rev().filter(|job| !job.state.is_terminal() && !job.cancel_requested) {
        match transitions::cancel(&mut tx, job.id, &caller.actor()).await {
            Ok(rung) => {
                cancelled += u64::from(!rung.is_empty());
                topics.extend(rung);
            }
            Err(error) if error.status == StatusCode::CONFLICT || error.status == StatusCode::NOT_FOUND => {}
            Err(error) => return Err(error),
        }
    }
    if cancelled == 0 {
        return Ok(0);
    }
    let details = json!({ "filter": filter, "cancelled": cancelled });
    audit::record(&mut tx, &caller.actor(), "jobs.cancel", "jobs", details).await?;
    tx.commit().await?;
    tracing::info!(cancelled, user = %caller.username, "jobs cancelled by filter");
    app.bell.ring_all(topics);
    Ok(cancelled)
}

/// Hold a waiting job
///
/// It is not placed until it is released.
#[utoipa::path(post, operation_id = "hold_job", path = "/jobs/{id}/hold", tag = "jobs", params(("id" = JobId, Path)), request_body = HoldJob, security(("bearer" = [])),
    responses(
        (status = 200, description = "The job after the call", body = Job),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job is not queued", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    ))]
async fn hold(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    Json(request): Json<HoldJob>,
) -> ApiResult<axum::Json<Job>> {
    may_control(&app, &caller, id).await?;
    if request.message.chars().count() > MAX_HOLD_MESSAGE {
        let message = format!("must have at most {MAX_HOLD_MESSAGE} characters");
        return Err(ApiError::field("message", "out-of-bounds", message));
    }
    let message = match request.message.trim() {
        "" => format!("held by {}", caller.username),
        why => format!("held by {}: {why}", caller.username),
    };
    let mut tx = app.pool.begin().await?;
    let topics = transitions::hold(&mut tx, id, &message, &caller.actor()).await?;
    changed(&app, tx, topics, id).await
}

/// Put a held job back in its queue
#[utoipa::path(post, operation_id = "release_job", path = "/jobs/{id}/release", tag = "jobs", params(("id" = JobId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The job after the call", body = Job),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job is not held", body = Problem),
    ))]
async fn release(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
) -> ApiResult<axum::Json<Job>> {
    may_control(&app, &caller, id).await?;
    let mut tx = app.pool.begin().await?;
    let topics = transitions::release(&mut tx, id, &caller.actor()).await?;
    changed(&app, tx, topics, id).await
}

/// Change the priority of a waiting job
///
/// Of a job that is queued or held. Setting the priority that it has changes nothing.
#[utoipa::path(post, operation_id = "reprioritise_job", path = "/jobs/{id}/reprioritise", tag = "jobs", params(("id" = JobId, Path)), request_body = ReprioritiseJob, security(("bearer" = [])),
    responses(
        (status = 200, description = "The job after the call", body = Job),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job is neither queued nor held", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    ))]
async fn reprioritise(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    Json(request): Json<ReprioritiseJob>,
) -> ApiResult<axum::Json<Job>> {
    may_control(&app, &caller, id).await?;
    if request.priority > 100 {
        let message = format!("must be 0 to 100, is {}", request.priority);
        return Err(ApiError::field("priority", "out-of-bounds", message));
    }
    let mut tx = app.pool.begin().await?;
    let topics = transitions::reprioritise(&mut tx, id, request.priority, &caller.actor()).await?;
    changed(&app, tx, topics, id).await
}

/// Let a job run longer
///
/// Sets how long it may run in all, which must be more than before. A job that runs goes on without a break.
/// Beyond its queue's limit only an administrator may extend a job.
#[utoipa::path(post, operation_id = "extend_job", path = "/jobs/{id}/extend", tag = "jobs", params(("id" = JobId, Path)), request_body = ExtendJob, security(("bearer" = [])),
    responses(
        (status = 200, description = "The job after the call", body = Job),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job has ended, was told to stop, or has no `max_runtime`", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused: not longer than before, or beyond the queue's limit", body = Problem),
    ))]
async fn extend(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    Json(request): Json<ExtendJob>,
) -> ApiResult<axum::Json<Job>> {
    may_control(&app, &caller, id).await?;
    let max_runtime = request.max_runtime.0;
    if max_runtime.is_zero() || max_runtime > MAX_RUNTIME {
        let message = format!("must be more than 0s and at most {}", Span(MAX_RUNTIME));
        return Err(ApiError::field("max_runtime", "out-of-bounds", message));
    }
    let mut tx = app.pool.begin().await?;
    if caller.role < Role::Admin {
        let most = store::longest_runtime(&mut tx, id).await?;
        if let Some(most) = most.filter(|most| request.max_runtime > *most) {
            let message = format!("the queue allows {most} at most; an administrator may extend it further");
            return Err(ApiError::field("max_runtime", "over-queue-limit", message));
        }
    }
    let topics = transitions::extend(&mut tx, id, max_runtime, &caller.actor()).await?;
    changed(&app, tx, topics, id).await
}

/// Run a job once more
///
/// Submits a new job with the same spec, in the caller's name. With an `Idempotency-Key` header a repeated call
/// answers 200 with the job that the first one made.
#[utoipa::path(post, operation_id = "rerun_job", path = "/jobs/{id}/rerun", tag = "jobs", security(("bearer" = [])),
    params(("id" = JobId, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; unique to the caller")),
    responses(
        (status = 201, description = "The new job, stored for good", body = Job),
        (status = 200, description = "The job that the same key made before", body = Job),
        (status = 400, description = "The key cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The key was used for something else", body = Problem),
        (status = 422, description = "The spec is refused today: its queue is gone, for example", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn rerun(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    store::owner(&app.pool, &caller, id).await?;
    let key = submit::key(&headers)?;
    let mut conn = app.pool.acquire().await?;
    let spec = routes::found(&mut conn, id).await?.spec.ok_or_else(ApiError::internal)?;
    drop(conn);
    let body = format!("rerun {id}");
    let (job, is_new) = submit::submit(&app, &caller, &spec, body.as_bytes(), key, Some(id)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(job)).into_response())
}
