//! The server as operators meet it: the real program, its settings, its log, its metrics, its end.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lilac_api::auth::{Role, Secret};
use lilac_api::client::Client;
use lilac_api::hook::{CreateHook, UpdateHook};
use lilac_api::job::JobState;
use lilac_api::problem::ErrorCode;
use lilac_api::spec::{JobSpec, Notify};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlx::PgPool;

use crate::hooks::Receiver;
use crate::support::{PASSWORD, log_in, refused};

/// Longer than anything here takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all servers of one database have.
const KEY: &str = "3f9a1c77e2b84d05963af1e0c8d2b7465e90ab13";

/// A server in a process of its own; killed when dropped.
struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    url: String,
    _folder: tempfile::TempDir,
}

/// The server's program, with nothing of this process's environment.
fn program(pool: &PgPool, folder: &tempfile::TempDir) -> Command {
    configured(Command::new(env!("CARGO_BIN_EXE_server")), pool, folder)
}

fn configured(mut command: Command, pool: &PgPool, folder: &tempfile::TempDir) -> Command {
    let base = std::env::var("DATABASE_URL").unwrap();
    let options = pool.connect_options();
    let name = options.get_database().unwrap();
    let (before, parameters) = base
        .split_once('?')
        .map_or((base.as_str(), String::new()), |(before, after)| (before, format!("?{after}")));
    let database = format!("{}/{name}{parameters}", before.rsplit_once('/').unwrap().0);
    command
        .env_clear()
        .env("DATABASE_URL", database)
        .env("LILAC_DATA_DIR", folder.path())
        .env("LILAC_LISTEN", "127.0.0.1:0")
        .env("LILAC_ADMIN_PASSWORD", PASSWORD)
        .env("LILAC_LOG", "info,lilac_server::observe=debug")
        .env("LILAC_LOG_FORMAT", "json")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The same, after an order of the shell's which it inherits.
fn program_after(order: &str, pool: &PgPool, folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{order} && exec \"$0\""), env!("CARGO_BIN_EXE_server")]);
    configured(command, pool, folder)
}

impl Running {
    async fn start(pool: &PgPool, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::spawn(program(pool, &folder), folder, settings).await
    }

