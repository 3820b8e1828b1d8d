//! Queues: where jobs wait, in which order they go, and which clusters they may run on.

pub mod routes;
pub mod store;

pub use routes::routes;
