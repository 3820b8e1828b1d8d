//! Jobs grouped and counted, what they held over time, and how long they waited.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::agent::Phase;
use lilac_api::auth::{CreateUser, Role, Secret};
use lilac_api::client::Client;
use lilac_api::job::{JobFilter, JobState};
use lilac_api::overview::{JobGroups, UsageQuery};
use lilac_api::problem::ErrorCode;
use lilac_api::spec::JobSpec;
use lilac_api::team::CreateTeam;
use sqlx::PgPool;

use crate::protocol::{Node, start};
use crate::support::{PASSWORD, log_in, refused_as};

async fn groups(client: &Client, by: &str) -> JobGroups {
    client.job_groups(by, &JobFilter::default()).await.unwrap()
}

fn sizes(groups: &JobGroups) -> Vec<(&str, u64)> {
    groups.items.iter().map(|group| (group.value.as_str(), group.jobs)).collect()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn jobs_are_counted_by_what_they_have_in_common(pool: PgPool) {
    let harness = start(pool).await;
    let client = &harness.client;
    let job = |name: &str, image: &str, labels: &[(&str, &str)]| JobSpec {
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        ..JobSpec::new(name, image)
    };
    for spec in [
        job("train", "big", &[("exp", "a"), ("seed", "1")]),
        job("train", "big", &[("exp", "a")]),
        job("train", "small", &[("exp", "<b>")]),
        job("eval", "small", &[]),
    ] {
        client.submit(&spec, None).await.unwrap();
    }
    let (_, colleague) = harness.user("colleague", Role::Member).await;
    let theirs = colleague.submit(&JobSpec::new("eval", "small"), None).await.unwrap();
    colleague.cancel(theirs.id).await.unwrap();

    let by_name = groups(client, "name").await;
    assert_eq!(sizes(&by_name), [("train", 3), ("eval", 2)]);
    assert!(!by_name.has_more);
    let eval = &by_name.items[1].by_state;
    assert_eq!((eval.get(&JobState::Queued), eval.get(&JobState::Cancelled)), (Some(&1), Some(&1)));
    assert_eq!(sizes(&groups(client, "image").await), [("small", 3), ("big", 2)]);
    assert_eq!(sizes(&groups(client, "owner").await), [("admin", 4), ("colleague", 1)]);
    assert_eq!(sizes(&groups(client, "queue").await), [("default", 5)]);
    assert_eq!(sizes(&groups(client, "node").await), [("", 5)]);
    let labels = groups(client, "label:exp").await;
    assert_eq!(sizes(&labels), [("", 2), ("a", 2), ("<b>", 1)]);

    // Filters are those of the list.
    let mine = JobFilter { owner: Some("me".into()), label: Some("exp=a".into()), ..JobFilter::default() };
    assert_eq!(sizes(&client.job_groups("name", &mine).await.unwrap()), [("train", 2)]);
    let queued = JobFilter { state: Some("queued".into()), ..JobFilter::default() };
    assert_eq!(sizes(&client.job_groups("owner", &queued).await.unwrap()), [("admin", 4)]);
    let to_come = Some(chrono::Utc::now() + chrono::Duration::hours(1));
    let none = JobFilter { created_after: to_come, ..JobFilter::default() };
    assert_eq!(client.job_groups("owner", &none).await.unwrap().items, []);
    for wrong in ["", "colour", "label:", "label:a\0"] {
        let refused = client.job_groups(wrong, &JobFilter::default()).await;
        refused_as(refused.map(|_| ()), 400, ErrorCode::MalformedRequest);
    }
    let bearer = harness.admin_header().await;
    for (query, named) in [
        ("", "`by`"),
        ("by=name&by=owner", "`by`"),
        ("by=name&colour=red", "`colour`"),
        ("by=name&limit=1", "limit"),
    ] {
        let headers = [("authorization", bearer.as_str())];
        let answer = harness.send_json("GET", &format!("/jobs/groups?{query}"), &headers, "").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "malformed-request"), "{query}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{query}: {detail}");
    }

    // Who is in another team finds nothing of it.
    client.create_team(&CreateTeam { name: "elsewhere".into() }).await.unwrap();
    let mut outsider = CreateUser::new("outsider", Secret(PASSWORD.into()), Role::Member);
    outsider.teams = vec!["elsewhere".into()];
    client.create_user(&outsider).await.unwrap();
    let outsider = log_in(client, "outsider", PASSWORD).await.unwrap();
    for what in ["name", "queue", "label:exp"] {
        assert_eq!(groups(&outsider, what).await.items, []);
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_is_held_and_how_long_jobs_waited_is_told(pool: PgPool) {
    let harness = start(pool).await;
    let client = &harness.client;
    let before = client.usage(&UsageQuery::default()).await.unwrap();
    assert_eq!((before.step_secs, before.points.len(), before.waiting.len()), (900, 97, 0));
    assert!(before.points.iter().all(|point| point.jobs == 0));

    let mut node = Node::join(&harness, "n1").await;
    let mut ids = Vec::new();
    for name in ["one", "two"] {
        let job = client.submit(&JobSpec::new(name, "image"), None).await.unwrap().id;
        let attempt = node.wait_for(job).await;
        node.report(attempt, 1, Phase::Running, None);
        node.sync().await.unwrap();
        ids.push(job.0);
    }
    // One of them waited for 100 s and began three hours ago, the other for 300 s and began two hours ago.
    for (id, hours, waited) in [(ids[0], 3, 100), (ids[1], 2, 300)] {
        sqlx::query(
            "WITH moved AS (UPDATE attempts SET granted_at = now() - make_interval(hours => $2) WHERE job_id = $1 RETURNING job_id, granted_at)
             UPDATE jobs j SET created_at = m.granted_at - make_interval(secs => $3) FROM moved m WHERE j.id = m.job_id",
        )
        .bind(id)
        .bind(hours)
        .bind(f64::from(waited))
        .execute(&harness.app.pool)
        .await
        .unwrap();
    }
    let usage = client.usage(&UsageQuery::default()).await.unwrap();
    let jobs: Vec<u64> = usage.points.iter().map(|point| point.jobs).collect();
    let count = |held| jobs.iter().filter(|jobs| **jobs == held).count();
    // Both hold their CPU to the end, and one of them an hour longer: four quarters of an hour.
    assert_eq!(jobs.last(), Some(&2));
    assert!((4..=5).contains(&count(1)) && (8..=9).contains(&count(2)), "{jobs:?}");
    assert_eq!(usage.points.last().unwrap().cpu_milli, 2000);
    let waiting = &usage.waiting[0];
    assert_eq!((waiting.queue.as_str(), waiting.started), ("default", 2));
    assert!((waiting.p50_secs - 200.0).abs() < 1.0 && (waiting.p90_secs - 280.0).abs() < 1.0, "{waiting:?}");

    let short = client.usage(&UsageQuery { hours: Some(1) }).await.unwrap();
    assert!(short.waiting.is_empty() && short.points[0].jobs == 2);
    for hours in [0, 169] {
        refused_as(
            client.usage(&UsageQuery { hours: Some(hours) }).await.map(|_| ()),
            400,
            ErrorCode::MalformedRequest,
        );
    }
    let (_, outsider) = {
        client.create_team(&CreateTeam { name: "elsewhere".into() }).await.unwrap();
        let mut outsider = CreateUser::new("outsider", Secret(PASSWORD.into()), Role::Member);
        outsider.teams = vec!["elsewhere".into()];
        let made = client.create_user(&outsider).await.unwrap();
        (made, log_in(client, "outsider", PASSWORD).await.unwrap())
    };
    let theirs = outsider.usage(&UsageQuery::default()).await.unwrap();
    assert!(theirs.waiting.is_empty() && theirs.points.iter().all(|point| point.jobs == 0));
}
