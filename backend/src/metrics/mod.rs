//! What nodes and jobs use: taken in from agents, thinned out as it grows old, read back as lines of points.
//!
//! What is stored are the kernel's own counters, as the agents read them. Rates are made of them when somebody looks:
//! so a sample that was lost, came twice or came late falsifies nothing, and what is thinned out keeps its sums.

pub mod intake;
pub mod keep;
mod points;
pub mod routes;
pub mod store;
