//! Arrays, dependencies, schedules.

use std::collections::BTreeSet;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

use super::container::variable;
use super::{at_most, in_bounds, no_nul};
use crate::ids::JobId;
use crate::problem::FieldError;
use crate::spec::{Array, JobSpec, Schedule};

/// The most jobs that one array makes.
pub const MAX_ARRAY_SIZE: u32 = 100_000;
/// The most jobs that one job may wait for.
const MAX_NEEDS: usize = 100;

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if let Some(array) = &spec.array {
        self::array(array, spec, errors);
    }
    needs(spec, errors);
    if let Some(schedule) = &spec.schedule {
        self::schedule(schedule, errors);
    }
}

fn array(array: &Array, spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if array.count.is_some() != array.matrix.is_empty() {
        let message = "needs either `count` or `matrix`";
        errors.push(FieldError::new("array", "exclusive", message));
        return;
    }
    if at_most("array.matrix", array.matrix.len(), 16, errors) {
        matrix(array, spec, errors);
    }
    let path = if array.count.is_some() { "array.count" } else { "array.matrix" };
    match array.size() {
        Some(size) => in_bounds(path, size.into(), 1, MAX_ARRAY_SIZE.into(), errors),
        None => {
            let message = format!("makes more than {MAX_ARRAY_SIZE} jobs");
            errors.push(FieldError::new(path, "out-of-bounds", message));
        }
    }
    for (path, limit, least) in
        [("array.max_parallel", array.max_parallel, 1), ("array.max_failures", array.max_failures, 0)]
    {
        if let Some(limit) = limit {
            in_bounds(path, limit.into(), least, MAX_ARRAY_SIZE.into(), errors);
        }
    }
}

fn matrix(array: &Array, spec: &JobSpec, errors: &mut Vec<FieldError>) {
    for (name, values) in &array.matrix {
        let path = format!("array.matrix.{name}");
        variable(&path, name, errors);
        if spec.env.contains_key(name) {
            errors.push(FieldError::new(&path, "exclusive", "stands in `env`, too"));
        }
        for (index, value) in values.iter().enumerate() {
            let path = format!("{path}[{index}]");
            no_nul(&path, value, errors);
            if value.len() > 4096 {
                errors.push(FieldError::new(path, "too-long", "a value has at most 4096 bytes"));
            }
        }
    }
}

fn needs(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    if !at_most("needs", spec.needs.len(), MAX_NEEDS, errors) {
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, need) in spec.needs.iter().enumerate() {
        let path = format!("needs[{index}].job");
        let name = need.job.strip_prefix('$').unwrap_or(&need.job);
        if need.job.parse::<JobId>().is_err() {
            super::name(&path, name, 128, errors);
        }
        if !seen.insert(&need.job) {
            errors.push(FieldError::new(path, "duplicate", "a job stands once"));
        }
    }
}

/// Reads the five fields of a schedule.
pub fn cron(text: &str) -> Result<Cron, CronError> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(text)
}

fn schedule(schedule: &Schedule, errors: &mut Vec<FieldError>) {
    let legal = |c: char| c.is_ascii_alphanumeric() || " *,-/#?".contains(c);
    if schedule.cron.len() > 256 || !schedule.cron.chars().all(legal) {
        let message = "write five fields, as in `0 2 * * *`";
        errors.push(FieldError::new("schedule.cron", "invalid-cron", message));
    } else if let Err(error) = cron(&schedule.cron) {
        let message = format!("{error}; write five fields, as in `0 2 * * *`");
        errors.push(FieldError::new("schedule.cron", "invalid-cron", message));
    }
    if schedule.timezone.parse::<chrono_tz::Tz>().is_err() {
        let message = "no name of the time zone database; write UTC or Europe/Berlin";
        errors.push(FieldError::new("schedule.timezone", "invalid-timezone", message));
    }
}
