//! PID 1 of every container that Lilac runs, and the formats in which it and the agent speak.
//!
//! The agent can be dead, the Docker daemon can be dead, and still a container must end when its lease does,
//! and what it printed and how it ended must not be lost. So a small program goes into each container and runs
//! there as its first process. It needs nothing from the image: no libc, no shell, no writable file system, no
//! capability.
//!
//! - It reads its [`lease`] ten times a second, starts nothing past it and ends at it, and with it the kernel
//!   ends everything in the container.
//! - It writes what the job prints to a file of the agent's as [`frame`]s, in order, and as the last of them how
//!   the job [`end`]ed.
//! - It passes signals on, and buries what nobody else does.
//!
//! [`program`] is the program. The rest is what both sides share, and has neither IO nor `unsafe`.

#![cfg_attr(not(test), no_std)]

pub mod end;
pub mod frame;
pub mod lease;
pub mod limit;
pub mod program;

/// Where the container finds the program.
pub const PROGRAM: &str = "/.lilac/init";
/// The folder with the lease, which the container may only read.
pub const LEASE_FOLDER: &str = "/.lilac/run";
/// The folder with the spool.
pub const SPOOL_FOLDER: &str = "/.lilac/log";
/// The lease's file in its folder.
pub const LEASE_FILE: &str = "lease";
/// The spool's file in its folder.
pub const SPOOL_FILE: &str = "frames";
/// Exit code where the program could not do its own part.
pub const BROKEN: i32 = 125;
/// The signal that orders the program to kill the job, to keep its last words and to end: a plain SIGKILL would
/// take the words along. A real-time signal, which no job is told to stop by.
pub const KILL_ORDER: u8 = 63;
