//! Volumes: the only folders of the nodes that containers may see, each allowed by an administrator by name.

pub mod routes;
pub mod store;

pub use routes::routes;
