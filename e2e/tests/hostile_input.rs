//! What comes over HTTP and should not: every request gets an answer that names the fault, none a 5xx,
//! and nothing is half-written.

use anyhow::{Result, ensure};
use lilac_api::job::JobFilter;
use lilac_api::problem::ErrorCode::*;
use lilac_e2e::hostile::{
    BAD_REQUEST, Expected, Findings, ILL_SHAPED, MALFORMED, NOT_FOUND, TOO_LARGE, UNKNOWN_CALLER,
    admin_token, calm, field, spec_with,
};
use lilac_e2e::{Bed, Raw, with_bed};
use reqwest::Method;
use serde_json::{Value, json};

fn bodies() -> Vec<(String, Expected)> {
    let good = spec_with("name", json!("job"));
    let mut cases: Vec<(String, Expected)> = [
        "",
        "{",
        "}",
        "nonsense",
        "{\"name\": \"a\",}",
        "{'name': 'a'}",
        "\u{feff}{}",
        "{\"name\": NaN}",
        "{\"name\": \"\\ud800\", \"image\": \"b\"}",
        "{\"name\": \"\\udc00\\ud800\", \"image\": \"b\"}",
        "{\"name\": \"a\nb\", \"image\": \"b\"}",
    ]
    .into_iter()
    .map(|body| (body.to_owned(), MALFORMED))
    .collect();
    cases.push((format!("{good} {good}"), MALFORMED));
    for body in ["null", "[]", "\"job\"", "7", "{}", "{\"name\": \"a\"}", "[[]]"] {
        cases.push((body.to_owned(), ILL_SHAPED));
    }
    for depth in [200, 20_000] {
        cases.push((format!("{{\"env\": {}1{}}}", "[".repeat(depth), "]".repeat(depth)), ILL_SHAPED));
        cases.push(("{\"a\":".repeat(depth) + "1" + &"}".repeat(depth), ILL_SHAPED));
    }
    let twice = good.replacen('{', "{\"name\": \"other\", ", 1);
    cases.push((twice, ILL_SHAPED));
    let numbers = |field: &str, number: &str| spec_with(field, json!(7)).replace(":7", &format!(":{number}"));
    for number in ["1e400", "-1", "1e-400", "99999999999999999999999999", "0.00000000001", "-0.0"] {
        cases.push((numbers("resources/memory", number), ILL_SHAPED));
        cases.push((numbers("resources/cpus", number), ILL_SHAPED));
    }
    for number in ["256", "-1", "1.5", "1e3"] {
        cases.push((numbers("priority", number), ILL_SHAPED));
    }
    for (path, value, expected) in [
        ("name", json!(""), field("name")),
        ("name", json!("a".repeat(129)), field("name")),
        ("name", json!("-rf"), field("name")),
        ("name", json!("a b"), field("name")),
        ("name", json!("a/../b"), field("name")),
        ("name", json!("ä"), field("name")),
        ("name", json!("a\u{0}b"), field("name")),
        ("name", json!(7), ILL_SHAPED),
        ("name", Value::Null, ILL_SHAPED),
        ("queue", json!("no-such-queue"), field("queue")),
        ("queue", json!("a\u{0}b"), field("queue")),
        ("queue", json!("' OR 1=1 --"), field("queue")),
        ("image", json!(""), field("image")),
        ("image", json!("a\u{0}b"), field("image")),
        ("image", json!("--privileged"), field("image")),
        ("image", json!("a b"), field("image")),
        ("command", json!(["a", "b\u{0}"]), field("command[1]")),
        ("command", json!([""]), field("command[0]")),
        ("command", json!("echo hi"), ILL_SHAPED),
        ("command", json!(["x".repeat(128 << 10)]), field("command[0]")),
        ("run", json!("a\u{0}b"), field("run")),
        ("run", json!("   "), field("run")),
        ("workdir", json!("relative"), field("workdir")),
        ("workdir", json!("/a\u{0}b"), field("workdir")),
        ("user", json!("root; true"), field("user")),
        ("env", json!({"A": "a\u{0}b"}), field("env.A")),
        ("env", json!({"LILAC_JOB_ID": "forged"}), field("env.LILAC_JOB_ID")),
        ("env", json!({"1A": "x"}), field("env.1A")),
        ("env", json!({"A": 7}), ILL_SHAPED),
        ("labels", json!({"a": "\u{0}"}), field("labels.a")),
        ("labels", json!({"a": "v".repeat(256)}), field("labels.a")),
        ("priority", json!(101), field("priority")),
        ("network", json!("container:other"), ILL_SHAPED),
        ("stop", json!({"signal": "SIGNOPE"}), ILL_SHAPED),
        ("stop/grace", json!("25h"), field("stop.grace")),
        ("max_disconnect", json!("1s"), field("max_disconnect")),
        ("max_runtime", json!("0s"), field("max_runtime")),
        ("resources/cpus", json!(0), field("resources.cpus")),
        ("resources/cpus", json!("0m"), field("resources.cpus")),
        ("resources/cpus", json!("-1"), ILL_SHAPED),
        ("resources/memory", json!("1Mi"), field("resources.memory")),
        ("resources/memory", json!("9999999999Ti"), field("resources.memory")),
        ("resources/memory", json!("7000Pi"), field("resources.memory")),
        ("resources/memory", json!("1e400"), field("resources.memory")),
        ("resources/gpus", json!(0), field("resources.gpus.count")),
        ("resources/gpus", json!(-1), ILL_SHAPED),
        ("resources/gpus", json!("H100:many"), ILL_SHAPED),
        ("retry/max_attempts", json!(0), field("retry.max_attempts")),
        ("retry/rules", json!([{"action": "retry"}]), field("retry.rules[0]")),
    ] {
        cases.push((spec_with(path, value), expected));
    }
    cases.push((format!("{good}{}", " ".repeat(256 << 10)), TOO_LARGE));
    cases.push((spec_with("run", json!("x".repeat(300 << 10))), TOO_LARGE));
    cases
}

