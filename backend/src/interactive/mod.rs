//! Programs and ports in containers that run, reached from outside.
//!
//! The server dials nobody, so a stream has two ends that come to it: the user's WebSocket, and that of the node's
//! agent, which learns by its next `sync` that it is wanted. Both are held by one server, in memory; with several
//! servers the agent is told which ([`store::Claimed::server`]). What flows is carried and neither kept nor read.
//!
//! Whoever may control a job may do this, for it shows what the job may see: its secrets too.

mod carry;
mod relay;
mod relays;
mod routes;
mod store;
mod ticket;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub use relays::{Relays, TELL_AGAIN};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(routes::exec))
        .routes(routes!(routes::forward_port))
        .routes(routes!(routes::connect))
        .routes(routes!(routes::connect_agent))
}
