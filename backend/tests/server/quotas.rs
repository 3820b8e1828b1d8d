//! What a queue and its users may hold, kept by the planner and, against planners that race, by the transaction that
//! places.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::time::Duration;

use lilac_api::auth::Role;
use lilac_api::job::{Amounts, JobState, Reason};
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::queue::{CreateQueue, Quota, UpdateQueue};
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, JobId, NodeId, QueueId, UserId};
use lilac_server::scheduler::quotas;
use lilac_server::training_job::transitions::{self, Grant};
use sqlx::PgPool;

use crate::protocol::{Node, submit, wait_until};
use crate::support::{Harness, start};

fn spec(queue: &str, cpu_milli: u32) -> JobSpec {
    let mut spec = JobSpec { queue: queue.to_owned(), ..JobSpec::new("job", "image") };
    spec.resources.cpus = Cpus { milli: cpu_milli };
    spec.resources.memory = Bytes(64 << 20);
    spec
}

/// Places a job as a leader does whose plan was made on what was true before; says whether it may.
async fn place(pool: &PgPool, job: JobId, node: NodeId, cpu_milli: u32) -> bool {
    let read = "SELECT queue_id, owner_id FROM jobs WHERE id = $1";
    let (queue, owner) = sqlx::query_as(read).bind(job.0).fetch_one(pool).await.unwrap();
    place_by_plan(pool, job, (QueueId(queue), UserId(owner)), node, cpu_milli).await
}

async fn place_by_plan(
    pool: &PgPool,
    job: JobId,
    (queue, owner): (QueueId, UserId),
    node: NodeId,
    cpu_milli: u32,
) -> bool {
    let requests = Amounts { cpu_milli, memory_bytes: 64 << 20, disk_bytes: 0, gpus: 0 };
    let mut tx = pool.begin().await.unwrap();
    let mut held = quotas::hold(&mut tx, &BTreeSet::from([queue])).await.unwrap();
    if !held.take(queue, owner, &requests, 1000) {
        return false;
    }
    let grant = Grant {
        job_id: job,
        epoch: 0,
        queue_id: queue,
        attempt_id: AttemptId::new(),
        node_id: node,
        gpu_indices: Vec::new(),
        others: Vec::new(),
        gpu_milli: 1000,
        cpu_milli,
        memory_bytes: requests.memory_bytes,
        disk_bytes: 0,
        lease: Duration::from_secs(300),
        alternative: 0,
        message: String::new(),
    };
    let granted = transitions::grant(&mut tx, &[grant], "test").await.unwrap();
    tx.commit().await.unwrap();
    granted == [job]
}

