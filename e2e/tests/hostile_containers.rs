//! Jobs that try to take their node down: each is contained, its neighbours go on, and the agent neither grows
//! nor falls behind.

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::client::{Client, ClientError};
use lilac_api::job::{JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::{Bytes, Span};
use lilac_api::spec::{JobSpec, Signal, Stop};

use lilac_e2e::jobs::{SOON, check_history, end, resources, script, until_state, whole_log};
use lilac_e2e::{Capacity, with_bed};

/// How much the agent may grow, in bytes: a few buffers, and nothing of what the jobs do.
const MAY_GROW: u64 = 24 << 20;

#[tokio::test]
async fn hostile_containers_are_contained() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 8, memory: "4Gi" })).await?;
        let client = &bed.client;
        let agent = bed.nodes[0].agent.pid();
        let submit = async |spec: &JobSpec| Ok::<_, ClientError>(client.submit(spec, None).await?.id);

        // As large as a variable may be; and the measure of an agent that has run a job.
        let mut large = script("large-env", "echo ${#LARGE}");
        large.env.insert("LARGE".into(), "x".repeat(127 << 10));
        let large = submit(&large).await?;
        let ended = end(client, large).await?;
        ensure!(ended.state == JobState::Succeeded, "{ended:?}");
        assert_eq!(whole_log(client, large).await?, format!("{}\n", 127 << 10));
        let before = resident_bytes(agent)?;

        // They go on until somebody ends them.
        let stop = |grace| Stop { signal: Signal::SigTerm, grace: Span(grace), warn: None };
        let deaf = JobSpec {
            stop: stop(std::time::Duration::from_secs(1)),
            ..script("deaf", "trap '' TERM; while :; do sleep 1; done")
        };
        // One that can reach the limit on processes, and one that is throttled to a tenth of a CPU and thrashes in 32 MiB.
        let bomb = |name| script(name, "bomb() { bomb | bomb & }; bomb; while :; do sleep 1; done");
        let forks = JobSpec { resources: resources(2_000, 1_024), ..bomb("forks") };
        let small_forks = bomb("small-forks");
        let one_line = script("one-line", "tr '\\0' x </dev/zero");
        let mut endless = Vec::new();
        for spec in [deaf, forks, small_forks, one_line] {
            endless.push(submit(&spec).await?);
        }
        // These are ended by their limits.
        let memory = submit(&script("memory", "tail /dev/zero")).await?;
        let fill = "i=0; while :; do dd if=/dev/zero of=/fill.$i bs=1M count=4 2>/dev/null; i=$((i+1)); sleep 0.1; done";
        let mut disk = script("disk", fill);
        disk.resources.disk = Some(Bytes(32 << 20));
        let disk = submit(&disk).await?;
        for (id, reason, words) in [(memory, Reason::Oom, "memory"), (disk, Reason::DiskLimit, "disk")] {
            let job = end(client, id).await?;
            ensure!(job.state == JobState::Failed && job.reason == Some(reason), "{job:?}");
            ensure!(job.message.contains(words), "{job:?}");
            check_history(client, &job).await?;
        }

        // Meanwhile others get their turn, and what is cancelled ends.
        let polite = end(client, submit(&script("polite", "echo hello")).await?).await?;
        ensure!(polite.state == JobState::Succeeded, "{polite:?}");
        let after = resident_bytes(agent)?;
        ensure!(after < before + MAY_GROW, "the agent grew from {before} to {after} bytes");
        for id in endless {
            cancel(client, id).await?;
            let job = end(client, id).await?;
            // A bomb may kill its own shell.
            ensure!(matches!(job.state, JobState::Cancelled | JobState::Failed), "{job:?}");
        }
        let again = submit(&script("again", "true")).await?;
        until_state(client, again, JobState::Succeeded).await?;
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

/// Cancels a job that may have ended by itself.
async fn cancel(client: &Client, id: JobId) -> Result<()> {
    match client.cancel(id).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(ErrorCode::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a process holds of the machine's memory.
fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib << 10)
}
