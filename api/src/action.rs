//! What people do to jobs, and the receipt of what a job took.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::JobId;
use crate::job::{AttemptState, JobState, Reason};
use crate::quantity::Span;

/// How many jobs a cancel by filter reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelledJobs {
    /// Jobs that were cancelled, or told to stop.
    pub cancelled: u64,
    /// More match than one call takes: call again.
    pub has_more: bool,
}

/// Keeps a waiting job from being placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldJob {
    /// Why, in a sentence of at most 500 characters; for whoever finds it.
    #[serde(default)]
    pub message: String,
}

/// A waiting job's new place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReprioritiseJob {
    /// 0 to 100 inside the queue; the higher goes first.
    pub priority: u8,
}

/// A longer life for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendJob {
    /// How long it may run in all, counted from its start; more than it may now.
    pub max_runtime: Span,
}

/// What a job was and took.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub job_id: JobId,
    pub name: String,
    /// Username of who submitted it.
    pub owner: String,
    pub team: String,
    pub queue: String,
    /// The image as the job names it.
    pub image: String,
    pub state: JobState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    pub created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// What all attempts took, those that run now up to the moment.
    pub total: Used,
    /// The attempts, the latest first; of more than 100 the latest.
    pub attempts: Vec<ReceiptAttempt>,
    /// How many attempts there were in all.
    pub attempt_count: u32,
}

/// What was held on nodes, counted from the grant to the release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Used {
    /// CPUs held × seconds.
    pub cpu_seconds: f64,
    /// GPUs held × seconds.
    pub gpu_seconds: f64,
    /// GiB of memory held × seconds.
    pub memory_gib_seconds: f64,
    /// Bytes of log that are stored.
    pub log_bytes: u64,
}

/// One attempt on a receipt.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReceiptAttempt {
    /// Number of the attempt.
    pub epoch: u32,
    pub state: AttemptState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    pub granted_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// Names of its nodes, in rank order.
    pub nodes: Vec<String>,
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    pub gpus: u32,
    pub used: Used,
}
