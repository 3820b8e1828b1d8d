//! What administrators do with nodes: cordon, drain, label.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonBody;
use axum::extract::State;
use chrono::SecondsFormat;
use lilac_api::NodeId;
use lilac_api::cluster::{CordonNode, DrainNode, Node, NodeEventKind, UpdateNode};
use lilac_api::job::Job;
use lilac_api::page::Page;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::validate;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{history, nodes, nodes_store};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, MaybeJson, Query};
use crate::training_job::places::{self, Place, PlaceQuery};

const MAX_REASON_CHARS: u64 = 500;
const MAX_DRAIN: Duration = Duration::from_secs(30 * 86_400);
const MAX_LABELS: u64 = 64;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(cordon_node))
        .routes(routes!(uncordon_node))
        .routes(routes!(drain_node))
        .routes(routes!(update_node))
        .routes(routes!(node_jobs))
}

/// Stops new jobs from being placed on a node; those that run there go on.
#[utoipa::path(
    post,
    path = "/nodes/{id}/cordon",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    request_body = Option<CordonNode>,
    responses(
        (status = 200, description = "The node, cordoned", body = Node),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn cordon_node(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<NodeId>,
    MaybeJson(request): MaybeJson<CordonNode>,
) -> ApiResult<JsonBody<Node>> {
    refuse_invalid(check_reason(&request.reason))?;
    let change = Change::Cordon { reason: request.reason.clone(), within_millis: None };
    act(&app, &caller, id, "node.cordon", change, json!(request)).await
}

/// Lets jobs be placed on a node again, and calls a drain off: what was told to stop already still does.
#[utoipa::path(
    post,
    path = "/nodes/{id}/uncordon",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    responses(
        (status = 200, description = "The node, not cordoned any more", body = Node),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    )
)]
async fn uncordon_node(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<NodeId>,
) -> ApiResult<JsonBody<Node>> {
    act(&app, &caller, id, "node.uncordon", Change::Uncordon, json!({})).await
}

/// Empties a node. It is cordoned; its jobs may end by themselves for a while; what runs on then is stopped
/// with its grace and goes back to its queue, uncharged. Uncordoning calls it off.
#[utoipa::path(
    post,
    path = "/nodes/{id}/drain",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    request_body = DrainNode,
    responses(
        (status = 200, description = "The node, cordoned, with the drain's deadline", body = Node),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn drain_node(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<NodeId>,
    Json(request): Json<DrainNode>,
) -> ApiResult<JsonBody<Node>> {
    let mut errors = check_reason(&request.reason);
    validate::span("within", request.within, Duration::ZERO, MAX_DRAIN, &mut errors);
    refuse_invalid(errors)?;
    let within_millis = Some(i64::try_from(request.within.0.as_millis()).unwrap_or(i64::MAX));
    let change = Change::Cordon { reason: request.reason.clone(), within_millis };
    act(&app, &caller, id, "node.drain", change, json!(request)).await
}

/// Sets the labels that stand over those of a node's agent.
#[utoipa::path(
    patch,
    path = "/nodes/{id}",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node.")),
    request_body = UpdateNode,
    responses(
        (status = 200, description = "The node with its labels", body = Node),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_node(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<NodeId>,
    Json(request): Json<UpdateNode>,
) -> ApiResult<JsonBody<Node>> {
    let mut errors = Vec::new();
    validate::in_bounds("labels", request.labels.len() as u64, 0, MAX_LABELS, &mut errors);
    for (key, value) in request.labels.iter().take(65) {
        validate::name(&format!("labels.{key}"), key, 63, &mut errors);
        validate::in_bounds(&format!("labels.{key}"), value.chars().count() as u64, 0, 255, &mut errors);
    }
    refuse_invalid(errors)?;
    let details = json!(request);
    act(&app, &caller, id, "node.label", Change::Labels(request), details).await
}

/// The jobs whose latest attempt is or was on a node, the newest first.
#[utoipa::path(
    get,
    path = "/nodes/{id}/jobs",
    tag = "nodes",
    security(("bearer" = [])),
    params(("id" = NodeId, Path, description = "Id of the node."), PlaceQuery),
    responses(
        (status = 200, description = "A page of the node's jobs that the caller sees, without their specs", body = Page<Job>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such node, or it was removed", body = Problem),
    )
)]
async fn node_jobs(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<NodeId>,
    Query(query): Query<PlaceQuery>,
) -> ApiResult<JsonBody<Page<Job>>> {
    let mut conn = app.pool.acquire().await?;
    if !nodes_store::exists(&mut conn, id).await? {
        return Err(ApiError::not_found("node"));
    }
    Ok(JsonBody(places::jobs(&mut conn, &caller, Place::Node(id), &query).await?))
}

fn check_reason(reason: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate::in_bounds("reason", reason.chars().count() as u64, 0, MAX_REASON_CHARS, &mut errors);
    errors
}

enum Change {
    Cordon { reason: String, within_millis: Option<i64> },
    Uncordon,
    Labels(UpdateNode),
}

/// Carries a change out, with its entries in the node's history and in the audit log.
async fn act(
    app: &App,
    caller: &Caller,
    id: NodeId,
    action: &str,
    change: Change,
    details: Value,
) -> ApiResult<JsonBody<Node>> {
    let mut tx = app.pool.begin().await?;
    let name = nodes_store::lock_node(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("node"))?;
    match &change {
        Change::Cordon { reason, within_millis } => {
            nodes_store::cordon(&mut tx, id, reason, *within_millis).await?;
        }
        Change::Uncordon => nodes_store::uncordon(&mut tx, id).await?,
        Change::Labels(request) => nodes_store::set_labels(&mut tx, id, &request.labels).await?,
    }
    let node = nodes::one(&mut tx, caller, id).await?;
    let (kind, message) = told(&change, &node);
    history::note(&mut tx, id, kind, &message, &caller.actor()).await?;
    audit::record(&mut tx, &caller.actor(), action, &format!("node:{name}"), details).await?;
    tx.commit().await?;
    tracing::info!(node_id = %id, action, user = %caller.username, "a node was changed");
    app.bell.ring_all([Topic::Schedule, Topic::NodeView(id)]);
    Ok(JsonBody(node))
}

/// The entry of the node's history.
fn told(change: &Change, node: &Node) -> (NodeEventKind, String) {
    match (change, &node.drain) {
        (Change::Cordon { within_millis: Some(_), reason }, Some(drain)) => {
            let deadline = drain.deadline.to_rfc3339_opts(SecondsFormat::Secs, true);
            (
                NodeEventKind::Draining,
                with_reason(&format!("is drained; its jobs may end by themselves until {deadline}"), reason),
            )
        }
        (Change::Cordon { reason, .. }, _) => {
            (NodeEventKind::Cordoned, with_reason("takes nothing new", reason))
        }
        (Change::Uncordon, _) => (NodeEventKind::Uncordoned, "takes jobs again".to_owned()),
        (Change::Labels(request), _) => {
            let labels: Vec<String> =
                request.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
            (NodeEventKind::Labelled, format!("labels set: {labels}"))
        }
    }
}

fn with_reason(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}
