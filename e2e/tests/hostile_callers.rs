//! Callers who ask for more than is theirs, and agents that talk nonsense: each is told so, and nothing
//! changes.

use anyhow::{Context, Result};
use lilac_api::auth::{CreateUser, Role, Secret};
use lilac_api::job::{JobFilter, JobState, log_headers};
use lilac_api::problem::ErrorCode::*;
use lilac_e2e::hostile::{
    BAD_REQUEST, Expected, FORBIDDEN, Findings, ILL_SHAPED, MALFORMED, NOT_FOUND, TOO_LARGE, UNKNOWN_CALLER,
    admin_token, calm, spec_with, token,
};
use lilac_e2e::jobs::{end, script, until_state};
use lilac_e2e::{Bed, Raw, with_bed};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn every_caller_stays_in_their_place() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let token = admin_token(bed).await?;
        let raw = Raw::new(&bed.servers[0].url())?;
        let mut findings = Findings::default();
        let done = bed.client.submit(&script("done", "true"), None).await?.id;
        end(&bed.client, done).await?;
        let runs = bed.client.submit(&script("runs", "sleep 1000"), None).await?.id;
        until_state(&bed.client, runs, JobState::Running).await?;

        let node = node_credential(bed)?;
        let join = bed.join_key("unused").await?.0;
        let (mut tampered, mut other_key) = (token.clone(), node.clone());
        tampered.replace_range(token.len() - 4.., "AAAA");
        other_key.replace_range(node.len() - 4.., "0000");
        let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0.";
        let strangers = [
            None,
            Some(""),
            Some("nonsense"),
            Some("lilac_pat_"),
            Some("lilac_pat_00000000000000000000000000000000_0000"),
            Some("a.b.c"),
            Some(unsigned),
            Some(tampered.as_str()),
            Some(other_key.as_str()),
        ];
        let cancel = format!("/api/v1/jobs/{runs}/cancel");
        let users_routes = [
            (Method::GET, "/api/v1/jobs"),
            (Method::POST, "/api/v1/jobs"),
            (Method::POST, cancel.as_str()),
            (Method::GET, "/api/v1/nodes"),
            (Method::GET, "/api/v1/users"),
            (Method::GET, "/api/v1/events"),
            (Method::GET, "/api/v1/auth/me"),
        ];
        let agents_routes = [
            (Method::POST, "/api/v1/agent/sync"),
            (Method::POST, "/api/v1/agent/register"),
            (Method::PUT, "/api/v1/agent/attempts/00000000-0000-0000-0000-000000000000/logs?rank=0&offset=0"),
        ];
        let body = || spec_with("name", json!("job"));
        for (method, path) in users_routes.iter().chain(&agents_routes) {
            for stranger in &strangers {
                let answer = raw.json(method.clone(), path, *stranger, body()).await?;
                findings.note(&format!("{method} {path} as {stranger:?}"), UNKNOWN_CALLER.check(&answer))?;
            }
        }
        for (method, path) in &users_routes {
            for agent in [&node, &join] {
                let answer = raw.json(method.clone(), path, Some(agent), body()).await?;
                findings.note(&format!("{method} {path} as an agent"), FORBIDDEN.check(&answer))?;
            }
        }
        for (method, path) in &agents_routes {
            let answer = raw.json(method.clone(), path, Some(&token), body()).await?;
            findings.note(&format!("{method} {path} as a user"), FORBIDDEN.check(&answer))?;
        }
        let answer = raw.json(Method::POST, "/api/v1/agent/sync", Some(&join), body()).await?;
        findings.note("sync with a join key", FORBIDDEN.check(&answer))?;

        let viewer = login_as(bed, "looks", Role::Viewer).await?;
        let member = login_as(bed, "works", Role::Member).await?;
        let node_id = bed.client.nodes().await?.items.first().context("no node")?.id;
        let may_not = [
            (&viewer, Method::POST, "/api/v1/jobs".to_owned()),
            (&viewer, Method::POST, cancel.clone()),
            (&member, Method::POST, "/api/v1/queues".to_owned()),
            (&member, Method::POST, "/api/v1/clusters".to_owned()),
            (&member, Method::GET, "/api/v1/users".to_owned()),
            (&member, Method::POST, format!("/api/v1/nodes/{node_id}/cordon")),
            (&member, Method::DELETE, format!("/api/v1/nodes/{node_id}")),
            (&member, Method::POST, cancel.clone()),
        ];
        for (caller, method, path) in may_not {
            let answer = raw.json(method.clone(), &path, Some(caller), body()).await?;
            findings.note(&format!("{method} {path} beyond a role"), FORBIDDEN.check(&answer))?;
        }
        // What a person may not do was not done.
        assert_eq!(bed.client.job(runs).await?.state, JobState::Running);
        assert_eq!(bed.client.jobs(&JobFilter::default()).await?.items.len(), 2);
        let said = bed.servers[0].output() + &bed.nodes[0].agent.output();
        for secret in [&token, &node, &join, &bed.admin_password().0] {
            assert!(!said.contains(secret.as_str()), "a secret was logged");
        }
        findings.conclude()
    })
    .await
}

