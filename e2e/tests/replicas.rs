//! Two servers on one database, two agents, each speaking to a server of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use lilac_api::JobId;
use lilac_api::client::Client;
use lilac_api::job::JobState;
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{all_succeed, check_history, each_ran_once, resources, script, until};
use lilac_e2e::{Bed, Capacity, Starts, eventually_within, with_bed};

const CAPACITY: Option<Capacity> = Some(Capacity { cpus: 3, memory: "2Gi" });

/// Adds the second server, and one node to each.
async fn two_of_each(bed: &mut Bed) -> Result<Vec<Starts>> {
    bed.add_server().await?;
    let mut starts = Vec::new();
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let server = bed.servers[index].url();
        bed.add_node_of(name, &server, CAPACITY).await?;
        starts.push(bed.nodes[index].machine.watch_starts());
    }
    Ok(starts)
}

fn job(index: usize) -> JobSpec {
    let spec = script(&format!("job-{index}"), "echo \"ran $LILAC_JOB_ID as $LILAC_ATTEMPT\"");
    JobSpec { resources: resources(500, 32), ..spec }
}

/// Submits through all clients in turn, several at a time.
async fn submit_all(clients: &[Client], count: usize) -> Result<Vec<JobId>> {
    let submits = (0..count).map(|index| {
        let client = clients[index % clients.len()].clone();
        async move { anyhow::Ok(client.submit(&job(index), None).await?.id) }
    });
    futures::stream::iter(submits).buffer_unordered(8).try_collect().await
}

#[tokio::test]
async fn two_hundred_jobs_run_exactly_once_each() -> Result<()> {
    with_bed(async |bed| {
        let starts = two_of_each(bed).await?;
        let clients = [bed.servers[0].admin().await?, bed.servers[1].admin().await?];
        let jobs = submit_all(&clients, 200).await?;
        all_succeed(&clients[1], 200, Duration::from_secs(240)).await?;
        each_ran_once(&clients[0], &jobs, &starts).await?;
        // Both nodes took part.
        for starts in &starts {
            assert!(starts.jobs()?.len() > 20, "{}", starts.jobs()?.len());
        }
        for id in jobs.iter().step_by(20) {
            check_history(&clients[1], &clients[1].job(*id).await?).await?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_replica_that_dies_takes_nothing_with_it() -> Result<()> {
    with_bed(async |bed| {
        let starts = two_of_each(bed).await?;
        let clients = [bed.servers[0].admin().await?, bed.servers[1].admin().await?];
        let mut jobs = submit_all(&clients, 40).await?;
        eventually_within(Duration::from_secs(60), "the first ones", async || {
            let counts = clients[1].job_counts().await?;
            Ok(counts.by_state.get(&JobState::Succeeded).is_some_and(|count| *count > 5).then_some(()))
        })
        .await?;
        // The first server came first, so it leads.
        bed.servers[0].kill()?;
        let after = submit_all(&clients[1..], 20).await?;
        let first = *after.first().context("no job")?;
        until(&clients[1], first, "led by the other", Duration::from_secs(30), |job| job.epoch == 1).await?;
        jobs.extend(after);
        bed.servers[0].start_again().await?;
        all_succeed(&clients[1], 60, Duration::from_secs(120)).await?;
        each_ran_once(&clients[1], &jobs, &starts).await
    })
    .await
}
