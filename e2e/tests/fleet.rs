//! Agents by the hundred: none loses a lease, and every job ends.

use anyhow::Result;
use lilac_api::job::JobState;
use lilac_e2e::{Bed, bench};

const AGENTS: u32 = 300;
/// How long they have nothing to do, and how long jobs flow.
const SECS: u32 = 4;
/// As many as are submitted in that time: one a second for twenty agents.
const JOBS: u64 = 60;

#[tokio::test]
async fn a_fleet_runs_its_jobs_and_loses_no_lease() -> Result<()> {
    let bed = Bed::start().await?;
    let report = bench::fleet::run(&bed, AGENTS, SECS).await?;
    for broken in ["lost_leases", "lost_attempts", "fenced"] {
        assert_eq!(report[broken], 0, "{report}");
    }
    assert_eq!(report["flow"]["jobs"], JOBS, "{report}");
    let counts = bed.client.job_counts().await?.by_state;
    assert_eq!(counts.get(&JobState::Succeeded), Some(&JOBS), "{counts:?}");
    Ok(())
}
