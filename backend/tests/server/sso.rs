//! Single sign-on against a provider that is a process of its own, with real keys, codes and redirects.
//!
//! The provider is a package for Node, which `./dev test rust` installs and names in `LILAC_TEST_NODE_TOOLS`.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]
#![expect(clippy::print_stderr, reason = "a skipped test says why")]

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Answer, Harness, start_with};
use lilac_api::auth::{Role, Secret};
use lilac_server::auth::oidc::settings::{OidcSettings, RoleClaim};
use lilac_server::auth::settings::AuthSettings;
use reqwest::Url;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const CLIENT: &str = "lilac";

struct Provider {
    /// Ends with this.
    _process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    url: String,
}

impl Provider {
    /// None, with the reason, where the machine has no provider.
    async fn start() -> Option<Self> {
        let Some(tools) = std::env::var_os("LILAC_TEST_NODE_TOOLS") else {
            eprintln!(
                "skipped: LILAC_TEST_NODE_TOOLS is not set; `./dev test rust` sets it where there is Node"
            );
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/sso_provider.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .arg(tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = answers.next_line().await.unwrap().expect("the provider did not start");
        Some(Self { _process: process, orders, answers, url })
    }

    /// Says what the next tokens are like.
    async fn order(&mut self, order: Value) {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        assert_eq!(self.answers.next_line().await.unwrap().as_deref(), Some("ok"));
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.url.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(Secret("a secret of the client's".into())),
            name: "Example".to_owned(),
            redirect_uri: "http://lilac.test/api/v1/auth/oidc/callback".to_owned(),
            creates_users: true,
            username_claim: "preferred_username".to_owned(),
            roles: None,
            default_role: Some(Role::Member),
            teams_claim: None,
        }
    }
}

async fn server(pool: PgPool, oidc: OidcSettings) -> Harness {
    start_with(pool, AuthSettings { oidc: Some(oidc), ..AuthSettings::default() }).await
}

fn query(url: &str, name: &str) -> String {
    let url = Url::parse("http://base").unwrap().join(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The cookie of that name that an answer sets, ready to be sent back.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let mut values = set.filter(|set| set.starts_with(&format!("{name}=")));
    values.next().unwrap_or_default().split(';').next().unwrap().to_owned()
}

/// What a browser does: to the provider with a cookie, and back with a code. Gives cookie and query.
async fn at_the_provider(harness: &Harness) -> (String, String) {
    let begun = harness.send_json("GET", "/auth/oidc/login?next=/jobs", &[], "").await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let back = http.get(begun.header("location")).send().await.unwrap();
    let location = back.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with("http://lilac.test/api/v1/auth/oidc/callback?"), "{location}");
    (cookie(&begun, "lilac_sso"), location.split_once('?').unwrap().1.to_owned())
}

async fn come_back(harness: &Harness, cookie: &str, query: &str) -> Answer {
    harness.send_json("GET", &format!("/auth/oidc/callback?{query}"), &[("cookie", cookie)], "").await
}

async fn log_in(harness: &Harness) -> Answer {
    let (cookie, query) = at_the_provider(harness).await;
    come_back(harness, &cookie, &query).await
}

/// The user that a login gave.
async fn user(harness: &Harness, answer: &Answer) -> Value {
    assert_eq!(answer.header("location"), "/jobs", "let in");
    let refresh = cookie(answer, "lilac_refresh");
    let headers = [("cookie", refresh.as_str()), ("x-lilac-csrf", "1")];
    let renewed = harness.send_json("POST", "/auth/refresh", &headers, "").await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    renewed.body["user"].clone()
}

fn claims(claims: Value) -> Value {
    json!({ "claims": claims })
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_person_of_the_provider_gets_an_account_and_keeps_it(pool: PgPool) {
    let Some(mut provider) = Provider::start().await else { return };
    let harness = server(pool, provider.settings()).await;
    let methods = harness.anonymous().login_methods().await.unwrap();
    assert_eq!(methods.sso.unwrap().name, "Example");

    provider.order(claims(json!({ "sub": "1", "preferred_username": "ada@example.org" }))).await;
    let first = user(&harness, &log_in(&harness).await).await;
    assert_eq!((&first["username"], &first["role"]), (&json!("ada"), &json!("member")));
    assert_eq!(first["teams"], json!(["default"]));
    provider.order(claims(json!({ "sub": "1", "preferred_username": "renamed" }))).await;
    let again = user(&harness, &log_in(&harness).await).await;
    assert_eq!(again["id"], first["id"], "a person is known by the provider's id, not by a name");

    provider.order(claims(json!({ "sub": "2", "preferred_username": "ADMIN" }))).await;
    assert_eq!(log_in(&harness).await.header("location"), "/login?sso=taken", "a name gives no account away");
    provider.order(claims(json!({ "sub": "3", "preferred_username": "no name" }))).await;
    assert_eq!(log_in(&harness).await.header("location"), "/login?sso=unknown");

    let log: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit WHERE object = 'user:ada' ORDER BY sequence")
            .fetch_all(&harness.app.pool)
            .await
            .unwrap();
    assert_eq!(log, ["sso.create"]);
    let body = json!({ "username": "ada", "password": "!" }).to_string();
    assert_eq!(harness.send_json("POST", "/auth/login", &[], body).await.status, 401, "there is no password");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_login_belongs_to_the_browser_that_began_it(pool: PgPool) {
    let Some(mut provider) = Provider::start().await else { return };
    let harness = server(pool, provider.settings()).await;
    provider.order(claims(json!({ "preferred_username": "ada" }))).await;
    let (cookie, query_text) = at_the_provider(&harness).await;
    let (foreign_cookie, foreign_query) = at_the_provider(&harness).await;
    let state = query(&format!("?{query_text}"), "state");
    let code = query(&format!("?{query_text}"), "code");
    let denied = format!("error=access_denied&state={state}");
    let swapped = format!("code={}&state={state}", query(&format!("?{foreign_query}"), "code"));
    for (name, cookie, query, why) in [
        ("no cookie", "", query_text.as_str(), "expired"),
        ("another's cookie", &foreign_cookie, &query_text, "expired"),
        ("a forged cookie", &format!("{}x", &cookie[..cookie.len() - 2]), &query_text, "expired"),
        ("no state", &cookie, &format!("code={code}"), "expired"),
        ("no code", &cookie, &format!("state={state}"), "denied"),
        ("the person said no", &cookie, &denied, "denied"),
        ("a made-up code", &cookie, &format!("code=x&state={state}"), "failed"),
        ("a code of another browser", &cookie, &swapped, "failed"),
    ] {
        let answer = come_back(&harness, cookie, query).await;
        assert_eq!(answer.header("location"), format!("/login?sso={why}"), "{name}");
        assert_eq!(self::cookie(&answer, "lilac_refresh"), "", "{name}");
    }
    user(&harness, &come_back(&harness, &cookie, &query_text).await).await;
    let replayed = come_back(&harness, &cookie, &query_text).await;
    assert_eq!(replayed.header("location"), "/login?sso=failed", "a code works once");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_token_that_is_not_the_providers_for_us_and_now_opens_nothing(pool: PgPool) {
    let Some(mut provider) = Provider::start().await else { return };
    let harness = server(pool, provider.settings()).await;
    let wrong = [
        json!({ "forgery": "alg-none" }),
        json!({ "forgery": "shared-secret" }),
        json!({ "forgery": "other-key" }),
        json!({ "forgery": "changed-claims" }),
        claims(json!({ "iss": "http://127.0.0.1:1" })),
        claims(json!({ "aud": "another client" })),
        claims(json!({ "aud": [CLIENT, "another client"] })),
        claims(json!({ "aud": [CLIENT, "another client"], "azp": "another client" })),
        claims(json!({ "exp": 1 })),
        claims(json!({ "nbf": 9_999_999_999_u64 })),
        claims(json!({ "nonce": "of another login" })),
        claims(json!({ "nonce": "" })),
        claims(json!({ "sub": "" })),
        claims(json!({ "sub": 7 })),
    ];
    for mut order in wrong {
        order["claims"]["preferred_username"] = json!("eve");
        provider.order(order.clone()).await;
        assert_eq!(log_in(&harness).await.header("location"), "/login?sso=failed", "{order}");
    }
    let users = harness.client.users().await.unwrap().items;
    assert_eq!(users.len(), 1, "and makes no account");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn new_keys_of_the_provider_are_found(pool: PgPool) {
    let Some(mut provider) = Provider::start().await else { return };
    let harness = server(pool, provider.settings()).await;
    let order = json!({ "claims": { "preferred_username": "ada" } });
    provider.order(order.clone()).await;
    user(&harness, &log_in(&harness).await).await;
    provider.order(json!({ "claims": { "preferred_username": "ada" }, "rotate": true })).await;
    provider.order(order).await;
    // Old and new key take turns from now on. We look for an unknown one, but not without a pause.
    let (mut in_a_row, mut tries) = (0, 0);
    while in_a_row < 4 {
        let let_in = log_in(&harness).await.header("location") == "/jobs";
        in_a_row = if let_in { in_a_row + 1 } else { 0 };
        tries += 1;
        assert!(tries < 200, "the new key is not found");
        tokio::time::sleep(Duration::from_millis(if let_in { 0 } else { 500 })).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn claims_give_role_and_teams_but_never_take_the_last_administrator(pool: PgPool) {
    let Some(mut provider) = Provider::start().await else { return };
    let values = vec![("ops".to_owned(), Role::Admin), ("staff".to_owned(), Role::Member)];
    let settings = OidcSettings {
        creates_users: false,
        roles: Some(RoleClaim { claim: "groups".to_owned(), values }),
        default_role: None,
        teams_claim: Some("teams".to_owned()),
        ..provider.settings()
    };
    let harness = server(pool, settings).await;
    let of = |name: &str, groups: Value, teams: Value| {
        claims(json!({ "sub": name, "preferred_username": name, "groups": groups, "teams": teams }))
    };
    provider.order(of("nobody", json!(["staff"]), json!([]))).await;
    assert_eq!(log_in(&harness).await.header("location"), "/login?sso=unknown", "only existing users");

    let (ada, _) = harness.user("ada", Role::Viewer).await;
    provider.order(of("ada", json!(["other", "ops"]), json!(["default", "nowhere"]))).await;
    let seen = user(&harness, &log_in(&harness).await).await;
    assert_eq!(
        (&seen["id"], &seen["role"], &seen["teams"]),
        (&json!(ada.id), &json!("admin"), &json!(["default"]))
    );
    provider.order(of("ada", json!("staff"), json!([]))).await;
    let seen = user(&harness, &log_in(&harness).await).await;
    assert_eq!((&seen["role"], &seen["teams"]), (&json!("member"), &json!([])));
    provider.order(of("ada", json!(["other"]), json!([]))).await;
    assert_eq!(log_in(&harness).await.header("location"), "/login?sso=no-role");

    provider.order(of("admin", json!(["staff"]), json!([]))).await;
    assert_eq!(user(&harness, &log_in(&harness).await).await["role"], "admin", "the last one stays");
    let mut thief = of("admin", json!(["staff"]), json!([]));
    thief["claims"]["sub"] = json!("another person");
    provider.order(thief).await;
    assert_eq!(
        log_in(&harness).await.header("location"),
        "/login?sso=taken",
        "an account has one owner there"
    );

    let disable = lilac_api::auth::UpdateUser { disabled: Some(true), ..Default::default() };
    harness.client.update_user(ada.id, &disable).await.unwrap();
    provider.order(of("ada", json!(["staff"]), json!([]))).await;
    assert_eq!(log_in(&harness).await.header("location"), "/login?sso=disabled");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn without_a_provider_there_is_no_way_to_one(pool: PgPool) {
    let harness = start_with(pool, AuthSettings::default()).await;
    assert!(harness.anonymous().login_methods().await.unwrap().sso.is_none());
    for path in ["/auth/oidc/login", "/auth/oidc/callback?code=a&state=b"] {
        assert_eq!(harness.send_json("GET", path, &[], "").await.status, 404, "{path}");
    }
}
