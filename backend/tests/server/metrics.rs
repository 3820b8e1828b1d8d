//! What nodes measure: taken in once, read back as rates, seen by whom it concerns, and thinned out without a sum
//! that changes.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::auth::Role;
use lilac_api::metric::{
    GpuUsage, JobMetricsQuery, MetricPoint, MetricsReport, NodeMetricsQuery, Sample, TaskUsage, Usage,
};
use lilac_api::problem::ErrorCode;
use lilac_api::{AttemptId, NodeId};
use lilac_server::metrics::keep;
use lilac_server::scheduler::leader;
use sqlx::PgPool;

use crate::protocol::{Node, start, submit};
use crate::support::{Harness, eventually, refused_as, refused_fields};

fn ago(secs: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::seconds(secs)
}

/// A node that used so much CPU time by then, with a task that used a tenth of it.
fn sample(at: DateTime<Utc>, cpu_secs: u64, task: Option<AttemptId>) -> Sample {
    let node = Usage {
        cpu_micros: cpu_secs * 1_000_000,
        memory_bytes: 5 << 30,
        gpu_milli: Some(500),
        ..Usage::default()
    };
    let usage = Usage { cpu_micros: cpu_secs * 100_000, memory_bytes: 1 << 20, ..Usage::default() };
    let tasks = task.map(|attempt_id| TaskUsage { attempt_id, rank: 0, usage });
    let gpu =
        GpuUsage { index: 0, percent: Some(50), memory_bytes: 7, temperature: Some(40), milliwatts: None };
    Sample { at, node, gpus: vec![gpu], tasks: tasks.into_iter().collect() }
}

async fn tell(node: &Node, samples: Vec<Sample>) {
    node.client.put_metrics(&MetricsReport { samples }).await.unwrap();
}

async fn node_id(harness: &Harness) -> NodeId {
    harness.client.nodes().await.unwrap().items[0].id
}

