//! Jobs in number: batches, arrays, jobs that wait for others, and what comes in at the same time.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeMap;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, refused, refused_as, refused_fields};
use lilac_api::agent::{Outcome, Phase};
use lilac_api::auth::Role;
use lilac_api::job::{Job, JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::spec::{Array, JobSpec, Need, NeedOn};
use lilac_api::submission::{ArrayState, BatchRequest};
use lilac_api::{ArrayId, JobId};
use sqlx::PgPool;

fn job(name: &str) -> JobSpec {
    JobSpec::new(name, "busybox")
}

fn after(name: &str, needs: &[(&str, NeedOn)]) -> JobSpec {
    let needs = needs.iter().map(|(job, on)| Need { job: (*job).to_owned(), on: *on }).collect();
    JobSpec { needs, ..job(name) }
}

fn array(name: &str, array: Array) -> JobSpec {
    JobSpec { array: Some(array), ..job(name) }
}

/// Ends a job on the node with an exit code.
async fn end(node: &mut Node, job: JobId, code: i32) {
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(code))));
    node.sync().await.unwrap();
}

async fn members(harness: &Harness, id: ArrayId) -> Vec<JobId> {
    let ids = sqlx::query_scalar("SELECT id FROM jobs WHERE array_id = $1 ORDER BY array_index").bind(id.0);
    ids.fetch_all(&harness.app.pool).await.unwrap().into_iter().map(JobId).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_comes_at_once_is_stored_each_by_itself(pool: PgPool) {
    let harness = start(pool).await;
    let calls = (0..200).map(|index| {
        let client = harness.client.clone();
        async move {
            let mut spec = job(&format!("job-{}", index / 2));
            // Each key is used twice, at the same time.
            let mut key = format!("key-{}", index / 2);
            if index % 50 == 1 {
                spec.queue = "none".to_owned();
                key = format!("bad-{index}");
            }
            client.submit(&spec, Some(&key)).await
        }
    });
    let answers = futures::future::join_all(calls).await;
    let mut ids: BTreeMap<String, Vec<JobId>> = BTreeMap::new();
    for (index, answer) in answers.into_iter().enumerate() {
        if index % 50 == 1 {
            assert_eq!(refused_fields(answer), ["queue"]);
        } else {
            let job = answer.unwrap();
            ids.entry(job.name.clone()).or_default().push(job.id);
        }
    }
    assert_eq!(ids.len(), 100);
    for (name, ids) in ids {
        assert!(ids.iter().all(|id| *id == ids[0]), "{name} is one job");
        assert_eq!(harness.client.job(ids[0]).await.unwrap().name, name);
    }
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM job_events WHERE sequence = 1")
        .fetch_one(&harness.app.pool)
        .await
        .unwrap();
    assert_eq!(events, 100, "one event a job");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_answer_to_a_submit_is_what_a_query_tells(pool: PgPool) {
    let harness = start(pool).await;
    let first = harness.client.submit(&job("first"), None).await.unwrap();
    let spec = JobSpec {
        labels: BTreeMap::from([("a".into(), "b".into())]),
        ..after("second", &[("first", NeedOn::Finished)])
    };
    let second = harness.client.submit(&spec, Some("key")).await.unwrap();
    for answered in [first, second] {
        let told = harness.client.job(answered.id).await.unwrap();
        // The scheduler may have looked at the first meanwhile.
        let plain = |job: Job| {
            serde_json::to_value(Job { reason: None, message: String::new(), actor: String::new(), ..job })
        };
        assert_eq!(plain(answered).unwrap(), plain(told).unwrap());
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_batch_is_stored_whole_or_not_at_all(pool: PgPool) {
    let harness = start(pool).await;
    let mut batch = BatchRequest { jobs: (0..1000).map(|index| job(&format!("b{index}"))).collect() };
    batch.jobs[3].image = String::new();
    batch.jobs[7].queue = "none".to_owned();
    assert_eq!(refused_fields(harness.client.submit_batch(&batch, None).await), ["jobs[3].image"]);
    batch.jobs[3].image = "busybox".to_owned();
    assert_eq!(refused_fields(harness.client.submit_batch(&batch, None).await), ["jobs[7].queue"]);
    assert_eq!(harness.client.job_counts().await.unwrap().by_state[&JobState::Queued], 0);
    batch.jobs[7].queue = "default".to_owned();
    let made = harness.client.submit_batch(&batch, Some("all")).await.unwrap().jobs;
    assert_eq!(
        made.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(),
        batch.jobs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>()
    );
    let again = harness.client.submit_batch(&batch, Some("all")).await.unwrap().jobs;
    let ids = |jobs: &[Job]| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(&made), ids(&again));
    assert_eq!(harness.client.job_counts().await.unwrap().by_state[&JobState::Queued], 1000);
    batch.jobs.truncate(2);
    refused_as(harness.client.submit_batch(&batch, Some("all")).await, 409, ErrorCode::IdempotencyMismatch);
    refused_as(harness.client.submit(&batch.jobs[0], Some("all")).await, 409, ErrorCode::IdempotencyMismatch);
    batch.jobs.clear();
    assert_eq!(refused_fields(harness.client.submit_batch(&batch, None).await), ["jobs"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_batch_may_depend_on_itself_but_not_in_a_circle(pool: PgPool) {
    let harness = start(pool).await;
    let submit = |jobs: Vec<JobSpec>| {
        let client = harness.client.clone();
        async move { client.submit_batch(&BatchRequest { jobs }, None).await }
    };
    let made = submit(vec![after("b", &[("$a", NeedOn::Succeeded)]), job("a")]).await.unwrap().jobs;
    assert_eq!((made[0].reason, made[1].reason), (Some(Reason::Dependency), None));
    let circle = vec![
        after("a", &[("$c", NeedOn::Succeeded)]),
        after("b", &[("$a", NeedOn::Succeeded)]),
        after("c", &[("$b", NeedOn::Succeeded)]),
        job("d"),
    ];
    let problem = refused(submit(circle).await);
    let found: Vec<_> =
        problem.errors.iter().map(|error| (error.path.as_str(), error.code.as_str())).collect();
    assert_eq!(found, [("jobs[0].needs", "cycle"), ("jobs[1].needs", "cycle"), ("jobs[2].needs", "cycle")]);
    assert_eq!(
        refused_fields(submit(vec![after("a", &[("$a", NeedOn::Succeeded)])]).await),
        ["jobs[0].needs"]
    );
    assert_eq!(
        refused_fields(submit(vec![after("a", &[("$b", NeedOn::Succeeded)])]).await),
        ["jobs[0].needs[0].job"]
    );
    let twins = vec![job("b"), job("b"), after("a", &[("$b", NeedOn::Succeeded)])];
    assert_eq!(refused_fields(submit(twins).await), ["jobs[2].needs[0].job"]);
    assert_eq!(
        refused_fields(submit(vec![array("x", Array { count: Some(2), ..Array::default() })]).await),
        ["jobs[0].array"]
    );
    // Alone, there is no batch to name a job of.
    assert_eq!(
        refused_fields(harness.client.submit(&after("a", &[("$b", NeedOn::Succeeded)]), None).await),
        ["needs[0].job"]
    );
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_waits_for_another_and_follows_its_end(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let first = submit(&harness, |spec| spec.name = "prep".to_owned()).await;
    let id = first.to_string();
    let waits = |on| after("train", &[("prep", on)]);
    let [good, bad, any] =
        [waits(NeedOn::Succeeded), waits(NeedOn::Failed), after("any", &[(&id, NeedOn::Finished)])];
    let mut ids = Vec::new();
    for spec in [&good, &bad, &any] {
        let job = harness.client.submit(spec, None).await.unwrap();
        assert_eq!((job.state, job.reason), (JobState::Queued, Some(Reason::Dependency)));
        ids.push(job.id);
    }
    // One that waits for one that will never start: it fails in its turn.
    let second = after("third", &[(&ids[1].to_string(), NeedOn::Succeeded)]);
    let chained = harness.client.submit(&second, None).await.unwrap().id;
    end(&mut node, first, 0).await;
    for failed in [ids[1], chained] {
        let job = wait_until(&harness, failed, |job| job.state == JobState::Failed).await;
        assert_eq!(job.reason, Some(Reason::DependencyFailed));
    }
    end(&mut node, ids[0], 0).await;
    end(&mut node, ids[2], 0).await;
    // What it waits for has ended long ago.
    let late = harness.client.submit(&good, None).await.unwrap();
    assert_eq!(late.reason, None);
    let late = harness.client.submit(&bad, None).await.unwrap();
    wait_until(&harness, late.id, |job| job.reason == Some(Reason::DependencyFailed)).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn only_jobs_that_the_caller_sees_can_be_waited_for(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    let theirs = harness.client.submit(&job("prep"), None).await.unwrap();
    sqlx::query("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'other')")
        .execute(&harness.app.pool)
        .await
        .unwrap();
    // Not hers by name; by id she may wait for what her team sees, and for nothing else.
    assert_eq!(
        refused_fields(ada.submit(&after("a", &[("prep", NeedOn::Finished)]), None).await),
        ["needs[0].job"]
    );
    let by_id = after("a", &[(&theirs.id.to_string(), NeedOn::Finished)]);
    ada.submit(&by_id, None).await.unwrap();
    sqlx::query("UPDATE jobs SET team_id = (SELECT id FROM teams WHERE name = 'other') WHERE id = $1")
        .bind(theirs.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let foreign = refused(ada.submit(&by_id, None).await);
    let missing =
        refused(ada.submit(&after("a", &[(&JobId::new().to_string(), NeedOn::Finished)]), None).await);
    assert_eq!(foreign.errors[0].code, missing.errors[0].code);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn many_dependents_are_let_go_in_parts(pool: PgPool) {
    let harness = start(pool).await;
    let first = submit(&harness, |spec| spec.name = "prep".to_owned()).await;
    let jobs: Vec<JobSpec> =
        (0..700).map(|index| after(&format!("d{index}"), &[("prep", NeedOn::Finished)])).collect();
    harness.client.submit_batch(&BatchRequest { jobs }, None).await.unwrap();
    harness.client.cancel(first).await.unwrap();
    let free = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = 'queued' AND NOT blocked")
            .fetch_one(&harness.app.pool)
            .await
            .unwrap()
    };
    crate::support::eventually(async || free().await == 700).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_array_makes_jobs_that_know_their_place(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let matrix = BTreeMap::from([
        ("LR".to_owned(), vec!["1".to_owned(), "2".to_owned()]),
        ("SEED".to_owned(), vec!["7".to_owned()]),
    ]);
    let spec = array("sweep", Array { matrix, ..Array::default() });
    let first = harness.client.submit(&spec, Some("sweep")).await.unwrap();
    let place = first.array.unwrap();
    assert_eq!((place.index, place.size), (0, 2));
    let again = harness.client.submit(&spec, Some("sweep")).await.unwrap();
    assert_eq!((again.id, again.array), (first.id, first.array));
    let members = members(&harness, place.id).await;
    assert_eq!(members.len(), 2);
    let env = node.task(members[1]).await.env;
    assert_eq!(
        (env["LILAC_ARRAY_INDEX"].as_str(), env["LR"].as_str(), env["SEED"].as_str()),
        ("1", "2", "7")
    );
    let shown = harness.client.array(place.id).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.size, shown.state), ("sweep", 2, ArrayState::Running));
    end(&mut node, members[0], 0).await;
    end(&mut node, members[1], 1).await;
    let shown = harness.client.array(place.id).await.unwrap();
    assert_eq!(shown.state, ArrayState::Failed);
    assert_eq!(shown.by_state, BTreeMap::from([(JobState::Succeeded, 1), (JobState::Failed, 1)]));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn no_more_of_an_array_run_than_it_says(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let spec = array(
        "few",
        Array { count: Some(5), max_parallel: Some(2), max_failures: Some(1), ..Array::default() },
    );
    let place = harness.client.submit(&spec, None).await.unwrap().array.unwrap();
    let ids = members(&harness, place.id).await;
    let limited = harness.client.job(ids[2]).await.unwrap();
    assert_eq!((limited.state, limited.reason), (JobState::Queued, Some(Reason::ArrayLimit)));
    end(&mut node, ids[0], 1).await;
    // Its turn comes.
    wait_until(&harness, ids[2], |job| job.reason != Some(Reason::ArrayLimit)).await;
    let last = harness.client.job(ids[4]).await.unwrap();
    assert_eq!(last.reason, Some(Reason::ArrayLimit), "two of them are on their way");
    end(&mut node, ids[1], 1).await;
    // Two failures are more than one.
    for id in &ids[3..] {
        wait_until(&harness, *id, |job| job.state == JobState::Cancelled).await;
    }
    let message = harness.client.array(place.id).await.unwrap().message;
    assert_eq!(message, "more than 1 of its jobs failed");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_large_array_is_stored_waits_as_a_whole_and_is_cancelled_at_once(pool: PgPool) {
    let harness = start(pool).await;
    submit(&harness, |spec| spec.name = "prep".to_owned()).await;
    let mut spec = array("large", Array { count: Some(12_000), max_parallel: Some(10), ..Array::default() });
    spec.needs = vec![Need { job: "prep".to_owned(), on: NeedOn::Succeeded }];
    let first = harness.client.submit(&spec, None).await.unwrap();
    assert_eq!(first.reason, Some(Reason::Dependency));
    let place = first.array.unwrap();
    let (_, ada) = harness.user("ada", Role::Member).await;
    refused_as(ada.cancel_array(place.id).await, 403, ErrorCode::Forbidden);
    refused_as(ada.cancel_array(ArrayId::new()).await, 404, ErrorCode::NotFound);
    assert_eq!(harness.client.cancel_array(place.id).await.unwrap().cancelled, 12_000);
    assert_eq!(harness.client.cancel_array(place.id).await.unwrap().cancelled, 0);
    let shown = harness.client.array(place.id).await.unwrap();
    assert_eq!((shown.state, shown.by_state[&JobState::Cancelled]), (ArrayState::Cancelled, 12_000));
    assert_eq!(harness.client.job_counts().await.unwrap().by_state[&JobState::Cancelled], 12_000);
    spec.env.insert("A".to_owned(), "x".repeat(100_000));
    assert_eq!(refused_fields(harness.client.submit(&spec, None).await), ["array"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_array_that_waited_in_vain_fails(pool: PgPool) {
    let harness = start(pool).await;
    let first = submit(&harness, |spec| spec.name = "prep".to_owned()).await;
    let mut spec = array("vain", Array { count: Some(600), ..Array::default() });
    spec.needs = vec![Need { job: "prep".to_owned(), on: NeedOn::Succeeded }];
    let id = harness.client.submit(&spec, None).await.unwrap().array.unwrap().id;
    harness.client.cancel(first).await.unwrap();
    let all = async || harness.client.array(id).await.unwrap().by_state.get(&JobState::Failed) == Some(&600);
    crate::support::eventually(all).await;
}
