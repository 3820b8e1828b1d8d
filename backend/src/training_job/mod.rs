//! Jobs: submitting, looking, cancelling; and the one place in which their state changes.

pub mod actions;
pub mod arrays;
pub mod batch;
pub mod committer;
pub mod explain;
mod forecast;
pub mod groups;
pub mod list;
pub mod needs;
pub mod places;
pub mod receipt;
pub mod routes;
pub mod store;
pub mod submit;
pub mod transitions;
pub mod usage;
