//! Nodes with nothing to do are answered from memory, and still hear at once of all that concerns them.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use lilac_api::NodeId;
use lilac_api::problem::ErrorCode;
use lilac_server::cluster::quiet;
use sqlx::PgPool;

use crate::protocol::{Node, start, submit};
use crate::support::{Harness, refused, refused_as};

/// A node that has said the same twice, so that its next word is answered from memory.
async fn quiet_node(harness: &Harness) -> Node {
    let mut node = Node::join(harness, "quiet").await;
    node.sync().await.unwrap();
    node
}

async fn node_id(harness: &Harness) -> NodeId {
    harness.client.nodes().await.unwrap().items[0].id
}

async fn last_seen(pool: &PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT last_seen_at FROM nodes").fetch_one(pool).await.unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn it_costs_the_database_nothing_and_is_heard_all_the_same(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = quiet_node(&harness).await;
    sqlx::query("UPDATE nodes SET last_seen_at = now() - interval '1 hour'").execute(&pool).await.unwrap();
    let before = last_seen(&pool).await;
    node.sync().await.unwrap();
    assert_eq!(last_seen(&pool).await, before, "the message itself wrote nothing");
    quiet::write_heard(&harness.app).await;
    assert!(last_seen(&pool).await > before + chrono::Duration::minutes(50));

    // Who was given up meanwhile is looked at again, and counts again.
    sqlx::query("UPDATE nodes SET given_up_at = now()").execute(&pool).await.unwrap();
    node.sync().await.unwrap();
    quiet::write_heard(&harness.app).await;
    node.sync().await.unwrap();
    let given_up: Option<DateTime<Utc>> =
        sqlx::query_scalar("SELECT given_up_at FROM nodes").fetch_one(&pool).await.unwrap();
    assert_eq!(given_up, None);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn it_hears_of_a_job_while_it_waits(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = quiet_node(&harness).await;
    let began = Instant::now();
    let (told, job) = tokio::join!(node.say(false), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        submit(&harness, |_| {}).await
    });
    let desired = told.unwrap().desired;
    assert_eq!(desired.first().and_then(|one| one.task.as_ref()).map(|task| task.job_id), Some(job));
    assert!(began.elapsed() < Duration::from_secs(15), "it was woken, and did not wait for the end");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_older_session_is_fenced_also_where_it_was_quiet(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = quiet_node(&harness).await;
    let mut other = node.clone();
    other.restart();
    other.sync().await.unwrap();
    assert_eq!(refused(node.sync().await).code, ErrorCode::Fenced);
    other.sync().await.unwrap();
    other.sync().await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_removed_node_is_refused_also_where_it_was_quiet(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = quiet_node(&harness).await;
    harness.client.remove_node(node_id(&harness).await).await.unwrap();
    refused_as(node.sync().await, 401, ErrorCode::Unauthenticated);
}
