//! What users do with their own accounts: passwords, profiles, scopes of keys, signing up; and how soon a change
//! of an account counts.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::{Duration, Instant};

use crate::support::{
    Answer, Harness, PASSWORD, SECRET_KEY, log_in, refused, refused_as, refused_fields, start, start_with,
};
use lilac_api::auth::{
    ChangePassword, CreateApiKey, CreateUser, Role, Scope, Secret, SignUp, UpdateProfile, UpdateUser,
};
use lilac_api::problem::ErrorCode;
use lilac_server::app::App;
use lilac_server::auth::settings::AuthSettings;
use serde_json::json;
use sqlx::PgPool;

const OTHER_PASSWORD: &str = "another fine password";

fn change(from: &str, to: &str) -> ChangePassword {
    ChangePassword { current_password: Secret(from.into()), new_password: Secret(to.into()) }
}

fn key(scopes: &[Scope]) -> CreateApiKey {
    CreateApiKey { scopes: Some(scopes.to_vec()), ..CreateApiKey::named("ci") }
}

async fn audited(harness: &Harness) -> Vec<(String, String)> {
    sqlx::query_as("SELECT actor, action FROM audit ORDER BY sequence")
        .fetch_all(&harness.app.pool)
        .await
        .unwrap()
}

fn entry(actor: &str, action: &str) -> (String, String) {
    (actor.to_owned(), action.to_owned())
}

