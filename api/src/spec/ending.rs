//! How an attempt ends, and what happens then.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::job::Reason;
use crate::quantity::{Ratio, Span};

/// How a running job is asked to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    #[serde(default)]
    pub signal: Signal,
    /// Killed when it has not ended by then; 10s by default, 24h at most.
    #[serde(default = "default_grace")]
    pub grace: Span,
    /// A signal ahead of the end that `max_runtime` sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<Warn>,
}

/// Warns a job that its time is nearly over, so that it can save what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Warn {
    pub signal: Signal,
    /// How long before the end; shorter than `max_runtime`.
    pub before: Span,
}

fn default_grace() -> Span {
    Span(std::time::Duration::from_secs(10))
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Signal::default(), grace: default_grace(), warn: None }
    }
}

/// Signals that make sense to a job.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Signal {
    #[default]
    SigTerm,
    SigInt,
    SigHup,
    SigQuit,
    SigUsr1,
    SigUsr2,
    SigKill,
}

/// What to do when an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts that count, the first included; 1 to 100, 1 by default. A lost node never counts.
    #[serde(default = "default_max_attempts")]
    pub max_attempts: u32,
    #[serde(default)]
    pub backoff: Backoff,
    /// The first that matches says what happens. Without rules every failure is retried while
    /// attempts are left; with rules, what none matches is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RetryRule>,
}

fn default_max_attempts() -> u32 {
    1
}

impl Default for Retry {
    fn default() -> Self {
        Self { max_attempts: default_max_attempts(), backoff: Backoff::default(), rules: Vec::new() }
    }
}

/// The wait before the n-th retry: `initial` × `factor`^(n-1), at most `max`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// 10s by default.
    #[serde(default = "default_initial")]
    pub initial: Span,
    /// 1 to 10; 2 by default.
    #[serde(default = "default_factor")]
    pub factor: u32,
    /// 10m by default.
    #[serde(default = "default_max")]
    pub max: Span,
}

fn default_initial() -> Span {
    Span(std::time::Duration::from_secs(10))
}

fn default_factor() -> u32 {
    2
}

fn default_max() -> Span {
    Span(std::time::Duration::from_secs(600))
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: default_initial(), factor: default_factor(), max: default_max() }
    }
}

/// Matches a failure by its reason or exit code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRule {
    /// Reasons that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Reason>,
    /// Exit codes that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_codes: Vec<i32>,
    /// What is done then.
    pub action: RetryAction,
    /// Whether the attempt counts against `max_attempts`.
    #[serde(default = "yes")]
    pub counts: bool,
    /// The next attempt asks for this many times the memory, as far as there is such a node; 1 to 10. Only
    /// with `retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_factor: Option<Ratio>,
}

fn yes() -> bool {
    true
}

/// What is done about an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAction {
    Retry,
    Fail,
    /// Keep it until a person releases it.
    Hold,
}
