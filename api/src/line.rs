//! A queue as those see it who wait in it: who is next and why not yet, and how long others waited.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::JobId;
use crate::job::{Amounts, Reason};

/// The head of a queue: the jobs that are tried next, in that order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueLine {
    /// Those of the next fifty that the caller sees.
    pub items: Vec<InLine>,
    /// Those of the next fifty that the caller does not see.
    pub hidden: u32,
}

/// A job that waits for its turn.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InLine {
    /// How many jobs of the queue would be tried before it, as shares are now.
    pub position: u32,
    pub job_id: JobId,
    /// Its name.
    pub name: String,
    /// Username of who submitted it.
    pub owner: String,
    /// 0 to 100 inside the queue; the higher goes first.
    pub priority: u8,
    pub requests: Amounts,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Why it does not start. Absent where nothing holds it up: it starts with the next plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The reason in a sentence; empty where there is none.
    pub message: String,
}

/// How long jobs of a queue waited from their submission until a node took them, for those that started within the
/// last 24 hours; of many, the latest 5000. Jobs that had to wait for others are left out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct QueueWaits {
    /// How many jobs that is, as far as the caller sees them.
    pub jobs: u32,
    /// Half of them waited no longer, in seconds; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_secs: Option<f64>,
    /// Nine of ten waited no longer, in seconds; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_secs: Option<f64>,
    /// The shorter waits first.
    pub buckets: Vec<WaitBucket>,
}

/// Jobs that waited about as long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitBucket {
    /// They waited no longer than so many seconds, and longer than those of the bucket before; absent for the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_secs: Option<u32>,
    /// How many.
    pub jobs: u32,
}
