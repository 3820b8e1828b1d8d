//! What operators see of a running server: requests with their ids, metrics, traces.

pub mod health;
pub mod log;
pub mod metrics;
pub mod request;
pub mod sample;
