//! Clusters, join keys and nodes, as callers see them.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::Duration;

use crate::support::{Harness, refused, refused_as, refused_fields, start};
use lilac_api::agent::{
    NodeCapacity, PROTOCOL_VERSION, RegisterRequest, RegisterResponse, RuntimeHealth, SyncRequest,
};
use lilac_api::auth::Role;
use lilac_api::client::{Client, ClientError};
use lilac_api::cluster::{
    Cluster, CreateCluster, CreateJoinKey, CreatedJoinKey, Engine, Gpu, Node, NodeState, PlacementPolicy,
};
use lilac_api::job::{Amounts, JobState};
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_api::spec::JobSpec;
use lilac_api::{AttemptId, ClusterId, JobId, JoinKeyId, NodeId, SessionId};
use lilac_server::bell::Topic;
use sqlx::PgPool;
use strum::VariantArray;
use uuid::Uuid;

fn cluster(name: &str) -> CreateCluster {
    CreateCluster { name: name.into(), placement_policy: PlacementPolicy::FirstFit, max_disconnect: None }
}

async fn default_cluster(harness: &Harness) -> Cluster {
    harness.client.clusters().await.unwrap().items.into_iter().find(|c| c.name == "default").unwrap()
}

async fn join_key(harness: &Harness, cluster: ClusterId, reusable: bool) -> CreatedJoinKey {
    let request = CreateJoinKey { name: "machines".into(), reusable, expires_in: None };
    harness.client.create_join_key(cluster, &request).await.unwrap()
}

async fn register(
    harness: &Harness,
    key: &CreatedJoinKey,
    name: &str,
) -> Result<RegisterResponse, ClientError> {
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        name: name.into(),
        machine_id: format!("machine-of-{name}"),
        agent_version: "0.1.0".into(),
    };
    harness.as_holder(&key.secret).register(&request).await
}

/// What the agent of a node with one CPU, two GPUs and a working Docker says first.
fn first_sync(name: &str) -> SyncRequest {
    let gpu = |index| Gpu {
        index,
        uuid: format!("GPU-{name}-{index}"),
        model: "NVIDIA H100".into(),
        memory_bytes: 80 << 30,
        ..Gpu::default()
    };
    SyncRequest {
        protocol: PROTOCOL_VERSION,
        agent_version: "0.1.0".into(),
        boot_id: Uuid::now_v7(),
        machine_id: format!("machine-of-{name}"),
        session: SessionId::new(),
        sequence: 0,
        capacity: NodeCapacity {
            cpu_milli: 1000,
            memory_bytes: 1 << 30,
            disk_bytes: 1 << 40,
            gpus: vec![gpu(0), gpu(1)],
        },
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        runtime: RuntimeHealth { ok: true, version: "20.10".into(), ..RuntimeHealth::default() },
        attempts: Vec::new(),
        images: None,
        address: None,
        no_wait: true,
    }
}

/// A node that joined and spoke once; and the client that speaks for it.
async fn living_node(harness: &Harness, name: &str) -> (NodeId, Client) {
    let cluster = default_cluster(harness).await;
    let joined = register(harness, &join_key(harness, cluster.id, false).await, name).await.unwrap();
    let agent = harness.as_holder(&joined.credential);
    agent.sync(&first_sync(name)).await.unwrap();
    (joined.node_id, agent)
}

/// A job of half a CPU and one GPU that holds its place on the node, as the scheduler would have placed it.
async fn place_job(harness: &Harness, node: NodeId, gpu_index: i16) -> JobId {
    let job = harness.client.submit(&JobSpec::new("job", "busybox"), None).await.unwrap().id;
    let attempt = AttemptId::new();
    let mut tx = harness.app.pool.begin().await.unwrap();
    sqlx::query("UPDATE jobs SET state = 'starting', epoch = 1 WHERE id = $1")
        .bind(job.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO attempts (id, job_id, epoch, state, lease_millis) VALUES ($1, $2, 1, 'granted', 300000)",
    )
    .bind(attempt.0)
    .bind(job.0)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, gpu_indices, lease_until)
         VALUES ($1, 0, $2, 500, 1048576, 1024, ARRAY[$3::smallint], now() + interval '5 minutes')",
    )
    .bind(attempt.0)
    .bind(node.0)
    .bind(gpu_index)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("INSERT INTO gpu_claims (node_id, gpu_index, attempt_id) VALUES ($1, $2, $3)")
        .bind(node.0)
        .bind(gpu_index)
        .bind(attempt.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    job
}

