//! Queues: where jobs wait, in which order they go, which clusters they may run on, who may submit, and how
//! much they may hold.

pub mod admission;
mod inside;
mod line;
mod remove;
mod routes;
mod rules;
mod shares;
pub mod store;
mod waits;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The queue of jobs that name none: there is always one of this name.
pub const DEFAULT_QUEUE: &str = "default";

pub fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes()
        .merge(remove::routes())
        .merge(inside::routes())
        .merge(line::routes())
        .merge(waits::routes())
}
