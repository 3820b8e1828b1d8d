//! Secrets, as the members of their team see and set them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::SecretId;
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::secret::{CreateSecret, MAX_SECRETS_PER_TEAM, ReplaceSecret, StoredSecret};
use lilac_api::validate;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Filter};
use super::vault::{Context, VaultError};
use super::{check_value, lock_team, team_for};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::page;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_secrets, create_secret)).routes(routes!(
        get_secret,
        replace_secret,
        delete_secret
    ))
}

/// Which part of a team's things to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TeamQuery {
    /// Only those of this team.
    pub team: Option<String>,
    /// How many items at most: 1 to 500, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The secrets of the caller's teams, the newest first; never their values.
#[utoipa::path(
    get,
    path = "/secrets",
    tag = "secrets",
    security(("bearer" = [])),
    params(TeamQuery),
    responses(
        (status = 200, description = "A page of secrets, without their values", body = Page<StoredSecret>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_secrets(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<TeamQuery>,
) -> ApiResult<JsonBody<Page<StoredSecret>>> {
    let limit = page::limit(query.limit)?;
    let filter = Filter {
        teams: caller.sees(),
        team: query.team.as_deref(),
        before: page::decode(query.cursor.as_deref())?,
        limit: limit + 1,
        ..Filter::default()
    };
    let mut conn = app.pool.acquire().await?;
    let rows = store::secrets(&mut conn, &filter).await?;
    let Page { items, next_cursor } = page::cut(rows, limit, |row| row.id);
    Ok(JsonBody(Page { items: items.into_iter().map(StoredSecret::from).collect(), next_cursor }))
}

/// Keeps a secret for a team.
#[utoipa::path(
    post,
    path = "/secrets",
    tag = "secrets",
    security(("bearer" = [])),
    request_body = CreateSecret,
    responses(
        (status = 201, description = "The secret is kept, sealed; its value is not shown again", body = StoredSecret),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 409, description = "The team has a secret of that name, or 1,000 secrets", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_secret(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Json(request): Json<CreateSecret>,
) -> ApiResult<(StatusCode, JsonBody<StoredSecret>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    check_value("value", &request.value, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let (team, team_name) = team_for(&mut tx, &caller, request.team.as_deref()).await?;
    let sealed =
        app.vault.seal(&Context::secret(team, &request.name, 1), &request.value).map_err(unsealable)?;
    lock_team(&mut tx, team).await?;
    if store::count(&mut tx, team).await? >= MAX_SECRETS_PER_TEAM {
        let detail = format!("a team has at most {MAX_SECRETS_PER_TEAM} secrets; delete one first");
        return Err(ApiError::conflict(detail));
    }
    let id = store::insert(&mut tx, team, &request.name, &sealed, &caller.username).await?;
    let row = store::secret(&mut tx, None, id).await?;
    let object = object(&team_name, &request.name);
    audit::record(&mut tx, &caller.actor(), "secret.create", &object, json!({ "version": 1 })).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(row.into())))
}

/// One secret, without its value.
#[utoipa::path(
    get,
    path = "/secrets/{id}",
    tag = "secrets",
    security(("bearer" = [])),
    params(("id" = SecretId, Path, description = "Id of the secret.")),
    responses(
        (status = 200, description = "What is known of the secret", body = StoredSecret),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such secret", body = Problem),
    )
)]
async fn get_secret(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<SecretId>,
) -> ApiResult<JsonBody<StoredSecret>> {
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::secret(&mut conn, caller.sees(), id).await?.into()))
}

/// Replaces a secret's value. What starts from now on gets the new one.
#[utoipa::path(
    put,
    path = "/secrets/{id}",
    tag = "secrets",
    security(("bearer" = [])),
    params(("id" = SecretId, Path, description = "Id of the secret.")),
    request_body = ReplaceSecret,
    responses(
        (status = 200, description = "The secret with its next version", body = StoredSecret),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such secret", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn replace_secret(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<SecretId>,
    Json(request): Json<ReplaceSecret>,
) -> ApiResult<JsonBody<StoredSecret>> {
    let mut errors = Vec::new();
    check_value("value", &request.value, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let (team, name, version) = store::lock(&mut tx, caller.sees(), id).await?;
    let version = version.saturating_add(1);
    let sealed =
        app.vault.seal(&Context::secret(team, &name, version), &request.value).map_err(unsealable)?;
    store::replace(&mut tx, id, version, &sealed, &caller.username).await?;
    let secret: StoredSecret = store::secret(&mut tx, None, id).await?.into();
    let object = object(&secret.team, &name);
    audit::record(&mut tx, &caller.actor(), "secret.replace", &object, json!({ "version": version })).await?;
    tx.commit().await?;
    Ok(JsonBody(secret))
}

/// Deletes a secret. Jobs that name it and have not started will fail to.
#[utoipa::path(
    delete,
    path = "/secrets/{id}",
    tag = "secrets",
    security(("bearer" = [])),
    params(("id" = SecretId, Path, description = "Id of the secret.")),
    responses(
        (status = 204, description = "The secret is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such secret", body = Problem),
    )
)]
async fn delete_secret(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<SecretId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    store::lock(&mut tx, caller.sees(), id).await?;
    let secret: StoredSecret = store::secret(&mut tx, None, id).await?.into();
    store::delete(&mut tx, id).await?;
    let (object, details) = (object(&secret.team, &secret.name), json!({ "version": secret.version }));
    audit::record(&mut tx, &caller.actor(), "secret.delete", &object, details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the audit log names a secret.
fn object(team: &str, name: &str) -> String {
    format!("secret:{team}/{name}")
}

/// Sealing fails for no reason of the caller's.
pub fn unsealable(error: VaultError) -> ApiError {
    tracing::error!(%error, "a secret could not be sealed");
    ApiError::internal()
}
