//! A user's own account: who one is, the profile, the password, and making an account where that is allowed.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use lilac_api::auth::{ChangePassword, DEFAULT_TEAM, LoginResponse, Role, SignUp, UpdateProfile, User};
use lilac_api::problem::{FieldError, Problem};
use lilac_api::validate;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::{Account, AnyUser, PasswordChanger};
use super::store::{self, NewUser, UserChange};
use super::{cookies, password, routes as logins, users};
use crate::app::App;
use crate::audit;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::Json;

const MAX_DISPLAY_NAME_CHARS: usize = 128;
/// No address is longer (RFC 5321).
const MAX_EMAIL_CHARS: usize = 254;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(me, update_me))
        .routes(routes!(change_password))
        .routes(routes!(sign_up))
}

/// Who the caller is.
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The caller", body = User),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn me(State(app): State<Arc<App>>, AnyUser(caller): AnyUser) -> ApiResult<JsonBody<User>> {
    let mut conn = app.pool.acquire().await?;
    let row = store::user(&mut conn, caller.user_id).await?;
    Ok(JsonBody(row.ok_or_else(|| ApiError::not_found("user"))?.into_user()?))
}

/// Changes what the caller says about themselves.
#[utoipa::path(
    patch,
    path = "/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    request_body = UpdateProfile,
    responses(
        (status = 200, description = "The caller after the change", body = User),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not a user's credential, or a key without the scope `account`", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
    )
)]
async fn update_me(
    State(app): State<Arc<App>>,
    Account(caller): Account,
    Json(request): Json<UpdateProfile>,
) -> ApiResult<JsonBody<User>> {
    let (display_name, email) = (request.display_name.as_deref(), request.email.as_deref());
    refuse_invalid(check_profile(display_name, email))?;
    let mut tx = app.pool.begin().await?;
    let row = store::update_profile(&mut tx, caller.user_id, display_name, email).await?;
    let user = row.ok_or_else(|| ApiError::not_found("user"))?.into_user()?;
    audit::record(&mut tx, &caller.actor(), "user.profile", &users::object(&user), json!(request)).await?;
    tx.commit().await?;
    Ok(JsonBody(user))
}

fn check_profile(display_name: Option<&str>, email: Option<&str>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (path, value, max) in
        [("display_name", display_name, MAX_DISPLAY_NAME_CHARS), ("email", email, MAX_EMAIL_CHARS)]
    {
        let Some(value) = value else { continue };
        if value.chars().count() > max {
            errors.push(FieldError::new(path, "too-long", format!("must have at most {max} characters")));
        } else if value.chars().any(char::is_control) {
            errors.push(FieldError::new(path, "invalid-value", "must not hold control characters"));
        }
    }
    let is_address = |email: &str| {
        let parts = email.split_once('@');
        parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
            && !email.contains(char::is_whitespace)
    };
    if email.is_some_and(|email| !email.is_empty() && !is_address(email)) {
        errors.push(FieldError::new("email", "invalid-value", "must be an address like ada@example.org"));
    }
    errors
}

/// Changes the caller's password. All logins end; the answer is a new one.
#[utoipa::path(
    post,
    path = "/auth/password",
    tag = "auth",
    security(("bearer" = [])),
    request_body = ChangePassword,
    responses(
        (status = 200, description = "A new login. The refresh token comes as the cookie `lilac_refresh`", body = LoginResponse),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not a user's credential, or a key without the scope `account`", body = Problem),
        (status = 409, description = "The password was changed by another call meanwhile", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused; `current_password` where it is wrong", body = Problem),
        (status = 429, description = "Too many wrong passwords for this user; see `Retry-After`", body = Problem),
    )
)]
async fn change_password(
    State(app): State<Arc<App>>,
    PasswordChanger(caller): PasswordChanger,
    headers: HeaderMap,
    Json(request): Json<ChangePassword>,
) -> ApiResult<impl IntoResponse> {
    let mut errors = Vec::new();
    password::check("new_password", &request.new_password, &mut errors);
    if request.new_password == request.current_password {
        let message = "must be another than the current password";
        errors.push(FieldError::new("new_password", "unchanged", message));
    }
    refuse_invalid(errors)?;
    let checked = logins::check_password(&app, &caller.username, &request.current_password).await?;
    let before = checked
        .ok_or_else(|| ApiError::field("current_password", "wrong-password", "is not your password"))?;
    let hash = users::hash(&app, &request.new_password).await?;

    let mut tx = app.pool.begin().await?;
    let current = store::lock_user(&mut tx, caller.user_id).await?;
    if current.is_none_or(|now| now.login_epoch != before.login_epoch || now.disabled) {
        return Err(ApiError::conflict("the account was changed meanwhile; log in again"));
    }
    let change = UserChange {
        password_hash: Some(hash),
        must_change_password: Some(false),
        ends_logins: true,
        ..UserChange::default()
    };
    let row = store::update_user(&mut tx, caller.user_id, &change).await?.ok_or_else(ApiError::internal)?;
    store::delete_refresh_tokens(&mut tx, caller.user_id).await?;
    let token = logins::issue(&app, &mut tx, &row, Uuid::now_v7()).await?;
    let object = format!("user:{}", row.username);
    audit::record(&mut tx, &caller.actor(), "user.password", &object, json!({})).await?;
    tx.commit().await?;
    app.callers.forget();
    logins::opened(&app, row, &token, &headers)
}

/// Makes an account for oneself, where the server allows it.
#[utoipa::path(
    post,
    path = "/auth/sign-up",
    tag = "auth",
    request_body = SignUp,
    responses(
        (status = 201, description = "The new member of the default team, who can log in now", body = User),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 403, description = "This server does not allow it, or a page of another site asks", body = Problem),
        (status = 409, description = "The username is taken", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is refused", body = Problem),
        (status = 429, description = "Too many at once; see `Retry-After`", body = Problem),
    )
)]
async fn sign_up(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(request): Json<SignUp>,
) -> ApiResult<(StatusCode, JsonBody<User>)> {
    if !app.auth.sign_up {
        return Err(ApiError::forbidden("accounts are made by administrators here"));
    }
    cookies::refuse_foreign_pages(&app, &headers)?;
    let mut errors = Vec::new();
    validate::name("username", &request.username, 63, &mut errors);
    password::check("password", &request.password, &mut errors);
    refuse_invalid(errors)?;
    let _permit = app.throttle.enter_uncounted()?;
    let hash = users::hash(&app, &request.password).await?;
    let teams = [DEFAULT_TEAM.to_owned()];
    let new = NewUser {
        username: &request.username,
        password_hash: &hash,
        role: Role::Member,
        teams: &teams,
        must_change_password: false,
    };
    let mut tx = app.pool.begin().await?;
    let user = store::insert_user(&mut tx, &new).await?;
    let object = users::object(&user);
    audit::record(&mut tx, &object, "user.sign-up", &object, json!({ "role": user.role })).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, JsonBody(user)))
}
