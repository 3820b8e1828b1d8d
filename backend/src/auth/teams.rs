//! Teams and who is in them. A member sees the teams that they are in, an administrator all.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::team::{CreateTeam, Team, TeamMember, UpdateTeam};
use lilac_api::{TeamId, UserId, validate};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Admin, Caller};
use super::teams_store as store;
use crate::app::App;
use crate::audit;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::page::{self, PageQuery};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_teams, create_team))
        .routes(routes!(get_team, update_team, delete_team))
        .routes(routes!(list_team_members))
        .routes(routes!(add_team_member, remove_team_member))
}

fn object(name: &str) -> String {
    format!("team:{name}")
}

fn missing() -> ApiError {
    ApiError::not_found("team")
}

/// The caller's teams, the oldest first; all for administrators.
#[utoipa::path(
    get,
    path = "/teams",
    tag = "teams",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of teams", body = Page<Team>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn list_teams(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<Team>>> {
    let (limit, cursor) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    let rows = store::teams_after(&mut conn, caller.sees().as_deref(), cursor, limit + 1).await?;
    Ok(JsonBody(page::cut(rows, limit, |team| team.id.0)))
}

/// Makes a team. Nobody is in it yet.
#[utoipa::path(
    post,
    path = "/teams",
    tag = "teams",
    security(("bearer" = [])),
    request_body = CreateTeam,
    responses(
        (status = 201, description = "The team that was made", body = Team),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 409, description = "The name is taken", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_team(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Json(request): Json<CreateTeam>,
) -> ApiResult<(StatusCode, JsonBody<Team>)> {
    let mut errors = Vec::new();
    validate::name("name", &request.name, 63, &mut errors);
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let id = store::insert_team(&mut tx, &request.name).await?;
    let team = store::team(&mut tx, None, id).await?.ok_or_else(missing)?;
    audit::record(&mut tx, &caller.actor(), "team.create", &object(&team.name), json!({})).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(team)))
}

/// One team.
#[utoipa::path(
    get,
    path = "/teams/{id}",
    tag = "teams",
    security(("bearer" = [])),
    params(("id" = TeamId, Path, description = "Id of the team.")),
    responses(
        (status = 200, description = "The team", body = Team),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "The caller is in no such team", body = Problem),
    )
)]
async fn get_team(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<TeamId>,
) -> ApiResult<JsonBody<Team>> {
    let mut conn = app.pool.acquire().await?;
    let team = store::team(&mut conn, caller.sees().as_deref(), id).await?;
    team.map(JsonBody).ok_or_else(missing)
}

