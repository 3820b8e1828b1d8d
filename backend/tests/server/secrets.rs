//! Secrets, registry logins and volumes: set by those who may, read by nobody, and given to the one node that
//! runs the job.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use crate::support::{Harness, SECRET_KEY, refused, refused_as, refused_fields, start};
use lilac_api::agent::{PROTOCOL_VERSION, RegisterRequest};
use lilac_api::auth::{CreateUser, Role, Secret};
use lilac_api::client::Client;
use lilac_api::cluster::{CreateCluster, CreateJoinKey};
use lilac_api::job::JobState;
use lilac_api::problem::ErrorCode;
use lilac_api::queue::CreateQueue;
use lilac_api::secret::{
    CreateRegistry, CreateSecret, CreateVolume, MAX_SECRET_BYTES, ReplaceSecret, StoredSecret, UpdateVolume,
};
use lilac_api::spec::{JobSpec, VolumeMount};
use lilac_api::{AttemptId, JobId, SecretId};
use lilac_server::secret::rotate;
use lilac_server::secret::vault::Vault;
use sqlx::PgPool;
use uuid::Uuid;

const VALUE: &str = "a value that is nowhere else: 7f3a";

fn secret(name: &str, value: &str) -> CreateSecret {
    CreateSecret { name: name.into(), team: None, value: Secret(value.into()) }
}

fn registry(name: &str, server: &str) -> CreateRegistry {
    CreateRegistry {
        name: name.into(),
        team: None,
        server: server.into(),
        username: "ada".into(),
        password: Secret(VALUE.into()),
    }
}

fn volume(name: &str, host_path: &str) -> CreateVolume {
    CreateVolume {
        name: name.into(),
        host_path: host_path.into(),
        read_only: false,
        teams: Vec::new(),
        clusters: Vec::new(),
    }
}

fn mount(name: &str, target: &str) -> VolumeMount {
    VolumeMount { name: name.into(), target: target.into(), read_only: false }
}

fn spec(change: impl FnOnce(&mut JobSpec)) -> JobSpec {
    let mut spec = JobSpec::new("job", "localhost:5000/image");
    change(&mut spec);
    spec
}

fn with_secret(variable: &str, name: &str) -> JobSpec {
    spec(|spec| {
        spec.secrets.insert(variable.into(), name.into());
    })
}

/// A member of a new team.
async fn stranger(harness: &Harness, team: &str) -> Client {
    sqlx::query("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), $1)")
        .bind(team)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    let name = format!("member-of-{team}");
    let request = CreateUser {
        teams: vec![team.into()],
        ..CreateUser::new(&name, Secret("correct horse battery".into()), Role::Member)
    };
    harness.client.create_user(&request).await.unwrap();
    crate::support::log_in(&harness.client, &name, "correct horse battery").await.unwrap()
}

/// A node of the default cluster, and its id.
async fn node(harness: &Harness, name: &str) -> (Client, Uuid) {
    let cluster = harness.client.clusters().await.unwrap().items[0].id;
    let key = CreateJoinKey { name: name.into(), reusable: false, expires_in: None };
    let key = harness.client.create_join_key(cluster, &key).await.unwrap();
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        name: name.into(),
        machine_id: format!("machine-of-{name}"),
        agent_version: "test".into(),
    };
    let joined = harness.client.with_token(key.secret).register(&request).await.unwrap();
    (harness.client.with_token(joined.credential), joined.node_id.0)
}