    async fn spawn(mut command: Command, folder: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        std::fs::write(folder.path().join("secret.key"), KEY).unwrap();
        let mut child = command.envs(settings.iter().copied()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, sink) = (child.stderr.take().unwrap(), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                sink.lock().unwrap().push(line);
            }
        });
        let mut running = Self { child, lines, url: String::new(), _folder: folder };
        let address = running.line(|line| line["message"] == "serving").await["address"].clone();
        running.url = format!("http://{}", address.as_str().unwrap());
        running
    }

    /// Waits for a line of the log.
    async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("a line of the log", async || {
            self.lines.lock().unwrap().iter().find(|line| wanted(line)).cloned()
        })
        .await
    }

    async fn admin(&self) -> Client {
        log_in(&Client::new(&self.url, None).unwrap(), "admin", PASSWORD).await.unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    async fn end(&mut self) -> ExitStatus {
        eventually("the server's end", async || self.child.try_wait().unwrap()).await
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE * 2)).unwrap();
        stream
    }

    /// Status and body of a plain request.
    async fn get(&self, path: &str, headers: &str) -> (u16, String) {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        tokio::task::spawn_blocking(move || {
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
            (status, answer)
        })
        .await
        .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[sqlx::test(migrations = false)]
async fn a_server_with_a_bad_setting_names_it_and_ends(pool: PgPool) {
    for (name, value, wanted) in [
        ("LILAC_SECRET_KEY", "tiny-value", "LILAC_SECRET_KEY is too short"),
        ("LILAC_SECRET_KEY", "abababababababababababababababababab", "LILAC_SECRET_KEY repeats itself"),
        ("LILAC_LISTEN", "hidden-value", "LILAC_LISTEN must be an address"),
        ("LILAC_LISTENN", "hidden-value", "did you mean LILAC_LISTEN?"),
        ("LILAC_LOG", "a=b=hidden-value", "LILAC_LOG must be levels"),
        ("LILAC_LOG_FORMAT", "hidden-value", "LILAC_LOG_FORMAT must be text or json"),
        ("LILAC_STOP_DELAY", "hidden-value", "LILAC_STOP_DELAY must be a span of time from 0s to 5m"),
        ("LILAC_TRUSTED_PROXIES", "10.0.0.0/8, hidden-value", "LILAC_TRUSTED_PROXIES must be networks"),
        ("DATABASE_URL", "hidden-value", "DATABASE_URL cannot be read"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = program(&pool, &folder).env(name, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(wanted), "{name}: {said}");
        assert!(!said.contains("hidden-value") && !said.contains("tiny-value"), "{said}");
    }
}

#[sqlx::test(migrations = false)]
async fn a_stop_is_announced_before_it_happens(pool: PgPool) {
    let mut server = Running::start(&pool, &[("LILAC_STOP_DELAY", "5m")]).await;
    server.line(|line| line["message"] == "leading").await;
    assert_eq!(server.get("/readyz", "").await.0, 200);
    server.signal(Signal::SIGTERM);
    eventually("not ready", async || (server.get("/readyz", "").await.0 == 503).then_some(())).await;
    assert_eq!(server.get("/healthz", "").await.0, 200, "it serves until the wait is over");
    // Another replica may lead at once.
    let free = "SELECT expires_at <= clock_timestamp() AND NOT EXISTS (
                    SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                    WHERE l.locktype = 'advisory' AND d.datname = current_database()) FROM leader";
    eventually("a free leadership", async || {
        sqlx::query_scalar::<_, bool>(free).fetch_one(&pool).await.unwrap().then_some(())
    })
    .await;
    server.signal(Signal::SIGTERM);
    assert!(server.end().await.success());
}

#[sqlx::test(migrations = false)]
async fn a_dead_leader_is_replaced_at_once_and_a_frozen_one_soon(pool: PgPool) {
    let mut first = Running::start(&pool, &[]).await;
    let led = first.line(|line| line["message"] == "leading").await;
    let second = Running::start(&pool, &[]).await;
    // So that only the lock can tell that the first is gone.
    let renew = "UPDATE leader SET expires_at = clock_timestamp() + interval '1 hour'";
    first.signal(Signal::SIGSTOP);
    sqlx::query(renew).execute(&pool).await.unwrap();
    first.child.kill().unwrap();
    let leads = second.line(|line| line["message"] == "leading").await;
    assert!(leads["term"].as_i64() > led["term"].as_i64(), "{leads} after {led}");

    let third = Running::start(&pool, &[]).await;
    second.signal(Signal::SIGSTOP);
    third.line(|line| line["message"] == "leading").await;
    second.signal(Signal::SIGCONT);
    second.line(|line| line["message"] == "another replica leads now").await;
    // Whoever leads in the end, it is one and it keeps leading.
    let term = "SELECT term FROM leader WHERE expires_at > clock_timestamp() AND holds_lock";
    eventually("a leader that holds the lock", async || {
        sqlx::query_scalar::<_, i64>(term).fetch_optional(&pool).await.unwrap()
    })
    .await;
}

#[sqlx::test(migrations = false)]
async fn a_request_can_be_followed_through_log_and_traces(pool: PgPool) {
    let (receiver, spans) = trace_receiver().await;
    let mut server = Running::start(&pool, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver)]).await;
    let (status, answer) = server.get("/api/v1/jobs/nonsense", "x-request-id: my-request.1\r\n").await;
    assert_eq!((status, answer.contains("x-request-id: my-request.1")), (401, true), "{answer}");
    let line = server.line(|line| line["span"]["request_id"] == "my-request.1").await;
    assert_eq!(
        (line["span"]["route"].as_str(), line["span"]["method"].as_str()),
        (Some("/api/v1/jobs/{id}"), Some("GET"))
    );
    // What could be mischief in a log is not taken over.
    let (_, answer) = server.get("/healthz", "x-request-id: a b\r\n").await;
    assert!(answer.contains("x-request-id: ") && !answer.contains("a b"), "{answer}");

    server.signal(Signal::SIGTERM);
    assert!(server.end().await.success());
    let spans = spans.lock().unwrap();
    let span = spans.iter().find(|span| span.name == "GET /api/v1/jobs/{id}");
    let attributes = &span.unwrap_or_else(|| panic!("{spans:?}")).attributes;
    let id = attributes.iter().find(|attribute| attribute.key == "request_id").unwrap();
    assert!(format!("{id:?}").contains("my-request.1"), "{id:?}");
}

type Spans = Arc<Mutex<Vec<opentelemetry_proto::tonic::trace::v1::Span>>>;

