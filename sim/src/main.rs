//! `lilac_sim`: what the scheduler's core makes of a trace, and how fast it is.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lilac_scheduler::Policy;
use lilac_sim::{core_bench, openb, trace};

/// Replays traces and measures against Lilac's scheduler core.
#[derive(Parser)]
#[command(name = "lilac_sim", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a cluster from a GPU-sharing trace, and tell how much of its GPUs got a job.
    Openb {
        /// The nodes: a CSV file with the columns sn, `cpu_milli`, `memory_mib`, gpu and model.
        #[arg(long)]
        nodes: PathBuf,
        /// The pods: a CSV file with the columns `cpu_milli`, `memory_mib`, `num_gpu`, `gpu_milli` and `gpu_spec`.
        #[arg(long)]
        pods: PathBuf,
        /// first-fit, best-fit, spread or fragmentation-aware.
        #[arg(long, default_value_t)]
        policy: Policy,
        /// How many shuffles of the trace the figures are the mean of.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        seeds: u32,
        #[arg(long)]
        json: bool,
    },
    /// Measure the core alone: how fast it fills a fleet, and how long one decision takes on a full one.
    Core(core_bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(text) => {
            // A reader that went away is no failure of ours.
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "lilac_sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<String> {
    match command {
        Command::Openb { nodes, pods, policy, seeds, json } => {
            let nodes = trace::nodes(&nodes)?;
            let pods = trace::pods(&pods)?;
            let report = openb::replay(&nodes, &pods, policy, seeds)?;
            Ok(if json { serde_json::to_string(&report)? } else { report.to_string() })
        }
        Command::Core(options) => {
            let json = options.json;
            let report = core_bench::measure(&options)?;
            Ok(if json { serde_json::to_string(&report)? } else { report.to_string() })
        }
    }
}
