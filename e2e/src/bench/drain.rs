//! A hundred trivial jobs that wait, until nothing of them is left.
//!
//! Lilac has them all in a queue that is let go; the bare API is driven by as many workers as the node
//! runs jobs at once. Both end when the last container is removed and every result and log is at hand.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bollard::Docker;
use bollard::models::ContainerCreateBody;
use futures::{StreamExt, TryStreamExt};
use lilac_api::job::JobState;
use lilac_api::queue::UpdateQueue;

use super::daemon::{Watch, run_bare, template, trivial};
use super::{Measurement, Name, median};
use crate::bed::Bed;
use crate::wait::eventually_within;

const JOBS: u32 = 100;
const ROUNDS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn measure(bed: &Bed) -> Result<Measurement> {
    let docker = bed.nodes.first().context("a bed without a node")?.machine.docker();
    let body = template(bed).await?;
    let node = bed.client.nodes().await?.items.into_iter().next().context("no node")?;
    let parallelism = usize::try_from(node.capacity.cpu_milli / 1000)?.max(1);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    // The first round warms up both sides.
    for round in 0..=ROUNDS {
        let (lilac, bare) = if round % 2 == 0 {
            let lilac = through_lilac(bed, docker).await?;
            (lilac, through_docker(docker, &body, parallelism, round).await?)
        } else {
            let bare = through_docker(docker, &body, parallelism, round).await?;
            (through_lilac(bed, docker).await?, bare)
        };
        if round > 0 {
            with.push(f64::from(JOBS) / lilac.as_secs_f64());
            without.push(f64::from(JOBS) / bare.as_secs_f64());
        }
    }
    let ((value, with), (reference, without)) = (median(with), median(without));
    Ok(Measurement {
        name: Name::Drain,
        value,
        unit: "jobs/s",
        reference,
        ratio: value / reference,
        detail: format!("{JOBS} jobs, {parallelism} at once: queued {with}, bare {without}"),
    })
}

async fn through_lilac(bed: &Bed, docker: &Docker) -> Result<Duration> {
    let queue = bed.client.queues().await?.items.into_iter().next().context("no queue")?.id;
    let pause = |paused| UpdateQueue { paused: Some(paused), ..UpdateQueue::default() };
    bed.client.update_queue(queue, &pause(true)).await?;
    let mut jobs = Vec::new();
    for index in 0..JOBS {
        jobs.push(bed.client.submit(&trivial(&format!("bench-drain-{index}")), None).await?.id);
    }
    let done = async || -> Result<u64> {
        let counts = bed.client.job_counts().await?;
        Ok(counts.by_state.get(&JobState::Succeeded).copied().unwrap_or_default())
    };
    let before = done().await?;
    let mut watch = Watch::new(docker);
    let mut left: HashSet<String> = jobs.iter().map(ToString::to_string).collect();

    let start = Instant::now();
    bed.client.update_queue(queue, &pause(false)).await?;
    while !left.is_empty() {
        let (attributes, _) = watch.next("destroy").await?;
        if let Some(job) = attributes.get("lilac.job") {
            left.remove(job);
        }
    }
    eventually_within(PATIENCE, "all results", async || {
        Ok((done().await? == before + u64::from(JOBS)).then_some(()))
    })
    .await?;
    let took = start.elapsed();

    for id in jobs {
        let attempts = bed.client.attempts(id).await?.items;
        let is_whole = attempts.iter().all(|attempt| attempt.tasks.iter().all(|task| task.log_complete));
        ensure!(attempts.len() == 1 && is_whole, "{id} was not done: {attempts:?}");
    }
    Ok(took)
}

async fn through_docker(
    docker: &Docker,
    body: &ContainerCreateBody,
    parallelism: usize,
    round: usize,
) -> Result<Duration> {
    let start = Instant::now();
    let jobs = (0..JOBS).map(|index| async move {
        run_bare(docker, &format!("bench-drain-{round}-{index}"), body.clone()).await
    });
    futures::stream::iter(jobs).buffer_unordered(parallelism).try_collect::<Vec<_>>().await?;
    Ok(start.elapsed())
}
