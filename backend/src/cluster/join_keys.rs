//! The keys with which machines join a cluster. The secret is shown once; a node that has joined does not need
//! it any more, so revoking a key stops new nodes and leaves those that came with it.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use lilac_api::cluster::{CreateJoinKey, CreatedJoinKey, JoinKey};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::validate;
use lilac_api::{ClusterId, JoinKeyId};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, NewJoinKey};
use crate::app::App;
use crate::audit;
use crate::auth::api_keys::check_lifetime;
use crate::auth::caller::Admin;
use crate::auth::keys::Kind;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_join_keys, create_join_key)).routes(routes!(revoke_join_key))
}

/// The join keys of a cluster, the newest first.
#[utoipa::path(
    get,
    path = "/clusters/{id}/api-keys",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster.")),
    responses(
        (status = 200, description = "All keys of the cluster; the revoked ones say so", body = Page<JoinKey>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
    )
)]
async fn list_join_keys(
    State(app): State<Arc<App>>,
    _: Admin,
    Id(cluster): Id<ClusterId>,
) -> ApiResult<JsonBody<Page<JoinKey>>> {
    let mut conn = app.pool.acquire().await?;
    if !store::cluster_exists(&mut conn, cluster).await? {
        return Err(ApiError::not_found("cluster"));
    }
    let items = store::join_keys(&mut conn, cluster).await?;
    Ok(JsonBody(Page { items, next_cursor: None }))
}

/// Makes a join key for a cluster.
#[utoipa::path(
    post,
    path = "/clusters/{id}/api-keys",
    tag = "clusters",
    security(("bearer" = [])),
    params(("id" = ClusterId, Path, description = "Id of the cluster.")),
    request_body = CreateJoinKey,
    responses(
        (status = 201, description = "The key with its secret: the only time it is shown", body = CreatedJoinKey),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such cluster", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_join_key(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(cluster): Id<ClusterId>,
    Json(request): Json<CreateJoinKey>,
) -> ApiResult<(StatusCode, JsonBody<CreatedJoinKey>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    check_lifetime(request.expires_in, &mut errors);
    refuse_invalid(errors)?;
    let id = JoinKeyId::new();
    let minted = app.keys.mint(Kind::JoinKey, id.0);
    let new = NewJoinKey {
        id,
        cluster,
        name: &request.name,
        secret_hmac: &minted.hmac,
        reusable: request.reusable,
        created_by: caller.user_id,
        lifetime_secs: request.expires_in.map(|span| span.0.as_secs_f64()),
    };
    let mut tx = app.pool.begin().await?;
    let key = store::insert_join_key(&mut tx, &new).await?;
    audit::record(&mut tx, &caller.actor(), "join-key.create", &object(cluster), json!(key)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(CreatedJoinKey { key, secret: minted.text })))
}

/// Revokes a join key. Nodes that joined with it stay.
#[utoipa::path(
    delete,
    path = "/clusters/{id}/api-keys/{key_id}",
    tag = "clusters",
    security(("bearer" = [])),
    params(
        ("id" = ClusterId, Path, description = "Id of the cluster."),
        ("key_id" = JoinKeyId, Path, description = "Id of the key."),
    ),
    responses(
        (status = 204, description = "Nothing joins with the key any more"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "The cluster has no such key", body = Problem),
    )
)]
async fn revoke_join_key(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    path: Result<Path<(ClusterId, JoinKeyId)>, PathRejection>,
) -> ApiResult<StatusCode> {
    // What is no id names nothing.
    let Path((cluster, key)) = path.map_err(|_| ApiError::not_found("join key"))?;
    let mut tx = app.pool.begin().await?;
    if !store::revoke_join_key(&mut tx, cluster, key).await? {
        return Err(ApiError::not_found("join key"));
    }
    audit::record(&mut tx, &caller.actor(), "join-key.revoke", &object(cluster), json!({ "id": key }))
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the audit log names the cluster of a key.
fn object(cluster: ClusterId) -> String {
    format!("cluster:{cluster}")
}
