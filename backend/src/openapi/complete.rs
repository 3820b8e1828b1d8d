//! What is true of every route and every schema is said here once, and not at each of them: which answers any
//! request may get, that errors are `application/problem+json`, how far integers go, and what fields mean that
//! mean the same everywhere.

use serde_json::{Map, Value, json};

const METHODS: [&str; 7] = ["get", "put", "post", "patch", "delete", "head", "options"];

/// Fields that mean the same wherever they stand.
const FIELDS: &[(&str, &str)] = &[
    ("actor", "Who caused it: `user:NAME`, `node:NAME`, `scheduler` or `reaper`."),
    ("agent_version", "Version of the agent."),
    ("at", "When it happened."),
    ("attempt_id", "Id of the attempt."),
    ("cluster_id", "Id of the cluster."),
    ("cpu_milli", "CPU time, in thousandths of a CPU."),
    ("created_at", "When it was made."),
    ("description", "A sentence or two for people."),
    ("disabled", "Whether the user is kept from logging in."),
    ("disk_bytes", "Disk space."),
    ("epoch", "Number of the attempt; each new one is larger."),
    ("exit_code", "Exit code of the container's process."),
    ("expires_at", "When it ends; absent for never."),
    ("finished_at", "When it ended."),
    ("gpus", "GPUs: how many, or which."),
    ("granted_at", "When the attempt was given to its nodes."),
    ("id", "Its id."),
    ("image", "Image of the container."),
    ("items", "This page's items."),
    ("job_id", "Id of the job."),
    ("labels", "Labels: short texts by name."),
    ("last_seen_at", "When it was last heard of, to within a few seconds."),
    ("last_used_at", "When it was last used, to within a minute; absent for never."),
    ("max_failures", "How many of its jobs may fail before the rest is ended."),
    ("max_parallel", "How many of its jobs run at once at most."),
    ("memory_bytes", "Memory."),
    ("message", "A sentence for people."),
    ("name", "Its name."),
    ("node_id", "Id of the node."),
    ("paused", "Whether nothing is started from it."),
    ("priority", "Higher goes first: 0 to 100."),
    ("protocol", "Version of the protocol between agent and server."),
    ("queue", "Name of the queue."),
    ("rank", "Which of the attempt's tasks, from 0."),
    ("read_only", "Whether it may only be read."),
    ("registered_at", "When the node joined."),
    ("revoked_at", "When it was revoked; absent if it was not."),
    ("signal", "Signal that ended the container's process."),
    ("started_at", "When the user's code began to run."),
    ("team", "Name of the team."),
    ("updated_at", "When it was last changed."),
    ("user", "Who it is."),
    ("username", "Name to log in with."),
];

/// Completes the document in place.
pub fn complete(document: &mut Value) {
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if METHODS.contains(&method.as_str()) {
                    complete_operation(path, operation);
                }
            }
        }
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let described: Vec<String> = schemas
            .iter()
            .filter(|(_, schema)| schema.get("description").is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for schema in schemas.values_mut() {
            complete_schema(schema, &described);
        }
    }
}

fn complete_operation(path: &str, operation: &mut Value) {
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        bound(&mut parameter["schema"]);
        if parameter.get("description").is_none() && parameter["in"] == "path" {
            parameter["description"] = json!(of_path(path, parameter["name"].as_str().unwrap_or_default()));
        }
    }
    let has_body = operation.get("requestBody").is_some();
    let has_query =
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|one| one["in"] == "query"));
    // Indexing made what was missing.
    if operation["parameters"].is_null()
        && let Some(operation) = operation.as_object_mut()
    {
        operation.remove("parameters");
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    let mut common = vec![
        ("429", "Too many requests; see `Retry-After`"),
        ("503", "The database is away, or the server is overloaded; see `Retry-After`"),
    ];
    if has_body {
        common.push(("408", "The body did not arrive in time"));
    }
    if has_body || has_query {
        common.push(("400", "The request cannot be read"));
    }
    for (status, description) in common {
        responses.entry(status).or_insert_with(|| problem(description));
    }
    for (status, response) in responses {
        complete_response(status, response);
    }
}

/// The parameter `{id}` of `/jobs/{id}/…` is the id of the job.
fn of_path(path: &str, name: &str) -> String {
    let before = path.split(&format!("/{{{name}}}")).next().unwrap_or_default();
    let noun = before.rsplit('/').next().unwrap_or_default().trim_end_matches('s').replace(['-', '_'], " ");
    let noun = if noun == "registrie" { "registry login".to_owned() } else { noun };
    match name {
        "id" | "key_id" | "user_id" => format!("Id of the {noun}."),
        other => format!("The {} of the {noun}.", other.replace('_', " ")),
    }
}

fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn complete_response(status: &str, response: &mut Value) {
    if ["429", "503"].contains(&status) {
        response["headers"]["Retry-After"] = json!({
            "description": "Seconds to wait before the next try.",
            "schema": { "type": "integer", "minimum": 1, "maximum": 86_400 },
        });
    }
    let Some(content) = response["content"].as_object_mut() else {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
        return;
    };
    let is_problem = |media: &Value| media["schema"]["$ref"] == "#/components/schemas/Problem";
    if content.get("application/json").is_some_and(is_problem)
        && let Some(media) = content.remove("application/json")
    {
        content.insert("application/problem+json".to_owned(), media);
    }
}

/// Completes a schema and all that lies in it.
fn complete_schema(schema: &mut Value, described: &[String]) {
    bound(schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            if !is_described(property, described)
                && let Some((_, description)) = FIELDS.iter().find(|(field, _)| field == name)
                && let Some(property) = property.as_object_mut()
            {
                property.insert("description".to_owned(), json!(description));
            }
            complete_schema(property, described);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner) {
            complete_schema(inner, described);
        }
    }
    for several in ["oneOf", "allOf", "anyOf"] {
        for inner in schema.get_mut(several).and_then(Value::as_array_mut).into_iter().flatten() {
            complete_schema(inner, described);
        }
    }
}

/// Whether a field says what it is, itself or by its type.
pub fn is_described(property: &Value, described: &[String]) -> bool {
    let by_type = |of: &Value| {
        let name = of["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.is_some_and(|name| described.iter().any(|one| one == name))
    };
    let several = property["oneOf"].as_array().or(property["allOf"].as_array());
    let by_one =
        several.is_some_and(|all| all.iter().any(|one| one.get("description").is_some() || by_type(one)));
    property.get("description").is_some() || by_type(property) || by_one
}

/// An integer's format says how far it goes; generators and checkers look at its bounds.
fn bound(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let is_integer = |kind: &Value| {
        kind == "integer" || kind.as_array().is_some_and(|all| all.contains(&json!("integer")))
    };
    if !schema.get("type").is_some_and(is_integer) {
        return;
    }
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    or_insert(schema, "minimum", least);
    or_insert(schema, "maximum", most);
}

fn or_insert(schema: &mut Map<String, Value>, name: &str, bound: i64) {
    schema.entry(name).or_insert_with(|| json!(bound));
}
