//! Who is next in a queue and why not yet, how long others waited, and what part of the fleet it has.

use lilac_api::auth::Role;
use lilac_api::job::{JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::queue::CreateQueue;
use lilac_api::team::CreateTeam;
use sqlx::PgPool;

use crate::protocol::{Node, start, submit, wait_until};
use crate::support::{self, refused_as};

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_line_is_told_in_its_order_with_the_reasons(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "n1").await;
    let first = submit(&harness, |spec| spec.resources.cpus.milli = 4000).await;
    node.wait_for(first).await;
    let later = submit(&harness, |spec| {
        spec.name = "later".into();
        spec.resources.cpus.milli = 3000;
    })
    .await;
    let urgent = submit(&harness, |spec| {
        spec.name = "urgent".into();
        spec.priority = 90;
        spec.resources.cpus.milli = 2000;
    })
    .await;
    wait_until(&harness, later, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    let queue = harness.client.queues().await.unwrap().items[0].id;
    let line = harness.client.queue_line(queue).await.unwrap();
    let told: Vec<_> = line.items.iter().map(|one| (one.position, one.job_id, one.name.as_str())).collect();
    assert_eq!(told, [(0, urgent, "urgent"), (1, later, "later")]);
    assert!(line.items.iter().all(|one| one.reason == Some(Reason::WaitingForCapacity)), "{line:?}");
    assert_eq!((line.items[0].priority, line.items[0].requests.cpu_milli, line.hidden), (90, 2000, 0));
    assert!(!line.items[0].message.is_empty());

    harness.client.pause_queue(queue).await.unwrap();
    let paused = harness.client.queue_line(queue).await.unwrap();
    assert!(paused.items.iter().all(|one| one.reason == Some(Reason::QueuePaused)), "{paused:?}");

    // Whoever is in another team sees that somebody waits, and not who.
    let (ann, client) = harness.user("ann", Role::Member).await;
    let default = harness.client.teams().await.unwrap().items[0].id;
    let team = harness.client.create_team(&CreateTeam { name: "vision".into() }).await.unwrap();
    harness.client.add_team_member(team.id, ann.id).await.unwrap();
    harness.client.remove_team_member(default, ann.id).await.unwrap();
    refused_as(client.queue_line(queue).await, 404, ErrorCode::NotFound);
    refused_as(client.queue_waits(queue).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn shares_and_waits_are_those_of_what_runs(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    let queue = harness.client.queues().await.unwrap().items[0].id;
    let idle = harness.client.queue_waits(queue).await.unwrap();
    assert_eq!((idle.jobs, idle.p50_secs), (0, None));
    let half = submit(&harness, |spec| spec.resources.cpus.milli = 2000).await;
    node.wait_for(half).await;
    sqlx::query("UPDATE jobs SET created_at = created_at - interval '2 minutes' WHERE id = $1")
        .bind(half.0)
        .execute(&pool)
        .await
        .unwrap();
    let stats = harness.client.queue_stats(queue).await.unwrap();
    assert!((stats.share - 0.5).abs() < 1e-9, "{}", stats.share);
    assert!((stats.fair_share - 1.0).abs() < 1e-9, "nobody else wants anything: {}", stats.fair_share);
    let waits = harness.client.queue_waits(queue).await.unwrap();
    assert_eq!(waits.jobs, 1);
    assert!(waits.p90_secs.unwrap() >= 120.0, "{waits:?}");
    let filled = waits.buckets.iter().find(|bucket| bucket.jobs > 0).unwrap();
    assert_eq!((filled.up_to_secs, filled.jobs), (Some(300), 1));

    // Another queue of three times the weight wants something, too.
    let other: CreateQueue =
        serde_json::from_value(serde_json::json!({ "name": "other", "clusters": ["default"], "weight": 3 }))
            .unwrap();
    harness.client.create_queue(&other).await.unwrap();
    let job = submit(&harness, |spec| spec.queue = "other".into()).await;
    wait_until(&harness, job, |job| job.state != JobState::Queued).await;
    let stats = harness.client.queue_stats(queue).await.unwrap();
    assert!((stats.fair_share - 0.25).abs() < 1e-9, "{}", stats.fair_share);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn users_are_told_about_their_server(pool: PgPool) {
    let harness = support::start(pool).await;
    let (_, viewer) = harness.user("vera", Role::Viewer).await;
    let facts = viewer.server_facts().await.unwrap();
    assert_eq!((facts.version.as_str(), facts.sign_up, facts.sso), (env!("CARGO_PKG_VERSION"), false, None));
    assert_eq!((facts.logs_kept.to_string().as_str(), facts.jobs_kept), ("90d", None));
    refused_as(harness.anonymous().server_facts().await, 401, ErrorCode::Unauthenticated);
}