/// A receiver of OTLP, as far as traces need one.
async fn trace_receiver() -> (String, Spans) {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message;
    let spans = Spans::default();
    let sink = spans.clone();
    let receive = move |body: bytes::Bytes| async move {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let service = format!("{:?}", request.resource_spans[0].resource);
        assert!(service.contains("lilac_server"), "{service}");
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        sink.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    };
    let router = axum::Router::new().route("/v1/traces", axum::routing::post(receive));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, spans)
}

#[sqlx::test(migrations = false)]
async fn connections_are_bounded_and_those_that_say_nothing_end(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let few_files = program_after("ulimit -Sn 256", &pool, &folder);
    let server = Running::spawn(few_files, folder, &[("LILAC_MAX_CONNECTIONS", "16")]).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = files.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(soft, 16 + 1024, "a file for each connection, and those beside them");
    server.line(|line| line["files"] == soft && line["before"] == 256).await;

    let mut silent: Vec<TcpStream> = (0..16).map(|_| server.connect()).collect();
    silent[0].write_all(b"GET /healthz HTTP/1.1\r\nhost: ").unwrap();
    // All places are taken until the silent ones have had their time.
    assert_eq!(server.get("/healthz", "").await.0, 200);
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
}

#[sqlx::test(migrations = false)]
async fn rates_have_limits(pool: PgPool) {
    let settings = [("LILAC_LOGINS_PER_MINUTE", "5"), ("LILAC_WRITES_PER_SECOND", "1")];
    let server = Running::start(&pool, &settings).await;
    let admin = server.admin().await;
    let anonymous = Client::new(&server.url, None).unwrap();
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(refused(log_in(&anonymous, "nobody", "wrong wrong wrong").await).code);
    }
    assert!(answers.contains(&ErrorCode::TooManyRequests), "{answers:?}");
    assert_eq!(answers[0], ErrorCode::Unauthenticated);

    let open = [("LILAC_LOGINS_PER_MINUTE", "5"), ("LILAC_SIGN_UP", "true")];
    let beside = Running::start(&pool, &open).await;
    let stranger = Client::new(&beside.url, None).unwrap();
    let mut made = 0;
    let refused = loop {
        let (username, password) = (format!("stranger-{made}"), Secret(PASSWORD.into()));
        let request = lilac_api::auth::SignUp { username, password };
        match stranger.sign_up(&request).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 50, "nothing bounds the accounts that one address makes");
    };
    assert_eq!((refused.code(), made >= 5), (Some(ErrorCode::TooManyRequests), true), "{refused}");
    drop(beside);

    let spec = lilac_api::spec::JobSpec::new("job", "image");
    let mut refusals = 0;
    for _ in 0..60 {
        if admin
            .submit(&spec, None)
            .await
            .is_err_and(|error| error.code() == Some(ErrorCode::TooManyRequests))
        {
            refusals += 1;
        }
    }
    assert!((1..=50).contains(&refusals), "ten at once are within the limit; {refusals} of 60 were refused");
    admin.jobs(&Default::default()).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn metrics_are_for_operators_and_well_formed(pool: PgPool) {
    let server = Running::start(&pool, &[("LILAC_METRICS_LISTEN", "127.0.0.1:0")]).await;
    let admin = server.admin().await;
    let user = lilac_api::auth::CreateUser::new("ada", Secret(PASSWORD.into()), Role::Member);
    admin.create_user(&user).await.unwrap();
    admin.submit(&lilac_api::spec::JobSpec::new("job", "image"), None).await.unwrap();
    assert_eq!(server.get("/metrics", "").await.0, 401);
    for (name, status) in [("ada", 403), ("admin", 200)] {
        let request =
            lilac_api::auth::LoginRequest { username: name.into(), password: Secret(PASSWORD.into()) };
        let token = admin.login(&request).await.unwrap().access_token;
        let header = format!("authorization: Bearer {}\r\n", token.0);
        assert_eq!(server.get("/metrics", &header).await.0, status, "{name}");
    }
    server.line(|line| line["message"] == "leading").await;
    let own = server.line(|line| line["message"] == "serving metrics").await["address"].clone();
    let text = eventually("a placed cycle", async || {
        let mut stream = TcpStream::connect(own.as_str().unwrap()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        body.contains("lilac_scheduler_cycle_duration_seconds_count").then_some(body)
    })
    .await;
    for wanted in [
        "lilac_build_info{version=",
        "lilac_leader 1",
        "lilac_jobs{queue=\"default\",state=\"queued\"} 1",
        "lilac_jobs{queue=\"default\",state=\"running\"} 0",
        "lilac_http_request_duration_seconds_bucket{method=\"POST\",route=\"/api/v1/jobs\",status=\"2xx\",le=\"",
        "lilac_http_connections ",
        "lilac_database_connections{state=\"idle\"}",
        "lilac_bells_total{direction=\"sent\"}",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    assert!(!text.contains("/jobs/0"), "a series for each job\n{text}");
    check_with_promtool(&text);
}

#[expect(clippy::print_stderr, reason = "a skipped check must say why")]
fn check_with_promtool(text: &str) {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("SKIPPED: promtool is not on this machine (Debian's package `prometheus`)");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&said));
}

