//! What a server bears of agents: `lilac_sim fleet` on a server and a database of its own, first with nothing to do,
//! then with jobs that flow.

use anyhow::{Context, Result, bail, ensure};
use lilac_api::auth::CreateApiKey;
use serde_json::Value;

use super::{Measurement, Name};
use crate::bed::Bed;
use crate::process::{binary, clean_command};

/// An answer that is wanted at once comes within this, for 99 of a hundred.
const BOUND_MS: f64 = 100.0;
/// How long the agents have nothing to do, and how long jobs flow.
const SECS: u32 = 30;
/// How long a job takes in the mean.
const JOB_SECS: u32 = 3;
/// Agents for each job that is submitted in a second, and the most of these: how many jobs a server bears is another
/// measurement.
const AGENTS_A_JOB: u32 = 20;
const MOST_JOBS: u32 = 100;

pub(super) async fn measure(agents: u32) -> Result<Measurement> {
    let report = run(&Bed::start().await?, agents, SECS).await?;
    let lost = ["lost_leases", "lost_attempts", "fenced"].map(|name| report[name].as_u64());
    ensure!(lost == [Some(0); 3], "leases were lost: {report}");
    let value = report["flow"]["sync_p99_ms"].as_f64().context("no jobs flowed")?;
    let detail = format!("{agents} agents; idle {}; jobs {}", phase(&report["idle"]), phase(&report["flow"]));
    Ok(Measurement {
        name: Name::Fleet,
        value,
        unit: "ms",
        reference: BOUND_MS,
        ratio: value / BOUND_MS,
        detail,
    })
}

/// So many agents on a bed, for so long with nothing to do and so long with jobs: what they say of it.
pub async fn run(bed: &Bed, agents: u32, secs: u32) -> Result<Value> {
    let server = bed.servers.first().context("a bed without a server")?;
    let key = bed.client.create_api_key(&CreateApiKey::named("fleet")).await?;
    let folder = bed.scratch().path("fleet");
    std::fs::create_dir_all(&folder)?;
    let mut command = clean_command(&binary("lilac_sim")?, &folder);
    command
        .env("LILAC_TOKEN", &key.secret.0)
        .args(["fleet", "--json", "--server", &server.url()])
        .args(["--server-pid", &server.pid().to_string(), "--agents", &agents.to_string()])
        .args(["--idle-secs", &secs.to_string(), "--flow-secs", &secs.to_string()])
        .args(["--job-secs", &JOB_SECS.to_string()])
        .args(["--jobs-per-second", &(agents / AGENTS_A_JOB).clamp(1, MOST_JOBS).to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        bail!("the fleet failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("reading what the fleet said")
}

fn phase(phase: &Value) -> String {
    let number = |name: &str| phase[name].as_f64().unwrap_or_default();
    format!(
        "{:.0} syncs/s, p50 {:.1} ms, p99 {:.1} ms, {:.1} jobs/s started within {:.0} ms (p99 {:.0}), server {:.2} CPUs \
         and {:.0} MB, fleet {:.2} CPUs",
        number("syncs_per_second"),
        number("sync_p50_ms"),
        number("sync_p99_ms"),
        number("jobs_per_second"),
        number("start_p50_ms"),
        number("start_p99_ms"),
        number("server_cpus"),
        number("server_memory_mb"),
        number("fleet_cpus"),
    )
}
