//! The harness of the black-box tests and benchmarks.
//!
//! It starts the real binaries on a real PostgreSQL, against Docker daemons of its own, and breaks them
//! on purpose. Everything that it starts has its working directory, or a path on its command line, in a
//! scratch folder of its own under `/tmp`; tearing that folder down ends what lives in it, so no
//! process, container or mount outlives a test, not even one that panicked. What a killed test run left
//! is swept by the next one.

mod agent;
mod bed;
pub mod bench;
mod cli;
mod database;
pub mod hostile;
mod http;
mod image;
mod island;
pub mod jobs;
mod machine;
mod outsider;
mod podman;
mod process;
mod reboot;
mod scratch;
mod server;
mod stalls;
mod systemd;
mod terminal;
mod wait;
mod witness;

pub use agent::{Agent, AgentOptions, Capacity};
pub use bed::{Bed, Node, with_bed};
pub use cli::{Cli, CliOutput};
pub use database::Database;
pub use http::{Answer, Raw};
pub use image::{BARE_IMAGE, IMAGE};
pub use island::{Island, no_islands};
pub use machine::{Machine, Starts};
pub use outsider::Outsider;
pub use podman::{Podman, PodmanContainer};
pub use process::{Process, binary};
pub use reboot::rebooted_agent;
pub use scratch::Scratch;
pub use server::{ENCRYPTION_KEY, Server};
pub use systemd::Systemd;
pub use terminal::Terminal;
pub use wait::{eventually, eventually_within};
pub use witness::{Seen, Witness};
