//! All routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ipnet::IpNet;
use lilac_api::problem::ErrorCode;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::address::{self, Address};
use crate::app::{App, detached};
use crate::error::ApiError;
use crate::observe::health;
use crate::observe::request::observe;
use crate::observe::sample;
use crate::{
    audit, auth, cluster, events, facts, hook, interactive, logs, metrics, openapi, output, queue, schedule,
    secret, training_job, volume, web,
};

/// The largest body of an ordinary request.
const MAX_BODY_BYTES: usize = 256 << 10;
/// The largest `sync`: 4,096 attempts with their results.
const MAX_SYNC_BYTES: usize = 4 << 20;

/// The REST API, with its description.
pub fn api() -> OpenApiRouter<Arc<App>> {
    let v1 = OpenApiRouter::new()
        .merge(auth::routes())
        .merge(audit::routes::routes())
        .merge(cluster::routes())
        .merge(queue::routes())
        .merge(secret::routes())
        .merge(volume::routes())
        .merge(hook::routes())
        .merge(training_job::routes::routes())
        .merge(training_job::actions::routes())
        .merge(training_job::arrays::routes())
        .merge(training_job::explain::routes())
        .merge(training_job::receipt::routes())
        .merge(training_job::groups::routes())
        .merge(training_job::usage::routes())
        .merge(schedule::routes())
        .merge(logs::routes::routes())
        .merge(metrics::routes::routes())
        .merge(output::routes::routes())
        .merge(interactive::routes())
        .merge(events::routes())
        .merge(facts::routes())
        .routes(routes!(cluster::register::register))
        .routes(routes!(secret::supplies::supplies));
    let with_room = OpenApiRouter::new()
        .routes(routes!(cluster::sync::sync))
        .layer(DefaultBodyLimit::max(MAX_SYNC_BYTES))
        .merge(logs::routes::agent_routes())
        .merge(metrics::intake::agent_routes())
        .merge(output::intake::agent_routes());
    let with_room = with_room.merge(
        training_job::batch::routes().layer(DefaultBodyLimit::max(training_job::batch::MAX_BATCH_BYTES)),
    );
    OpenApiRouter::with_openapi(openapi::Base::openapi())
        .nest("/api/v1", v1.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).merge(with_room))
        .merge(health::routes())
}

/// As [`build_with`], where no proxy is trusted.
pub fn build(app: Arc<App>) -> Router {
    build_with(app, &[])
}

/// The whole server: API, health, their description, UI.
pub fn build_with(app: Arc<App>, trusted_proxies: &[IpNet]) -> Router {
    let (api, _) = api().split_for_parts();
    let served = Arc::new(openapi::document());
    let api = api
        .route(
            "/api/v1/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], served.as_str().to_owned()) }),
        )
        .route("/api/{*rest}", axum::routing::any(no_such_route))
        .method_not_allowed_fallback(method_not_allowed)
        .merge(utoipa_swagger_ui::SwaggerUi::new("/api/docs").config(utoipa_swagger_ui::Config::from("/api/v1/openapi.json")))
        .layer(middleware::from_fn(finish_writes))
        .layer(middleware::from_fn_with_state(app.clone(), limit_logins))
        .layer(RequestBodyTimeoutLayer::new(app.settings.body_pause))
        .with_state(app.clone());
    let proxies: Arc<[IpNet]> = trusted_proxies.into();
    // Live streams are sent as they come: no compression for them.
    let worth_it = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("application/octet-stream"));
    api.fallback(web::serve)
        .layer(CompressionLayer::new().gzip(true).compress_when(worth_it))
        .layer(middleware::from_fn_with_state(app, security_headers))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler panicked");
            ApiError::internal().into_response()
        }))
        .layer(middleware::from_fn(observe))
        .layer(middleware::from_fn_with_state(proxies, address::note))
}

/// The metrics on an address of their own.
pub fn metrics_alone(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(sample::for_all)).with_state(app)
}

async fn no_such_route() -> ApiError {
    ApiError::not_found("route")
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::MethodNotAllowed,
        "this route has other methods; see `Allow`",
    )
}

/// A client that hangs up must not cut a write off in the middle. `sync` is held open for long and looks after
/// itself; reads may be dropped.
async fn finish_writes(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_read || request.uri().path() == "/api/v1/agent/sync" {
        return next.run(request).await;
    }
    detached(next.run(request)).await
}

/// Guessing costs the address that guesses. Where the address is not known, as in a test, nothing is limited.
async fn limit_logins(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let gives_credentials = *request.method() != Method::GET
        && ["/api/v1/auth/login", "/api/v1/auth/sign-up", "/api/v1/agent/register"]
            .contains(&request.uri().path());
    if gives_credentials
        && let Some(Address(from)) = request.extensions().get()
        && let Err(error) = app.limits.login(*from)
    {
        return error.into_response();
    }
    next.run(request).await
}

async fn security_headers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_https = auth::is_https(&app, request.headers());
    let is_docs = request.uri().path().starts_with("/api/docs");
    let is_api = request.uri().path().starts_with("/api/v1");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // The browsable page of the API brings an inline script of its own.
    let policy = if is_docs {
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    } else {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
