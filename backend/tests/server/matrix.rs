//! Every route of the API, tried by every kind of caller.
//!
//! The routes come from the OpenAPI document, so none can be forgotten: one without a row fails the test, and
//! so does a row without a route. A row says who may, and holds a body where the server looks at the body before
//! it looks at the object. Each try gets a fresh object, which `member` made in the default team, so that what
//! one caller does is not seen by the next.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::{Harness, PASSWORD, start};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// Whom a route serves, and what the others get.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// Everybody, with or without a credential.
    Anyone,
    /// Every user. 403 for nodes and joiners here and below.
    User,
    /// Every user, but no key without the scope `account` (403).
    Account,
    /// Every user but viewers (403).
    Member,
    /// Administrators; 403 for all others.
    Admin,
    /// Who is in the object's team, and administrators; 404 for all others.
    Team,
    /// Like `Team`, but viewers get 403.
    TeamMember,
    /// Like `Team`, for administrators only: 403 for all others, whatever their team.
    Owner,
    /// The object's user alone; 404 for all others, administrators too.
    Own,
    /// Like `Own`, but who may change nothing gets 403.
    OwnMember,
    /// Every node; 403 for all others.
    Node,
    /// The node that the object belongs to; 404 for other nodes, 403 for all others.
    OwnNode,
    /// Holders of a join key; 403 for all others.
    Joiner,
}

impl Who {
    fn is_machine(self) -> bool {
        matches!(self, Self::Node | Self::OwnNode | Self::Joiner)
    }
}

