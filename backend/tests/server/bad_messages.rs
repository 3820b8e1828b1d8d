//! Bad input of agents, as tables: messages that no agent of ours writes, each with the status and the code, or the
//! refused field, that it must get; and messages that are well written and mean nothing, which must change nothing.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use lilac_api::agent::{Outcome, PROTOCOL_VERSION, Phase};
use lilac_api::job::{JobState, LogQuery};
use lilac_api::{AttemptId, JobId};
use serde_json::Value;
use sqlx::PgPool;

use crate::protocol::{Node, result, start, submit};
use crate::support::{Answer, Harness, expanded};

/// Name, the place in a message that is good otherwise, what stands there instead (nothing: it is left out), status,
/// and code or path of the first refused field. `<attempt>` is one that the node runs.
type Case = (&'static str, &'static str, &'static str, u16, &'static str);

#[rustfmt::skip]
pub const SYNCS: &[Case] = &[
    ("another protocol", "/protocol", "99", 426, "upgrade-required"),
    ("no protocol", "/protocol", "", 422, "protocol"),
    ("a negative protocol", "/protocol", "-1", 422, "protocol"),
    ("a protocol twice", "/protocol", r#"1, "protocol": 1"#, 422, "protocol"),
    ("a version of nothing", "/agent_version", r#""""#, 422, "agent_version"),
    ("a version without end", "/agent_version", r#""<long>""#, 422, "agent_version"),
    ("a boot that is none", "/boot_id", r#""yesterday""#, 422, "boot_id"),
    ("another machine", "/machine_id", r#""another""#, 409, "fenced"),
    ("a path for a machine", "/machine_id", r#""../../etc/machine-id""#, 422, "machine_id"),
    ("a session that nobody began", "/session", r#""0197d3b8-0000-7000-8000-000000000000""#, 409, "fenced"),
    ("a negative sequence", "/sequence", "-1", 422, "sequence"),
    ("a sequence beyond numbers", "/sequence", "18446744073709551615", 422, "sequence"),
    ("CPUs beyond any machine", "/capacity/cpu_milli", "4294967295", 422, "capacity.cpu_milli"),
    ("memory that is no number", "/capacity/memory_bytes", "1e400", 400, "malformed-json"),
    ("half a byte of disk", "/capacity/disk_bytes", "0.5", 422, "capacity.disk_bytes"),
    ("a GPU twice", "/capacity/gpus", r#"[{"index":0,"uuid":"a","model":"m","memory_bytes":1},{"index":0,"uuid":"b","model":"m","memory_bytes":1}]"#, 422, "capacity.gpus"),
    ("a GPU beyond numbers", "/capacity/gpus", r#"[{"index":40000,"uuid":"a","model":"m","memory_bytes":1}]"#, 422, "capacity.gpus"),
    ("a label of a number", "/labels", r#"{"a": 1}"#, 422, "labels.a"),
    ("a label with a NUL", "/labels", r#"{"a": "\u0000"}"#, 422, "labels.a"),
    ("labels nested without end", "/labels", "<deep>", 422, "labels"),
    ("a lone surrogate", "/runtime/message", r#""\ud800""#, 400, "malformed-json"),
    ("a message without end", "/runtime/message", r#""<long>""#, 422, "runtime.message"),
    ("a node that it says it is", "/node_id", r#""0197d3b8-0000-7000-8000-000000000000""#, 422, "node_id"),
    ("a lease of its own making", "/lease_ms", "86400000", 422, "lease_ms"),
    ("attempts that are no list", "/attempts", "{}", 422, "attempts"),
    ("an attempt without an epoch", "/attempts", r#"[{"attempt_id":"<attempt>","phase":"running"}]"#, 422, "attempts[0].epoch"),
    ("a negative epoch", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":-1,"phase":"running"}]"#, 422, "attempts[0].epoch"),
    ("an epoch beyond numbers", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":4294967296,"phase":"running"}]"#, 422, "attempts[0].epoch"),
    ("a phase that is none", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"granted"}]"#, 422, "attempts[0].phase"),
    ("an attempt that is none", "/attempts", r#"[{"attempt_id":"../1","epoch":1,"phase":"running"}]"#, 422, "attempts[0].attempt_id"),
    ("an end without a result", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"ended"}]"#, 422, "attempts[0].result"),
    ("a result before the end", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"running","result":{"outcome":"exited","message":"","finished_at":"2026-01-01T00:00:00Z","log_bytes":0}}]"#, 422, "attempts[0].result"),
    ("an outcome that is none", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"ended","result":{"outcome":"succeeded","message":"","finished_at":"2026-01-01T00:00:00Z","log_bytes":0}}]"#, 422, "attempts[0].result.outcome"),
    ("a log longer than any", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"ended","result":{"outcome":"exited","message":"","finished_at":"2026-01-01T00:00:00Z","log_bytes":1152921504606846976}}]"#, 422, "attempts[0].result.log_bytes"),
    ("an end at no time", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"ended","result":{"outcome":"exited","message":"","finished_at":"soon","log_bytes":0}}]"#, 422, "attempts[0].result.finished_at"),
    ("a state of the server's", "/attempts", r#"[{"attempt_id":"<attempt>","epoch":1,"phase":"running","state":"succeeded"}]"#, 422, "attempts[0].state"),
];

/// The same of the message with which a machine joins.
#[rustfmt::skip]
pub const JOINS: &[Case] = &[
    ("another protocol", "/protocol", "0", 426, "upgrade-required"),
    ("a name with a path", "/name", r#""../node""#, 422, "name"),
    ("no name", "/name", r#""""#, 422, "name"),
    ("a name that colours terminals", "/name", r#""\u001b[31mred""#, 422, "name"),
    ("a null for a name", "/name", "null", 422, "name"),
    ("a machine of spaces", "/machine_id", r#""   ""#, 422, "machine_id"),
    ("a cluster of its choice", "/cluster_id", r#""0197d3b8-0000-7000-8000-000000000000""#, 422, "cluster_id"),
    ("an id of its choice", "/node_id", r#""0197d3b8-0000-7000-8000-000000000000""#, 422, "node_id"),
    ("the name of another machine", "/name", r#""n1""#, 409, "name-taken"),
];

/// Name, what follows the path of the attempt's log, the body, status, and code; of a log that has four bytes.
type LogCase = (&'static str, &'static str, &'static str, u16, &'static str);

#[rustfmt::skip]
pub const LOGS: &[LogCase] = &[
    ("a gap", "?offset=5", "x", 409, ""),
    ("a gap of a log's length", "?offset=1000000000", "x", 409, ""),
    ("a repeat", "?offset=0", "one\n", 409, ""),
    ("an overlap", "?offset=2", "e\ntwo", 409, ""),
    ("no offset", "", "x", 400, "malformed-request"),
    ("a negative offset", "?offset=-1", "x", 400, "malformed-request"),
    ("an offset beyond logs", "?offset=1152921504606846976", "x", 400, "malformed-request"),
    ("an offset beyond numbers", "?offset=99999999999999999999", "x", 400, "malformed-request"),
    ("a rank that it has not", "?offset=0&rank=1", "x", 404, "not-found"),
    ("a rank beyond numbers", "?offset=0&rank=70000", "x", 400, "malformed-request"),
    ("an epoch beside the attempt", "?offset=4&epoch=2", "x", 400, "malformed-request"),
    ("more than a message holds", "?offset=4", "<2m>", 413, "too-large"),
];

/// A message with one place changed in its text, so that it need not be JSON any more.
fn changed(message: &Value, pointer: &str, text: &str) -> String {
    let mut message = message.clone();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if text.is_empty() {
        parent.remove(field);
        return message.to_string();
    }
    parent.insert(field.to_owned(), "<here>".into());
    message.to_string().replace("\"<here>\"", text)
}

fn complaint(case: &str, answer: &Answer, status: u16, word: &str) -> Option<String> {
    let named = answer.body["errors"][0]["path"].as_str().unwrap_or_else(|| answer.code());
    let is_right = (answer.status.as_u16(), named) == (status, word);
    (!is_right)
        .then(|| format!("{case}: {} {named} instead of {status} {word}: {}", answer.status, answer.body))
}

/// A node that runs an attempt whose log has four bytes.
async fn running(harness: &Harness) -> (Node, JobId, AttemptId) {
    let mut node = Node::join(harness, "n1").await;
    let job = submit(harness, |_| {}).await;
    let attempt = node.wait_for(job).await;
    node.report(attempt, 1, Phase::Running, None);
    node.sync().await.unwrap();
    node.client.put_log(attempt, 0, 0, "one\n".into()).await.unwrap().unwrap();
    (node, job, attempt)
}

async fn assert_untouched(harness: &Harness, job: JobId, events: usize) {
    let now = harness.client.job(job).await.unwrap();
    assert_eq!((now.state, now.epoch), (JobState::Running, 1));
    assert_eq!(harness.client.job_events(job).await.unwrap().items.len(), events, "a line in its history");
    assert_eq!(harness.client.log(job, &LogQuery::default()).await.unwrap().bytes, "one\n");
    assert_eq!(harness.client.nodes().await.unwrap().items[0].capacity.cpu_milli, 4000);
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_bad_message_of_an_agent_gets_its_answer_and_changes_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let (mut node, job, attempt) = running(&harness).await;
    let events = harness.client.job_events(job).await.unwrap().items.len();
    let bearer = format!("Bearer {}", node.token.0);
    let headers = [("authorization", bearer.as_str())];
    let message = serde_json::to_value(node.message(true)).unwrap();
    let mut wrong = Vec::new();
    for (name, pointer, text, status, word) in SYNCS {
        let text = expanded(text).replace("<attempt>", &attempt.to_string());
        let answer =
            harness.send_json("POST", "/agent/sync", &headers, changed(&message, pointer, &text)).await;
        wrong.extend(complaint(name, &answer, *status, word));
    }
    for (name, query, body, status, word) in LOGS {
        let path = format!("/agent/attempts/{attempt}/logs{query}");
        let answer = harness.send_json("PUT", &path, &headers, expanded(body)).await;
        wrong.extend(complaint(name, &answer, *status, word));
        if *status == 409 && answer.body["offset"] != 4 {
            wrong.push(format!("{name}: the answer does not say where to go on: {}", answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_untouched(&harness, job, events).await;
    // It was the messages, and not the node.
    node.sync().await.unwrap();
}

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_bad_join_gets_its_answer_and_no_node(pool: PgPool) {
    let harness = start(pool).await;
    crate::support::join(&harness.client, "n1").await;
    let cluster = harness.client.clusters().await.unwrap().items[0].id;
    let key = lilac_api::cluster::CreateJoinKey { name: "k".into(), reusable: true, expires_in: None };
    let key = harness.client.create_join_key(cluster, &key).await.unwrap();
    let message = serde_json::json!({
        "protocol": PROTOCOL_VERSION, "name": "n2", "machine_id": "m2", "agent_version": "test",
    });
    let mut wrong = Vec::new();
    let join = async |secret: &str, body: String| {
        let bearer = format!("Bearer {secret}");
        harness.send_json("POST", "/agent/register", &[("authorization", bearer.as_str())], body).await
    };
    for (name, pointer, text, status, word) in JOINS {
        let answer = join(&key.secret.0, changed(&message, pointer, text)).await;
        wrong.extend(complaint(name, &answer, *status, word));
    }
    // Keys that open nothing any more.
    for (name, end) in [
        ("an expired key", "UPDATE join_keys SET expires_at = now() - interval '1 second' WHERE id = $1"),
        ("a revoked key", "UPDATE join_keys SET expires_at = NULL, revoked_at = now() WHERE id = $1"),
    ] {
        sqlx::query(end).bind(key.key.id.0).execute(&harness.app.pool).await.unwrap();
        harness.app.callers.forget();
        let answer = join(&key.secret.0, message.to_string()).await;
        wrong.extend(complaint(name, &answer, 401, "unauthenticated"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(harness.client.nodes().await.unwrap().items.len(), 1);
}

/// Name, epoch, and whether the attempt is the one that the node runs.
const MEANINGLESS: &[(&str, u32, bool)] = &[
    ("a stale epoch", 0, true),
    ("a future epoch", 2, true),
    ("the last of all epochs", u32::MAX, true),
    ("an attempt that never was", 1, false),
];

#[sqlx::test(migrator = "lilac_server::db::MIGRATOR")]
async fn a_report_of_another_epoch_is_heard_and_changes_nothing(pool: PgPool) {
    let harness = start(pool).await;
    let (mut node, job, attempt) = running(&harness).await;
    let events = harness.client.job_events(job).await.unwrap().items.len();
    let ends = [
        (Phase::Ended, Some(result(Outcome::Exited, Some(0)))),
        (Phase::Ended, Some(result(Outcome::Exited, Some(1)))),
        (Phase::Ended, Some(result(Outcome::Lost, None))),
        (Phase::Preparing, None),
    ];
    for (name, epoch, is_own) in MEANINGLESS {
        let of = if *is_own { attempt } else { AttemptId::new() };
        for (phase, end) in &ends {
            node.report(of, *epoch, *phase, end.clone());
            node.sync().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        if !is_own {
            node.reports.retain(|report| report.attempt_id == attempt);
        }
        assert_untouched(&harness, job, events).await;
    }
}
