//! Times, the way to stop, and what follows a failure.

use std::time::Duration;

use super::{DAY, MAX_SPAN, in_bounds, span};
use crate::problem::FieldError;
use crate::spec::{JobSpec, RetryAction};

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    times(spec, errors);
    warn(spec, errors);
    retry(spec, errors);
}

fn times(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if let Some(max_runtime) = spec.max_runtime {
        span("max_runtime", max_runtime, Duration::from_secs(1), MAX_SPAN, errors);
    }
    if let Some(max_disconnect) = spec.max_disconnect {
        span("max_disconnect", max_disconnect, Duration::from_secs(10), DAY, errors);
    }
    if let Some(max_queue_time) = spec.max_queue_time {
        span("max_queue_time", max_queue_time, Duration::from_secs(1), MAX_SPAN, errors);
    }
    if let Some(hold) = spec.hold_on_failure {
        span("hold_on_failure", hold, Duration::from_secs(1), DAY, errors);
    }
    span("stop.grace", spec.stop.grace, Duration::ZERO, DAY, errors);
}

fn warn(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    let Some(warn) = spec.stop.warn else { return };
    match spec.max_runtime {
        None => {
            let message = "warns of the end that `max_runtime` sets, and there is none";
            errors.push(FieldError::new("stop.warn", "exclusive", message));
        }
        Some(max_runtime) if warn.before >= max_runtime || warn.before.0.is_zero() => {
            let message = format!("must be above 0s and shorter than max_runtime, {max_runtime}");
            errors.push(FieldError::new("stop.warn.before", "out-of-bounds", message));
        }
        Some(_) => {}
    }
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
            errors.push(FieldError::new(&path, "empty", "a rule needs `on` or `exit_codes`"));
        } else if rule.on.len() + rule.exit_codes.len() > 64 {
            errors.push(FieldError::new(&path, "too-many", "a rule has at most 64 matches"));
        }
        if let Some(factor) = rule.memory_factor {
            let path = format!("{path}.memory_factor");
            if !(1000..=10_000).contains(&factor.thousandths) {
                let message = format!("must be 1 to 10, is {factor}");
                errors.push(FieldError::new(path, "out-of-bounds", message));
            } else if rule.action != RetryAction::Retry {
                errors.push(FieldError::new(path, "exclusive", "goes with the action `retry` only"));
            }
        }
    }
}
