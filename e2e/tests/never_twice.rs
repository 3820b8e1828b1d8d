//! A job never runs twice at once, whoever dies, and it is requeued by itself all the same.

use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::job::{AttemptState, JobState};
use lilac_api::quantity::Span;
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{SOON, check_history, end, only_attempt, resources, until, until_state};
use lilac_e2e::{Capacity, Witness, eventually, with_bed};
use nix::sys::signal::Signal;

const LEASE: Duration = Duration::from_secs(10);
/// The kernel's clock in the marks counts hundredths of a second; the rest is for a machine that is busy with other
/// tests. The control plane waits for three seconds more.
const DEAD_WITHIN_MS: u64 = 800;

/// Signs for ever at the first try, and ends at once at the second. Deaf to every plea.
const DEAF: &str = "trap '' TERM INT HUP; [ $LILAC_ATTEMPT -ge 2 ] || while :; do sign; sleep 0.05; done";

/// Three nodes lose their agents for good. On one the Docker daemon lives, on one it is killed as well, on one it
/// hangs. On each the container alone can know that its lease is over.
#[tokio::test]
async fn containers_end_with_their_leases_though_agent_and_daemon_are_dead() -> Result<()> {
    with_bed(async |bed| {
        let witness = Witness::new(&bed.client, &bed.scratch().path("witness")).await?;
        let (mut jobs, mut leases) = (Vec::new(), Vec::new());
        for name in ["alone", "killed", "hung"] {
            // Each job fills its node, so that the next one goes to the next.
            bed.add_node(name, Some(Capacity { cpus: 1, memory: "256Mi" })).await?;
            let spec = JobSpec {
                max_disconnect: Some(Span(LEASE)),
                resources: resources(1_000, 64),
                ..witness.job(name, DEAF)
            };
            let id = bed.client.submit(&spec, None).await?.id;
            let job = until_state(&bed.client, id, JobState::Running).await?;
            assert_eq!(job.nodes, [name]);
            eventually("its first mark", async || {
                Ok(witness.of(id).is_ok_and(|s| !s.is_empty()).then_some(()))
            })
            .await?;
            jobs.push(id);
        }
        for (index, id) in jobs.iter().enumerate() {
            let attempt = only_attempt(&bed.client, *id).await?.id;
            let node = &mut bed.nodes[index];
            node.agent.kill()?;
            leases.push(node.agent.lease(attempt)?);
        }
        bed.nodes[1].machine.kill_daemon()?;
        bed.nodes[2].machine.signal_daemon(Signal::SIGSTOP)?;
        bed.add_node("heir", Some(Capacity { cpus: 4, memory: "1Gi" })).await?;

        for (id, lease_until) in jobs.iter().zip(leases) {
            let job = until(&bed.client, *id, "requeued and done", LEASE + SOON, |job| {
                job.state == JobState::Succeeded
            })
            .await?;
            assert_eq!((job.epoch, job.attempts_charged), (2, 0), "{job:?}");
            assert_eq!(job.nodes, ["heir"]);
            let seen = witness.of(*id)?;
            let [first, second] = seen.as_slice() else { anyhow::bail!("{seen:?}") };
            assert!(
                first.last_ms < lease_until + DEAD_WITHIN_MS,
                "{first:?} outlived its lease {lease_until}"
            );
            // It was left alone for as long as its lease lasted, and not much longer than promised.
            assert!(first.last_ms + 2_000 > lease_until, "{first:?} ended before its lease {lease_until}");
            assert!(second.first_ms > lease_until, "{second:?} began within the lease {lease_until}");
            let attempts = bed.client.attempts(*id).await?.items;
            let lost = attempts.iter().find(|attempt| attempt.epoch == 1).context("no first attempt")?;
            assert_eq!(lost.state, AttemptState::Lost, "{lost:?}");
            check_history(&bed.client, &job).await?;
        }

        // What is left of the first attempt is cleared away, and changes nothing, when its node comes back.
        bed.nodes[2].machine.signal_daemon(Signal::SIGCONT)?;
        bed.nodes[2].agent.start_again()?;
        bed.nodes[2].machine.empty(SOON).await?;
        let job = end(&bed.client, jobs[2]).await?;
        assert_eq!((job.state, job.epoch), (JobState::Succeeded, 2), "{job:?}");
        Ok(())
    })
    .await
}
