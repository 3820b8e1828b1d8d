//! Hooks, as the members of their team see and set them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lilac_api::auth::Secret;
use lilac_api::hook::{
    CreateHook, CreatedHook, HOOK_SECRET_LENGTH, HOOK_STATES, Hook, MAX_HOOKS_PER_TEAM, RotateHook,
    UpdateHook,
};
use lilac_api::job::JobState;
use lilac_api::page::Page;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::{HookId, TeamId, validate};
use rand::Rng;
use serde_json::json;
use url::Url;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, NewHook};
use super::{outbox, target::Targets};
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, MaybeJson, Query};
use crate::page;
use crate::secret::routes::{TeamQuery, unsealable};
use crate::secret::vault::Context;
use crate::secret::{lock_team, team_for};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_hooks, create_hook))
        .routes(routes!(get_hook, update_hook, delete_hook))
        .routes(routes!(rotate_hook))
}

/// The hooks of the caller's teams, the newest first; never their secrets.
#[utoipa::path(
    get,
    path = "/hooks",
    tag = "hooks",
    security(("bearer" = [])),
    params(TeamQuery),
    responses(
        (status = 200, description = "A page of hooks, without their secrets", body = Page<Hook>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_hooks(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<TeamQuery>,
) -> ApiResult<JsonBody<Page<Hook>>> {
    let (limit, before) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    let team = query.team.as_deref();
    let rows = store::hooks(&mut conn, caller.sees(), team, None, before, limit + 1).await?;
    let Page { items, next_cursor } = page::cut(rows, limit, |row| row.id);
    Ok(JsonBody(Page { items: items.into_iter().map(Hook::from).collect(), next_cursor }))
}

/// Makes a hook for a team.
#[utoipa::path(
    post,
    path = "/hooks",
    tag = "hooks",
    security(("bearer" = [])),
    request_body = CreateHook,
    responses(
        (status = 201, description = "The hook, and its secret where the server made it: it is not shown again", body = CreatedHook),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 409, description = "The team has a hook of that name, or 100 hooks", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_hook(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Json(request): Json<CreateHook>,
) -> ApiResult<(StatusCode, JsonBody<CreatedHook>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    let url = check_url(&app.settings.hooks.targets, &request.url, &mut errors);
    check_events(&request.events, &mut errors);
    check_secret(request.secret.as_ref(), &mut errors);
    refuse_invalid(errors)?;
    let (id, shown) = (HookId::new(), fresh_unless(request.secret.as_ref()));
    let mut tx = app.pool.begin().await?;
    let (team, _) = team_for(&mut tx, &caller, request.team.as_deref()).await?;
    let sealed = seal(&app, team, id, 1, request.secret.as_ref().or(shown.as_ref()))?;
    lock_team(&mut tx, team).await?;
    if store::count(&mut tx, team).await? >= MAX_HOOKS_PER_TEAM {
        let detail = format!("a team has at most {MAX_HOOKS_PER_TEAM} hooks; delete one first");
        return Err(ApiError::conflict(detail));
    }
    let new = NewHook {
        id,
        team,
        name: &request.name,
        url: &url,
        events: &request.events,
        sealed: &sealed,
        actor: &caller.username,
    };
    store::insert(&mut tx, &new).await?;
    let hook: Hook = store::hook(&mut tx, None, id).await?.into();
    audit::record(&mut tx, &caller.actor(), "hook.create", &object(&hook), details(&hook)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(CreatedHook { hook, secret: shown })))
}

/// One hook, without its secret.
#[utoipa::path(
    get,
    path = "/hooks/{id}",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook.")),
    responses(
        (status = 200, description = "What is known of the hook", body = Hook),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
    )
)]
async fn get_hook(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<HookId>,
) -> ApiResult<JsonBody<Hook>> {
    let mut conn = app.pool.acquire().await?;
    Ok(JsonBody(store::hook(&mut conn, caller.sees(), id).await?.into()))
}

