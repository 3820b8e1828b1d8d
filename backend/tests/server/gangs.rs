//! Jobs on several nodes, spoken word by word: nodes that are ready, fail, fall silent or speak too late, and what
//! becomes of the whole.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use lilac_api::agent::{Outcome, Phase, SyncResponse, TakenPorts, TaskResult, TaskSpec};
use lilac_api::cluster::{DrainNode, Gpu};
use lilac_api::job::{Attempt, AttemptState, JobState, LogQuery, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::spec::{Gpus, JobSpec, Port};
use lilac_api::{AttemptId, JobId};
use lilac_server::scheduler::invariants;
use sqlx::PgPool;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, eventually};

const MEETING: u16 = 29_501;

/// A job on two nodes that speak, in the order of its ranks.
struct Gang {
    job: JobId,
    attempt: AttemptId,
    ranks: [Node; 2],
    tasks: [TaskSpec; 2],
}

async fn attempts(harness: &Harness, job: JobId) -> Vec<Attempt> {
    harness.client.attempts(job).await.unwrap().items
}

/// The latest attempt.
async fn latest(harness: &Harness, job: JobId) -> Attempt {
    attempts(harness, job).await.remove(0)
}

impl Gang {
    /// Submits it to two nodes and has both told of their parts: rank 1 as soon as rank 0 said where they meet.
    async fn placed(harness: &Harness, change: impl FnOnce(&mut JobSpec)) -> Self {
        let nodes = [Node::join(harness, "n1").await, Node::join(harness, "n2").await];
        let job = submit(harness, |spec| {
            spec.nodes = 2;
            change(spec);
        })
        .await;
        Self::told(harness, job, nodes).await
    }

    /// The next attempt of the job, on the same nodes.
    async fn told(harness: &Harness, job: JobId, mut nodes: [Node; 2]) -> Self {
        for node in &mut nodes {
            // Heard a moment ago: else it takes no jobs.
            node.sync().await.unwrap();
        }
        let placed = wait_until(harness, job, |job| job.state == JobState::Starting).await;
        let [mut first, mut second] = nodes;
        if placed.nodes[0] != first.name {
            (first, second) = (second, first);
        }
        assert_eq!(placed.nodes, [first.name.clone(), second.name.clone()]);
        let epoch = placed.epoch;
        let (attempt, task) = first.told(job).await;
        let early = second.sync().await.unwrap();
        assert!(early.desired.is_empty(), "told where to meet before anybody knows: {:?}", early.desired);
        first.report(attempt, epoch, Phase::Preparing, None);
        first.reports[0].ports = Some(TakenPorts { rendezvous: Some(MEETING), published: Vec::new() });
        first.sync().await.unwrap();
        let (same, other) = second.told(job).await;
        assert_eq!(same, attempt);
        second.report(attempt, epoch, Phase::Preparing, None);
        Self { job, attempt, ranks: [first, second], tasks: [task, other] }
    }

    /// Both ranks say that they are ready, and then that they run.
    async fn run(&mut self) {
        for node in &mut self.ranks {
            node.reports[0].is_ready = true;
            node.sync().await.unwrap();
        }
        for node in &mut self.ranks {
            node.reports[0].is_ready = false;
            node.reports[0].phase = Phase::Running;
            node.sync().await.unwrap();
        }
    }

    async fn end(&mut self, rank: usize, result: TaskResult) -> SyncResponse {
        let node = &mut self.ranks[rank];
        let epoch = node.reports[0].epoch;
        node.report(self.attempt, epoch, Phase::Ended, Some(result));
        node.sync().await.unwrap()
    }
}

/// Makes the lease of one rank run out now.
async fn expire(pool: &PgPool, attempt: AttemptId, rank: i16) {
    sqlx::query(
        "UPDATE tasks SET lease_until = now() - interval '1 hour' WHERE attempt_id = $1 AND rank = $2",
    )
    .bind(attempt.0)
    .bind(rank)
    .execute(pool)
    .await
    .unwrap();
}

