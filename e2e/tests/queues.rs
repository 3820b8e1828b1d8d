//! What goes first, and what waits: queues, priorities, pauses, cordons.

use anyhow::{Context, Result};
use lilac_api::cluster::NodeState;
use lilac_api::job::{JobState, Reason};
use lilac_api::queue::{CreateQueue, UpdateQueue};
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{SOON, end, resources, script, until, until_state};
use lilac_e2e::{Capacity, with_bed};

#[tokio::test]
async fn the_higher_goes_first() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", Some(Capacity { cpus: 1, memory: "1Gi" })).await?;
        let client = &bed.client;
        let urgent = CreateQueue::new("urgent", 10, vec!["default".to_owned()]);
        client.create_queue(&urgent).await?;

        // The node holds one job at a time, so the order of the starts is the order of the scheduler.
        let whole = |name: &str, queue: &str, priority: u8| JobSpec {
            queue: queue.to_owned(),
            priority,
            resources: resources(1000, 32),
            ..script(name, "true")
        };
        let blocker = JobSpec { run: Some("exec sleep 1000".to_owned()), ..whole("blocker", "default", 50) };
        let blocker = client.submit(&JobSpec { stop: kill_at_once(), ..blocker }, None).await?.id;
        until_state(client, blocker, JobState::Running).await?;
        let mut jobs = Vec::new();
        for (name, queue, priority) in [
            ("low", "default", 10),
            ("early", "default", 50),
            ("late", "default", 50),
            ("high", "default", 90),
            ("urgent-low", "urgent", 0),
            ("urgent-high", "urgent", 100),
        ] {
            jobs.push(client.submit(&whole(name, queue, priority), None).await?.id);
        }
        for id in &jobs {
            let waits = until(client, *id, "with a reason", SOON, |job| job.reason.is_some()).await?;
            assert_eq!(waits.reason, Some(Reason::WaitingForCapacity), "{waits:?}");
        }
        client.cancel(blocker).await?;

        let mut starts = Vec::new();
        for id in jobs {
            let job = end(client, id).await?;
            assert_eq!(job.state, JobState::Succeeded);
            starts.push((job.started_at.context("no start")?, job.name));
        }
        starts.sort();
        let order: Vec<String> = starts.into_iter().map(|(_, name)| name).collect();
        assert_eq!(order, ["urgent-high", "urgent-low", "high", "early", "late", "low"]);
        Ok(())
    })
    .await
}

fn kill_at_once() -> lilac_api::spec::Stop {
    let signal = lilac_api::spec::Signal::SigKill;
    lilac_api::spec::Stop { signal, ..lilac_api::spec::Stop::default() }
}

#[tokio::test]
async fn a_paused_queue_takes_jobs_and_starts_none() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let queue = client.queues().await?.items.into_iter().next().context("no queue")?;
        let pause = |paused| UpdateQueue { paused: Some(paused), ..UpdateQueue::default() };
        assert!(client.update_queue(queue.id, &pause(true)).await?.paused);
        let id = client.submit(&script("waits", "true"), None).await?.id;
        let job = until(client, id, "with a reason", SOON, |job| job.reason.is_some()).await?;
        assert_eq!((job.state, job.reason), (JobState::Queued, Some(Reason::QueuePaused)));
        assert!(client.attempts(id).await?.items.is_empty());
        let counts = client.job_counts().await?;
        assert_eq!(counts.queued_by_reason.get("queue-paused"), Some(&1), "{counts:?}");

        client.update_queue(queue.id, &pause(false)).await?;
        assert_eq!(end(client, id).await?.state, JobState::Succeeded);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_cordoned_node_keeps_what_it_has_and_takes_nothing_new() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let has = client.submit(&script("has", "sleep 3; echo done"), None).await?.id;
        until_state(client, has, JobState::Running).await?;
        let node = client.nodes().await?.items.into_iter().next().context("no node")?;
        assert_eq!(client.cordon(node.id).await?.state, NodeState::Cordoned);
        let new = client.submit(&script("new", "true"), None).await?.id;
        let waits = until(client, new, "with a reason", SOON, |job| job.reason.is_some()).await?;
        assert_eq!((waits.state, waits.reason), (JobState::Queued, Some(Reason::NodeDown)), "{waits:?}");
        assert_eq!(end(client, has).await?.state, JobState::Succeeded);
        assert_eq!(client.job(new).await?.state, JobState::Queued);

        assert_eq!(client.uncordon(node.id).await?.state, NodeState::Ready);
        assert_eq!(end(client, new).await?.state, JobState::Succeeded);
        Ok(())
    })
    .await
}
