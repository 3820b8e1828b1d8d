//! Each bound of the job spec, from both sides.

use serde_json::{Value, json};

use super::*;
use crate::quantity::{Bytes, Cpus};

fn volume(name: &str, target: &str) -> crate::spec::VolumeMount {
    crate::spec::VolumeMount { name: name.into(), target: target.into(), read_only: false }
}

fn paths(change: impl FnOnce(&mut JobSpec)) -> Vec<String> {
    let mut spec = JobSpec::new("job", "busybox");
    change(&mut spec);
    job_spec(&spec).into_iter().map(|error| error.path).collect()
}

#[test]
fn the_smallest_spec_is_accepted() {
    assert!(paths(|_| {}).is_empty());
}

#[test]
fn each_broken_field_is_named() {
    type Change = Box<dyn FnOnce(&mut JobSpec)>;
    let cases: Vec<(&str, Change)> = vec![
        ("name", Box::new(|s| s.name = String::new())),
        ("name", Box::new(|s| s.name = "x".repeat(129))),
        ("name", Box::new(|s| s.name = "a b".into())),
        ("name", Box::new(|s| s.name = "-rf".into())),
        ("queue", Box::new(|s| s.queue = "a/b".into())),
        ("team", Box::new(|s| s.team = Some("a/b".into()))),
        ("priority", Box::new(|s| s.priority = 101)),
        ("image", Box::new(|s| s.image = "a b".into())),
        ("image", Box::new(|s| s.image = "-v".into())),
        ("run", Box::new(|s| s.run = Some(" ".into()))),
        (
            "run",
            Box::new(|s| {
                s.run = Some("ls".into());
                s.command = vec!["ls".into()];
            }),
        ),
        ("command[1]", Box::new(|s| s.command = vec!["a".into(), "\0".into()])),
        ("command[0]", Box::new(|s| s.command = vec!["x".repeat(128 << 10)])),
        ("workdir", Box::new(|s| s.workdir = Some("tmp".into()))),
        ("user", Box::new(|s| s.user = Some("root;".into()))),
        (
            "env.LILAC_X",
            Box::new(|s| {
                s.env.insert("LILAC_X".into(), String::new());
            }),
        ),
        (
            "env.1A",
            Box::new(|s| {
                s.env.insert("1A".into(), String::new());
            }),
        ),
        (
            "env.A",
            Box::new(|s| {
                s.env.insert("A".into(), "a\0b".into());
            }),
        ),
        (
            "labels.a",
            Box::new(|s| {
                s.labels.insert("a".into(), "v".repeat(256));
            }),
        ),
        (
            "secrets.A",
            Box::new(|s| {
                s.env.insert("A".into(), String::new());
                s.secrets.insert("A".into(), "a".into());
            }),
        ),
        (
            "secrets.A",
            Box::new(|s| {
                s.secrets.insert("A".into(), "a/b".into());
            }),
        ),
        (
            "secrets.LILAC_X",
            Box::new(|s| {
                s.secrets.insert("LILAC_X".into(), "a".into());
            }),
        ),
        ("pull.secret", Box::new(|s| s.pull.secret = Some(String::new()))),
        ("volumes[0].name", Box::new(|s| s.volumes = vec![volume("../x", "/data")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "data")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/a/../etc")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/a//b")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/a:b")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/proc/self")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/.lilac")])),
        ("volumes[0].target", Box::new(|s| s.volumes = vec![volume("x", "/.lilac/run")])),
        ("volumes[1].target", Box::new(|s| s.volumes = vec![volume("x", "/a"), volume("y", "/a")])),
        ("volumes", Box::new(|s| s.volumes = vec![volume("x", "/a"); 33])),
        ("resources.cpus", Box::new(|s| s.resources.cpus = Cpus { milli: 0 })),
        ("resources.memory", Box::new(|s| s.resources.memory = Bytes(1))),
        ("stop.grace", Box::new(|s| s.stop.grace = Span(Duration::from_secs(90_000)))),
        ("retry.max_attempts", Box::new(|s| s.retry.max_attempts = 0)),
        ("max_disconnect", Box::new(|s| s.max_disconnect = Some(Span(Duration::from_secs(1))))),
    ];
    for (path, change) in cases {
        assert_eq!(paths(change), [path]);
    }
}

/// The errors of the smallest job with these fields, as JSON, beside `name` and `image`.
fn refused(fields: Value) -> Vec<(String, String)> {
    let Value::Object(fields) = fields else { panic!("an object") };
    let mut spec =
        serde_json::Map::from_iter([("name".into(), json!("job")), ("image".into(), json!("busybox"))]);
    spec.extend(fields);
    let spec: JobSpec = serde_json::from_value(Value::Object(spec)).unwrap();
    job_spec(&spec).into_iter().map(|error| (error.path, error.code)).collect()
}

