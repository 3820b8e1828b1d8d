//! Bad input, as a table: what is sent, and the status and code that it must get. None is answered with 5xx, as a
//! panic would be.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use crate::support::{Harness, PASSWORD, start};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lilac_api::auth::Role;
use serde_json::json;
use sqlx::PgPool;

/// As whom a case is sent.
#[derive(Clone, Copy, Debug)]
enum As {
    Nobody,
    Admin,
    Member,
}
use As::{Admin, Member, Nobody};

/// Name, caller, method and path, body, status, and the code or the path of the first refused field.
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
];

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn bad_input_gets_its_answer(pool: PgPool) {
    let harness = start(pool).await;
    let admin = harness.admin_header().await;
    let member = member_header(&harness).await;
    let mut wrong = Vec::new();
    for (name, caller, route, body, status, word) in CASES {
        let (method, path) = route.split_once(' ').unwrap();
        let bearer = match caller {
            Nobody => None,
            Admin => Some(("authorization", admin.as_str())),
            Member => Some(("authorization", member.as_str())),
        };
        let headers: Vec<_> = bearer.into_iter().collect();
        let answer = harness.send_json(method, path, &headers, *body).await;
        let named = answer.body["errors"][0]["path"].as_str().unwrap_or_else(|| answer.code());
        if (answer.status.as_u16(), named) != (*status, *word) {
            wrong.push(format!("{name}: {route}: {} {named}: {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
