//! Accounts: who calls, how a login opens and ends, and the keys with which programs act as users.

pub mod api_keys;
pub mod bootstrap;
pub mod caller;
mod cookies;
pub mod keys;
pub mod known;
pub mod oidc;
mod own;
pub mod password;
pub mod routes;
pub mod settings;
mod store;
mod teams;
mod teams_store;
pub mod throttle;
pub mod users;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub use cookies::is_https;
pub use store::node_user;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes()
        .merge(own::routes())
        .merge(users::routes())
        .merge(api_keys::routes())
        .merge(teams::routes())
        .merge(oidc::routes())
}
