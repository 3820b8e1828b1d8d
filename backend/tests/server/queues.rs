//! Queues, as callers see them.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::Duration;

use crate::support::{Harness, refused, refused_as, refused_fields, start};
use lilac_api::QueueId;
use lilac_api::auth::Role;
use lilac_api::cluster::CreateCluster;
use lilac_api::problem::ErrorCode;
use lilac_api::queue::{CreateQueue, Queue, UpdateQueue};
use lilac_api::spec::JobSpec;
use lilac_server::bell::Topic;
use sqlx::PgPool;

fn queue(name: &str, priority: i32, clusters: &[&str]) -> CreateQueue {
    CreateQueue::new(name, priority, clusters.iter().map(ToString::to_string).collect())
}

async fn cluster(harness: &Harness, name: &str) {
    let request =
        CreateCluster { name: name.into(), placement_policy: Default::default(), max_disconnect: None };
    harness.client.create_cluster(&request).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn queues_are_listed_in_the_order_in_which_they_are_served(pool: PgPool) {
    let harness = start(pool).await;
    cluster(&harness, "west").await;
    let urgent = harness.client.create_queue(&queue("urgent", 1000, &["west", "default"])).await.unwrap();
    harness.client.create_queue(&queue("idle", -1000, &["default"])).await.unwrap();
    assert_eq!(urgent.clusters, ["west", "default"], "the preferred first");
    let names: Vec<String> =
        harness.client.queues().await.unwrap().items.into_iter().map(|queue| queue.name).collect();
    assert_eq!(names, ["urgent", "default", "idle"]);
    refused_as(harness.client.create_queue(&queue("idle", 0, &["west"])).await, 409, ErrorCode::NameTaken);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refused_queue_names_the_field_and_leaves_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let cases = [
        (queue("a b", 0, &["default"]), vec!["name"]),
        (queue("a", 1001, &["default"]), vec!["priority"]),
        (queue("a", i32::MIN, &["default"]), vec!["priority"]),
        (queue("a", 0, &[]), vec!["clusters"]),
        (queue("a", 0, &["default", "west"]), vec!["clusters[1]"]),
        (queue("a", 0, &["west", "default", "east"]), vec!["clusters[0]", "clusters[2]"]),
        (queue("a", 0, &["default", "default"]), vec!["clusters[1]"]),
    ];
    for (request, fields) in cases {
        assert_eq!(refused_fields(harness.client.create_queue(&request).await), fields, "{request:?}");
    }
    assert_eq!(harness.client.queues().await.unwrap().items.len(), 1);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_change_changes_what_it_says_and_nothing_else(pool: PgPool) {
    let harness = start(pool).await;
    cluster(&harness, "west").await;
    let made = harness.client.create_queue(&queue("q", 5, &["default"])).await.unwrap();
    let change = |change: UpdateQueue| {
        let client = harness.client.clone();
        async move { client.update_queue(made.id, &change).await }
    };
    let paused = change(UpdateQueue { paused: Some(true), ..UpdateQueue::default() }).await.unwrap();
    assert_eq!((paused.paused, paused.priority, paused.clusters), (true, 5, vec!["default".to_owned()]));
    let moved = change(UpdateQueue {
        clusters: Some(vec!["west".into(), "default".into()]),
        priority: Some(-3),
        ..UpdateQueue::default()
    });
    let moved = moved.await.unwrap();
    assert_eq!(
        (moved.paused, moved.priority, moved.clusters.join(" ")),
        (true, -3, "west default".to_owned())
    );

    let unknown = UpdateQueue { clusters: Some(vec!["east".into()]), ..UpdateQueue::default() };
    assert_eq!(refused_fields(change(unknown).await), ["clusters[0]"]);
    let none = UpdateQueue { clusters: Some(Vec::new()), priority: Some(9), ..UpdateQueue::default() };
    assert_eq!(refused_fields(change(none).await), ["clusters"]);
    let kept =
        harness.client.queues().await.unwrap().items.into_iter().find(|queue| queue.id == made.id).unwrap();
    assert_eq!((kept.priority, kept.clusters.join(" ")), (-3, "west default".to_owned()));
    let nowhere = harness.client.update_queue(QueueId::new(), &UpdateQueue::default()).await;
    refused_as(nowhere, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_change_meant_for_an_older_version_is_refused(pool: PgPool) {
    let harness = start(pool).await;
    let id = harness.client.queues().await.unwrap().items[0].id;
    let (bearer, path) = (harness.admin_header().await, format!("/queues/{id}"));
    let auth = ("authorization", bearer.as_str());
    let read = harness.send_json("GET", &path, &[auth], "").await;
    let version = read.header("etag").to_owned();
    assert_eq!(version, "\"1\"");

    let matching = [auth, ("if-match", version.as_str())];
    let (a, b) = tokio::join!(
        harness.send_json("PATCH", &path, &matching, r#"{"priority":1}"#),
        harness.send_json("PATCH", &path, &matching, r#"{"priority":2}"#)
    );
    let (done, late) = if a.status == 200 { (a, b) } else { (b, a) };
    assert_eq!((done.status.as_u16(), done.header("etag")), (200, "\"2\""));
    assert_eq!((late.status.as_u16(), late.code()), (412, "version-mismatch"));
    let now: Queue = serde_json::from_value(harness.send_json("GET", &path, &[auth], "").await.body).unwrap();
    assert_eq!(serde_json::json!(now.priority), done.body["priority"]);

    for refused in ["\"1\"", "W/\"2\"", "2", "", "\"1\", \"3\""] {
        let answer = harness.send_json("PATCH", &path, &[auth, ("if-match", refused)], "{}").await;
        assert_eq!(answer.status, 412, "{refused}");
    }
    for accepted in ["*", "\"1\", \"3\""] {
        let answer = harness.send_json("PATCH", &path, &[auth, ("if-match", accepted)], "{}").await;
        assert_eq!(answer.status, 200, "{accepted}");
    }
    assert_eq!(harness.send_json("PATCH", &path, &[auth], "{}").await.header("etag"), "\"5\"");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn waiting_and_running_jobs_are_counted_by_queue(pool: PgPool) {
    let harness = start(pool).await;
    let other = harness.client.create_queue(&queue("other", 0, &["default"])).await.unwrap();
    let mut jobs = Vec::new();
    for (queue, count) in [("default", 3), ("other", 1)] {
        for _ in 0..count {
            let mut spec = JobSpec::new("job", "busybox");
            spec.queue = queue.into();
            jobs.push(harness.client.submit(&spec, None).await.unwrap().id);
        }
    }
    sqlx::query("UPDATE jobs SET state = 'starting', epoch = 1 WHERE id = $1")
        .bind(jobs[0].0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    harness.client.cancel(jobs[1]).await.unwrap();
    let queues = harness.client.queues().await.unwrap().items;
    let counts = |id| queues.iter().find(|queue| queue.id == id).map(|queue| (queue.queued, queue.running));
    let default = queues.iter().find(|queue| queue.name == "default").unwrap().id;
    assert_eq!(counts(default), Some((1, 1)), "one waits, one starts, one was cancelled");
    assert_eq!(counts(other.id), Some((1, 0)));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_change_wakes_the_scheduler_and_those_who_look(pool: PgPool) {
    let harness = start(pool).await;
    let id = harness.client.queues().await.unwrap().items[0].id;
    for topic in [Topic::Schedule, Topic::QueueView(id.0)] {
        let mut listener = harness.app.bell.listen();
        let pause = UpdateQueue { paused: Some(true), ..UpdateQueue::default() };
        harness.client.update_queue(id, &pause).await.unwrap();
        assert!(
            listener.wait_for(Duration::from_secs(5), Duration::ZERO, |heard| heard == topic).await,
            "{topic:?}"
        );
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn everyone_reads_queues_and_administrators_change_them(pool: PgPool) {
    let harness = start(pool).await;
    for (name, role) in [("viewer", Role::Viewer), ("member", Role::Member)] {
        let (_, client) = harness.user(name, role).await;
        let id = client.queues().await.unwrap().items[0].id;
        refused_as(client.create_queue(&queue("q", 0, &["default"])).await, 403, ErrorCode::Forbidden);
        refused_as(client.update_queue(id, &UpdateQueue::default()).await, 403, ErrorCode::Forbidden);
    }
    assert_eq!(refused(harness.anonymous().queues().await).status, 401);
}
