//! What the server tells its users about itself: nothing that only operators should know.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use lilac_api::problem::Problem;
use lilac_api::quantity::{Bytes, Span};
use lilac_api::server::ServerFacts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::caller::Caller;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(server_facts))
}

/// Facts about the server that its users may know.
#[utoipa::path(
    get,
    path = "/server",
    tag = "operation",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Its version, how one logs in, and how long it keeps things", body = ServerFacts),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
    )
)]
async fn server_facts(State(app): State<Arc<App>>, _caller: Caller) -> JsonBody<ServerFacts> {
    let public_url = app.auth.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
    JsonBody(ServerFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        public_url,
        sign_up: app.auth.sign_up,
        sso: app.auth.oidc.as_ref().map(|oidc| oidc.name.clone()),
        jobs_kept: app.settings.keep.jobs.map(Span),
        logs_kept: Span(app.settings.log_keep),
        outputs_kept: Span(app.settings.outputs.keep),
        output_max: Bytes(app.settings.outputs.bytes),
    })
}
