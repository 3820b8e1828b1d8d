//! Extractors whose refusals are problem+json and name the field.

use std::error::Error;
use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use lilac_api::problem::{ErrorCode, FieldError};
use lilac_api::suggest::explain_unknown;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::timeout::TimeoutError;

use crate::error::ApiError;

/// A JSON body of at most what the route allows (256 KiB unless it says otherwise).
pub struct Json<T>(pub T);

/// A JSON body that may be left out.
pub struct MaybeJson<T>(pub T);

/// A JSON body together with its bytes, for what must tell one body from another.
pub struct RawJson<T>(pub T, pub Bytes);

/// Query parameters; unknown ones are refused.
pub struct Query<T>(pub T);

/// The `{id}` of the path. One that is no id is answered as a missing object is.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let RawJson(value, _) = RawJson::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for MaybeJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, inner) = request.into_parts();
        let bytes = body(Request::from_parts(parts.clone(), inner), state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let RawJson(value, _) =
            RawJson::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for RawJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = json_body(request, state).await?;
        Ok(Self(parse(&bytes)?, bytes))
    }
}

/// The bytes of a body that is declared as JSON.
pub async fn json_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("application/json") {
        let detail = "the body must be JSON, with `content-type: application/json`";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(ApiError::new(status, ErrorCode::UnsupportedMediaType, detail));
    }
    body(request, state).await
}

/// How long a whole body may take. It is small; whoever sends it byte by byte only holds a place.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The body's bytes, refused when over the route's limit.
pub async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    body_within(BODY_TIMEOUT, request, state).await
}

async fn body_within<S: Send + Sync>(
    patience: Duration,
    request: Request,
    state: &S,
) -> Result<Bytes, ApiError> {
    let bytes = tokio::time::timeout(patience, Bytes::from_request(request, state)).await;
    let bytes = bytes.map_err(|_| too_slow())?;
    bytes.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = "the body is larger than this route takes";
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, detail)
        }
        rejection if is_pause(&rejection) => too_slow(),
        _ => ApiError::malformed("the body could not be read"),
    })
}

fn too_slow() -> ApiError {
    let detail = "the body did not arrive in time";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::RequestTimeout, detail)
}

/// Whether a body was given up because nothing came for too long.
fn is_pause(rejection: &BytesRejection) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Reads JSON: what is no JSON is malformed (400), what is the wrong JSON is refused by field (422).
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => refused_field(&path, &inner.to_string()),
            _ => malformed_json(&inner),
        }
    })?;
    deserializer.end().map_err(|error| malformed_json(&error))?;
    // Every body is an object. Serde would take an array for one, field by field.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::field(".", "invalid-value", "must be a JSON object, not an array"));
    }
    // PostgreSQL can keep no NUL in a text. Its escaped form is rare: only then is the body read again.
    if memchr::memmem::find(bytes, b"\\u0000").is_some()
        && let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && let Some(path) = find_nul(&value, String::new())
    {
        return Err(ApiError::field(&path, "nul", "must not contain a NUL character"));
    }
    Ok(value)
}

fn malformed_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::MalformedJson, format!("the body is not JSON: {error}"))
}

/// Turns serde's message into one for a person, with the field's path.
fn refused_field(path: &str, message: &str) -> ApiError {
    // serde_json appends where in the text it happened; the path says it better.
    let message = message.rsplit_once(" at line ").map_or(message, |(sentence, _)| sentence);
    let message = explain_unknown(message);
    let named = message.split('`').nth(1).unwrap_or_default();
    let join = |name: &str| if path == "." { name.to_owned() } else { format!("{path}.{name}") };
    let (path, code) = if message.starts_with("unknown field") {
        // The path may or may not end with the unknown field itself.
        let full =
            if path == named || path.ends_with(&format!(".{named}")) { path.to_owned() } else { join(named) };
        (full, "unknown-field")
    } else if message.starts_with("missing field") {
        (join(named), "missing-field")
    } else if message.starts_with("duplicate field") {
        (if path.ends_with(named) { path.to_owned() } else { join(named) }, "duplicate-field")
    } else {
        (path.to_owned(), "invalid-value")
    };
    ApiError::invalid(vec![FieldError::new(path, code, message)])
}

/// The path of the first text, or name of a field, that holds a NUL.
fn find_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| find_nul(item, format!("{path}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            let path = if path.is_empty() {
                name.replace('\0', "")
            } else {
                format!("{path}.{}", name.replace('\0', ""))
            };
            if name.contains('\0') { Some(path) } else { find_nul(item, path) }
        }),
        _ => None,
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("%00") {
            return Err(ApiError::malformed("a query parameter contains a NUL character"));
        }
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                let message = rejection.body_text();
                let message =
                    message.rsplit_once("query string: ").map_or(message.as_str(), |(_, inner)| inner);
                ApiError::malformed(format!("query: {}", explain_unknown(message)))
            })
    }
}

impl<S: Send + Sync, T: std::str::FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let text =
            path.ok().and_then(|axum::extract::Path(mut segments)| segments.pop()).map(|(_, text)| text);
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| ApiError::not_found("object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that comes in bit by bit, and never pauses for long.
    fn dripping(pieces: usize) -> Request {
        let drops = futures::stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            (sent < pieces).then_some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), sent + 1))
        });
        Request::new(axum::body::Body::from_stream(drops))
    }

    #[tokio::test]
    async fn a_body_that_drips_in_is_given_up() {
        assert_eq!(body(dripping(10), &()).await.unwrap().len(), 10);
        let patience = Duration::from_millis(300);
        let refused = body_within(patience, dripping(usize::MAX), &()).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (StatusCode::REQUEST_TIMEOUT, ErrorCode::RequestTimeout));
    }
}
