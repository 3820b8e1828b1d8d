//! Deleting a queue. What becomes of its unfinished jobs is the caller's word; the ended ones stay readable, and
//! so the row stays, unseen.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use lilac_api::problem::Problem;
use lilac_api::queue::JobsChoice;
use lilac_api::{JobId, QueueId};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::routes::object;
use super::{DEFAULT_QUEUE, store};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::training_job::transitions;
use crate::version::refuse_stale;

/// The most jobs that one transaction cancels or moves.
const BATCH: i64 = 500;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(delete_queue))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// What becomes of jobs that wait or run: `refuse` (the default: the queue stays while there are any), `cancel`, or `move:QUEUE`.
    jobs: Option<String>,
}

/// Deletes a queue.
///
/// Its ended jobs stay readable. The queue named `default` cannot be deleted. With many unfinished jobs some may
/// have been cancelled or moved already when the deletion is refused or fails: calling again goes on from there.
#[utoipa::path(
    delete,
    path = "/queues/{id}",
    tag = "queues",
    security(("bearer" = [])),
    params(
        ("id" = QueueId, Path, description = "Id of the queue."),
        ("if-match" = Option<String>, Header, description = "`ETag` of the queue that is meant: refused when it has changed since."),
        DeleteQuery,
    ),
    responses(
        (status = 204, description = "The queue is deleted"),
        (status = 400, description = "`jobs` says none of the choices", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
        (status = 409, description = "It is the default queue; or jobs wait or run in it, and the choice is to refuse; or there is no queue to move them to", body = Problem),
        (status = 412, description = "The queue has changed since the version that `If-Match` names", body = Problem),
    )
)]
async fn delete_queue(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<QueueId>,
    Query(query): Query<DeleteQuery>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let choice = match query.jobs.as_deref() {
        None => JobsChoice::Refuse,
        Some(text) => text.parse().map_err(|hint| ApiError::malformed(format!("query: jobs: {hint}")))?,
    };
    let mut handled = 0;
    while !step(&app, &caller, id, &choice, &headers, &mut handled).await? {}
    app.bell.ring_all([Topic::Schedule, Topic::QueueView(id.0)]);
    Ok(StatusCode::NO_CONTENT)
}

/// One transaction of the deletion: deals with a batch of jobs, and deletes the queue when none is left. Says
/// whether it did.
async fn step(
    app: &App,
    caller: &Caller,
    id: QueueId,
    choice: &JobsChoice,
    headers: &HeaderMap,
    handled: &mut u64,
) -> ApiResult<bool> {
    let mut tx = app.pool.begin().await?;
    let (version, name) = store::lock_queue(&mut tx, id).await?;
    if name == DEFAULT_QUEUE {
        return Err(ApiError::conflict("jobs that name no queue go to this one: it cannot be deleted"));
    }
    refuse_stale(headers, version, "queue")?;
    let (topics, has_more) = match choice {
        JobsChoice::Refuse => (refuse(&mut tx, id).await?, false),
        JobsChoice::Cancel => cancel(&mut tx, id, &caller.actor()).await?,
        JobsChoice::Move(target) => move_jobs(&mut tx, id, &name, target, &caller.actor()).await?,
    };
    *handled += topics.iter().filter(|topic| matches!(topic, Topic::Job(_))).count() as u64;
    if !has_more {
        store::mark_deleted(&mut tx, id).await?;
        let details = json!({ "jobs": choice.to_string(), "handled": *handled });
        audit::record(&mut tx, &caller.actor(), "queue.delete", &object(&name), details).await?;
    }
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(!has_more)
}

async fn refuse(conn: &mut PgConnection, id: QueueId) -> ApiResult<Vec<Topic>> {
    let unfinished = store::count_unfinished(conn, id).await?;
    if unfinished == 0 {
        return Ok(Vec::new());
    }
    let detail = format!(
        "{unfinished} jobs of it wait, run or are held: say what becomes of them with jobs=cancel or jobs=move:QUEUE"
    );
    Err(ApiError::conflict(detail))
}

/// What waits is cancelled at once; what runs is told to stop, and ends in its own time.
async fn cancel(conn: &mut PgConnection, id: QueueId, actor: &str) -> ApiResult<(Vec<Topic>, bool)> {
    let jobs = store::not_yet_cancelled(conn, id, BATCH).await?;
    let mut topics = Vec::new();
    for job in &jobs {
        topics.extend(transitions::cancel(conn, JobId(*job), actor).await?);
    }
    Ok((topics, jobs.len() as i64 == BATCH))
}

async fn move_jobs(
    conn: &mut PgConnection,
    id: QueueId,
    name: &str,
    target: &str,
    actor: &str,
) -> ApiResult<(Vec<Topic>, bool)> {
    let target_id = store::lock_target(conn, target)
        .await?
        .filter(|target| *target != id)
        .ok_or_else(|| ApiError::conflict("there is no such other queue to move the jobs to"))?;
    let message = format!("moved from queue {name}, which was deleted, to {target}");
    let moved = transitions::move_jobs(conn, id, target_id, target, &message, actor, BATCH).await?;
    let has_more = moved.len() as i64 == BATCH;
    let topics = moved.into_iter().map(Topic::Job).chain([Topic::QueueView(target_id.0)]);
    Ok((topics.collect(), has_more))
}
