//! What nodes tell of images, and what they are told to have ready.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::agent::{Outcome, Phase, TaskResult, TaskSpec};
use lilac_api::auth::Role;
use lilac_api::image::{CachedImage, ImageProblem, LayerProgress, LayerState, PullProgress, TaskImage};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::quantity::Cpus;
use lilac_api::spec::{JobSpec, PullPolicy};
use lilac_api::{AttemptId, JobId};
use sqlx::PgPool;

use crate::protocol::{self, Node, result};
use crate::support::refused_fields;

async fn image_of(harness: &crate::support::Harness, job: lilac_api::JobId) -> Option<TaskImage> {
    harness.client.attempts(job).await.unwrap().items[0].tasks[0].image.clone()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_node_says_of_an_image_is_shown(pool: PgPool) {
    let harness = protocol::start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let job = harness.client.submit(&JobSpec::new("job", "busybox"), None).await.unwrap().id;
    let attempt = node.wait_for(job).await;
    assert_eq!(image_of(&harness, job).await, None);

    let mut pulling = async |bytes| {
        let layer =
            LayerProgress { id: "0a1b2c".into(), state: LayerState::Downloading, bytes, total_bytes: 100 };
        let pull = Some(PullProgress { layers: vec![layer] });
        node.report(attempt, 1, Phase::Preparing, None);
        node.reports[0].image = Some(TaskImage { pull, ..TaskImage::default() });
        node.sync().await.unwrap();
        let shown = image_of(&harness, job).await.unwrap();
        assert_eq!(shown.pull.unwrap().layers[0].bytes, bytes);
    };
    pulling(10).await;
    let events = harness.client.job_events(job).await.unwrap().items.len();
    pulling(20).await;
    assert_eq!(harness.client.job_events(job).await.unwrap().items.len(), events, "a pull is no history");

    // A report without a word about the image unsays nothing.
    node.report(attempt, 1, Phase::Running, None);
    let known =
        TaskImage { id: Some("sha256:1".into()), digest: Some("sha256:2".into()), ..TaskImage::default() };
    node.reports[0].image = Some(known.clone());
    node.sync().await.unwrap();
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    assert_eq!(image_of(&harness, job).await, Some(known.clone()));
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    assert_eq!(image_of(&harness, job).await, Some(known), "it stays with the attempt");

    // Why there is none comes with the end.
    let job = harness.client.submit(&JobSpec::new("job", "nothing"), None).await.unwrap().id;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::NotStarted, None)));
    let problem = TaskImage { problem: Some(ImageProblem::NotFound), ..TaskImage::default() };
    node.reports.last_mut().unwrap().image = Some(problem.clone());
    node.sync().await.unwrap();
    assert_eq!(image_of(&harness, job).await, Some(problem));

    node.reports.last_mut().unwrap().image =
        Some(TaskImage { id: Some("x".repeat(2000)), ..TaskImage::default() });
    assert_eq!(refused_fields(node.sync().await), [format!("attempts[{}].image.id", node.reports.len() - 1)]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nodes_tell_what_they_have_and_hear_what_jobs_wait_for(pool: PgPool) {
    let harness = protocol::start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let id = harness.client.nodes().await.unwrap().items[0].id;
    let cached = CachedImage { id: "sha256:1".into(), names: vec!["team/secret-project:1".into()], bytes: 7 };
    node.images = Some(vec![cached.clone()]);
    node.sync().await.unwrap();
    // Not to be told is not to have none.
    node.images = None;
    node.sync().await.unwrap();
    assert_eq!(harness.client.node(id).await.unwrap().images, Some(vec![cached.clone()]));
    assert_eq!(harness.client.nodes().await.unwrap().items[0].images, None, "lists stay short");
    let (_, member) = harness.user("ada", Role::Member).await;
    assert_eq!(member.node(id).await.unwrap().images, None, "names of images are their teams' affair");
    node.images = Some(vec![cached; 65]);
    assert_eq!(refused_fields(node.sync().await), ["images"]);
    node.images = None;

    let mut waits = JobSpec::new("waits", "registry.example/app:2");
    waits.resources.cpus = Cpus { milli: 64_000 };
    harness.client.submit(&waits, None).await.unwrap();
    let mut never = JobSpec { image: "never/pulled".into(), ..waits.clone() };
    never.pull.policy = PullPolicy::Never;
    harness.client.submit(&never, None).await.unwrap();
    // The list may be some seconds old.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let told = node.sync().await.unwrap().prefetch;
        if told == ["registry.example/app:2"] {
            break;
        }
        assert!(told.is_empty() && tokio::time::Instant::now() < deadline, "{told:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn of_equal_nodes_the_one_with_the_image_gets_the_job(pool: PgPool) {
    let harness = protocol::start(pool).await;
    let mut nodes = vec![Node::join(&harness, "a").await, Node::join(&harness, "b").await];
    let names = vec!["registry.example/app:2".into(), "busybox:latest".into()];
    nodes[1].images = Some(vec![CachedImage { id: "sha256:1".into(), names, bytes: 7 }]);
    for node in &mut nodes {
        node.sync().await.unwrap();
    }
    for (image, node) in
        [("registry.example/app:2", "b"), ("registry.example/app:3", "a"), ("docker.io/library/busybox", "b")]
    {
        let spec = JobSpec::new("job", image);
        let forecast = harness.client.plan_job(&spec).await.unwrap();
        assert_eq!(forecast.node.as_deref(), Some(node), "{image}: {forecast:?}");
        let job = harness.client.submit(&spec, None).await.unwrap().id;
        let (placed, attempt) = place(&mut nodes, job).await;
        assert_eq!(["a", "b"][placed], node, "{image}");
        nodes[placed].report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
        nodes[placed].sync().await.unwrap();
    }
}

/// T11: what is the node's fault is tried on another node and charged to nobody; what is the job's own is not.
#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_a_node_cannot_start_goes_to_another(pool: PgPool) {
    let harness = protocol::start(pool).await;
    let mut nodes = vec![Node::join(&harness, "a").await, Node::join(&harness, "b").await];
    for node in &mut nodes {
        node.sync().await.unwrap();
    }
    let end = async |node: &mut Node, attempt, epoch, problem| {
        node.report(attempt, epoch, Phase::Ended, Some(pull_failed()));
        node.reports.last_mut().unwrap().image =
            Some(TaskImage { problem: Some(problem), ..TaskImage::default() });
        node.sync().await.unwrap();
    };
    for (problem, moves) in [(ImageProblem::DiskFull, true), (ImageProblem::NotFound, false)] {
        let job = harness.client.submit(&JobSpec::new("job", "registry.example/app"), None).await.unwrap().id;
        let (first, attempt) = place(&mut nodes, job).await;
        end(&mut nodes[first], attempt, 1, problem).await;
        let shown = harness.client.job(job).await.unwrap();
        if !moves {
            assert_eq!((shown.state, shown.reason), (JobState::Failed, Some(Reason::ImagePull)), "{shown:?}");
            continue;
        }
        let (second, attempt) = place(&mut nodes, job).await;
        assert_ne!(first, second, "it came back to the node that could not start it");
        // And where there is no third one, that is the job's end.
        end(&mut nodes[second], attempt, 2, problem).await;
        let shown = harness.client.job(job).await.unwrap();
        assert_eq!((shown.state, shown.epoch), (JobState::Failed, 2), "{shown:?}");
        let charged: Vec<_> =
            harness.client.attempts(job).await.unwrap().items.iter().map(|one| one.state).collect();
        assert_eq!(charged, [AttemptState::Failed, AttemptState::Failed]);
        assert_eq!(shown.attempts_charged, 1, "only the last one counts");
    }
}

fn pull_failed() -> TaskResult {
    TaskResult { reason: Some(Reason::ImagePull), ..result(Outcome::NotStarted, None) }
}

/// The index of the node that the job was placed on, and its attempt.
async fn place(nodes: &mut [Node], job: JobId) -> (usize, AttemptId) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        for (index, node) in nodes.iter_mut().enumerate() {
            let desired = node.sync().await.unwrap().desired;
            let ours = |task: &TaskSpec| task.job_id == job;
            if let Some(found) = desired.iter().find(|one| one.task.as_ref().is_some_and(ours)) {
                return (index, found.attempt_id);
            }
        }
        assert!(tokio::time::Instant::now() < deadline, "it is placed nowhere");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