/// Runs the program with a verb, to its end.
fn run(pool: &PgPool, folder: &tempfile::TempDir, arguments: &[&str]) -> (bool, String) {
    let output = program(pool, folder).args(arguments).stdout(Stdio::piped()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[sqlx::test(migrations = false)]
async fn a_backup_brings_everything_back_and_nothing_over_what_is_there(pool: PgPool) {
    let server = Running::start(&pool, &[]).await;
    let admin = server.admin().await;
    let job = admin.submit(&lilac_api::spec::JobSpec::new("kept", "image"), None).await.unwrap();
    // As if it ran.
    let history = "WITH attempt AS (
            INSERT INTO attempts (id, job_id, epoch, state, lease_millis) VALUES (gen_random_uuid(), $1, 1, 'running', 300000)
            RETURNING job_id)
        UPDATE jobs SET state = 'starting', epoch = 1 WHERE id = (SELECT job_id FROM attempt)";
    sqlx::query(history).bind(job.id.0).execute(&pool).await.unwrap();
    let events = admin.job_events(job.id).await.unwrap().items;

    let folder = &server._folder;
    let file = folder.path().join("lilac.dump");
    let file = file.to_str().unwrap();
    let (done, said) = run(&pool, folder, &["backup", file]);
    assert!(done && said.contains("secret.key"), "{said}");
    let (done, said) = run(&pool, folder, &["backup", file]);
    assert!(!done && said.contains("exists already"), "{said}");
    let (done, said) = run(&pool, folder, &["restore", file]);
    assert!(!done && said.contains("not empty"), "{said}");

    // An empty database beside it.
    let name = format!("lilac_restored_{}", std::process::id());
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS \"{name}\"")))
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""))).execute(&pool).await.unwrap();
    let restored =
        PgPool::connect_with(pool.connect_options().as_ref().clone().database(&name)).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let (done, said) = run(&restored, &elsewhere, &["restore", file]);
    assert!(!done && said.contains("secret.key"), "{said}");
    std::fs::write(elsewhere.path().join("secret.key"), "kV7+u2Zs0QpLx9fTgB4nYwR1mHcEjA6dKoXq8tIvNyU=")
        .unwrap();
    let (done, said) = run(&restored, &elsewhere, &["restore", file]);
    assert!(!done && said.contains("another key"), "{said}");
    std::fs::copy(folder.path().join("secret.key"), elsewhere.path().join("secret.key")).unwrap();
    let (done, said) = run(&restored, &elsewhere, &["restore", file]);
    assert!(done, "{said}");

    let lilac = lilac_server::app::App::new(
        restored.clone(),
        &Secret(std::fs::read_to_string(elsewhere.path().join("secret.key")).unwrap()),
    );
    lilac_server::auth::bootstrap::run(&lilac.unwrap(), None).await.unwrap();
    for of in ["jobs", "attempts", "job_events", "users", "audit"] {
        let rows = format!("SELECT coalesce(string_agg(t::text, '\n' ORDER BY t::text), '') FROM {of} t");
        let [was, is] = [&pool, &restored]
            .map(|pool| sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(rows.clone())).fetch_one(pool));
        assert_eq!(was.await.unwrap(), is.await.unwrap(), "{of}");
    }
    assert!(!events.is_empty());
    restored.close().await;
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE \"{name}\" WITH (FORCE)")))
        .execute(&pool)
        .await
        .unwrap();
}

