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

/// The fields of a schedule, and what may stand in each.
const CRON_FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, or L for the last"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7, of which both are Sunday, or SUN to SAT"),
];

/// Reads the five fields of a schedule.
pub fn cron(text: &str) -> Result<Cron, CronError> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(text)
}

/// Says in plain words which of the fields cannot be read, and what may stand there.
fn cron_fault(text: &str) -> String {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != CRON_FIELDS.len() {
        let names = CRON_FIELDS.map(|(name, _)| name).join(", ");
        return format!("needs five fields ({names}), has {}; write them as in `0 2 * * *`", fields.len());
    }
    for (index, (field, (name, legal))) in fields.iter().zip(CRON_FIELDS).enumerate() {
        let mut alone = ["*"; CRON_FIELDS.len()];
        alone[index] = field;
        if cron(&alone.join(" ")).is_err() {
            return format!("`{field}` is no {name}; write {legal}, or `*` for each, `*/5`, `1-3`, `1,3`");
        }
    }
    "its fields do not go together; write them as in `0 2 * * *`".into()
}

fn schedule(schedule: &Schedule, errors: &mut Vec<FieldError>) {
    let legal = |c: char| c.is_ascii_alphanumeric() || " *,-/#?".contains(c);
    let cron_text = &schedule.cron;
    let is_legible = cron_text.len() <= 256 && cron_text.chars().all(legal);
    if !is_legible {
        let message = "write five fields of letters, digits and `* , - / # ?`, as in `0 2 * * *`";
        errors.push(FieldError::new("schedule.cron", "invalid-cron", message));
    } else if cron(cron_text).is_err() {
        errors.push(FieldError::new("schedule.cron", "invalid-cron", cron_fault(cron_text)));
    }
    if schedule.timezone.parse::<chrono_tz::Tz>().is_err() {
        let message = "no name of the time zone database; write UTC or Europe/Berlin";
        errors.push(FieldError::new("schedule.timezone", "invalid-timezone", message));
    }
}
