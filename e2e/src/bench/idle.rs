//! Memory with nothing to do, after there was something to do.

use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::job::JobState;

use super::daemon::trivial;
use super::{Measurement, Name, median};
use crate::bed::Bed;
use crate::jobs::{end, whole_log};

/// What an idle agent and an idle server may take.
const AGENT_BOUND_MB: f64 = 10.0;
const SERVER_BOUND_MB: f64 = 40.0;

const JOBS: usize = 20;
/// How long both are left alone before they are looked at, and between looks.
const SETTLING: Duration = Duration::from_secs(10);
const BETWEEN: Duration = Duration::from_secs(1);
const LOOKS: usize = 5;

pub(super) async fn measure(bed: &Bed) -> Result<[Measurement; 2]> {
    for index in 0..JOBS {
        let id = bed.client.submit(&trivial(&format!("bench-idle-{index}")), None).await?.id;
        let job = end(&bed.client, id).await?;
        anyhow::ensure!(job.state == JobState::Succeeded, "{job:?}");
        whole_log(&bed.client, id).await?;
    }
    let agent = bed.nodes.first().context("a bed without a node")?.agent.pid();
    let server = bed.servers.first().context("a bed without a server")?.pid();
    let (mut agents, mut servers) = (Vec::new(), Vec::new());
    tokio::time::sleep(SETTLING).await;
    for _ in 0..LOOKS {
        agents.push(resident_mb(agent)?);
        servers.push(resident_mb(server)?);
        tokio::time::sleep(BETWEEN).await;
    }
    Ok([
        measurement(Name::AgentIdleMb, agents, AGENT_BOUND_MB),
        measurement(Name::ServerIdleMb, servers, SERVER_BOUND_MB),
    ])
}

fn measurement(name: Name, values: Vec<f64>, bound: f64) -> Measurement {
    let (value, spread) = median(values);
    let detail = format!("resident after {JOBS} jobs and {} s of rest: {spread}", SETTLING.as_secs());
    Measurement { name, value, unit: "MB", reference: bound, ratio: value / bound, detail }
}

/// Resident memory of a process in millions of bytes.
fn resident_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("a process that ended")?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.split_whitespace().next())
        .context("no VmRSS")?;
    Ok(kibibytes.parse::<f64>()? * 1024.0 / 1e6)
}
