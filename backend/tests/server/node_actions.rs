//! What administrators do with nodes and clusters, what becomes of the jobs, and what is told of it.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::protocol::{Node, result, start, submit, wait_until};
use crate::support::{Harness, refused, refused_as, refused_fields};
use lilac_api::agent::{Outcome, PROTOCOL_VERSION, Phase, RegisterRequest};
use lilac_api::auth::Role;
use lilac_api::cluster::{
    CreateCluster, CreateJoinKey, DrainNode, NodeEventKind, NodeState, PlacementPolicy, UpdateCluster,
    UpdateNode,
};
use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::queue::{Quota, UpdateQueue};
use lilac_api::{ClusterId, NodeId};
use sqlx::PgPool;

async fn node_id(harness: &Harness, name: &str) -> NodeId {
    harness.client.nodes().await.unwrap().items.into_iter().find(|node| node.name == name).unwrap().id
}

async fn kinds(harness: &Harness, id: NodeId) -> Vec<NodeEventKind> {
    let mut events = harness.client.node_events(id).await.unwrap().items;
    events.reverse();
    events.into_iter().map(|event| event.kind).collect()
}

/// Waits until the node's history ends with `kind`.
async fn until_told(harness: &Harness, id: NodeId, kind: NodeEventKind) {
    for _ in 0..600 {
        if kinds(harness, id).await.last() == Some(&kind) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {kind:?}: {:?}", kinds(harness, id).await);
}

fn drain(within: Duration) -> DrainNode {
    DrainNode { within: Span(within), reason: "new fans".into() }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_drained_node_gives_its_jobs_back_uncharged(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let id = node_id(&harness, "a").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();

    let drained = harness.client.drain(id, &drain(Duration::ZERO)).await.unwrap();
    assert_eq!((drained.state, drained.drain.unwrap().drained_at), (NodeState::Cordoned, None));
    assert!(drained.message.contains("new fans"), "{}", drained.message);
    // The node hears of it by its held sync, or the next.
    let mut told = false;
    for _ in 0..50 {
        let response = node.say(false).await.unwrap();
        if response.desired.iter().any(|one| one.attempt_id == attempt && one.stop) {
            told = true;
            break;
        }
    }
    assert!(told, "never told to stop");
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Running, "it still runs");

    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Stopped, Some(143))));
    node.sync().await.unwrap();
    let back = wait_until(&harness, job, |job| job.state == JobState::Queued).await;
    assert_eq!((back.attempts_charged, back.epoch), (0, 1));
    let attempts = harness.client.attempts(job).await.unwrap().items;
    assert_eq!((attempts[0].state, attempts[0].reason), (AttemptState::Preempted, Some(Reason::Preempted)));
    until_told(&harness, id, NodeEventKind::Drained).await;
    assert!(harness.client.node(id).await.unwrap().drain.unwrap().drained_at.is_some());

    // It goes elsewhere, as the node takes nothing.
    let mut other = Node::join(&harness, "b").await;
    let again = other.wait_for(job).await;
    assert_ne!(again, attempt);
    let free = harness.client.uncordon(id).await.unwrap();
    assert_eq!((free.state, free.drain), (NodeState::Ready, None));
    use NodeEventKind::{Drained, Draining, Registered, Uncordoned};
    assert_eq!(kinds(&harness, id).await, [Registered, Draining, Drained, Uncordoned]);
    let jobs_of = async |id| harness.client.node_jobs(id).await.unwrap().items.len();
    assert_eq!((jobs_of(id).await, jobs_of(node_id(&harness, "b").await).await), (0, 1));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_job_that_ends_in_time_or_a_drain_that_is_called_off_stops_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let id = node_id(&harness, "a").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    harness.client.drain(id, &drain(Duration::from_secs(3600))).await.unwrap();
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    wait_until(&harness, job, |job| job.state == JobState::Succeeded).await;
    until_told(&harness, id, NodeEventKind::Drained).await;

    harness.client.uncordon(id).await.unwrap();
    let job = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    harness.client.drain(id, &drain(Duration::from_secs(3600))).await.unwrap();
    harness.client.uncordon(id).await.unwrap();
    let response = node.sync().await.unwrap();
    assert!(response.desired.iter().all(|one| !one.stop));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_nodes_history_tells_what_happened_to_it(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let id = node_id(&harness, "a").await;
    harness.client.cordon(id).await.unwrap();
    harness.client.uncordon(id).await.unwrap();
    sqlx::query("UPDATE nodes SET last_seen_at = now() - interval '1 hour'")
        .execute(&harness.app.pool)
        .await
        .unwrap();
    until_told(&harness, id, NodeEventKind::Unreachable).await;
    node.sync().await.unwrap();
    until_told(&harness, id, NodeEventKind::Back).await;
    let labels = UpdateNode { labels: [("rack".to_owned(), "r7".to_owned())].into() };
    let labelled = harness.client.update_node(id, &labels).await.unwrap();
    assert_eq!((labelled.labels, labelled.admin_labels), (labels.labels.clone(), labels.labels));
    // The scheduler takes it for the node's own.
    let job = submit(&harness, |spec| {
        spec.placement = serde_json::from_str(r#"{"constraints": ["label.rack == r7"]}"#).unwrap();
    })
    .await;
    node.wait_for(job).await;
    use NodeEventKind::{Back, Cordoned, Labelled, Registered, Uncordoned, Unreachable};
    assert_eq!(kinds(&harness, id).await, [Registered, Cordoned, Uncordoned, Unreachable, Back, Labelled]);
    let events = harness.client.node_events(id).await.unwrap().items;
    assert_eq!((events[0].actor.as_str(), events[1].actor.as_str()), ("user:admin", "node:a"));
    assert!(events[0].message.contains("rack=r7"), "{}", events[0].message);

    for _ in 0..1010 {
        sqlx::query("SELECT node_event($1, 'back', 'x', 'node:a')")
            .bind(id.0)
            .execute(&harness.app.pool)
            .await
            .unwrap();
    }
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM node_events").fetch_one(&harness.app.pool).await.unwrap();
    assert_eq!(kept, 1000, "a history has a bound");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn another_teams_jobs_on_a_node_are_a_number(pool: PgPool) {
    let harness = start(pool).await;
    let mut node = Node::join(&harness, "a").await;
    let id = node_id(&harness, "a").await;
    let (stranger, client) = harness.user("eve", Role::Member).await;
    sqlx::query("DELETE FROM team_members WHERE user_id = $1")
        .bind(stranger.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let job = submit(&harness, |_| {}).await;
    node.wait_for(job).await;
    let attempt: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM attempts").fetch_one(&harness.app.pool).await.unwrap();
    let gpu = r#"[{"index": 0, "uuid": "u", "model": "m", "memory_bytes": 1}]"#;
    sqlx::query("UPDATE nodes SET gpus = $1::jsonb").bind(gpu).execute(&harness.app.pool).await.unwrap();
    sqlx::query("INSERT INTO gpu_claims (node_id, gpu_index, attempt_id) VALUES ($1, 0, $2)")
        .bind(id.0)
        .bind(attempt)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let cluster = harness.client.clusters().await.unwrap().items[0].id;
    let seen = async |client: &lilac_api::client::Client| {
        let node = client.node(id).await.unwrap();
        let jobs = client.node_jobs(id).await.unwrap().items.len();
        let of_cluster = client.cluster_jobs(cluster).await.unwrap().items.len();
        (node.running_jobs, node.gpus[0].job, jobs, of_cluster)
    };
    assert_eq!(seen(&harness.client).await, (1, Some(job), 1, 1));
    assert_eq!(seen(&client).await, (1, None, 0, 0));
    let listed = client.nodes().await.unwrap().items;
    assert_eq!((listed[0].running_jobs, listed[0].gpus[0].job), (1, None));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn bad_orders_to_nodes_and_clusters_are_refused_by_field(pool: PgPool) {
    let harness = start(pool).await;
    let _node = Node::join(&harness, "a").await;
    let id = node_id(&harness, "a").await;
    let client = &harness.client;
    let late = client.drain(id, &drain(Duration::from_secs(31 * 86_400))).await;
    assert_eq!(refused_fields(late), ["within"]);
    let wordy = DrainNode { within: Span(Duration::ZERO), reason: "x".repeat(501) };
    assert_eq!(refused_fields(client.drain(id, &wordy).await), ["reason"]);
    for (key, value, path) in [("a b", "x", "labels.a b"), ("a", &*"x".repeat(256), "labels.a")] {
        let labels = UpdateNode { labels: BTreeMap::from([(key.to_owned(), value.to_owned())]) };
        assert_eq!(refused_fields(client.update_node(id, &labels).await), [path]);
    }
    let bearer = harness.admin_header().await;
    let auth = [("authorization", bearer.as_str())];
    for (method, path, body, status) in [
        ("POST", format!("/nodes/{id}/drain"), "", 400),
        ("POST", format!("/nodes/{id}/drain"), "{}", 422),
        ("POST", format!("/nodes/{id}/drain"), r#"{"within": -1}"#, 422),
        ("POST", format!("/nodes/{id}/cordon"), "[", 400),
        ("POST", format!("/nodes/{id}/cordon"), r#"{"why": 1}"#, 422),
        ("PATCH", format!("/nodes/{id}"), r#"{"name": "b"}"#, 422),
        ("GET", format!("/nodes/{id}/events?cursor=x"), "", 400),
        ("GET", format!("/nodes/{id}/jobs?state=nope"), "", 400),
        ("GET", format!("/nodes/{}/events", NodeId::new()), "", 404),
        ("POST", format!("/nodes/{}/drain", NodeId::new()), r#"{"within": "1h"}"#, 404),
        ("GET", format!("/clusters/{}/stats", ClusterId::new()), "", 404),
        ("GET", format!("/clusters/{}/nodes", ClusterId::new()), "", 404),
        ("GET", format!("/clusters/{}/jobs", ClusterId::new()), "", 404),
        ("DELETE", format!("/clusters/{}", ClusterId::new()), "", 404),
    ] {
        let answer = harness.send_json(method, &path, &auth, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {}", answer.body);
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_cluster_is_changed_by_version_and_deleted_when_nothing_needs_it(pool: PgPool) {
    let harness = start(pool).await;
    let client = &harness.client;
    let request = |name: &str| CreateCluster {
        name: name.into(),
        placement_policy: PlacementPolicy::BestFit,
        max_disconnect: None,
    };
    let made = client.create_cluster(&request("west")).await.unwrap();
    let bearer = harness.admin_header().await;
    let auth = ("authorization", bearer.as_str());
    let path = format!("/clusters/{}", made.id);
    assert_eq!(harness.send_json("GET", &path, &[auth], "").await.header("etag"), "\"1\"");
    let body = r#"{"placement_policy": "first-fit", "max_disconnect": "1m"}"#;
    let changed = harness.send_json("PATCH", &path, &[auth, ("if-match", "\"1\"")], body).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.body["placement_policy"], "first-fit");
    for method in ["PATCH", "DELETE"] {
        let stale = harness.send_json(method, &path, &[auth, ("if-match", "\"1\"")], "{}").await;
        assert_eq!((stale.status.as_u16(), stale.code()), (412, "version-mismatch"));
    }
    let short =
        UpdateCluster { max_disconnect: Some(Span(Duration::from_secs(9))), ..UpdateCluster::default() };
    assert_eq!(refused_fields(client.update_cluster(made.id, &short).await), ["max_disconnect"]);

    let queue = client.queues().await.unwrap().items[0].id;
    let clusters = |names: &[&str]| UpdateQueue {
        clusters: Some(names.iter().map(ToString::to_string).collect()),
        ..UpdateQueue::default()
    };
    client.update_queue(queue, &clusters(&["default", "west"])).await.unwrap();
    let needed = refused(client.delete_cluster(made.id).await);
    assert_eq!((needed.status, needed.detail.contains("default")), (409, true), "{}", needed.detail);
    client.update_queue(queue, &clusters(&["default"])).await.unwrap();
    let default =
        client.clusters().await.unwrap().items.into_iter().find(|one| one.name == "default").unwrap().id;
    let _node = Node::join(&harness, "a").await;
    refused_as(client.delete_cluster(default).await, 409, ErrorCode::Conflict);
    let stats = client.cluster_stats(default).await.unwrap();
    assert_eq!((stats.nodes[&NodeState::Ready], stats.capacity.cpu_milli, stats.running_jobs), (1, 4000, 0));
    assert_eq!(client.cluster_nodes(default).await.unwrap().items.len(), 1);

    let key = CreateJoinKey { name: "k".into(), reusable: true, expires_in: None };
    let key = client.create_join_key(made.id, &key).await.unwrap();
    client.delete_cluster(made.id).await.unwrap();
    refused_as(client.cluster(made.id).await, 404, ErrorCode::NotFound);
    let request_node = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        name: "n".into(),
        machine_id: "m".into(),
        agent_version: "1".into(),
    };
    assert_eq!(
        refused(harness.as_holder(&key.secret).register(&request_node).await).status,
        401,
        "its keys are void"
    );
    assert_eq!(refused_fields(client.update_queue(queue, &clusters(&["west"])).await), ["clusters[0]"]);
    client.create_cluster(&request("west")).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn of_racing_machines_one_joins_with_a_key_for_one(pool: PgPool) {
    let harness = start(pool).await;
    let cluster = harness.client.clusters().await.unwrap().items[0].id;
    let key = CreateJoinKey { name: "once".into(), reusable: false, expires_in: None };
    let key = harness.client.create_join_key(cluster, &key).await.unwrap();
    let joins = (0..8).map(|number| {
        let client = harness.as_holder(&key.secret);
        async move {
            let name = format!("n{number}");
            let request = RegisterRequest {
                protocol: PROTOCOL_VERSION,
                machine_id: format!("m{number}"),
                name,
                agent_version: "1".into(),
            };
            client.register(&request).await
        }
    });
    let joined = futures::future::join_all(joins).await;
    assert_eq!(joined.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(joined.into_iter().filter(|one| one.is_err()).all(|one| refused(one).status == 401));
    assert_eq!(harness.client.join_keys(cluster).await.unwrap().items[0].uses, 1);
    assert_eq!(harness.client.nodes().await.unwrap().items.len(), 1);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_quota_holds_jobs_back_and_says_so(pool: PgPool) {
    let harness = start(pool).await;
    let queue = harness.client.queues().await.unwrap().items[0].id;
    let one_at_a_time = UpdateQueue {
        quota: Some(Quota { running_jobs: Some(1), ..Quota::default() }),
        ..UpdateQueue::default()
    };
    harness.client.update_queue(queue, &one_at_a_time).await.unwrap();
    let mut node = Node::join(&harness, "a").await;
    let first = submit(&harness, |_| {}).await;
    let attempt = node.wait_for(first).await;
    let second = submit(&harness, |_| {}).await;
    let waits = wait_until(&harness, second, |job| job.reason.is_some()).await;
    assert_eq!((waits.state, waits.reason), (JobState::Queued, Some(Reason::QuotaExceeded)));
    assert!(waits.message.contains("1 job at a time"), "{}", waits.message);
    let stats = harness.client.queue_stats(queue).await.unwrap();
    assert_eq!((stats.used.running_jobs, stats.used.queued_jobs, stats.quota.running_jobs), (1, 1, Some(1)));
    node.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    node.sync().await.unwrap();
    node.reports.clear();
    node.wait_for(second).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_node_reads_and_writes_nothing_of_another(pool: PgPool) {
    let harness = start(pool).await;
    let mut owner = Node::join(&harness, "a").await;
    let job = submit(&harness, |_| {}).await;
    let attempt = owner.wait_for(job).await;
    let mut other = Node::join(&harness, "b").await;
    // What another node says of it changes nothing, and it is told nothing of it.
    other.report(attempt, 1, Phase::Ended, Some(result(Outcome::Exited, Some(0))));
    let answer = other.sync().await.unwrap();
    assert!(answer.desired.is_empty());
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Starting);
}
