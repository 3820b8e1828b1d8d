//! `lilac_sim`: what the scheduler's core makes of a trace, and how fast it is; and whether the protocol keeps its
//! promises under faults.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lilac_scheduler::Policy;
use lilac_sim::protocol::{self, Bug};
use lilac_sim::{core_bench, fleet, openb, properties, replay, trace};

/// Replays traces against Lilac's scheduler core, and drives its protocol through faults.
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
    /// Play random clusters with the core, and hold each placement against a naive reference.
    ///
    /// Fails with the first seed where something is over capacity or quota, out of turn, not whole, later than promised,
    /// or never placed.
    Properties {
        /// How many clusters are played.
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
        seeds: u64,
        /// The first of them.
        #[arg(long, default_value_t = 0)]
        first: u64,
    },
    /// Replay what was submitted when and how long it took, from a trace or made from a seed.
    ///
    /// Tells how long jobs waited, how full the cluster was and how evenly it was shared, and whether what the core
    /// foresaw of their starts came about.
    Replay(replay::Options),
    /// Let thousands of agents work with a real server, and measure what it bears.
    ///
    /// They register, hold their syncs, and run jobs that are submitted here; containers are played. Nothing is taken
    /// away afterwards: give it a server of its own.
    Fleet(fleet::Options),
    /// Drive agents and the control plane's rules through faults, and check the protocol's promises.
    ///
    /// Each seed is a schedule of its own: machines, jobs, and what goes wrong when. Fails with the first seed that
    /// breaks a promise, and tells how that came about.
    Protocol {
        /// How many schedules are played.
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
        seeds: u64,
        /// The first of them.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// Play this one only, and tell all that happens.
        #[arg(long, conflicts_with_all = ["seeds", "first"])]
        seed: Option<u64>,
        /// Build a known mistake in, to see it found.
        #[arg(long)]
        bug: Option<Bug>,
    },
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
        Command::Properties { seeds, first } => {
            let report = properties::explore(first..first.saturating_add(seeds));
            anyhow::ensure!(report.broken.is_none(), "{report}");
            Ok(report.to_string())
        }
        Command::Replay(options) => {
            let report = replay::run(&options)?;
            Ok(if options.json { serde_json::to_string(&report)? } else { report.to_string() })
        }
        Command::Fleet(options) => {
            let report = fleet::run(&options)?;
            Ok(if options.json { serde_json::to_string(&report)? } else { report.to_string() })
        }
        Command::Protocol { seed: Some(seed), bug, .. } => told(seed, bug),
        Command::Protocol { seeds, first, seed: None, bug } => {
            let report = protocol::explore(first..first.saturating_add(seeds), bug);
            if let Some((seed, _)) = report.broken {
                anyhow::bail!("{}\n{report}", told(seed, bug).unwrap_or_else(|told| told.to_string()));
            }
            Ok(report.to_string())
        }
    }
}

/// All that happens in one schedule; an error where it breaks a promise.
fn told(seed: u64, bug: Option<Bug>) -> anyhow::Result<String> {
    let outcome = protocol::play(seed, bug, true);
    let trace = outcome.trace.join("\n");
    match outcome.broken {
        Some(broken) => anyhow::bail!("{trace}\nseed {seed} breaks a promise: {broken}"),
        None => Ok(trace),
    }
}