/// Changes a hook. What waits for a hook that is switched off is given up; what waits for another address goes there.
#[utoipa::path(
    patch,
    path = "/hooks/{id}",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook.")),
    request_body = UpdateHook,
    responses(
        (status = 200, description = "The hook as it is now", body = Hook),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_hook(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<HookId>,
    Json(change): Json<UpdateHook>,
) -> ApiResult<JsonBody<Hook>> {
    let mut tx = app.pool.begin().await?;
    store::lock(&mut tx, caller.sees(), id).await?;
    let mut errors = Vec::new();
    let url = change.url.as_ref().map(|url| check_url(&app.settings.hooks.targets, url, &mut errors));
    if let Some(events) = &change.events {
        check_events(events, &mut errors);
    }
    refuse_invalid(errors)?;
    store::update(&mut tx, id, &change, url.as_deref(), &caller.username).await?;
    if change.enabled == Some(false) {
        outbox::give_up(&mut tx, id, "the hook was switched off").await?;
    }
    let hook: Hook = store::hook(&mut tx, None, id).await?.into();
    audit::record(&mut tx, &caller.actor(), "hook.update", &object(&hook), details(&hook)).await?;
    tx.commit().await?;
    Ok(JsonBody(hook))
}

/// Deletes a hook with its deliveries. Jobs that name it tell it nothing any more.
#[utoipa::path(
    delete,
    path = "/hooks/{id}",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook.")),
    responses(
        (status = 204, description = "The hook is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
    )
)]
async fn delete_hook(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<HookId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let hook: Hook = store::lock(&mut tx, caller.sees(), id).await?.into();
    store::delete(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "hook.delete", &object(&hook), json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a hook another secret. All that is sent from now on is signed with it, later tries of earlier messages too.
#[utoipa::path(
    post,
    path = "/hooks/{id}/rotate",
    tag = "hooks",
    security(("bearer" = [])),
    params(("id" = HookId, Path, description = "Id of the hook.")),
    request_body = RotateHook,
    responses(
        (status = 200, description = "The hook, and its secret where the server made it: it is not shown again", body = CreatedHook),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such hook", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn rotate_hook(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<HookId>,
    MaybeJson(request): MaybeJson<RotateHook>,
) -> ApiResult<JsonBody<CreatedHook>> {
    let mut tx = app.pool.begin().await?;
    let row = store::lock(&mut tx, caller.sees(), id).await?;
    let mut errors = Vec::new();
    check_secret(request.secret.as_ref(), &mut errors);
    refuse_invalid(errors)?;
    let shown = fresh_unless(request.secret.as_ref());
    let version = row.version.saturating_add(1);
    let sealed = seal(&app, TeamId(row.team_id), id, version, request.secret.as_ref().or(shown.as_ref()))?;
    store::rotate(&mut tx, id, version, &sealed, &caller.username).await?;
    let hook: Hook = store::hook(&mut tx, None, id).await?.into();
    let details = json!({ "version": version });
    audit::record(&mut tx, &caller.actor(), "hook.rotate", &object(&hook), details).await?;
    tx.commit().await?;
    Ok(JsonBody(CreatedHook { hook, secret: shown }))
}

/// How the audit log names a hook.
pub(super) fn object(hook: &Hook) -> String {
    format!("hook:{}/{}", hook.team, hook.name)
}

/// What the audit log tells of a hook: of its address the host alone, for the rest may be a secret.
fn details(hook: &Hook) -> serde_json::Value {
    let url = Url::parse(&hook.url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    json!({ "host": host, "events": hook.events, "enabled": hook.enabled })
}

/// The address as it is kept; empty where it is refused.
fn check_url(targets: &Targets, text: &str, errors: &mut Vec<FieldError>) -> String {
    match targets.check(text) {
        Ok(url) => url.into(),
        Err((code, message)) => {
            errors.push(FieldError::new("url", code, message));
            String::new()
        }
    }
}

fn check_events(events: &[JobState], errors: &mut Vec<FieldError>) {
    let problem = if events.is_empty() {
        ("empty", "name at least one state, or leave it out for all")
    } else if events.iter().any(|state| !HOOK_STATES.contains(state)) {
        ("invalid-value", "tells of running, held, succeeded, failed and cancelled only")
    } else if events.iter().collect::<BTreeSet<_>>().len() < events.len() {
        ("duplicate", "a state stands once")
    } else {
        return;
    };
    errors.push(FieldError::new("events", problem.0, problem.1));
}

fn check_secret(secret: Option<&Secret>, errors: &mut Vec<FieldError>) {
    let Some(Secret(text)) = secret else { return };
    if !HOOK_SECRET_LENGTH.contains(&text.len()) || !text.chars().all(|c| c.is_ascii_graphic()) {
        let (least, most) = (HOOK_SECRET_LENGTH.start(), HOOK_SECRET_LENGTH.end());
        let message = format!("must be {least} to {most} printable ASCII characters, without spaces");
        errors.push(FieldError::new("secret", "invalid-value", message));
    }
}

/// A secret of the server's making, where the caller brought none.
fn fresh_unless(given: Option<&Secret>) -> Option<Secret> {
    if given.is_some() {
        return None;
    }
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    Some(Secret(format!("lilac_hook_{}", URL_SAFE_NO_PAD.encode(bytes))))
}

fn seal(
    app: &App,
    team: TeamId,
    id: HookId,
    version: i32,
    secret: Option<&Secret>,
) -> ApiResult<crate::secret::vault::Sealed> {
    let secret = secret.ok_or_else(ApiError::internal)?;
    app.vault.seal(&Context::hook(team, id, version), secret).map_err(unsealable)
}
