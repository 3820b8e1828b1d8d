//! Resources that would do in place of others, and room that is kept for who goes first.

use std::time::Duration;

use lilac_api::agent::{Outcome, Phase};
use lilac_api::job::{JobState, Reason};
use lilac_api::quantity::{Bytes, Cpus, Span};
use lilac_api::queue::{CreateQueue, JobLimits};
use lilac_api::spec::{JobSpec, Resources};
use lilac_api::submission::Forecast;
use lilac_server::scheduler;
use sqlx::PgPool;

use crate::protocol::{Node, result, start, submit, wait_until};

fn cpus(milli: u32) -> Resources {
    Resources { cpus: Cpus { milli }, memory: Bytes(64 << 20), ..Resources::default() }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_first_of_the_resources_that_there_is_room_for_are_given(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    let spec = |spec: &mut JobSpec| {
        spec.resources = cpus(64_000);
        spec.alternatives = vec![cpus(32_000), cpus(3000), cpus(1000)];
    };
    let mut planned = JobSpec::new("planned", "image");
    spec(&mut planned);
    assert_eq!(harness.client.plan_job(&planned).await.unwrap().outcome, Forecast::StartsNow);
    let limits = JobLimits { cpus: Some(Cpus { milli: 64_000 }), ..JobLimits::default() };
    let narrow = CreateQueue { limits, ..CreateQueue::new("narrow", 0, vec!["default".to_owned()]) };
    harness.client.create_queue(&narrow).await.unwrap();
    let beyond = JobSpec {
        queue: "narrow".to_owned(),
        alternatives: vec![cpus(1000), cpus(65_000)],
        ..JobSpec::new("beyond", "image")
    };
    let refused = harness.client.submit(&beyond, None).await.unwrap_err().to_string();
    assert!(
        refused.contains("alternatives[1].cpus"),
        "what an alternative asks for is bounded, too: {refused}"
    );

    let first = submit(&harness, spec).await;
    let task = node.task(first).await;
    assert_eq!(task.cpu_milli, 3000, "the agent is told what the job got");
    let attempt = &harness.client.attempts(first).await.unwrap().items[0];
    assert_eq!(attempt.alternative, Some(2));
    // What it holds is that: one CPU of four is left, and goes to the last resort of the next.
    let second = submit(&harness, spec).await;
    assert_eq!(node.task(second).await.cpu_milli, 1000);
    let third = submit(&harness, spec).await;
    wait_until(&harness, third, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    let found = harness.client.explain_job(third).await.unwrap();
    assert_eq!(found.reason, Some(Reason::WaitingForCapacity), "an alternative may fit one day");
    assert!(found.message.contains("none of the 4 resources"), "{}", found.message);

    // What one ends with, the next gets; its resources are chosen anew.
    let given = node.wait_for(first).await;
    node.report(given, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    assert_eq!(node.task(third).await.cpu_milli, 3000);
    assert_eq!(scheduler::invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn room_that_is_kept_is_told_of_with_who_goes_first_and_brief_jobs_use_it(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let bounded = |milli, minutes: u64| {
        move |spec: &mut JobSpec| {
            spec.resources = cpus(milli);
            spec.max_runtime = Some(Span(Duration::from_secs(60 * minutes)));
        }
    };
    let running = submit(&harness, bounded(2000, 60)).await;
    let attempt = node.wait_for(running).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let large = submit(&harness, |spec| {
        bounded(4000, 60)(spec);
        spec.name = "goes-first".into();
    })
    .await;
    wait_until(&harness, large, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    let open = submit(&harness, |spec| spec.resources = cpus(1000)).await;
    wait_until(&harness, open, |job| job.reason == Some(Reason::ReservedForHigher)).await;
    let found = harness.client.explain_job(open).await.unwrap();
    assert!(found.message.contains("node n1 has room, which is kept until"), "{}", found.message);
    let names: Vec<&str> = found.blockers.iter().map(|blocker| blocker.name.as_str()).collect();
    assert_eq!(names, ["goes-first"]);
    assert!(found.estimate.is_some_and(|estimate| estimate.latest.is_some()));

    let brief = submit(&harness, bounded(1000, 10)).await;
    wait_until(&harness, brief, |job| job.state == JobState::Starting).await;
    let job = harness.client.job(open).await.unwrap();
    assert_eq!((job.state, job.reason), (JobState::Queued, Some(Reason::ReservedForHigher)));
    // It is let in once the one that goes first does not want its room any more.
    harness.client.cancel(large).await.unwrap();
    wait_until(&harness, open, |job| job.state == JobState::Starting).await;
}