#[tokio::test]
async fn bad_jobs_are_refused_by_name() -> Result<()> {
    with_bed(async |bed| {
        let token = admin_token(bed).await?;
        let raw = Raw::new(&bed.servers[0].url())?;
        let mut findings = Findings::default();
        for (body, expected) in bodies() {
            let answer = raw.json(Method::POST, "/api/v1/jobs", Some(&token), body.clone()).await;
            let case: String = body.chars().take(120).collect();
            findings.note(&case, answer.and_then(|answer| expected.check(&answer)))?;
        }
        for (body, suggestion) in [
            (spec_with("comand", json!(["true"])), "command"),
            (spec_with("resources/memry", json!("1Gi")), "memory"),
            (spec_with("retry/max_attempt", json!(2)), "max_attempts"),
        ] {
            let answer = raw.json(Method::POST, "/api/v1/jobs", Some(&token), body.clone()).await?;
            let result = ILL_SHAPED.check(&answer).and_then(|()| {
                ensure!(answer.body.contains(suggestion), "no suggestion: {}", answer.body);
                Ok(())
            });
            findings.note(&body, result)?;
        }
        for body in [b"{\"name\": \"\xff\xfe\"}".to_vec(), vec![0; 1000], vec![0xff; 1000]] {
            let kind = Some("application/json");
            let answer = raw.send(Method::POST, "/api/v1/jobs", Some(&token), kind, body).await?;
            findings.note("bytes that are no text", MALFORMED.check(&answer))?;
        }
        nothing_written(bed).await?;
        findings.conclude()
    })
    .await
}

