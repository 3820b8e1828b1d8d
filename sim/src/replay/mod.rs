//! Replays what was submitted when and how long it took, through the scheduler's real core on a virtual clock: how long
//! jobs wait, how full the cluster is, how evenly it is shared, and whether what was foreseen came about.
//!
//! The load is a recorded trace or made from a seed. Time jumps from event to event: a job is submitted, or one ends.
//! The core is told what changed and asked for placements, as the server does; it never learns how long a job will
//! really take, only what its user declared.

mod engine;
mod estimates;
mod fairness;
mod generate;
mod load;
mod report;

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use lilac_scheduler::Policy;

pub use estimates::Accuracy;
pub use load::{Load, LoadJob, LoadQueue, from_trace};
pub use report::{Fairness, Report, Waits};

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The nodes of a trace: a CSV file with the columns sn, `cpu_milli`, `memory_mib`, gpu and model.
    #[arg(long, requires = "pods")]
    pub nodes: Option<PathBuf>,
    /// The pods of a trace: `cpu_milli`, `memory_mib`, `num_gpu`, `gpu_milli`, `gpu_spec`, `creation_time`,
    /// `deletion_time`, `scheduled_time` and qos.
    #[arg(long, requires = "nodes", conflicts_with = "generate")]
    pub pods: Option<PathBuf>,
    /// Make a load of so many jobs from the seed, instead of a trace.
    #[arg(long, required_unless_present = "pods", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub generate: Option<u32>,
    /// Nodes of a made load.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub fleet: u32,
    /// What a made load asks of its nodes all in all, in percent of what they have.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub load: u32,
    /// Of the nodes of a trace only so many percent, evenly picked: a trace that had room to spare makes nobody wait.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub nodes_percent: u32,
    /// How many times as fast as they were recorded the jobs of a trace are submitted; they take as long as they did.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub speed: u32,
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub users: u32,
    /// How many times as long as it takes a job declares at the most. Each declares something from 1 to this.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub overestimate: u32,
    /// Of about so many of the jobs that wait, spread over all, it is asked when they will start; 0 for none.
    #[arg(long, default_value_t = 500)]
    pub estimates: u32,
    /// first-fit, best-fit, spread or fragmentation-aware.
    #[arg(long, default_value_t)]
    pub policy: Policy,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long)]
    pub json: bool,
}

/// # Errors
/// Where the trace cannot be read, or nothing of it can be replayed.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let load = match (&options.nodes, &options.pods) {
        (Some(nodes), Some(pods)) => from_trace(nodes, pods, options)?,
        _ => generate::generate(options),
    };
    replay(&load, options)
}

/// Replays a load.
///
/// # Errors
/// Where it has no job.
pub fn replay(load: &Load, options: &Options) -> anyhow::Result<Report> {
    ensure!(!load.jobs.is_empty(), "there is no job to replay");
    let began = std::time::Instant::now();
    let played = engine::play(load, options);
    Ok(report::report(load, options, played, began.elapsed()))
}
