//! What one leader promised the next one keeps: a place that is being cleared for a job, and nodes that are kept for one.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::JobId;
use lilac_api::agent::{Outcome, Phase};
use lilac_api::auth::Secret;
use lilac_api::job::{JobState, Reason};
use lilac_api::quantity::{Cpus, Span};
use lilac_server::app::App;
use lilac_server::scheduler::{self, Background, invariants};
use sqlx::PgPool;

use crate::preemption::{end, job, running, until_told};
use crate::protocol::{Node, submit, wait_until};
use crate::support::{Harness, PASSWORD, SECRET_KEY, log_in, start};

/// The leader goes, and another server leads, to which everybody turns from then on.
async fn next_leader(harness: &mut Harness, first: Background, node: &mut Node) -> Background {
    harness.app.draining.cancel();
    harness.app.stopping.cancel();
    first.stop().await;
    let second = App::new(harness.app.pool.clone(), &Secret(SECRET_KEY.into())).unwrap();
    let client = harness.beside(second.clone()).await;
    harness.client = log_in(&client, "admin", PASSWORD).await.unwrap();
    node.client = client.with_token(node.token.clone());
    scheduler::start(second)
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_place_that_is_being_cleared_is_kept_by_the_next_leader(pool: PgPool) {
    let mut harness = start(pool.clone()).await;
    let first = scheduler::start(harness.app.clone());
    let mut node = Node::join(&harness, "a").await;
    let (low, attempt) = running(&harness, &mut node, "default", 10, true).await;
    let urgent = job(&harness, "default", 4, 90, false).await;
    until_told(&mut node, attempt).await;

    let _second = next_leader(&mut harness, first, &mut node).await;
    // It would go first, had the place not been promised.
    let third = job(&harness, "default", 1, 95, false).await;
    wait_until(&harness, third, |job| job.reason.is_some()).await;
    end(&mut node, attempt, 1, Outcome::Stopped, 143).await;
    let place = node.wait_for(urgent).await;
    assert_eq!(harness.client.job(third).await.unwrap().epoch, 0, "the room was not its own");
    let back = wait_until(&harness, low, |job| job.state == JobState::Queued).await;
    assert_eq!((back.attempts_charged, back.epoch), (0, 1));

    node.report(place, 1, Phase::Running, None);
    end(&mut node, place, 1, Outcome::Exited, 0).await;
    node.wait_for(third).await;
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

/// A job that asks for so many of the node's four CPUs, for so many minutes or without a bound.
async fn bounded(harness: &Harness, cpus: u32, minutes: Option<u64>) -> JobId {
    submit(harness, |spec| {
        spec.resources.cpus = Cpus { milli: cpus * 1000 };
        spec.max_runtime = minutes.map(|minutes| Span(Duration::from_secs(minutes * 60)));
    })
    .await
}

/// By when a job starts, as it is told.
async fn bound(harness: &Harness, id: JobId) -> DateTime<Utc> {
    harness.client.explain_job(id).await.unwrap().estimate.unwrap().latest.unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nodes_that_are_kept_for_a_job_are_kept_by_the_next_leader(pool: PgPool) {
    let mut harness = start(pool.clone()).await;
    let first = scheduler::start(harness.app.clone());
    let mut node = Node::join(&harness, "a").await;
    let runs = bounded(&harness, 2, Some(60)).await;
    let attempt = node.wait_for(runs).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let big = bounded(&harness, 4, Some(60)).await;
    let endless = bounded(&harness, 2, None).await;
    let is_held_back = |job: &lilac_api::job::Job| job.reason == Some(Reason::ReservedForHigher);
    wait_until(&harness, endless, is_held_back).await;
    let promised = bound(&harness, big).await;

    let _second = next_leader(&mut harness, first, &mut node).await;
    let late = bounded(&harness, 2, None).await;
    wait_until(&harness, late, is_held_back).await;
    let now = bound(&harness, big).await;
    assert!(now <= promised + Duration::from_secs(5), "put off from {promised} to {now}");
    // What ends in time fills in.
    let short = bounded(&harness, 2, Some(10)).await;
    let filler = node.wait_for(short).await;
    end(&mut node, filler, 1, Outcome::Exited, 0).await;
    end(&mut node, attempt, 1, Outcome::Exited, 0).await;
    node.wait_for(big).await;
    for held_back in [endless, late] {
        assert_eq!(harness.client.job(held_back).await.unwrap().epoch, 0);
    }
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}
