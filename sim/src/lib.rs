//! Traces and measurements for the scheduler's core, without a server, a database or a clock of its own.

pub mod core_bench;
pub mod openb;
pub mod trace;
