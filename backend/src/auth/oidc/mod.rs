//! Single sign-on by OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! The browser goes to the provider and comes back with a code, which this server trades for a signed token. What
//! the server must remember meanwhile is in a signed cookie: so another replica can take the browser back, and a
//! code that was begun in another browser is worth nothing.

mod accounts;
mod provider;
pub mod settings;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum_extra::extract::CookieJar;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lilac_api::problem::Problem;
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub use provider::Provider;

use super::cookies::{self, REFRESH, SSO};
use super::routes::{REFRESH_TOKEN_SECS, issue};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;

/// How long a person may take at the provider.
const LOGIN_SECS: u32 = 600;
const MAX_NEXT_BYTES: usize = 512;
const MAX_CODE_BYTES: usize = 4096;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(sso_login)).routes(routes!(sso_callback))
}

/// A login that was begun.
#[derive(Clone, Serialize, Deserialize)]
struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    exp: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LoginQuery {
    /// Path of the UI to go to afterwards.
    next: Option<String>,
}

/// What a provider sends along; it may send more.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CallbackQuery {
    /// Proof of the login.
    code: Option<String>,
    /// What the login was begun with.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
}

fn provider(app: &App) -> ApiResult<&Provider> {
    app.sso.as_ref().ok_or_else(|| ApiError::not_found("provider of single sign-on"))
}

fn random() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Only a path of this site may be gone to afterwards.
fn local_path(next: Option<String>) -> String {
    let is_local = |next: &String| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains('\\')
            && next.len() <= MAX_NEXT_BYTES
            && next.bytes().all(|byte| byte.is_ascii_graphic())
    };
    next.filter(is_local).unwrap_or_else(|| "/".to_owned())
}

fn redirect(to: &str, cookies: Vec<String>) -> Response {
    let cookies = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie));
    let headers = AppendHeaders(cookies.collect::<Vec<_>>());
    let location = [(header::LOCATION, to.to_owned()), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, location, headers).into_response()
}

/// Sends a browser to the provider of single sign-on.
#[utoipa::path(
    get,
    path = "/auth/oidc/login",
    tag = "auth",
    params(LoginQuery),
    responses(
        (status = 303, description = "To the provider"),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 404, description = "This server has no provider", body = Problem),
        (status = 503, description = "The provider does not answer", body = Problem),
    )
)]
async fn sso_login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(query): Query<LoginQuery>,
) -> ApiResult<Response> {
    let provider = provider(&app)?;
    let exp = u64::try_from(chrono::Utc::now().timestamp()).unwrap_or_default() + u64::from(LOGIN_SECS);
    let flow =
        Flow { state: random(), nonce: random(), verifier: random(), next: local_path(query.next), exp };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&flow.verifier));
    let url = provider.login_url(&flow.state, &flow.nonce, &challenge).await.map_err(|error| {
        tracing::warn!(error = format!("{error:#}"), "the provider of single sign-on does not answer");
        ApiError::unavailable("the provider of single sign-on does not answer")
    })?;
    let sealed = app.keys.seal_flow(&flow).ok_or_else(ApiError::internal)?;
    let cookie = SSO.set(&sealed, LOGIN_SECS, cookies::is_https(&app, &headers));
    Ok(redirect(url.as_str(), vec![cookie]))
}

/// Takes a browser back from the provider, and logs the person in.
#[utoipa::path(
    get,
    path = "/auth/oidc/callback",
    tag = "auth",
    params(CallbackQuery),
    responses(
        (status = 303, description = "To the UI, with the refresh token as a cookie; or to its login page, which says what went wrong"),
        (status = 400, description = "A query parameter cannot be read", body = Problem),
        (status = 404, description = "This server has no provider", body = Problem),
    )
)]
async fn sso_callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    jar: CookieJar,
    Query(query): Query<CallbackQuery>,
) -> ApiResult<Response> {
    let provider = provider(&app)?;
    let is_https = cookies::is_https(&app, &headers);
    let flow = SSO.read(&jar, is_https).and_then(|sealed| app.keys.open_flow::<Flow>(sealed));
    // One use: whatever comes of it, the cookie goes.
    let mut set = vec![SSO.clear(is_https)];
    let refused = |why: &str| redirect(&format!("/login?sso={why}"), vec![SSO.clear(is_https)]);
    let Some(flow) = flow.filter(|flow| is_same(&flow.state, query.state.as_deref())) else {
        return Ok(refused("expired"));
    };
    let Some(code) = query.code.filter(|code| query.error.is_none() && code.len() <= MAX_CODE_BYTES) else {
        return Ok(refused("denied"));
    };
    let claims = match provider.redeem(&code, &flow.verifier, &flow.nonce).await {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a login by single sign-on failed");
            return Ok(refused("failed"));
        }
    };
    let mut tx = app.pool.begin().await?;
    let user = match accounts::user(&mut tx, &provider.settings, &claims).await? {
        Ok(user) => user,
        Err(refusal) => {
            tracing::warn!(?refusal, "a login by single sign-on was refused");
            return Ok(refused(refusal.word()));
        }
    };
    let token = issue(&app, &mut tx, &user.row, Uuid::now_v7()).await?;
    accounts::note(&mut tx, &user).await?;
    tx.commit().await?;
    app.callers.forget();
    tracing::info!(user = %user.row.username, "logged in by single sign-on");
    set.push(REFRESH.set(&token.0, REFRESH_TOKEN_SECS, is_https));
    Ok(redirect(&flow.next, set))
}

fn is_same(kept: &str, came: Option<&str>) -> bool {
    came.is_some_and(|came| kept.as_bytes().ct_eq(came.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        for path in ["/jobs?state=queued", "/"] {
            assert_eq!(local_path(Some(path.to_owned())), path);
        }
        for other in ["//evil.example", "https://evil.example", "/\\evil.example", "jobs", "", "/a\r\nb"] {
            assert_eq!(local_path(Some(other.to_owned())), "/", "{other}");
        }
    }
}
