//! Accounts, as administrators see and change them.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::StatusCode;
use lilac_api::UserId;
use lilac_api::auth::{CreateUser, ResetPassword, Role, Secret, UpdateUser, User};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::validate;
use serde_json::json;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Admin;
use super::password;
use super::store::{self, NewUser, UserChange};
use crate::app::App;
use crate::audit;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json, Query};
use crate::page::{self, PageQuery};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, update_user, delete_user))
        .routes(routes!(reset_password))
}

/// All users, the oldest first.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of users", body = Page<User>),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
    )
)]
async fn list_users(
    State(app): State<Arc<App>>,
    _: Admin,
    Query(query): Query<PageQuery>,
) -> ApiResult<JsonBody<Page<User>>> {
    let (limit, cursor) = (page::limit(query.limit)?, page::decode(query.cursor.as_deref())?);
    let mut conn = app.pool.acquire().await?;
    let rows = store::users_after(&mut conn, cursor, limit + 1).await?;
    let Page { items, next_cursor } = page::cut(rows, limit, |row| row.id);
    let items = items.into_iter().map(store::UserRow::into_user).collect::<ApiResult<_>>()?;
    Ok(JsonBody(Page { items, next_cursor }))
}

/// Adds a user.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    security(("bearer" = [])),
    request_body = CreateUser,
    responses(
        (status = 201, description = "The user that was added", body = User),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 409, description = "The username is taken", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn create_user(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Json(request): Json<CreateUser>,
) -> ApiResult<(StatusCode, JsonBody<User>)> {
    let mut errors = Vec::new();
    validate::name("username", &request.username, 63, &mut errors);
    password::check("password", &request.password, &mut errors);
    refuse_invalid(errors)?;
    let hash = hash(&app, &request.password).await?;
    let mut tx = app.pool.begin().await?;
    let new = NewUser {
        username: &request.username,
        password_hash: &hash,
        role: request.role,
        teams: &request.teams,
        must_change_password: request.must_change_password,
    };
    let user = store::insert_user(&mut tx, &new).await?;
    let details = json!({ "role": user.role, "teams": request.teams });
    audit::record(&mut tx, &caller.actor(), "user.create", &object(&user), details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(user)))
}

/// One user.
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user.")),
    responses(
        (status = 200, description = "The user", body = User),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such user", body = Problem),
    )
)]
async fn get_user(State(app): State<Arc<App>>, _: Admin, Id(id): Id<UserId>) -> ApiResult<JsonBody<User>> {
    let mut conn = app.pool.acquire().await?;
    let row = store::user(&mut conn, id).await?;
    Ok(JsonBody(row.ok_or_else(|| ApiError::not_found("user"))?.into_user()?))
}

/// Changes a user's role or password, or disables the user.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user.")),
    request_body = UpdateUser,
    responses(
        (status = 200, description = "The user after the change. A new password and disabling end all logins", body = User),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such user", body = Problem),
        (status = 409, description = "It would leave no administrator", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_user(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
    Json(request): Json<UpdateUser>,
) -> ApiResult<JsonBody<User>> {
    let mut errors = Vec::new();
    if let Some(password) = &request.password {
        password::check("password", password, &mut errors);
    }
    if let Some(user) = request.node_user {
        for (field, id) in [("uid", user.uid), ("gid", user.gid)] {
            validate::in_bounds(
                &format!("node_user.{field}"),
                id.into(),
                1,
                u64::from(u32::MAX) - 1,
                &mut errors,
            );
        }
    }
    refuse_invalid(errors)?;
    let password_hash = match &request.password {
        Some(password) => Some(hash(&app, password).await?),
        None => None,
    };
    let ends_logins = password_hash.is_some() || request.disabled == Some(true);
    // Who changes their own password is the only one who knows it.
    let must_change_password = password_hash.as_ref().map(|_| id != caller.user_id);
    let change = UserChange {
        role: request.role,
        disabled: request.disabled,
        password_hash,
        must_change_password,
        node_user: request.node_user,
        ends_logins,
    };

    let mut tx = app.pool.begin().await?;
    if request.disabled == Some(true) || request.role.is_some_and(|role| role < Role::Admin) {
        keep_one_admin(&mut tx, id).await?;
    }
    let row = store::update_user(&mut tx, id, &change).await?;
    let user = row.ok_or_else(|| ApiError::not_found("user"))?.into_user()?;
    if ends_logins {
        store::delete_refresh_tokens(&mut tx, id).await?;
    }
    let details = json!({
        "role": request.role, "disabled": request.disabled, "password_changed": request.password.is_some(), "node_user": request.node_user,
    });
    audit::record(&mut tx, &caller.actor(), "user.update", &object(&user), details).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(JsonBody(user))
}

/// Deletes a user who has left no trace. One who has submitted jobs can be disabled only.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user.")),
    responses(
        (status = 204, description = "The user is gone, with all logins and API keys"),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such user", body = Problem),
        (status = 409, description = "The user has jobs, or it would leave no administrator", body = Problem),
    )
)]
async fn delete_user(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
) -> ApiResult<StatusCode> {
    let mut tx = app.pool.begin().await?;
    keep_one_admin(&mut tx, id).await?;
    let user =
        store::lock_user(&mut tx, id).await?.ok_or_else(|| ApiError::not_found("user"))?.into_user()?;
    if !store::delete_user(&mut tx, id).await? {
        let detail = "jobs or other things that stay name this user; disable the user instead";
        return Err(ApiError::conflict(detail));
    }
    let details = json!({ "role": user.role });
    audit::record(&mut tx, &caller.actor(), "user.delete", &object(&user), details).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a made-up password, good for one login, which must change it. All logins of the user end.
#[utoipa::path(
    post,
    path = "/users/{id}/reset-password",
    tag = "users",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Id of the user.")),
    responses(
        (status = 200, description = "The password: the only time it is shown", body = ResetPassword),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
        (status = 404, description = "There is no such user", body = Problem),
    )
)]
async fn reset_password(
    State(app): State<Arc<App>>,
    Admin(caller): Admin,
    Id(id): Id<UserId>,
) -> ApiResult<JsonBody<ResetPassword>> {
    let made_up = password::random();
    let change = UserChange {
        password_hash: Some(hash(&app, &made_up).await?),
        must_change_password: Some(true),
        ends_logins: true,
        ..UserChange::default()
    };
    let mut tx = app.pool.begin().await?;
    let row = store::update_user(&mut tx, id, &change).await?;
    let user = row.ok_or_else(|| ApiError::not_found("user"))?.into_user()?;
    store::delete_refresh_tokens(&mut tx, id).await?;
    audit::record(&mut tx, &caller.actor(), "user.reset-password", &object(&user), json!({})).await?;
    tx.commit().await?;
    app.callers.forget();
    Ok(JsonBody(ResetPassword { password: made_up }))
}

/// How the audit log names a user.
pub fn object(user: &User) -> String {
    format!("user:{}", user.username)
}

/// Refuses to take away the last administrator who can log in: nobody could ever appoint another.
pub async fn keep_one_admin(conn: &mut PgConnection, id: UserId) -> ApiResult<()> {
    let admins = store::lock_enabled_admins(conn).await?;
    if admins == [id.0] {
        return Err(ApiError::conflict("this is the last administrator; appoint another one first"));
    }
    Ok(())
}

pub async fn hash(app: &App, password: &Secret) -> ApiResult<String> {
    app.passwords.hash(password).await.map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        ApiError::internal()
    })
}
