//! What goes first, what waits and what makes room: queues, priorities, pauses, cordons, preemption.

use anyhow::{Context, Result};
use lilac_api::cluster::NodeState;
use lilac_api::job::{AttemptState, JobState, LogQuery, Reason};
use lilac_api::quantity::Cpus;
use lilac_api::queue::{CreateQueue, UpdateQueue};
use lilac_api::spec::JobSpec;
use lilac_e2e::jobs::{SOON, end, resources, script, until, until_state};
use lilac_e2e::{Capacity, eventually, with_bed};

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

/// Runs on until it is told to stop, and says so; the second time it ends by itself.
const PATIENT: &str = "trap 'echo saving; sleep 1; echo saved; exit 143' TERM
[ \"$LILAC_ATTEMPT\" = 1 ] || { echo resumed after $LILAC_RESUME_REASON; exit 0; }
echo ready; while true; do sleep 0.1; done";

#[tokio::test]
async fn an_urgent_job_takes_the_place_of_a_preemptible_one() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let node = bed.client.nodes().await?.items.into_iter().next().context("no node")?;
        // One of them fills more than half of the node, so that never two of them run.
        let cpus = Cpus { milli: node.capacity.cpu_milli * 2 / 3 };
        let mut low = script("patient", PATIENT);
        (low.resources.cpus, low.priority, low.preemptible) = (cpus, 10, true);
        let low = bed.client.submit(&low, None).await?.id;
        until_state(&bed.client, low, JobState::Running).await?;
        let client = bed.client.clone();
        let log = async |epoch: u32| -> Result<String> {
            let query = LogQuery { epoch: Some(epoch), ..LogQuery::default() };
            Ok(String::from_utf8_lossy(&client.log(low, &query).await?.bytes).into_owned())
        };
        // The trap stands only once the script has said so.
        eventually("a script that is ready", async || Ok(log(1).await?.contains("ready").then_some(())))
            .await?;

        let mut urgent = script("urgent", "echo here; sleep 2");
        (urgent.resources.cpus, urgent.priority) = (cpus, 90);
        let urgent = bed.client.submit(&urgent, None).await?.id;
        let urgent = end(&bed.client, urgent).await?;
        assert_eq!(urgent.state, JobState::Succeeded, "{urgent:?}");
        let low = end(&bed.client, low).await?;
        assert_eq!((low.state, low.epoch, low.attempts_charged), (JobState::Succeeded, 2, 0), "{low:?}");

        let attempts = bed.client.attempts(low.id).await?.items;
        let first = attempts.last().context("no attempts")?;
        assert_eq!((first.state, first.reason), (AttemptState::Preempted, Some(Reason::Preempted)));
        assert!(first.finished_at <= urgent.started_at, "both ran: {first:?} {urgent:?}");
        let again = attempts.first().context("no attempts")?;
        assert!(urgent.finished_at <= again.started_at, "both ran: {urgent:?} {again:?}");
        eventually("both logs", async || {
            let (first, second) = (log(1).await?, log(2).await?);
            Ok((first.contains("saved") && second.contains("resumed after preempted")).then_some(()))
        })
        .await
    })
    .await
}