/// Gives the job to the node, as the scheduler would.
async fn grant(harness: &Harness, job: JobId, node: Uuid) -> AttemptId {
    let attempt = AttemptId::new();
    sqlx::query(
        "INSERT INTO attempts (id, job_id, epoch, state, lease_millis) VALUES ($1, $2, 1, 'granted', 60000)",
    )
    .bind(attempt.0)
    .bind(job.0)
    .execute(&harness.app.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, lease_until)
         VALUES ($1, 0, $2, 1, 1, 1, now() + interval '1 hour')",
    )
    .bind(attempt.0)
    .bind(node)
    .execute(&harness.app.pool)
    .await
    .unwrap();
    attempt
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_secret_is_set_and_replaced_and_never_shown(pool: PgPool) {
    let harness = start(pool).await;
    let (_, member) = harness.user("ada", Role::Member).await;
    let made = member.create_secret(&secret("token", VALUE)).await.unwrap();
    assert_eq!((made.name.as_str(), made.team.as_str(), made.version), ("token", "default", 1));
    assert_eq!((made.created_by.as_str(), made.updated_by.as_str()), ("ada", "ada"));
    refused_as(member.create_secret(&secret("token", "x")).await, 409, ErrorCode::NameTaken);
    let replaced = harness
        .client
        .replace_secret(made.id, &ReplaceSecret { value: Secret("other".into()) })
        .await
        .unwrap();
    assert_eq!((replaced.version, replaced.updated_by.as_str()), (2, "admin"));
    assert!(replaced.updated_at >= made.updated_at);
    let text = serde_json::to_string(&member.secrets(None).await.unwrap()).unwrap();
    assert!(text.contains("token") && !text.contains("other") && !text.contains(VALUE), "{text}");

    let actions: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT actor, action, object FROM audit WHERE action LIKE 'secret.%' ORDER BY sequence",
    )
    .fetch_all(&harness.app.pool)
    .await
    .unwrap();
    let expected = [("user:ada", "secret.create"), ("user:admin", "secret.replace")];
    let actions: Vec<_> = actions
        .iter()
        .map(|(actor, action, object)| {
            assert_eq!(object, "secret:default/token");
            (actor.as_str(), action.as_str())
        })
        .collect();
    assert_eq!(actions, expected);
    member.delete_secret(made.id).await.unwrap();
    refused_as(member.delete_secret(made.id).await, 404, ErrorCode::NotFound);
    assert!(member.secrets(None).await.unwrap().items.is_empty());
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_is_no_secret_is_refused_by_field(pool: PgPool) {
    let harness = start(pool).await;
    for (request, fields) in [
        (secret("", "v"), ["name"]),
        (secret("a/b", "v"), ["name"]),
        (secret("a", ""), ["value"]),
        (secret("a", "a\0b"), ["value"]),
        (secret("a", &"x".repeat(MAX_SECRET_BYTES + 1)), ["value"]),
        (CreateSecret { team: Some("nobody".into()), ..secret("a", "v") }, ["team"]),
    ] {
        assert_eq!(refused_fields(harness.client.create_secret(&request).await), fields, "{request:?}");
    }
    harness.client.create_secret(&secret("a", &"x".repeat(MAX_SECRET_BYTES))).await.unwrap();
    for (server, user) in [
        ("https://r.example", "u"),
        ("r", "u"),
        ("", "u"),
        ("r.example/a", "u"),
        ("r.example:x", "u"),
        ("r.example:99999", "u"),
        ("a b.example", "u"),
    ] {
        let request = CreateRegistry { username: user.into(), ..registry("r", server) };
        assert_eq!(refused_fields(harness.client.create_registry(&request).await), ["server"], "{server}");
    }
    let request = CreateRegistry { username: "a:b".into(), ..registry("r", "r.example") };
    assert_eq!(refused_fields(harness.client.create_registry(&request).await), ["username"]);
    let answer = harness
        .send_json(
            "POST",
            "/secrets",
            &[("authorization", &harness.admin_header().await)],
            format!(r#"{{"name":"b","value":["{VALUE}"]}}"#),
        )
        .await;
    assert_eq!(answer.status, 422);
    assert!(!answer.body.to_string().contains(VALUE), "{}", answer.body);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_team_has_so_many_secrets_and_pages_through_them(pool: PgPool) {
    let harness = start(pool).await;
    let made = harness.client.create_secret(&secret("the-first", "v")).await.unwrap();
    sqlx::query(
        "INSERT INTO secrets (id, team_id, name, key_id, wrapped_key, sealed, created_by, updated_by)
         SELECT gen_random_uuid(), team_id, 'copy-' || n, key_id, wrapped_key, sealed, '', ''
         FROM secrets, generate_series(1, 999) n",
    )
    .execute(&harness.app.pool)
    .await
    .unwrap();
    refused_as(harness.client.create_secret(&secret("one-more", "v")).await, 409, ErrorCode::Conflict);
    let (mut seen, mut cursor) = (Vec::<StoredSecret>::new(), None);
    loop {
        let page = harness.client.secrets(cursor.as_deref()).await.unwrap();
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let names: std::collections::BTreeSet<&str> = seen.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!((seen.len(), names.len()), (1000, 1000));
    harness.client.delete_secret(made.id).await.unwrap();
    harness.client.create_secret(&secret("one-more", "v")).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn nothing_of_a_value_is_in_the_database(pool: PgPool) {
    let harness = start(pool).await;
    harness.client.create_secret(&secret("token", VALUE)).await.unwrap();
    harness.client.create_registry(&registry("login", "localhost:5000")).await.unwrap();
    harness.client.submit(&with_secret("TOKEN", "token"), None).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(&harness.app.pool)
    .await
    .unwrap();
    assert!(tables.contains(&"secrets".to_owned()), "{tables:?}");
    for table in tables {
        let all = format!("SELECT COALESCE(string_agg(row_to_json(t)::text, ' '), '') FROM \"{table}\" t");
        let all: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(all)).fetch_one(&harness.app.pool).await.unwrap();
        let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!all.contains(VALUE) && !all.contains(&hex), "{table}");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_job_names_must_be_its_teams(pool: PgPool) {
    let harness = start(pool).await;
    let stranger = stranger(&harness, "others").await;
    let theirs = stranger.create_secret(&secret("theirs", "v")).await.unwrap();
    stranger.create_registry(&registry("their-login", "localhost:5000")).await.unwrap();
    harness
        .client
        .create_volume(&CreateVolume { teams: vec!["others".into()], ..volume("their-data", "/data") })
        .await
        .unwrap();
    harness.client.create_secret(&secret("ours", "v")).await.unwrap();
    harness.client.create_registry(&registry("elsewhere", "r.example")).await.unwrap();
    let cases = [
        (with_secret("A", "nope"), "secrets.A"),
        (with_secret("A", "theirs"), "secrets.A"),
        (spec(|spec| spec.pull.secret = Some("nope".into())), "pull.secret"),
        (spec(|spec| spec.pull.secret = Some("their-login".into())), "pull.secret"),
        (spec(|spec| spec.pull.secret = Some("elsewhere".into())), "pull.secret"),
        (spec(|spec| spec.volumes = vec![mount("nope", "/a")]), "volumes[0].name"),
        (spec(|spec| spec.volumes = vec![mount("their-data", "/a")]), "volumes[0].name"),
    ];
    for (spec, field) in cases {
        assert_eq!(refused_fields(harness.client.submit(&spec, None).await), [field]);
    }
    harness.client.submit(&with_secret("A", "ours"), None).await.unwrap();
    assert_eq!(
        harness.client.jobs(&Default::default()).await.unwrap().items.len(),
        1,
        "the refused ones left nothing"
    );

    // Another team's secret answers as one that is not there.
    let (_, member) = harness.user("ada", Role::Member).await;
    for id in [theirs.id, SecretId::new()] {
        let problems = [
            refused(member.secret(id).await),
            refused(member.delete_secret(id).await),
            refused(member.replace_secret(id, &ReplaceSecret { value: Secret("v".into()) }).await),
        ];
        for problem in problems {
            assert_eq!((problem.status, problem.detail.as_str()), (404, "there is no such secret"));
        }
    }
    let ours: Vec<StoredSecret> = member.secrets(None).await.unwrap().items;
    assert_eq!(
        ours.iter().map(|secret| (secret.name.as_str(), secret.used_by)).collect::<Vec<_>>(),
        [("ours", 1)]
    );
    let theirs = CreateSecret { team: Some("others".into()), ..secret("x", "v") };
    assert_eq!(refused_fields(member.create_secret(&theirs).await), ["team"]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn only_the_node_that_runs_the_job_gets_its_supplies_and_only_while_it_does(pool: PgPool) {
    let harness = start(pool).await;
    let token = harness.client.create_secret(&secret("token", "the first value")).await.unwrap();
    harness.client.create_registry(&registry("login", "localhost:5000")).await.unwrap();
    harness
        .client
        .create_volume(&CreateVolume { read_only: true, ..volume("data", "/data/sets") })
        .await
        .unwrap();
    let spec = spec(|spec| {
        spec.secrets.insert("TOKEN".into(), "token".into());
        spec.volumes = vec![mount("data", "/in")];
    });
    let job = harness.client.submit(&spec, None).await.unwrap().id;
    let ((client, id), (other, _)) = (node(&harness, "a").await, node(&harness, "b").await);
    let attempt = grant(&harness, job, id).await;
    harness.client.replace_secret(token.id, &ReplaceSecret { value: Secret(VALUE.into()) }).await.unwrap();

    let supplies = client.supplies(attempt).await.unwrap();
    assert_eq!(supplies.env["TOKEN"].0, VALUE, "the value of now, not of the submission");
    let login = supplies.registry.unwrap();
    assert_eq!((login.server.as_str(), login.username.as_str()), ("localhost:5000", "ada"));
    assert_eq!(login.password.0, VALUE);
    let mount = &supplies.mounts[0];
    assert_eq!(
        (mount.host_path.as_str(), mount.target.as_str(), mount.read_only),
        ("/data/sets", "/in", true)
    );
    assert_eq!(supplies.mounts.len(), 1);

    for (caller, attempt) in [(&other, attempt), (&client, AttemptId::new())] {
        refused_as(caller.supplies(attempt).await, 404, ErrorCode::NotFound);
    }
    refused_as(harness.client.supplies(attempt).await, 403, ErrorCode::Forbidden);

    harness.client.delete_secret(token.id).await.unwrap();
    let problem = refused(client.supplies(attempt).await);
    assert_eq!(problem.status, 422);
    let error = &problem.errors[0];
    assert_eq!((error.path.as_str(), error.code.as_str()), ("secrets.TOKEN", "not-found"));
    assert!(error.message.contains("token") && !error.message.contains(VALUE), "{}", error.message);
    harness.client.create_secret(&secret("token", "back")).await.unwrap();
    assert_eq!(client.supplies(attempt).await.unwrap().env["TOKEN"].0, "back");

    sqlx::query("UPDATE tasks SET released_at = now() WHERE attempt_id = $1")
        .bind(attempt.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    refused_as(client.supplies(attempt).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_login_is_used_by_itself_only_where_there_is_but_one(pool: PgPool) {
    let harness = start(pool).await;
    let (client, id) = node(&harness, "a").await;
    harness.client.create_registry(&registry("elsewhere", "r.example")).await.unwrap();
    let job = harness.client.submit(&spec(|_| {}), None).await.unwrap().id;
    let plain = grant(&harness, job, id).await;
    assert_eq!(client.supplies(plain).await.unwrap().registry, None);
    let first = harness.client.create_registry(&registry("one", "LOCALHOST:5000")).await.unwrap();
    assert_eq!(first.server, "localhost:5000");
    assert_eq!(client.supplies(plain).await.unwrap().registry.unwrap().server, "localhost:5000");
    let second = CreateRegistry { username: "bob".into(), ..registry("two", "localhost:5000") };
    harness.client.create_registry(&second).await.unwrap();
    assert_eq!(client.supplies(plain).await.unwrap().registry, None, "nobody can say which");
    let named =
        harness.client.submit(&spec(|spec| spec.pull.secret = Some("two".into())), None).await.unwrap().id;
    let named = grant(&harness, named, id).await;
    assert_eq!(client.supplies(named).await.unwrap().registry.unwrap().username, "bob");
    // A server that was changed by hand gets no password.
    sqlx::query("UPDATE registries SET server = 'localhost:6000' WHERE name = 'one'")
        .execute(&harness.app.pool)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE jobs SET spec = jsonb_set(spec, '{image}', '\"localhost:6000/image\"') WHERE id = $1",
    )
    .bind(job.0)
    .execute(&harness.app.pool)
    .await
    .unwrap();
    assert_eq!(refused(client.supplies(plain).await).status, 500);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_row_put_in_anothers_place_opens_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let (client, id) = node(&harness, "a").await;
    for (name, value) in [("mine", "mine"), ("theirs", VALUE)] {
        harness.client.create_secret(&secret(name, value)).await.unwrap();
    }
    let job = harness.client.submit(&with_secret("A", "mine"), None).await.unwrap().id;
    let attempt = grant(&harness, job, id).await;
    assert_eq!(client.supplies(attempt).await.unwrap().env["A"].0, "mine");
    sqlx::query(
        "UPDATE secrets m SET key_id = t.key_id, wrapped_key = t.wrapped_key, sealed = t.sealed
         FROM secrets t WHERE m.name = 'mine' AND t.name = 'theirs'",
    )
    .execute(&harness.app.pool)
    .await
    .unwrap();
    let problem = refused(client.supplies(attempt).await);
    assert_eq!((problem.status, problem.code), (500, ErrorCode::Internal));
    assert!(!problem.detail.contains(VALUE));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_volume_is_where_the_administrator_says(pool: PgPool) {
    let harness = start(pool).await;
    let stranger = stranger(&harness, "others").await;
    for path in
        ["/", "/etc", "/var/run/docker.sock", "/data/../etc", "data", "/proc/1/root", "/var/lib/docker"]
    {
        assert_eq!(
            refused_fields(harness.client.create_volume(&volume("v", path)).await),
            ["host_path"],
            "{path}"
        );
    }
    let unknown = CreateVolume {
        teams: vec!["default".into(), "x".into()],
        clusters: vec!["y".into()],
        ..volume("v", "/data")
    };
    assert_eq!(refused_fields(harness.client.create_volume(&unknown).await), ["teams[1]", "clusters[0]"]);

    let limited = CreateVolume {
        teams: vec!["default".into()],
        clusters: vec!["default".into()],
        ..volume("data", "/data")
    };
    let limited = harness.client.create_volume(&limited).await.unwrap();
    refused_as(harness.client.create_volume(&volume("data", "/other")).await, 409, ErrorCode::NameTaken);
    assert_eq!(limited.host_path.as_deref(), Some("/data"));
    let (_, member) = harness.user("ada", Role::Member).await;
    let seen = member.volume(limited.id).await.unwrap();
    assert_eq!(
        (seen.name.as_str(), seen.host_path),
        ("data", None),
        "where it lies is the administrators' business"
    );
    assert!(stranger.volumes().await.unwrap().items.is_empty());
    refused_as(stranger.volume(limited.id).await, 404, ErrorCode::NotFound);

    // A queue that also feeds another cluster cannot promise the volume.
    let west =
        CreateCluster { name: "west".into(), placement_policy: Default::default(), max_disconnect: None };
    harness.client.create_cluster(&west).await.unwrap();
    let both = CreateQueue::new("both", 0, vec!["default".into(), "west".into()]);
    harness.client.create_queue(&both).await.unwrap();
    let with_data = |queue: &str| {
        spec(|spec| {
            spec.volumes = vec![mount("data", "/in")];
            spec.queue = queue.into();
        })
    };
    assert_eq!(refused_fields(harness.client.submit(&with_data("both"), None).await), ["volumes[0].name"]);
    let job = harness.client.submit(&with_data("default"), None).await.unwrap();
    assert_eq!(job.state, JobState::Queued);

    // A list that is taken away with its team opens the volume to nobody.
    let (client, id) = node(&harness, "a").await;
    let attempt = grant(&harness, job.id, id).await;
    assert!(!client.supplies(attempt).await.unwrap().mounts[0].read_only);
    let change = UpdateVolume { read_only: Some(true), ..UpdateVolume::default() };
    assert!(harness.client.update_volume(limited.id, &change).await.unwrap().read_only);
    assert!(client.supplies(attempt).await.unwrap().mounts[0].read_only);
    sqlx::query("DELETE FROM volume_teams").execute(&harness.app.pool).await.unwrap();
    let problem = refused(client.supplies(attempt).await);
    assert_eq!((problem.status, problem.errors[0].path.as_str()), (422, "volumes[0].name"));
    harness.client.delete_volume(limited.id).await.unwrap();
    refused_as(harness.client.delete_volume(limited.id).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn keys_are_rotated_under_a_running_server(pool: PgPool) {
    let harness = start(pool).await;
    let (client, id) = node(&harness, "a").await;
    harness.client.create_secret(&secret("token", VALUE)).await.unwrap();
    harness.client.create_registry(&registry("login", "localhost:5000")).await.unwrap();
    let job = harness.client.submit(&with_secret("TOKEN", "token"), None).await.unwrap().id;
    let attempt = grant(&harness, job, id).await;
    let key = |text: &str| Secret(text.to_owned());
    let configured = key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let vault = Vault::new(Some(&configured), None, &key(SECRET_KEY)).unwrap();
    rotate::check_keys(&harness.app.pool, &vault).await.unwrap();
    assert_eq!(rotate::run(&harness.app.pool, &vault).await.unwrap(), 2);
    assert_eq!(rotate::run(&harness.app.pool, &vault).await.unwrap(), 0);
    // The server that does not have the key would fail every job: it does not start.
    let error = rotate::check_keys(&harness.app.pool, &harness.app.vault).await.unwrap_err();
    assert!(error.to_string().contains("LILAC_ENCRYPTION_KEY"), "{error}");
    assert_eq!(refused(client.supplies(attempt).await).status, 500);
    let next = key("ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=");
    let vault = Vault::new(Some(&next), Some(&configured), &key("another secret key, long enough")).unwrap();
    assert_eq!(rotate::run(&harness.app.pool, &vault).await.unwrap(), 2);
    let without_old = Vault::new(Some(&next), None, &key(SECRET_KEY)).unwrap();
    rotate::check_keys(&harness.app.pool, &without_old).await.unwrap();
}