#[tokio::test]
async fn an_agent_cannot_talk_nonsense() -> Result<()> {
    with_bed(async |bed| {
        bed.add_node("a", None).await?;
        let id = bed.client.submit(&script("runs", "sleep 1000"), None).await?.id;
        until_state(&bed.client, id, JobState::Running).await?;
        let before = serde_json::to_string(&bed.client.job(id).await?)?;
        let node = node_credential(bed)?;
        let raw = Raw::new(&bed.servers[0].url())?;
        let mut findings = Findings::default();
        let sync = |field: &str, value: Value| {
            let mut sync = json!({
                "protocol": 1, "agent_version": "0", "boot_id": uuid::Uuid::now_v7(), "machine_id": "other",
                "session": uuid::Uuid::now_v7(), "sequence": 7, "no_wait": true, "labels": {},
                "capacity": {"cpu_milli": 1000, "memory_bytes": 1, "disk_bytes": 1, "gpus": []},
                "runtime": {"ok": true, "version": "1", "message": ""}, "attempts": [],
            });
            sync[field] = value;
            sync.to_string()
        };
        let fenced = Expected(&[409], &[Fenced], None);
        let attempt = |value: Value| json!([value]);
        let result = |code: i64| {
            json!({"attempt_id": uuid::Uuid::now_v7(), "epoch": 1, "phase": "ended", "result": {
                "outcome": "exited", "exit_code": code, "message": "", "finished_at": "2026-01-01T00:00:00Z",
                "log_bytes": 0}})
        };
        let any_refusal = Expected(&[400, 409, 422], &[MalformedJson, InvalidField, Fenced, Conflict], None);
        for (body, expected) in [
            (sync("protocol", json!(999)), &Expected(&[426], &[UpgradeRequired], None)),
            // A session that nobody saw begin.
            (sync("sequence", json!(7)), &fenced),
            (sync("labels", json!({"a": "\u{0}"})), &any_refusal),
            (sync("machine_id", json!("\u{0}")), &any_refusal),
            (
                sync(
                    "capacity",
                    json!({"cpu_milli": 1, "memory_bytes": u64::MAX, "disk_bytes": u64::MAX, "gpus": []}),
                ),
                &any_refusal,
            ),
            (sync("boot_id", json!("today")), &ILL_SHAPED),
            (sync("sequence", json!(-1)), &ILL_SHAPED),
            (sync("attempts", attempt(json!({}))), &ILL_SHAPED),
            (sync("attempts", attempt(result(0))), &any_refusal),
            (sync("attempts", attempt(result(i64::MAX))), &any_refusal),
            (sync("no_such_field", json!(1)), &ILL_SHAPED),
            ("{".to_owned(), &MALFORMED),
        ] {
            let case: String = body.chars().take(300).collect();
            let answer = raw.json(Method::POST, "/api/v1/agent/sync", Some(&node), body).await?;
            findings.note(&case, expected.check(&answer))?;
        }
        let attempt = bed.client.attempts(id).await?.items.first().context("no attempt")?.id;
        let nobody = uuid::Uuid::now_v7();
        for (path, size, expected) in [
            (format!("{nobody}/logs?rank=0&offset=0"), 5, &NOT_FOUND),
            (
                format!("{attempt}/logs?rank=9&offset=0"),
                5,
                &Expected(&[404, 422], &[NotFound, InvalidField], None),
            ),
            (
                format!("{attempt}/logs?rank=0&offset={}", u64::MAX),
                5,
                &Expected(&[400, 409, 422], &[MalformedRequest, InvalidField], None),
            ),
            (format!("{attempt}/logs?rank=0&offset=-1"), 5, &BAD_REQUEST),
            (format!("{attempt}/logs?rank=70000&offset=0"), 5, &BAD_REQUEST),
            (format!("{attempt}/logs"), 5, &BAD_REQUEST),
            (format!("{attempt}/logs?rank=0&offset=0"), (1 << 20) + 1, &TOO_LARGE),
        ] {
            let kind = Some("application/octet-stream");
            let path = format!("/api/v1/agent/attempts/{path}");
            let answer = raw.send(Method::PUT, &path, Some(&node), kind, vec![b'x'; size]).await?;
            findings.note(&path, expected.check(&answer))?;
        }
        // A gap is refused, with the place to go on from instead of a problem.
        let path = format!("/api/v1/agent/attempts/{attempt}/logs?rank=0&offset=7");
        let kind = Some("application/octet-stream");
        let answer = raw.send(Method::PUT, &path, Some(&node), kind, "later").await?;
        assert_eq!((answer.status, answer.header(log_headers::NEXT_OFFSET)), (409, "0"));
        assert_eq!(serde_json::to_string(&bed.client.job(id).await?)?, before);
        calm(bed)?;
        findings.conclude()
    })
    .await
}

async fn login_as(bed: &Bed, username: &str, role: Role) -> Result<String> {
    let password = Secret("a long password".to_owned());
    let request = CreateUser::new(username, password.clone(), role);
    bed.client.create_user(&request).await?;
    token(&bed.servers[0].client()?, username, &password).await
}

/// The credential that the node's agent was given.
fn node_credential(bed: &Bed) -> Result<String> {
    let file = bed.nodes[0].agent.state_dir().join("credential.json");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let start = text.find("lilac_node_").context("no credential in the file")?;
    Ok(text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect())
}
