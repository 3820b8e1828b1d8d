//! The one error of the HTTP side: RFC 9457 problem+json with a stable code.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lilac_api::problem::{ErrorCode, FieldError, PROBLEM_JSON, Problem};

pub type ApiResult<T> = Result<T, ApiError>;

#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: ErrorCode,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// More headers of the answer.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::MalformedRequest, detail)
    }

    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthenticated, detail);
        error.headers.push(("www-authenticate", "Bearer".to_owned()));
        error
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, detail)
    }

    /// No such object, or none that the caller may see.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, format!("there is no such {what}"))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, ErrorCode::Conflict, detail)
    }

    /// Well-formed, but refused.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.path, one.message),
            many => format!("{} fields are refused", many.len()),
        };
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::InvalidField, detail);
        error.errors = errors;
        error
    }

    /// One refused field.
    pub fn field(path: &str, code: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(path, code, message)])
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, detail);
        error.headers.push(("retry-after", "2".to_owned()));
        error
    }

    pub fn internal() -> Self {
        let detail = "the server made a mistake; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal, detail)
    }
}

/// Refuses when a check found something.
pub fn refuse_invalid(errors: Vec<FieldError>) -> ApiResult<()> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(errors)) }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            errors: self.errors,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A failed query is an absent database (503) or a defect (500). What a constraint means to the caller is
/// said where the query is made, before this.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_outage(&error) {
            note_outage(&error);
            return Self::unavailable("the database does not answer at the moment");
        }
        tracing::error!(%error, "a query failed");
        Self::internal()
    }
}

/// An outage meets every query, of thousands of agents too: it is told once in this time, with how many it met.
const TELL_OUTAGE_EVERY: Duration = Duration::from_secs(1);

/// When it was told last, and how many it met since.
static OUTAGE: Mutex<(Option<Instant>, u64)> = Mutex::new((None, 0));

fn note_outage(error: &sqlx::Error) {
    let met = due(&mut OUTAGE.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
    match met {
        Some(queries) => tracing::warn!(%error, queries, "the database does not answer"),
        None => tracing::debug!(%error, "the database does not answer"),
    }
}

/// Counts one more; says how many they are where that is to be told now.
fn due((told_at, met): &mut (Option<Instant>, u64), now: Instant) -> Option<u64> {
    *met += 1;
    if told_at.is_some_and(|at| now.saturating_duration_since(at) < TELL_OUTAGE_EVERY) {
        return None;
    }
    *told_at = Some(now);
    Some(std::mem::take(met))
}

/// Whether an error says that the database is away, shutting down or overloaded.
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Class 57: shutdown and cancel; 08: connections; 53: resources; 40: deadlock, serialisation; 55P03: lock timeout.
            ["57", "08", "53", "40"].iter().any(|class| code.starts_with(class)) || code == "55P03"
        }
        _ => false,
    }
}

/// The name of the constraint that an insert or update broke.
pub fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => error.constraint(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_at_once_and_then_once_a_second() {
        let (mut noted, began) = ((None, 0), Instant::now());
        assert_eq!(due(&mut noted, began), Some(1));
        for _ in 0..3 {
            assert_eq!(due(&mut noted, began + Duration::from_millis(999)), None);
        }
        assert_eq!(due(&mut noted, began + TELL_OUTAGE_EVERY), Some(4));
        assert_eq!(due(&mut noted, began + TELL_OUTAGE_EVERY), None);
    }
}
