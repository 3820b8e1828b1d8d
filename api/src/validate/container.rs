//! The container: image, program, environment, ports, outputs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{MAX_SPAN, absolute, at_most, name, no_nul, span};
use crate::job::JobState;
use crate::output::MAX_OUTPUTS;
use crate::problem::FieldError;
use crate::spec::{JobSpec, Network, Runtime};

/// The most bytes that environment and arguments may have together.
const MAX_ENV_AND_ARGS_BYTES: usize = 1 << 20;
/// The kernel refuses a single argument or variable of 128 KiB or more.
const MAX_ONE_STRING_BYTES: usize = 128 << 10;

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.runtime == Runtime::Docker {
        image(&spec.image, errors);
    }
    invocation(spec, errors);
    surroundings(spec, errors);
    environment(spec, errors);
    ports(spec, errors);
    outputs(spec, errors);
    notify(spec, errors);
}

fn image(image: &str, errors: &mut Vec<FieldError>) {
    let problem = if image.is_empty() {
        "must be given, unless `runtime` is `process`"
    } else if image.len() > 512 {
        "must have at most 512 characters"
    } else if image.chars().any(|c| c.is_whitespace() || c.is_control()) {
        "must not contain white space or control characters"
    } else if image.starts_with('-') {
        "must not begin with `-`"
    } else {
        return;
    };
    errors.push(FieldError::new("image", "invalid-image", problem));
}

fn invocation(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if let Some(script) = &spec.run {
        if !spec.command.is_empty() || !spec.entrypoint.is_empty() {
            errors.push(FieldError::new("run", "exclusive", "`run` excludes `command` and `entrypoint`"));
        }
        if script.trim().is_empty() {
            errors.push(FieldError::new("run", "empty", "the script is empty"));
        }
        one_string("run", script, errors);
    }
    for (field, words) in [("command", &spec.command), ("entrypoint", &spec.entrypoint)] {
        for (index, word) in words.iter().enumerate() {
            one_string(&format!("{field}[{index}]"), word, errors);
        }
        if words.first().is_some_and(String::is_empty) {
            errors.push(FieldError::new(format!("{field}[0]"), "empty", "the program has no name"));
        }
    }
}

fn surroundings(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if let Some(workdir) = &spec.workdir {
        no_nul("workdir", workdir, errors);
        if !workdir.starts_with('/') || workdir.len() > 4096 {
            let message = "must be an absolute path of at most 4096 bytes";
            errors.push(FieldError::new("workdir", "invalid-path", message));
        }
    }
    if let Some(user) = &spec.user {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
        if user.is_empty() || user.len() > 64 || !user.chars().all(legal) {
            errors.push(FieldError::new("user", "invalid-user", "write uid, uid:gid or a user name"));
        }
    }
}

fn one_string(path: &str, value: &str, errors: &mut Vec<FieldError>) {
    no_nul(path, value, errors);
    if value.len() >= MAX_ONE_STRING_BYTES {
        errors.push(FieldError::new(path, "too-long", "must stay under 128 KiB"));
    }
}

/// Checks the name of a variable of the environment.
pub(super) fn variable(path: &str, key: &str, errors: &mut Vec<FieldError>) {
    let first_is_legal = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !first_is_legal || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message = "a variable's name holds letters, digits and `_`, and begins with no digit";
        errors.push(FieldError::new(path, "invalid-name", message));
    } else if key.starts_with("LILAC_") {
        errors.push(FieldError::new(path, "reserved", "names that begin with LILAC_ are Lilac's own"));
    } else if key.len() > 255 {
        errors.push(FieldError::new(path, "too-long", "a variable's name has at most 255 characters"));
    }
}

fn environment(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    let mut total: usize = spec.command.iter().chain(&spec.entrypoint).map(String::len).sum();
    total += spec.run.as_ref().map_or(0, String::len);
    for (key, value) in &spec.env {
        let path = format!("env.{key}");
        variable(&path, key, errors);
        no_nul(&path, value, errors);
        if key.len() + 1 + value.len() >= MAX_ONE_STRING_BYTES {
            errors.push(FieldError::new(&path, "too-long", "name and value must stay under 128 KiB"));
        }
        total += key.len() + value.len();
    }
    if total > MAX_ENV_AND_ARGS_BYTES {
        errors.push(FieldError::new("env", "too-long", "environment and arguments exceed 1 MiB together"));
    }
}

fn ports(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if !at_most("ports", spec.ports.len(), 16, errors) {
        return;
    }
    if !spec.ports.is_empty() && spec.network == Network::None {
        errors.push(FieldError::new("ports", "exclusive", "a container without a network has no ports"));
    }
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in spec.ports.iter().enumerate() {
        let path = format!("ports[{index}]");
        name(&format!("{path}.name"), &port.name, 63, errors);
        if port.port == 0 {
            errors.push(FieldError::new(format!("{path}.port"), "out-of-bounds", "must be 1 to 65535, is 0"));
        }
        if !names.insert(&port.name) || !numbers.insert(port.port) {
            errors.push(FieldError::new(path, "duplicate", "name and number of a port stand once"));
        }
    }
}

fn outputs(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if !at_most("outputs", spec.outputs.len(), MAX_OUTPUTS, errors) {
        return;
    }
    let mut paths = BTreeSet::new();
    for (index, output) in spec.outputs.iter().enumerate() {
        let path = format!("outputs[{index}].path");
        if let Err(problem) = absolute(&output.path) {
            errors.push(FieldError::new(&path, "invalid-path", problem));
        } else if !paths.insert(&output.path) {
            errors.push(FieldError::new(&path, "duplicate", "a path stands once"));
        }
        if let Some(keep) = output.keep {
            let path = format!("outputs[{index}].keep");
            span(&path, keep, Duration::from_secs(3600), MAX_SPAN, errors);
        }
    }
}

fn notify(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if !at_most("notify", spec.notify.len(), 16, errors) {
        return;
    }
    for (index, notify) in spec.notify.iter().enumerate() {
        let path = format!("notify[{index}].on");
        name(&format!("notify[{index}].to"), &notify.to, 63, errors);
        if notify.on.is_empty() {
            errors.push(FieldError::new(&path, "empty", "name at least one state"));
        }
        if notify.on.iter().any(|state| matches!(state, JobState::Queued | JobState::Starting)) {
            let message = "tells of running, held, succeeded, failed and cancelled only";
            errors.push(FieldError::new(&path, "invalid-value", message));
        }
        if notify.on.iter().collect::<BTreeSet<_>>().len() < notify.on.len() {
            errors.push(FieldError::new(&path, "duplicate", "a state stands once"));
        }
    }
}
