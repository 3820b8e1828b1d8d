//! Errors as RFC 9457 `application/problem+json`, with stable codes.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

/// The media type of every error body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong, as a word that programs may rely on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ErrorCode {
    /// The body is not JSON (400).
    MalformedJson,
    /// A query parameter, header or path segment cannot be read (400).
    MalformedRequest,
    /// No credential, or one that is wrong, expired or revoked (401).
    Unauthenticated,
    /// Known, but not allowed to do this (403).
    Forbidden,
    /// The password must be changed before anything else (403).
    PasswordChangeRequired,
    /// No such object, or none that the caller may see (404).
    NotFound,
    /// The path exists, the method does not (405).
    MethodNotAllowed,
    /// The request did not arrive in time (408).
    RequestTimeout,
    /// The state of the object does not allow this (409).
    Conflict,
    /// A name that must be unique is taken (409).
    NameTaken,
    /// The idempotency key was used with another body (409).
    IdempotencyMismatch,
    /// A newer agent session with this node's identity exists (409).
    Fenced,
    /// The `If-Match` version is not the current one (412).
    VersionMismatch,
    /// The body is over its limit (413).
    TooLarge,
    /// The body is not `application/json` (415).
    UnsupportedMediaType,
    /// Well-formed, but refused; `errors` names the fields (422).
    InvalidField,
    /// The agent speaks a protocol that this server no longer does (426).
    UpgradeRequired,
    /// Too many requests; see `Retry-After` (429).
    TooManyRequests,
    /// A defect of the server (500).
    Internal,
    /// The database is away or the server is overloaded; see `Retry-After` (503).
    Unavailable,
}

/// One refused field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where in the body, as a dotted path: `resources.gpus.count`, `env.HOME`, `command[2]`.
    pub path: String,
    /// A stable word for the rule that was broken: `unknown-field`, `out-of-bounds`, `not-found` …
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

impl FieldError {
    pub fn new(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), code: code.to_owned(), message: message.into() }
    }
}

/// The body of every answer that is an error (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` is what tells problems apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    pub code: ErrorCode,
    /// A sentence about this case.
    pub detail: String,
    /// The refused fields, where fields were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
