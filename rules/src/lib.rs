//! What the control plane decides about jobs, attempts and leases: values go in, decisions come out.
//!
//! There is no SQL and no clock in here. The server calls these functions for all that it decides on rows that
//! it has read and locked. What it lets PostgreSQL decide, in the condition of an UPDATE, stands here once more
//! in [`rows`]: the same transactions on rows in memory, against which the simulator drives the agent's core.
//! Whoever changes a condition there changes it here.

pub mod desired;
pub mod gang;
pub mod lease;
pub mod loss;
pub mod order;
pub mod report;
pub mod retry;
#[cfg(feature = "rows")]
pub mod rows;
pub mod session;
pub mod table;
pub mod verdict;
