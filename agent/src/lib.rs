//! Lilac's node agent. It dials the control plane, is told which attempts its node should run, and
//! runs each of them in one Docker container, never in two.
//!
//! What to do is decided in [`core`], which knows neither clock nor disk nor network; [`run`] carries
//! it out. The rest are the hands: [`journal`] and [`lease`] remember across crashes, [`docker`] runs
//! containers, [`sync`] talks to the control plane, [`log_spool`] and [`log_pump`] carry the logs, [`supplies`] fetches what no disk
//! may hold. [`init`] is what goes into every container, and [`last_resort`] ends one that Docker does not.
//! [`process`] is what runs jobs where there is no Docker. [`interactive`] lets users into containers, [`doctor`] says what a machine lacks.

pub mod clock;
pub mod config;
pub mod core;
pub mod disk;
pub mod docker;
pub mod doctor;
pub mod gpu;
pub mod identity;
pub mod images;
pub mod init;
pub mod interactive;
pub mod journal;
pub mod last_resort;
pub mod lease;
pub mod log_pump;
pub mod log_spool;
pub mod meters;
pub mod outputs;
pub mod ports;
pub mod process;
pub mod resources;
pub mod run;
pub mod supplies;
pub mod sync;

mod files;

/// Version of this agent, as the control plane and `--version` show it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
