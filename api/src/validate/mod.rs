//! What a job spec must hold to be accepted. The same check runs in the CLI before a request is sent
//! and in the control plane before anything is stored.

mod container;
mod ending;
mod many;
mod resources;
mod runtime;
mod supplies;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use many::{MAX_ARRAY_SIZE, cron};

use crate::problem::FieldError;
use crate::quantity::Span;
use crate::spec::JobSpec;

const MAX_LABELS: usize = 64;
/// Longest time that any span in a spec may have.
const MAX_SPAN: Duration = Duration::from_secs(400 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);

/// All that is wrong with `spec`; empty when nothing is.
#[must_use]
pub fn job_spec(spec: &JobSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    name("name", &spec.name, 128, &mut errors);
    name("queue", &spec.queue, 63, &mut errors);
    if let Some(team) = &spec.team {
        name("team", team, 63, &mut errors);
    }
    in_bounds("priority", u64::from(spec.priority), 0, 100, &mut errors);
    labels(spec, &mut errors);
    container::check(spec, &mut errors);
    supplies::check(spec, &mut errors);
    runtime::check(spec, &mut errors);
    resources::check(spec, &mut errors);
    ending::check(spec, &mut errors);
    many::check(spec, &mut errors);
    errors
}

/// Checks that a list is not longer than it may be. Says whether it is worth looking at.
fn at_most(path: &str, count: usize, max: usize, errors: &mut Vec<FieldError>) -> bool {
    if count > max {
        errors.push(FieldError::new(path, "too-many", format!("at most {max}, there are {count}")));
    }
    count <= max
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
