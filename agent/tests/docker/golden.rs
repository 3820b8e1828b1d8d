//! A container of a job that asks for nothing special, as Docker itself describes it, against a file that people
//! have looked at. `LILAC_WRITE_GOLDEN=1` writes that file anew.

use serde_json::{Map, Value};

use super::*;

/// What differs from one daemon, or one release of Docker, to the next.
const NOT_OURS: [&str; 9] = [
    "CgroupParent",
    "ConsoleSize",
    "Hostname",
    "Isolation",
    "MaskedPaths",
    "OomKillDisable",
    "ReadonlyPaths",
    "Runtime",
    // At most what the agent may have itself.
    "Ulimits",
];

/// What nobody set is left out: releases differ in how they write it.
fn normal(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) => (number.as_i64() != Some(0)).then_some(Value::Number(number)),
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(normal).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !NOT_OURS.contains(&name.as_str()));
            let kept: Map<_, _> = kept.filter_map(|(name, value)| Some((name, normal(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other),
    }
}

#[tokio::test]
async fn a_default_container_is_what_people_have_looked_at() {
    let Some(node) = Node::start() else { return };
    let (attempt, task) = (AttemptId::new(), task(&["true"]));
    node.create(attempt, &task).await.unwrap();
    let inspected = node.daemon.docker(&["inspect", &docker::container_name(attempt)]);
    let mut inspected: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    // Docker tells them in any order.
    let mounts = inspected[0]["Mounts"].as_array_mut().unwrap();
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    let files = &inspected[0]["HostConfig"]["Ulimits"][0];
    assert_eq!(files["Name"], "nofile");
    assert!((1..=65_536).contains(&files["Soft"].as_u64().unwrap()), "{files}");
    assert!((1..=524_288).contains(&files["Hard"].as_u64().unwrap()), "{files}");
    let shown = serde_json::json!({
        "Config": inspected[0]["Config"], "HostConfig": inspected[0]["HostConfig"], "Mounts": inspected[0]["Mounts"],
    });
    let mut shown = normal(shown).unwrap();
    // Nothing and "no" are one policy.
    if shown["HostConfig"]["RestartPolicy"]["Name"] == "no" {
        shown["HostConfig"].as_object_mut().unwrap().remove("RestartPolicy");
    }
    let mut shown = serde_json::to_string_pretty(&shown).unwrap() + "\n";
    for (id, name) in [
        (node.program.display().to_string(), "/INIT"),
        (attempt.to_string(), "ATTEMPT"),
        (task.job_id.to_string(), "JOB"),
        (node.owner.node_id.to_string(), "NODE"),
        (node.owner.cluster_id.to_string(), "CLUSTER"),
        (node.daemon.folder().display().to_string(), "/FOLDER"),
    ] {
        shown = shown.replace(&id, name);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/default_container.json");
    if std::env::var_os("LILAC_WRITE_GOLDEN").is_some() {
        std::fs::write(path, &shown).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        shown == golden,
        "the container differs from {path} (look at the difference; LILAC_WRITE_GOLDEN=1 writes it anew):\n{shown}"
    );
}
