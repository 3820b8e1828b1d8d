//! The web UI, embedded in the server. A server that was built without it says how to build it.
//!
//! Its build lays a copy beside each file that is worth it, compressed as well as can be; who takes that gets it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Dist;

const MISSING: &str = include_str!("missing.html");
/// What the name of a compressed copy ends with.
const COPY: &str = ".br";

/// Serves a file of the UI; any other path is one of the UI's own pages.
pub async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    // A copy is no file of its own.
    if !path.is_empty()
        && !path.ends_with(COPY)
        && let Some(response) = file(path, &headers)
    {
        return response;
    }
    // A missing file is missing; a path without an ending is a page.
    if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    file("index.html", &headers)
        .unwrap_or_else(|| ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], MISSING).into_response())
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let copy = Dist::get(&format!("{path}{COPY}"));
    let has_copy = copy.is_some();
    let mut response = match copy.filter(|_| takes_brotli(headers)) {
        Some(copy) => {
            let mut response = file_response(path, copy, headers);
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            response
        }
        None => file_response(path, Dist::get(path)?, headers),
    };
    if has_copy {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Some(response)
}

/// Whether the client names brotli, and does not refuse it by a quality of nothing.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, "q=1"));
        let quality = quality.trim().strip_prefix("q=").and_then(|text| text.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("br") && quality.is_none_or(|quality| quality > 0.0)
    })
}

fn file_response(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash: String =
        file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{hash}\"");
    // Vite puts a hash of the content into the names of its assets: those never change.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let is_known =
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let head = [
        (header::CONTENT_TYPE, kind.to_string()),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, etag),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, Body::from(file.data.into_owned())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_goes_to_those_who_take_it() {
        for (accepted, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("br", true),
            ("gzip;q=1.0, BR; q=0.5", true),
            ("gzip, br;q=0", false),
            ("gzip", false),
            ("brotli, abr", false),
            ("", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_brotli(&headers), takes, "{accepted}");
        }
        assert!(!takes_brotli(&HeaderMap::new()));
    }
}
