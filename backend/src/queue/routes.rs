//! Queues, as users see and administrators rule them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use lilac_api::page::Page;
use lilac_api::problem::{ErrorCode, FieldError, Problem};
use lilac_api::queue::{CreateQueue, Queue, UpdateQueue};
use lilac_api::validate;
use lilac_api::{ClusterId, QueueId};
use serde_json::json;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Versioned};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json};

/// Clusters that a queue may feed.
const MAX_CLUSTERS: usize = 100;

/// A queue with its `ETag`.
type Tagged = ([(header::HeaderName, String); 1], JsonBody<Queue>);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_queues, create_queue)).routes(routes!(get_queue, update_queue))
}

/// All queues, in the order in which they are served.
#[utoipa::path(
    get,
    path = "/queues",
    tag = "queues",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All queues: the higher priority first, then by name", body = Page<Queue>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_queues(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<JsonBody<Page<Queue>>> {
    let mut conn = app.pool.acquire().await?;
    let items = store::queues(&mut conn, caller.sees().as_deref(), None)
        .await?
        .into_iter()
        .map(|row| row.queue)
        .collect();
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
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    check_priority(Some(request.priority), &mut errors);
    check_clusters(&request.clusters, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let clusters = resolve(&mut tx, &request.clusters).await?;
    let id = store::insert_queue(&mut tx, &request.name, &request.team, request.priority, &clusters).await?;
    let queue = store::queue(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), "queue.create", &object(&queue), json!(request)).await?;
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
    Ok(tagged(store::queue(&mut conn, caller.sees().as_deref(), id).await?))
}

/// Changes a queue's priority or clusters, or pauses it.
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
    check_priority(request.priority, &mut errors);
    if let Some(clusters) = &request.clusters {
        check_clusters(clusters, &mut errors);
    }
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let version = store::lock_queue(&mut tx, id).await?;
    refuse_stale(&headers, version)?;
    if let Some(names) = &request.clusters {
        let clusters = resolve(&mut tx, names).await?;
        store::set_clusters(&mut tx, id, &clusters).await?;
    }
    store::update_queue(&mut tx, id, request.priority, request.paused).await?;
    let queue = store::queue(&mut tx, None, id).await?;
    audit::record(&mut tx, &caller.actor(), "queue.update", &object(&queue), json!(request)).await?;
    tx.commit().await?;
    app.bell.ring_all([Topic::Schedule, Topic::QueueView(id.0)]);
    Ok(tagged(queue))
}

/// How the audit log names a queue.
fn object(row: &Versioned) -> String {
    format!("queue:{}", row.queue.name)
}

fn tagged(row: Versioned) -> Tagged {
    ([(header::ETAG, etag(row.version))], JsonBody(row.queue))
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Refuses a change that was meant for another version of the queue. Without `If-Match` the last one wins.
fn refuse_stale(headers: &HeaderMap, version: i64) -> ApiResult<()> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let current = etag(version);
    let mut tags =
        wanted.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim);
    if tags.any(|tag| tag == "*" || tag == current) {
        return Ok(());
    }
    let detail = format!("the queue has changed: its version is {current} now; read it again");
    Err(ApiError::new(StatusCode::PRECONDITION_FAILED, ErrorCode::VersionMismatch, detail))
}

fn check_priority(priority: Option<i32>, errors: &mut Vec<FieldError>) {
    if let Some(priority) = priority.filter(|priority| !(-1000..=1000).contains(priority)) {
        let message = format!("must be -1000 to 1000, is {priority}");
        errors.push(FieldError::new("priority", "out-of-bounds", message));
    }
}

fn check_clusters(names: &[String], errors: &mut Vec<FieldError>) {
    if names.is_empty() || names.len() > MAX_CLUSTERS {
        let message = format!("a queue has 1 to {MAX_CLUSTERS} clusters, not {}", names.len());
        errors.push(FieldError::new("clusters", "out-of-bounds", message));
        return;
    }
    for (index, name) in names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)) {
        let message = format!("`{}` stands in the list already", short(name));
        errors.push(FieldError::new(format!("clusters[{index}]"), "duplicate", message));
    }
}

/// The clusters of those names; a name that no cluster has is a refused field.
async fn resolve(conn: &mut PgConnection, names: &[String]) -> ApiResult<Vec<ClusterId>> {
    let found = store::clusters_by_name(conn, names).await?;
    let unknown = names.iter().zip(&found).enumerate().filter(|(_, (_, id))| id.is_none());
    let errors = unknown.map(|(index, (name, _))| {
        let message = format!("there is no cluster named `{}`", short(name));
        FieldError::new(format!("clusters[{index}]"), "not-found", message)
    });
    refuse_invalid(errors.collect())?;
    Ok(found.into_iter().flatten().collect())
}

/// As much of a name as an answer repeats.
fn short(name: &str) -> String {
    name.chars().take(63).collect()
}
