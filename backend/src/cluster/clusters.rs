//! Clusters, as users see and administrators make them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use lilac_api::ClusterId;
use lilac_api::cluster::{Cluster, ClusterStats, CreateCluster, Node, NodeState, UpdateCluster};
use lilac_api::job::Job;
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::quantity::Span;
use lilac_api::validate;
use serde_json::json;
use sqlx::PgConnection;
use strum::VariantArray;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::nodes::NodesQuery;
use super::{DEFAULT_MAX_DISCONNECT, nodes, store};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Admin, Caller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::training_job::places::{self, Place, PlaceQuery};
use crate::version::{etag, refuse_stale};

const MIN_MAX_DISCONNECT: Duration = Duration::from_secs(10);
const MAX_MAX_DISCONNECT: Duration = Duration::from_secs(86_400);

/// A cluster with its `ETag`.
type Tagged = ([(header::HeaderName, String); 1], JsonBody<Cluster>);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_clusters, create_cluster))
        .routes(routes!(get_cluster, update_cluster, delete_cluster))
        .routes(routes!(cluster_stats))
        .routes(routes!(cluster_nodes))
        .routes(routes!(cluster_jobs))
}

/// All clusters, by name.
#[utoipa::path(
    get,
    path = "/clusters",
    tag = "clusters",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All clusters, with what their living nodes have and what is held of it", body = Page<Cluster>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_clusters(State(app): State<Arc<App>>, _: Caller) -> ApiResult<JsonBody<Page<Cluster>>> {
    let mut conn = app.pool.acquire().await?;
    let items = store::clusters(&mut conn, None).await?;
    Ok(JsonBody(Page { items, next_cursor: None }))
}