async fn raw_login(harness: &Harness, name: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "username": name, "password": PASSWORD }).to_string();
    harness.send_json("POST", "/auth/login", headers, body).await
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_changed_password_ends_all_other_logins_and_opens_one(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Viewer).await;
    let elsewhere = log_in(&harness.anonymous(), "ada", PASSWORD).await.unwrap();
    let cases = [
        (change("not the password", OTHER_PASSWORD), "current_password"),
        (change(PASSWORD, "short"), "new_password"),
        (change(PASSWORD, PASSWORD), "new_password"),
    ];
    for (request, field) in cases {
        assert_eq!(refused_fields(ada.change_password(&request).await), [field]);
    }
    let opened = ada.change_password(&change(PASSWORD, OTHER_PASSWORD)).await.unwrap();
    for old in [&ada, &elsewhere] {
        refused_as(old.me().await, 401, ErrorCode::Unauthenticated);
    }
    assert_eq!(ada.with_token(opened.access_token).me().await.unwrap().username, "ada");
    refused_as(log_in(&ada, "ada", PASSWORD).await, 401, ErrorCode::Unauthenticated);
    log_in(&ada, "ada", OTHER_PASSWORD).await.unwrap();
    assert!(audited(&harness).await.contains(&entry("user:ada", "user.password")));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn whose_password_was_reset_can_only_change_it(pool: PgPool) {
    let harness = start(pool).await;
    let (user, ada) = harness.user("ada", Role::Admin).await;
    let made_up = harness.client.reset_password(user.id).await.unwrap().password;
    refused_as(ada.me().await, 401, ErrorCode::Unauthenticated);
    refused_as(log_in(&ada, "ada", PASSWORD).await, 401, ErrorCode::Unauthenticated);

    let ada = log_in(&ada, "ada", &made_up.0).await.unwrap();
    assert!(ada.me().await.unwrap().must_change_password, "who one is, one may know");
    let required = ErrorCode::PasswordChangeRequired;
    refused_as(ada.users().await, 403, required);
    refused_as(ada.api_keys().await, 403, required);
    refused_as(ada.create_api_key(&CreateApiKey::named("a")).await, 403, required);
    refused_as(ada.update_me(&UpdateProfile::default()).await, 403, required);
    let opened = ada.change_password(&change(&made_up.0, OTHER_PASSWORD)).await.unwrap();
    assert!(!opened.user.must_change_password);
    ada.with_token(opened.access_token).users().await.unwrap();

    // The same for who is given a password, or made with one to be changed.
    let given = UpdateUser { password: Some(Secret(PASSWORD.into())), ..UpdateUser::default() };
    assert!(harness.client.update_user(user.id, &given).await.unwrap().must_change_password);
    let request = CreateUser {
        must_change_password: true,
        ..CreateUser::new("eve", Secret(PASSWORD.into()), Role::Member)
    };
    harness.client.create_user(&request).await.unwrap();
    let eve = log_in(&ada, "eve", PASSWORD).await.unwrap();
    refused_as(eve.queues().await, 403, required);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_profile_is_ones_own(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Viewer).await;
    let set = |name: &str, email: &str| UpdateProfile {
        display_name: Some(name.into()),
        email: Some(email.into()),
    };
    let me = ada.update_me(&set("Ada Lovelace", "ada@example.org")).await.unwrap();
    assert_eq!(
        (me.display_name.as_deref(), me.email.as_deref()),
        (Some("Ada Lovelace"), Some("ada@example.org"))
    );
    assert_eq!(me.teams, ["default"]);
    let only = UpdateProfile { display_name: Some(String::new()), email: None };
    let me = ada.update_me(&only).await.unwrap();
    assert_eq!((me.display_name, me.email.as_deref()), (None, Some("ada@example.org")));
    for (request, field) in [
        (set(&"x".repeat(129), ""), "display_name"),
        (set("a\nb", ""), "display_name"),
        (set("", "nobody"), "email"),
        (set("", "a@b@c"), "email"),
        (set("", &format!("{}@b", "x".repeat(254))), "email"),
    ] {
        assert_eq!(refused_fields(ada.update_me(&request).await), [field]);
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_key_does_what_its_scopes_allow(pool: PgPool) {
    let harness = start(pool).await;
    let by = |scopes: &'static [Scope]| {
        let harness = &harness;
        async move { harness.as_holder(&harness.client.create_api_key(&key(scopes)).await.unwrap().secret) }
    };
    let read = by(&[Scope::Read]).await;
    assert_eq!(read.me().await.unwrap().role, Role::Admin, "whose it is stays told");
    read.jobs(&Default::default()).await.unwrap();
    refused_as(read.users().await, 403, ErrorCode::Forbidden);
    refused_as(read.create_api_key(&key(&[Scope::Read])).await, 403, ErrorCode::Forbidden);
    refused_as(read.change_password(&change(PASSWORD, OTHER_PASSWORD)).await, 403, ErrorCode::Forbidden);
    let job: lilac_api::spec::JobSpec = serde_json::from_value(json!({ "name": "a", "image": "b" })).unwrap();
    assert!(refused(read.submit(&job, None).await).detail.contains("scope `write`"));

    let write = by(&[Scope::Write]).await;
    write.jobs(&Default::default()).await.unwrap();
    write.submit(&job, None).await.unwrap();
    refused_as(write.users().await, 403, ErrorCode::Forbidden);

    let account = by(&[Scope::Account, Scope::Read]).await;
    let grown = refused_fields(account.create_api_key(&key(&[Scope::Read, Scope::Admin])).await);
    assert_eq!(grown, ["scopes[1]"], "a key cannot give what it has not");
    let child = account.create_api_key(&CreateApiKey::named("child")).await.unwrap();
    assert_eq!(child.key.scopes, [Scope::Read, Scope::Account]);
    let only_account = by(&[Scope::Account]).await;
    refused_as(only_account.queues().await, 403, ErrorCode::Forbidden);
    for scopes in [&[][..], &[Scope::Read, Scope::Read]] {
        assert_eq!(refused_fields(harness.client.create_api_key(&key(scopes)).await), ["scopes"]);
    }

    // A scope is no role: a viewer's key for everything is a viewer's.
    let (_, viewer) = harness.user("viewer", Role::Viewer).await;
    let made = viewer.create_api_key(&CreateApiKey::named("all")).await.unwrap();
    refused_as(harness.as_holder(&made.secret).users().await, 403, ErrorCode::Forbidden);
    let log = audited(&harness).await;
    assert!(log.contains(&entry("user:viewer", "api-key.create")), "{log:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_administrators_key_without_the_scope_controls_only_its_own_jobs(pool: PgPool) {
    let harness = start(pool).await;
    let (_, ada) = harness.user("ada", Role::Member).await;
    let job = serde_json::from_value(json!({ "name": "a", "image": "b" })).unwrap();
    let job = ada.submit(&job, None).await.unwrap();
    let made = harness.client.create_api_key(&key(&[Scope::Write])).await.unwrap();
    refused_as(harness.as_holder(&made.secret).cancel(job.id).await, 403, ErrorCode::Forbidden);
    harness.client.cancel(job.id).await.unwrap();
}

/// Two servers on one database: what one changes counts there at once and on the other within seconds.
#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_revoked_key_ends_here_at_once_and_elsewhere_soon(pool: PgPool) {
    let harness = start(pool.clone()).await;
    let replica = App::new(pool, &Secret(SECRET_KEY.into())).unwrap();
    let replica = harness.beside(replica).await;
    let (user, ada) = harness.user("ada", Role::Member).await;
    let made = ada.create_api_key(&CreateApiKey::named("ci")).await.unwrap();
    let (here, there) = (harness.as_holder(&made.secret), replica.with_token(made.secret.clone()));
    for client in [&here, &there] {
        client.queues().await.unwrap();
    }
    ada.revoke_api_key(made.key.id).await.unwrap();
    refused_as(here.queues().await, 401, ErrorCode::Unauthenticated);
    within_five_seconds(async || there.queues().await.is_err()).await;

    let there = log_in(&replica, "ada", PASSWORD).await.unwrap();
    there.queues().await.unwrap();
    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    harness.client.update_user(user.id, &disable).await.unwrap();
    refused_as(ada.queues().await, 401, ErrorCode::Unauthenticated);
    within_five_seconds(async || there.queues().await.is_err()).await;
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_live_stream_ends_with_the_key_that_opened_it(pool: PgPool) {
    let harness = start(pool).await;
    let made = harness.client.create_api_key(&CreateApiKey::named("ci")).await.unwrap();
    let request =
        reqwest::Client::new().get(format!("{}/api/v1/events", harness.url)).bearer_auth(&made.secret.0);
    let mut stream = request.send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some(), "it stands");
    harness.client.revoke_api_key(made.key.id).await.unwrap();
    let ends = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), ends).await.expect("it goes on");
}

