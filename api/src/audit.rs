//! The audit log: who changed what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Counts the entries from 1, without a gap.
    pub sequence: i64,
    pub at: DateTime<Utc>,
    /// `user:NAME`, or `server`.
    pub actor: String,
    /// What was done: `queue.update`, `user.create` …
    pub action: String,
    /// What it was done to: its kind with its name or id, as in `queue:research`.
    pub object: String,
    /// What became of it. Never a secret.
    pub details: Value,
}

/// Which entries to list. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only what this actor did: `user:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only this action: `queue.update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only what was done to this: `queue:research`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Only from this time on (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Only before this time (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// How many entries at most: 1 to 500, 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Whether the chain of the audit log holds.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditCheck {
    /// Whether no entry that was looked at is changed, missing or inserted.
    pub valid: bool,
    /// Sequence of the first entry that is changed or missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<i64>,
    /// Sequence of the last entry that was looked at.
    pub checked_to: i64,
    /// Whether that is the whole log. Otherwise go on with `after`.
    pub complete: bool,
}