async fn fall_silent(harness: &Harness, node: NodeId) {
    sqlx::query("UPDATE nodes SET last_seen_at = now() - interval '31 seconds' WHERE id = $1")
        .bind(node.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn each_placement_policy_can_be_chosen_and_the_one_that_minds_fragments_is_the_default(pool: PgPool) {
    let harness = start(pool).await;
    let policies = PlacementPolicy::VARIANTS;
    assert_eq!(policies.len(), 4);
    for (number, policy) in policies.iter().enumerate() {
        let request = CreateCluster { placement_policy: *policy, ..cluster(&format!("c{number}")) };
        assert_eq!(harness.client.create_cluster(&request).await.unwrap().placement_policy, *policy);
    }
    let bearer = harness.admin_header().await;
    let body = r#"{"name": "unsaid"}"#;
    let made = harness.send_json("POST", "/clusters", &[("authorization", &bearer)], body).await;
    assert_eq!((made.status.as_u16(), &made.body["placement_policy"]), (201, &"fragmentation-aware".into()));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_cluster_is_made_and_found_again(pool: PgPool) {
    let harness = start(pool).await;
    let request = CreateCluster { max_disconnect: Some(Span(Duration::from_secs(90))), ..cluster("west") };
    let made = harness.client.create_cluster(&request).await.unwrap();
    assert_eq!(
        (made.placement_policy, made.max_disconnect),
        (PlacementPolicy::FirstFit, request.max_disconnect.unwrap())
    );
    assert_eq!((made.nodes, made.capacity), (0, Amounts::default()));
    let names: Vec<String> =
        harness.client.clusters().await.unwrap().items.into_iter().map(|cluster| cluster.name).collect();
    assert_eq!(names, ["default", "west"]);
    let bearer = harness.admin_header().await;
    let auth = [("authorization", bearer.as_str())];
    let one = harness.send_json("GET", &format!("/clusters/{}", made.id), &auth, "").await;
    assert_eq!((one.status.as_u16(), one.body["name"].as_str()), (200, Some("west")));
    for path in [format!("/clusters/{}", ClusterId::new()), "/clusters/west".to_owned()] {
        assert_eq!(harness.send_json("GET", &path, &auth, "").await.status, 404, "{path}");
    }
    refused_as(harness.client.create_cluster(&request).await, 409, ErrorCode::NameTaken);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refused_cluster_names_the_field(pool: PgPool) {
    let harness = start(pool).await;
    for secs in [0, 9, 86_401, u64::MAX / 1000] {
        let max_disconnect = Some(Span(Duration::from_secs(secs)));
        let request = CreateCluster { max_disconnect, ..cluster("west") };
        assert_eq!(
            refused_fields(harness.client.create_cluster(&request).await),
            ["max_disconnect"],
            "{secs}"
        );
    }
    for name in ["", "a b", "-a", &"x".repeat(64)] {
        assert_eq!(refused_fields(harness.client.create_cluster(&cluster(name)).await), ["name"], "{name}");
    }
    assert_eq!(harness.client.clusters().await.unwrap().items.len(), 1);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn everyone_reads_and_administrators_rule(pool: PgPool) {
    let harness = start(pool).await;
    let (node, agent) = living_node(&harness, "n1").await;
    let id = default_cluster(&harness).await.id;
    let key = CreateJoinKey { name: "k".into(), reusable: false, expires_in: None };
    for (name, role) in [("viewer", Role::Viewer), ("member", Role::Member)] {
        let (_, client) = harness.user(name, role).await;
        assert_eq!(client.clusters().await.unwrap().items.len(), 1);
        assert_eq!(client.nodes().await.unwrap().items.len(), 1);
        assert_eq!(client.node(node).await.unwrap().name, "n1");
        refused_as(client.create_cluster(&cluster("west")).await, 403, ErrorCode::Forbidden);
        refused_as(client.join_keys(id).await, 403, ErrorCode::Forbidden);
        refused_as(client.create_join_key(id, &key).await, 403, ErrorCode::Forbidden);
        refused_as(client.revoke_join_key(id, JoinKeyId::new()).await, 403, ErrorCode::Forbidden);
        refused_as(client.cordon(node).await, 403, ErrorCode::Forbidden);
        refused_as(client.uncordon(node).await, 403, ErrorCode::Forbidden);
        refused_as(client.remove_node(node).await, 403, ErrorCode::Forbidden);
    }
    for client in [harness.anonymous(), harness.as_holder(&lilac_api::auth::Secret("x".into()))] {
        assert_eq!(refused(client.clusters().await).status, 401);
        assert_eq!(refused(client.remove_node(node).await).status, 401);
    }
    refused_as(agent.nodes().await, 403, ErrorCode::Forbidden);
    refused_as(agent.remove_node(node).await, 403, ErrorCode::Forbidden);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_join_key_lets_machines_in_until_it_is_used_up_or_revoked(pool: PgPool) {
    let harness = start(pool).await;
    let cluster = default_cluster(&harness).await.id;
    let once = join_key(&harness, cluster, false).await;
    let many = join_key(&harness, cluster, true).await;
    let first = register(&harness, &once, "n1").await.unwrap();
    refused_as(register(&harness, &once, "n2").await, 401, ErrorCode::Unauthenticated);
    // Its answer was lost, so it asks again; what the first one gave is void.
    let again = register(&harness, &once, "n1").await.unwrap();
    assert_eq!(again.node_id, first.node_id);
    let hear =
        async |joined: &RegisterResponse| harness.as_holder(&joined.credential).sync(&first_sync("n1")).await;
    refused_as(hear(&first).await, 401, ErrorCode::Unauthenticated);
    hear(&again).await.unwrap();
    let later = "UPDATE join_keys SET last_used_at = last_used_at - interval '11 minutes' WHERE NOT reusable";
    sqlx::query(later).execute(&harness.app.pool).await.unwrap();
    refused_as(register(&harness, &once, "n1").await, 401, ErrorCode::Unauthenticated);
    register(&harness, &many, "n2").await.unwrap();
    register(&harness, &many, "n3").await.unwrap();

    let listed = harness.client.join_keys(cluster).await.unwrap().items;
    let shown: Vec<_> = listed.iter().map(|key| (key.id, key.uses, key.last_used_at.is_some())).collect();
    assert_eq!(shown, [(many.key.id, 2, true), (once.key.id, 1, true)], "the newest first");
    assert!(many.secret.0.starts_with(&listed[0].prefix) && listed[0].prefix.starts_with("lilac_join_"));

    let elsewhere = harness.client.create_cluster(&self::cluster("west")).await.unwrap().id;
    refused_as(harness.client.revoke_join_key(elsewhere, many.key.id).await, 404, ErrorCode::NotFound);
    harness.client.revoke_join_key(cluster, many.key.id).await.unwrap();
    refused_as(register(&harness, &many, "n4").await, 401, ErrorCode::Unauthenticated);
    let revoked = harness.client.join_keys(cluster).await.unwrap().items.remove(0).revoked_at;
    assert!(revoked.is_some());
    harness.client.revoke_join_key(cluster, many.key.id).await.unwrap();
    let again = harness.client.join_keys(cluster).await.unwrap().items.remove(0).revoked_at;
    assert_eq!(again, revoked, "it was revoked then, not now");
    assert_eq!(harness.client.nodes().await.unwrap().items.len(), 3, "those that came with it stay");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn join_keys_that_cannot_be_are_refused(pool: PgPool) {
    let harness = start(pool).await;
    let cluster = default_cluster(&harness).await.id;
    let key = CreateJoinKey { name: "k".into(), reusable: false, expires_in: None };
    let bad = CreateJoinKey { name: String::new(), expires_in: Some(Span(Duration::ZERO)), ..key.clone() };
    assert_eq!(refused_fields(harness.client.create_join_key(cluster, &bad).await), ["name", "expires_in"]);
    refused_as(harness.client.create_join_key(ClusterId::new(), &key).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.join_keys(ClusterId::new()).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.revoke_join_key(cluster, JoinKeyId::new()).await, 404, ErrorCode::NotFound);
    let bearer = harness.admin_header().await;
    let auth = [("authorization", bearer.as_str())];
    for path in
        [format!("/clusters/{cluster}/api-keys/x"), format!("/clusters/x/api-keys/{}", Uuid::now_v7())]
    {
        let answer = harness.send_json("DELETE", &path, &auth, "").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (404, "not-found"), "{path}");
    }
    let hour = Some(Span(Duration::from_secs(3600)));
    let made =
        harness.client.create_join_key(cluster, &CreateJoinKey { expires_in: hour, ..key }).await.unwrap();
    assert_eq!((made.key.expires_at.unwrap() - made.key.created_at).num_minutes(), 60);
    sqlx::query("UPDATE join_keys SET expires_at = now() WHERE id = $1")
        .bind(made.key.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    refused_as(register(&harness, &made, "late").await, 401, ErrorCode::Unauthenticated);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_node_shows_what_it_has_and_who_holds_it(pool: PgPool) {
    let harness = start(pool).await;
    let (b, _) = living_node(&harness, "b").await;
    living_node(&harness, "a").await;
    let job = place_job(&harness, b, 1).await;
    let nodes = harness.client.nodes().await.unwrap().items;
    let [a, b]: [Node; 2] = nodes.try_into().unwrap();
    assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
    let whole = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 1 << 40, gpus: 2 };
    assert_eq!((a.capacity, a.allocated, a.running_jobs), (whole, Amounts::default(), 0));
    let held = Amounts { cpu_milli: 500, memory_bytes: 1 << 20, disk_bytes: 1024, gpus: 1 };
    assert_eq!((b.capacity, b.allocated, b.running_jobs), (whole, held, 1));
    assert_eq!(b.gpus.iter().map(|gpu| gpu.job).collect::<Vec<_>>(), [None, Some(job)]);
    assert!(a.gpus.iter().all(|gpu| gpu.job.is_none()), "the GPU of the same index on another node is free");
    assert_eq!(
        (b.state, b.cluster.as_str(), b.docker_version.as_str()),
        (NodeState::Ready, "default", "20.10")
    );
    assert_eq!(b.labels.get("zone").map(String::as_str), Some("a"));
    assert_eq!(harness.client.node(b.id).await.unwrap().gpus, b.gpus);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_cluster_sums_up_its_living_nodes(pool: PgPool) {
    let harness = start(pool).await;
    harness.client.create_cluster(&cluster("west")).await.unwrap();
    let (well, _) = living_node(&harness, "well").await;
    let (silent, _) = living_node(&harness, "silent").await;
    let (sick, _) = living_node(&harness, "sick").await;
    let (removed, _) = living_node(&harness, "removed").await;
    place_job(&harness, well, 0).await;
    place_job(&harness, well, 1).await;
    place_job(&harness, silent, 0).await;
    fall_silent(&harness, silent).await;
    sqlx::query("UPDATE nodes SET runtime_ok = false WHERE id = $1")
        .bind(sick.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    harness.client.remove_node(removed).await.unwrap();
    harness.client.cordon(well).await.unwrap();

    let shown = default_cluster(&harness).await;
    assert_eq!((shown.nodes, shown.nodes_alive), (3, 1), "the cordoned one is alive, the sick one is not");
    let capacity = Amounts { cpu_milli: 2000, memory_bytes: 2 << 30, disk_bytes: 2 << 40, gpus: 4 };
    let allocated = Amounts { cpu_milli: 1000, memory_bytes: 2 << 20, disk_bytes: 2048, gpus: 2 };
    assert_eq!((shown.capacity, shown.allocated), (capacity, allocated));
    let west = harness.client.clusters().await.unwrap().items.remove(1);
    assert_eq!((west.nodes, west.capacity, west.allocated), (0, Amounts::default(), Amounts::default()));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nodes_of_any_size_can_be_summed(pool: PgPool) {
    let harness = start(pool).await;
    for name in ["a", "b"] {
        let (node, _) = living_node(&harness, name).await;
        sqlx::query(
            "UPDATE nodes SET cpu_milli = 2147483647, memory_bytes = 9223372036854775807,
                    disk_bytes = 9223372036854775807 WHERE id = $1",
        )
        .bind(node.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    }
    let capacity = default_cluster(&harness).await.capacity;
    assert_eq!((capacity.cpu_milli, capacity.memory_bytes), (u32::MAX - 1, i64::MAX.unsigned_abs()));
    assert_eq!(harness.client.nodes().await.unwrap().items.len(), 2);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_node_says_in_words_how_it_is(pool: PgPool) {
    let harness = start(pool).await;
    let cluster = default_cluster(&harness).await.id;
    let joined = register(&harness, &join_key(&harness, cluster, false).await, "n1").await.unwrap();
    let state =
        async || harness.client.node(joined.node_id).await.map(|node| (node.state, node.message)).unwrap();
    assert_eq!(state().await.0, NodeState::Joining);

    let agent = harness.as_holder(&joined.credential);
    let mut sync = first_sync("n1");
    sync.runtime = RuntimeHealth { message: "no socket there".into(), ..RuntimeHealth::default() };
    agent.sync(&sync).await.unwrap();
    assert_eq!(state().await, (NodeState::Unhealthy, "no socket there".to_owned()));
    sync.runtime = RuntimeHealth { ok: true, version: "20.10".into(), ..RuntimeHealth::default() };
    sync.sequence = 1;
    agent.sync(&sync).await.unwrap();
    assert_eq!(state().await, (NodeState::Ready, String::new()));
    let engine = async || harness.client.node(joined.node_id).await.map(|node| node.engine).unwrap();
    assert_eq!(engine().await, Engine::Docker, "an agent that does not tell");
    sync.runtime.engine = Engine::Podman;
    sync.sequence = 2;
    agent.sync(&sync).await.unwrap();
    assert_eq!(engine().await, Engine::Podman);

    let mut listener = harness.app.bell.listen();
    let cordoned = harness.client.cordon(joined.node_id).await.unwrap();
    assert_eq!(cordoned.state, NodeState::Cordoned);
    let view = Topic::NodeView(joined.node_id);
    assert!(listener.wait_for(Duration::from_secs(5), Duration::ZERO, |topic| topic == view).await);
    assert_eq!(harness.client.uncordon(joined.node_id).await.unwrap().state, NodeState::Ready);

    place_job(&harness, joined.node_id, 0).await;
    fall_silent(&harness, joined.node_id).await;
    let (word, message) = state().await;
    assert_eq!(word, NodeState::Unreachable);
    assert!(
        message.starts_with("silent since ") && message.contains("its jobs wait for it until"),
        "{message}"
    );
    refused_as(harness.client.cordon(NodeId::new()).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn removing_a_node_gives_its_jobs_back_and_voids_its_credential(pool: PgPool) {
    let harness = start(pool).await;
    let (node, agent) = living_node(&harness, "n1").await;
    let job = place_job(&harness, node, 0).await;
    let mut listener = harness.app.bell.listen();
    harness.client.remove_node(node).await.unwrap();

    assert!(
        listener.wait_for(Duration::from_secs(5), Duration::ZERO, |topic| topic == Topic::Job(job)).await
    );
    assert_eq!(harness.client.job(job).await.unwrap().state, JobState::Queued);
    let last = harness.client.job_events(job).await.unwrap().items.pop().unwrap();
    assert_eq!(last.actor, "user:admin", "who attested it stands in the job's history");
    assert!(last.message.contains("n1"), "{}", last.message);
    let held: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM gpu_claims) + (SELECT count(*) FROM tasks WHERE released_at IS NULL)",
    )
    .fetch_one(&harness.app.pool)
    .await
    .unwrap();
    assert_eq!(held, 0);

    refused_as(agent.sync(&first_sync("n1")).await, 401, ErrorCode::Unauthenticated);
    assert!(harness.client.nodes().await.unwrap().items.is_empty());
    for result in [harness.client.node(node).await.map(|_| ()), harness.client.remove_node(node).await] {
        refused_as(result, 404, ErrorCode::NotFound);
    }
    for result in [harness.client.cordon(node).await, harness.client.uncordon(node).await] {
        refused_as(result, 404, ErrorCode::NotFound);
    }
    let (again, _) = living_node(&harness, "n1").await;
    assert_ne!(again, node, "the name is free, and the node another one");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn thousands_of_nodes_are_read_page_by_page(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let cluster = default_cluster(&harness).await;
    let add = "INSERT INTO nodes (id, cluster_id, name, machine_id, credential_hmac)
               SELECT gen_random_uuid(), $1, 'n' || lpad(i::text, 4, '0'), i, decode(lpad(i::text, 4, '0'), 'hex')
               FROM generate_series(1, 1203) i";
    sqlx::query(add).bind(cluster.id.0).execute(&pool).await.unwrap();
    for all in
        [harness.client.nodes().await.unwrap(), harness.client.cluster_nodes(cluster.id).await.unwrap()]
    {
        let names: Vec<String> = all.items.into_iter().map(|node| node.name).collect();
        assert_eq!((names.len(), names.is_sorted()), (1203, true), "all of them, by name");
    }
    let bearer = harness.admin_header().await;
    let page = async |query: &str| {
        let path = format!("/nodes?{query}");
        harness.send_json("GET", &path, &[("authorization", bearer.as_str())], "").await
    };
    let first = page("").await.body;
    assert_eq!(first["items"].as_array().unwrap().len(), 500, "an answer has a bound");
    // A node that goes in between shifts nothing.
    let last = &first["items"][499];
    sqlx::query("UPDATE nodes SET removed_at = now() WHERE name IN ('n0001', 'n0500')")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(last["name"], "n0500");
    let next = page(&format!("limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await.body;
    assert_eq!((next["items"].as_array().unwrap().len(), &next["items"][0]["name"]), (1, &"n0501".into()));
    for query in ["limit=0", "limit=501", "cursor=x", "name=n1"] {
        assert_eq!(page(query).await.status, 400, "{query}");
    }
}
