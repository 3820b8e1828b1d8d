//! Reading measurements.

use std::sync::Arc;

use axum::extract::State;
use chrono::{TimeDelta, Utc};
use lilac_api::metric::{JobMetrics, JobMetricsQuery, NodeMetrics, NodeMetricsQuery};
use lilac_api::problem::Problem;
use lilac_api::{JobId, NodeId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::points::{points, span};
use super::store::{self, Counted};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::cluster::nodes_store;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::training_job;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(of_job)).routes(routes!(of_node))
}

/// What a job uses
///
/// CPU, memory, disk, network and GPUs of one of its tasks over time. The latest hours are kept in steps of seconds,
/// then of a minute, then of a quarter of an hour, as long as the job is kept.
#[utoipa::path(get, operation_id = "job_metrics", path = "/jobs/{id}/metrics", tag = "jobs", params(("id" = JobId, Path), JobMetricsQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Points in the order of time", body = JobMetrics),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt", body = Problem),
    ))]
async fn of_job(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job_id): Id<JobId>,
    Query(query): Query<JobMetricsQuery>,
) -> ApiResult<axum::Json<JobMetrics>> {
    training_job::store::owner(&app.pool, &caller, job_id).await?;
    let rank = query.rank.unwrap_or(0);
    let mut conn = app.pool.acquire().await?;
    let Some(task) = store::task(&mut conn, job_id, query.epoch, rank).await? else {
        if query.epoch.is_some() || rank > 0 {
            return Err(ApiError::not_found("attempt"));
        }
        let now = Utc::now();
        let span = span(query.since.unwrap_or(now), query.until.unwrap_or(now), query.points)?;
        let step_secs = u32::try_from(span.step_secs).unwrap_or(u32::MAX);
        return Ok(axum::Json(JobMetrics { job_id, epoch: 0, rank, step_secs, points: Vec::new() }));
    };
    let since = query.since.unwrap_or(task.began_at);
    let until = query.until.or(task.ended_at).unwrap_or_else(Utc::now).max(since);
    let span = span(since, query.until.unwrap_or(until), query.points)?;
    let rows = store::of_task(&mut conn, &task, span).await?;
    // In the beginning nothing was used.
    let begun = Counted { at: task.began_at, ..Counted::default() };
    let before = (span.since <= task.began_at).then_some(begun);
    Ok(axum::Json(JobMetrics {
        job_id,
        epoch: task.epoch.unsigned_abs(),
        rank,
        step_secs: u32::try_from(span.step_secs).unwrap_or(u32::MAX),
        points: points(before, &rows, span.since),
    }))
}

/// What a node uses
///
/// CPU, memory, disk, network and GPUs of the whole machine over time, whoever uses them. The latest hours are kept
/// in steps of seconds, then of a minute, then of a quarter of an hour, for 30 days.
#[utoipa::path(get, operation_id = "node_metrics", path = "/nodes/{id}/metrics", tag = "nodes", params(("id" = NodeId, Path), NodeMetricsQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Points in the order of time, and the GPUs as they stand", body = NodeMetrics),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    ))]
async fn of_node(
    State(app): State<Arc<App>>,
    _: Caller,
    Id(node_id): Id<NodeId>,
    Query(query): Query<NodeMetricsQuery>,
) -> ApiResult<axum::Json<NodeMetrics>> {
    let mut conn = app.pool.acquire().await?;
    if !nodes_store::exists(&mut conn, node_id).await? {
        return Err(ApiError::not_found("node"));
    }
    let until = query.until.unwrap_or_else(Utc::now);
    let hour_before = until.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(until);
    let span = span(query.since.unwrap_or(hour_before), until, query.points)?;
    let rows = store::of_node(&mut conn, node_id, span).await?;
    let gpus = store::latest(&mut conn, Some(node_id)).await?.remove(&node_id.0).map(|usage| usage.gpus);
    Ok(axum::Json(NodeMetrics {
        node_id,
        step_secs: u32::try_from(span.step_secs).unwrap_or(u32::MAX),
        points: points(None, &rows, span.since),
        gpus: gpus.unwrap_or_default(),
    }))
}
