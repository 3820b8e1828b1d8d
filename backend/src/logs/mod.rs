//! Logs: taken from agents by offset, read by users by offset, or followed live.
//!
//! A log is the bytes of one task of one attempt. What is stored is a contiguous prefix: a chunk is accepted
//! only at the durable offset, in the transaction that moves the offset. Chunks are in the database; from
//! there they move to the object store, and a reader notices nothing of it.

mod pattern;
pub mod read;
pub mod routes;
mod search;
pub mod segment;
pub mod store;
mod stream;
