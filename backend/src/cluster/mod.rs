//! Clusters, their nodes and the keys with which nodes join; and the agents' side of it.

pub mod clusters;
pub mod desired;
mod gangs;
pub mod history;
pub mod images;
pub mod join_keys;
mod node_actions;
pub mod nodes;
pub mod nodes_store;
pub mod quiet;
pub mod register;
pub mod reservations;
pub mod store;
pub mod sync;

use std::sync::Arc;
use std::time::Duration;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// How long a node of a new cluster may be silent before its jobs count as lost. Long enough for an upgrade
/// or a fail-over of the control plane to kill nothing.
pub const DEFAULT_MAX_DISCONNECT: Duration = Duration::from_secs(5 * 60);

/// The routes of users; those of agents are in `register` and `sync`.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    clusters::routes()
        .merge(join_keys::routes())
        .merge(nodes::routes())
        .merge(node_actions::routes())
        .merge(history::routes())
        .merge(reservations::routes())
}
