//! Each request gets an id, which stands in its answer and in every line that is logged on its way, a span and a
//! place in the metrics. It is named by the route's template, never by its path: ids are without number.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a proxy or client.
const MAX_ID_CHARS: usize = 64;

/// Wraps every request, refused ones included.
pub async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = given_id(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
    let method = known_method(request.method().as_str());
    let route = match request.extensions().get::<MatchedPath>() {
        // The UI's own files and pages.
        None => "other".to_owned(),
        Some(path) => path.as_str().to_owned(),
    };
    let span = tracing::info_span!(
        "request",
        request_id = %id, method, route, user = tracing::field::Empty, status = tracing::field::Empty,
        otel.name = %format!("{method} {route}"), otel.kind = "server",
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    span.record("status", status);
    tracing::debug!(parent: &span, millis = took.as_millis() as u64, "answered");
    let class = ["1xx", "2xx", "3xx", "4xx", "5xx"][usize::from(status / 100 - 1).min(4)];
    let labels = [("method", method.to_owned()), ("route", route), ("status", class.to_owned())];
    metrics::histogram!("lilac_http_request_duration_seconds", &labels).record(took.as_secs_f64());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The id that a proxy gave, if it is one that may stand in a log.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=MAX_ID_CHARS).contains(&id.len()) && id.bytes().all(is_plain)).then(|| id.to_owned())
}

/// Whoever calls may make up methods; the metrics know a few.
fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}