/// How many of the jobs get a place when all are placed at once, each by a plan of its own.
async fn race(harness: &Harness, jobs: &[JobId], cpu_milli: u32) -> usize {
    let node = harness.client.nodes().await.unwrap().items[0].id;
    let tries: Vec<_> = jobs
        .iter()
        .map(|job| {
            let (pool, job) = (harness.app.pool.clone(), *job);
            tokio::spawn(async move { place(&pool, job, node, cpu_milli).await })
        })
        .collect();
    let mut placed = 0;
    for one in tries {
        placed += usize::from(one.await.unwrap());
    }
    placed
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn plans_that_race_hold_no_more_together_than_the_quotas_let(pool: PgPool) {
    // Nobody leads here: the test does what several leaders would.
    let harness = start(pool.clone()).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    let _node = Node::join(&harness, "n1").await;
    let cases = [
        ("jobs", Quota { running_jobs: Some(3), ..Quota::default() }, Quota::default(), 3),
        ("cpus", Quota { cpus: Some(Cpus { milli: 400 }), ..Quota::default() }, Quota::default(), 2),
        ("memory", Quota { memory: Some(Bytes(128 << 20)), ..Quota::default() }, Quota::default(), 2),
        ("user", Quota::default(), Quota { running_jobs: Some(1), ..Quota::default() }, 2),
        ("none", Quota::default(), Quota::default(), 10),
    ];
    for (name, quota, user_quota, most) in cases {
        let queue =
            CreateQueue { quota, user_quota, ..CreateQueue::new(name, 0, vec!["default".to_owned()]) };
        harness.client.create_queue(&queue).await.unwrap();
        let mut jobs = Vec::new();
        for index in 0..10 {
            let client = if index % 2 == 0 { &harness.client } else { &ada };
            jobs.push(client.submit(&spec(name, 200), None).await.unwrap().id);
        }
        assert_eq!(race(&harness, &jobs, 200).await, most, "{name}");
        let mut live = 0;
        for job in jobs {
            live += usize::from(harness.client.job(job).await.unwrap().state == JobState::Starting);
        }
        assert_eq!(live, most, "{name}: what is stored");
    }
    assert_eq!(lilac_server::scheduler::invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_queue_became_since_the_plan_counts(pool: PgPool) {
    let harness = start(pool).await;
    let _node = Node::join(&harness, "n1").await;
    let client = &harness.client;
    let queue = client.create_queue(&CreateQueue::new("q", 0, vec!["default".to_owned()])).await.unwrap();
    let job = client.submit(&spec("q", 500), None).await.unwrap().id;
    let none = Quota { running_jobs: Some(0), ..Quota::default() };
    for refusing in [
        UpdateQueue { paused: Some(true), ..UpdateQueue::default() },
        UpdateQueue { paused: Some(false), quota: Some(none.clone()), ..UpdateQueue::default() },
        UpdateQueue { quota: Some(Quota::default()), user_quota: Some(none), ..UpdateQueue::default() },
    ] {
        client.update_queue(queue.id, &refusing).await.unwrap();
        assert_eq!(race(&harness, &[job], 500).await, 0, "{refusing:?}");
    }
    let free = UpdateQueue { user_quota: Some(Quota::default()), ..UpdateQueue::default() };
    client.update_queue(queue.id, &free).await.unwrap();
    assert_eq!(race(&harness, &[job], 500).await, 1);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn jobs_over_a_quota_wait_and_say_so(pool: PgPool) {
    let harness = crate::protocol::start(pool).await;
    let client = &harness.client;
    let mut node = Node::join(&harness, "n1").await;
    let default = client.queues().await.unwrap().items[0].id;
    let most = |jobs| {
        let quota = Quota { running_jobs: Some(jobs), ..Quota::default() };
        UpdateQueue { quota: Some(quota), ..UpdateQueue::default() }
    };
    client.update_queue(default, &most(1)).await.unwrap();
    let first = submit(&harness, |_| {}).await;
    let second = submit(&harness, |_| {}).await;
    node.wait_for(first).await;
    let waits = wait_until(&harness, second, |job| job.reason == Some(Reason::QuotaExceeded)).await;
    assert!(waits.message.contains("1 job"), "{}", waits.message);
    let stats = client.queue_stats(default).await.unwrap();
    assert_eq!((stats.used.running_jobs, stats.used.queued_jobs), (1, 1));
    assert_eq!(stats.quota.running_jobs, Some(1));
    client.update_queue(default, &most(2)).await.unwrap();
    node.wait_for(second).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_is_not_placed_by_a_plan_for_the_queue_that_it_has_left(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let node = crate::support::join(&harness.client, "n1").await;
    let other = CreateQueue::new("other", 0, vec!["default".to_owned()]);
    let other = harness.client.create_queue(&other).await.unwrap().id;
    let job = harness.client.submit(&spec("default", 100), None).await.unwrap().id;
    let (queue, owner): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT queue_id, owner_id FROM jobs WHERE id = $1")
            .bind(job.0)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_ne!(queue, other.0);
    sqlx::query("UPDATE jobs SET queue_id = $2 WHERE id = $1")
        .bind(job.0)
        .bind(other.0)
        .execute(&pool)
        .await
        .unwrap();
    assert!(!place_by_plan(&pool, job, (QueueId(queue), UserId(owner)), node, 100).await);
    assert!(place_by_plan(&pool, job, (other, UserId(owner)), node, 100).await);
}
