//! What a job spec must hold to be accepted. The same check runs in the CLI before a request is sent
//! and in the control plane before anything is stored.

use std::time::Duration;

use crate::problem::FieldError;
use crate::quantity::Span;
use crate::spec::JobSpec;

/// The most bytes that environment and arguments may have together.
const MAX_ENV_AND_ARGS_BYTES: usize = 1 << 20;
/// The kernel refuses a single argument or variable of 128 KiB or more.
const MAX_ONE_STRING_BYTES: usize = 128 << 10;
const MAX_LABELS: usize = 64;
const MAX_CPU_MILLI: u32 = 100_000_000;
const MIN_MEMORY_BYTES: u64 = 8 << 20;
/// Longest time that any span in a spec may have.
const MAX_SPAN: Duration = Duration::from_secs(400 * 86_400);
/// The most volumes that one job may mount.
const MAX_VOLUMES: usize = 32;
/// The most secrets that one job may name.
const MAX_SECRETS: usize = 256;
/// Folders of the container that are the kernel's or Docker's own.
const OWN_FOLDERS: [&str; 3] = ["/proc", "/sys", "/dev"];
const DAY: Duration = Duration::from_secs(86_400);

/// All that is wrong with `spec`; empty when nothing is.
#[must_use]
pub fn job_spec(spec: &JobSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    name("name", &spec.name, 128, &mut errors);
    name("queue", &spec.queue, 63, &mut errors);
    in_bounds("priority", u64::from(spec.priority), 0, 100, &mut errors);
    labels(spec, &mut errors);
    image(&spec.image, &mut errors);
    invocation(spec, &mut errors);
    environment(spec, &mut errors);
    secrets(spec, &mut errors);
    volumes(spec, &mut errors);
    resources(spec, &mut errors);
    times(spec, &mut errors);
    retry(spec, &mut errors);
    errors
}

/// Checks a name: 1 to `max` characters of letters, digits, `.`, `_`, `-`, the first a letter or digit.
pub fn name(path: &str, value: &str, max: usize, errors: &mut Vec<FieldError>) {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let problem = if value.is_empty() {
        "must not be empty".to_owned()
    } else if value.chars().count() > max {
        format!("must have at most {max} characters")
    } else if !value.chars().all(legal) {
        "may hold letters, digits, `.`, `_` and `-` only".to_owned()
    } else if !value.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "must begin with a letter or digit".to_owned()
    } else {
        return;
    };
    errors.push(FieldError::new(path, "invalid-name", problem));
}

/// Checks that a number lies between two others.
pub fn in_bounds(path: &str, value: u64, min: u64, max: u64, errors: &mut Vec<FieldError>) {
    if value < min || value > max {
        errors.push(FieldError::new(path, "out-of-bounds", format!("must be {min} to {max}, is {value}")));
    }
}

/// Checks that a span of time lies between two others.
pub fn span(path: &str, value: Span, min: Duration, max: Duration, errors: &mut Vec<FieldError>) {
    if value.0 < min || value.0 > max {
        let message = format!("must be {} to {}, is {value}", Span(min), Span(max));
        errors.push(FieldError::new(path, "out-of-bounds", message));
    }
}

/// Checks that a text holds no NUL, which neither PostgreSQL nor the kernel can carry.
pub fn no_nul(path: &str, value: &str, errors: &mut Vec<FieldError>) {
    if value.contains('\0') {
        errors.push(FieldError::new(path, "nul", "must not contain a NUL character"));
    }
}

fn labels(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.labels.len() > MAX_LABELS {
        let message = format!("at most {MAX_LABELS} labels, there are {}", spec.labels.len());
        errors.push(FieldError::new("labels", "too-many", message));
        return;
    }
    for (key, value) in &spec.labels {
        let path = format!("labels.{key}");
        name(&path, key, 63, errors);
        no_nul(&path, value, errors);
        if value.chars().count() > 255 {
            errors.push(FieldError::new(path, "too-long", "a label's value has at most 255 characters"));
        }
    }
}