/// Makes a cluster.
#[utoipa::path(
    post,
    path = "/clusters",
    tag = "clusters",
    security(("bearer" = [])),
    request_body = CreateCluster,
    responses(
        (status = 201, description = "The cluster that was made", body = Cluster),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 409, description = "The name is taken", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_cluster(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Json(request): Json<CreateCluster>,
) -> ApiResult<(StatusCode, JsonBody<Cluster>)> {
    let max_disconnect = request.max_disconnect.unwrap_or(Span(DEFAULT_MAX_DISCONNECT));
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    validate::span("max_disconnect", max_disconnect, MIN_MAX_DISCONNECT, MAX_MAX_DISCONNECT, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let id = store::insert_cluster(&mut tx, &request.name, request.placement_policy, max_disconnect).await?;
    let cluster = store::cluster(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "cluster.create", &object(&cluster.name), json!(request)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(cluster)))
}

/// One cluster.
#[utoipa::path(
    get,
    path = "/clusters/{id}",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster.")),
    responses(
        (status = 200, description = "The cluster", body = Cluster, headers(("etag" = String, description = "Its version"))),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn get_cluster(State(app): State<Arc<App>>, _: Caller, Id(id): Id<ClusterId>) -> ApiResult<Tagged> {
    let mut conn = app.pool.acquire().await?;
    tagged(&mut conn, id).await
}

/// Changes a cluster's policy or patience.
#[utoipa::path(
    patch,
    path = "/clusters/{id}",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster."), ("if-match" = Option<String>, Header, description = "`ETag` that the change is meant for: refused when the cluster has changed since.")),
    request_body = UpdateCluster,
    responses(
        (status = 200, description = "The cluster after the change", body = Cluster, headers(("etag" = String, description = "Its version"))),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 412, description = "The cluster has changed since the version that `If-Match` names", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn update_cluster(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<ClusterId>,
    headers: HeaderMap,
    Json(request): Json<UpdateCluster>,
) -> ApiResult<Tagged> {
    let mut errors = Vec::new();
    if let Some(patience) = request.max_disconnect {
        validate::span("max_disconnect", patience, MIN_MAX_DISCONNECT, MAX_MAX_DISCONNECT, &mut errors);
    }
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let (version, name) = store::lock_cluster(&mut tx, id).await?;
    refuse_stale(&headers, version, "cluster")?;
    store::update_cluster(&mut tx, id, &request).await?;
    let answer = tagged(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "cluster.update", &object(&name), json!(request)).await?;
    tx.commit().await?;
    app.bell.ring(Topic::Schedule);
    Ok(answer)
}

/// Deletes a cluster that has no nodes and that no queue feeds. Its join keys go with it.
#[utoipa::path(
    delete,
    path = "/clusters/{id}",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster."), ("if-match" = Option<String>, Header, description = "`ETag` that the change is meant for: refused when the cluster has changed since.")),
    responses(
        (status = 204, description = "The cluster is deleted"),
        (status = 409, description = "It has nodes, or a queue feeds it", body = Problem),
        (status = 412, description = "The cluster has changed since the version that `If-Match` names", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn delete_cluster(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<ClusterId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let (version, name) = store::lock_cluster(&mut tx, id).await?;
    refuse_stale(&headers, version, "cluster")?;
    store::delete_cluster(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "cluster.delete", &object(&name), json!({ "id": id })).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A cluster in numbers.
#[utoipa::path(
    get,
    path = "/clusters/{id}/stats",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster.")),
    responses(
        (status = 200, description = "Nodes by state, what there is and what is held", body = ClusterStats),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn cluster_stats(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ClusterId>,
) -> ApiResult<JsonBody<ClusterStats>> {
    let mut conn = app.pool.acquire().await?;
    let cluster = store::cluster(&mut conn, id).await?;
    let members = nodes::of_cluster(&mut conn, &caller, id).await?;
    let mut by_state: BTreeMap<NodeState, u32> =
        NodeState::VARIANTS.iter().map(|state| (*state, 0)).collect();
    for node in &members {
        *by_state.entry(node.state).or_default() += 1;
    }
    Ok(JsonBody(ClusterStats {
        nodes: by_state,
        capacity: cluster.capacity,
        allocated: cluster.allocated,
        running_jobs: members.iter().map(|node| node.running_jobs).sum(),
    }))
}

/// The nodes of a cluster, by name.
#[utoipa::path(
    get,
    path = "/clusters/{id}/nodes",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster."), NodesQuery),
    responses(
        (status = 200, description = "A page of its nodes that are not removed", body = Page<Node>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn cluster_nodes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ClusterId>,
    Query(query): Query<NodesQuery>,
) -> ApiResult<JsonBody<Page<Node>>> {
    let mut conn = app.pool.acquire().await?;
    exists(&mut conn, id).await?;
    nodes::page_of(&mut conn, &caller, Some(id), &query).await.map(JsonBody)
}

/// The jobs whose latest attempt is or was on a cluster, the newest first.
#[utoipa::path(
    get,
    path = "/clusters/{id}/jobs",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster."), PlaceQuery),
    responses(
        (status = 200, description = "A page of the cluster's jobs that the caller sees, without their specs", body = Page<Job>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn cluster_jobs(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ClusterId>,
    Query(query): Query<PlaceQuery>,
) -> ApiResult<JsonBody<Page<Job>>> {
    let mut conn = app.pool.acquire().await?;
    exists(&mut conn, id).await?;
    Ok(JsonBody(places::jobs(&mut conn, &caller, Place::Cluster(id), &query).await?))
}

async fn exists(conn: &mut PgConnection, id: ClusterId) -> ApiResult<()> {
    if store::cluster_exists(conn, id).await? { Ok(()) } else { Err(ApiError::not_found("cluster")) }
}

/// How the audit log names a cluster.
fn object(name: &str) -> String {
    format!("cluster:{name}")
}

async fn tagged(conn: &mut PgConnection, id: ClusterId) -> ApiResult<Tagged> {
    let cluster = store::cluster(conn, id).await?;
    Ok(([(header::ETAG, etag(store::version(conn, id).await?))], JsonBody(cluster)))
}
