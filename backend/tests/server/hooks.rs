//! Hooks: a receiver on loopback is told what becomes of jobs, by a server that trusts it with nothing.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lilac_api::agent::{Outcome, Phase};
use lilac_api::audit::AuditFilter;
use lilac_api::auth::{Role, Secret};
use lilac_api::hook::{
    CreateHook, Delivery, DeliveryState, Hook, HookEvent, HookMessage, RotateHook, UpdateHook, hook_headers,
};
use lilac_api::job::JobState;
use lilac_api::problem::ErrorCode;
use lilac_api::queue::CreateQueue;
use lilac_api::spec::{JobSpec, Notify};
use lilac_api::team::CreateTeam;
use lilac_api::{DeliveryId, HookId, JobId};
use lilac_server::app::Settings;
use lilac_server::auth::settings::AuthSettings;
use lilac_server::hook::HookSettings;
use lilac_server::hook::target::Targets;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::protocol::{Node, result};
use crate::support::{Harness, eventually, refused, refused_as, refused_fields, start_as};

const SECRET: &str = "canary-signing-key-of-a-hook";

/// One request that came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn message(&self) -> HookMessage {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks the signature as the guide tells receivers to, with another library than the server's.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let signed = [self.header(hook_headers::TIMESTAMP).as_bytes(), b".", &self.body].concat();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let mac = ring::hmac::sign(&key, &signed);
        let hex: String = mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.header(hook_headers::SIGNATURE) == format!("v1={hex}")
    }
}

/// A program that hooks lead to. What it answers is in the path that it is called at.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
    /// Requests that wait for an answer, and the most of them that there were at a time.
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
}

/// Counts a request for as long as its caller waits.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Receiver {
    pub async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            open: Arc::default(),
            most_open: Arc::default(),
        };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn seen(&self, path: &str) -> Vec<Received> {
        self.seen.lock().unwrap().iter().filter(|one| one.path.starts_with(path)).cloned().collect()
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    receiver.seen.lock().unwrap().push(Received { path: path.clone(), headers, body });
    match path.as_str() {
        "/500" => (StatusCode::INTERNAL_SERVER_ERROR, "no").into_response(),
        "/gone" => StatusCode::GONE.into_response(),
        "/elsewhere" => (StatusCode::FOUND, [(header::LOCATION, "/secret")]).into_response(),
        "/never" => {
            let open = receiver.open.fetch_add(1, Ordering::SeqCst) + 1;
            receiver.most_open.fetch_max(open, Ordering::SeqCst);
            let _waiting = Waiting(receiver.open.clone());
            std::future::pending().await
        }
        "/endless" => {
            let more =
                futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 1 << 16])));
            Body::from_stream(more).into_response()
        }
        _ => StatusCode::OK.into_response(),
    }
}

fn settings(allow: &str) -> Settings {
    let hooks = HookSettings {
        targets: Targets::parse(allow, true).unwrap(),
        first_retry: Duration::from_millis(100),
    };
    Settings { hooks, ..Settings::default() }
}

/// A server that may call loopback; what waits in its outbox stays there until [`send`].
async fn start(pool: PgPool) -> Harness {
    start_as(pool, AuthSettings::default(), settings("127.0.0.0/8")).await
}

fn send(harness: &Harness) {
    tokio::spawn(lilac_server::hook::run(harness.app.clone()));
}

async fn hook(harness: &Harness, name: &str, url: &str) -> Hook {
    let request = CreateHook { secret: Some(Secret(SECRET.into())), ..CreateHook::new(name, url) };
    let made = harness.client.create_hook(&request).await.unwrap();
    assert!(made.secret.is_none(), "what the caller brought is not sent back");
    made.hook
}

fn spec(to: &[&str], on: &[JobState]) -> JobSpec {
    let notify = to.iter().map(|to| Notify { on: on.to_vec(), to: (*to).to_owned() }).collect();
    JobSpec { notify, ..JobSpec::new("train", "image") }
}

/// A job that ends at once, and tells these hooks so.
async fn cancelled_job(harness: &Harness, to: &[&str]) -> JobId {
    let job = harness.client.submit(&spec(to, &[JobState::Cancelled]), None).await.unwrap().id;
    harness.client.cancel(job).await.unwrap();
    job
}

async fn deliveries(harness: &Harness, hook: HookId) -> Vec<Delivery> {
    harness.client.hook_deliveries(hook, None).await.unwrap().items
}

