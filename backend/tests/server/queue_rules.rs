//! Who may submit to a queue, what it takes in, and what becomes of its jobs when it goes.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::Duration;

use crate::support::{Harness, refused, refused_as, refused_fields, start};
use lilac_api::auth::{Role, User};
use lilac_api::client::Client;
use lilac_api::job::JobState;
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::{Bytes, Cpus, Span};
use lilac_api::queue::{
    ContainerPolicy, CreateQueue, JobLimits, JobsChoice, Queue, Quota, Submitters, UpdateQueue,
};
use lilac_api::spec::{JobSpec, Network};
use sqlx::PgPool;

fn spec(queue: &str) -> JobSpec {
    let mut spec = JobSpec::new("job", "busybox");
    spec.queue = queue.into();
    spec
}

fn hours(hours: u64) -> Span {
    Span(Duration::from_secs(hours * 3600))
}

async fn team(harness: &Harness, name: &str, members: &[&User]) {
    let id: uuid::Uuid =
        sqlx::query_scalar("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), $1) RETURNING id")
            .bind(name)
            .fetch_one(&harness.app.pool)
            .await
            .unwrap();
    for member in members {
        sqlx::query("INSERT INTO team_members (team_id, user_id) VALUES ($1, $2)")
            .bind(id)
            .bind(member.id.0)
            .execute(&harness.app.pool)
            .await
            .unwrap();
    }
}

