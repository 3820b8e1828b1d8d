//! Processes die; jobs do not notice.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lilac_api::JobId;
use lilac_api::cluster::NodeState;
use lilac_api::job::{JobState, LogQuery};
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{SOON, check_history, end, only_attempt, script, until_state, whole_log};
use lilac_e2e::{Bed, Capacity, eventually, eventually_within, with_bed};
use nix::sys::signal::Signal;

/// Numbered lines for about four seconds, some of them long, from both streams.
const TALKER: &str = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); \
    echo \"line $i $(printf '%0.200d' $i)\"; [ $((i % 100)) -eq 0 ] && sleep 1; done; true";

fn talk() -> String {
    (1..=400).map(|i| format!("line {i} {i:0200}\n")).collect()
}

/// A talking job that has begun to talk, with its container's id.
async fn talking(bed: &Bed) -> Result<(JobId, String)> {
    let id = bed.client.submit(&script("talker", TALKER), None).await?.id;
    until_state(&bed.client, id, JobState::Running).await?;
    eventually("the first line", async || {
        let part = bed.client.log(id, &LogQuery::default()).await?;
        Ok((!part.bytes.is_empty()).then_some(()))
    })
    .await?;
    Ok((id, container_id(bed, id).await?))
}

async fn container_id(bed: &Bed, id: JobId) -> Result<String> {
    let attempt = only_attempt(&bed.client, id).await?.id;
    let container = bed.nodes[0].machine.container(attempt).await?.context("no container")?;
    container.id.context("a container without an id")
}

/// The job ended well, in the one container that it had, with every byte of its log.
async fn ended_unharmed(bed: &Bed, id: JobId) -> Result<()> {
    let job = end(&bed.client, id).await?;
    assert_eq!((job.state, job.epoch), (JobState::Succeeded, 1), "{job:?}");
    only_attempt(&bed.client, id).await?;
    let log = whole_log(&bed.client, id).await?;
    assert!(log == talk(), "{} bytes instead of {}", log.len(), talk().len());
    check_history(&bed.client, &job).await?;
    bed.nodes[0].machine.empty(SOON).await
}

#[tokio::test]
async fn a_killed_agent_finds_its_job_again() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let (id, container) = talking(bed).await?;
        for _ in 0..2 {
            bed.nodes[0].agent.kill()?;
            assert_eq!(container_id(bed, id).await?, container);
            bed.nodes[0].agent.start_again()?;
            bed.until_node("a", NodeState::Ready).await?;
        }
        assert_eq!(container_id(bed, id).await?, container);
        assert_eq!(bed.nodes[0].machine.containers().await?.len(), 1);
        ended_unharmed(bed, id).await
    })
    .await
}

#[tokio::test]
async fn a_job_that_ends_while_its_agent_is_dead_is_reported() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let good = script("good", "sleep 1; seq 1000");
        let bad = script("bad", "sleep 1; seq 1000; exit 4");
        let good = bed.client.submit(&good, None).await?.id;
        let bad = bed.client.submit(&bad, None).await?.id;
        for id in [good, bad] {
            until_state(&bed.client, id, JobState::Running).await?;
        }
        bed.nodes[0].agent.kill()?;
        eventually("both ended", async || Ok(bed.nodes[0].machine.running().await?.is_empty().then_some(())))
            .await?;
        bed.nodes[0].agent.start_again()?;
        let numbers: String = (1..=1000).map(|i| format!("{i}\n")).collect();
        for (id, state, code) in [(good, JobState::Succeeded, 0), (bad, JobState::Failed, 4)] {
            let job = end(&bed.client, id).await?;
            assert_eq!((job.state, job.exit_code, job.epoch), (state, Some(code), 1), "{job:?}");
            assert!(whole_log(&bed.client, id).await? == numbers);
        }
        bed.nodes[0].machine.empty(SOON).await
    })
    .await
}

#[tokio::test]
async fn an_agent_that_is_asked_to_end_leaves_its_jobs_running() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let (id, container) = talking(bed).await?;
        bed.nodes[0].agent.signal(Signal::SIGTERM)?;
        let status = bed.nodes[0].agent.exit(Duration::from_secs(5)).await?;
        assert!(status.success(), "{status}: {}", bed.nodes[0].agent.output());
        assert_eq!(container_id(bed, id).await?, container);
        bed.nodes[0].agent.start_again()?;
        ended_unharmed(bed, id).await
    })
    .await
}

