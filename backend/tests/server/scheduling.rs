//! The scheduler's shell: it keeps the fleet and what waits in memory, and follows whatever changes in the database.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::time::Duration;

use lilac_api::agent::{Outcome, Phase};
use lilac_api::auth::Secret;
use lilac_api::explanation::ChangeKind;
use lilac_api::job::{JobState, Reason};
use lilac_api::quantity::Span;
use lilac_api::queue::CreateQueue;
use lilac_api::spec::{JobSpec, Need, NeedOn};
use lilac_api::submission::Forecast;
use lilac_api::{JobId, QueueId};
use lilac_server::app::App;
use lilac_server::scheduler;
use sqlx::PgPool;
use uuid::Uuid;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{PASSWORD, SECRET_KEY, eventually, log_in};

/// Nodes that are there as far as the database can tell, and run nothing.
async fn add_nodes(pool: &PgPool, count: i32, cpus: i32) {
    sqlx::query(
        "INSERT INTO nodes (id, cluster_id, name, machine_id, credential_hmac, runtime_ok, cpu_milli, memory_bytes, disk_bytes, last_seen_at)
         SELECT gen_random_uuid(), (SELECT id FROM clusters ORDER BY created_at LIMIT 1), 'n' || i, 'm' || i,
             decode(lpad(to_hex(i), 8, '0'), 'hex'), true, $2 * 1000, 1::bigint << 40, 1::bigint << 40, now() + interval '1 day'
         FROM generate_series(1, $1) i",
    )
    .bind(count)
    .bind(cpus)
    .execute(pool)
    .await
    .unwrap();
}

/// Stores copies of a job as a submission does, in a queue, with priorities from 0 to 100 in turn.
async fn copy(conn: &mut sqlx::PgConnection, job: JobId, queue: QueueId, copies: i32) {
    sqlx::query(
        "WITH copy AS (
            INSERT INTO jobs (id, name, queue_id, owner_id, team_id, priority, state, actor, spec)
            SELECT gen_random_uuid(), name, $2, owner_id, team_id, i % 101, 'queued', actor, spec
            FROM jobs, generate_series(1, $3) i WHERE id = $1 RETURNING id
        )
        INSERT INTO job_events (job_id, sequence, state, epoch, message, actor)
        SELECT id, 1, 'queued', 0, 'submitted', 'user:admin' FROM copy",
    )
    .bind(job.0)
    .bind(queue.0)
    .bind(copies)
    .execute(conn)
    .await
    .unwrap();
}

