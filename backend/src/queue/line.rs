//! Who is next in a queue, and why not yet: the scheduler's own order.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use lilac_api::job::{Job, Reason};
use lilac_api::line::{InLine, QueueLine};
use lilac_api::problem::Problem;
use lilac_api::{JobId, QueueId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::Id;
use crate::scheduler::{self, InTurn};
use crate::training_job;

/// As many as somebody reads.
const MOST: usize = 50;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(queue_line))
}

/// Who is next in a queue, and why not yet.
///
/// In the order in which the scheduler would try them as shares are now. Jobs that wait for other jobs, or for their
/// turn in an array, do not stand in line yet.
#[utoipa::path(
    get,
    path = "/queues/{id}/line",
    tag = "queues",
    security(("bearer" = [])),
    params(("id" = QueueId, Path, description = "Id of the queue.")),
    responses(
        (status = 200, description = "The next fifty jobs, as far as the caller sees them", body = QueueLine),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
        (status = 503, description = "The database does not answer, or too many ask at once", body = Problem),
    )
)]
async fn queue_line(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<QueueId>,
) -> ApiResult<JsonBody<QueueLine>> {
    let mut conn = app.pool.acquire().await?;
    if !store::is_visible(&mut conn, &caller, id).await? {
        return Err(ApiError::not_found("queue"));
    }
    // Whoever waits for a turn to ask holds no connection meanwhile.
    drop(conn);
    let line = scheduler::line(&app, id, MOST).await?;
    let ids: Vec<Uuid> = line.iter().map(|turn| turn.job.0).collect();
    let mut conn = app.pool.acquire().await?;
    let jobs = training_job::store::seen(&mut conn, &caller, &ids).await?;
    let mut jobs: HashMap<JobId, Job> = jobs.into_iter().map(|job| (job.id, job)).collect();
    let shown = |(turn, position): (InTurn, u32)| Some(in_line(jobs.remove(&turn.job)?, turn.why, position));
    let items: Vec<InLine> = line.into_iter().zip(0..).filter_map(shown).collect();
    let hidden = u32::try_from(ids.len() - items.len()).unwrap_or(u32::MAX);
    Ok(JsonBody(QueueLine { items, hidden }))
}

fn in_line(job: Job, why: Option<(Reason, String)>, position: u32) -> InLine {
    let (reason, message) = why.map_or((None, String::new()), |(reason, message)| (Some(reason), message));
    InLine {
        position,
        job_id: job.id,
        name: job.name,
        owner: job.owner,
        priority: job.priority,
        requests: job.requests,
        created_at: job.created_at,
        reason,
        message,
    }
}
