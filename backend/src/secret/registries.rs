//! Logins to registries, as the members of their team see and set them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::RegistryId;
use lilac_api::page::Page;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::secret::{CreateRegistry, MAX_REGISTRIES_PER_TEAM, Registry, normal_server};
use lilac_api::validate;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::registry_store as store;
use super::routes::{TeamQuery, unsealable};
use super::vault::Context;
use super::{check_value, lock_team, team_for};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::page;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_registries, create_registry))
        .routes(routes!(get_registry, delete_registry))
}

/// The registry logins of the caller's teams, the newest first; never their passwords.
#[utoipa::path(
    get,
    path = "/registries",
    tag = "registries",
    security(("bearer" = [])),
    params(TeamQuery),
    responses(
        (status = 200, description = "A page of logins, without their passwords", body = Page<Registry>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_registries(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<TeamQuery>,
) -> ApiResult<JsonBody<Page<Registry>>> {
    let (limit, before) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    let team = query.team.as_deref();
    let rows = store::registries(&mut conn, caller.sees(), team, None, before, limit + 1).await?;
    let Page { items, next_cursor } = page::cut(rows, limit, |row| row.id);
    Ok(JsonBody(Page { items: items.into_iter().map(Registry::from).collect(), next_cursor }))
}

/// Keeps a login to a registry for a team.
#[utoipa::path(
    post,
    path = "/registries",
    tag = "registries",
    security(("bearer" = [])),
    request_body = CreateRegistry,
    responses(
        (status = 201, description = "The login is kept, its password sealed", body = Registry),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 409, description = "The team has a login of that name, or 100 logins", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_registry(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Json(request): Json<CreateRegistry>,
) -> ApiResult<(StatusCode, JsonBody<Registry>)> {
    let server = normal_server(&request.server);
    refuse_invalid(check(&request, &server))?;
    let mut tx = app.pool.begin().await?;
    let (team, _) = team_for(&mut tx, &caller, request.team.as_deref()).await?;
    let context = Context::registry(team, &request.name, &server, &request.username);
    let sealed = app.vault.seal(&context, &request.password).map_err(unsealable)?;
    lock_team(&mut tx, team).await?;
    if store::count(&mut tx, team).await? >= MAX_REGISTRIES_PER_TEAM {
        let detail =
            format!("a team has at most {MAX_REGISTRIES_PER_TEAM} registry logins; delete one first");
        return Err(ApiError::conflict(detail));
    }
    let id = store::insert(&mut tx, team, &request, &server, &sealed, &caller.username).await?;
    let registry = store::registry(&mut tx, None, id).await?;
    let details = json!({ "server": registry.server, "username": registry.username });
    audit::record(&mut tx, &caller.actor(), "registry.create", &object(&registry), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(registry)))
}

/// One login, without its password.
#[utoipa::path(
    get,
    path = "/registries/{id}",
    tag = "registries",
    security(("bearer" = [])),
    params(("id" = RegistryId, Path, description = "Id of the login.")),
    responses(
        (status = 200, description = "What is known of the login", body = Registry),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such login", body = Problem),
    )
)]
async fn get_registry(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<RegistryId>,
) -> ApiResult<JsonBody<Registry>> {
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::registry(&mut conn, caller.sees(), id).await?))
}

/// Deletes a login. Images are pulled without it from now on.
#[utoipa::path(
    delete,
    path = "/registries/{id}",
    tag = "registries",
    security(("bearer" = [])),
    params(("id" = RegistryId, Path, description = "Id of the login.")),
    responses(
        (status = 204, description = "The login is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such login", body = Problem),
    )
)]
async fn delete_registry(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<RegistryId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let registry = store::registry(&mut tx, caller.sees(), id).await?;
    if !store::delete(&mut tx, id).await? {
        return Err(ApiError::not_found("registry login"));
    }
    let details = json!({ "server": registry.server });
    audit::record(&mut tx, &caller.actor(), "registry.delete", &object(&registry), details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the audit log names a login.
fn object(registry: &Registry) -> String {
    format!("registry:{}/{}", registry.team, registry.name)
}

fn check(request: &CreateRegistry, server: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    let (host, port) = server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port)));
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let host_is_legal = !host.is_empty() && host.len() <= 255 && host.chars().all(legal);
    // As in an image's name: what has neither dot nor port is no server there.
    let is_server = host.contains('.') || port.is_some() || host == "localhost";
    if !host_is_legal || !is_server || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        let message = "write host or host:port as in the names of images, without https://";
        errors.push(FieldError::new("server", "invalid-server", message));
    }
    validate::in_bounds("username", request.username.chars().count() as u64, 1, 255, &mut errors);
    if request.username.chars().any(|c| c.is_control() || c == ':' || c == '|') {
        let message = "must not contain control characters, `:` or `|`";
        errors.push(FieldError::new("username", "invalid-name", message));
    }
    check_value("password", &request.password, &mut errors);
    errors
}