#[test]
fn the_largest_values_are_accepted() {
    let labels: serde_json::Map<_, _> = (0..64).map(|n| (format!("l{n}"), json!("v"))).collect();
    let needs: Vec<_> = (0..100).map(|n| json!({"job": format!("j{n}")})).collect();
    for fields in [
        json!({"name": "x".repeat(128), "labels": labels}),
        json!({"nodes": 1024, "placement": {"constraints": ["label.pool == a", "node != n7"], "same": "rack"}}),
        json!({"array": {"count": 100_000, "max_parallel": 1, "max_failures": 0}}),
        json!({"array": {"matrix": {"LR": ["1e-4", "3e-4"], "SEED": ["1"]}}, "needs": needs}),
        json!({"max_queue_time": "7d", "hold_on_failure": "24h", "preemptible": true}),
        json!({"max_runtime": "1h", "stop": {"warn": {"signal": "SIGUSR1", "before": "10m"}}}),
        json!({"retry": {"rules": [{"on": ["oom"], "action": "retry", "memory_factor": 1.5, "counts": false}]}}),
        json!({"schedule": {"cron": "*/5 2 * * mon-fri", "timezone": "Europe/Berlin", "overlap": "replace"}}),
        json!({"outputs": [{"path": "/out", "keep": "30d"}], "ports": [{"name": "web", "port": 65535}]}),
        json!({"notify": [{"on": ["failed", "succeeded"], "to": "team-hook"}]}),
        json!({"resources": {"gpus": 0.5}, "alternatives": [{"gpus": {"count": 8, "model": ["H100"], "memory": "80Gi"}}]}),
        json!({"env": {"A": "x".repeat((128 << 10) - 3)}}),
    ] {
        assert_eq!(refused(fields.clone()), [], "{fields}");
    }
}