/// Changes a team's name.
#[utoipa::path(
    patch,
    path = "/teams/{id}",
    tag = "teams",
    security(("bearer" = [])),
    params(("id" = TeamId, Path, description = "Id of the team.")),
    request_body = UpdateTeam,
    responses(
        (status = 200, description = "The team after the change", body = Team),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such team", body = Problem),
        (status = 409, description = "The name is taken, or the team is `default`", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_team(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<TeamId>,
    Json(request): Json<UpdateTeam>,
) -> ApiResult<JsonBody<Team>> {
    let mut errors = Vec::new();
    if let Some(name) = &request.name {
        validate::name("name", name, 63, &mut errors);
    }
    refuse_invalid(errors)?;
    let mut tx = app.pool.begin().await?;
    let before = store::lock_team(&mut tx, id).await?.ok_or_else(missing)?;
    if let Some(name) = &request.name {
        refuse_default(&before)?;
        store::rename_team(&mut tx, id, name).await?;
    }
    let team = store::team(&mut tx, None, id).await?.ok_or_else(missing)?;
    audit::record(&mut tx, &caller.actor(), "team.update", &object(&before), json!(request)).await?;
    tx.commit().await?;
    Ok(JsonBody(team))
}

/// Fresh users and queues go to it by its name.
fn refuse_default(name: &str) -> ApiResult<()> {
    if name == lilac_api::auth::DEFAULT_TEAM {
        return Err(ApiError::conflict("the team `default` keeps its name and stays"));
    }
    Ok(())
}

/// Deletes a team that owns nothing any more.
#[utoipa::path(
    delete,
    path = "/teams/{id}",
    tag = "teams",
    security(("bearer" = [])),
    params(("id" = TeamId, Path, description = "Id of the team.")),
    responses(
        (status = 204, description = "The team is gone"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such team", body = Problem),
        (status = 409, description = "The team owns queues, jobs or secrets, or is `default`", body = Problem),
    )
)]
async fn delete_team(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<TeamId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    let name = store::lock_team(&mut tx, id).await?.ok_or_else(missing)?;
    refuse_default(&name)?;
    if !store::delete_team(&mut tx, id).await? {
        return Err(ApiError::conflict("the team still owns queues, jobs, secrets or other things"));
    }
    audit::record(&mut tx, &caller.actor(), "team.delete", &object(&name), json!({})).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Who is in a team, in the order in which they came.
#[utoipa::path(
    get,
    path = "/teams/{id}/members",
    tag = "teams",
    security(("bearer" = [])),
    params(("id" = TeamId, Path, description = "Id of the team."), PageQuery),
    responses(
        (status = 200, description = "A page of its members", body = Page<TeamMember>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "The caller is in no such team", body = Problem),
    )
)]
async fn list_team_members(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<TeamId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<TeamMember>>> {
    let (limit, cursor) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    store::team(&mut conn, caller.sees().as_deref(), id).await?.ok_or_else(missing)?;
    let rows = store::members_after(&mut conn, id, cursor, limit + 1).await?;
    Ok(JsonBody(page::cut(rows, limit, |member| member.user_id.0)))
}

/// What names no team or no user is answered as a missing one.
type Membership = Result<Path<(TeamId, UserId)>, PathRejection>;

/// Puts a user into a team. Twice is as good as once.
#[utoipa::path(
    put,
    path = "/teams/{id}/members/{user_id}",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("id" = TeamId, Path, description = "Id of the team."),
        ("user_id" = UserId, Path, description = "Id of the user."),
    ),
    responses(
        (status = 204, description = "The user is in the team"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such team or no such user", body = Problem),
    )
)]
async fn add_team_member(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    path: Membership,
) -> ApiResult<StatusCode> {
    let Path((team_id, user_id)) = path.map_err(|_| ApiError::not_found("team or user"))?;
    let mut tx = app.pool.begin().await?;
    let name = store::lock_team(&mut tx, team_id).await?.ok_or_else(missing)?;
    let user = store::username(&mut tx, user_id).await?.ok_or_else(|| ApiError::not_found("user"))?;
    if store::add_member(&mut tx, team_id, user_id).await? {
        let details = json!({ "user": user });
        audit::record(&mut tx, &caller.actor(), "team.add-member", &object(&name), details).await?;
    }
    tx.commit().await?;
    app.callers.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a user out of a team, who then sees nothing of it any more. Their jobs there go on.
#[utoipa::path(
    delete,
    path = "/teams/{id}/members/{user_id}",
    tag = "teams",
    security(("bearer" = [])),
    params(
        ("id" = TeamId, Path, description = "Id of the team."),
        ("user_id" = UserId, Path, description = "Id of the user."),
    ),
    responses(
        (status = 204, description = "The user is not in the team any more"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "The team has no such member", body = Problem),
    )
)]
async fn remove_team_member(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    path: Membership,
) -> ApiResult<StatusCode> {
    let Path((team_id, user_id)) = path.map_err(|_| ApiError::not_found("team or user"))?;
    let mut tx = app.pool.begin().await?;
    let name = store::lock_team(&mut tx, team_id).await?.ok_or_else(missing)?;
    let user = store::username(&mut tx, user_id).await?;
    let user = user.ok_or_else(|| ApiError::not_found("member of this team"))?;
    if !store::remove_member(&mut tx, team_id, user_id).await? {
        return Err(ApiError::not_found("member of this team"));
    }
    let details = json!({ "user": user });
    audit::record(&mut tx, &caller.actor(), "team.remove-member", &object(&name), details).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(StatusCode::NO_CONTENT)
}
