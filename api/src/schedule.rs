//! Jobs that are submitted by the clock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{JobId, ScheduleId};
use crate::spec::{JobSpec, Overlap};

/// A job spec that is submitted anew whenever its time comes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JobSchedule {
    pub id: ScheduleId,
    /// The name of its jobs; unique in the team.
    pub name: String,
    /// Name of the team whose members see it.
    pub team: String,
    /// Username of the owner, in whose name its jobs run.
    pub owner: String,
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// Name of the time zone that the times are meant in.
    pub timezone: String,
    pub overlap: Overlap,
    /// A paused schedule does not fire, and does not make up for it later.
    pub paused: bool,
    /// When it fires next, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
    /// The next times, five at most.
    pub upcoming: Vec<DateTime<Utc>>,
    /// When it last submitted a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_fired_at: Option<DateTime<Utc>>,
    /// The job that it submitted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_job_id: Option<JobId>,
    /// Why the last time made no job; empty where it made one.
    pub message: String,
    pub created_at: DateTime<Utc>,
    /// The job, with its schedule; left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<JobSpec>,
}
