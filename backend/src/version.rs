//! Versions of what several people change: the `ETag` of an answer, and the `If-Match` of a change.

use axum::http::{HeaderMap, StatusCode, header};
use lilac_api::problem::ErrorCode;

use crate::error::{ApiError, ApiResult};

pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Refuses a change that was meant for another version of a thing. Without `If-Match` the last one wins.
pub fn refuse_stale(headers: &HeaderMap, version: i64, what: &str) -> ApiResult<()> {
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let current = etag(version);
    let mut tags =
        wanted.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim);
    if tags.any(|tag| tag == "*" || tag == current) {
        return Ok(());
    }
    let detail = format!("the {what} has changed: its version is {current} now; read it again");
    Err(ApiError::new(StatusCode::PRECONDITION_FAILED, ErrorCode::VersionMismatch, detail))
}
