//! What whoever runs the server asks it: whether it lives, and whether to send it requests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use lilac_api::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sample;
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The routes that belong to the process and not to a version of the API.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(sample::for_admins))
}

/// Whether the server lives
///
/// Answered as long as the process serves at all, with or without its database: what fails here wants a restart.
#[utoipa::path(get, operation_id = "healthz", path = "/healthz", tag = "operation",
    responses((status = 200, description = "It lives: `ok`", content_type = "text/plain", body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server takes requests
///
/// Not while its database is away, nor once it was told to stop: a balancer sends requests elsewhere then.
#[utoipa::path(get, operation_id = "readyz", path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "It takes requests: `ready`", content_type = "text/plain", body = String),
        (status = 503, description = "The database does not answer, or the server is stopping", body = Problem),
    ))]
async fn readyz(State(app): State<Arc<App>>) -> ApiResult<&'static str> {
    let answer = tokio::time::timeout(PATIENCE, sqlx::query("SELECT 1").execute(&app.pool)).await;
    match answer {
        Ok(Ok(_)) if !app.draining.is_cancelled() => Ok("ready\n"),
        _ => Err(ApiError::unavailable("the database does not answer, or the server is stopping")),
    }
}