fn cpus(points: &[MetricPoint]) -> Vec<u64> {
    points.iter().map(|point| point.cpu_milli).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_node_measures_is_seen_as_rates_however_often_it_is_told(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    // Fifteen seconds apart to the microsecond.
    let first = ago(60);
    let at = |n: i64| first + TimeDelta::seconds(15 * n);
    let samples: Vec<Sample> =
        (0..4).map(|n| sample(at(n), 1_000 + 30 * n.unsigned_abs(), Some(attempt))).collect();
    tell(&node, samples[..3].to_vec()).await;
    // The answer was lost: all is told again, and more.
    tell(&node, samples.clone()).await;
    let id = node_id(&harness).await;
    let query = NodeMetricsQuery { since: Some(ago(120)), ..NodeMetricsQuery::default() };
    let seen = harness.client.node_metrics(id, &query).await.unwrap();
    assert_eq!(cpus(&seen.points), [2_000; 3], "{seen:?}");
    assert!(seen.points.iter().all(|point| point.memory_bytes == 5 << 30 && point.gpu_milli == Some(500)));
    assert_eq!(seen.gpus[0].temperature, Some(40));
    let listed = harness.client.nodes().await.unwrap().items.remove(0).usage.unwrap();
    assert_eq!((listed.cpu_milli, listed.memory_bytes, listed.gpus.len()), (2_000, 5 << 30, 1));

    let query = JobMetricsQuery { since: Some(ago(120)), ..JobMetricsQuery::default() };
    let seen = harness.client.job_metrics(job, &query).await.unwrap();
    assert_eq!((seen.epoch, seen.rank), (1, 0));
    assert_eq!(cpus(&seen.points)[1..], [200; 3], "{seen:?}");
    let one = JobMetricsQuery { points: Some(1), ..query };
    assert!(harness.client.job_metrics(job, &one).await.unwrap().points.len() <= 2);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_node_measures_itself_and_its_own_tasks_only(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    let other = Node::join(&harness, "b").await;
    let (future, past) = (sample(ago(-600), 5, None), sample(ago(100_000), 5, None));
    tell(&other, vec![sample(ago(30), 1, Some(attempt)), sample(ago(20), 2, Some(attempt)), future, past])
        .await;
    let seen = harness.client.job_metrics(job, &JobMetricsQuery::default()).await.unwrap();
    assert!(seen.points.is_empty(), "{seen:?}");
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM node_usage").fetch_one(&harness.app.pool).await.unwrap();
    assert_eq!(rows, 2, "what is out of time is passed over");

    let too_much = Usage { cpu_micros: u64::MAX, ..Usage::default() };
    let bad = Sample { node: too_much, ..sample(ago(10), 1, None) };
    let refused = other.client.put_metrics(&MetricsReport { samples: vec![bad] }).await;
    assert_eq!(refused_fields(refused), ["samples[0].node.cpu_micros"]);
    let refused = other.client.put_metrics(&MetricsReport::default()).await;
    assert_eq!(refused_fields(refused), ["samples"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_another_team_s_job_uses_is_not_seen(pool: PgPool) {
    let harness = start(pool).await;
    let job = submit(&harness, |_| {}).await;
    let none = harness.client.job_metrics(job, &JobMetricsQuery::default()).await.unwrap();
    assert_eq!((none.epoch, none.points.len()), (0, 0), "before the first attempt");
    let (stranger, client) = harness.user("eve", Role::Member).await;
    sqlx::query("DELETE FROM team_members WHERE user_id = $1")
        .bind(stranger.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let answer = client.job_metrics(job, &JobMetricsQuery::default()).await;
    refused_as(answer, 404, ErrorCode::NotFound);
    let later = JobMetricsQuery { epoch: Some(3), ..JobMetricsQuery::default() };
    refused_as(harness.client.job_metrics(job, &later).await, 404, ErrorCode::NotFound);
    let wrong = JobMetricsQuery { points: Some(0), ..JobMetricsQuery::default() };
    refused_as(harness.client.job_metrics(job, &wrong).await, 400, ErrorCode::MalformedRequest);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_grows_old_is_thinned_out_and_adds_up_as_before(pool: PgPool) {
    let harness = crate::support::start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    node.sync().await.unwrap();
    let id = node_id(&harness).await;
    // Three hours of a node that uses two CPUs, a sample every ten seconds.
    sqlx::query(
        "INSERT INTO node_usage (node_id, at, cpu_micros, memory_bytes, memory_peak_bytes, disk_read_bytes,
             disk_written_bytes, network_received_bytes, network_sent_bytes, gpus)
         SELECT $1, now() - (10800 - n * 10) * interval '1 second', n::bigint * 20000000, 1000, 1000 + n % 2, 0, 0, 0, 0, '[]'
         FROM generate_series(0, 1079) n",
    )
    .bind(id.0)
    .execute(&harness.app.pool)
    .await
    .unwrap();
    let count = async |condition: &str| -> i64 {
        let query = format!("SELECT count(*) FROM node_usage WHERE {condition}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&harness.app.pool).await.unwrap()
    };
    let holder = leader::Holder::new();
    tokio::spawn(leader::hold(harness.app.clone(), holder.clone()));
    eventually(async || holder.term().is_some()).await;
    let term = holder.term().unwrap();
    while keep::thin_out(&harness.app, term).await.unwrap() {}
    let (fine, minutes) = (count("step_secs = 0").await, count("step_secs = 60").await);
    assert!((718..=734).contains(&fine) && (58..=61).contains(&minutes), "{fine} and {minutes}");
    let query = NodeMetricsQuery { since: Some(ago(10_700)), ..NodeMetricsQuery::default() };
    let seen = harness.client.node_metrics(id, &query).await.unwrap();
    assert!(seen.points.len() > 200, "{}", seen.points.len());
    for point in &seen.points {
        assert!((1_990..=2_010).contains(&point.cpu_milli), "{point:?}");
        assert!(point.memory_bytes == 1_000 && point.memory_peak_bytes >= 1_000, "{point:?}");
    }
}
