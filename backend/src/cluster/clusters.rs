//! Clusters, as users see and administrators make them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::ClusterId;
use lilac_api::cluster::{Cluster, CreateCluster};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::quantity::Span;
use lilac_api::validate;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{DEFAULT_MAX_DISCONNECT, store};
use crate::app::App;
use crate::auth::caller::{Admin, Caller};
use crate::error::{ApiResult, refuse_invalid};
use crate::extract::{Id, Json};

const MIN_MAX_DISCONNECT: Duration = Duration::from_secs(10);
const MAX_MAX_DISCONNECT: Duration = Duration::from_secs(86_400);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_clusters, create_cluster)).routes(routes!(get_cluster))
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
    _: Admin,
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
        (status = 200, description = "The cluster", body = Cluster),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn get_cluster(
    State(app): State<Arc<App>>,
    _: Caller,
    Id(id): Id<ClusterId>,
) -> ApiResult<JsonBody<Cluster>> {
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::cluster(&mut conn, id).await?))
}