#[tokio::test]
async fn bad_requests_are_refused_in_kind() -> Result<()> {
    with_bed(async |bed| {
        let token = admin_token(bed).await?;
        let raw = Raw::new(&bed.servers[0].url())?;
        let mut findings = Findings::default();
        let nobody = uuid::Uuid::now_v7();

        let kinds = [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")];
        for kind in kinds {
            let body = spec_with("name", json!("job"));
            let answer = raw.send(Method::POST, "/api/v1/jobs", Some(&token), kind, body).await?;
            let expected = Expected(&[415], &[UnsupportedMediaType], None);
            findings.note(&format!("content type {kind:?}"), expected.check(&answer))?;
        }
        let methods = [
            (Method::DELETE, "/api/v1/jobs".to_owned()),
            (Method::PUT, "/api/v1/queues".to_owned()),
            (Method::POST, format!("/api/v1/jobs/{nobody}")),
            (Method::GET, format!("/api/v1/jobs/{nobody}/cancel")),
            (Method::GET, "/api/v1/agent/sync".to_owned()),
        ];
        for (method, path) in methods {
            let answer = raw.json(method.clone(), &path, Some(&token), "{}".to_owned()).await?;
            let expected = Expected(&[405], &[MethodNotAllowed], None);
            let result = expected.check(&answer).and_then(|()| {
                ensure!(!answer.allow().is_empty(), "no Allow: {:?}", answer.headers);
                Ok(())
            });
            findings.note(&format!("{method} {path}"), result)?;
        }

        let no_id = Expected(&[400, 404], &[MalformedRequest, NotFound], None);
        let gets = [
            ("/api/v1/jobs?cursor=forged", &BAD_REQUEST),
            ("/api/v1/jobs?cursor=%00", &BAD_REQUEST),
            ("/api/v1/jobs?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &BAD_REQUEST),
            ("/api/v1/jobs?limit=0", &BAD_REQUEST),
            ("/api/v1/jobs?limit=501", &BAD_REQUEST),
            ("/api/v1/jobs?limit=-1", &BAD_REQUEST),
            ("/api/v1/jobs?limit=many", &BAD_REQUEST),
            ("/api/v1/jobs?limit=1&limit=2", &BAD_REQUEST),
            ("/api/v1/jobs?state=bogus", &BAD_REQUEST),
            ("/api/v1/jobs?label=nothing", &BAD_REQUEST),
            ("/api/v1/jobs?no_such_filter=1", &BAD_REQUEST),
            ("/api/v1/jobs?name=%00", &BAD_REQUEST),
            ("/api/v1/jobs/7", &no_id),
            ("/api/v1/jobs/%00", &no_id),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000'", &no_id),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000", &NOT_FOUND),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000/logs", &NOT_FOUND),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000/logs?offset=-1", &BAD_REQUEST),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000/logs?limit=99999999", &BAD_REQUEST),
            ("/api/v1/jobs/00000000-0000-0000-0000-000000000000/events", &NOT_FOUND),
            ("/api/v1/nodes/00000000-0000-0000-0000-000000000000", &NOT_FOUND),
            ("/api/v1/events?job=nonsense", &BAD_REQUEST),
            ("/api/v1/no-such-thing", &NOT_FOUND),
            ("/api/v2/jobs", &NOT_FOUND),
        ];
        for (path, expected) in gets {
            let answer = raw.json(Method::GET, path, Some(&token), String::new()).await?;
            findings.note(path, expected.check(&answer))?;
        }

        let taken = Expected(&[409], &[NameTaken], None);
        let name_max = "n".repeat(64);
        let posts = [
            ("/api/v1/clusters", json!({"name": "default"}), taken),
            ("/api/v1/clusters", json!({"name": "a\u{0}"}), field("name")),
            ("/api/v1/clusters", json!({"name": name_max}), field("name")),
            ("/api/v1/clusters", json!({"name": "c", "max_disconnect": "1s"}), field("max_disconnect")),
            (
                "/api/v1/queues",
                json!({"name": "default", "clusters": ["default"]}),
                Expected(&[409], &[NameTaken], None),
            ),
            ("/api/v1/queues", json!({"name": "q", "clusters": []}), field("clusters")),
            (
                "/api/v1/queues",
                json!({"name": "q", "clusters": ["no-such-cluster"]}),
                Expected(&[422], &[InvalidField], None),
            ),
            (
                "/api/v1/queues",
                json!({"name": "q", "clusters": ["\u{0}"]}),
                Expected(&[422], &[InvalidField], None),
            ),
            (
                "/api/v1/queues",
                json!({"name": "q", "clusters": ["default"], "priority": 1001}),
                field("priority"),
            ),
            (
                "/api/v1/queues",
                json!({"name": "q", "clusters": ["default"], "priority": 9_999_999_999_u64}),
                ILL_SHAPED,
            ),
            (
                "/api/v1/users",
                json!({"username": "admin", "password": "0123456789ab", "role": "admin"}),
                Expected(&[409], &[NameTaken], None),
            ),
            (
                "/api/v1/users",
                json!({"username": "u\u{0}", "password": "0123456789ab", "role": "admin"}),
                field("username"),
            ),
            (
                "/api/v1/users",
                json!({"username": "u", "password": "short", "role": "admin"}),
                field("password"),
            ),
            (
                "/api/v1/users",
                json!({"username": "u", "password": "0123456789ab", "role": "god"}),
                ILL_SHAPED,
            ),
            ("/api/v1/api-keys", json!({"name": "k\u{0}"}), field("name")),
            (
                "/api/v1/auth/login",
                json!({"username": "admin", "password": "wrong-password"}),
                UNKNOWN_CALLER,
            ),
            (
                "/api/v1/auth/login",
                json!({"username": "nobody", "password": "wrong-password"}),
                UNKNOWN_CALLER,
            ),
            (
                "/api/v1/auth/login",
                json!({"username": "admin\u{0}", "password": "wrong"}),
                Expected(&[401, 422], &[Unauthenticated, InvalidField], None),
            ),
            (
                "/api/v1/auth/login",
                json!({"username": "admin", "password": "x".repeat(200_000)}),
                Expected(&[401, 422], &[Unauthenticated, InvalidField], None),
            ),
            ("/api/v1/auth/login", json!({"username": ["admin"], "password": {"$ne": ""}}), ILL_SHAPED),
        ];
        for (path, body, expected) in posts {
            let case: String = format!("{path} {body}").chars().take(120).collect();
            let answer = raw.json(Method::POST, path, Some(&token), body.to_string()).await?;
            findings.note(&case, expected.check(&answer))?;
        }
        assert_eq!(bed.client.users().await?.items.len(), 1);
        assert_eq!(bed.client.queues().await?.items.len(), 1);
        assert_eq!(bed.client.clusters().await?.items.len(), 1);
        nothing_written(bed).await?;
        findings.conclude()
    })
    .await
}

async fn nothing_written(bed: &Bed) -> Result<()> {
    let jobs = bed.client.jobs(&JobFilter::default()).await?.items;
    ensure!(jobs.is_empty(), "written all the same: {jobs:?}");
    calm(bed)
}
