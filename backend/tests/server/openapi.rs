//! The OpenAPI document says everything, so that a program can be written, or generated, from it alone.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use lilac_server::openapi::complete::is_described;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&lilac_server::openapi::document()).unwrap()
}

/// All routes: method, path, operation.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "patch", "delete", "head", "options"] {
            if let Some(operation) = item.get(method) {
                all.push((format!("{} {path}", method.to_uppercase()), operation));
            }
        }
    }
    all
}

#[test]
fn every_route_says_what_it_does_takes_and_answers() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > 40);
    let mut wrong = Vec::new();
    for (route, operation) in operations {
        let mut complain = |what: String| wrong.push(format!("{route}: {what}"));
        if operation["summary"].as_str().is_none_or(|summary| summary.len() < 8) {
            complain("no summary".to_owned());
        }
        if operation["tags"].as_array().is_none_or(Vec::is_empty) {
            complain("no tag".to_owned());
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["description"].as_str().is_none_or(str::is_empty) {
                complain(format!("parameter {} is not described", parameter["name"]));
            }
        }
        let responses = operation["responses"].as_object().unwrap();
        // 101 is how a WebSocket goes well.
        if !responses
            .keys()
            .any(|status| status == "101" || status.starts_with('2') || status.starts_with('3'))
        {
            complain("no answer to what goes well".to_owned());
        }
        for (status, response) in responses {
            if response["description"].as_str().is_none_or(str::is_empty) {
                complain(format!("{status} is not described"));
            }
            let media: Vec<_> =
                response["content"].as_object().into_iter().flat_map(|all| all.keys()).collect();
            // It tells where the log goes on, for the agent to send on from there.
            let is_offset = route == "PUT /api/v1/agent/attempts/{id}/logs" && status == "409";
            if status.as_str() >= "400" && !is_offset && media != ["application/problem+json"] {
                complain(format!("{status} is {media:?} and no problem"));
            }
        }
        if operation.get("security").is_some()
            && !(responses.contains_key("401") && responses.contains_key("403"))
        {
            complain("needs a credential, and does not say what becomes of others".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{} gaps:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_schema_and_field_is_described_and_every_integer_bounded() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let described: Vec<String> = schemas
        .iter()
        .filter(|(_, schema)| schema.get("description").is_some())
        .map(|(name, _)| name.clone())
        .collect();
    let mut wrong = Vec::new();
    for (name, schema) in schemas {
        look(name, schema, &described, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} gaps:\n{}", wrong.len(), wrong.join("\n"));
}

fn look(path: &str, schema: &Value, described: &[String], wrong: &mut Vec<String>) {
    if !schema.is_object() {
        return;
    }
    let is_integer = schema["type"] == "integer"
        || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "integer"));
    if is_integer && (schema.get("minimum").is_none() || schema.get("maximum").is_none()) {
        wrong.push(format!("{path} has no bounds"));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if !is_described(property, described) {
            wrong.push(format!("{path} is not described"));
        }
        look(&path, property, described, wrong);
    }
    for inner in ["items", "additionalProperties"] {
        look(path, &schema[inner], described, wrong);
    }
    for several in ["oneOf", "allOf", "anyOf"] {
        for inner in schema[several].as_array().into_iter().flatten() {
            look(path, inner, described, wrong);
        }
    }
}

#[test]
fn ids_of_operations_are_unique() {
    let document = document();
    let mut seen = std::collections::BTreeSet::new();
    for (route, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route} has no operationId"));
        assert!(seen.insert(id.to_owned()), "{route}: {id} is taken");
    }
}
