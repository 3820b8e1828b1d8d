//! Memory and CPU time with nothing to do, after there was something to do.

use std::time::{Duration, Instant};

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
/// What an idle agent may take of a core, in thousandths: less than anybody's tools show.
const AGENT_CPU_BOUND: f64 = 1.0;
/// For how long that is watched.
const WATCHED: Duration = Duration::from_secs(60);

/// Gives the node something to do, and then rest.
async fn tire(bed: &Bed) -> Result<()> {
    for index in 0..JOBS {
        let id = bed.client.submit(&trivial(&format!("bench-idle-{index}")), None).await?.id;
        let job = end(&bed.client, id).await?;
        anyhow::ensure!(job.state == JobState::Succeeded, "{job:?}");
        whole_log(&bed.client, id).await?;
    }
    tokio::time::sleep(SETTLING).await;
    Ok(())
}

pub(super) async fn measure(bed: &Bed) -> Result<[Measurement; 2]> {
    tire(bed).await?;
    let agent = bed.nodes.first().context("a bed without a node")?.agent.pid();
    let server = bed.servers.first().context("a bed without a server")?.pid();
    let (mut agents, mut servers) = (Vec::new(), Vec::new());
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

/// What the agent takes of a core, and how often its main thread wakes up. The node is measured meanwhile, and the
/// control plane is spoken to, as always.
pub(super) async fn cpu(bed: &Bed) -> Result<Measurement> {
    tire(bed).await?;
    let agent = bed.nodes.first().context("a bed without a node")?.agent.pid();
    let (start, cpu, wakes) = (Instant::now(), cpu_ms(agent)?, wakes(agent)?);
    tokio::time::sleep(WATCHED).await;
    let secs = start.elapsed().as_secs_f64();
    let value = (cpu_ms(agent)? - cpu) / secs;
    let wakes = (self::wakes(agent)? - wakes) / secs;
    let detail =
        format!("of a core, in {secs:.0} s after {JOBS} jobs; it wakes up {wakes:.1} times a second");
    let (reference, ratio) = (AGENT_CPU_BOUND, value / AGENT_CPU_BOUND);
    Ok(Measurement { name: Name::AgentIdleCpu, value, unit: "1/1000", reference, ratio, detail })
}

/// CPU time of a process and of those of its threads that have ended, in ms. The kernel tells it in hundredths of a
/// second.
fn cpu_ms(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("a process that ended")?;
    // The name of the program may hold anything; what is behind it is numbers.
    let (_, numbers) = stat.rsplit_once(')').context("no name")?;
    let mut fields = numbers.split_whitespace().skip(11);
    let mut ticks = || fields.next().context("no CPU time")?.parse::<f64>().context("no number");
    Ok((ticks()? + ticks()?) * 10.0)
}

/// How often the main thread has waited for something so far.
fn wakes(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("a process that ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    Ok(line.context("no count")?.trim().parse()?)
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
