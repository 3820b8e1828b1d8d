//! Jobs in number: arrays, what waits for what, and what is repeated by the clock.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// One submit that makes many jobs, which differ in `LILAC_ARRAY_INDEX` and in the values of a matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Array {
    /// How many jobs, 1 to 100000. Not together with `matrix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Variables with their values: one job for each combination, the last variable changing fastest (they
    /// are taken in the order of their names). Each is in the environment under its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matrix: BTreeMap<String, Vec<String>>,
    /// At most this many of them are started at a time; all that fit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
    /// Once more than this many have failed, those that wait are cancelled; never by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
}

impl Array {
    /// How many jobs it makes; `None` beyond what can be counted.
    #[must_use]
    pub fn size(&self) -> Option<u32> {
        if let Some(count) = self.count {
            return Some(count);
        }
        self.matrix
            .values()
            .try_fold(1_u32, |size, values| size.checked_mul(u32::try_from(values.len()).ok()?))
    }

    /// The matrix's values for the job with this index.
    #[must_use]
    pub fn values(&self, index: u32) -> BTreeMap<&str, &str> {
        let mut rest = index as usize;
        let mut values = BTreeMap::new();
        for (name, choices) in self.matrix.iter().rev() {
            let Some(value) = choices.get(rest % choices.len().max(1)) else { break };
            rest /= choices.len();
            values.insert(name.as_str(), value.as_str());
        }
        values
    }
}

/// A job that must have ended before this one starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Id of the job, or the name of one: then the caller's newest of that name. In a batch, `$name` is the
    /// job of that name in the same batch.
    pub job: String,
    #[serde(default)]
    pub on: NeedOn,
}

/// How the other job must have ended.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum NeedOn {
    #[default]
    Succeeded,
    Failed,
    /// In any way, cancelled included.
    Finished,
}

impl NeedOn {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// When the job is submitted anew, by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields, as in cron: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// A name of the time zone database; `UTC` by default.
    #[serde(default = "utc")]
    pub timezone: String,
    #[serde(default)]
    pub overlap: Overlap,
}

impl Schedule {
    /// The first time after `after`, as the clock of its time zone goes: a time that a change of that clock
    /// leaves out or brings twice is met once. None where there is no such time, or it cannot be read.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let zone: chrono_tz::Tz = self.timezone.parse().ok()?;
        let cron = crate::validate::cron(&self.cron).ok()?;
        let next = cron.find_next_occurrence(&after.with_timezone(&zone), false).ok()?;
        Some(next.with_timezone(&Utc))
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What happens when the job of the time before has not ended yet.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Overlap {
    /// This time is left out.
    #[default]
    Skip,
    /// The new job runs beside the old one.
    Queue,
    /// The old job is cancelled.
    Replace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_clock_of_their_zone() {
        let next = |cron: &str, timezone: &str, after: &str| {
            let schedule =
                Schedule { cron: cron.to_owned(), timezone: timezone.to_owned(), overlap: Overlap::Skip };
            schedule.next_after(after.parse().unwrap()).map(|at| at.to_rfc3339())
        };
        let cases = [
            ("0 2 * * *", "UTC", "2026-03-01T02:00:00Z", Some("2026-03-02T02:00:00+00:00")),
            ("0 4 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", Some("2026-03-29T02:00:00+00:00")),
            ("0 4 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", Some("2026-03-28T03:00:00+00:00")),
            // In autumn 2:30 comes twice, and is met once.
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:31:00Z", Some("2026-10-26T01:30:00+00:00")),
            ("0 0 31 2 *", "UTC", "2026-01-01T00:00:00Z", None),
        ];
        for (cron, timezone, after, expected) in cases {
            assert_eq!(next(cron, timezone, after).as_deref(), expected, "{cron} {timezone} after {after}");
        }
    }

    #[test]
    fn a_matrix_counts_like_a_number() {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let matrix = BTreeMap::from([
            ("LR".to_owned(), list(&["1e-4", "3e-4"])),
            ("SEED".to_owned(), list(&["1", "2", "3"])),
        ]);
        let array = Array { matrix, ..Array::default() };
        assert_eq!(array.size(), Some(6));
        let all: Vec<_> =
            (0..6).map(|index| array.values(index).into_values().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(all, ["1e-4 1", "1e-4 2", "1e-4 3", "3e-4 1", "3e-4 2", "3e-4 3"]);
    }

    #[test]
    fn what_cannot_be_counted_has_no_size() {
        let values = vec![String::new(); 1000];
        let matrix = (0..5).map(|name| (name.to_string(), values.clone())).collect();
        assert_eq!(Array { matrix, ..Array::default() }.size(), None);
        assert_eq!(Array::default().size(), Some(1));
    }
}
