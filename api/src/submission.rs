//! Jobs taken in by the many, arrays, and what would become of a job.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::ids::ArrayId;
use crate::job::{Job, JobState, Reason};
use crate::spec::JobSpec;

/// The most jobs that one batch may hold.
pub const MAX_BATCH: usize = 1000;

/// Several jobs, stored all or none.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// 1 to 1000 jobs; none of them an array or a schedule.
    #[schema(min_items = 1, max_items = 1000)]
    pub jobs: Vec<JobSpec>,
}

/// The jobs of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchResponse {
    /// In the order in which they were sent, without their specs.
    pub jobs: Vec<Job>,
}

/// Where a job stands in its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArrayPlace {
    pub id: ArrayId,
    /// 0, 1, 2 … in the array; `LILAC_ARRAY_INDEX` in the container.
    pub index: u32,
    /// How many jobs the array has.
    pub size: u32,
}

/// One submit that made many jobs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobArray {
    pub id: ArrayId,
    pub name: String,
    /// Name of its queue.
    pub queue: String,
    /// Name of the team whose members see it.
    pub team: String,
    /// Username of who submitted it.
    pub owner: String,
    /// How many jobs it has.
    pub size: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<u32>,
    pub state: ArrayState,
    /// Its jobs by state; a state without a job is left out.
    pub by_state: BTreeMap<JobState, u64>,
    /// Why no more of its jobs start, where that is so.
    pub message: String,
    pub created_at: DateTime<Utc>,
}

/// Where an array stands, as its jobs say.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum ArrayState {
    /// None has started yet.
    Queued,
    /// Some have started, and not all have ended.
    Running,
    /// All have ended well.
    Succeeded,
    /// All have ended, and one has failed.
    Failed,
    /// All have ended, none failed, and one was cancelled.
    Cancelled,
}

impl ArrayState {
    /// The state of an array whose jobs are in these states.
    #[must_use]
    pub fn of(by_state: &BTreeMap<JobState, u64>) -> Self {
        let count = |states: &[JobState]| states.iter().filter_map(|state| by_state.get(state)).sum::<u64>();
        let waiting = count(&[JobState::Queued, JobState::Held]);
        let live = count(&[JobState::Starting, JobState::Running]);
        let ended = count(&[JobState::Succeeded, JobState::Failed, JobState::Cancelled]);
        match (waiting + live, live + ended) {
            (1.., 0) => Self::Queued,
            (1.., _) => Self::Running,
            _ if count(&[JobState::Failed]) > 0 => Self::Failed,
            _ if count(&[JobState::Cancelled]) > 0 => Self::Cancelled,
            _ => Self::Succeeded,
        }
    }
}

/// How many jobs of an array a call reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelledArray {
    /// Jobs that were cancelled, or told to stop.
    pub cancelled: u64,
}

/// What would become of a job that is submitted now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobForecast {
    /// What would become of the job.
    pub outcome: Forecast,
    /// Name of the node that it would start on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Why it would wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same in a sentence.
    pub message: String,
    /// How many jobs of its queue that wait would go before it.
    pub position: u32,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Forecast {
    /// There is room for it.
    StartsNow,
    /// It would wait for what `reason` says.
    Waits,
    /// As the clusters of its queue are now, it would never start.
    NeverStarts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_stands_where_its_jobs_do() {
        use JobState::{Cancelled, Failed, Held, Queued, Running, Succeeded};
        for (jobs, expected) in [
            (vec![(Queued, 3)], ArrayState::Queued),
            (vec![(Queued, 2), (Running, 1)], ArrayState::Running),
            (vec![(Queued, 2), (Succeeded, 1)], ArrayState::Running),
            (vec![(Held, 1), (Failed, 1)], ArrayState::Running),
            (vec![(Succeeded, 3)], ArrayState::Succeeded),
            (vec![(Succeeded, 2), (Failed, 1), (Cancelled, 1)], ArrayState::Failed),
            (vec![(Succeeded, 2), (Cancelled, 1)], ArrayState::Cancelled),
        ] {
            assert_eq!(ArrayState::of(&jobs.into_iter().collect()), expected);
        }
    }
}