/// Polls. On a busy machine the tries themselves take long, so the clock only stops what would never end.
async fn within_five_seconds(holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    let mut tries = 0;
    while !holds().await {
        tries += 1;
        assert!(tries < 100 || started.elapsed() < Duration::from_secs(30), "it never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn signing_up_is_off_unless_switched_on(pool: PgPool) {
    let request = SignUp { username: "eve".into(), password: Secret(PASSWORD.into()) };
    let closed = start(pool.clone()).await;
    assert!(!closed.anonymous().login_methods().await.unwrap().sign_up);
    refused_as(closed.anonymous().sign_up(&request).await, 403, ErrorCode::Forbidden);

    let open = start_with(pool, AuthSettings { sign_up: true, ..AuthSettings::default() }).await;
    assert!(open.anonymous().login_methods().await.unwrap().sign_up);
    let eve = open.anonymous().sign_up(&request).await.unwrap();
    assert_eq!((eve.role, eve.teams), (Role::Member, vec!["default".to_owned()]));
    refused_as(open.anonymous().sign_up(&request).await, 409, ErrorCode::NameTaken);
    let bad = SignUp { username: "a b".into(), password: Secret("short".into()) };
    assert_eq!(refused_fields(open.anonymous().sign_up(&bad).await), ["username", "password"]);
    log_in(&open.anonymous(), "eve", PASSWORD).await.unwrap().queues().await.unwrap();
    assert!(audited(&open).await.contains(&entry("user:eve", "user.sign-up")));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_user_is_deleted_only_without_a_trace(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    as_ada.create_api_key(&CreateApiKey::named("ci")).await.unwrap();
    assert_eq!(harness.client.user(ada.id).await.unwrap().username, "ada");
    harness.client.delete_user(ada.id).await.unwrap();
    refused_as(as_ada.me().await, 401, ErrorCode::Unauthenticated);
    refused_as(harness.client.user(ada.id).await, 404, ErrorCode::NotFound);
    refused_as(harness.client.delete_user(ada.id).await, 404, ErrorCode::NotFound);

    let (busy, as_busy) = harness.user("busy", Role::Member).await;
    let job = serde_json::from_value(json!({ "name": "a", "image": "b" })).unwrap();
    as_busy.submit(&job, None).await.unwrap();
    refused_as(harness.client.delete_user(busy.id).await, 409, ErrorCode::Conflict);
    let me = harness.client.me().await.unwrap();
    refused_as(harness.client.delete_user(me.id).await, 409, ErrorCode::Conflict);

    // Two administrators who delete each other at the same moment: one of them stays.
    let (other, as_other) = harness.user("other", Role::Admin).await;
    let (a, b) = tokio::join!(harness.client.delete_user(other.id), as_other.delete_user(me.id));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_lock_out_is_audited_once_and_only_for_who_exists(pool: PgPool) {
    let harness = start(pool).await;
    harness.user("ada", Role::Member).await;
    for name in ["ada", "nobody"] {
        for _ in 0..7 {
            let body = json!({ "username": name, "password": "a wrong password" }).to_string();
            harness.send_json("POST", "/auth/login", &[], body).await;
        }
    }
    let log: Vec<(String, String)> =
        sqlx::query_as("SELECT action, object FROM audit WHERE action = 'login.lock-out'")
            .fetch_all(&harness.app.pool)
            .await
            .unwrap();
    assert_eq!(log, [entry("login.lock-out", "user:ada")]);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn what_works_by_cookie_refuses_foreign_pages(pool: PgPool) {
    let url = Some("https://lilac.example.org".parse().unwrap());
    let harness = start_with(pool, AuthSettings { public_url: url, ..AuthSettings::default() }).await;
    let login = raw_login(&harness, "admin", &[]).await;
    let set = login.header("set-cookie");
    assert!(set.starts_with("__Secure-lilac_refresh=") && set.contains("; Secure"), "{set}");
    assert_eq!(login.header("strict-transport-security"), "max-age=31536000");
    let cookie = set.split(';').next().unwrap();
    let send = |path: &'static str, name: &'static str, value: &'static str, cookie: String| {
        let harness = &harness;
        async move {
            let headers = [
                ("cookie", cookie.as_str()),
                ("x-lilac-csrf", "1"),
                ("host", "10.0.0.1:8080"),
                (name, value),
            ];
            harness.send_json("POST", path, &headers, "").await
        }
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example.org"),
        ("origin", "null"),
        ("origin", ""),
        ("origin", "https://lilac.example.org.evil.example"),
    ] {
        for path in ["/auth/refresh", "/auth/logout", "/auth/login"] {
            let answer = send(path, name, value, cookie.to_owned()).await;
            // A login without a body is malformed before all else.
            let expected = if path == "/auth/login" { 400 } else { 403 };
            assert_eq!(answer.status, expected, "{path} {name}: {value}");
        }
        assert_eq!(raw_login(&harness, "admin", &[(name, value)]).await.status, 403, "{name}: {value}");
    }
    // A cookie without the prefix may come from anyone on the way.
    let plain = cookie.trim_start_matches("__Secure-").to_owned();
    assert_eq!(send("/auth/refresh", "sec-fetch-site", "same-origin", plain).await.status, 401);
    let mut cookie = cookie.to_owned();
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "https://lilac.example.org"),
        ("origin", "http://10.0.0.1:8080"),
        ("accept", "*/*"),
    ] {
        let answer = send("/auth/refresh", name, value, cookie).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
        cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    }
    let by_http = start(harness.app.pool.clone()).await;
    let answer = raw_login(&by_http, "admin", &[]).await;
    assert_eq!(answer.header("strict-transport-security"), "", "a server reached by http promises no https");
}