/// A row a route: its method and path (with a query where one is needed), whom it serves, and the body that is sent.
#[rustfmt::skip]
const ROUTES: &[(&str, Who, &str)] = &[
    ("PUT /agent/attempts/{id}/logs?offset=0", Who::OwnNode, ""),
    ("PUT /agent/attempts/{id}/outputs/{index}", Who::OwnNode, ""),
    ("POST /agent/attempts/{id}/outputs/{index}/failure", Who::OwnNode, r#"{"message": "gone"}"#),
    ("GET /agent/attempts/{id}/supplies", Who::OwnNode, ""),
    ("POST /agent/metrics", Who::Node, "{}"),
    ("GET /agent/streams/{id}", Who::OwnNode, ""),
    ("POST /agent/register", Who::Joiner, "{}"),
    ("POST /agent/sync", Who::Node, "{}"),
    ("GET /api-keys", Who::User, ""),
    ("POST /api-keys", Who::Account, "{}"),
    ("DELETE /api-keys/{id}", Who::Own, ""),
    ("GET /arrays/{id}", Who::Team, ""),
    ("POST /arrays/{id}/cancel", Who::Owner, ""),
    ("POST /auth/login", Who::Anyone, "{}"),
    ("POST /auth/logout", Who::Anyone, ""),
    ("GET /audit", Who::Admin, ""),
    ("GET /audit/verify", Who::Admin, ""),
    ("GET /auth/me", Who::User, ""),
    ("PATCH /auth/me", Who::Account, "{}"),
    ("GET /auth/methods", Who::Anyone, ""),
    ("POST /auth/password", Who::Account, "{}"),
    ("GET /clusters", Who::User, ""),
    ("POST /clusters", Who::Admin, "{}"),
    ("GET /clusters/{id}", Who::User, ""),
    ("PATCH /clusters/{id}", Who::Admin, "{}"),
    ("DELETE /clusters/{id}", Who::Admin, ""),
    ("GET /clusters/{id}/jobs", Who::User, ""),
    ("GET /clusters/{id}/nodes", Who::User, ""),
    ("GET /clusters/{id}/reservations", Who::User, ""),
    ("GET /clusters/{id}/stats", Who::User, ""),
    ("GET /clusters/{id}/api-keys", Who::Admin, ""),
    ("POST /clusters/{id}/api-keys", Who::Admin, "{}"),
    ("DELETE /clusters/{id}/api-keys/{key_id}", Who::Admin, ""),
    ("GET /events", Who::User, ""),
    ("GET /hooks", Who::User, ""),
    ("POST /hooks", Who::Member, "{}"),
    ("GET /hooks/{id}", Who::Team, ""),
    ("PATCH /hooks/{id}", Who::TeamMember, "{}"),
    ("DELETE /hooks/{id}", Who::TeamMember, ""),
    ("GET /hooks/{id}/deliveries", Who::Team, ""),
    ("GET /hooks/{id}/deliveries/{delivery_id}", Who::Team, ""),
    ("POST /hooks/{id}/deliveries/{delivery_id}/redeliver", Who::TeamMember, ""),
    ("POST /hooks/{id}/rotate", Who::TeamMember, ""),
    ("POST /hooks/{id}/test", Who::TeamMember, ""),
    ("GET /healthz", Who::Anyone, ""),
    ("GET /jobs", Who::User, ""),
    ("POST /jobs", Who::Member, "{}"),
    ("POST /jobs/batch", Who::Member, "{}"),
    ("GET /jobs/counts", Who::User, ""),
    ("POST /jobs/plan", Who::Member, "{}"),
    ("POST /jobs/cancel?name=none", Who::Member, ""),
    ("GET /jobs/{id}", Who::Team, ""),
    ("GET /jobs/{id}/attempts", Who::Team, ""),
    ("POST /jobs/{id}/cancel", Who::Owner, ""),
    ("GET /jobs/{id}/events", Who::Team, ""),
    ("POST /jobs/{id}/exec", Who::Owner, r#"{"command": ["true"]}"#),
    ("POST /jobs/{id}/extend", Who::Owner, r#"{"max_runtime": "1h"}"#),
    ("POST /jobs/{id}/hold", Who::Owner, "{}"),
    ("GET /jobs/{id}/logs", Who::Team, ""),
    ("GET /jobs/{id}/logs/download", Who::Team, ""),
    ("GET /jobs/{id}/logs/search?search=x", Who::Team, ""),
    ("GET /jobs/{id}/logs/stream", Who::Team, ""),
    ("GET /jobs/{id}/metrics", Who::Team, ""),
    ("GET /jobs/{id}/outputs", Who::Team, ""),
    ("GET /jobs/{id}/outputs/{index}", Who::Team, ""),
    ("GET /jobs/{id}/outputs/{index}/files?path=x", Who::Team, ""),
    ("POST /jobs/{id}/port-forward", Who::Owner, r#"{"port": 80}"#),
    ("GET /jobs/{id}/explain", Who::Team, ""),
    ("GET /jobs/{id}/receipt", Who::Team, ""),
    ("GET /jobs/groups?by=queue", Who::User, ""),
    ("GET /usage", Who::User, ""),
    ("POST /jobs/{id}/reprioritise", Who::Owner, r#"{"priority": 7}"#),
    ("POST /jobs/{id}/rerun", Who::TeamMember, ""),
    ("POST /jobs/{id}/release", Who::Owner, ""),
    ("GET /metrics", Who::Admin, ""),
    ("GET /nodes", Who::User, ""),
    ("GET /nodes/{id}", Who::User, ""),
    ("DELETE /nodes/{id}", Who::Admin, ""),
    ("PATCH /nodes/{id}", Who::Admin, r#"{"labels":{}}"#),
    ("POST /nodes/{id}/cordon", Who::Admin, ""),
    ("POST /nodes/{id}/drain", Who::Admin, r#"{"within":"1h"}"#),
    ("GET /nodes/{id}/events", Who::User, ""),
    ("GET /nodes/{id}/jobs", Who::User, ""),
    ("GET /nodes/{id}/metrics", Who::User, ""),
    ("POST /nodes/{id}/uncordon", Who::Admin, ""),
    ("GET /queues", Who::User, ""),
    ("GET /schedules", Who::User, ""),
    ("POST /schedules", Who::Member, "{}"),
    ("GET /schedules/{id}", Who::Team, ""),
    ("DELETE /schedules/{id}", Who::Owner, ""),
    ("POST /schedules/{id}/pause", Who::Owner, ""),
    ("POST /schedules/{id}/resume", Who::Owner, ""),
    ("POST /schedules/{id}/run", Who::Owner, ""),
    ("POST /queues", Who::Admin, "{}"),
    ("GET /queues/{id}", Who::Team, ""),
    ("PATCH /queues/{id}", Who::Admin, "{}"),
    ("DELETE /queues/{id}", Who::Admin, ""),
    ("GET /queues/{id}/jobs", Who::Team, ""),
    ("GET /queues/{id}/line", Who::Team, ""),
    ("POST /queues/{id}/pause", Who::Admin, ""),
    ("POST /queues/{id}/resume", Who::Admin, ""),
    ("GET /queues/{id}/stats", Who::Team, ""),
    ("GET /queues/{id}/waits", Who::Team, ""),
    ("GET /readyz", Who::Anyone, ""),
    ("GET /registries", Who::User, ""),
    ("POST /registries", Who::Member, "{}"),
    ("GET /registries/{id}", Who::Team, ""),
    ("DELETE /registries/{id}", Who::TeamMember, ""),
    ("GET /secrets", Who::User, ""),
    ("POST /secrets", Who::Member, "{}"),
    ("GET /secrets/{id}", Who::Team, ""),
    ("PUT /secrets/{id}", Who::TeamMember, r#"{"value":"v"}"#),
    ("DELETE /secrets/{id}", Who::TeamMember, ""),
    ("GET /server", Who::User, ""),
    ("GET /streams/{id}", Who::OwnMember, ""),
    ("GET /teams", Who::User, ""),
    ("POST /teams", Who::Admin, "{}"),
    ("GET /teams/{id}", Who::Team, ""),
    ("PATCH /teams/{id}", Who::Admin, "{}"),
    ("DELETE /teams/{id}", Who::Admin, ""),
    ("GET /teams/{id}/members", Who::Team, ""),
    ("PUT /teams/{id}/members/{user_id}", Who::Admin, ""),
    ("DELETE /teams/{id}/members/{user_id}", Who::Admin, ""),
    ("GET /users", Who::Admin, ""),
    ("POST /users", Who::Admin, "{}"),
    ("GET /users/{id}", Who::Admin, ""),
    ("PATCH /users/{id}", Who::Admin, "{}"),
    ("DELETE /users/{id}", Who::Admin, ""),
    ("POST /users/{id}/reset-password", Who::Admin, ""),
    ("GET /volumes", Who::User, ""),
    ("POST /volumes", Who::Admin, "{}"),
    ("GET /volumes/{id}", Who::Team, ""),
    ("PATCH /volumes/{id}", Who::Admin, "{}"),
    ("DELETE /volumes/{id}", Who::Admin, ""),
];

/// Routes that look at no bearer token and refuse who has nothing else: other tests try them.
const WITHOUT_BEARER: &[&str] =
    &["POST /auth/refresh", "POST /auth/sign-up", "GET /auth/oidc/login", "GET /auth/oidc/callback"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Anonymous,
    Viewer,
    /// Whose the objects are.
    Member,
    /// In the same team.
    Colleague,
    /// In another team.
    Outsider,
    Admin,
    Node,
    OtherNode,
    Joiner,
    /// A key of the administrator's with the scope `read`: acts as a viewer in the administrator's teams.
    ReadKey,
    RevokedKey,
    ExpiredKey,
    Disabled,
}

/// What a caller must get: a status, or any that is no refusal of the caller.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Served,
    Status(u16),
}

fn expected(who: Who, kind: Kind) -> Expected {
    use Expected::{Served, Status};
    if who == Who::Anyone {
        return Served;
    }
    match kind {
        Kind::Anonymous => Status(401),
        // Told by its form, and not looked up.
        Kind::RevokedKey | Kind::ExpiredKey | Kind::Disabled if who.is_machine() => Status(403),
        Kind::RevokedKey | Kind::ExpiredKey | Kind::Disabled => Status(401),
        Kind::Joiner => {
            if who == Who::Joiner {
                Served
            } else {
                Status(403)
            }
        }
        Kind::Node => {
            if matches!(who, Who::Node | Who::OwnNode) {
                Served
            } else {
                Status(403)
            }
        }
        Kind::OtherNode => match who {
            Who::Node => Served,
            Who::OwnNode => Status(404),
            _ => Status(403),
        },
        user => expected_of_user(who, user),
    }
}

fn expected_of_user(who: Who, kind: Kind) -> Expected {
    use Expected::{Served, Status};
    let is_admin = kind == Kind::Admin;
    let is_viewer = matches!(kind, Kind::Viewer | Kind::ReadKey);
    match who {
        Who::Anyone | Who::User => Served,
        Who::Account if kind == Kind::ReadKey => Status(403),
        Who::Account => Served,
        // What only an account may touch is refused before it is looked for.
        Who::Own if kind == Kind::ReadKey => Status(403),
        Who::Node | Who::OwnNode | Who::Joiner => Status(403),
        Who::Admin => {
            if is_admin {
                Served
            } else {
                Status(403)
            }
        }
        Who::OwnMember if is_viewer => Status(403),
        Who::Own | Who::OwnMember => {
            if kind == Kind::Member {
                Served
            } else {
                Status(404)
            }
        }
        Who::Member => {
            if is_viewer {
                Status(403)
            } else {
                Served
            }
        }
        Who::Team => {
            if kind == Kind::Outsider {
                Status(404)
            } else {
                Served
            }
        }
        Who::TeamMember | Who::Owner => match kind {
            _ if is_viewer => Status(403),
            Kind::Outsider => Status(404),
            Kind::Colleague if who == Who::Owner => Status(403),
            _ => Served,
        },
    }
}

/// A server with a caller of each kind.
struct World {
    harness: Harness,
    callers: Vec<(Kind, Option<String>)>,
    /// The node whose the attempts are.
    node: Uuid,
    next: AtomicU32,
}

impl World {
    async fn start(pool: PgPool) -> Self {
        let harness = start(pool).await;
        let admin = harness.admin_header().await.split_once(' ').unwrap().1.to_owned();
        sqlx::query("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'elsewhere')")
            .execute(&harness.app.pool)
            .await
            .unwrap();
        let mut world = Self { harness, callers: Vec::new(), node: Uuid::nil(), next: AtomicU32::new(0) };
        world.callers = vec![(Kind::Anonymous, None), (Kind::Admin, Some(admin))];
        for (kind, role, team) in [
            (Kind::Viewer, "viewer", "default"),
            (Kind::Member, "member", "default"),
            (Kind::Colleague, "member", "default"),
            (Kind::Outsider, "member", "elsewhere"),
            (Kind::Disabled, "member", "default"),
        ] {
            let name = format!("{kind:?}").to_lowercase();
            let user = world.user(&name, role, team).await;
            let login = json!({ "username": name, "password": PASSWORD });
            let login = world.make(None, "POST /auth/login", login).await;
            world.callers.push((kind, Some(text(&login["access_token"]))));
            if kind == Kind::Disabled {
                world
                    .make(Some(Kind::Admin), &format!("PATCH /users/{user}"), json!({ "disabled": true }))
                    .await;
            }
        }
        for kind in [Kind::RevokedKey, Kind::ExpiredKey] {
            let made = world.make(Some(Kind::Member), "POST /api-keys", json!({ "name": "old" })).await;
            let column = if kind == Kind::RevokedKey { "revoked_at" } else { "expires_at" };
            let end = format!("UPDATE api_keys SET {column} = now() WHERE id = $1");
            let id: Uuid = text(&made["key"]["id"]).parse().unwrap();
            sqlx::query(sqlx::AssertSqlSafe(end)).bind(id).execute(&world.harness.app.pool).await.unwrap();
            world.callers.push((kind, Some(text(&made["secret"]))));
        }
        let read_only = json!({ "name": "read", "scopes": ["read"] });
        let made = world.make(Some(Kind::Admin), "POST /api-keys", read_only).await;
        world.callers.push((Kind::ReadKey, Some(text(&made["secret"]))));
        let joiner = world.join_key().await.1;
        world.callers.push((Kind::Joiner, Some(joiner)));
        for kind in [Kind::Node, Kind::OtherNode] {
            let (id, credential) = world.node().await;
            if kind == Kind::Node {
                world.node = id.parse().unwrap();
            }
            world.callers.push((kind, Some(credential)));
        }
        world
    }

    fn fresh_name(&self) -> String {
        format!("fresh-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn token(&self, kind: Kind) -> Option<&str> {
        self.callers.iter().find(|(known, _)| *known == kind).unwrap().1.as_deref()
    }

    /// What a call that must go through answers.
    async fn make(&self, caller: Option<Kind>, route: &str, body: Value) -> Value {
        let (method, path) = route.split_once(' ').unwrap();
        let bearer = caller.and_then(|kind| self.token(kind)).map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let answer = self.harness.send_json(method, path, &headers, body.to_string()).await;
        assert!(answer.status.is_success(), "{route}: {} {}", answer.status, answer.body);
        answer.body
    }

    async fn user(&self, name: &str, role: &str, team: &str) -> String {
        let body = json!({ "username": name, "password": PASSWORD, "role": role, "teams": [team] });
        text(&self.make(Some(Kind::Admin), "POST /users", body).await["id"])
    }

    /// A cluster of its own, a join key for it and the key's secret.
    async fn join_key(&self) -> ([String; 2], String) {
        let cluster =
            self.make(Some(Kind::Admin), "POST /clusters", json!({ "name": self.fresh_name() })).await;
        let cluster = text(&cluster["id"]);
        let body = json!({ "name": self.fresh_name(), "reusable": true });
        let made = self.make(Some(Kind::Admin), &format!("POST /clusters/{cluster}/api-keys"), body).await;
        ([cluster, text(&made["key"]["id"])], text(&made["secret"]))
    }

    /// A node and its credential.
    async fn node(&self) -> (String, String) {
        let name = self.fresh_name();
        let body = json!({
            "protocol": lilac_api::agent::PROTOCOL_VERSION, "name": name, "machine_id": name, "agent_version": "test",
        });
        let node = self.make(Some(Kind::Joiner), "POST /agent/register", body).await;
        (text(&node["node_id"]), text(&node["credential"]))
    }

    async fn job(&self) -> String {
        let body = json!({ "name": self.fresh_name(), "image": "test", "outputs": [{ "path": "/out" }] });
        text(&self.make(Some(Kind::Member), "POST /jobs", body).await["id"])
    }

    /// An attempt of a job that runs on the node.
    async fn attempt(&self) -> String {
        let (job, attempt) = (self.job().await, Uuid::now_v7());
        let pool = &self.harness.app.pool;
        sqlx::query("INSERT INTO attempts (id, job_id, epoch, state, lease_millis) VALUES ($1, $2::uuid, 1, 'running', 1000)")
            .bind(attempt).bind(job).execute(pool).await.unwrap();
        sqlx::query(
            "INSERT INTO tasks (attempt_id, rank, node_id, cpu_milli, memory_bytes, disk_bytes, lease_until)
                     VALUES ($1, 0, $2, 1, 1, 1, now())",
        )
        .bind(attempt)
        .bind(self.node)
        .execute(pool)
        .await
        .unwrap();
        attempt.to_string()
    }

    /// A stream of the member's to a job on the node, to which nobody has connected.
    async fn stream(&self) -> String {
        let (id, attempt) = (Uuid::now_v7(), self.attempt().await);
        sqlx::query(
            "INSERT INTO streams (id, user_id, job_id, attempt_id, rank, node_id, task, expires_at, alive_until)
             SELECT $1, u.id, a.job_id, a.id, 0, $3, '{\"port-forward\": {\"port\": 80, \"rank\": 0}}',
                    now() + interval '1 hour', now() + interval '1 hour'
             FROM attempts a, users u WHERE a.id = $2::uuid AND u.username = 'member'",
        )
        .bind(id)
        .bind(attempt)
        .bind(self.node)
        .execute(&self.harness.app.pool)
        .await
        .unwrap();
        id.to_string()
    }

    /// A team of those who are in the default team, and one of its members more.
    async fn team_and_member(&self) -> [String; 2] {
        let name = self.fresh_name();
        let team = self.make(Some(Kind::Admin), "POST /teams", json!({ "name": name })).await;
        let team = text(&team["id"]);
        let pool = &self.harness.app.pool;
        sqlx::query(
            "INSERT INTO team_members (team_id, user_id)
             SELECT $1::uuid, m.user_id FROM team_members m JOIN teams t ON t.id = m.team_id WHERE t.name = 'default'",
        )
        .bind(&team)
        .execute(pool)
        .await
        .unwrap();
        self.harness.app.callers.forget();
        [team, self.user(&self.fresh_name(), "member", &name).await]
    }

    /// Fresh objects for a path's parameters, by what stands before them.
    async fn objects(&self, path: &str) -> Vec<String> {
        if !path.contains('{') {
            return Vec::new();
        }
        match path.split('{').next().unwrap() {
            "/agent/attempts/" => vec![self.attempt().await, "0".to_owned()],
            "/agent/streams/" | "/streams/" => vec![self.stream().await],
            "/api-keys/" => {
                let made = self.make(Some(Kind::Member), "POST /api-keys", json!({ "name": "key" })).await;
                vec![text(&made["key"]["id"])]
            }
            "/arrays/" => {
                let body = json!({ "name": self.fresh_name(), "image": "test", "array": { "count": 2 } });
                let first = self.make(Some(Kind::Member), "POST /jobs", body).await;
                vec![text(&first["array"]["id"])]
            }
            "/clusters/" => self.join_key().await.0.to_vec(),
            "/hooks/" => {
                let body = json!({ "name": self.fresh_name(), "url": "https://example.org/" });
                let hook = text(&self.make(Some(Kind::Member), "POST /hooks", body).await["hook"]["id"]);
                let test =
                    self.make(Some(Kind::Member), &format!("POST /hooks/{hook}/test"), json!({})).await;
                vec![hook, text(&test["id"])]
            }
            "/jobs/" => vec![self.job().await, "0".to_owned()],
            "/nodes/" => vec![self.node().await.0],
            "/queues/" => {
                let body = json!({ "name": self.fresh_name(), "clusters": ["default"], "team": "default" });
                vec![text(&self.make(Some(Kind::Admin), "POST /queues", body).await["id"])]
            }
            "/registries/" => {
                let body = json!({
                    "name": self.fresh_name(), "server": "localhost:5000", "username": "u", "password": "p",
                });
                vec![text(&self.make(Some(Kind::Member), "POST /registries", body).await["id"])]
            }
            "/secrets/" => {
                let body = json!({ "name": self.fresh_name(), "value": "v" });
                vec![text(&self.make(Some(Kind::Member), "POST /secrets", body).await["id"])]
            }
            "/volumes/" => {
                let body = json!({ "name": self.fresh_name(), "host_path": "/data", "teams": ["default"] });
                vec![text(&self.make(Some(Kind::Admin), "POST /volumes", body).await["id"])]
            }
            "/teams/" => self.team_and_member().await.to_vec(),
            "/schedules/" => {
                let body = json!({ "name": self.fresh_name(), "image": "test", "schedule": { "cron": "0 0 1 1 *" } });
                vec![text(&self.make(Some(Kind::Member), "POST /schedules", body).await["id"])]
            }
            "/users/" => vec![self.user(&self.fresh_name(), "member", "default").await],
            other => panic!("{path}: say in `objects` how an object of {other} is made"),
        }
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The path with its parameters replaced, in their order.
fn filled(path: &str, objects: &[String]) -> String {
    let mut objects = objects.iter();
    let segments = path
        .split('/')
        .map(|segment| if segment.starts_with('{') { objects.next().unwrap().as_str() } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The routes of the document, as rows name them.
fn documented() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&lilac_server::openapi::document()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap_or(path);
        for method in ["get", "put", "post", "patch", "delete", "head", "options"] {
            if item.get(method).is_some() {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    routes
}

#[test]
fn every_route_has_one_row_and_every_row_a_route() {
    let mut rows = BTreeSet::new();
    for route in ROUTES.iter().map(|(route, _, _)| *route).chain(WITHOUT_BEARER.iter().copied()) {
        let route = route.split('?').next().unwrap();
        assert!(rows.insert(route.to_owned()), "{route} has two rows");
    }
    let documented = documented();
    let missing: Vec<_> = documented.difference(&rows).collect();
    let stale: Vec<_> = rows.difference(&documented).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "routes without a row: {missing:?}; rows without a route: {stale:?}"
    );
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn every_route_serves_whom_it_should_and_nobody_else(pool: PgPool) {
    let world = World::start(pool).await;
    let mut wrong = Vec::new();
    for (route, who, body) in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let objects = world.objects(path).await;
        // Who is refused changes nothing, so they may share an object; who is served gets one of their own.
        let (served, refused): (Vec<_>, Vec<_>) = world
            .callers
            .iter()
            .map(|(kind, token)| (*kind, token.as_deref(), expected(*who, *kind)))
            .partition(|(_, _, expected)| matches!(expected, Expected::Served));
        for (kind, token, expected) in refused {
            let status = world.harness.status_of(method, &filled(path, &objects), token, body).await;
            if !matches!(expected, Expected::Status(wanted) if wanted == status) {
                wrong.push(format!("{route} by {kind:?}: {status} instead of {expected:?}"));
            }
        }
        for (kind, token, _) in served {
            let objects = if *method == *"GET" { objects.clone() } else { world.objects(path).await };
            let status = world.harness.status_of(method, &filled(path, &objects), token, body).await;
            if matches!(status, 401 | 403 | 404 | 405) || status >= 500 {
                wrong.push(format!("{route} by {kind:?}: {status}, and should be served"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the tries went wrong:\n{}", wrong.len(), wrong.join("\n"));
}
