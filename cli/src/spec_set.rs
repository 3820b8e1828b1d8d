//! `--set path=value`: any field of a job, by the path under which errors name it.
//!
//! The value is read as it would be in a job file: `8`, `true`, `[a, b]`, `{exp: a12}`; where a text is wanted, `8` is
//! one too. `null` takes a field away.

use lilac_api::spec::JobSpec;
use lilac_api::suggest::explain_unknown;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::text::{clean, shorten};

/// The longest path, and the deepest.
const MAX_STEPS: usize = 16;
/// How far behind its end a list may be written.
const MAX_LIST: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Place(usize),
}

/// The spec with these fields set, one after the other.
pub fn apply(spec: JobSpec, sets: &[(String, String)]) -> Result<JobSpec, Failure> {
    sets.iter().try_fold(spec, |spec, (path, text)| {
        set(&spec, path, text).map_err(|message| {
            Failure::input(format!("--set {}: {}", clean(&shorten(path, 100)), clean(&message)))
        })
    })
}

fn set(spec: &JobSpec, path: &str, text: &str) -> Result<JobSpec, String> {
    let steps = steps(path)?;
    let with = |value: Value| {
        let mut whole = serde_json::to_value(spec).map_err(|error| error.to_string())?;
        put(&mut whole, &steps, value)?;
        serde_json::from_value::<JobSpec>(whole).map_err(|error| explain_unknown(&error.to_string()))
    };
    let read = serde_saphyr::from_str::<Value>(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    let is_text = read.is_string();
    match with(read) {
        Err(message) if is_text => Err(message),
        Err(message) => with(Value::String(text.to_owned())).map_err(|_| message),
        done => done,
    }
}

/// `resources.gpus.count`, `command[2]`, `labels[a.b]`.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let wrong = || "write the path of a field, as in resources.gpus.count, env.LR or command[2]".to_owned();
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = inside.split_once(']').ok_or_else(wrong)?;
            steps.push(match step.parse() {
                Ok(place) => Step::Place(place),
                Err(_) => Step::Field(step.trim_matches('"').to_owned()),
            });
            rest = after.strip_prefix('.').unwrap_or(after);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (field, after) = rest.split_at(end);
            steps.push(Step::Field(field.to_owned()));
            rest = after.strip_prefix('.').unwrap_or(after);
        }
        if steps.len() > MAX_STEPS || steps.last() == Some(&Step::Field(String::new())) {
            return Err(wrong());
        }
    }
    if steps.is_empty() || path.ends_with('.') { Err(wrong()) } else { Ok(steps) }
}

fn put(target: &mut Value, steps: &[Step], value: Value) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return Ok(());
    };
    match step {
        Step::Field(field) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Value::Object(fields) = target else { return Ok(()) };
            if rest.is_empty() && value.is_null() {
                fields.remove(field);
                return Ok(());
            }
            put(fields.entry(field).or_insert(Value::Null), rest, value)
        }
        Step::Place(place) => {
            if !target.is_array() {
                *target = Value::Array(Vec::new());
            }
            let Value::Array(items) = target else { return Ok(()) };
            if *place > items.len() || *place >= MAX_LIST {
                return Err(format!("the list has {} items; the next is [{0}]", items.len()));
            }
            if *place == items.len() {
                items.push(Value::Null);
            }
            put(&mut items[*place], rest, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sets: &[(&str, &str)]) -> Result<JobSpec, String> {
        let sets: Vec<_> = sets.iter().map(|(path, value)| ((*path).into(), (*value).into())).collect();
        let mut spec = JobSpec::new("a", "b");
        spec.command = vec!["x".into(), "y".into()];
        apply(spec, &sets).map_err(|failure| failure.to_string())
    }

    #[test]
    fn any_field_is_set_by_its_path() {
        let spec = made(&[
            ("resources.gpus", "H100:8"),
            ("resources.gpus.count", "2"),
            ("resources.memory", "64Gi"),
            ("env.PORT", "8080"),
            ("env.RATE", "1e-4"),
            ("labels[a.b]", "c"),
            ("command[1]", "z"),
            ("command[2]", "3"),
            ("preemptible", "true"),
            ("placement.constraints", "[\"label.pool == a\"]"),
            ("retry", "{max_attempts: 3}"),
            ("max_runtime", "2h"),
            ("max_runtime", "null"),
        ])
        .unwrap();
        let gpus = spec.resources.gpus.unwrap();
        assert_eq!((gpus.count, gpus.model), (2, vec!["H100".to_owned()]));
        assert_eq!((spec.env["PORT"].as_str(), spec.env["RATE"].as_str()), ("8080", "1e-4"));
        assert_eq!((spec.labels["a.b"].as_str(), spec.command.join(" ")), ("c", "x z 3".to_owned()));
        assert!(spec.preemptible && spec.max_runtime.is_none());
        assert_eq!((spec.retry.max_attempts, spec.placement.constraints.len()), (3, 1));
    }

    #[test]
    fn what_cannot_be_set_names_its_path() {
        for (path, value, told) in [
            ("resources.gpu", "8", "--set resources.gpu: unknown field `gpu`; did you mean `gpus`?"),
            ("resources.cpus", "many", "--set resources.cpus:"),
            ("priority", "high", "--set priority:"),
            ("command[9]", "x", "the list has 2 items"),
            ("", "x", "write the path"),
            ("a..b", "x", "write the path"),
            ("env.", "x", "write the path"),
            ("command[1", "x", "write the path"),
        ] {
            let error = made(&[(path, value)]).unwrap_err();
            assert!(error.contains(told), "{path}: {error}");
        }
    }
}
