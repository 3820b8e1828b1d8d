//! Traces and measurements for the scheduler's core, and faults for the protocol between agents and control plane:
//! without a server, a database or a clock of its own. And a fleet of agents for a server that is there.

pub mod core_bench;
pub mod fleet;
pub mod openb;
pub mod properties;
pub mod protocol;
pub mod replay;
pub mod trace;