async fn count(pool: &PgPool, state: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM jobs WHERE state = $1")
        .bind(state)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_whose_submission_commits_late_is_placed_and_holds_up_nobody(pool: PgPool) {
    let harness = start(pool.clone()).await;
    add_nodes(&pool, 4, 100).await;
    let first = submit(&harness, |_| {}).await;
    let first = wait_until(&harness, first, |job| job.state == JobState::Starting).await.id;
    let queue: Uuid = sqlx::query_scalar("SELECT queue_id FROM jobs WHERE id = $1")
        .bind(first.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut late = pool.begin().await.unwrap();
    copy(&mut late, first, QueueId(queue), 3).await;
    // Stored after it and committed before it.
    for _ in 0..10 {
        let job = submit(&harness, |_| {}).await;
        wait_until(&harness, job, |job| job.state == JobState::Starting).await;
    }
    late.commit().await.unwrap();
    // Nobody rings for what was stored by hand: the timer finds it.
    eventually(async || count(&pool, "starting").await == 14).await;
    assert_eq!(scheduler::invariants::violations(&pool).await.unwrap(), []);
}

/// Scans of the index that the history is followed by, entries that they read, and rows of jobs that were read by reading
/// all of them.
async fn reads(pool: &PgPool) -> [i64; 3] {
    let row: (i64, i64, i64) = sqlx::query_as(
        "SELECT i.idx_scan, i.idx_tup_read, t.seq_tup_read FROM pg_stat_user_indexes i, pg_stat_user_tables t
         WHERE i.indexrelname = 'job_events_stream' AND t.relname = 'jobs'",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    [row.0, row.1, row.2]
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_is_read_follows_what_changed_and_not_how_much_there_is(pool: PgPool) {
    const OLD: i32 = 3_000;
    let harness = start(pool.clone()).await;
    let first = submit(&harness, |_| {}).await;
    let queue: Uuid = sqlx::query_scalar("SELECT queue_id FROM jobs WHERE id = $1")
        .bind(first.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    copy(&mut pool.acquire().await.unwrap(), first, QueueId(queue), OLD).await;
    let last = submit(&harness, |_| {}).await;
    eventually(async || harness.client.explain_job(last).await.is_ok_and(|told| told.position > 1000)).await;
    let [scans, entries, rows] = reads(&pool).await;
    // Each is looked at by itself. PostgreSQL tells late what it read.
    eventually(async || {
        for _ in 0..20 {
            submit(&harness, |_| {}).await;
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        reads(&pool).await[0] - scans >= 60
    })
    .await;
    let [more_scans, more_entries, more_rows] = reads(&pool).await;
    let (scans, entries, rows) = (more_scans - scans, more_entries - entries, more_rows - rows);
    assert!(entries < scans * i64::from(OLD) / 10, "{entries} entries of the history in {scans} looks");
    assert!(rows < scans * i64::from(OLD) / 10, "{rows} rows of jobs in {scans} looks");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_nobody_rings_for_is_noticed(pool: PgPool) {
    let harness = start(pool.clone()).await;
    add_nodes(&pool, 1, 8).await;
    let job = submit(&harness, |_| {}).await;
    wait_until(&harness, job, |job| job.state == JobState::Starting).await;
    let change = async |what: &str| {
        sqlx::query(sqlx::AssertSqlSafe(what.to_owned())).execute(&pool).await.unwrap();
    };
    change("UPDATE nodes SET cordoned = true").await;
    let waits = submit(&harness, |_| {}).await;
    wait_until(&harness, waits, |job| job.reason == Some(Reason::NodeDown)).await;
    change("UPDATE nodes SET cordoned = false, cpu_milli = 1000").await;
    wait_until(&harness, waits, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    change("UPDATE queues SET paused = true").await;
    wait_until(&harness, waits, |job| job.reason == Some(Reason::QueuePaused)).await;
    change("UPDATE queues SET paused = false").await;
    change("UPDATE nodes SET cpu_milli = 2000").await;
    wait_until(&harness, waits, |job| job.state == JobState::Starting).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn another_leader_goes_on_with_what_runs_and_what_waits(pool: PgPool) {
    let harness = crate::support::start(pool.clone()).await;
    let first = scheduler::start(harness.app.clone());
    let mut node = Node::join(&harness, "n1").await;
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(submit(&harness, |_| {}).await);
    }
    // Four CPUs, of which each asks for one.
    let mut attempts = Vec::new();
    for job in &jobs[..4] {
        attempts.push(node.wait_for(*job).await);
    }
    for job in &jobs[4..] {
        wait_until(&harness, *job, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    }
    harness.app.draining.cancel();
    harness.app.stopping.cancel();
    first.stop().await;

    // While nobody leads: one gives up waiting, and one comes to its end.
    let second = App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap();
    let client = harness.beside(second.clone()).await;
    let client = log_in(&client, "admin", PASSWORD).await.unwrap();
    client.cancel(jobs[4]).await.unwrap();
    node.client = client.with_token(node.token.clone());
    node.report(attempts[0], 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    let (next, last) = (
        client.submit(&client.job(jobs[5]).await.unwrap().spec.unwrap(), None).await.unwrap().id,
        client.submit(&client.job(jobs[5]).await.unwrap().spec.unwrap(), None).await.unwrap().id,
    );
    // A replica that does not lead answers from what is there.
    let spec = client.job(jobs[5]).await.unwrap().spec.unwrap();
    let forecast = client.plan_job(&spec).await.unwrap();
    assert_eq!((forecast.outcome, forecast.position), (Forecast::Waits, 2), "{}", forecast.message);
    let _second = scheduler::start(second.clone());
    eventually(async || client.job(jobs[5]).await.unwrap().state == JobState::Starting).await;
    for job in [next, last] {
        let told = async || client.job(job).await.unwrap().reason == Some(Reason::WaitingForCapacity);
        eventually(told).await;
    }
    node.report(attempts[1], 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    eventually(async || client.job(next).await.unwrap().state == JobState::Starting).await;
    assert_eq!(client.job(last).await.unwrap().state, JobState::Queued);
    assert_eq!(scheduler::invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn more_jobs_than_are_read_at_once_are_placed_in_their_order(pool: PgPool) {
    let harness = crate::support::start(pool.clone()).await;
    let template = submit(&harness, |_| {}).await;
    let other =
        harness.client.create_queue(&CreateQueue::new("other", -1, vec!["default".into()])).await.unwrap();
    let queue: Uuid = sqlx::query_scalar("SELECT queue_id FROM jobs WHERE id = $1")
        .bind(template.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    copy(&mut conn, template, QueueId(queue), 26_000).await;
    copy(&mut conn, template, other.id, 4_000).await;
    drop(conn);
    harness.client.cancel(template).await.unwrap();
    add_nodes(&pool, 8, 150).await;
    scheduler::start(harness.app.clone());
    eventually(async || count(&pool, "starting").await == 1_200).await;
    let (least, most): (i16, i16) = sqlx::query_as(
        "SELECT min(priority) FILTER (WHERE state = 'starting'), max(priority) FILTER (WHERE state = 'queued') FROM jobs WHERE queue_id = $1",
    )
    .bind(queue)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(least >= most, "{least} runs and {most} waits");
    // The whole line is known, on a replica that does not lead, too: all of it would go before one more.
    let beside = harness.beside(App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap()).await;
    let client = log_in(&beside, "admin", PASSWORD).await.unwrap();
    let mut spec = client.job(template).await.unwrap().spec.unwrap();
    spec.priority = 0;
    for client in [&client, &harness.client] {
        let forecast = client.plan_job(&spec).await.unwrap();
        assert_eq!((forecast.reason, forecast.position), (Some(Reason::WaitingForCapacity), 24_800));
    }
    assert_eq!(count(&pool, "starting").await, 1_200);
    assert_eq!(scheduler::invariants::violations(&pool).await.unwrap(), []);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_waits_is_explained_with_who_is_in_its_way(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let mut node = Node::join(&harness, "n1").await;
    let whole = |spec: &mut JobSpec| {
        spec.resources.cpus.milli = 4000;
        spec.max_runtime = Some(Span(Duration::from_secs(3600)));
    };
    let first = submit(&harness, |spec| {
        whole(spec);
        spec.name = "in-the-way".into();
    })
    .await;
    let attempt = node.wait_for(first).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    let second = submit(&harness, whole).await;
    let third = submit(&harness, |spec| {
        whole(spec);
        spec.resources.cpus.milli = 3000;
    })
    .await;
    wait_until(&harness, third, |job| job.reason == Some(Reason::WaitingForCapacity)).await;
    let found = harness.client.explain_job(third).await.unwrap();
    assert_eq!((found.reason, found.position), (Some(Reason::WaitingForCapacity), 1), "{}", found.message);
    assert_eq!(
        (found.evidence[0].asked, found.evidence[0].most_free, found.evidence[0].nodes_lacking),
        (3000, 0, 1)
    );
    assert_eq!(found.changes[0].kind, ChangeKind::AddNode, "nothing is free: {:?}", found.changes);
    assert_eq!(found.history[0].reason, Reason::WaitingForCapacity);
    let names: Vec<&str> = found.blockers.iter().map(|blocker| blocker.name.as_str()).collect();
    assert_eq!((names, found.blockers_hidden), (vec!["in-the-way"], 0));
    // The one before it takes its hour after the one that runs has taken its own.
    let estimate = found.estimate.unwrap();
    let latest = estimate.latest.unwrap() - chrono::Utc::now();
    assert!((110..=125).contains(&latest.num_minutes()), "{estimate:?}");
    assert!(estimate.earliest < estimate.latest.unwrap(), "{estimate:?}");
    // A replica that does not lead says the same.
    let beside = harness.beside(App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap()).await;
    let beside = log_in(&beside, "admin", PASSWORD).await.unwrap();
    let told = beside.explain_job(third).await.unwrap();
    assert_eq!((told.reason, told.position, told.message), (found.reason, 1, found.message));

    harness.client.hold(third, "").await.unwrap();
    let held = harness.client.explain_job(third).await.unwrap();
    assert_eq!((held.reason, held.changes[0].kind), (Some(Reason::Held), ChangeKind::Release));
    let needs = vec![Need { job: second.to_string(), on: NeedOn::Finished }];
    let after = submit(&harness, |spec| spec.needs = needs).await;
    let found = harness.client.explain_job(after).await.unwrap();
    assert_eq!((found.reason, found.blockers[0].job_id), (Some(Reason::Dependency), second));
    harness.client.cancel(second).await.unwrap();
    let ended = harness.client.explain_job(second).await.unwrap();
    assert_eq!(
        (ended.state, ended.reason, ended.changes.len()),
        (JobState::Cancelled, Some(Reason::Cancelled), 0)
    );
}