#[sqlx::test(migrations = false)]
async fn jobs_that_ended_long_ago_go_and_no_others(pool: PgPool) {
    let server = Running::start(&pool, &[]).await;
    let admin = server.admin().await;
    let mut ids = Vec::new();
    for name in ["old", "young", "waiting"] {
        ids.push(admin.submit(&lilac_api::spec::JobSpec::new(name, "image"), None).await.unwrap().id);
    }
    // An array is gone with its last job; a node forgets what happened long ago.
    let array = lilac_api::spec::Array { count: Some(2), ..Default::default() };
    let sweep = |name| lilac_api::spec::JobSpec {
        array: Some(array.clone()),
        ..lilac_api::spec::JobSpec::new(name, "image")
    };
    let [gone, stays] = [admin.submit(&sweep("gone"), None).await, admin.submit(&sweep("stays"), None).await]
        .map(|job| job.unwrap().array.unwrap().id);
    sqlx::query("UPDATE job_arrays SET created_at = now() - interval '40 days'")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE jobs SET state = 'cancelled', finished_at = now() - interval '31 days' WHERE array_id = $1",
    )
    .bind(gone.0)
    .execute(&pool)
    .await
    .unwrap();
    let node = crate::support::join(&admin, "n1").await;
    admin.cordon(node).await.unwrap();
    admin.uncordon(node).await.unwrap();
    let before = admin.node_events(node).await.unwrap().items.len();
    assert!(before >= 2, "taken out and put back");
    sqlx::query(
        "UPDATE node_events SET at = now() - interval '100 days' WHERE id = (SELECT min(id) FROM node_events)",
    )
    .execute(&pool)
    .await
    .unwrap();
    for (id, days) in [(ids[0], 31), (ids[1], 29)] {
        let end =
            "UPDATE jobs SET state = 'cancelled', finished_at = now() - $2 * interval '1 day' WHERE id = $1";
        sqlx::query(end).bind(id.0).bind(days).execute(&pool).await.unwrap();
    }
    drop(server);
    let keep = [("LILAC_JOB_KEEP", "30d"), ("LILAC_NODE_HISTORY_KEEP", "90d")];
    let server = Running::start(&pool, &keep).await;
    let admin = server.admin().await;
    eventually("the old one gone", async || admin.job(ids[0]).await.is_err().then_some(())).await;
    assert_eq!(refused(admin.job(ids[0]).await).code, ErrorCode::NotFound);
    for id in &ids[1..] {
        admin.job(*id).await.unwrap();
    }
    eventually("the empty array gone", async || admin.array(gone).await.is_err().then_some(())).await;
    assert_eq!(admin.array(stays).await.unwrap().size, 2);
    eventually("the old event gone", async || {
        (admin.node_events(node).await.unwrap().items.len() == before - 1).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = false)]
async fn what_a_killed_server_was_sending_the_next_one_sends(pool: PgPool) {
    let settings = [
        ("LILAC_HOOK_ALLOW", "127.0.0.1"),
        ("LILAC_HOOK_HTTP", "true"),
        ("LILAC_LOG", "debug,lilac_server=trace"),
    ];
    let receiver = Receiver::start().await;
    let mut first = Running::start(&pool, &settings).await;
    let client = first.admin().await;
    let secret = Some(Secret("canary-signing-key-of-a-hook".into()));
    let request =
        CreateHook { secret, ..CreateHook::new("hook", &receiver.url("/never?key=canary-in-the-address")) };
    let hook = client.create_hook(&request).await.unwrap().hook.id;
    let notify = vec![Notify { on: vec![JobState::Cancelled], to: "hook".into() }];
    let job = client.submit(&JobSpec { notify, ..JobSpec::new("job", "image") }, None).await.unwrap().id;
    client.cancel(job).await.unwrap();
    eventually("a message", async || (receiver.seen("/never").len() == 1).then_some(())).await;
    first.child.kill().unwrap();

    let second = Running::start(&pool, &settings).await;
    let client = second.admin().await;
    let url = Some(receiver.url("/ok?key=canary-in-the-address"));
    client.update_hook(hook, &UpdateHook { url, ..UpdateHook::default() }).await.unwrap();
    // The dead server's claim runs out, sooner than the test would like to wait.
    sqlx::query("UPDATE hook_deliveries SET claimed_until = now()").execute(&pool).await.unwrap();
    eventually("the message", async || (receiver.seen("/ok").len() == 1).then_some(())).await;
    let [cut_off, whole] = [&receiver.seen("/never")[0], &receiver.seen("/ok")[0]];
    assert_eq!(cut_off.body, whole.body, "the same message, with the same id");
    assert_eq!(whole.message().job.unwrap().id, job);
    assert!(whole.is_signed_with("canary-signing-key-of-a-hook"));
    for server in [&first, &second] {
        let lines = server.lines.lock().unwrap();
        let told = lines.iter().map(Value::to_string).find(|line| line.contains("canary"));
        assert!(lines.len() > 10 && told.is_none(), "{told:?}");
    }
}
