//! Routes of jobs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lilac_api::JobId;
use lilac_api::job::{Attempt, Job, JobCounts, JobEvent, JobFilter};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::spec::JobSpec;
use lilac_api::submission::JobForecast;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{forecast, list, store, submit};
use crate::app::App;
use crate::auth::caller::{Caller, Member};
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Json, Query, RawJson};
use crate::page::{self, PageQuery};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(counts))
        .routes(routes!(plan))
        .routes(routes!(show))
        .routes(routes!(events))
        .routes(routes!(attempts))
}

/// Submit a job
///
/// With an `Idempotency-Key` header a repeated call answers 200 with the job that the first one made.
#[utoipa::path(post, operation_id = "submit_job", path = "/jobs", tag = "jobs", request_body = JobSpec, security(("bearer" = [])),
    params(("idempotency-key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; unique to the caller")),
    responses(
        (status = 201, description = "The job is stored for good and waits in its queue", body = Job),
        (status = 200, description = "The job that the same key made before", body = Job),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 409, description = "The key was used with another body", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused; `errors` names them", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn create(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    headers: HeaderMap,
    RawJson(spec, body): RawJson<JobSpec>,
) -> ApiResult<Response> {
    let key = submit::key(&headers)?;
    let (job, is_new) = submit::submit(&app, &caller, &spec, &body, key, None).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(job)).into_response())
}

/// List jobs, newest first
///
/// All filters together narrow the list. A cursor goes with the filters and the order of the page that gave it.
#[utoipa::path(get, operation_id = "list_jobs", path = "/jobs", tag = "jobs", params(JobFilter), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of jobs, without their specs", body = Page<Job>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
    ))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(filter): Query<JobFilter>,
) -> ApiResult<axum::Json<Page<Job>>> {
    let limit = page::limit(filter.limit)?;
    let jobs = list::list(&app.pool, &list::Filter::checked(filter, &caller)?).await?;
    Ok(axum::Json(page::cut(jobs, limit, |job| job.id.0)))
}

/// Count jobs by state and by why they wait
///
/// Takes the filters of the list. Counts by state, reason, queue, owner and team cost the same however many jobs
/// there are; with other filters the jobs that match are counted one by one.
#[utoipa::path(get, operation_id = "count_jobs", path = "/jobs/counts", tag = "jobs", params(JobFilter), security(("bearer" = [])),
    responses(
        (status = 200, description = "How many jobs there are", body = JobCounts),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
    ))]
async fn counts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(filter): Query<JobFilter>,
) -> ApiResult<axum::Json<JobCounts>> {
    Ok(axum::Json(list::counts(&app.pool, &list::Filter::of_all(filter, &caller)?).await?))
}

/// Say what would become of a job
///
/// A dry run: the job is checked as at its submission, and the scheduler is asked on the present state of the
/// clusters. Nothing is stored. By the time that the job is submitted, things may stand differently.
#[utoipa::path(post, operation_id = "plan_job", path = "/jobs/plan", tag = "jobs", request_body = JobSpec, security(("bearer" = [])),
    responses(
        (status = 200, description = "Whether it would start now, and else why not", body = JobForecast),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused; `errors` names them", body = Problem),
        (status = 503, description = "The database is away, or too many ask at once", body = Problem),
    ))]
async fn plan(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Json(spec): Json<JobSpec>,
) -> ApiResult<axum::Json<JobForecast>> {
    Ok(axum::Json(forecast::forecast(&app, &caller, spec).await?))
}

/// Show a job with its spec
#[utoipa::path(get, operation_id = "show_job", path = "/jobs/{id}", tag = "jobs", params(("id" = JobId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The job", body = Job),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
    ))]
async fn show(State(app): State<Arc<App>>, caller: Caller, Id(id): Id<JobId>) -> ApiResult<axum::Json<Job>> {
    store::owner(&app.pool, &caller, id).await?;
    let mut conn = app.pool.acquire().await?;
    Ok(axum::Json(found(&mut conn, id).await?))
}

pub(super) async fn found(conn: &mut PgConnection, id: JobId) -> ApiResult<Job> {
    store::find(conn, id).await?.ok_or_else(|| ApiError::not_found("job"))
}

/// The number that a cursor stands for, in lists that are numbered within a job.
fn number(cursor: Option<&str>) -> ApiResult<Option<i32>> {
    let Some(id) = page::decode(cursor)? else { return Ok(None) };
    let number = i32::try_from(id.as_u128())
        .map_err(|_| ApiError::malformed("query: cursor is none that a page gave"))?;
    Ok(Some(number))
}

/// A job's history, in order
#[utoipa::path(get, operation_id = "list_job_events", path = "/jobs/{id}/events", tag = "jobs", params(("id" = JobId, Path), PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of events, the oldest first", body = Page<JobEvent>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
    ))]
async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<JobId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<axum::Json<Page<JobEvent>>> {
    store::owner(&app.pool, &caller, id).await?;
    let limit = page::limit(query.limit)?;
    let after = number(query.cursor.as_deref())?.unwrap_or(0);
    let events = store::events(&app.pool, id, after, limit + 1).await?;
    Ok(axum::Json(page::cut(events, limit, |event| Uuid::from_u128(event.sequence.into()))))
}

/// A job's attempts, the latest first
#[utoipa::path(get, operation_id = "list_attempts", path = "/jobs/{id}/attempts", tag = "jobs", params(("id" = JobId, Path), PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of attempts, the latest first", body = Page<Attempt>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
    ))]
async fn attempts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<JobId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<axum::Json<Page<Attempt>>> {
    store::owner(&app.pool, &caller, id).await?;
    let limit = page::limit(query.limit)?;
    let before = number(query.cursor.as_deref())?;
    let attempts = store::attempts(&app.pool, id, before, limit + 1).await?;
    Ok(axum::Json(page::cut(attempts, limit, |attempt| Uuid::from_u128(attempt.epoch.into()))))
}
