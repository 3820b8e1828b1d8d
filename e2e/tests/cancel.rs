//! Cancelling: what waits, what runs, and what has ended.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lilac_api::JobId;
use lilac_api::client::{Client, ClientError};
use lilac_api::job::{AttemptState, JobState, LogQuery};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::{Cpus, Span};
use lilac_api::spec::{JobSpec, Signal, Stop};
use lilac_e2e::jobs::{SOON, check_history, end, only_attempt, script, until_state, whole_log};
use lilac_e2e::{eventually, with_bed};

#[tokio::test]
async fn what_waits_is_cancelled_at_once() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let mut spec = script("waits", "true");
        spec.resources.cpus = Cpus { milli: 64_000 };
        let id = client.submit(&spec, None).await?.id;
        let job = client.cancel(id).await?;
        assert_eq!(job.state, JobState::Cancelled, "{job:?}");
        assert!(client.attempts(id).await?.items.is_empty());
        assert_eq!(job.actor, "user:admin");
        check_history(client, &job).await?;

        // Room for it comes too late.
        let refused = client.cancel(id).await;
        assert_eq!(refused.as_ref().err().and_then(ClientError::code), Some(ErrorCode::Conflict));
        assert!(bed.nodes[0].machine.containers().await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_runs_is_asked_and_then_killed() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        let machine = &bed.nodes[0].machine;
        let grace = Duration::from_secs(2);
        let stop = |signal| Stop { signal, grace: Span(grace), warn: None };
        let wait = "while true; do sleep 0.1; done";
        let deaf = JobSpec {
            stop: stop(Signal::SigTerm),
            ..script("deaf", &format!("trap '' TERM; echo ready; {wait}"))
        };
        let polite = JobSpec {
            stop: stop(Signal::SigInt),
            ..script("polite", &format!("trap 'echo bye; exit 5' INT; echo ready; {wait}"))
        };
        let bystander = client.submit(&script("bystander", wait), None).await?.id;
        until_state(client, bystander, JobState::Running).await?;

        for spec in [deaf, polite] {
            let id = client.submit(&spec, None).await?.id;
            let attempt = {
                until_state(client, id, JobState::Running).await?;
                only_attempt(client, id).await?.id
            };
            until_ready(client, id).await?;

            let asked = Instant::now();
            let job = client.cancel(id).await?;
            assert!(job.cancel_requested && !job.state.is_terminal(), "{job:?}");
            eventually("no container that runs", async || {
                let container = machine.container(attempt).await?;
                let state = container.and_then(|container| container.state);
                Ok((!state.and_then(|state| state.running).unwrap_or_default()).then_some(()))
            })
            .await?;
            let gone_after = asked.elapsed();
            assert!(gone_after < grace + Duration::from_secs(2), "{}: {gone_after:?}", spec.name);
            if spec.name == "deaf" {
                assert!(gone_after >= grace, "killed before its time: {gone_after:?}");
            }
            let job = end(client, id).await?;
            assert_eq!(job.state, JobState::Cancelled, "{job:?}");
            assert_eq!(only_attempt(client, id).await?.state, AttemptState::Cancelled);
            let log = whole_log(client, id).await?;
            assert_eq!(log, if spec.name == "deaf" { "ready\n" } else { "ready\nbye\n" });
            check_history(client, &job).await?;
        }
        assert_eq!(client.job(bystander).await?.state, JobState::Running);
        client.cancel(bystander).await?;
        end(client, bystander).await?;
        machine.empty(SOON).await
    })
    .await
}

#[tokio::test]
async fn what_has_ended_stays_as_it_ended() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        for (name, body) in [("good", "echo done"), ("bad", "echo done; exit 3")] {
            let id = client.submit(&script(name, body), None).await?.id;
            end(client, id).await?;
            let log = whole_log(client, id).await?;
            let record = async || -> Result<String> {
                let (job, events) = (client.job(id).await?, client.job_events(id).await?);
                let attempts = client.attempts(id).await?;
                Ok(serde_json::to_string_pretty(&(job, events, attempts))?)
            };
            let before = record().await?;
            let refused = client.cancel(id).await;
            assert_eq!(refused.as_ref().err().and_then(ClientError::code), Some(ErrorCode::Conflict));
            assert_eq!(record().await?, before);
            assert_eq!(whole_log(client, id).await?, log);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn success_that_came_first_counts() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let client = &bed.client;
        // It answers the request to stop with success: it was asked while running, so it is cancelled
        // or succeeded, but never failed, and never both.
        let spec = script("done", "trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done");
        let id = client.submit(&spec, None).await?.id;
        until_state(client, id, JobState::Running).await?;
        until_ready(client, id).await?;
        client.cancel(id).await?;
        let asked = Instant::now();
        let job = end(client, id).await?;
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited for its grace: {:?}", asked.elapsed());
        assert!(matches!(job.state, JobState::Cancelled | JobState::Succeeded), "{job:?}");
        assert!(job.cancel_requested);
        let attempt = only_attempt(client, id).await?;
        let agreed = match job.state {
            JobState::Cancelled => AttemptState::Cancelled,
            _ => AttemptState::Succeeded,
        };
        assert_eq!(attempt.state, agreed);
        attempt.finished_at.context("an end without a time")?;
        check_history(client, &job).await
    })
    .await
}

/// Waits until a script has set its trap and said so: an earlier signal would just end it.
async fn until_ready(client: &Client, id: JobId) -> Result<()> {
    eventually("the trap", async || {
        let log = client.log(id, &LogQuery::default()).await?;
        Ok((log.bytes.as_ref() == b"ready\n").then_some(()))
    })
    .await
}
