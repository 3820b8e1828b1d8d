//! Routes of schedules.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::auth::Role;
use lilac_api::job::Job;
use lilac_api::page::Page;
use lilac_api::problem::{ErrorCode, Problem};
use lilac_api::schedule::JobSchedule;
use lilac_api::spec::JobSpec;
use lilac_api::{ScheduleId, validate};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::fire::{self, object};
use super::store::{self, NewSchedule, ScheduleRow};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::error::{ApiError, ApiResult, broken_constraint, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::page::{self, PageQuery};
use crate::queue::admission;
use crate::training_job::store as jobs;

/// Schedules that a team may have.
const MAX_SCHEDULES: i64 = 1000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run_now))
}

/// List schedules
#[utoipa::path(get, operation_id = "list_schedules", path = "/schedules", tag = "schedules", params(PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of schedules, the oldest first, without their specs", body = Page<JobSchedule>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
    ))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<JobSchedule>>> {
    let (limit, after) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    let rows = store::list(&mut conn, caller.sees(), after, limit + 1).await?;
    let items = rows.into_iter().map(|row| JobSchedule { spec: None, ..row.schedule }).collect();
    Ok(JsonBody(page::cut(items, limit, |schedule: &JobSchedule| schedule.id.0)))
}

/// Submit a job by the clock
///
/// The body is a job with its `schedule`. From then on a job is submitted whenever the time comes, in the
/// caller's name; the first one at the first time after now.
#[utoipa::path(post, operation_id = "create_schedule", path = "/schedules", tag = "schedules", request_body = JobSpec, security(("bearer" = [])),
    responses(
        (status = 201, description = "The schedule that was made", body = JobSchedule),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 409, description = "The team has a schedule of that name, or as many as it may have", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused; `errors` names them", body = Problem),
    ))]
async fn create(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Json(spec): Json<JobSpec>,
) -> ApiResult<(StatusCode, JsonBody<JobSchedule>)> {
    refuse_invalid(validate::job_spec(&spec))?;
    if spec.schedule.is_none() {
        return Err(ApiError::field("schedule", "missing-field", "say when: `{cron: \"0 2 * * *\"}`"));
    }
    let next_at = fire::first(&app, &spec).await?;
    if next_at.is_none() {
        return Err(ApiError::field("schedule.cron", "never", "there is no such time"));
    }
    let mut tx = app.pool.begin().await?;
    let named: Vec<&str> = spec.team.as_deref().into_iter().collect();
    let doors = admission::doors(&mut tx, &caller, &[&spec.queue], &named).await?;
    let door = doors.first().ok_or_else(|| ApiError::invalid(vec![admission::no_queue(&spec.queue)]))?;
    let ticket = door.admit(&mut spec.clone()).map_err(ApiError::invalid)?;
    if store::count(&mut tx, ticket.team_id).await? >= MAX_SCHEDULES {
        return Err(ApiError::conflict(format!("the team has {MAX_SCHEDULES} schedules already")));
    }
    let id = ScheduleId::new();
    let new = NewSchedule { id, team_id: ticket.team_id, owner_id: caller.user_id, spec: &spec, next_at };
    store::insert(&mut tx, &new).await.map_err(|error| match broken_constraint(&error) {
        Some("schedules_name_key") => {
            let detail = format!("the team has a schedule named `{}` already", spec.name);
            ApiError::new(StatusCode::CONFLICT, ErrorCode::NameTaken, detail)
        }
        _ => error.into(),
    })?;
    let row = store::find(&mut tx, None, id).await?.ok_or_else(ApiError::internal)?;
    let details = json!({ "name": spec.name, "queue": spec.queue, "schedule": spec.schedule });
    audit::record(&mut tx, &caller.actor(), "schedule.create", &object(id), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(row.schedule)))
}

/// Show a schedule with its job's spec and its next times
#[utoipa::path(get, operation_id = "show_schedule", path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The schedule", body = JobSchedule),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such schedule", body = Problem),
    ))]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ScheduleId>,
) -> ApiResult<JsonBody<JobSchedule>> {
    let mut conn = app.pool.acquire().await?;
    let row = store::find(&mut conn, caller.sees(), id).await?;
    Ok(JsonBody(row.ok_or_else(|| ApiError::not_found("schedule"))?.schedule))
}