/// A member who is in the teams named only.
async fn member(harness: &Harness, name: &str) -> (User, Client) {
    let (user, client) = harness.user(name, Role::Member).await;
    sqlx::query("DELETE FROM team_members WHERE user_id = $1")
        .bind(user.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    (user, client)
}

async fn made(harness: &Harness, change: impl FnOnce(&mut CreateQueue)) -> Queue {
    let mut request = CreateQueue::new("q", 0, vec!["default".into()]);
    change(&mut request);
    harness.client.create_queue(&request).await.unwrap()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_queue_keeps_the_rules_that_it_was_given(pool: PgPool) {
    let harness = start(pool).await;
    let (ann, _) = member(&harness, "Ann").await;
    team(&harness, "vision", &[&ann]).await;
    let quota = Quota { cpus: Some(Cpus { milli: 1500 }), queued_jobs: Some(9), ..Quota::default() };
    let limits = JobLimits { gpus: Some(0), max_runtime: Some(hours(4)), ..JobLimits::default() };
    let queue = made(&harness, |q| {
        q.weight = 7;
        q.quota = quota.clone();
        q.user_quota = Quota { memory: Some(Bytes(1 << 30)), ..Quota::default() };
        q.limits = limits.clone();
        q.default_max_runtime = Some(hours(1));
        q.submitters = Submitters { teams: vec!["VISION".into()], users: vec!["ann".into()] };
        q.policy = ContainerPolicy::Strict;
        q.networks = vec![Network::None];
    })
    .await;
    let read = harness.client.queue(queue.id).await.unwrap();
    assert_eq!((read.weight, read.quota, read.limits), (7, quota, limits));
    assert_eq!(read.user_quota.memory, Some(Bytes(1 << 30)));
    assert_eq!((read.default_max_runtime, read.policy), (Some(hours(1)), ContainerPolicy::Strict));
    assert_eq!(read.networks, [Network::None]);
    assert_eq!(read.submitters, Submitters { teams: vec!["vision".into()], users: vec!["Ann".into()] });

    // A change replaces what it names as a whole, and null takes away.
    let change: UpdateQueue =
        serde_json::from_str(r#"{"quota": {"gpus": 2}, "default_max_runtime": null, "team": "vision"}"#)
            .unwrap();
    let changed = harness.client.update_queue(queue.id, &change).await.unwrap();
    assert_eq!(changed.quota, Quota { gpus: Some(2), ..Quota::default() });
    assert_eq!((changed.default_max_runtime, changed.team.as_str(), changed.weight), (None, "vision", 7));
    assert!(!harness.client.resume_queue(queue.id).await.unwrap().paused);
    assert!(harness.client.pause_queue(queue.id).await.unwrap().paused);
    assert!(!harness.client.resume_queue(queue.id).await.unwrap().paused);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn rules_that_make_no_sense_are_refused_by_field(pool: PgPool) {
    let harness = start(pool).await;
    let queue = made(&harness, |_| {}).await;
    let cases = [
        (r#"{"weight": 0}"#, "weight"),
        (r#"{"weight": 1001}"#, "weight"),
        (r#"{"quota": {"gpus": 4294967295}}"#, "quota.gpus"),
        (r#"{"user_quota": {"memory": 1152921504606846977}}"#, "user_quota.memory"),
        (r#"{"limits": {"cpus": 0}}"#, "limits.cpus"),
        (r#"{"limits": {"nodes": 0}}"#, "limits.nodes"),
        (r#"{"limits": {"max_runtime": "0s"}}"#, "limits.max_runtime"),
        (r#"{"default_max_runtime": "500d"}"#, "default_max_runtime"),
        (r#"{"default_max_runtime": "2h", "limits": {"max_runtime": "1h"}}"#, "default_max_runtime"),
        (r#"{"submitters": {"teams": ["default", "nobody"]}}"#, "submitters.teams[1]"),
        (r#"{"submitters": {"users": ["admin", "ADMIN"]}}"#, "submitters.users[1]"),
        (r#"{"networks": []}"#, "networks"),
        (r#"{"networks": ["none", "none"]}"#, "networks[1]"),
        (r#"{"team": "nobody"}"#, "team"),
    ];
    for (text, path) in cases {
        let change: UpdateQueue = serde_json::from_str(text).unwrap();
        assert_eq!(refused_fields(harness.client.update_queue(queue.id, &change).await), [path], "{text}");
    }
    let bearer = harness.admin_header().await;
    let auth = [("authorization", bearer.as_str())];
    for (text, path) in [
        (r#"{"polici": "strict"}"#, "polici"),
        (r#"{"policy": "root"}"#, "policy"),
        (r#"{"quota": {"cpu": 1}}"#, "quota.cpu"),
        (r#"{"quota": {"gpus": -1}}"#, "quota.gpus"),
        (r#"{"networks": ["bridge", "ipvlan"]}"#, "networks[1]"),
    ] {
        let answer = harness.send_json("PATCH", &format!("/queues/{}", queue.id), &auth, text).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["errors"][0]["path"].as_str()),
            (422, Some(path)),
            "{text}"
        );
    }
    assert_eq!(harness.client.queue(queue.id).await.unwrap().weight, 1, "nothing of it was kept");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn those_who_may_submit_see_a_queue_and_others_do_not(pool: PgPool) {
    let harness = start(pool).await;
    let (ann, ann_client) = member(&harness, "ann").await;
    let (bob, bob_client) = member(&harness, "bob").await;
    let (cyd, cyd_client) = member(&harness, "cyd").await;
    team(&harness, "vision", &[&ann]).await;
    team(&harness, "speech", &[&bob]).await;
    team(&harness, "maths", &[&cyd]).await;
    let queue = made(&harness, |q| q.team = "vision".into()).await;

    let hidden = harness.send_json("GET", "/queues", &[], "").await;
    assert_eq!(hidden.status, 401);
    for client in [&bob_client, &cyd_client] {
        refused_as(client.queue(queue.id).await, 404, ErrorCode::NotFound);
        refused_as(client.queue_stats(queue.id).await, 404, ErrorCode::NotFound);
        refused_as(client.queue_jobs(queue.id).await, 404, ErrorCode::NotFound);
        assert_eq!(client.queues().await.unwrap().items.len(), 0);
        assert_eq!(refused_fields(client.submit(&spec("q"), None).await), ["queue"]);
    }
    let open = Submitters { teams: vec!["speech".into()], users: vec!["cyd".into()] };
    let change = UpdateQueue { submitters: Some(open), ..UpdateQueue::default() };
    harness.client.update_queue(queue.id, &change).await.unwrap();
    let mut jobs = Vec::new();
    for (client, own) in [(&ann_client, "vision"), (&bob_client, "speech"), (&cyd_client, "maths")] {
        assert_eq!(client.queue(queue.id).await.unwrap().name, "q");
        let job = client.submit(&spec("q"), None).await.unwrap();
        assert_eq!(job.team, own, "the job is for the submitter's team");
        jobs.push(job);
        // Of the others' jobs there is nothing but the sum.
        let seen = client.queue_jobs(queue.id).await.unwrap().items;
        assert_eq!(seen.iter().map(|job| job.team.as_str()).collect::<Vec<_>>(), [own]);
        assert_eq!(client.queue(queue.id).await.unwrap().queued, 1);
        let stats = client.queue_stats(queue.id).await.unwrap();
        assert_eq!((stats.by_state[&JobState::Queued], stats.by_user.len()), (1, 1));
        assert_eq!(stats.used.queued_jobs, jobs.len() as u64);
    }
    refused_as(bob_client.job(jobs[0].id).await, 404, ErrorCode::NotFound);
    let all = harness.client.queue_stats(queue.id).await.unwrap();
    assert_eq!((all.by_user.len(), all.by_state[&JobState::Queued]), (3, 3));
    assert_eq!(all.oldest_waiting_since, Some(jobs[0].created_at));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_is_for_a_team_that_its_submitter_may_submit_for(pool: PgPool) {
    let harness = start(pool).await;
    let (ann, client) = member(&harness, "ann").await;
    for name in ["vision", "speech", "maths", "own"] {
        team(&harness, name, &[&ann]).await;
    }
    team(&harness, "other", &[]).await;
    made(&harness, |q| {
        q.team = "other".into();
        q.submitters = Submitters { teams: vec!["vision".into(), "speech".into()], users: Vec::new() };
    })
    .await;
    let for_team = |team: &str| JobSpec { team: Some(team.into()), ..spec("q") };
    let undecided = refused(client.submit(&spec("q"), None).await);
    assert_eq!((undecided.status, undecided.errors[0].path.as_str()), (422, "team"));
    assert!(undecided.errors[0].message.contains("speech, vision"), "{}", undecided.errors[0].message);
    assert_eq!(client.submit(&for_team("Vision"), None).await.unwrap().team, "vision");
    for team in ["maths", "other", "none"] {
        assert_eq!(refused_fields(client.submit(&for_team(team), None).await), ["team"], "{team}");
    }
    // The owning team goes first; an administrator may name any that exists.
    let own = UpdateQueue { team: Some("own".into()), ..UpdateQueue::default() };
    let id = client.queues().await.unwrap().items[0].id;
    harness.client.update_queue(id, &own).await.unwrap();
    assert_eq!(client.submit(&spec("q"), None).await.unwrap().team, "own");
    assert_eq!(harness.client.submit(&spec("q"), None).await.unwrap().team, "own");
    assert_eq!(harness.client.submit(&for_team("maths"), None).await.unwrap().team, "maths");
    assert_eq!(refused_fields(harness.client.submit(&for_team("none"), None).await), ["team"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_beyond_the_queues_limits_is_refused_by_field(pool: PgPool) {
    let harness = start(pool).await;
    let queue = made(&harness, |q| {
        q.limits = JobLimits {
            cpus: Some(Cpus { milli: 2000 }),
            memory: Some(Bytes(1 << 30)),
            gpus: Some(1),
            nodes: None,
            max_runtime: Some(hours(2)),
        };
        q.default_max_runtime = Some(hours(1));
    })
    .await;
    type Change = fn(&mut JobSpec);
    let cases: [(&str, Change); 5] = [
        ("resources.cpus", |s| s.resources.cpus = Cpus { milli: 2001 }),
        ("resources.memory", |s| s.resources.memory = Bytes((1 << 30) + 1)),
        ("resources.gpus", |s| s.resources.gpus = serde_json::from_str("2").unwrap()),
        ("max_runtime", |s| s.max_runtime = Some(hours(3))),
        ("network", |s| s.network = Network::Host),
    ];
    for (path, change) in cases {
        let mut spec = spec("q");
        change(&mut spec);
        assert_eq!(refused_fields(harness.client.submit(&spec, None).await), [path]);
    }
    let runtime = async |asked: Option<Span>| {
        let job = harness.client.submit(&JobSpec { max_runtime: asked, ..spec("q") }, None).await.unwrap();
        harness.client.job(job.id).await.unwrap().spec.unwrap().max_runtime
    };
    assert_eq!(runtime(Some(hours(2))).await, Some(hours(2)));
    assert_eq!(runtime(None).await, Some(hours(1)));
    let no_default: UpdateQueue = serde_json::from_str(r#"{"default_max_runtime": null}"#).unwrap();
    harness.client.update_queue(queue.id, &no_default).await.unwrap();
    assert_eq!(runtime(None).await, Some(hours(2)), "without a default the limit holds");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn no_more_jobs_wait_than_the_queue_lets(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ann) = harness.user("ann", Role::Member).await;
    made(&harness, |q| {
        q.quota.queued_jobs = Some(5);
        q.user_quota.queued_jobs = Some(3);
    })
    .await;
    let tries = async |client: &Client| {
        let tries = (0..8).map(|_| async { client.submit(&spec("q"), None).await.is_ok() });
        futures::future::join_all(tries).await.into_iter().filter(|accepted| *accepted).count()
    };
    assert_eq!(tries(&ann).await, 3, "racing submissions do not slip in");
    assert_eq!(tries(&harness.client).await, 2);
    let full = refused(harness.client.submit(&spec("q"), None).await);
    assert_eq!((full.status, full.errors[0].code.as_str()), (422, "quota-exceeded"));
    assert!(full.errors[0].message.contains("lets 5 jobs wait, and 5 do"), "{}", full.errors[0].message);
    // A repeated submission is none.
    let other = spec("default");
    let first = harness.client.submit(&other, Some("key")).await.unwrap();
    assert_eq!(harness.client.submit(&other, Some("key")).await.unwrap().id, first.id);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_queue_goes_only_with_a_word_about_its_jobs(pool: PgPool) {
    let harness = start(pool).await;
    let client = &harness.client;
    let default = client.queues().await.unwrap().items[0].id;
    refused_as(client.delete_queue(default, &JobsChoice::Cancel).await, 409, ErrorCode::Conflict);

    let queue = made(&harness, |_| {}).await;
    let ended = client.submit(&spec("q"), None).await.unwrap().id;
    client.cancel(ended).await.unwrap();
    let waits = client.submit(&spec("q"), None).await.unwrap().id;
    refused_as(client.delete_queue(queue.id, &JobsChoice::Refuse).await, 409, ErrorCode::Conflict);
    for target in ["q", "nowhere"] {
        let moved = JobsChoice::Move(target.into());
        refused_as(client.delete_queue(queue.id, &moved).await, 409, ErrorCode::Conflict);
    }
    let bearer = harness.admin_header().await;
    let auth = ("authorization", bearer.as_str());
    let path = format!("/queues/{}", queue.id);
    let unclear = harness.send_json("DELETE", &format!("{path}?jobs=drop"), &[auth], "").await;
    assert_eq!((unclear.status.as_u16(), unclear.code()), (400, "malformed-request"));
    let stale =
        harness.send_json("DELETE", &format!("{path}?jobs=cancel"), &[auth, ("if-match", "\"9\"")], "").await;
    assert_eq!(stale.status, 412);

    client.delete_queue(queue.id, &JobsChoice::Move("default".into())).await.unwrap();
    refused_as(client.queue(queue.id).await, 404, ErrorCode::NotFound);
    refused_as(client.pause_queue(queue.id).await, 404, ErrorCode::NotFound);
    assert_eq!(refused_fields(client.submit(&spec("q"), None).await), ["queue"]);
    let moved = client.job(waits).await.unwrap();
    assert_eq!((moved.state, moved.queue.as_str()), (JobState::Queued, "default"));
    assert_eq!(moved.spec.unwrap().queue, "default");
    let events = client.job_events(waits).await.unwrap().items;
    assert!(events.last().unwrap().message.contains("moved from queue q"), "{events:?}");
    assert_eq!(client.job(ended).await.unwrap().queue, "q", "history stays readable");

    // The name is free again, and the ended job is not the new queue's.
    let again = made(&harness, |_| {}).await;
    assert_eq!(client.queue_jobs(again.id).await.unwrap().items.len(), 0);
    let waits = client.submit(&spec("q"), None).await.unwrap().id;
    client.delete_queue(again.id, &JobsChoice::Cancel).await.unwrap();
    assert_eq!(client.job(waits).await.unwrap().state, JobState::Cancelled);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn no_job_slips_into_a_queue_that_is_being_deleted(pool: PgPool) {
    let harness = start(pool).await;
    let queue = made(&harness, |_| {}).await;
    let client = &harness.client;
    let submits = (0..20).map(|_| async { client.submit(&spec("q"), None).await.ok().map(|job| job.id) });
    let (jobs, deleted) = tokio::join!(futures::future::join_all(submits), async {
        client.delete_queue(queue.id, &JobsChoice::Cancel).await
    });
    deleted.unwrap();
    for job in jobs.into_iter().flatten() {
        assert_eq!(client.job(job).await.unwrap().state, JobState::Cancelled);
    }
}
