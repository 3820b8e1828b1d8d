//! Schedules: jobs that are submitted by the clock. The leader fires what is due; a schedule fires each of its
//! times once, whatever replica dies when.

pub mod fire;
mod routes;
mod store;

pub use routes::routes;
