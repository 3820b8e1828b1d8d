//! A node is emptied: its job ends with its grace, goes back uncharged, and runs elsewhere.

use std::time::Duration;

use anyhow::{Context, Result};
use lilac_api::cluster::{DrainNode, NodeEventKind, NodeState};
use lilac_api::job::{AttemptState, JobState, LogQuery, Reason};
use lilac_api::quantity::Span;
use lilac_e2e::jobs::{end, script, until_state};
use lilac_e2e::{eventually, with_bed};

/// Runs on until it is told to stop, and says so; the second time it ends by itself.
const PATIENT: &str = "trap 'echo saving; exit 143' TERM
[ \"$LILAC_ATTEMPT\" = 1 ] || { echo resumed after $LILAC_RESUME_REASON; exit 0; }
echo ready; while true; do sleep 0.1; done";

#[tokio::test]
async fn a_drained_node_hands_its_job_on() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let id = bed.client.submit(&script("patient", PATIENT), None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        let client = bed.client.clone();
        let log = async |epoch: u32| -> Result<String> {
            let query = LogQuery { epoch: Some(epoch), ..LogQuery::default() };
            Ok(String::from_utf8_lossy(&client.log(id, &query).await?.bytes).into_owned())
        };
        // The trap stands only once the script has said so.
        eventually("a script that is ready", async || Ok(log(1).await?.contains("ready").then_some(())))
            .await?;
        let node = bed.client.nodes().await?.items.into_iter().next().context("no node")?;
        let request = DrainNode { within: Span(Duration::ZERO), reason: "new fans".to_owned() };
        assert_eq!(bed.client.drain(node.id, &request).await?.state, NodeState::Cordoned);
        until_state(&bed.client, id, JobState::Queued).await?;
        let job = bed.client.job(id).await?;
        assert_eq!(job.attempts_charged, 0, "{job:?}");

        bed.add_node("b", None).await?;
        let job = end(&bed.client, id).await?;
        assert_eq!((job.state, job.epoch, job.attempts_charged), (JobState::Succeeded, 2, 0), "{job:?}");
        assert_eq!(job.nodes, ["b"]);
        let attempts = bed.client.attempts(id).await?.items;
        let first = attempts.last().context("no attempts")?;
        assert_eq!((first.state, first.reason), (AttemptState::Preempted, Some(Reason::Preempted)));
        eventually("the end of the drain in the node's history", async || {
            let events = bed.client.node_events(node.id).await?.items;
            let is_drained = events.first().is_some_and(|event| event.kind == NodeEventKind::Drained);
            Ok(is_drained.then_some(()))
        })
        .await?;
        eventually("both logs", async || {
            let (first, second) = (log(1).await?, log(2).await?);
            Ok((first.contains("saving") && second.contains("resumed after preempted")).then_some(()))
        })
        .await
    })
    .await
}