#[tokio::test]
async fn a_killed_server_goes_on_where_it_was() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let (id, container) = talking(bed).await?;
        bed.servers[0].kill()?;
        assert_eq!(bed.nodes[0].machine.running().await?.len(), 1);
        bed.servers[0].start_again().await?;
        bed.until_answered().await?;
        let job = bed.client.job(id).await?;
        if !job.state.is_terminal() {
            assert_eq!(container_id(bed, id).await?, container);
        }
        ended_unharmed(bed, id).await?;

        // New work flows as before.
        let id = bed.client.submit(&script("after", "echo after"), None).await?.id;
        assert_eq!(end(&bed.client, id).await?.state, JobState::Succeeded);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_database_that_falls_over_loses_no_accepted_job() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 8, memory: "4Gi" })).await?;
        let (talker, _) = talking(bed).await?;
        let client = bed.client.clone();
        // Submits go on through the fall and the recovery; what was answered with 201 is counted.
        let submitting = tokio::spawn(async move {
            let (mut accepted, mut refused) = (Vec::new(), 0_u32);
            for index in 0..50 {
                let spec = script(&format!("job-{index}"), "echo \"ran $LILAC_JOB_ID\"");
                match client.submit(&spec, None).await {
                    Ok(job) => accepted.push(job.id),
                    Err(error) if error.is_transient() => refused += 1,
                    Err(error) => return Err(anyhow::Error::from(error)),
                }
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            Ok((accepted, refused))
        });
        eventually("some that were accepted", async || {
            let counts = bed.client.job_counts().await?;
            Ok((counts.by_state.values().sum::<u64>() > 10).then_some(()))
        })
        .await?;
        bed.database.stop_immediately().await?;
        let down = bed.client.submit(&script("down", "true"), None).await;
        let error = down.err().context("accepted without a database")?;
        assert!(error.is_transient(), "{error}");
        assert_eq!(error.code(), Some(lilac_api::problem::ErrorCode::Unavailable), "{error}");
        bed.database.start_again()?;
        let (accepted, refused) = submitting.await??;
        ensure!(accepted.len() > 10, "{} accepted, {refused} refused", accepted.len());

        for id in accepted {
            let job = eventually_within(SOON * 2, "an accepted job's end", async || {
                let job = bed.client.job(id).await?;
                Ok(job.state.is_terminal().then_some(job))
            })
            .await?;
            assert_eq!(job.state, JobState::Succeeded, "{job:?}");
            assert_eq!(whole_log(&bed.client, id).await?, format!("ran {id}\n"));
            check_history(&bed.client, &job).await?;
        }
        ended_unharmed(bed, talker).await
    })
    .await
}

#[tokio::test]
async fn an_agent_touches_only_what_is_its_own() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let node = bed.client.nodes().await?.items.into_iter().next().context("no node")?;
        let cluster = bed.client.clusters().await?.items.into_iter().next().context("no cluster")?;
        let labels = |cluster: String, node: String| {
            HashMap::from([
                ("lilac.cluster".to_owned(), cluster),
                ("lilac.node".to_owned(), node),
                ("lilac.attempt".to_owned(), uuid::Uuid::now_v7().to_string()),
                ("lilac.job".to_owned(), uuid::Uuid::now_v7().to_string()),
                ("lilac.epoch".to_owned(), "1".to_owned()),
            ])
        };
        let machine = &bed.nodes[0].machine;
        let sleep = ["sleep", "1000"];
        let elsewhere = uuid::Uuid::now_v7().to_string();
        machine.run_foreign("nobodys", &sleep, HashMap::new()).await?;
        machine.run_foreign("anothers", &sleep, labels(elsewhere.clone(), elsewhere)).await?;
        // An orphan: it bears the node's own labels, and the agent knows nothing of it.
        machine.run_foreign("orphan", &sleep, labels(cluster.id.to_string(), node.id.to_string())).await?;

        bed.nodes[0].agent.kill()?;
        bed.nodes[0].agent.start_again()?;
        let machine = &bed.nodes[0].machine;
        eventually_within(SOON * 2, "the orphan's end", async || {
            Ok((machine.containers().await?.len() == 2).then_some(()))
        })
        .await?;
        let names: Vec<String> =
            machine.running().await?.into_iter().flat_map(|c| c.names.unwrap_or_default()).collect();
        assert!(
            names.contains(&"/nobodys".to_owned()) && names.contains(&"/anothers".to_owned()),
            "{names:?}"
        );

        let id = bed.client.submit(&JobSpec { ..script("own", "true") }, None).await?.id;
        assert_eq!(end(&bed.client, id).await?.state, JobState::Succeeded);
        assert_eq!(machine.running().await?.len(), 2);
        Ok(())
    })
    .await
}
