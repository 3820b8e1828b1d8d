//! Searching logs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most lines that one search answers.
pub const MAX_MATCHES: u32 = 1000;
/// How many lines a search answers when the caller does not say.
pub const DEFAULT_MATCHES: u32 = 100;
/// The longest text or expression to search for.
pub const MAX_SEARCH_BYTES: usize = 512;

/// What to look for in a log.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogSearch {
    /// Text that the line contains, or an expression that it matches; 1 to 512 bytes.
    #[param(min_length = 1, max_length = 512)]
    pub search: String,
    /// Whether `search` is a regular expression, in the syntax of the crate `regex`; `(?i)` in front
    /// ignores case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<bool>,
    /// Number of the attempt; the latest by default. Also `attempt`.
    #[serde(default, alias = "attempt", skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Rank of the task; 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u16>,
    /// Only lines that arrived at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Where to begin: the `next_offset` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// At most this many lines, 1 to 1000; 100 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// Lines that match. One answer covers a bounded part of the log: there may be more behind an empty one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct LogMatches {
    /// Number of the attempt; 0 before the first.
    pub epoch: u32,
    pub items: Vec<LogMatch>,
    /// Pass as `offset` to search on.
    pub next_offset: u64,
    /// Whether everything that is stored was searched.
    pub reached_end: bool,
}

/// One line that matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogMatch {
    /// Position of the line's first byte in the log.
    pub offset: u64,
    /// The line without its end, cut after 4 KiB; bytes that are no UTF-8 are replaced.
    pub text: String,
}
