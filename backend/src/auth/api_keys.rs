//! The caller's own API keys. A key does what its user may do, within its scopes; its secret is shown once, when it is made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::ApiKeyId;
use lilac_api::auth::{ApiKey, CreateApiKey, CreatedApiKey, Scope};
use lilac_api::page::Page;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::quantity::Span;
use lilac_api::validate;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Account, Caller};
use super::keys::Kind;
use super::store::{self, NewApiKey};
use crate::app::App;
use crate::audit;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json};

/// Keys that a user may have in use at once.
const MAX_LIVE_KEYS: i64 = 100;
/// The longest that a key which expires may be asked for.
const MAX_LIFETIME: Duration = Duration::from_secs(3650 * 86_400);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_api_keys, create_api_key)).routes(routes!(revoke_api_key))
}

/// How long a key may be used, where it is not for ever.
pub fn check_lifetime(lifetime: Option<Span>, errors: &mut Vec<FieldError>) {
    if let Some(lifetime) = lifetime {
        validate::span("expires_in", lifetime, Duration::from_secs(1), MAX_LIFETIME, errors);
    }
}

/// The caller's API keys, the newest first; revoked ones are not among them.
#[utoipa::path(
    get,
    path = "/api-keys",
    tag = "api-keys",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All keys of the caller", body = Page<ApiKey>),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_api_keys(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<JsonBody<Page<ApiKey>>> {
    let mut conn = app.pool.acquire().await?;
    let items = store::api_keys(&mut conn, caller.user_id).await?;
    Ok(JsonBody(Page { items, next_cursor: None }))
}

/// Makes an API key for the caller.
#[utoipa::path(
    post,
    path = "/api-keys",
    tag = "api-keys",
    security(("bearer" = [])),
    request_body = CreateApiKey,
    responses(
        (status = 201, description = "The key with its secret: the only time it is shown", body = CreatedApiKey),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not a user's credential, or a key without the scope `account`", body = Problem),
        (status = 409, description = "The caller has 100 keys in use", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_api_key(
    State(app): State<Arc<App>>,
    Account(caller): Account,
    Json(request): Json<CreateApiKey>,
) -> ApiResult<(StatusCode, JsonBody<CreatedApiKey>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    check_lifetime(request.expires_in, &mut errors);
    let scopes = scopes(&caller, request.scopes, &mut errors);
    refuse_invalid(errors)?;
    let id = ApiKeyId::new();
    let minted = app.keys.mint(Kind::ApiKey, id.0);

    let mut tx = app.pool.begin().await?;
    // Two calls at once take turns, so that the count holds when the key is added.
    store::lock_user(&mut tx, caller.user_id).await?;
    if store::count_live_api_keys(&mut tx, caller.user_id).await? >= MAX_LIVE_KEYS {
        let detail = format!("a user has at most {MAX_LIVE_KEYS} API keys in use; revoke one first");
        return Err(ApiError::conflict(detail));
    }
    store::delete_old_api_keys(&mut tx, caller.user_id).await?;
    let new = NewApiKey {
        id,
        user_id: caller.user_id,
        name: &request.name,
        scopes: &scopes,
        secret_hmac: &minted.hmac,
        lifetime_secs: request.expires_in.map(|span| span.0.as_secs_f64()),
    };
    let key = store::insert_api_key(&mut tx, &new).await?;
    let details = json!({ "name": key.name, "scopes": key.scopes, "expires_at": key.expires_at });
    audit::record(&mut tx, &caller.actor(), "api-key.create", &format!("api-key:{id}"), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(CreatedApiKey { key, secret: minted.text })))
}

/// What a new key may be used for: at most what its maker's own credential may, so that a key cannot grow.
fn scopes(caller: &Caller, asked: Option<Vec<Scope>>, errors: &mut Vec<FieldError>) -> Vec<Scope> {
    let Some(asked) = asked else { return caller.scopes.clone() };
    let distinct: BTreeSet<Scope> = asked.iter().copied().collect();
    if asked.is_empty() || distinct.len() != asked.len() {
        errors.push(FieldError::new("scopes", "invalid-value", "name one scope or more, each once"));
    }
    for (index, scope) in asked.iter().enumerate() {
        if !caller.may_grant(*scope) {
            let message = format!("the key that you use has not the scope `{scope}` itself");
            errors.push(FieldError::new(format!("scopes[{index}]"), "not-allowed", message));
        }
    }
    distinct.into_iter().collect()
}

/// Revokes one of the caller's API keys.
#[utoipa::path(
    delete,
    path = "/api-keys/{id}",
    tag = "api-keys",
    security(("bearer" = [])),
    params(("id" = ApiKeyId, Path, description = "Id of the key.")),
    responses(
        (status = 204, description = "The key opens nothing any more"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not a user's credential, or a key without the scope `account`", body = Problem),
        (status = 404, description = "The caller has no such key", body = Problem),
    )
)]
async fn revoke_api_key(
    State(app): State<Arc<App>>,
    Account(caller): Account,
    Id(id): Id<ApiKeyId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let name = store::revoke_api_key(&mut tx, id, caller.user_id).await?;
    let name = name.ok_or_else(|| ApiError::not_found("API key"))?;
    let object = format!("api-key:{id}");
    audit::record(&mut tx, &caller.actor(), "api-key.revoke", &object, json!({ "name": name })).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(StatusCode::NO_CONTENT)
}
