//! Who deletes what jobs name, while jobs come in.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::auth::Role;
use lilac_api::spec::JobSpec;
use sqlx::PgPool;

use crate::support::{eventually, refused, start};

/// Waits until somebody waits for the table of jobs.
async fn somebody_waits(pool: &PgPool) {
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'jobs'::regclass AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    eventually(async || sqlx::query_scalar(waits).fetch_one(pool).await.unwrap()).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_user_whose_job_is_being_stored_is_not_deleted(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let (ada, _) = harness.user("ada", Role::Member).await;
    let mut storing = pool.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO jobs (id, name, queue_id, team_id, owner_id, priority, state, actor, spec)
         SELECT gen_random_uuid(), 'late', id, team_id, $1, 50, 'queued', 'test', '{\"name\": \"late\", \"image\": \"busybox\"}' FROM queues",
    )
    .bind(ada.id.0)
    .execute(&mut *storing)
    .await
    .unwrap();
    let admin = harness.client.clone();
    let deleting = tokio::spawn(async move { admin.delete_user(ada.id).await });
    somebody_waits(&pool).await;
    storing.commit().await.unwrap();
    assert_eq!(refused(deleting.await.unwrap()).status, 409);
    assert!(harness.client.users().await.unwrap().items.iter().any(|user| user.username == "ada"));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_comes_while_its_owner_is_deleted_is_not_stored(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    // Met once, the queue is not asked again: the next job is stored by one statement.
    let first = as_ada.submit(&JobSpec::new("first", "busybox"), None).await.unwrap();
    sqlx::query("DELETE FROM jobs WHERE id = $1").bind(first.id.0).execute(&pool).await.unwrap();
    let mut deleting = pool.begin().await.unwrap();
    sqlx::query("DELETE FROM users WHERE id = $1").bind(ada.id.0).execute(&mut *deleting).await.unwrap();
    let storing = tokio::spawn(async move { as_ada.submit(&JobSpec::new("late", "busybox"), None).await });
    somebody_waits(&pool).await;
    deleting.commit().await.unwrap();
    let status = refused(storing.await.unwrap()).status;
    assert!((400..500).contains(&status), "{status}");
    let stored = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM jobs").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, 0);
}
