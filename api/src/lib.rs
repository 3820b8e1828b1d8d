//! The words on Lilac's wire.
//!
//! Every word of the domain is spelled here and nowhere else: ids, states, reasons, resources, the job
//! spec, the REST types, the agent protocol and the error codes. Serde, SQL, OpenAPI and the TypeScript
//! client are derived from these types.

pub mod action;
pub mod agent;
pub mod audit;
pub mod auth;
#[cfg(feature = "client")]
pub mod client;
pub mod cluster;
pub mod explanation;
pub mod hook;
pub mod ids;
pub mod image;
pub mod job;
pub mod line;
pub mod log;
pub mod metric;
pub mod output;
pub mod overview;
pub mod page;
pub mod problem;
pub mod quantity;
pub mod queue;
pub mod reservation;
pub mod schedule;
pub mod secret;
pub mod server;
#[cfg(feature = "client")]
pub mod socket;
pub mod spec;
pub mod stream;
pub mod submission;
pub mod suggest;
pub mod team;
pub mod validate;

pub use ids::*;
