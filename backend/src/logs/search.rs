//! Searching a log. One call looks at a bounded part of it and says where the next goes on, so that no search
//! holds up the server, however long the log is and however rare the word.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use lilac_api::JobId;
use lilac_api::log::{DEFAULT_MATCHES, LogMatch, LogMatches, LogSearch, MAX_MATCHES};
use lilac_api::problem::Problem;

use super::pattern::Pattern;
use super::routes::{find, position};
use super::store::{self, Log};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};

/// How much of a log one call looks at, at most.
const MAX_SCAN_BYTES: i64 = 64 << 20;
/// After this time it looks no further: whoever waits for the answer gets to see what there is.
const SCAN_TIME: Duration = Duration::from_millis(500);
/// How much is read at a time; a line that is longer is searched in parts.
const WINDOW_BYTES: usize = 2 << 20;
/// Windows that are read and unpacked while another is searched.
const AHEAD: usize = 3;
/// What is shown of a line.
const MAX_LINE_BYTES: usize = 4 << 10;

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
    let pattern = Pattern::new(&query)?;
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

async fn scan(app: &App, log: &Log, pattern: Pattern, from: i64, limit: usize) -> ApiResult<LogMatches> {
    let mut found = LogMatches { epoch: log.epoch, ..LogMatches::default() };
    let began = Instant::now();
    let to = log.bytes.min(from.saturating_add(MAX_SCAN_BYTES));
    let starts = (from..to).step_by(WINDOW_BYTES).take_while(|at| *at == from || began.elapsed() < SCAN_TIME);
    let read = |at: i64| {
        let length = usize::try_from(to - at).unwrap_or(usize::MAX).min(WINDOW_BYTES);
        store::read(app, log, at, length)
    };
    let mut windows = pin!(stream::iter(starts).map(read).buffered(AHEAD));
    let mut offset = from;
    // The beginning of a line that goes on in the next window.
    let mut rest = Vec::new();
    while let Some(window) = windows.try_next().await? {
        let bytes = if rest.is_empty() { window } else { [rest, window].concat() };
        let reaches_end = offset + i64::try_from(bytes.len()).unwrap_or(i64::MAX) >= log.bytes;
        let room = limit - found.items.len();
        let searcher = pattern.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let (matches, read) = look(&searcher, &bytes, reaches_end, room);
            (matches, read, bytes.get(read..).unwrap_or_default().to_vec())
        });
        let (matches, read, left) = looked.await.map_err(|_| ApiError::internal())?;
        let base = offset.unsigned_abs();
        found
            .items
            .extend(matches.into_iter().map(|one| LogMatch { offset: base + one.offset, text: one.text }));
        offset += i64::try_from(read).unwrap_or(i64::MAX);
        rest = left;
        if found.items.len() == limit {
            break;
        }
    }
    found.next_offset = offset.unsigned_abs();
    found.reached_end = offset >= log.bytes;
    Ok(found)
}

/// The lines of a window that match, at most `room`, with their offsets in it; and how much was looked at: a
/// line that goes on behind the window is left for the next.
fn look(pattern: &Pattern, bytes: &[u8], reaches_end: bool, room: usize) -> (Vec<LogMatch>, usize) {
    let whole = memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |last| last + 1);
    let bytes = if reaches_end { bytes } else { bytes.get(..whole).unwrap_or_default() };
    let mut matches = Vec::new();
    let mut start = 0;
    while start < bytes.len() && matches.len() < room {
        let Some((from, to)) = pattern.next_line(bytes, start) else { return (matches, bytes.len()) };
        let shown = bytes.get(from..to.min(from + MAX_LINE_BYTES)).unwrap_or_default();
        let text = String::from_utf8_lossy(shown).into_owned();
        matches.push(LogMatch { offset: from as u64, text });
        start = (to + 1).min(bytes.len());
    }
    (matches, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_whole_or_left_for_the_next_window() {
        for search in ["b\\.d", "b[.]d|\\s{3}x"] {
            let query = LogSearch { search: search.into(), regex: Some(true), ..LogSearch::default() };
            let pattern = Pattern::new(&query).unwrap();
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
}