/// The schedule, if the caller may rule it: its owner, or an administrator.
async fn ruled(app: &App, caller: &Caller, id: ScheduleId) -> ApiResult<ScheduleRow> {
    let mut conn = app.pool.acquire().await?;
    let row =
        store::find(&mut conn, caller.sees(), id).await?.ok_or_else(|| ApiError::not_found("schedule"))?;
    if row.owner_id == caller.user_id || caller.role == Role::Admin {
        return Ok(row);
    }
    Err(ApiError::forbidden("only the schedule's owner or an administrator may do this"))
}

/// Delete a schedule
///
/// Its jobs stay.
#[utoipa::path(delete, operation_id = "delete_schedule", path = "/schedules/{id}", tag = "schedules", params(("id" = ScheduleId, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's schedule", body = Problem),
        (status = 404, description = "There is no such schedule", body = Problem),
    ))]
async fn delete(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<ScheduleId>,
) -> ApiResult<StatusCode> {
    let row = ruled(&app, &caller, id).await?;
    let mut tx = app.pool.begin().await?;
    store::delete(&mut tx, id).await?;
    let details = json!({ "name": row.schedule.name });
    audit::record(&mut tx, &caller.actor(), "schedule.delete", &object(id), details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a schedule
#[utoipa::path(post, operation_id = "pause_schedule", path = "/schedules/{id}/pause", tag = "schedules", params(("id" = ScheduleId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The schedule after the call", body = JobSchedule),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's schedule", body = Problem),
        (status = 404, description = "There is no such schedule", body = Problem),
    ))]
async fn pause(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<ScheduleId>,
) -> ApiResult<JsonBody<JobSchedule>> {
    set_paused(&app, &caller, id, true).await
}

/// Resume a schedule
///
/// It fires next at its first time after now.
#[utoipa::path(post, operation_id = "resume_schedule", path = "/schedules/{id}/resume", tag = "schedules", params(("id" = ScheduleId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The schedule after the call", body = JobSchedule),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's schedule", body = Problem),
        (status = 404, description = "There is no such schedule", body = Problem),
    ))]
async fn resume(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<ScheduleId>,
) -> ApiResult<JsonBody<JobSchedule>> {
    set_paused(&app, &caller, id, false).await
}

async fn set_paused(
    app: &App,
    caller: &Caller,
    id: ScheduleId,
    paused: bool,
) -> ApiResult<JsonBody<JobSchedule>> {
    let row = ruled(app, caller, id).await?;
    let next_at = fire::first(app, &row.spec).await?;
    let mut tx = app.pool.begin().await?;
    if row.schedule.paused != paused {
        store::set_paused(&mut tx, id, paused, next_at).await?;
    }
    let row = store::find(&mut tx, None, id).await?.ok_or_else(|| ApiError::not_found("schedule"))?;
    let action = if paused { "schedule.pause" } else { "schedule.resume" };
    audit::record(&mut tx, &caller.actor(), action, &object(id), json!({ "name": row.schedule.name }))
        .await?;
    tx.commit().await?;
    Ok(JsonBody(row.schedule))
}

/// Submit a schedule's job now
///
/// In its owner's name, beside its times. A job of the time before that has not ended is treated as at any time.
#[utoipa::path(post, operation_id = "run_schedule", path = "/schedules/{id}/run", tag = "schedules", params(("id" = ScheduleId, Path)), security(("bearer" = [])),
    responses(
        (status = 201, description = "The job, stored for good", body = Job),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's schedule", body = Problem),
        (status = 404, description = "There is no such schedule", body = Problem),
        (status = 409, description = "Its owner is disabled, or the job of the time before has not ended", body = Problem),
        (status = 422, description = "The job is refused today", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn run_now(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<ScheduleId>,
) -> ApiResult<(StatusCode, JsonBody<Job>)> {
    let row = ruled(&app, &caller, id).await?;
    let job = fire::submit_now(&app, &row, None).await?;
    let mut tx = app.pool.begin().await?;
    let job = jobs::find(&mut tx, job).await?.ok_or_else(ApiError::internal)?;
    let details = json!({ "name": row.schedule.name, "job": job.id });
    audit::record(&mut tx, &caller.actor(), "schedule.run", &object(id), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(job)))
}
