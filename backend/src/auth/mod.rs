//! Accounts: who calls, how a login opens and ends, and the keys with which programs act as users.

pub mod api_keys;
pub mod bootstrap;
pub mod caller;
pub mod keys;
pub mod password;
pub mod routes;
mod store;
mod throttle;
pub mod users;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    routes::routes().merge(users::routes()).merge(api_keys::routes())
}