fn image(image: &str, errors: &mut Vec<FieldError>) {
    let problem = if image.is_empty() {
        "must not be empty"
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

/// Checks the name of a variable of the environment.
fn variable(path: &str, key: &str, errors: &mut Vec<FieldError>) {
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

fn secrets(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.secrets.len() > MAX_SECRETS {
        let message = format!("at most {MAX_SECRETS} secrets, there are {}", spec.secrets.len());
        errors.push(FieldError::new("secrets", "too-many", message));
        return;
    }
    for (key, secret) in &spec.secrets {
        let path = format!("secrets.{key}");
        variable(&path, key, errors);
        name(&path, secret, 63, errors);
        if spec.env.contains_key(key) {
            errors.push(FieldError::new(&path, "exclusive", "the same variable stands in `env`"));
        }
    }
    if let Some(registry) = &spec.pull.secret {
        name("pull.secret", registry, 63, errors);
    }
}

fn volumes(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if spec.volumes.len() > MAX_VOLUMES {
        let message = format!("at most {MAX_VOLUMES} volumes, there are {}", spec.volumes.len());
        errors.push(FieldError::new("volumes", "too-many", message));
        return;
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        name(&format!("volumes[{index}].name"), &volume.name, 63, errors);
        let path = format!("volumes[{index}].target");
        let own = |folder: &str| volume.target == folder || volume.target.starts_with(&format!("{folder}/"));
        if let Err(problem) = absolute(&volume.target) {
            errors.push(FieldError::new(path, "invalid-path", problem));
        } else if OWN_FOLDERS.into_iter().any(own) {
            errors.push(FieldError::new(path, "reserved", "this folder is the container's own"));
        } else if spec.volumes[..index].iter().any(|other| other.target == volume.target) {
            errors.push(FieldError::new(path, "duplicate", "another volume is mounted there"));
        }
    }
}

/// Says what is wrong with a path that must be absolute and written in just one way: it is neither `/`
/// nor has `.`, `..`, empty parts or characters that make it another path to another reader.
pub fn absolute(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must be an absolute path");
    }
    if path.len() > 4096 || path.chars().any(|c| c.is_control() || c == ':' || c == '\\') {
        return Err("must have at most 4096 bytes, without control characters, `:` and `\\`");
    }
    let mut parts = path[1..].split('/');
    if parts.any(|part| matches!(part, "" | "." | "..") || part.len() > 255) {
        return Err("must be written out: no `.`, `..` or empty parts, and not `/` itself");
    }
    Ok(())
}

fn resources(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    let resources = &spec.resources;
    if !(1..=MAX_CPU_MILLI).contains(&resources.cpus.milli) {
        let most = MAX_CPU_MILLI / 1000;
        let message = format!("must be 1m to {most} CPUs, is {}", resources.cpus);
        errors.push(FieldError::new("resources.cpus", "out-of-bounds", message));
    }
    let memory_max = 1 << 60;
    if resources.memory.0 < MIN_MEMORY_BYTES || resources.memory.0 > memory_max {
        let message = format!("must be 8Mi to 1024Pi, is {} bytes", resources.memory.0);
        errors.push(FieldError::new("resources.memory", "out-of-bounds", message));
    }
    if let Some(disk) = resources.disk {
        in_bounds("resources.disk", disk.0, 1, 1 << 60, errors);
    }
    if let Some(shm) = spec.shm_size {
        in_bounds("shm_size", shm.0, 4096, resources.memory.0.max(4096), errors);
    }
    if let Some(gpus) = &resources.gpus {
        in_bounds("resources.gpus.count", u64::from(gpus.count), 1, 1024, errors);
        in_bounds("resources.gpus.model", gpus.model.len() as u64, 0, 16, errors);
        for (index, model) in gpus.model.iter().enumerate() {
            let path = format!("resources.gpus.model[{index}]");
            no_nul(&path, model, errors);
            if model.trim().is_empty() || model.len() > 64 {
                errors.push(FieldError::new(path, "invalid-model", "write a word of the model's name: H100"));
            }
        }
        if let Some(memory) = gpus.memory {
            in_bounds("resources.gpus.memory", memory.0, 1, 1 << 50, errors);
        }
    }
}

fn times(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if let Some(max_runtime) = spec.max_runtime {
        span("max_runtime", max_runtime, Duration::from_secs(1), MAX_SPAN, errors);
    }
    if let Some(max_disconnect) = spec.max_disconnect {
        span("max_disconnect", max_disconnect, Duration::from_secs(10), DAY, errors);
    }
    span("stop.grace", spec.stop.grace, Duration::ZERO, DAY, errors);
}

fn retry(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    let retry = &spec.retry;
    in_bounds("retry.max_attempts", u64::from(retry.max_attempts), 1, 100, errors);
    in_bounds("retry.backoff.factor", u64::from(retry.backoff.factor), 1, 10, errors);
    span("retry.backoff.initial", retry.backoff.initial, Duration::ZERO, DAY, errors);
    span("retry.backoff.max", retry.backoff.max, Duration::ZERO, DAY, errors);
    in_bounds("retry.rules", retry.rules.len() as u64, 0, 32, errors);
    for (index, rule) in retry.rules.iter().enumerate() {
        let path = format!("retry.rules[{index}]");
        if rule.on.is_empty() && rule.exit_codes.is_empty() {
            errors.push(FieldError::new(path, "empty", "a rule needs `on` or `exit_codes`"));
        } else if rule.on.len() + rule.exit_codes.len() > 64 {
            errors.push(FieldError::new(path, "too-many", "a rule has at most 64 matches"));
        }
    }
}

#[cfg(test)]
mod tests {
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
}
