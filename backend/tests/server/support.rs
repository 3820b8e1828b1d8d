//! A whole server inside a test: the real router on a loopback port, on a database of the test's own.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use lilac_api::NodeId;
use lilac_api::agent::{PROTOCOL_VERSION, RegisterRequest};
use lilac_api::auth::{CreateUser, LoginRequest, Role, Secret, User};
use lilac_api::client::{Client, ClientError};
use lilac_api::cluster::CreateJoinKey;
use lilac_api::problem::{ErrorCode, Problem};
use lilac_server::app::{App, Settings};
use lilac_server::auth::bootstrap;
use lilac_server::auth::settings::AuthSettings;
use lilac_server::router;
use lilac_server::secret::vault::Vault;
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tower::ServiceExt;

pub const SECRET_KEY: &str = "a key for tests that signs nothing else";
pub const PASSWORD: &str = "correct horse battery";

/// A running server.
pub struct Harness {
    /// As the first administrator.
    pub client: Client,
    pub url: String,
    pub app: Arc<App>,
    pub router: Router,
}

/// The answer to a request that was written by hand.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Starts a server on `pool` as a first start does, and logs in as its administrator.
pub async fn start(pool: PgPool) -> Harness {
    start_with(pool, AuthSettings::default()).await
}

/// The same, with settings of who may log in and how.
pub async fn start_with(pool: PgPool, auth: AuthSettings) -> Harness {
    start_as(pool, auth, Settings::default()).await
}

/// The same, with settings of all kinds.
pub async fn start_as(pool: PgPool, auth: AuthSettings, settings: Settings) -> Harness {
    let secret = Secret(SECRET_KEY.into());
    let vault = Vault::derived(&secret).unwrap();
    let app = App::with(pool, &secret, vault, auth, settings).unwrap();
    bootstrap::run(&app, Some(&Secret(PASSWORD.into()))).await.unwrap();
    let router = router::build(app.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = router.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    let anonymous = Client::new(&url, None).unwrap();
    let client = log_in(&anonymous, "admin", PASSWORD).await.unwrap();
    Harness { client, url, app, router }
}

/// A client that acts as the user.
pub async fn log_in(client: &Client, username: &str, password: &str) -> Result<Client, ClientError> {
    let request = LoginRequest { username: username.into(), password: Secret(password.into()) };
    Ok(client.with_token(client.login(&request).await?.access_token))
}

/// A text of a table of bad input, with what is too long to stand there: `<deep>` is nested without end, `<long>` a
/// word of 10,000 letters, `<128k>` and `<2m>` are larger still.
pub fn expanded(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, unit, times) in [
        ("<deep>", "[", 100_000),
        ("<long>", "x", 10_000),
        ("<128k>", "x", 128 << 10),
        ("<2m>", "x", 2 << 20),
    ] {
        if text.contains(name) {
            text = text.replace(name, &unit.repeat(times));
        }
    }
    text
}

/// Registers a node that says nothing further.
pub async fn join(admin: &Client, name: &str) -> NodeId {
    let cluster = admin.clusters().await.unwrap().items[0].id;
    let key = CreateJoinKey { name: name.to_owned(), reusable: false, expires_in: None };
    let key = admin.create_join_key(cluster, &key).await.unwrap();
    let request = RegisterRequest {
        protocol: PROTOCOL_VERSION,
        name: name.to_owned(),
        machine_id: format!("machine-of-{name}"),
        agent_version: "test".to_owned(),
    };
    admin.with_token(key.secret).register(&request).await.unwrap().node_id
}

impl Harness {
    /// Serves another application beside this one, and gives an anonymous client of it.
    pub async fn beside(&self, app: Arc<App>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router::build(app)).await });
        Client::new(&url, None).unwrap()
    }

    pub fn anonymous(&self) -> Client {
        Client::new(&self.url, None).unwrap()
    }

    /// A client that acts as the holder of a token or key.
    pub fn as_holder(&self, token: &Secret) -> Client {
        self.client.with_token(token.clone())
    }

    /// Adds a user and logs in as that one.
    pub async fn user(&self, username: &str, role: Role) -> (User, Client) {
        let request = CreateUser::new(username, Secret(PASSWORD.into()), role);
        let user = self.client.create_user(&request).await.unwrap();
        (user, log_in(&self.client, username, PASSWORD).await.unwrap())
    }

    /// Sends a request through the server's router: for what the typed client cannot say.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, headers, body }
    }

    /// A request with a JSON body and some headers.
    pub async fn send_json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(uri(path)).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// The status alone: the body, which may be a stream without an end, is not read.
    pub async fn status_of(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> u16 {
        let mut request =
            Request::builder().method(method).uri(uri(path)).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    /// The header with which the administrator's own requests are authorised, made anew.
    pub async fn admin_header(&self) -> String {
        let request = LoginRequest { username: "admin".into(), password: Secret(PASSWORD.into()) };
        format!("Bearer {}", self.client.login(&request).await.unwrap().access_token.0)
    }
}

/// Where a route is, of the API or of the server itself.
fn uri(path: &str) -> String {
    match path {
        "/healthz" | "/readyz" | "/metrics" => path.to_owned(),
        _ => format!("/api/v1{path}"),
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// The problem with which the server refused.
#[track_caller]
pub fn refused<T>(result: Result<T, ClientError>) -> Problem {
    match result {
        Err(ClientError::Refused(problem)) => *problem,
        Err(other) => panic!("not refused but: {other}"),
        Ok(_) => panic!("not refused but done"),
    }
}

#[track_caller]
pub fn refused_as<T>(result: Result<T, ClientError>, status: u16, code: ErrorCode) {
    let problem = refused(result);
    assert_eq!((problem.status, problem.code), (status, code), "{}", problem.detail);
}

/// The paths of the fields that were refused.
#[track_caller]
pub fn refused_fields<T>(result: Result<T, ClientError>) -> Vec<String> {
    let problem = refused(result);
    assert_eq!((problem.status, problem.code), (422, ErrorCode::InvalidField), "{}", problem.detail);
    problem.errors.into_iter().map(|error| error.path).collect()
}

/// Waits until something holds, and fails where it does not come to hold.
pub async fn eventually(holds: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "it does not come to hold");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
