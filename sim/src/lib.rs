//! Traces and measurements for the scheduler's core, and faults for the protocol between agents and control plane:
//! without a server, a database or a clock of its own.

pub mod core_bench;
pub mod openb;
pub mod properties;
pub mod protocol;
pub mod replay;
pub mod trace;
