//! Hooks: addresses of a team that its jobs notify.
//!
//! What is to be told is written by a trigger, in the transaction that it tells of (`job_told`, in the migrations):
//! nothing is lost, and nothing is told that did not happen. `send` takes it from there, at any replica, until the
//! receiver has it or it is given up. `target` says where hooks may lead.

mod deliveries;
mod outbox;
mod routes;
mod send;
pub mod store;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use target::Targets;

pub use send::run;

/// How hooks are told.
#[derive(Clone, Debug)]
pub struct HookSettings {
    /// Where they may lead.
    pub targets: Targets,
    /// How long after the first try the second follows; each later one three times as long after its own.
    pub first_retry: Duration,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self { targets: Targets::default(), first_retry: Duration::from_secs(10) }
    }
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes().merge(deliveries::routes())
}
