//! GPUs: shared up to the whole and no further, not given out while something is wrong with them, and no fault of
//! a job's when one is lost.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use chrono::Utc;
use lilac_api::agent::{Outcome, Phase, TaskResult};
use lilac_api::cluster::Gpu;
use lilac_api::job::{JobState, Reason};
use lilac_api::quantity::Ratio;
use lilac_api::spec::{Gpus, JobSpec};
use lilac_api::{AttemptId, JobId};
use sqlx::PgPool;

use crate::protocol::{Node, start};
use crate::support::{Harness, eventually};

fn gpu(index: u16) -> Gpu {
    Gpu {
        index,
        uuid: format!("GPU-{index}"),
        model: "NVIDIA H100".into(),
        memory_bytes: 80 << 30,
        ..Gpu::default()
    }
}

async fn node(harness: &Harness, gpus: Vec<Gpu>) -> Node {
    let mut node = Node::join(harness, "a").await;
    node.gpus = gpus;
    node.sync().await.unwrap();
    node
}

/// Submits a job with a share of one GPU, or with a whole one.
async fn submit(harness: &Harness, thousandths: Option<u32>) -> JobId {
    let mut spec = JobSpec::new("job", "busybox");
    let share = thousandths.map(|thousandths| Ratio { thousandths });
    spec.resources.gpus = Some(Gpus { share, ..Gpus::of(1) });
    harness.client.submit(&spec, None).await.unwrap().id
}

async fn waits_for_gpus(harness: &Harness, job: JobId) {
    eventually(async || {
        let job = harness.client.job(job).await.unwrap();
        (job.state, job.reason) == (JobState::Queued, Some(Reason::WaitingForGpus))
    })
    .await;
}

fn result(outcome: Outcome, exit_code: Option<i32>, reason: Option<Reason>) -> TaskResult {
    TaskResult {
        outcome,
        exit_code,
        signal: None,
        reason,
        message: String::new(),
        finished_at: Utc::now(),
        log_bytes: 0,
    }
}

async fn ends(node: &mut Node, attempt: AttemptId, result: TaskResult) {
    node.report(attempt, 1, Phase::Ended, Some(result));
    node.sync().await.unwrap();
    // What is told again is answered again, at once.
    node.reports.clear();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn jobs_share_a_gpu_up_to_the_whole_of_it(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = node(&harness, vec![gpu(0)]).await;
    let first = submit(&harness, Some(500)).await;
    let task = node.task(first).await;
    assert_eq!(task.gpu_uuids, ["GPU-0"]);
    assert_eq!(task.env.get("LILAC_GPU_SHARE").map(String::as_str), Some("0.5"));
    let second = submit(&harness, Some(500)).await;
    assert_eq!(node.task(second).await.gpu_uuids, ["GPU-0"]);
    let (third, whole) = (submit(&harness, Some(1)).await, submit(&harness, None).await);
    waits_for_gpus(&harness, third).await;
    waits_for_gpus(&harness, whole).await;

    let seen = &harness.client.nodes().await.unwrap().items[0];
    assert_eq!((seen.gpus[0].held_milli, seen.gpus[0].job), (Some(1000), Some(first)));
    assert_eq!((seen.allocated.gpus, seen.capacity.gpus), (1, 1), "a GPU that two share is one GPU");
    let held: i16 =
        sqlx::query_scalar("SELECT min(gpu_milli) FROM tasks").fetch_one(&harness.app.pool).await.unwrap();
    assert_eq!(held, 500, "what is accounted for is the share");

    let attempt = harness.client.attempts(first).await.unwrap().items[0].id;
    ends(&mut node, attempt, result(Outcome::Exited, Some(0), None)).await;
    assert_eq!(node.task(third).await.gpu_uuids, ["GPU-0"]);
    waits_for_gpus(&harness, whole).await;
}

/// Whatever a program does wrong, the database holds the line.
#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_database_refuses_to_give_a_gpu_out_twice(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = node(&harness, vec![gpu(0), gpu(1)]).await;
    let (one, two) = (submit(&harness, Some(600)).await, submit(&harness, Some(600)).await);
    let (one, two) = (node.task(one).await.gpu_uuids, node.task(two).await.gpu_uuids);
    assert_ne!(one, two, "600 and 600 thousandths do not go on one");
    let claim = "INSERT INTO gpu_claims (node_id, gpu_index, attempt_id, milli)
         SELECT node_id, 1 - gpu_index, attempt_id, $1 FROM gpu_claims WHERE gpu_index = 0";
    let refused = sqlx::query(claim).bind(401_i16).execute(&harness.app.pool).await.unwrap_err();
    let code = refused.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    assert_eq!(code, "LL004");
    sqlx::query(claim).bind(400_i16).execute(&harness.app.pool).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_gpu_with_a_fault_is_not_given_out_until_it_is_well(pool: PgPool) {
    let harness = start(pool).await;
    let broken = Gpu { fault: Some("XID 79: it has fallen off the bus".into()), ..gpu(0) };
    let mut node = node(&harness, vec![broken]).await;
    let job = submit(&harness, None).await;
    waits_for_gpus(&harness, job).await;
    let seen = &harness.client.nodes().await.unwrap().items[0];
    assert_eq!(seen.gpus[0].fault.as_deref(), Some("XID 79: it has fallen off the bus"));
    node.gpus = vec![gpu(0)];
    assert_eq!(node.task(job).await.gpu_uuids, ["GPU-0"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_lost_gpu_costs_a_job_no_attempt(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = node(&harness, vec![gpu(0)]).await;
    let job = submit(&harness, None).await;
    let attempt = node.wait_for(job).await;
    node.gpus[0].fault = Some("lost".into());
    ends(&mut node, attempt, result(Outcome::Exited, Some(1), Some(Reason::GpuLost))).await;
    let seen = harness.client.job(job).await.unwrap();
    assert_eq!((seen.state, seen.attempts_charged), (JobState::Queued, 0), "{}", seen.message);
    let lost = &harness.client.attempts(job).await.unwrap().items[0];
    assert_eq!(lost.reason, Some(Reason::GpuLost));
    node.gpus = vec![Gpu { fault: Some("lost".into()), ..gpu(0) }, gpu(1)];
    assert_eq!(node.task(job).await.gpu_uuids, ["GPU-1"]);
}
