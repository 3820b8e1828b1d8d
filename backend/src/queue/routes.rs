//! Queues, as users see and administrators rule them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use lilac_api::QueueId;
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::queue::{CreateQueue, Queue, UpdateQueue};
use lilac_api::validate;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::rules;
use super::store::{self, Versioned};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiResult, refuse_invalid};
use crate::extract::{Id, Json};
use crate::version::{etag, refuse_stale};

/// A queue with its `ETag`.
type Tagged = ([(header::HeaderName, String); 1], JsonBody<Queue>);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queues, create_queue))
        .routes(routes!(get_queue, update_queue))
        .routes(routes!(pause_queue))
        .routes(routes!(resume_queue))
}

/// All queues that the caller may submit to, in the order in which they are served.
#[utoipa::path(
    get,
    path = "/queues",
    tag = "queues",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Queues of the caller's teams and those that let them submit: the higher priority first, then by name", body = Page<Queue>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_queues(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<JsonBody<Page<Queue>>> {
    let mut conn = app.pool.acquire().await?;
    let rows = store::queues(&mut conn, Some(&caller), None).await?;
    let items = rows.into_iter().map(|row| row.queue).collect();
    Ok(JsonBody(Page { items, next_cursor: None }))
}

/// Makes a queue.
#[utoipa::path(
    post,
    path = "/queues",
    tag = "queues",
    security(("bearer" = [])),
    request_body = CreateQueue,
    responses(
        (status = 201, description = "The queue that was made", body = Queue, headers(("etag" = String, description = "Its version"))),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 409, description = "The name is taken", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_queue(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Json(request): Json<CreateQueue>,
) -> ApiResult<(StatusCode, Tagged)> {
    let change = rules::of_new(&request);
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    rules::check(&change, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let id = store::insert_queue(&mut tx, &request).await?;
    rules::write(&mut tx, id, &change).await?;
    let queue = store::queue(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), "queue.create", &object(&queue.queue.name), json!(request))
        .await?;
    tx.commit().await?;
    app.bell.ring_all([Topic::Schedule, Topic::QueueView(id.0)]);
    Ok((StatusCode::CREATED, tagged(queue)))
}

/// One queue.
#[utoipa::path(
    get,
    path = "/queues/{id}",
    tag = "queues",
    security(("bearer" = [])),
    params(("id" = QueueId, Path, description = "Id of the queue.")),
    responses(
        (status = 200, description = "The queue", body = Queue, headers(("etag" = String, description = "Its version"))),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
    )
)]
async fn get_queue(State(app): State<Arc<App>>, caller: Caller, Id(id): Id<QueueId>) -> ApiResult<Tagged> {
    let mut conn = app.pool.acquire().await?;
    Ok(tagged(store::queue(&mut conn, Some(&caller), id).await?))
}

/// Changes a queue's rules. Jobs that run are not touched by it.
#[utoipa::path(
    patch,
    path = "/queues/{id}",
    tag = "queues",
    security(("bearer" = [])),
    params(
        ("id" = QueueId, Path, description = "Id of the queue."),
        ("if-match" = Option<String>, Header, description = "`ETag` that the change is meant for: refused when the queue has changed since."),
    ),
    request_body = UpdateQueue,
    responses(
        (status = 200, description = "The queue after the change", body = Queue, headers(("etag" = String, description = "Its version"))),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
        (status = 412, description = "The queue has changed since the version that `If-Match` names", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_queue(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<QueueId>,
    headers: HeaderMap,
    Json(request): Json<UpdateQueue>,
) -> ApiResult<Tagged> {
    let mut errors = Vec::new();
    rules::check(&request, &mut errors);
    refuse_invalid(errors)?;
    change(&app, &caller, id, &headers, "queue.update", &request).await
}

/// Starts nothing more from a queue; what runs goes on, and jobs are still taken in.
#[utoipa::path(
    post,
    path = "/queues/{id}/pause",
    tag = "queues",
    security(("bearer" = [])),
    params(
        ("id" = QueueId, Path, description = "Id of the queue."),
        ("if-match" = Option<String>, Header, description = "`ETag` that the change is meant for: refused when the queue has changed since."),
    ),
    responses(
        (status = 200, description = "The queue, paused", body = Queue, headers(("etag" = String, description = "Its version"))),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
        (status = 412, description = "The queue has changed since the version that `If-Match` names", body = Problem),
    )
)]
async fn pause_queue(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<QueueId>,
    headers: HeaderMap,
) -> ApiResult<Tagged> {
    let pause = UpdateQueue { paused: Some(true), ..UpdateQueue::default() };
    change(&app, &caller, id, &headers, "queue.pause", &pause).await
}

/// Starts jobs from a paused queue again.
#[utoipa::path(
    post,
    path = "/queues/{id}/resume",
    tag = "queues",
    security(("bearer" = [])),
    params(
        ("id" = QueueId, Path, description = "Id of the queue."),
        ("if-match" = Option<String>, Header, description = "`ETag` that the change is meant for: refused when the queue has changed since."),
    ),
    responses(
        (status = 200, description = "The queue, not paused any more", body = Queue, headers(("etag" = String, description = "Its version"))),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
        (status = 412, description = "The queue has changed since the version that `If-Match` names", body = Problem),
    )
)]
async fn resume_queue(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<QueueId>,
    headers: HeaderMap,
) -> ApiResult<Tagged> {
    let resume = UpdateQueue { paused: Some(false), ..UpdateQueue::default() };
    change(&app, &caller, id, &headers, "queue.resume", &resume).await
}

/// Carries out a change that was checked.
async fn change(
    app: &App,
    caller: &Caller,
    id: QueueId,
    headers: &HeaderMap,
    action: &str,
    change: &UpdateQueue,
) -> ApiResult<Tagged> {
    let mut tx = app.pool.begin().await?;
    let (version, name) = store::lock_queue(&mut tx, id).await?;
    refuse_stale(headers, version, "queue")?;
    rules::write(&mut tx, id, change).await?;
    store::count_version_up(&mut tx, id).await?;
    let queue = store::queue(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), action, &object(&name), json!(change)).await?;
    tx.commit().await?;
    app.bell.ring_all([Topic::Schedule, Topic::QueueView(id.0)]);
    Ok(tagged(queue))
}

/// How the audit log names a queue.
pub fn object(name: &str) -> String {
    format!("queue:{name}")
}

fn tagged(row: Versioned) -> Tagged {
    ([(header::ETAG, etag(row.version))], JsonBody(row.queue))
}
