//! Bad input, as a table: what is sent, and the status and code that it must get. None is answered with 5xx, as a
//! panic would be.
//!
//! The family: requests to all routes and forged tokens stand here, job specs and filters in `bad_jobs`, messages of
//! agents with stale and future epochs and logs with gaps in `bad_messages`, archives in `outputs`, bodies that do not
//! come in `bodies`, and what only a whole platform can be asked in the end-to-end tests `hostile_input` and
//! `hostile_callers`.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use crate::support::{Harness, PASSWORD, expanded, start};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lilac_api::auth::{CreateApiKey, Role, UpdateUser};
use serde_json::json;
use sqlx::PgPool;

/// As whom a case is sent.
#[derive(Clone, Copy, Debug)]
enum As {
    Nobody,
    Admin,
    Member,
    /// With a key that was revoked, one whose time is over, and one of a user who was disabled.
    Revoked,
    Expired,
    Disabled,
}
use As::{Admin, Disabled, Expired, Member, Nobody, Revoked};

/// Name, caller, method and path, body, status, and the code or the path of the first refused field. `<job>` and its
/// like are objects of a team that the member is not in; see [`expanded`] for what is too long to stand here.
type Case = (&'static str, As, &'static str, &'static str, u16, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    // Accounts.
    ("no JSON at all", Nobody, "POST /auth/login", "{", 400, "malformed-json"),
    ("an empty body", Nobody, "POST /auth/login", "", 400, "malformed-json"),
    ("two values", Nobody, "POST /auth/login", r#"{"username":"a","password":"b"}{}"#, 400, "malformed-json"),
    ("a duplicate key", Nobody, "POST /auth/login", r#"{"username":"a","username":"admin","password":"b"}"#, 422, "username"),
    ("a lone surrogate", Nobody, "POST /auth/login", r#"{"username":"\ud800","password":"b"}"#, 400, "malformed-json"),
    ("a NUL", Nobody, "POST /auth/login", r#"{"username":"a\u0000","password":"b"}"#, 422, "username"),
    ("a number that is none", Nobody, "POST /auth/login", r#"{"username":1e400,"password":"b"}"#, 400, "malformed-json"),
    ("a field of the server's", Admin, "POST /users", r#"{"username":"a","password":"0123456789","role":"admin","login_epoch":7}"#, 422, "login_epoch"),
    ("an unknown role", Admin, "POST /users", r#"{"username":"a","password":"0123456789","role":"root"}"#, 422, "role"),
    ("an unknown team", Admin, "POST /users", r#"{"username":"a","password":"0123456789","role":"viewer","teams":["nowhere"]}"#, 422, "teams"),
    ("a name of control characters", Admin, "POST /users", r#"{"username":"a\nb","password":"0123456789","role":"viewer"}"#, 422, "username"),
    ("a null for a role", Admin, "POST /users", r#"{"username":"a","password":"0123456789","role":null}"#, 400, "malformed-json"),
    ("a role change by a member", Member, "PATCH /users/00000000-0000-0000-0000-000000000000", r#"{"role":"admin"}"#, 403, "forbidden"),
    ("an id that is none", Admin, "PATCH /users/1", "{}", 404, "not-found"),
    ("an encoded NUL for an id", Admin, "DELETE /users/%00", "", 404, "not-found"),
    ("a path for an id", Admin, "GET /users/..%2f..%2fetc%2fpasswd", "", 404, "not-found"),
    ("a wrong current password", Member, "POST /auth/password", r#"{"current_password":"x","new_password":"0123456789"}"#, 422, "current_password"),
    ("a short password", Member, "POST /auth/password", r#"{"current_password":"x","new_password":"short"}"#, 422, "new_password"),
    ("sign-up that is off", Nobody, "POST /auth/sign-up", r#"{"username":"a","password":"0123456789"}"#, 403, "forbidden"),
    ("sign-up as administrator", Nobody, "POST /auth/sign-up", r#"{"username":"a","password":"0123456789","role":"admin"}"#, 422, "role"),
    ("a profile of another", Member, "PATCH /auth/me", r#"{"username":"admin"}"#, 422, "username"),
    ("a role in a profile", Member, "PATCH /auth/me", r#"{"role":"admin"}"#, 422, "role"),
    ("an address with a line break", Member, "PATCH /auth/me", r#"{"email":"a@b\r\nBcc: c@d"}"#, 422, "email"),
    ("an array for an object", Member, "PATCH /auth/me", "[null, null]", 422, "."),
    // API keys.
    ("an unknown scope", Member, "POST /api-keys", r#"{"name":"a","scopes":["root"]}"#, 422, "scopes[0]"),
    ("no scope", Member, "POST /api-keys", r#"{"name":"a","scopes":[]}"#, 422, "scopes"),
    ("a scope twice", Member, "POST /api-keys", r#"{"name":"a","scopes":["read","read"]}"#, 422, "scopes"),
    ("a key with an owner", Member, "POST /api-keys", r#"{"name":"a","user_id":"00000000-0000-0000-0000-000000000000"}"#, 422, "user_id"),
    ("a lifetime in the past", Member, "POST /api-keys", r#"{"name":"a","expires_in":"-1s"}"#, 422, "expires_in"),
    ("a lifetime beyond time", Member, "POST /api-keys", r#"{"name":"a","expires_in":"99999999999999999d"}"#, 422, "expires_in"),
    // Teams.
    ("a team without a name", Admin, "POST /teams", r#"{"name":""}"#, 422, "name"),
    ("a team with members", Admin, "POST /teams", r#"{"name":"a","members":["admin"]}"#, 422, "members"),
    ("a taken name in another case", Admin, "POST /teams", r#"{"name":"Default"}"#, 409, "name-taken"),
    ("a member that is no id", Admin, "PUT /teams/1/members/2", "", 404, "not-found"),
    ("another team's members", Member, "GET /teams/00000000-0000-0000-0000-000000000000/members", "", 404, "not-found"),
    // Outputs.
    ("an output of the root", Admin, "POST /jobs", r#"{"name":"a","image":"b","outputs":[{"path":"/"}]}"#, 422, "outputs[0].path"),
    ("an output that leads up", Admin, "POST /jobs", r#"{"name":"a","image":"b","outputs":[{"path":"/a/../b"}]}"#, 422, "outputs[0].path"),
    ("an output without a path", Admin, "POST /jobs", r#"{"name":"a","image":"b","outputs":[{}]}"#, 422, "outputs[0].path"),
    ("an output with the server's field", Admin, "POST /jobs", r#"{"name":"a","image":"b","outputs":[{"path":"/a","max_bytes":1}]}"#, 422, "outputs[0].max_bytes"),
    ("outputs of no job", Admin, "GET /jobs/1/outputs", "", 404, "not-found"),
    ("outputs of a missing job", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs", "", 404, "not-found"),
    ("a rank beyond numbers", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs?rank=65536", "", 400, "malformed-request"),
    ("a negative output", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs/-1", "", 404, "not-found"),
    ("an output of no UTF-8", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs/%ff", "", 404, "not-found"),
    ("a file without a path", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs/0/files", "", 400, "malformed-request"),
    ("a file's path with a NUL", Admin, "GET /jobs/00000000-0000-0000-0000-000000000000/outputs/0/files?path=a%00b", "", 400, "malformed-request"),
    ("an output by a user", Admin, "PUT /agent/attempts/00000000-0000-0000-0000-000000000000/outputs/0", "", 403, "forbidden"),
    // Pages and the audit log.
    ("a forged cursor", Admin, "GET /users?cursor=AAAA", "", 400, "malformed-request"),
    ("a cursor of nonsense", Admin, "GET /teams?cursor=%F0%9F%92%A9", "", 400, "malformed-request"),
    ("a cursor beyond all sequences", Admin, "GET /audit?cursor=_____________________w", "", 400, "malformed-request"),
    ("a time that is none", Admin, "GET /audit?since=yesterday", "", 400, "malformed-request"),
    ("an unknown filter", Admin, "GET /audit?who=admin", "", 400, "malformed-request"),
    ("a limit of none", Admin, "GET /audit?limit=0", "", 400, "malformed-request"),
    ("a limit beyond bounds", Admin, "GET /audit?limit=501", "", 400, "malformed-request"),
    ("a negative sequence", Admin, "GET /audit/verify?after=-1", "", 400, "malformed-request"),
    ("a sequence beyond numbers", Admin, "GET /audit/verify?after=99999999999999999999", "", 400, "malformed-request"),
    ("a method that is none", Admin, "PUT /audit", "{}", 405, "method-not-allowed"),
    ("a deletion of the log", Admin, "DELETE /audit", "", 405, "method-not-allowed"),
    // Keys that open nothing any more.
    ("a revoked key", Revoked, "GET /jobs", "", 401, "unauthenticated"),
    ("a revoked key that writes", Revoked, "POST /jobs", r#"{"name":"a","image":"b"}"#, 401, "unauthenticated"),
    ("an expired key", Expired, "GET /jobs", "", 401, "unauthenticated"),
    ("an expired key that asks for another", Expired, "POST /api-keys", r#"{"name":"b"}"#, 401, "unauthenticated"),
    ("a key of a disabled user", Disabled, "GET /auth/me", "", 401, "unauthenticated"),
    // What belongs to another team: as what is not there.
    ("another team's job", Member, "GET /jobs/<job>", "", 404, "not-found"),
    ("another team's job, cancelled", Member, "POST /jobs/<job>/cancel", "", 404, "not-found"),
    ("another team's log", Member, "GET /jobs/<job>/logs", "", 404, "not-found"),
    ("another team's job, run again", Member, "POST /jobs/<job>/rerun", "", 404, "not-found"),
    ("another team's array", Member, "GET /arrays/<array>", "", 404, "not-found"),
    ("another team's queue", Member, "GET /queues/<queue>", "", 404, "not-found"),
    ("another team's secret, replaced", Member, "PUT /secrets/<secret>", r#"{"value":"v"}"#, 404, "not-found"),
    ("another team's schedule, run", Member, "POST /schedules/<schedule>/run", "", 404, "not-found"),
    ("a need of another team's job", Member, "POST /jobs", r#"{"name":"a","image":"b","needs":[{"job":"<job>"}]}"#, 422, "needs[0].job"),
    ("a job in another team's queue", Member, "POST /jobs", r#"{"name":"a","image":"b","queue":"theirs"}"#, 422, "queue"),
    ("a job for another team", Member, "POST /jobs", r#"{"name":"a","image":"b","team":"elsewhere"}"#, 422, "team"),
    ("a job with another team's secret", Member, "POST /jobs", r#"{"name":"a","image":"b","secrets":{"A":"theirs"}}"#, 422, "secrets.A"),
    ("a job with another team's volume", Member, "POST /jobs", r#"{"name":"a","image":"b","volumes":[{"name":"theirs","target":"/x"}]}"#, 422, "volumes[0].name"),
    ("a secret for another team", Member, "POST /secrets", r#"{"name":"a","value":"b","team":"elsewhere"}"#, 422, "team"),
    // Jobs that wait for each other.
    ("a job that waits for itself", Member, "POST /jobs/batch", r#"{"jobs":[{"name":"a","image":"b","needs":[{"job":"$a"}]}]}"#, 422, "jobs[0].needs"),
    ("two that wait for each other", Member, "POST /jobs/batch", r#"{"jobs":[{"name":"a","image":"b","needs":[{"job":"$c"}]},{"name":"c","image":"b","needs":[{"job":"$a"}]}]}"#, 422, "jobs[0].needs"),
    ("one that waits for a circle", Member, "POST /jobs/batch", r#"{"jobs":[{"name":"d","image":"b","needs":[{"job":"$a"}]},{"name":"a","image":"b","needs":[{"job":"$c"}]},{"name":"c","image":"b","needs":[{"job":"$a"}]}]}"#, 422, "jobs[0].needs"),
    ("a batch of none", Member, "POST /jobs/batch", r#"{"jobs":[]}"#, 422, "jobs"),
    // Folders of the nodes.
    ("a host path that leads up", Admin, "POST /volumes", r#"{"name":"a","host_path":"/data/../etc"}"#, 422, "host_path"),
    ("a host path that begins nowhere", Admin, "POST /volumes", r#"{"name":"a","host_path":"etc"}"#, 422, "host_path"),
    ("the root for a host path", Admin, "POST /volumes", r#"{"name":"a","host_path":"/"}"#, 422, "host_path"),
    ("a host path with a NUL", Admin, "POST /volumes", r#"{"name":"a","host_path":"/a\u0000"}"#, 422, "host_path"),
    ("a host path of a member's", Member, "POST /volumes", r#"{"name":"a","host_path":"/data"}"#, 403, "forbidden"),
    // Queues, clusters, nodes, schedules.
    ("a queue with the server's version", Admin, "POST /queues", r#"{"name":"a","clusters":["default"],"version":7}"#, 422, "version"),
    ("a queue on no cluster", Admin, "POST /queues", r#"{"name":"a","clusters":["nowhere"]}"#, 422, "clusters[0]"),
    ("a queue before all", Admin, "POST /queues", r#"{"name":"a","clusters":["default"],"priority":1001}"#, 422, "priority"),
    ("a queue with a quota below none", Admin, "POST /queues", r#"{"name":"a","clusters":["default"],"quota":{"gpus":-1}}"#, 422, "quota.gpus"),
    ("a queue with an open policy", Admin, "POST /queues", r#"{"name":"a","clusters":["default"],"policy":"privileged"}"#, 422, "policy"),
    ("a cluster's lease of a moment", Admin, "POST /clusters", r#"{"name":"a","max_disconnect":"1ms"}"#, 422, "max_disconnect"),
    ("a drain into the past", Admin, "POST /nodes/00000000-0000-0000-0000-000000000000/drain", r#"{"within":"-1s"}"#, 422, "within"),
    ("a clock that is none", Member, "POST /schedules", r#"{"name":"a","image":"b","schedule":{"cron":"61 * * * *"}}"#, 422, "schedule.cron"),
    ("a zone that is none", Member, "POST /schedules", r#"{"name":"a","image":"b","schedule":{"cron":"* * * * *","timezone":"Mars/Olympus"}}"#, 422, "schedule.timezone"),
    ("a time that never comes", Member, "POST /schedules", r#"{"name":"a","image":"b","schedule":{"cron":"0 0 31 2 *"}}"#, 422, "schedule.cron"),
    ("a priority beyond bounds", Member, "POST /jobs/00000000-0000-0000-0000-000000000000/reprioritise", r#"{"priority":256}"#, 422, "priority"),
    // Logs and lists of jobs.
    ("a tail below none", Member, "GET /jobs/00000000-0000-0000-0000-000000000000/logs?tail=-1", "", 400, "malformed-request"),
    ("a forged cursor of jobs", Member, "GET /jobs?cursor=AAAAAAAAAAAAAAAAAAAAAAA", "", 400, "malformed-request"),
    ("a cancel of everything", Member, "POST /jobs/cancel", "", 400, "malformed-request"),
    ("a cancel of another's", Member, "POST /jobs/cancel?owner=admin", "", 403, "forbidden"),
    // Bodies.
    ("a deep body", Member, "POST /jobs", r#"{"name":"a","image":"b","resources":{"gpus":<deep>"#, 422, "resources.gpus"),
    ("a large body", Member, "POST /jobs", r#"{"name":"a","image":"b","run":"<2m>"}"#, 413, "too-large"),
    ("an oversized variable", Member, "POST /jobs", r#"{"name":"a","image":"b","env":{"A":"<128k>"}}"#, 422, "env.A"),
    ("an oversized environment", Member, "POST /jobs/batch", r#"{"jobs":[{"name":"a","image":"b","env":{"A":"<128k>","B":"<128k>"}}]}"#, 422, "jobs[0].env.A"),
];

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn bad_input_gets_its_answer(pool: PgPool) {
    let harness = start(pool).await;
    let admin = harness.admin_header().await;
    let member = member_header(&harness).await;
    let objects = foreign_objects(&harness).await;
    let [revoked, expired, disabled] = dead_keys(&harness).await;
    let mut wrong = Vec::new();
    for (name, caller, route, body, status, word) in CASES {
        let (method, path) = route.split_once(' ').unwrap();
        let bearer = match caller {
            Nobody => None,
            Admin => Some(("authorization", admin.as_str())),
            Member => Some(("authorization", member.as_str())),
            Revoked => Some(("authorization", revoked.as_str())),
            Expired => Some(("authorization", expired.as_str())),
            Disabled => Some(("authorization", disabled.as_str())),
        };
        let named_objects = |text: &str| {
            objects.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("<{name}>"), id))
        };
        let (path, body) = (named_objects(path), expanded(&named_objects(body)));
        let headers: Vec<_> = bearer.into_iter().collect();
        let answer = harness.send_json(method, &path, &headers, body).await;
        let named = answer.body["errors"][0]["path"].as_str().unwrap_or_else(|| answer.code());
        if (answer.status.as_u16(), named) != (*status, *word) {
            wrong.push(format!("{name}: {route}: {} {named}: {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Objects of a team in which the member is not, by what their ids are.
async fn foreign_objects(harness: &Harness) -> Vec<(&'static str, String)> {
    let admin = harness.admin_header().await;
    let make = async |path: &str, body: &str| {
        let answer =
            harness.send_json("POST", path, &[("authorization", admin.as_str())], body.to_owned()).await;
        assert_eq!(answer.status.as_u16(), 201, "{path}: {}", answer.body);
        answer.body
    };
    let id = |object: &serde_json::Value| object.as_str().unwrap().to_owned();
    make("/teams", r#"{"name":"elsewhere"}"#).await;
    let queue = make("/queues", r#"{"name":"theirs","team":"elsewhere","clusters":["default"]}"#).await;
    let secret = make("/secrets", r#"{"name":"theirs","value":"v","team":"elsewhere"}"#).await;
    make("/volumes", r#"{"name":"theirs","host_path":"/data","teams":["elsewhere"]}"#).await;
    let of_job =
        |more: &str| format!(r#"{{"name":"a","image":"b","queue":"theirs","team":"elsewhere"{more}}}"#);
    let job = make("/jobs", &of_job("")).await;
    let array = make("/jobs", &of_job(r#","array":{"count":2}"#)).await;
    let schedule = make("/schedules", &of_job(r#","schedule":{"cron":"0 0 1 1 *"}"#)).await;
    vec![
        ("queue", id(&queue["id"])),
        ("secret", id(&secret["id"])),
        ("job", id(&job["id"])),
        ("array", id(&array["array"]["id"])),
        ("schedule", id(&schedule["id"])),
    ]
}

/// Headers with keys that were revoked, have expired, and belong to a disabled user.
async fn dead_keys(harness: &Harness) -> [String; 3] {
    let mut headers = Vec::new();
    for name in ["revoked", "expired", "disabled"] {
        let (user, client) = harness.user(name, Role::Member).await;
        let made = client.create_api_key(&CreateApiKey::named(name)).await.unwrap();
        match name {
            "revoked" => client.revoke_api_key(made.key.id).await.unwrap(),
            "expired" => {
                let end = "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1";
                sqlx::query(end).bind(made.key.id.0).execute(&harness.app.pool).await.unwrap();
            }
            _ => {
                let change = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
                harness.client.update_user(user.id, &change).await.unwrap();
            }
        }
        headers.push(format!("Bearer {}", made.secret.0));
    }
    headers.try_into().unwrap()
}

/// The tables stay what they are: a row that is taken out is missed.
#[test]
fn the_family_is_a_large_one() {
    use crate::{bad_jobs, bad_messages};
    let messages = bad_messages::SYNCS.len() + bad_messages::JOINS.len() + bad_messages::LOGS.len();
    let rows = CASES.len() + bad_jobs::CASES.len() + messages;
    assert!(rows >= 200, "{rows} rows");
    let names: std::collections::BTreeSet<_> = CASES.iter().map(|case| (case.0, case.2)).collect();
    assert_eq!(names.len(), CASES.len(), "two rows of one name");
}

async fn member_header(harness: &Harness) -> String {
    harness.user("member", Role::Member).await;
    let body = json!({ "username": "member", "password": PASSWORD }).to_string();
    let login = harness.send_json("POST", "/auth/login", &[], body).await;
    format!("Bearer {}", login.body["access_token"].as_str().unwrap())
}

/// Tokens that say what only the server may say.
#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_forged_token_opens_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let real = member_header(&harness).await;
    let real = real.strip_prefix("Bearer ").unwrap();
    let parts: Vec<&str> = real.split('.').collect();
    let head = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let promoted = URL_SAFE_NO_PAD.encode(claims.replacen("\"epoch\":0", "\"epoch\":1", 1));
    let (signed, signature) = (parts[1], parts[2]);
    let forged = [
        ("no algorithm", format!("{}.{signed}.", head(r#"{"alg":"none","typ":"JWT"}"#))),
        ("no algorithm, in another case", format!("{}.{signed}.{signature}", head(r#"{"alg":"nOnE"}"#))),
        ("a swapped algorithm", format!("{}.{signed}.{signature}", head(r#"{"alg":"RS256","typ":"JWT"}"#))),
        ("a longer algorithm", format!("{}.{signed}.{signature}", head(r#"{"alg":"HS512","typ":"JWT"}"#))),
        (
            "a key of its own",
            format!("{}.{signed}.{signature}", head(r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#)),
        ),
        ("changed claims", format!("{}.{promoted}.{signature}", parts[0])),
        ("no signature", format!("{}.{signed}.", parts[0])),
        ("two parts", format!("{}.{signed}", parts[0])),
        ("a long token", "x".repeat(20_000)),
        ("a key with another's secret", "lilac_pat_00000000000000000000000000000000_00_00000000".to_owned()),
        ("a key without a secret", "lilac_pat_".to_owned()),
        ("nothing", " ".to_owned()),
    ];
    for (name, token) in forged {
        let header = format!("Bearer {token}");
        let answer = harness.send_json("GET", "/auth/me", &[("authorization", header.as_str())], "").await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "unauthenticated"), "{name}");
    }
    let basic = harness.send_json("GET", "/auth/me", &[("authorization", "Basic YWRtaW46YQ==")], "").await;
    assert_eq!((basic.status.as_u16(), basic.code()), (401, "unauthenticated"));
}
