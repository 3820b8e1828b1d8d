//! Job specs that nobody should send: each is answered with its status and code, and names what is wrong.

use crate::support::{expanded, start};
use lilac_api::auth::Role;
use sqlx::PgPool;

/// What is sent to `POST /jobs`, and the status, code, and path of the refused field (empty for none).
#[rustfmt::skip]
pub const CASES: &[(&str, u16, &str, &str)] = &[
    ("", 400, "malformed-json", ""),
    ("{", 400, "malformed-json", ""),
    ("[]", 422, "invalid-field", "."),
    ("null", 422, "invalid-field", "."),
    (r#"{"name": "a", "image": "b"} x"#, 400, "malformed-json", ""),
    (r#"{"name": "a", "name": "b", "image": "b"}"#, 422, "invalid-field", "name"),
    (r#"{"name": "a", "image": "b", "resources": {"cpus": 1, "cpus": 2}}"#, 422, "invalid-field", "resources.cpus"),
    (r#"{"image": "b"}"#, 422, "invalid-field", "name"),
    (r#"{"name": "a", "imge": "b"}"#, 422, "invalid-field", "imge"),
    (r#"{"name": "\ud800", "image": "b"}"#, 400, "malformed-json", ""),
    (r#"{"name": "a\u0000", "image": "b"}"#, 422, "invalid-field", "name"),
    (r#"{"name": "a", "image": "b", "env": {"A": "x\u0000"}}"#, 422, "invalid-field", "env.A"),
    (r#"{"name": "a", "image": "b", "priority": 1e400}"#, 400, "malformed-json", ""),
    (r#"{"name": "a", "image": "b", "priority": -1}"#, 422, "invalid-field", "priority"),
    (r#"{"name": "a", "image": "b", "priority": 101}"#, 422, "invalid-field", "priority"),
    (r#"{"name": "a", "image": "b", "priority": "high"}"#, 422, "invalid-field", "priority"),
    (r#"{"name": "a", "image": "b", "resources": {"cpus": -1}}"#, 422, "invalid-field", "resources.cpus"),
    (r#"{"name": "a", "image": "b", "resources": {"cpus": 1e30}}"#, 422, "invalid-field", "resources.cpus"),
    (r#"{"name": "a", "image": "b", "resources": {"memory": "lots"}}"#, 422, "invalid-field", "resources.memory"),
    (r#"{"name": "a", "image": "b", "resources": {"gpus": -1}}"#, 422, "invalid-field", "resources.gpus"),
    (r#"{"name": "a", "image": "b", "resources": {"gpus": 0}}"#, 422, "invalid-field", "resources.gpus.count"),
    (r#"{"name": "a", "image": "b", "resources": {"gpus": {"count": 2, "share": 0.5}}}"#, 422, "invalid-field", "resources.gpus.share"),
    (r#"{"name": "a", "image": "b", "privileged": true}"#, 422, "invalid-field", "privileged"),
    (r#"{"name": "a", "image": "b", "cap_add": ["ALL"]}"#, 422, "invalid-field", "cap_add"),
    (r#"{"name": "a", "image": "b", "id": "0197d3b8-0000-7000-8000-000000000000"}"#, 422, "invalid-field", "id"),
    (r#"{"name": "a", "image": "b", "state": "succeeded"}"#, 422, "invalid-field", "state"),
    (r#"{"name": "a", "image": "b", "owner": "admin"}"#, 422, "invalid-field", "owner"),
    (r#"{"name": "a", "image": "b", "epoch": 7}"#, 422, "invalid-field", "epoch"),
    (r#"{"name": "a", "image": "-v /:/host"}"#, 422, "invalid-field", "image"),
    (r#"{"name": "../a", "image": "b"}"#, 422, "invalid-field", "name"),
    (r#"{"name": "a", "image": "b", "network": "container:x"}"#, 422, "invalid-field", "network"),
    (r#"{"name": "a", "image": "b", "workdir": "tmp"}"#, 422, "invalid-field", "workdir"),
    (r#"{"name": "a", "image": "b", "user": "root; rm"}"#, 422, "invalid-field", "user"),
    (r#"{"name": "a", "image": "b", "env": {"LILAC_JOB_ID": "x"}}"#, 422, "invalid-field", "env.LILAC_JOB_ID"),
    (r#"{"name": "a", "image": "b", "outputs": [{"path": "/out/../etc"}]}"#, 422, "invalid-field", "outputs[0].path"),
    (r#"{"name": "a", "image": "b", "needs": [{"job": "none"}]}"#, 422, "invalid-field", "needs[0].job"),
    (r#"{"name": "a", "image": "b", "needs": [{"job": "$a"}]}"#, 422, "invalid-field", "needs[0].job"),
    (r#"{"name": "a", "image": "b", "needs": [{"job": "0197d3b8-0000-7000-8000-000000000000"}]}"#, 422, "invalid-field", "needs[0].job"),
    (r#"{"name": "a", "image": "b", "needs": [{"job": "b", "on": "started"}]}"#, 422, "invalid-field", "needs[0].on"),
    (r#"{"name": "a", "image": "b", "array": {"count": 100001}}"#, 422, "invalid-field", "array.count"),
    (r#"{"name": "a", "image": "b", "array": {"count": 0}}"#, 422, "invalid-field", "array.count"),
    (r#"{"name": "a", "image": "b", "array": {"count": -1}}"#, 422, "invalid-field", "array.count"),
    (r#"{"name": "a", "image": "b", "nodes": 0}"#, 422, "invalid-field", "nodes"),
    (r#"{"name": "a", "image": "b", "nodes": 1025}"#, 422, "invalid-field", "nodes"),
    (r#"{"name": "a", "image": "b", "placement": {"constraints": ["pool = a"]}}"#, 422, "invalid-field", "placement.constraints[0]"),
    (r#"{"name": "a", "image": "b", "max_runtime": "-1s"}"#, 422, "invalid-field", "max_runtime"),
    (r#"{"name": "a", "image": "b", "max_runtime": "99999999999999999999d"}"#, 422, "invalid-field", "max_runtime"),
    (r#"{"name": "a", "image": "b", "queue": "none"}"#, 422, "invalid-field", "queue"),
    (r#"{"name": "<long>", "image": "b"}"#, 422, "invalid-field", "name"),
    (r#"{"name": "a", "image": "b\nc"}"#, 422, "invalid-field", "image"),
    (r#"{"name": "a", "image": "b", "command": ["<128k>"]}"#, 422, "invalid-field", "command[0]"),
    (r#"{"name": "a", "image": "b", "run": "x", "command": ["y"]}"#, 422, "invalid-field", "run"),
    (r#"{"name": "a", "image": "b", "env": {"A=B": "x"}}"#, 422, "invalid-field", "env.A=B"),
    (r#"{"name": "a", "image": "b", "env": {"": "x"}}"#, 422, "invalid-field", "env."),
    (r#"{"name": "a", "image": "b", "env": {"A": "x"}, "secrets": {"A": "s"}}"#, 422, "invalid-field", "secrets.A"),
    (r#"{"name": "a", "image": "b", "secrets": {"A": "none"}}"#, 422, "invalid-field", "secrets.A"),
    (r#"{"name": "a", "image": "b", "pull": {"secret": "none"}}"#, 422, "invalid-field", "pull.secret"),
    (r#"{"name": "a", "image": "b", "volumes": [{"name": "/etc", "target": "/x"}]}"#, 422, "invalid-field", "volumes[0].name"),
    (r#"{"name": "a", "image": "b", "volumes": [{"name": "v", "target": "/x/../etc"}]}"#, 422, "invalid-field", "volumes[0].target"),
    (r#"{"name": "a", "image": "b", "volumes": [{"name": "v", "target": "/x", "host_path": "/etc"}]}"#, 422, "invalid-field", "volumes[0].host_path"),
    (r#"{"name": "a", "image": "b", "labels": {"a": <deep>"#, 422, "invalid-field", "labels.a"),
    (r#"{"name": "a", "image": "b", "labels": {"a": 1}}"#, 422, "invalid-field", "labels.a"),
    (r#"{"name": "a", "image": "b", "stop": {"grace": "25h"}}"#, 422, "invalid-field", "stop.grace"),
    (r#"{"name": "a", "image": "b", "stop": {"signal": "SIGSTOP"}}"#, 422, "invalid-field", "stop.signal"),
    (r#"{"name": "a", "image": "b", "retry": {"max_attempts": 0}}"#, 422, "invalid-field", "retry.max_attempts"),
    (r#"{"name": "a", "image": "b", "retry": {"rules": [{"action": "retry"}]}}"#, 422, "invalid-field", "retry.rules[0]"),
    (r#"{"name": "a", "image": "b", "max_disconnect": "0s"}"#, 422, "invalid-field", "max_disconnect"),
    (r#"{"name": "a", "image": "b", "devices": ["/dev/mem"]}"#, 422, "invalid-field", "devices"),
    (r#"{"name": "a", "image": "b", "ipc": "host"}"#, 422, "invalid-field", "ipc"),
    (r#"{"name": "a", "image": "b", "user_id": "0197d3b8-0000-7000-8000-000000000000"}"#, 422, "invalid-field", "user_id"),
    (r#"{"name": "a", "image": "b", "network": "host"}"#, 422, "invalid-field", "network"),
    (r#"{"name": "a", "image": "b", "array": {"count": 2, "matrix": {"A": ["1"]}}}"#, 422, "invalid-field", "array"),
];

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_bad_spec_is_refused_by_name(pool: PgPool) {
    let harness = start(pool).await;
    let bearer = harness.admin_header().await;
    let mut wrong = Vec::new();
    for (body, status, code, path) in CASES {
        let answer = harness.send_json("POST", "/jobs", &[("authorization", &bearer)], expanded(body)).await;
        let found = answer.body["errors"][0]["path"].as_str().unwrap_or_default();
        if (answer.status.as_u16(), answer.code(), found) != (*status, *code, *path) {
            wrong.push(format!("{body}\n    {} {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let jobs = harness.client.job_counts().await.unwrap().by_state;
    assert_eq!(jobs.values().sum::<u64>(), 0);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_huge_or_deep_body_is_refused(pool: PgPool) {
    let harness = start(pool).await;
    let bearer = harness.admin_header().await;
    let headers = [("authorization", bearer.as_str())];
    let deep = "[".repeat(100_000);
    let deep = format!(r#"{{"name": "a", "image": "b", "labels": {deep}}}"#);
    assert_eq!(harness.send_json("POST", "/jobs", &headers, deep).await.status, 422);
    let deep = format!(r#"{{"name": "a", "image": "b", "x": {}}}"#, r#"{"x":"#.repeat(50_000));
    assert!(matches!(harness.send_json("POST", "/jobs", &headers, deep).await.status.as_u16(), 400 | 422));
    let large = format!(r#"{{"name": "a", "image": "b", "run": "{}"}}"#, "x".repeat(256 << 10));
    assert_eq!(harness.send_json("POST", "/jobs", &headers, large.clone()).await.status, 413);
    // A batch has more room, and each of its jobs the same bounds.
    let answer =
        harness.send_json("POST", "/jobs/batch", &headers, format!(r#"{{"jobs": [{large}]}}"#)).await;
    assert_eq!((answer.status.as_u16(), &answer.body["errors"][0]["path"]), (422, &"jobs[0].run".into()));
    let large = format!(r#"{{"jobs": [], "x": "{}"}}"#, "x".repeat(1 << 20));
    assert_eq!(harness.send_json("POST", "/jobs/batch", &headers, large).await.status, 413);
    for (body, path) in [
        (r#"{"jobs": [{"name": "a", "image": "b"}, {"name": "a", "imge": "b"}]}"#, "jobs[1].imge"),
        (r#"{"jobs": [{"name": "a"}]}"#, "jobs[0].image"),
        (r#"{"job": []}"#, "job"),
        (r#"{"jobs": [{"name": "a", "image": "b", "array": {"count": 2}}]}"#, "jobs[0].array"),
    ] {
        let answer = harness.send_json("POST", "/jobs/batch", &headers, body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["errors"][0]["path"]),
            (422, &path.into()),
            "{body}"
        );
    }
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_bad_filter_is_refused_by_name(pool: PgPool) {
    let harness = start(pool).await;
    let (_, _ada) = harness.user("ada", Role::Viewer).await;
    let bearer = harness.admin_header().await;
    for (query, word) in [
        ("state=runing", "running"),
        ("reason=oomm", "oom"),
        ("label=a", "label"),
        ("text=", "text"),
        ("array=1", "array"),
        ("created_after=yesterday", "created_after"),
        ("sort=random", "random"),
        ("folded=maybe", "folded"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("cursor=AAAA", "cursor"),
        ("unknown=1", "unknown"),
        ("text=a%00b", "NUL"),
    ] {
        let path = format!("/jobs?{query}");
        let answer = harness.send_json("GET", &path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{query}: {detail}");
    }
    for query in ["limit=1", "cursor=AAAA", "sort=oldest"] {
        let path = format!("/jobs/counts?{query}");
        let answer = harness.send_json("GET", &path, &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status, 400, "{query}");
    }
}
