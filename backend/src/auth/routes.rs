//! Logging in and staying logged in.
//!
//! A login gives a short access token, which scripts of a page may hold, and a refresh token, which they may
//! not see: a cookie that is sent to these routes only. Each refresh uses its token up and gives the next of
//! the same family. A token that is used twice was stolen by one of the two: the family ends.
//!
//! But an answer may get lost, as when a page is left while it renews its login, and then the older token is all that
//! the browser has. So the token that was just replaced is answered once more with the same next one, as long as
//! nobody has used that. Both who hold the older one then hold the same next one, and as each of them uses it, the
//! second comes too late: a theft shows one refresh later.

use std::sync::Arc;
use std::time::Instant;

use axum::Json as JsonBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use axum_extra::extract::CookieJar;
use lilac_api::UserId;
use lilac_api::auth::{LoginMethods, LoginRequest, LoginResponse, Secret, SsoMethod};
use lilac_api::problem::Problem;
use serde_json::json;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::cookies::{self, REFRESH};
use super::keys::{self, ACCESS_TOKEN_SECS, Kind, Parsed};
use super::store::{self, UserRow};
use super::throttle;
use crate::app::App;
use crate::audit;
use crate::error::{ApiError, ApiResult};
use crate::extract::Json;

/// A login that is not renewed for so long ends.
pub const REFRESH_TOKEN_SECS: u32 = 7 * 86_400;
/// How long the answer to a refresh is given again. A page that is loaded anew asks within that; a stolen cookie is
/// seldom used as soon.
const REFRESH_GRACE_SECS: u32 = 30;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(methods))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
}

/// How one can log in here.
#[utoipa::path(
    get,
    path = "/auth/methods",
    tag = "auth",
    responses((status = 200, description = "What a page for logging in offers besides name and password", body = LoginMethods))
)]
async fn methods(State(app): State<Arc<App>>) -> JsonBody<LoginMethods> {
    JsonBody(LoginMethods {
        sign_up: app.auth.sign_up,
        sso: app
            .auth
            .oidc
            .as_ref()
            .map(|oidc| SsoMethod { name: oidc.name.clone(), url: "/api/v1/auth/oidc/login".to_owned() }),
    })
}

/// Logs in with name and password.
#[utoipa::path(
    post,
    path = "/auth/login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "Logged in. The refresh token comes as the cookie `lilac_refresh`", body = LoginResponse),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "The username or the password is wrong, or the user is disabled", body = Problem),
        (status = 403, description = "A page of another site asks", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "A field is missing, unknown or of the wrong type", body = Problem),
        (status = 429, description = "Too many failed logins for this user; see `Retry-After`", body = Problem),
    )
)]
async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> ApiResult<impl IntoResponse> {
    cookies::refuse_foreign_pages(&app, &headers)?;
    let user = check_password(&app, &request.username, &request.password).await?;
    let user = user.ok_or_else(wrong_login)?;

    let mut tx = app.pool.begin().await?;
    // The password may have been changed while it was being checked.
    let current = store::lock_user(&mut tx, UserId(user.id)).await?;
    let still = current.filter(|now| now.login_epoch == user.login_epoch && !now.disabled);
    let user = still.ok_or_else(wrong_login)?;
    let token = issue(&app, &mut tx, &user, Uuid::now_v7()).await?;
    store::delete_expired_refresh_tokens(&mut tx).await?;
    tx.commit().await?;
    tracing::info!(user = %user.username, "logged in");
    opened(&app, user, &token, &headers)
}

/// The enabled user of that name, if the password is theirs. Who guesses is slowed down.
pub async fn check_password(app: &App, username: &str, password: &Secret) -> ApiResult<Option<UserRow>> {
    let name = throttle::key(username);
    let _permit = app.throttle.enter(&name, Instant::now())?;
    let user = {
        let mut conn = app.pool.acquire().await?;
        store::user_by_name(&mut conn, &name).await?
    };
    // Unknown and disabled users cost the same work, so that the time tells nothing.
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let matches = app.passwords.verify(password, stored).await.map_err(|error| {
        tracing::error!(%error, "a password could not be checked");
        ApiError::internal()
    })?;
    let accepted = matches && user.as_ref().is_some_and(|user| !user.disabled);
    let closed = app.throttle.leave(&name, Instant::now(), accepted)?;
    if let Some(user) = user.as_ref().filter(|_| closed) {
        // Names without a user leave no entry: a stranger must not be able to fill the log.
        tracing::warn!(user = %user.username, "too many failed logins: the name is closed for a while");
        let mut tx = app.pool.begin().await?;
        let object = format!("user:{}", user.username);
        audit::record(&mut tx, "server", "login.lock-out", &object, json!({})).await?;
        tx.commit().await?;
    }
    Ok(user.filter(|_| accepted))
}

fn wrong_login() -> ApiError {
    ApiError::unauthenticated("the username or the password is wrong")
}

