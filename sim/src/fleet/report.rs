//! The figures of a fleet, for a person and for a program.

use std::fmt;

use serde::Serialize;

use super::Options;
use super::tally::Tally;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub agents: u32,
    pub register_secs: f64,
    /// Leases that ran out at an agent; attempts that ended as lost; agents that were told that another speaks for
    /// their node. All are 0 where the server keeps its promises.
    pub lost_leases: u64,
    pub lost_attempts: u64,
    pub fenced: u64,
    pub idle: Phase,
    /// None where no jobs flowed.
    pub flow: Option<Phase>,
}

/// What was measured while the agents had one thing to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    pub secs: f64,
    pub syncs_per_second: f64,
    pub failed_syncs: u64,
    /// How long an answer took that was wanted at once, and how much later than after its time one came that was held.
    pub sync_p50_ms: f64,
    pub sync_p99_ms: f64,
    /// Jobs whose end was stored.
    pub jobs: u64,
    pub jobs_per_second: f64,
    /// From the submission of a job to the start of its container.
    pub start_p50_ms: f64,
    pub start_p99_ms: f64,
    /// CPUs that the server used in the mean, and what it held in the end; none where its pid was not given.
    pub server_cpus: Option<f64>,
    pub server_memory_mb: Option<f64>,
    /// CPUs that this program used beside it.
    pub fleet_cpus: f64,
}

pub(super) fn report(
    options: &Options,
    register_secs: f64,
    idle: Phase,
    flow: Option<Phase>,
    tally: &Tally,
) -> Report {
    Report {
        agents: options.agents,
        register_secs,
        lost_leases: tally.lost_leases(),
        lost_attempts: tally.lost_attempts(),
        fenced: tally.fenced(),
        idle,
        flow,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = f64::from(self.agents) / self.register_secs.max(1e-3);
        writeln!(f, "{} agents, registered in {:.1} s ({per_second:.0}/s)", self.agents, self.register_secs)?;
        writeln!(
            f,
            "lost leases {}, lost attempts {}, fenced agents {}",
            self.lost_leases, self.lost_attempts, self.fenced
        )?;
        write!(f, "idle   {}", self.idle)?;
        match &self.flow {
            Some(flow) => write!(f, "\njobs   {flow}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} s: {:.0} syncs/s, p50 {:.1} ms, p99 {:.1} ms, {} failed",
            self.secs, self.syncs_per_second, self.sync_p50_ms, self.sync_p99_ms, self.failed_syncs
        )?;
        if self.jobs > 0 {
            write!(
                f,
                "; {} jobs, {:.1}/s, submitted to started p50 {:.0} ms, p99 {:.0} ms",
                self.jobs, self.jobs_per_second, self.start_p50_ms, self.start_p99_ms
            )?;
        }
        if let Some((cpus, memory)) = self.server_cpus.zip(self.server_memory_mb) {
            write!(f, "; server {cpus:.2} CPUs, {memory:.0} MB")?;
        }
        write!(f, "; fleet {:.2} CPUs", self.fleet_cpus)
    }
}
