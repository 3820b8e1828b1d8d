//! Logs: taken from agents by offset, read by users by offset, or followed live.
//!
//! A log is the bytes of one task of one attempt. What is stored is a contiguous prefix: a chunk is accepted
//! only at the durable offset, in the transaction that moves the offset.

pub mod read;
pub mod routes;
pub mod store;