#[test]
fn each_bound_is_held() {
    let labels: serde_json::Map<_, _> = (0..65).map(|n| (format!("l{n}"), json!("v"))).collect();
    let many = |count: usize, one: Value| vec![one; count];
    let large: serde_json::Map<_, _> =
        (0..9).map(|n| (format!("E{n}"), json!("x".repeat(127 << 10)))).collect();
    let block = json!({});
    let cases = [
        ("labels", "too-many", json!({"labels": labels})),
        ("env", "too-long", json!({"env": large})),
        ("env.A", "too-long", json!({"env": {"A": "x".repeat((128 << 10) - 2)}})),
        ("nodes", "out-of-bounds", json!({"nodes": 0})),
        ("nodes", "out-of-bounds", json!({"nodes": 1025})),
        ("placement.same", "invalid-name", json!({"placement": {"same": "a b"}})),
        (
            "placement.constraints",
            "too-many",
            json!({"placement": {"constraints": many(33, json!("node == a"))}}),
        ),
        ("alternatives", "too-many", json!({"alternatives": many(9, block)})),
        ("alternatives[0].cpus", "out-of-bounds", json!({"alternatives": [{"cpus": 0}]})),
        ("resources.gpus.share", "out-of-bounds", json!({"resources": {"gpus": {"count": 2, "share": 0.5}}})),
        ("resources.gpus.count", "out-of-bounds", json!({"resources": {"gpus": 1025}})),
        ("array", "exclusive", json!({"array": {}})),
        ("array", "exclusive", json!({"array": {"count": 2, "matrix": {"A": ["1"]}}})),
        ("array.count", "out-of-bounds", json!({"array": {"count": 0}})),
        ("array.count", "out-of-bounds", json!({"array": {"count": 100_001}})),
        ("array.matrix", "out-of-bounds", json!({"array": {"matrix": {"A": []}}})),
        (
            "array.matrix",
            "out-of-bounds",
            json!({"array": {"matrix": {"A": many(400, json!("1")), "B": many(400, json!("1"))}}}),
        ),
        ("array.matrix.1A", "invalid-name", json!({"array": {"matrix": {"1A": ["1"]}}})),
        ("array.matrix.LILAC_X", "reserved", json!({"array": {"matrix": {"LILAC_X": ["1"]}}})),
        ("array.matrix.A", "exclusive", json!({"array": {"matrix": {"A": ["1"]}}, "env": {"A": "2"}})),
        ("array.max_parallel", "out-of-bounds", json!({"array": {"count": 2, "max_parallel": 0}})),
        ("needs", "too-many", json!({"needs": many(101, json!({"job": "a"}))})),
        ("needs[1].job", "duplicate", json!({"needs": many(2, json!({"job": "a"}))})),
        ("needs[0].job", "invalid-name", json!({"needs": [{"job": "a b"}]})),
        ("needs[0].job", "invalid-name", json!({"needs": [{"job": "$"}]})),
        ("max_queue_time", "out-of-bounds", json!({"max_queue_time": "0s"})),
        ("max_queue_time", "out-of-bounds", json!({"max_queue_time": "401d"})),
        ("hold_on_failure", "out-of-bounds", json!({"hold_on_failure": "25h"})),
        ("stop.warn", "exclusive", json!({"stop": {"warn": {"signal": "SIGUSR1", "before": "10m"}}})),
        (
            "stop.warn.before",
            "out-of-bounds",
            json!({"max_runtime": "10m", "stop": {"warn": {"signal": "SIGUSR1", "before": "10m"}}}),
        ),
        (
            "retry.rules[0].memory_factor",
            "out-of-bounds",
            json!({"retry": {"rules": [{"on": ["oom"], "action": "retry", "memory_factor": 10.5}]}}),
        ),
        (
            "retry.rules[0].memory_factor",
            "exclusive",
            json!({"retry": {"rules": [{"on": ["oom"], "action": "fail", "memory_factor": 2}]}}),
        ),
        ("retry.rules[0]", "empty", json!({"retry": {"rules": [{"action": "hold"}]}})),
        ("schedule.cron", "invalid-cron", json!({"schedule": {"cron": "61 * * * *"}})),
        ("schedule.cron", "invalid-cron", json!({"schedule": {"cron": "0 0 2 * * *"}})),
        ("schedule.cron", "invalid-cron", json!({"schedule": {"cron": "@daily"}})),
        ("schedule.cron", "invalid-cron", json!({"schedule": {"cron": ""}})),
        (
            "schedule.timezone",
            "invalid-timezone",
            json!({"schedule": {"cron": "0 2 * * *", "timezone": "Mars/Base"}}),
        ),
        ("outputs[0].path", "invalid-path", json!({"outputs": [{"path": "out"}]})),
        ("outputs[0].path", "invalid-path", json!({"outputs": [{"path": "/"}]})),
        ("outputs[0].path", "invalid-path", json!({"outputs": [{"path": "/out/../etc"}]})),
        ("outputs[1].path", "duplicate", json!({"outputs": [{"path": "/out"}, {"path": "/out"}]})),
        (
            "outputs",
            "too-many",
            json!({"outputs": (0..17).map(|i| json!({"path": format!("/out/{i}")})).collect::<Vec<_>>()}),
        ),
        ("outputs[0].keep", "out-of-bounds", json!({"outputs": [{"path": "/out", "keep": "1s"}]})),
        ("ports[0].port", "out-of-bounds", json!({"ports": [{"name": "web", "port": 0}]})),
        ("ports", "exclusive", json!({"network": "none", "ports": [{"name": "web", "port": 1}]})),
        ("ports[1]", "duplicate", json!({"ports": [{"name": "web", "port": 1}, {"name": "web", "port": 2}]})),
        ("notify[0].on", "empty", json!({"notify": [{"on": [], "to": "hook"}]})),
        ("notify[0].on", "invalid-value", json!({"notify": [{"on": ["queued"], "to": "hook"}]})),
        ("notify[0].to", "invalid-name", json!({"notify": [{"on": ["failed"], "to": "http://x"}]})),
    ];
    for (path, code, fields) in cases {
        assert_eq!(
            refused(fields.clone()),
            [(path.to_owned(), code.to_owned())],
            "{}",
            &fields.to_string()[..fields.to_string().len().min(200)]
        );
    }
}

#[test]
fn the_field_of_a_schedule_that_cannot_be_read_is_named_with_its_bounds() {
    let said = |cron: &str| {
        let mut spec = JobSpec::new("job", "busybox");
        spec.schedule = serde_json::from_value(json!({"cron": cron})).unwrap();
        let errors = job_spec(&spec);
        assert_eq!(errors.len(), 1, "{cron}");
        errors[0].message.clone()
    };
    for (cron, words) in [
        ("61 * * * *", "`61` is no minute; write 0 to 59"),
        ("0 25 * * *", "`25` is no hour; write 0 to 23"),
        ("0 2 1-32 * *", "`1-32` is no day of the month; write 1 to 31"),
        ("0 2 * FOO *", "`FOO` is no month; write 1 to 12, or JAN to DEC"),
        ("0 2 * * 9", "`9` is no day of the week; write 0 to 7"),
        ("0 2 * *", "needs five fields (minute, hour, day of the month, month, day of the week), has 4"),
        ("", "needs five fields (minute, hour, day of the month, month, day of the week), has 0"),
        ("@daily", "write five fields of letters"),
    ] {
        let message = said(cron);
        assert!(message.starts_with(words), "{cron}: {message}");
    }
}