async fn cordon_all(harness: &Harness, on: bool) {
    for node in harness.client.nodes().await.unwrap().items {
        let done =
            if on { harness.client.cordon(node.id).await } else { harness.client.uncordon(node.id).await };
        done.unwrap();
    }
}

fn exited(code: i32) -> TaskResult {
    result(Outcome::Exited, Some(code))
}

fn stopped() -> TaskResult {
    TaskResult { reason: None, ..result(Outcome::Stopped, Some(143)) }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn ranks_are_told_of_each_other_and_start_together(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |_| {}).await;
    for (rank, task) in gang.tasks.iter().enumerate() {
        assert_eq!(usize::from(task.rank), rank);
        let addresses = &task.gang.as_ref().unwrap().addresses;
        assert_eq!(addresses, &gang.ranks.each_ref().map(|node| format!("{}.test", node.name)));
        let env = |name: &str| task.env.get(name).map(String::as_str);
        assert_eq!(env("LILAC_NODE_RANK"), Some(["0", "1"][rank]));
        assert_eq!(env("LILAC_NUM_NODES"), Some("2"));
        assert_eq!(env("LILAC_NODE_IPS"), Some(addresses.join(",").as_str()));
        assert_eq!(env("MASTER_ADDR"), Some(addresses[0].as_str()));
        // Rank 0's own agent knows it, and tells its container.
        assert_eq!(env("MASTER_PORT"), [None, Some("29501")][rank]);
        assert_eq!((env("RANK"), env("WORLD_SIZE")), (None, None), "those are torchrun's");
    }

    // One that is ready waits for the other, and hears of it at once.
    let [first, second] = &mut gang.ranks;
    second.reports[0].is_ready = true;
    assert!(!second.sync().await.unwrap().desired[0].go);
    let mut waits = second.clone();
    let waiting = tokio::spawn(async move { waits.say(false).await.unwrap() });
    first.reports[0].is_ready = true;
    assert!(first.sync().await.unwrap().desired[0].go);
    assert!(waiting.await.unwrap().desired[0].go, "the held message is answered by the other's word");
    gang.ranks[1].sequence += 1;

    gang.run().await;
    assert_eq!(harness.client.job(gang.job).await.unwrap().state, JobState::Running);
    // Each rank has a log of its own, which its own node writes.
    let put = async |node: &Node, rank, text: &'static str| {
        node.client.put_log(gang.attempt, rank, 0, text.into()).await
    };
    put(&gang.ranks[0], 0, "zero").await.unwrap().unwrap();
    put(&gang.ranks[1], 1, "one").await.unwrap().unwrap();
    assert_eq!(put(&gang.ranks[1], 0, "mine").await.unwrap_err().code(), Some(ErrorCode::NotFound));
    for (rank, text) in [(None, "zero"), (Some(0), "zero"), (Some(1), "one")] {
        let query = LogQuery { rank, ..LogQuery::default() };
        assert_eq!(harness.client.log(gang.job, &query).await.unwrap().bytes, text);
    }

    // Who is done waits for the other, with its node free of it.
    assert_eq!(gang.end(0, exited(0)).await.forget, [gang.attempt]);
    assert_eq!(harness.client.job(gang.job).await.unwrap().state, JobState::Running);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
    assert!(gang.ranks[0].sync().await.unwrap().desired.is_empty(), "it is not started once more");
    gang.end(1, exited(0)).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.exit_code, job.epoch), (JobState::Succeeded, Some(0), 1), "{}", job.message);
    let ends = latest(&harness, gang.job).await.tasks;
    assert!(ends.iter().all(|task| task.end.as_ref().unwrap().exit_code == Some(0)), "{ends:?}");
    let receipt = harness.client.receipt(gang.job).await.unwrap();
    assert_eq!(receipt.attempts[0].nodes, job.nodes);
    assert_eq!(receipt.attempts[0].cpu_milli, 2_000);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_first_rank_that_fails_is_named_and_the_whole_is_tried_again(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |spec| {
        spec.retry.max_attempts = 2;
        spec.retry.backoff.initial = "1s".parse().unwrap();
        spec.stop.grace = "10m".parse().unwrap();
    })
    .await;
    gang.run().await;
    let (mut waits, name) = (gang.ranks[0].clone(), gang.ranks[1].name.clone());
    let waiting = tokio::spawn(async move { waits.say(false).await.unwrap() });
    gang.end(1, exited(3)).await;
    let told = waiting.await.unwrap().desired.remove(0);
    assert_eq!((told.stop, told.stop_within), (true, Some(Span(Duration::from_secs(5)))));
    gang.ranks[0].sequence += 1;
    let sentence = format!("rank 1 on {name} exited with 3");
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.reason), (JobState::Running, Some(Reason::ExitCode)), "nothing is over yet");
    assert_eq!(job.message, format!("{sentence}: the other ranks are told to stop"));
    assert_eq!(latest(&harness, gang.job).await.state, AttemptState::Stopping);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);

    // The other one dies of it, in its own way: that is not the cause.
    gang.end(0, exited(1)).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.reason, job.exit_code), (JobState::Queued, Some(Reason::ExitCode), Some(3)));
    assert_eq!((job.attempts_charged, job.epoch), (1, 1));
    assert_eq!(job.message, format!("{sentence}; tried again after 1s"));
    let tasks = latest(&harness, gang.job).await.tasks;
    assert_eq!(
        tasks.iter().map(|task| task.end.as_ref().unwrap().failed_first).collect::<Vec<_>>(),
        [false, true]
    );

    // Before any of them runs, a rank that cannot be prepared ends the attempt all the same.
    for node in &mut gang.ranks {
        node.reports.clear();
    }
    let mut gang = Gang::told(&harness, gang.job, gang.ranks).await;
    let pull = TaskResult {
        reason: Some(Reason::ImagePull),
        message: "no such image.".into(),
        ..result(Outcome::NotStarted, None)
    };
    gang.end(1, pull).await;
    let unstarted = TaskResult { message: "it was not started".into(), ..result(Outcome::Stopped, None) };
    gang.end(0, unstarted).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.epoch, job.reason), (JobState::Failed, 2, Some(Reason::ImagePull)));
    let name = &gang.ranks[1].name;
    assert_eq!(job.message, format!("rank 1 on {name}: no such image"));
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_lost_node_ends_the_whole_and_nothing_is_placed_before_the_last_rank_is_over(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |_| {}).await;
    gang.run().await;
    cordon_all(&harness, true).await;
    expire(&pool, gang.attempt, 1).await;
    eventually(async || latest(&harness, gang.job).await.state == AttemptState::Stopping).await;
    let told = gang.ranks[0].sync().await.unwrap().desired.remove(0);
    assert!(told.stop && told.stop_within.is_some(), "{told:?}");
    // The node comes back and speaks of a rank that was given up: it is to stop it, and its word counts no more.
    let back = gang.ranks[1].sync().await.unwrap();
    assert!(back.desired.is_empty(), "{back:?}");
    gang.end(1, exited(7)).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.epoch), (JobState::Running, 1), "rank 0 has not ended: {}", job.message);

    gang.end(0, stopped()).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.attempts_charged), (JobState::Queued, 0));
    // The job itself may say by now why it waits.
    let events = harness.client.job_events(gang.job).await.unwrap().items;
    let lost = events.iter().find(|event| event.reason == Some(Reason::NodeLost)).unwrap();
    assert!(lost.message.contains(&format!("rank 1 on {}", gang.ranks[1].name)), "{}", lost.message);
    assert_eq!(latest(&harness, gang.job).await.state, AttemptState::Lost);
    // What one rank finished late is not the work of both.
    gang.end(1, exited(0)).await;
    assert_eq!(harness.client.job(gang.job).await.unwrap().state, JobState::Queued);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);

    cordon_all(&harness, false).await;
    let Gang { job, attempt: first, mut ranks, .. } = gang;
    ranks.iter_mut().for_each(|node| node.reports.clear());
    let mut gang = Gang::told(&harness, job, ranks).await;
    assert_ne!(gang.attempt, first);
    // Of the first attempt nothing is heard any more, whoever speaks of it.
    let reports = std::mem::take(&mut gang.ranks[0].reports);
    gang.ranks[0].report(first, 1, Phase::Ended, Some(exited(0)));
    assert_eq!(gang.ranks[0].sync().await.unwrap().forget, [first]);
    gang.ranks[0].reports = reports;
    let job = harness.client.job(job).await.unwrap();
    assert_eq!((job.state, job.epoch), (JobState::Starting, 2));

    // Both are silent: their leases alone decide.
    expire(&pool, gang.attempt, 0).await;
    eventually(async || latest(&harness, gang.job).await.state == AttemptState::Stopping).await;
    expire(&pool, gang.attempt, 1).await;
    wait_until(&harness, gang.job, |job| job.epoch == 2 && job.state == JobState::Queued || job.epoch == 3)
        .await;
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn work_that_all_ranks_finished_is_not_thrown_away(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |_| {}).await;
    gang.run().await;
    cordon_all(&harness, true).await;
    gang.end(0, exited(0)).await;
    expire(&pool, gang.attempt, 1).await;
    wait_until(&harness, gang.job, |job| job.state == JobState::Queued).await;
    gang.end(1, exited(0)).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.epoch), (JobState::Succeeded, 1), "{}", job.message);
    let attempt = latest(&harness, gang.job).await;
    assert_eq!(attempt.state, AttemptState::Succeeded);
    assert!(attempt.tasks.iter().all(|task| !task.end.as_ref().unwrap().failed_first), "{attempt:?}");
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_order_goes_to_all_ranks_and_is_done_when_the_last_has_ended(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |_| {}).await;
    gang.run().await;
    // A drain of one node puts the whole job back.
    let node = harness.client.nodes().await.unwrap().items.remove(0);
    let within = Span(Duration::ZERO);
    harness.client.drain(node.id, &DrainNode { within, reason: String::new() }).await.unwrap();
    eventually(async || latest(&harness, gang.job).await.state == AttemptState::Stopping).await;
    for node in &mut gang.ranks {
        let told = node.say(false).await.unwrap().desired.remove(0);
        assert_eq!((told.stop, told.stop_within), (true, None), "each has the grace of its job");
    }
    // One of them crashes as the other leaves: it was told to stop all the same.
    gang.end(1, exited(1)).await;
    assert_eq!(harness.client.job(gang.job).await.unwrap().state, JobState::Running);
    gang.end(0, stopped()).await;
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!((job.state, job.attempts_charged), (JobState::Queued, 0));
    // Why it waits may be news by now; why it was put back stays.
    let attempt = latest(&harness, gang.job).await;
    assert_eq!((attempt.state, attempt.reason), (AttemptState::Preempted, Some(Reason::Preempted)));

    harness.client.uncordon(node.id).await.unwrap();
    let Gang { job, mut ranks, .. } = gang;
    ranks.iter_mut().for_each(|node| node.reports.clear());
    let mut gang = Gang::told(&harness, job, ranks).await;
    assert!(gang.tasks.iter().all(|task| task.env["LILAC_RESUME_REASON"] == "preempted"));
    gang.run().await;
    harness.client.cancel(job).await.unwrap();
    for node in &mut gang.ranks {
        assert!(node.say(false).await.unwrap().desired[0].stop);
    }
    gang.end(1, stopped()).await;
    let told = harness.client.job(job).await.unwrap();
    assert_eq!((told.state, told.cancel_requested), (JobState::Running, true));
    gang.end(0, stopped()).await;
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Cancelled);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_gang_that_does_not_get_ready_in_time_is_tried_again_uncharged(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut gang = Gang::placed(&harness, |_| {}).await;
    gang.ranks[0].reports[0].is_ready = true;
    gang.ranks[0].sync().await.unwrap();
    sqlx::query("UPDATE attempts SET granted_at = granted_at - interval '31 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    eventually(async || latest(&harness, gang.job).await.state == AttemptState::Stopping).await;
    for rank in [0, 1] {
        let told = gang.ranks[rank].sync().await.unwrap().desired.remove(0);
        assert!(told.stop && told.stop_within.is_some() && !told.go, "{told:?}");
        let unstarted = TaskResult { message: "it was not started".into(), ..result(Outcome::Stopped, None) };
        gang.end(rank, unstarted).await;
    }
    let job = harness.client.job(gang.job).await.unwrap();
    assert_eq!(
        (job.state, job.reason, job.attempts_charged),
        (JobState::Queued, Some(Reason::Infrastructure), 0)
    );
    let name = &gang.ranks[1].name;
    assert!(
        job.message.starts_with(&format!("rank 1 on {name} was not ready within 30m")),
        "{}",
        job.message
    );
}

/// A node with two GPUs.
async fn gpu_node(harness: &Harness, name: &str) -> Node {
    let mut node = Node::join(harness, name).await;
    node.gpus = (0..2)
        .map(|index| Gpu {
            index,
            uuid: format!("GPU-{name}-{index}"),
            model: "H100".into(),
            memory_bytes: 80 << 30,
            ..Gpu::default()
        })
        .collect();
    node.sync().await.unwrap();
    node
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn all_ranks_are_placed_or_none(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut nodes = [gpu_node(&harness, "n1").await, gpu_node(&harness, "n2").await];
    let blocker = submit(&harness, |spec| spec.resources.gpus = Some(Gpus::of(1))).await;
    let placed = wait_until(&harness, blocker, |job| job.state == JobState::Starting).await;
    let gang = submit(&harness, |spec| {
        spec.nodes = 2;
        spec.resources.gpus = Some(Gpus::of(2));
    })
    .await;
    let waits = wait_until(&harness, gang, |job| job.reason.is_some()).await;
    assert_eq!((waits.state, waits.epoch), (JobState::Queued, 0), "{}", waits.message);
    let claims = async || {
        let sql = "SELECT count(*) FROM gpu_claims";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(claims().await, 1, "it holds nothing while it waits");

    let index = usize::from(placed.nodes[0] != nodes[0].name);
    let attempt = nodes[index].wait_for(blocker).await;
    nodes[index].report(attempt, 1, Phase::Ended, Some(exited(0)));
    nodes[index].sync().await.unwrap();
    nodes[index].reports.clear();
    let job = wait_until(&harness, gang, |job| job.state == JobState::Starting).await;
    assert_eq!((job.nodes.len(), claims().await), (2, 4));
    let tasks = latest(&harness, gang).await.tasks;
    assert_eq!(tasks.iter().map(|task| task.rank).collect::<Vec<_>>(), [0, 1]);
    assert!(tasks.iter().all(|task| task.gpu_indices == [0, 1]), "{tasks:?}");
    let attempt = latest(&harness, gang).await.id;

    // One rank is done: its GPUs are free, and only these.
    let first = usize::from(job.nodes[0] != nodes[0].name);
    nodes[first].report(attempt, 1, Phase::Ended, Some(exited(0)));
    nodes[first].sync().await.unwrap();
    assert_eq!(claims().await, 2);
    assert_eq!(invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_port_is_told_where_it_is_reached(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let job = submit(&harness, |spec| spec.ports = vec![Port { name: "web".into(), port: 80 }]).await;
    let (attempt, task) = node.told(job).await;
    assert_eq!((task.ports.as_slice(), &task.gang), ([80].as_slice(), &None));
    assert!(latest(&harness, job).await.tasks[0].ports.is_empty(), "nobody knows yet");
    node.report(attempt, 1, Phase::Running, None);
    node.reports[0].ports = Some(TakenPorts { rendezvous: None, published: vec![29_777] });
    node.sync().await.unwrap();
    let ports = latest(&harness, job).await.tasks.remove(0).ports;
    assert_eq!(ports.len(), 1, "{ports:?}");
    assert_eq!(
        (ports[0].name.as_str(), ports[0].port, ports[0].address.as_str()),
        ("web", 80, "n1.test:29777")
    );
    node.reports[0].ports = Some(TakenPorts { rendezvous: Some(0), published: Vec::new() });
    let refused = node.sync().await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::InvalidField));
}