/// Waits until the hook's only delivery is as wanted.
async fn delivery(harness: &Harness, hook: HookId, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
    eventually(async || deliveries(harness, hook).await.first().is_some_and(&wanted)).await;
    let mut all = deliveries(harness, hook).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_becomes_of_a_job_is_told_in_order_and_signed(pool: PgPool) {
    let (harness, receiver) = (start(pool).await, Receiver::start().await);
    lilac_server::scheduler::start(harness.app.clone());
    let hook = hook(&harness, "team-hook", &receiver.url("/all?key=in-the-address")).await;
    let mut node = Node::join(&harness, "n1").await;
    let states = [JobState::Running, JobState::Succeeded, JobState::Failed];
    let mut told = Vec::new();
    for code in [0, 3] {
        let mut spec = spec(&["team-hook"], &states);
        spec.labels.insert("exp".into(), "a12".into());
        let job = harness.client.submit(&spec, None).await.unwrap().id;
        // One that tells nobody runs beside it.
        let silent = harness.client.submit(&JobSpec::new("silent", "image"), None).await.unwrap().id;
        let attempts = [node.wait_for(job).await, node.wait_for(silent).await];
        for (phase, end) in
            [(Phase::Running, None), (Phase::Ended, Some(result(Outcome::Exited, Some(code))))]
        {
            for attempt in attempts {
                node.report(attempt, 1, phase, end.clone());
            }
            node.sync().await.unwrap();
        }
        told.push(job);
    }
    eventually(async || {
        let all = deliveries(&harness, hook.id).await;
        all.len() == 4 && all.iter().all(|one| one.state == DeliveryState::Delivered)
    })
    .await;
    let seen = receiver.seen("/all");
    let of = |job: JobId| {
        let mine = seen.iter().filter(|one| one.message().job.is_some_and(|told| told.id == job));
        mine.cloned().collect::<Vec<_>>()
    };
    for (job, end, state, exit_code) in [
        (told[0], HookEvent::Succeeded, JobState::Succeeded, Some(0)),
        (told[1], HookEvent::Failed, JobState::Failed, Some(3)),
    ] {
        let both = of(job);
        let events: Vec<_> = both.iter().map(|one| one.message().event).collect();
        assert_eq!(events, [HookEvent::Running, end]);
        let message = both[1].message();
        let facts = message.job.unwrap().facts;
        assert_eq!((facts.state, facts.exit_code, facts.attempt), (state, exit_code, 1));
        assert_eq!(
            (facts.name.as_str(), facts.queue.as_str(), facts.owner.as_str()),
            ("train", "default", "admin")
        );
        assert_eq!((message.hook.as_str(), message.team.as_str()), ("team-hook", "default"));
        assert_eq!(facts.labels["exp"], "a12");
    }
    for one in &seen {
        assert!(one.is_signed_with(SECRET) && !one.is_signed_with("another key"));
        assert_eq!(one.header(hook_headers::DELIVERY), one.message().id.to_string());
        assert_eq!(one.header(hook_headers::EVENT), one.message().event.as_str());
        assert_eq!(one.header("content-type"), "application/json");
    }
    let mut ids: Vec<_> = seen.iter().map(|one| one.message().id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((seen.len(), ids.len()), (4, 4), "each once");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_receiver_that_was_down_is_told_once_when_it_is_up(pool: PgPool) {
    let harness = start(pool).await;
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let hook = hook(&harness, "down", &format!("http://{address}/")).await;
    send(&harness);
    let job = cancelled_job(&harness, &["down"]).await;
    let tried = delivery(&harness, hook.id, |one| one.tries >= 2 && one.last_error.is_some()).await;
    assert_eq!((tried.state, tried.job_id, tried.status), (DeliveryState::Pending, Some(job), None));
    assert!(tried.next_try_at.is_some() && tried.last_error.unwrap().starts_with("cannot connect"));

    let receiver = Receiver::on(TcpListener::bind(address).await.unwrap());
    let done = delivery(&harness, hook.id, |one| one.state == DeliveryState::Delivered).await;
    assert_eq!((done.id, done.status, done.last_error, done.next_try_at), (tried.id, Some(200), None, None));
    // A later message arrives, and the first does not come again.
    cancelled_job(&harness, &["down"]).await;
    eventually(async || receiver.seen("/").len() >= 2).await;
    let ids: Vec<DeliveryId> = receiver.seen("/").iter().map(|one| one.message().id).collect();
    assert_eq!(ids.iter().filter(|id| **id == tried.id).count(), 1, "{ids:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_a_dead_server_left_is_sent_by_another(pool: PgPool) {
    let (harness, receiver) = (start(pool.clone()).await, Receiver::start().await);
    let hook = hook(&harness, "team-hook", &receiver.url("/")).await;
    // This server has committed, and dies before it sends anything.
    let job = cancelled_job(&harness, &["team-hook"]).await;
    // Another one died while it was sending: its claim holds.
    let second = cancelled_job(&harness, &["team-hook"]).await;
    sqlx::query(
        "UPDATE hook_deliveries SET claimed_until = now() + interval '1 hour', tries = 1 WHERE job_id = $1",
    )
    .bind(second.0)
    .execute(&pool)
    .await
    .unwrap();
    let other = start_beside(&pool).await;
    eventually(async || receiver.seen("/").len() == 1).await;
    assert_eq!(receiver.seen("/")[0].message().job.unwrap().id, job);
    // The claim runs out.
    sqlx::query("UPDATE hook_deliveries SET claimed_until = now() WHERE job_id = $1")
        .bind(second.0)
        .execute(&pool)
        .await
        .unwrap();
    eventually(async || receiver.seen("/").len() == 2).await;
    let states: Vec<_> = deliveries(&other, hook.id).await.iter().map(|one| (one.state, one.tries)).collect();
    assert!(states.len() == 2 && receiver.seen("/")[1].message().job.unwrap().id == second, "{states:?}");
}

/// Another server on the same database, which sends.
async fn start_beside(pool: &PgPool) -> Harness {
    let harness = start(pool.clone()).await;
    send(&harness);
    harness
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_receiver_that_behaves_badly_does_no_harm(pool: PgPool) {
    let (harness, receiver) = (start(pool).await, Receiver::start().await);
    let names = ["never", "500", "elsewhere", "endless", "gone", "good"];
    let mut ids = std::collections::HashMap::new();
    for name in names {
        ids.insert(name, hook(&harness, name, &receiver.url(&format!("/{name}"))).await.id);
    }
    // More of one receiver's that never answers than may be under way at a time.
    for _ in 0..40 {
        cancelled_job(&harness, &["never"]).await;
    }
    cancelled_job(&harness, &names[1..]).await;
    send(&harness);
    let state = |name: &'static str, wanted: fn(&Delivery) -> bool| delivery(&harness, ids[name], wanted);
    let good = state("good", |one| one.state == DeliveryState::Delivered).await;
    assert_eq!((good.tries, good.status), (1, Some(200)));
    let endless = state("endless", |one| one.state == DeliveryState::Delivered).await;
    assert_eq!((endless.tries, endless.status), (1, Some(200)));
    let gone = state("gone", |one| one.state == DeliveryState::GivenUp).await;
    assert_eq!((gone.tries, gone.status), (1, Some(410)));
    let refusing = state("500", |one| one.tries >= 2 && one.status.is_some()).await;
    assert!(refusing.last_error.unwrap().contains("500"));
    let moved = state("elsewhere", |one| one.status == Some(302)).await;
    assert!(moved.last_error.unwrap().contains("redirect"));
    assert!(receiver.seen("/secret").is_empty(), "a redirect was followed");
    let open = receiver.most_open.load(Ordering::SeqCst);
    assert!((1..=8).contains(&open), "{open} at a time to one that never answers");
    let waiting = deliveries(&harness, ids["never"]).await;
    assert!(waiting.len() == 40 && waiting.iter().all(|one| one.state == DeliveryState::Pending));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_message_is_given_up_at_last_and_sent_again_by_hand(pool: PgPool) {
    let (harness, receiver) = (start(pool.clone()).await, Receiver::start().await);
    let hook = hook(&harness, "flaky", &receiver.url("/500")).await;
    cancelled_job(&harness, &["flaky"]).await;
    sqlx::query("UPDATE hook_deliveries SET tries = 8").execute(&pool).await.unwrap();
    // The wait before the tenth try is hours; this one's is over.
    send(&harness);
    delivery(&harness, hook.id, |one| one.tries == 9 && one.status.is_some()).await;
    sqlx::query("UPDATE hook_deliveries SET next_try_at = now()").execute(&pool).await.unwrap();
    let given_up = delivery(&harness, hook.id, |one| one.state == DeliveryState::GivenUp).await;
    assert_eq!((given_up.tries, given_up.status, given_up.next_try_at), (10, Some(500), None));

    let repaired = UpdateHook { url: Some(receiver.url("/ok")), ..UpdateHook::default() };
    harness.client.update_hook(hook.id, &repaired).await.unwrap();
    let again = harness.client.redeliver(hook.id, given_up.id).await.unwrap();
    assert_eq!((again.id, again.state, again.tries), (given_up.id, DeliveryState::Pending, 0));
    delivery(&harness, hook.id, |one| one.state == DeliveryState::Delivered).await;
    let bodies = [receiver.seen("/500")[0].body.clone(), receiver.seen("/ok")[0].body.clone()];
    assert_eq!(bodies[0], bodies[1], "every try says the same");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn secrets_are_shown_once_and_can_be_rotated(pool: PgPool) {
    let (harness, receiver) = (start(pool.clone()).await, Receiver::start().await);
    send(&harness);
    let client = &harness.client;
    let made = client
        .create_hook(&CreateHook::new("made", &receiver.url("/ok?token=in-the-address")))
        .await
        .unwrap();
    let first = made.secret.unwrap().0;
    assert!(first.starts_with("lilac_hook_") && first.len() > 40);
    let test = async |nth: usize| {
        let id = client.test_hook(made.hook.id).await.unwrap().id;
        eventually(async || {
            client.hook_delivery(made.hook.id, id).await.unwrap().state == DeliveryState::Delivered
        })
        .await;
        receiver.seen("/ok")[nth].clone()
    };
    let message = test(0).await;
    assert!(message.is_signed_with(&first));
    assert_eq!((message.message().event, message.message().job), (HookEvent::Test, None));
    let second = client.rotate_hook(made.hook.id, &RotateHook::default()).await.unwrap().secret.unwrap().0;
    assert!(second != first && test(1).await.is_signed_with(&second));
    let own = RotateHook { secret: Some(Secret(SECRET.into())) };
    assert!(client.rotate_hook(made.hook.id, &own).await.unwrap().secret.is_none());
    assert!(test(2).await.is_signed_with(SECRET));

    // Neither the database nor the audit log knows a secret, and the latter no more of the address than its host.
    let rows: String = sqlx::query_scalar(
        "SELECT (SELECT string_agg(to_jsonb(h)::text, '') FROM hooks h) || (SELECT string_agg(to_jsonb(a)::text, '') FROM audit a)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let in_clear = "SELECT count(*) FROM hooks WHERE position($1 IN sealed || wrapped_key) > 0";
    for secret in [&first, &second, SECRET] {
        let found: i64 = sqlx::query_scalar(in_clear).bind(secret.as_bytes()).fetch_one(&pool).await.unwrap();
        assert!(found == 0 && !rows.contains(secret));
    }
    let audit = client.audit(&AuditFilter::default()).await.unwrap().items;
    let audit = serde_json::to_string(&audit).unwrap();
    for wanted in ["hook.create", "hook.rotate", "hook.test", "hook:default/made", "127.0.0.1"] {
        assert!(audit.contains(wanted), "{wanted}");
    }
    assert!(!audit.contains("in-the-address"));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_hook_that_is_switched_off_or_gone_is_told_nothing(pool: PgPool) {
    let (harness, receiver) = (start(pool).await, Receiver::start().await);
    let client = &harness.client;
    let hook = hook(&harness, "team-hook", &receiver.url("/")).await;
    cancelled_job(&harness, &["team-hook"]).await;
    let off = UpdateHook { enabled: Some(false), ..UpdateHook::default() };
    assert!(!client.update_hook(hook.id, &off).await.unwrap().enabled);
    cancelled_job(&harness, &["team-hook"]).await;
    let waited = delivery(&harness, hook.id, |one| one.state == DeliveryState::GivenUp).await;
    assert_eq!(waited.last_error.as_deref(), Some("the hook was switched off"));
    refused_as(client.test_hook(hook.id).await, 409, ErrorCode::Conflict);
    refused_as(client.redeliver(hook.id, waited.id).await, 409, ErrorCode::Conflict);
    let on =
        UpdateHook { enabled: Some(true), events: Some(vec![JobState::Failed]), ..UpdateHook::default() };
    client.update_hook(hook.id, &on).await.unwrap();
    let mismatch = client.submit(&spec(&["team-hook"], &[JobState::Cancelled]), None).await;
    assert_eq!(refused_fields(mismatch), ["notify[0].on"]);
    let queued = client.submit(&spec(&["team-hook"], &[JobState::Failed]), None).await.unwrap().id;
    client.delete_hook(hook.id).await.unwrap();
    refused_as(client.hook(hook.id).await, 404, ErrorCode::NotFound);
    // The job's way does not depend on whom it would have told.
    assert_eq!(client.cancel(queued).await.unwrap().state, JobState::Cancelled);
    send(&harness);
    let other = self::hook(&harness, "other", &receiver.url("/other")).await;
    client.test_hook(other.id).await.unwrap();
    eventually(async || receiver.seen("/other").len() == 1).await;
    assert_eq!(receiver.seen("/").len(), 1, "only the other one was told");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn another_team_s_hook_is_like_none(pool: PgPool) {
    let (harness, receiver) = (start(pool).await, Receiver::start().await);
    let team = CreateTeam { name: "elsewhere".into() };
    let team = harness.client.create_team(&team).await.unwrap();
    let (user, _) = harness.user("eve", Role::Member).await;
    harness.client.add_team_member(team.id, user.id).await.unwrap();
    let default = harness.client.teams().await.unwrap().items.into_iter().find(|team| team.name == "default");
    harness.client.remove_team_member(default.unwrap().id, user.id).await.unwrap();
    let eve = crate::support::log_in(&harness.anonymous(), "eve", crate::support::PASSWORD).await.unwrap();
    let hook = hook(&harness, "ours", &receiver.url("/")).await;
    let delivery = harness.client.test_hook(hook.id).await.unwrap().id;

    assert!(eve.hooks(None).await.unwrap().items.is_empty());
    let none = HookId::new();
    for id in [hook.id, none] {
        let answers = [
            refused(eve.hook(id).await),
            refused(eve.update_hook(id, &UpdateHook::default()).await),
            refused(eve.delete_hook(id).await),
            refused(eve.rotate_hook(id, &RotateHook::default()).await),
            refused(eve.test_hook(id).await),
            refused(eve.hook_deliveries(id, None).await),
            refused(eve.hook_delivery(id, delivery).await),
            refused(eve.redeliver(id, delivery).await),
        ];
        for answer in answers {
            assert_eq!((answer.status, answer.detail.as_str()), (404, "there is no such hook"));
        }
    }
    // Her jobs cannot call it, and her team may have one of the same name.
    let queue =
        CreateQueue { team: "elsewhere".into(), ..CreateQueue::new("hers", 0, vec!["default".into()]) };
    harness.client.create_queue(&queue).await.unwrap();
    let job = JobSpec { queue: "hers".into(), ..spec(&["ours"], &[JobState::Failed]) };
    let refused = eve.submit(&job, None).await;
    assert_eq!(refused_fields(refused), ["notify[0].to"]);
    let own = eve.create_hook(&CreateHook::new("ours", &receiver.url("/own"))).await.unwrap().hook;
    assert_eq!(own.team, "elsewhere");
    refused_as(eve.hook_delivery(own.id, delivery).await, 404, ErrorCode::NotFound);
    let twice = eve.create_hook(&CreateHook::new("ours", &receiver.url("/own"))).await;
    refused_as(twice, 409, ErrorCode::NameTaken);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn no_hook_leads_inside(pool: PgPool) {
    let harness = start_as(pool.clone(), AuthSettings::default(), settings("chat.internal")).await;
    let receiver = Receiver::start().await;
    let client = &harness.client;
    let made = client.create_hook(&CreateHook::new("fine", "https://Example.ORG/x")).await.unwrap().hook;
    assert_eq!(made.url, "https://example.org/x");
    let port = receiver.address.port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "LocalHost",
        "localhost.",
        "a.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "metadata.google.internal",
        "10.1.2.3",
        "192.168.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::a00:1]",
        "user@example.org",
    ] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(
            refused_fields(client.create_hook(&CreateHook::new("inside", &url)).await),
            ["url"],
            "{host}"
        );
        let change = UpdateHook { url: Some(url), ..UpdateHook::default() };
        assert_eq!(refused_fields(client.update_hook(made.id, &change).await), ["url"], "{host}");
    }
    for (field, request) in [
        ("name", CreateHook::new("a b", "https://example.org/")),
        ("events", CreateHook { events: Vec::new(), ..CreateHook::new("x", "https://example.org/") }),
        (
            "events",
            CreateHook { events: vec![JobState::Queued], ..CreateHook::new("x", "https://example.org/") },
        ),
        (
            "secret",
            CreateHook {
                secret: Some(Secret("short".into())),
                ..CreateHook::new("x", "https://example.org/")
            },
        ),
        ("team", CreateHook { team: Some("none".into()), ..CreateHook::new("x", "https://example.org/") }),
    ] {
        assert_eq!(refused_fields(client.create_hook(&request).await), [field]);
    }
    send(&harness);
    // A hook from before the rules, or one that got past them: what counts is looked at when it is sent.
    for url in [receiver.url("/"), format!("http://localhost:{port}/"), format!("http://0x7f000001:{port}/")]
    {
        sqlx::query("UPDATE hooks SET url = $1").bind(&url).execute(&pool).await.unwrap();
        let id = client.test_hook(made.id).await.unwrap().id;
        eventually(async || client.hook_delivery(made.id, id).await.unwrap().last_error.is_some()).await;
    }
    assert!(receiver.seen("/").is_empty(), "nobody was called");
}
