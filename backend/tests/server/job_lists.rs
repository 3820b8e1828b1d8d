//! Lists of jobs, how many there are, and what would become of one.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeMap;

use crate::protocol::{Node, start, wait_until};
use crate::support::Harness;
use chrono::{Duration, Utc};
use lilac_api::job::{JobCounts, JobFilter, JobOrder, JobState, Reason};
use lilac_api::spec::{Array, JobSpec, Need, NeedOn};
use lilac_api::submission::Forecast;
use sqlx::PgPool;

fn job(name: &str) -> JobSpec {
    JobSpec::new(name, "busybox")
}

async fn names(harness: &Harness, change: impl FnOnce(&mut JobFilter)) -> Vec<String> {
    let mut filter = JobFilter::default();
    change(&mut filter);
    harness.client.jobs(&filter).await.unwrap().items.into_iter().map(|job| job.name).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_filter_leaves_what_it_says(pool: PgPool) {
    let harness = crate::support::start(pool).await;
    let label = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let submit = async |spec: JobSpec| harness.client.submit(&spec, None).await.unwrap();
    submit(JobSpec { labels: label(&[("exp", "a"), ("seed", "1")]), ..job("Train-one") }).await;
    submit(JobSpec { labels: label(&[("exp", "a"), ("seed", "2,3")]), ..job("train-two") }).await;
    let array =
        submit(JobSpec { array: Some(Array { count: Some(3), ..Array::default() }), ..job("sweep") }).await;
    let waits = vec![Need { job: "train-two".to_owned(), on: NeedOn::Succeeded }];
    submit(JobSpec { needs: waits, ..job("later") }).await;
    let ended = submit(job("ended")).await;
    harness.client.cancel(ended.id).await.unwrap();

    let set = |text: &str| Some(text.to_owned());
    assert_eq!(names(&harness, |f| f.text = set("TRAIN")).await, ["train-two", "Train-one"]);
    assert_eq!(names(&harness, |f| f.text = set("%")).await, Vec::<String>::new());
    assert_eq!(names(&harness, |f| f.label = set("exp=a,seed=1")).await, ["Train-one"]);
    assert_eq!(names(&harness, |f| f.label = set("seed=2,3")).await, ["train-two"]);
    assert_eq!(names(&harness, |f| f.reason = set("dependency,oom")).await, ["later"]);
    assert_eq!(names(&harness, |f| f.state = set("cancelled")).await, ["ended"]);
    assert_eq!(names(&harness, |f| f.team = set("Default")).await.len(), 7);
    assert_eq!(names(&harness, |f| f.team = set("other")).await.len(), 0);
    assert_eq!(names(&harness, |f| f.array = Some(array.array.unwrap().id)).await, ["sweep"; 3]);
    assert_eq!(
        names(&harness, |f| f.folded = Some(true)).await,
        ["ended", "later", "sweep", "train-two", "Train-one"]
    );
    let hour = Duration::hours(1);
    assert_eq!(names(&harness, |f| f.created_after = Some(Utc::now() - hour)).await.len(), 7);
    assert_eq!(names(&harness, |f| f.created_before = Some(Utc::now() - hour)).await.len(), 0);
    assert_eq!(names(&harness, |f| f.created_before = Some(ended.created_at)).await.len(), 6);
    assert_eq!(names(&harness, |f| f.finished_after = Some(Utc::now() - hour)).await, ["ended"]);
    assert_eq!(names(&harness, |f| f.finished_before = Some(Utc::now() - hour)).await.len(), 0);

    // Pages in either order meet every job once.
    for sort in [JobOrder::Newest, JobOrder::Oldest] {
        let mut filter = JobFilter { sort: Some(sort), limit: Some(2), ..JobFilter::default() };
        let mut ids = Vec::new();
        loop {
            let page = harness.client.jobs(&filter).await.unwrap();
            ids.extend(page.items.into_iter().map(|job| job.id));
            filter.cursor = page.next_cursor;
            if filter.cursor.is_none() {
                break;
            }
        }
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        if sort == JobOrder::Newest {
            sorted.reverse();
        }
        assert_eq!((ids.len(), &ids), (7, &sorted));
    }
}

/// What the table itself says.
async fn counted(pool: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT state, count(*) FROM jobs GROUP BY 1").fetch_all(pool).await.unwrap();
    rows.into_iter().collect()
}

fn told(counts: &JobCounts) -> BTreeMap<String, i64> {
    let counts = counts.by_state.iter().filter(|(_, jobs)| **jobs > 0);
    counts.map(|(state, jobs)| (state.to_string(), i64::try_from(*jobs).unwrap())).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn counts_are_exact_whatever_happened(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let spec = JobSpec {
        array: Some(Array { count: Some(300), max_parallel: Some(2), ..Array::default() }),
        ..job("many")
    };
    let array = harness.client.submit(&spec, None).await.unwrap().array.unwrap();
    let mut ids = Vec::new();
    for index in 0..150 {
        ids.push(harness.client.submit(&job(&format!("j{}", index % 3)), None).await.unwrap().id);
    }
    for id in ids.iter().step_by(2) {
        harness.client.cancel(*id).await.unwrap();
    }
    let counts = harness.client.job_counts().await.unwrap();
    assert_eq!(told(&counts), BTreeMap::from([("queued".to_owned(), 375), ("cancelled".to_owned(), 75)]));
    assert_eq!(counts.queued_by_reason["array-limit"], 298);
    // More than a hundred changes are folded; nobody sees that.
    let left = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM job_count_changes").fetch_one(&pool).await.unwrap()
    };
    crate::support::eventually(async || left().await <= 100).await;
    harness.client.cancel_array(array.id).await.unwrap();
    assert_eq!(told(&harness.client.job_counts().await.unwrap()), counted(&pool).await);
    // Rows that go take their count with them.
    sqlx::query("DELETE FROM jobs WHERE name = 'j1'").execute(&pool).await.unwrap();
    assert_eq!(told(&harness.client.job_counts().await.unwrap()), counted(&pool).await);

    let of = async |change: fn(&mut JobFilter)| {
        let mut filter = JobFilter::default();
        change(&mut filter);
        harness.client.job_counts_of(&filter).await.unwrap().by_state.values().sum::<u64>()
    };
    assert_eq!(of(|f| f.name = Some("j0".to_owned())).await, 50);
    assert_eq!(of(|f| f.owner = Some("me".to_owned())).await, 400);
    assert_eq!(of(|f| f.queue = Some("none".to_owned())).await, 0);
    assert_eq!(of(|f| f.state = Some("cancelled".to_owned())).await, 350);
    assert_eq!(of(|f| f.folded = Some(true)).await, 101);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_plan_says_what_would_become_of_a_job_and_writes_nothing(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let forecast = harness.client.plan_job(&job("a")).await.unwrap();
    assert_eq!((forecast.outcome, forecast.reason), (Forecast::NeverStarts, Some(Reason::NoMatchingNodes)));
    let mut node = Node::join(&harness, "n1").await;
    let forecast = harness.client.plan_job(&job("a")).await.unwrap();
    assert_eq!((forecast.outcome, forecast.node.as_deref()), (Forecast::StartsNow, Some("n1")));
    let mut large = job("large");
    large.resources.cpus.milli = 64_000;
    let forecast = harness.client.plan_job(&large).await.unwrap();
    assert_eq!((forecast.outcome, forecast.reason), (Forecast::NeverStarts, Some(Reason::ExceedsAnyNode)));
    let mut constrained = job("b");
    constrained.placement.constraints = vec!["label.pool == x".parse().unwrap()];
    let forecast = harness.client.plan_job(&constrained).await.unwrap();
    assert_eq!((forecast.outcome, forecast.reason), (Forecast::NeverStarts, Some(Reason::NoMatchingNodes)));
    assert!(forecast.message.contains("label.pool == x"), "{}", forecast.message);

    // The node is full, and one more waits.
    let mut whole = job("whole");
    whole.resources.cpus.milli = 4000;
    let first = harness.client.submit(&whole, None).await.unwrap().id;
    node.wait_for(first).await;
    let second = harness.client.submit(&whole, None).await.unwrap().id;
    wait_until(&harness, second, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    let forecast = harness.client.plan_job(&whole).await.unwrap();
    assert_eq!(
        (forecast.outcome, forecast.reason, forecast.position),
        (Forecast::Waits, Some(Reason::WaitingForCapacity), 1)
    );
    let needs = JobSpec { needs: vec![Need { job: "whole".to_owned(), on: NeedOn::Finished }], ..job("c") };
    let forecast = harness.client.plan_job(&needs).await.unwrap();
    assert_eq!((forecast.outcome, forecast.reason), (Forecast::Waits, Some(Reason::Dependency)));
    assert_eq!(counted(&pool).await.values().sum::<i64>(), 2);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_runs_only_where_its_constraints_hold(pool: PgPool) {
    let harness = start(pool).await;
    let mut first = Node::join(&harness, "n1").await;
    let mut second = Node::join(&harness, "n2").await;
    let mut spec = job("elsewhere");
    spec.placement.constraints = vec!["node != n1".parse().unwrap()];
    let elsewhere = harness.client.submit(&spec, None).await.unwrap().id;
    second.wait_for(elsewhere).await;
    assert!(first.sync().await.unwrap().desired.is_empty());
    spec.placement.constraints = vec!["label.pool == x".parse().unwrap()];
    let nowhere = harness.client.submit(&spec, None).await.unwrap().id;
    let waits = wait_until(&harness, nowhere, |job| job.reason == Some(Reason::NoMatchingNodes)).await;
    assert_eq!(waits.state, JobState::Queued);
}