/// Renews a login.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    tag = "auth",
    params(
        ("lilac_refresh" = String, Cookie, description = "The refresh token of the login or of the last refresh."),
        ("x-lilac-csrf" = String, Header, description = "Must be `1`: a foreign page cannot send it."),
    ),
    responses(
        (status = 200, description = "A fresh access token; the cookie holds the next refresh token", body = LoginResponse),
        (status = 401, description = "The cookie or the header is missing, or the login has ended", body = Problem),
        (status = 403, description = "A page of another site asks", body = Problem),
    )
)]
async fn refresh(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    jar: CookieJar,
) -> ApiResult<impl IntoResponse> {
    if headers.get("x-lilac-csrf").is_none_or(|value| value != "1") {
        return Err(ApiError::unauthenticated("a refresh needs the header `x-lilac-csrf: 1`"));
    }
    cookies::refuse_foreign_pages(&app, &headers)?;
    let is_https = cookies::is_https(&app, &headers);
    let presented = presented_token(&jar, is_https).ok_or_else(|| ended(is_https))?;
    let mut tx = app.pool.begin().await?;
    let renewed = rotate(&app, &mut tx, &presented).await?;
    // Also when refused: the end of a stolen family must be kept.
    tx.commit().await?;
    let (user, token) = renewed.ok_or_else(|| ended(is_https))?;
    opened(&app, user, &token, &headers)
}

/// Ends this login.
#[utoipa::path(
    post,
    path = "/auth/logout",
    tag = "auth",
    responses(
        (status = 204, description = "The refresh token, if there was one, is void, and its cookie is cleared"),
        (status = 403, description = "A page of another site asks", body = Problem),
    )
)]
async fn logout(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    jar: CookieJar,
) -> ApiResult<impl IntoResponse> {
    cookies::refuse_foreign_pages(&app, &headers)?;
    let is_https = cookies::is_https(&app, &headers);
    if let Some(presented) = presented_token(&jar, is_https) {
        let mut tx = app.pool.begin().await?;
        if let Some((token, _)) = held(&app, &mut tx, &presented).await? {
            store::delete_family(&mut tx, token.family).await?;
        }
        tx.commit().await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([("set-cookie", REFRESH.clear(is_https))])))
}

/// The well-formed refresh token among the cookies.
fn presented_token(jar: &CookieJar, is_https: bool) -> Option<Parsed> {
    REFRESH.read(jar, is_https).and_then(keys::parse).filter(|token| token.kind == Kind::Refresh)
}

/// The row of a token that is ours, and its user, whose row is held from here on.
async fn held(
    app: &App,
    conn: &mut PgConnection,
    presented: &Parsed,
) -> ApiResult<Option<(store::RefreshRow, UserRow)>> {
    let Some(token) = store::refresh_token(conn, presented.id, REFRESH_GRACE_SECS).await? else {
        return Ok(None);
    };
    if !app.keys.matches(presented, &token.secret_hmac) {
        return Ok(None);
    }
    let Some(user) = store::lock_user(conn, UserId(token.user_id)).await? else { return Ok(None) };
    // Read again: it may have been used or deleted while the lock was waited for.
    let token = store::refresh_token(conn, presented.id, REFRESH_GRACE_SECS).await?;
    Ok(token.map(|token| (token, user)))
}

/// Uses a token up and gives the next of its family; that one again, if it was just given. None when the login has ended.
async fn rotate(
    app: &App,
    conn: &mut PgConnection,
    presented: &Parsed,
) -> ApiResult<Option<(UserRow, Secret)>> {
    let Some((token, user)) = held(app, conn, presented).await? else { return Ok(None) };
    if token.used && token.heir.is_none() {
        tracing::warn!(user = %user.username, "a refresh token was used twice; its login is ended");
        store::delete_family(conn, token.family).await?;
        return Ok(None);
    }
    if token.expired || user.disabled {
        return Ok(None);
    }
    if let Some(heir) = token.heir {
        return Ok(Some((user, app.keys.successor(presented, heir).text)));
    }
    let id = Uuid::now_v7();
    let next = app.keys.successor(presented, id);
    let owner = UserId(user.id);
    store::insert_refresh_token(conn, id, owner, token.family, &next.hmac, REFRESH_TOKEN_SECS).await?;
    store::replace_refresh_token(conn, presented.id, id).await?;
    Ok(Some((user, next.text)))
}

pub async fn issue(app: &App, conn: &mut PgConnection, user: &UserRow, family: Uuid) -> ApiResult<Secret> {
    let id = Uuid::now_v7();
    let minted = app.keys.mint(Kind::Refresh, id);
    let owner = UserId(user.id);
    store::insert_refresh_token(conn, id, owner, family, &minted.hmac, REFRESH_TOKEN_SECS).await?;
    Ok(minted.text)
}

/// The answer to a login or refresh that went well.
pub fn opened(
    app: &App,
    user: UserRow,
    refresh: &Secret,
    headers: &HeaderMap,
) -> ApiResult<impl IntoResponse + use<>> {
    let access_token = app.keys.access_token(UserId(user.id), user.login_epoch).map_err(|error| {
        tracing::error!(%error, "an access token could not be signed");
        ApiError::internal()
    })?;
    let answer = LoginResponse { access_token, expires_in_secs: ACCESS_TOKEN_SECS, user: user.into_user()? };
    let cookie = REFRESH.set(&refresh.0, REFRESH_TOKEN_SECS, cookies::is_https(app, headers));
    Ok((AppendHeaders([("set-cookie", cookie), ("cache-control", "no-store".to_owned())]), JsonBody(answer)))
}

/// The refusal of a refresh. The cookie is no good any more, so it is cleared.
fn ended(is_https: bool) -> ApiError {
    let mut error = ApiError::unauthenticated("the login has ended; log in again");
    error.headers.push(("set-cookie", REFRESH.clear(is_https)));
    error
}
