//! Searching a log. One call looks at a bounded part of it and says where the next goes on, so that no search
//! holds up the server, however long the log is and however rare the word.

use std::sync::Arc;

use axum::extract::State;
use lilac_api::JobId;
use lilac_api::log::{DEFAULT_MATCHES, LogMatch, LogMatches, LogSearch, MAX_MATCHES, MAX_SEARCH_BYTES};
use lilac_api::problem::Problem;
use regex::bytes::{Regex, RegexBuilder};

use super::routes::{find, position};
use super::store::{self, Log};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};

/// How much of a log one call looks at.
const MAX_SCAN_BYTES: i64 = 8 << 20;
/// How much is read at a time; a line that is longer is searched in parts.
const WINDOW_BYTES: usize = 1 << 20;
/// What is shown of a line.
const MAX_LINE_BYTES: usize = 4 << 10;
/// Memory that an expression may take, compiled and while it runs.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;

/// Search a log
///
/// Answers the lines that contain a text or match a regular expression. One call covers a part of the log:
/// go on at `next_offset` until `reached_end`.
#[utoipa::path(get, operation_id = "search_log", path = "/jobs/{id}/logs/search", tag = "logs", params(("id" = JobId, Path), LogSearch), security(("bearer" = [])),
    responses(
        (status = 200, description = "Lines that match", body = LogMatches),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt, or its log was kept for its time", body = Problem),
        (status = 503, description = "The database or the store of logs does not answer", body = Problem),
    ))]
pub async fn search(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<LogSearch>,
) -> ApiResult<axum::Json<LogMatches>> {
    let pattern = pattern(&query)?;
    let limit = match query.limit.unwrap_or(DEFAULT_MATCHES) {
        limit @ 1..=MAX_MATCHES => limit as usize,
        other => {
            let detail = format!("query: limit must be 1 to {MAX_MATCHES}, is {other}");
            return Err(ApiError::malformed(detail));
        }
    };
    let from = query.offset.map(position).transpose()?;
    let Some(log) = find(&app, &caller, job, query.epoch, query.rank).await? else {
        return Ok(axum::Json(LogMatches { reached_end: true, ..LogMatches::default() }));
    };
    let since = match query.since {
        Some(since) => store::since(&app.pool, &log, since).await?,
        None => 0,
    };
    let from = from.unwrap_or(0).max(since);
    Ok(axum::Json(scan(&app, &log, pattern, from, limit).await?))
}

/// A text becomes an expression, too, for which the engine takes a faster way.
fn pattern(query: &LogSearch) -> ApiResult<Regex> {
    let search = &query.search;
    if search.is_empty() || search.len() > MAX_SEARCH_BYTES {
        let detail = format!("query: search must have 1 to {MAX_SEARCH_BYTES} bytes");
        return Err(ApiError::malformed(detail));
    }
    let is_regex = query.regex == Some(true);
    let text = if is_regex { search.clone() } else { regex::escape(search) };
    let built = RegexBuilder::new(&text)
        .size_limit(MAX_EXPRESSION_BYTES)
        .dfa_size_limit(MAX_EXPRESSION_BYTES)
        .nest_limit(32)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => ApiError::malformed("query: search is too large an expression"),
        error => {
            // The error draws the expression over several lines; the last says what is wrong.
            let error = error.to_string();
            let words = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            ApiError::malformed(format!("query: search is no regular expression: {words}"))
        }
    })
}

async fn scan(app: &App, log: &Log, pattern: Regex, from: i64, limit: usize) -> ApiResult<LogMatches> {
    let mut found = LogMatches { epoch: log.epoch, ..LogMatches::default() };
    let mut offset = from;
    while offset < log.bytes && offset - from < MAX_SCAN_BYTES && found.items.len() < limit {
        let bytes = store::read(app, log, offset, WINDOW_BYTES).await?;
        let reaches_end = offset + i64::try_from(bytes.len()).unwrap_or(i64::MAX) >= log.bytes;
        let room = limit - found.items.len();
        let searcher = pattern.clone();
        let looked = tokio::task::spawn_blocking(move || look(&searcher, &bytes, reaches_end, room)).await;
        let (matches, read) = looked.map_err(|_| ApiError::internal())?;
        let base = offset.unsigned_abs();
        found
            .items
            .extend(matches.into_iter().map(|one| LogMatch { offset: base + one.offset, text: one.text }));
        offset += i64::try_from(read).unwrap_or(i64::MAX);
    }
    found.next_offset = offset.unsigned_abs();
    found.reached_end = offset >= log.bytes;
    Ok(found)
}

/// The lines of a window that match, at most `room`, with their offsets in it; and how much was looked at: a
/// line that goes on behind the window is left for the next.
fn look(pattern: &Regex, bytes: &[u8], reaches_end: bool, room: usize) -> (Vec<LogMatch>, usize) {
    let mut matches = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let (line, next) = match memchr::memchr(b'\n', rest) {
            Some(end) => (rest.get(..end).unwrap_or_default(), start + end + 1),
            None if start > 0 && !reaches_end => break,
            None => (rest, bytes.len()),
        };
        if matches.len() == room {
            break;
        }
        if pattern.is_match(line) {
            let shown = line.get(..MAX_LINE_BYTES).unwrap_or(line);
            let text = String::from_utf8_lossy(shown).into_owned();
            matches.push(LogMatch { offset: start as u64, text });
        }
        start = next;
    }
    (matches, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(search: &str, regex: bool) -> LogSearch {
        LogSearch { search: search.into(), regex: Some(regex), ..LogSearch::default() }
    }

    #[test]
    fn what_takes_too_much_is_refused() {
        for (search, is_regex) in [
            ("", false),
            (&*"x".repeat(513), false),
            ("(", true),
            ("a{1000}{1000}{1000}", true),
            ("\\p{L}{999}\\p{N}{999}", true),
            (&*"(".repeat(200), true),
        ] {
            let error = pattern(&query(search, is_regex)).unwrap_err();
            assert_eq!(error.status, 400, "{search}");
            assert!(error.detail.contains("search"), "{}", error.detail);
        }
    }

    #[test]
    fn a_line_is_found_whole_or_left_for_the_next_window() {
        let pattern = pattern(&query("b.d", false)).unwrap();
        let (matches, read) = look(&pattern, b"abcd\nab.d\nb.d", false, 9);
        assert_eq!((matches.len(), matches[0].offset, read), (1, 5, 10));
        let (matches, read) = look(&pattern, b"abcd\nab.d\nb.d", true, 9);
        assert_eq!((matches.len(), matches[1].offset, read), (2, 10, 13));
        let (matches, read) = look(&pattern, b"b.d\nb.d\n", true, 1);
        assert_eq!((matches.len(), read), (1, 4));
        // A line that fills a window is searched as far as it goes.
        assert_eq!(look(&pattern, b"xxb.dxx", false, 9).1, 7);
    }
}
