//! Logins, users, API keys and the first start, as callers see them.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use crate::support::{
    Answer, Harness, PASSWORD, SECRET_KEY, log_in, refused, refused_as, refused_fields, start,
};
use lilac_api::ApiKeyId;
use lilac_api::auth::{CreateApiKey, CreateUser, LoginRequest, Role, Secret, UpdateUser};
use lilac_api::client::Client;
use lilac_api::problem::ErrorCode;
use lilac_api::quantity::Span;
use lilac_server::app::App;
use lilac_server::auth::bootstrap;
use serde_json::json;
use sqlx::PgPool;

const OTHER_PASSWORD: &str = "another fine password";

async fn raw_login(harness: &Harness, username: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "username": username, "password": password }).to_string();
    harness.send_json("POST", "/auth/login", headers, body).await
}

/// The refresh token that an answer sets, ready to be sent back.
#[track_caller]
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    assert!(set.starts_with("lilac_refresh=lilac_refresh_"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

async fn refresh(harness: &Harness, cookie: &str) -> Answer {
    let headers = [("cookie", cookie), ("x-lilac-csrf", "1")];
    harness.send_json("POST", "/auth/refresh", &headers, "").await
}

fn key_named(name: &str) -> CreateApiKey {
    CreateApiKey::named(name)
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_login_gives_a_token_that_says_who_one_is(pool: PgPool) {
    let harness = start(pool).await;
    let me = harness.client.me().await.unwrap();
    assert_eq!((me.username.as_str(), me.role, me.disabled), ("admin", Role::Admin, false));
    refused_as(harness.anonymous().me().await, 401, ErrorCode::Unauthenticated);
    // A name is one whatever its case.
    log_in(&harness.anonymous(), "ADMIN", PASSWORD).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refused_login_does_not_say_why(pool: PgPool) {
    let harness = start(pool).await;
    let (gone, _) = harness.user("gone", Role::Member).await;
    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    harness.client.update_user(gone.id, &disable).await.unwrap();
    let mut answers = Vec::new();
    for (username, password) in
        [("admin", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD), ("", "")]
    {
        let answer = raw_login(&harness, username, password, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "unauthenticated"), "{username}");
        assert_eq!(answer.header("set-cookie"), "");
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0]), "{answers:?}");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn guessing_is_slowed_down_by_name(pool: PgPool) {
    let harness = start(pool).await;
    for name in ["admin", "nobody"] {
        for _ in 0..5 {
            assert_eq!(raw_login(&harness, name, "a wrong password", &[]).await.status, 401);
        }
    }
    // Known or not, a name is closed now; for the right password too, and in whatever case it is written.
    for name in ["nobody", "Nobody"] {
        let answer = raw_login(&harness, name, PASSWORD, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (429, "too-many-requests"), "{name}");
        assert_eq!(answer.header("retry-after"), "4");
    }
    let (_, other) = harness.user("other", Role::Viewer).await;
    assert_eq!(other.me().await.unwrap().username, "other");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_burst_of_guesses_is_not_answered_whole(pool: PgPool) {
    let harness = start(pool).await;
    let guesses = (0..30).map(|_| raw_login(&harness, "admin", "a wrong password", &[]));
    let answers = futures::future::join_all(guesses).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // On a slow machine the name opens again before the last guess is hashed, for one answer each time.
    assert!(of(401) >= 5 && of(429) >= 20, "{} were answered", of(401));
    assert_eq!(of(401) + of(429), 30);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_refresh_cookie_is_for_these_routes_and_no_script(pool: PgPool) {
    let harness = start(pool).await;
    let plain = raw_login(&harness, "admin", PASSWORD, &[]).await;
    let set = plain.header("set-cookie");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/api/v1/auth", "; Max-Age=604800"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "a browser that came by http would not keep it: {set}");
    let https = raw_login(&harness, "admin", PASSWORD, &[("x-forwarded-proto", "https, http")]).await;
    let set = https.header("set-cookie");
    assert!(set.starts_with("__Secure-lilac_refresh=") && set.contains("; Secure"), "{set}");
    assert_eq!(https.header("cache-control"), "no-store");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refresh_token_works_once_and_its_theft_ends_the_login(pool: PgPool) {
    let harness = start(pool).await;
    let first = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let other_login = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);

    let no_header = harness.send_json("POST", "/auth/refresh", &[("cookie", first.as_str())], "").await;
    assert_eq!(no_header.status, 401, "a foreign page cannot send the header");

    let renewed = refresh(&harness, &first).await;
    assert_eq!(renewed.status, 200);
    let token = Secret(renewed.body["access_token"].as_str().unwrap().to_owned());
    assert_eq!(harness.as_holder(&token).me().await.unwrap().username, "admin");
    let second = cookie(&renewed);
    assert_ne!(second, first);

    age_refresh(&harness, &first).await;
    let reused = refresh(&harness, &first).await;
    assert_eq!((reused.status.as_u16(), reused.code()), (401, "unauthenticated"));
    assert!(reused.header("set-cookie").starts_with("lilac_refresh=;"), "the cookie is cleared");
    assert_eq!(refresh(&harness, &second).await.status, 401, "the whole family is gone");
    assert_eq!(refresh(&harness, &other_login).await.status, 200, "another login is not");
}

/// Lets more than the time of grace go by since a token was replaced.
async fn age_refresh(harness: &Harness, cookie: &str) {
    let id = lilac_server::auth::keys::parse(cookie.split_once('=').unwrap().1).unwrap().id;
    let done =
        sqlx::query("UPDATE refresh_tokens SET used_at = used_at - interval '31 seconds' WHERE id = $1 AND used_at > now() - interval '30 seconds'")
            .bind(id)
            .execute(&harness.app.pool)
            .await
            .unwrap();
    assert_eq!(done.rows_affected(), 1, "the token was replaced less than the time of grace ago");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refresh_whose_answer_was_lost_is_answered_again(pool: PgPool) {
    let harness = start(pool).await;
    let first = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let lost = cookie(&refresh(&harness, &first).await);
    // A page that is left and loaded again more than once, as a hurried person does.
    for _ in 0..3 {
        let again = refresh(&harness, &first).await;
        assert_eq!((again.status.as_u16(), cookie(&again)), (200, lost.clone()), "it is the same next one");
    }
    let third = cookie(&refresh(&harness, &lost).await);
    assert_ne!(third, lost);
    // Once the next one was used its answer had arrived: who still comes with the first has stolen it.
    assert_eq!(refresh(&harness, &first).await.status, 401);
    assert_eq!(refresh(&harness, &third).await.status, 401, "the whole family is gone");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_thief_within_the_time_of_grace_is_found_by_the_next_refresh(pool: PgPool) {
    let harness = start(pool).await;
    let first = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let mine = cookie(&refresh(&harness, &first).await);
    let stolen = cookie(&refresh(&harness, &first).await);
    let next = refresh(&harness, &mine).await;
    assert_eq!(next.status, 200);
    age_refresh(&harness, &mine).await;
    assert_eq!(refresh(&harness, &stolen).await.status, 401);
    assert_eq!(refresh(&harness, &cookie(&next)).await.status, 401, "both are out");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_time_of_grace_opens_no_login_that_has_ended(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, _) = harness.user("ada", Role::Member).await;
    let left = cookie(&raw_login(&harness, "ada", PASSWORD, &[]).await);
    let next = cookie(&refresh(&harness, &left).await);
    harness.send_json("POST", "/auth/logout", &[("cookie", next.as_str())], "").await;
    assert_eq!(refresh(&harness, &left).await.status, 401, "logged out");

    let renewed = cookie(&raw_login(&harness, "ada", PASSWORD, &[]).await);
    assert_eq!(refresh(&harness, &renewed).await.status, 200);
    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    harness.client.update_user(ada.id, &disable).await.unwrap();
    assert_eq!(refresh(&harness, &renewed).await.status, 401, "disabled");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn two_refreshes_at_once_get_the_same_next_token(pool: PgPool) {
    let harness = start(pool).await;
    let shared = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let (a, b) = tokio::join!(refresh(&harness, &shared), refresh(&harness, &shared));
    assert_eq!((a.status.as_u16(), b.status.as_u16()), (200, 200));
    assert_eq!(cookie(&a), cookie(&b));
    assert_eq!(refresh(&harness, &cookie(&a)).await.status, 200);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_refresh_token_that_is_none_is_refused(pool: PgPool) {
    let harness = start(pool).await;
    let real = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let expired = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let forged = harness.app.keys.mint(lilac_server::auth::keys::Kind::Refresh, uuid::Uuid::now_v7());
    for cookie in ["", "lilac_refresh=", "lilac_refresh=x", &real[..real.len() - 1]] {
        assert_eq!(refresh(&harness, cookie).await.status, 401, "{cookie}");
    }
    assert_eq!(refresh(&harness, &format!("lilac_refresh={}", forged.text.0)).await.status, 401);
    sqlx::query("UPDATE refresh_tokens SET expires_at = now() WHERE id = $1")
        .bind(lilac_server::auth::keys::parse(expired.split_once('=').unwrap().1).unwrap().id)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    assert_eq!(refresh(&harness, &expired).await.status, 401);
    assert_eq!(refresh(&harness, &real).await.status, 200);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn logging_out_ends_this_login_only(pool: PgPool) {
    let harness = start(pool).await;
    let mine = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let other = cookie(&raw_login(&harness, "admin", PASSWORD, &[]).await);
    let answer = harness.send_json("POST", "/auth/logout", &[("cookie", mine.as_str())], "").await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").starts_with("lilac_refresh=; Path=/api/v1/auth; Max-Age=0"));
    assert_eq!(refresh(&harness, &mine).await.status, 401);
    assert_eq!(refresh(&harness, &other).await.status, 200);
    // Without a login there is nothing to end, which is as good.
    assert_eq!(harness.send_json("POST", "/auth/logout", &[], "").await.status, 204);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn administrators_add_users_and_nobody_else_does(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, as_ada) = harness.user("Ada", Role::Member).await;
    assert_eq!((ada.username.as_str(), ada.role), ("Ada", Role::Member));
    let request = CreateUser::new("ada", Secret(PASSWORD.into()), Role::Viewer);
    refused_as(harness.client.create_user(&request).await, 409, ErrorCode::NameTaken);
    let eve = CreateUser { username: "eve".into(), ..request.clone() };
    refused_as(as_ada.create_user(&eve).await, 403, ErrorCode::Forbidden);
    refused_as(as_ada.users().await, 403, ErrorCode::Forbidden);
    refused_as(as_ada.update_user(ada.id, &UpdateUser::default()).await, 403, ErrorCode::Forbidden);
    refused_as(harness.anonymous().create_user(&eve).await, 401, ErrorCode::Unauthenticated);

    let bad = CreateUser::new("a b", Secret("short".into()), Role::Viewer);
    assert_eq!(refused_fields(harness.client.create_user(&bad).await), ["username", "password"]);
    let names: Vec<String> =
        harness.client.users().await.unwrap().items.into_iter().map(|user| user.username).collect();
    assert_eq!(names, ["admin", "Ada"], "what was refused left nothing behind");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_list_of_users_is_read_page_by_page(pool: PgPool) {
    let harness = start(pool).await;
    for name in ["a", "b", "c", "d"] {
        let request = CreateUser::new(name, Secret(PASSWORD.into()), Role::Viewer);
        harness.client.create_user(&request).await.unwrap();
    }
    let bearer = harness.admin_header().await;
    let headers = [("authorization", bearer.as_str())];
    let (mut names, mut path, mut pages) = (Vec::new(), "/users?limit=2".to_owned(), 0);
    loop {
        let page = harness.send_json("GET", &path, &headers, "").await;
        assert_eq!(page.status, 200);
        pages += 1;
        let items = page.body["items"].as_array().unwrap();
        names.extend(items.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(cursor) => path = format!("/users?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((names.join(" ").as_str(), pages), ("admin a b c d", 3));

    for query in ["limit=0", "limit=501", "limit=x", "limit=-1", "cursor=x", "cursor=%00", "size=3"] {
        let answer = harness.send_json("GET", &format!("/users?{query}"), &headers, "").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "malformed-request"), "{query}");
        let named = query.split('=').next().unwrap();
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(named) || detail.contains("NUL") || named == "limit", "{detail}");
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_new_password_ends_all_logins(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    let key = as_ada.create_api_key(&key_named("ci")).await.unwrap();
    let renewable = cookie(&raw_login(&harness, "ada", PASSWORD, &[]).await);
    let change = UpdateUser { password: Some(Secret(OTHER_PASSWORD.into())), ..UpdateUser::default() };
    harness.client.update_user(ada.id, &change).await.unwrap();
    refused_as(as_ada.me().await, 401, ErrorCode::Unauthenticated);
    assert_eq!(refresh(&harness, &renewable).await.status, 401);
    refused_as(log_in(&harness.anonymous(), "ada", PASSWORD).await, 401, ErrorCode::Unauthenticated);
    log_in(&harness.anonymous(), "ada", OTHER_PASSWORD).await.unwrap();
    assert_eq!(harness.as_holder(&key.secret).me().await.unwrap().username, "ada", "programs go on");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_disabled_user_can_do_nothing_until_enabled_again(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, as_ada) = harness.user("ada", Role::Member).await;
    let key = as_ada.create_api_key(&key_named("ci")).await.unwrap();
    let renewable = cookie(&raw_login(&harness, "ada", PASSWORD, &[]).await);
    let set = |disabled| UpdateUser { disabled: Some(disabled), ..UpdateUser::default() };
    assert!(harness.client.update_user(ada.id, &set(true)).await.unwrap().disabled);
    refused_as(as_ada.me().await, 401, ErrorCode::Unauthenticated);
    refused_as(harness.as_holder(&key.secret).me().await, 401, ErrorCode::Unauthenticated);
    assert_eq!(refresh(&harness, &renewable).await.status, 401);
    assert!(!harness.client.update_user(ada.id, &set(false)).await.unwrap().disabled);
    refused_as(as_ada.me().await, 401, ErrorCode::Unauthenticated);
    assert_eq!(refresh(&harness, &renewable).await.status, 401, "old logins stay ended");
    log_in(&harness.anonymous(), "ada", PASSWORD).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_role_counts_from_the_next_request_on(pool: PgPool) {
    let harness = start(pool).await;
    let (ada, as_ada) = harness.user("ada", Role::Viewer).await;
    refused_as(as_ada.users().await, 403, ErrorCode::Forbidden);
    let promote = UpdateUser { role: Some(Role::Admin), ..UpdateUser::default() };
    assert_eq!(harness.client.update_user(ada.id, &promote).await.unwrap().role, Role::Admin);
    assert_eq!(as_ada.users().await.unwrap().items.len(), 2);
    let nobody = lilac_api::UserId::new();
    refused_as(harness.client.update_user(nobody, &promote).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn the_last_administrator_stays(pool: PgPool) {
    let harness = start(pool).await;
    let admin = harness.client.me().await.unwrap();
    let demote = UpdateUser { role: Some(Role::Member), ..UpdateUser::default() };
    let disable = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
    for change in [&demote, &disable] {
        refused_as(harness.client.update_user(admin.id, change).await, 409, ErrorCode::Conflict);
    }
    assert_eq!(harness.client.me().await.unwrap().role, Role::Admin);

    // Two who demote each other at the same moment: one of them is too late.
    let (ada, as_ada) = harness.user("ada", Role::Admin).await;
    let (a, b) =
        tokio::join!(harness.client.update_user(ada.id, &demote), as_ada.update_user(admin.id, &demote));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled")
        .fetch_one(&harness.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_api_key_acts_as_its_user_until_it_is_revoked(pool: PgPool) {
    let harness = start(pool).await;
    let (_, as_ada) = harness.user("ada", Role::Viewer).await;
    let week = Some(Span(std::time::Duration::from_secs(7 * 86_400)));
    let made = as_ada.create_api_key(&CreateApiKey { expires_in: week, ..key_named("ci") }).await.unwrap();
    assert!(made.secret.0.starts_with("lilac_pat_"));
    let lifetime = made.key.expires_at.unwrap() - made.key.created_at;
    assert_eq!(lifetime.num_days(), 7);
    let by_key = harness.as_holder(&made.secret);
    assert_eq!(by_key.me().await.unwrap().username, "ada");
    let listed = as_ada.api_keys().await.unwrap().items;
    assert_eq!((listed.len(), listed[0].id, listed[0].name.as_str()), (1, made.key.id, "ci"));
    // It is told by what it begins with, which opens nothing.
    let rest = made.secret.0.strip_prefix(&listed[0].prefix).unwrap();
    assert!(listed[0].prefix.starts_with("lilac_pat_") && rest.len() > 64, "{:?}", listed[0].prefix);
    refused_as(
        harness.as_holder(&Secret(listed[0].prefix.clone())).me().await,
        401,
        ErrorCode::Unauthenticated,
    );
    assert!(listed[0].last_used_at.is_some());

    assert!(harness.client.api_keys().await.unwrap().items.is_empty(), "each sees their own");
    refused_as(harness.client.revoke_api_key(made.key.id).await, 404, ErrorCode::NotFound);
    as_ada.revoke_api_key(made.key.id).await.unwrap();
    refused_as(by_key.me().await, 401, ErrorCode::Unauthenticated);
    assert!(as_ada.api_keys().await.unwrap().items.is_empty());
    refused_as(as_ada.revoke_api_key(made.key.id).await, 404, ErrorCode::NotFound);
    refused_as(as_ada.revoke_api_key(ApiKeyId::new()).await, 404, ErrorCode::NotFound);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn an_api_key_ends_when_it_expires(pool: PgPool) {
    let harness = start(pool).await;
    for (text, millis) in [("0s", 0), ("999ms", 999), ("3651d", 3651 * 86_400_000)] {
        let expires_in = Some(Span(std::time::Duration::from_millis(millis)));
        let request = CreateApiKey { expires_in, ..key_named("ci") };
        assert_eq!(refused_fields(harness.client.create_api_key(&request).await), ["expires_in"], "{text}");
    }
    assert_eq!(refused_fields(harness.client.create_api_key(&key_named("a/b")).await), ["name"]);
    let made = harness.client.create_api_key(&key_named("ci")).await.unwrap();
    sqlx::query("UPDATE api_keys SET expires_at = now() WHERE id = $1")
        .bind(made.key.id.0)
        .execute(&harness.app.pool)
        .await
        .unwrap();
    refused_as(harness.as_holder(&made.secret).me().await, 401, ErrorCode::Unauthenticated);
    assert_eq!(harness.client.api_keys().await.unwrap().items.len(), 1, "its owner sees that it expired");
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_user_has_at_most_a_hundred_keys_in_use(pool: PgPool) {
    let harness = start(pool).await;
    let mut last = None;
    for _ in 0..99 {
        last = Some(harness.client.create_api_key(&key_named("ci")).await.unwrap().key.id);
    }
    let (name_a, name_b) = (key_named("a"), key_named("b"));
    let (a, b) = tokio::join!(harness.client.create_api_key(&name_a), harness.client.create_api_key(&name_b));
    assert!(a.is_ok() != b.is_ok(), "the hundredth is one");
    refused_as(harness.client.create_api_key(&key_named("c")).await, 409, ErrorCode::Conflict);
    harness.client.revoke_api_key(last.unwrap()).await.unwrap();
    harness.client.create_api_key(&key_named("c")).await.unwrap();
    let (_, other) = harness.user("other", Role::Viewer).await;
    other.create_api_key(&key_named("c")).await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn bad_input_is_refused_by_name_and_never_a_defect(pool: PgPool) {
    let harness = start(pool).await;
    let bearer = harness.admin_header().await;
    let auth = [("authorization", bearer.as_str())];
    let long = "x".repeat(300_000);
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        ("POST", "/auth/login", "{", 400, "malformed-json"),
        ("POST", "/auth/login", "", 400, "malformed-json"),
        ("POST", "/auth/login", r#"{"username":"admin"}"#, 422, "password"),
        ("POST", "/auth/login", r#"{"username":"a\u0000","password":"x"}"#, 422, "username"),
        ("POST", "/auth/login", r#"{"username":"a","password":"x","remember":true}"#, 422, "remember"),
        ("POST", "/auth/login", r#"{"username":["a"],"password":"x"}"#, 422, "username"),
        ("POST", "/users", r#"{"username":"a","password":"0123456789","role":"root"}"#, 422, "role"),
        (
            "POST",
            "/users",
            r#"{"username":"a","password":"0123456789\u0000","role":"admin"}"#,
            422,
            "password",
        ),
        ("POST", "/users", r#"{"username":"é","password":"0123456789","role":"admin"}"#, 422, "username"),
        ("PATCH", "/users/1", "{}", 404, "not-found"),
        ("PATCH", "/users/%00", "{}", 404, "not-found"),
        ("POST", "/api-keys", r#"{"name":""}"#, 422, "name"),
        ("POST", "/api-keys", r#"{"name":"a","expires_in":"soon"}"#, 422, "expires_in"),
        ("POST", "/api-keys", r#"{"name":"a","expires_in":"99999999999999999d"}"#, 422, "expires_in"),
        ("POST", "/api-keys", &long, 413, "too-large"),
        ("DELETE", "/api-keys/x", "", 404, "not-found"),
        ("PUT", "/users", "{}", 405, "method-not-allowed"),
        ("GET", "/auth/login", "", 405, "method-not-allowed"),
    ];
    for (method, path, body, status, word) in cases {
        let answer = harness.send_json(method, path, &auth, (*body).to_owned()).await;
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{method} {path} {}: {}",
            &body[..body.len().min(80)],
            answer.body
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let named = answer.body["errors"][0]["path"].as_str().unwrap_or_else(|| answer.code());
        assert_eq!(named, *word, "{method} {path}: {}", answer.body);
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_first_start_makes_what_is_missing_and_later_ones_nothing(pool: PgPool) {
    let app = App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap();
    let short = bootstrap::run(&app, Some(&Secret("short".into()))).await.unwrap_err();
    assert!(short.to_string().contains("LILAC_ADMIN_PASSWORD"), "{short}");
    assert!(!short.to_string().contains("short"), "no password in an error");
    assert_eq!(rows(&pool).await, [0, 0, 0, 0]);

    // Two replicas on an empty database.
    let replica = App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap();
    let password = Secret(PASSWORD.into());
    let (a, b) =
        tokio::join!(bootstrap::run(&app, Some(&password)), bootstrap::run(&replica, Some(&password)));
    a.unwrap();
    b.unwrap();
    assert_eq!(rows(&pool).await, [1, 1, 1, 1]);
    bootstrap::run(&app, Some(&Secret(OTHER_PASSWORD.into()))).await.unwrap();
    assert_eq!(rows(&pool).await, [1, 1, 1, 1]);

    let harness = start(pool).await;
    let cluster = harness.client.clusters().await.unwrap().items.remove(0);
    assert_eq!((cluster.name.as_str(), cluster.max_disconnect.to_string().as_str()), ("default", "5m"));
    let queue = harness.client.queues().await.unwrap().items.remove(0);
    assert_eq!((queue.name.as_str(), queue.clusters.join(",").as_str()), ("default", "default"));
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_server_with_another_key_does_not_start(pool: PgPool) {
    let app = App::new(pool.clone(), &Secret(SECRET_KEY.into())).unwrap();
    bootstrap::run(&app, None).await.unwrap();
    assert_eq!(rows(&pool).await, [1, 1, 1, 1]);
    let stranger = App::new(pool, &Secret("a key of another installation".into())).unwrap();
    let error = bootstrap::run(&stranger, None).await.unwrap_err();
    assert!(error.to_string().contains("another LILAC_SECRET_KEY"), "{error}");
}

/// How many users, clusters, queues and installations there are.
async fn rows(pool: &PgPool) -> [i64; 4] {
    let counts: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM clusters),
                (SELECT count(*) FROM queues), (SELECT count(*) FROM installation)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    counts.into()
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_credential_of_another_kind_is_known_and_refused(pool: PgPool) {
    let harness = start(pool).await;
    let node_key = harness.app.keys.mint(lilac_server::auth::keys::Kind::Node, uuid::Uuid::now_v7());
    let as_node = harness.as_holder(&node_key.text);
    refused_as(as_node.me().await, 403, ErrorCode::Forbidden);
    refused_as(as_node.create_api_key(&key_named("a")).await, 403, ErrorCode::Forbidden);
    let wrong = Client::new(&harness.url, Some(Secret("lilac_pat_x".into()))).unwrap();
    assert_eq!(refused(wrong.me().await).status, 401);
    let request = LoginRequest { username: "admin".into(), password: Secret(PASSWORD.into()) };
    wrong.login(&request).await.expect("a wrong token does not keep one from logging in");
}
