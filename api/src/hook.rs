//! Hooks: addresses of a team that are told, by signed requests, what becomes of its jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::auth::Secret;
use crate::ids::{ArrayId, DeliveryId, HookId, JobId};
use crate::job::{JobState, Reason};

/// The most hooks that a team may have.
pub const MAX_HOOKS_PER_TEAM: i64 = 100;
/// The most bytes that a hook's address may have.
pub const MAX_HOOK_URL_BYTES: usize = 2048;
/// The fewest and the most characters of a hook's secret.
pub const HOOK_SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// Headers of what is sent to a hook.
pub mod hook_headers {
    /// Id of the delivery: the same at every try, so that a receiver knows what it has seen already.
    pub const DELIVERY: &str = "lilac-delivery";
    /// What it tells of: a [`super::HookEvent`].
    pub const EVENT: &str = "lilac-event";
    /// When this try was made, in seconds since 1970.
    pub const TIMESTAMP: &str = "lilac-timestamp";
    /// `v1=` and, in hexadecimal, HMAC-SHA256 over timestamp, `.` and body, with the hook's secret.
    pub const SIGNATURE: &str = "lilac-signature";
}

/// States that a hook can be told of.
pub const HOOK_STATES: [JobState; 5] =
    [JobState::Running, JobState::Held, JobState::Succeeded, JobState::Failed, JobState::Cancelled];

/// An address that a team's jobs may notify; its secret is never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hook {
    pub id: HookId,
    /// Name by which `notify` of a job refers to it.
    pub name: String,
    /// Name of the team that it belongs to.
    pub team: String,
    /// Where it is.
    pub url: String,
    /// States that it may be told of; jobs choose among them.
    pub events: Vec<JobState>,
    /// Whether anything is sent there.
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    /// Who changed it last.
    pub updated_by: String,
}

/// A hook, to be made for a team.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHook {
    /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name of the team; the caller's only one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// `https://host/path`, at most 2048 bytes, without a user or a fragment. Hosts of private networks are
    /// refused unless the server's operator allowed them.
    pub url: String,
    /// States that it may be told of, among `running`, `held`, `succeeded`, `failed` and `cancelled`; all of
    /// them by default.
    #[serde(default = "all_states")]
    pub events: Vec<JobState>,
    /// Signs what is sent: 16 to 256 printable ASCII characters. By default the server makes one, and shows it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

fn all_states() -> Vec<JobState> {
    HOOK_STATES.to_vec()
}

impl CreateHook {
    #[must_use]
    pub fn new(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), team: None, url: url.to_owned(), events: all_states(), secret: None }
    }
}

/// A hook with its secret, where the server made that: the only time it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedHook {
    pub hook: Hook,
    /// `lilac_hook_…`; none where the caller brought one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// What to change of a hook; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateHook {
    /// As when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// As when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<JobState>>,
    /// A hook that is switched off is told nothing, and what waits for it is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// The secret that replaces the present one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateHook {
    /// 16 to 256 printable ASCII characters; by default the server makes one, and shows it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// What a delivery tells of.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
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
pub enum HookEvent {
    /// The job runs.
    Running,
    /// The job is held until a person releases it.
    Held,
    /// The job succeeded.
    Succeeded,
    /// The job failed for good.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// Somebody tries the hook.
    Test,
}

impl HookEvent {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How far a delivery is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
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
pub enum DeliveryState {
    /// To be sent, or to be tried again.
    Pending,
    /// The receiver answered with a status of 200 to 299.
    Delivered,
    /// Tried for as often as it is, or not wanted any more.
    GivenUp,
}

/// One message to a hook.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: HookEvent,
    /// The job that it tells of; none for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    pub state: DeliveryState,
    /// How often it was sent since it was made or asked for anew; 10 times at most.
    pub tries: u32,
    /// What the receiver answered last, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last try went wrong, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When it was last sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_try_at: Option<DateTime<Utc>>,
    /// When it is sent next, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<DateTime<Utc>>,
    /// When it was delivered or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<DateTime<Utc>>,
}

/// The body of what a hook is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookMessage {
    /// Id of the delivery, as in the header.
    pub id: DeliveryId,
    pub event: HookEvent,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Name of the hook.
    pub hook: String,
    /// Name of the team.
    pub team: String,
    /// The job as it was then; none for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<HookJob>,
}

/// A job, as hooks are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookJob {
    pub id: JobId,
    #[serde(flatten)]
    pub facts: HookFacts,
}

/// What the server notes of a job when something happens that a hook is to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HookFacts {
    /// As in its spec.
    pub name: String,
    /// Name of the queue.
    pub queue: String,
    /// Username of the owner.
    pub owner: String,
    pub state: JobState,
    /// Why it is so, where that has a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why it is so, for people.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Number of the attempt; 0 where there was none.
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The array that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array_id: Option<ArrayId>,
    /// Its place in the array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array_index: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_called_as_the_state_that_it_tells_of() {
        for state in HOOK_STATES {
            assert_eq!(state.as_str().parse::<HookEvent>().unwrap().as_str(), state.as_str());
        }
    }
}
