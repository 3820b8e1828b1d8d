//! Following logs: server-sent events that any replica can go on with. A reader's place is an attempt and an
//! offset, so it does not matter where the bytes lie, nor who sent the ones before.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use lilac_api::JobId;
use lilac_api::job::{LogChunk, LogEnd, LogQuery};
use lilac_api::problem::Problem;

use super::routes::{find, position, start};
use super::store;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::streams::Permit;

/// How much one event of the live log carries.
const CHUNK_BYTES: usize = 64 << 10;
/// A live reader looks again this often although no bell rang.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Follow a log
///
/// Server-sent events: `log` with a part of the log, and at last `end`. Without an epoch it waits for the first
/// attempt, and goes on with the next one when the job is tried again. `Last-Event-ID` goes on behind the event
/// that it names, on any server.
#[utoipa::path(get, operation_id = "follow_log", path = "/jobs/{id}/logs/stream", tag = "logs", params(("id" = JobId, Path), LogQuery, ("last-event-id" = Option<String>, Header, description = "Id of the last event that was seen")), security(("bearer" = [])),
    responses(
        (status = 200, description = "Events `log` (LogChunk) and `end` (LogEnd)", content_type = "text/event-stream", body = LogChunk),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt, or its log was kept for its time", body = Problem),
        (status = 429, description = "The caller has as many live streams as one may have", body = Problem),
        (status = 503, description = "The database or the store of logs does not answer, or the server has as many live streams as it can", body = Problem),
    ))]
pub async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    // Refused here where it can be, before the stream begins.
    let permit = app.streams.enter(caller.user_id)?;
    let log = find(&app, &caller, job, query.epoch, query.rank).await?;
    let begun = match (headers.get("last-event-id"), log) {
        (Some(id), _) => Some(seen(id, &query)?),
        (None, Some(log)) => Some((log.epoch, start(&app, &log, &query).await?)),
        (None, None) => None,
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(10));
    let events = follow(app, caller, job, query, begun, permit);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Attempt and offset behind the event that a reader saw last.
fn seen(id: &HeaderValue, query: &LogQuery) -> ApiResult<(u32, i64)> {
    let parts = id.to_str().ok().and_then(|id| id.split_once('-'));
    let place = parts.and_then(|(epoch, offset)| Some((epoch.parse().ok()?, offset.parse().ok()?)));
    let legal = place.filter(|(epoch, _)| query.epoch.is_none_or(|asked| asked == *epoch));
    let (epoch, offset) =
        legal.ok_or_else(|| ApiError::malformed("Last-Event-ID is none that this stream gave"))?;
    Ok((epoch, position(offset)?))
}

fn follow(
    app: Arc<App>,
    caller: Caller,
    job: JobId,
    query: LogQuery,
    begun: Option<(u32, i64)>,
    permit: Permit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        // Held until the reader is gone.
        let _permit = permit;
        let bells = app.bell.watch([Topic::Log(job), Topic::Job(job)]);
        let (mut epoch, mut offset) = begun.unwrap_or((0, 0));
        loop {
            if !caller.is_still_valid(&app).await {
                return;
            }
            match next(&app, job, &query, &mut epoch, &mut offset).await {
                Ok(Some(event)) => {
                    let is_end = matches!(event, Next::End(_));
                    if let Ok(event) = event.encode() {
                        yield Ok(event);
                    }
                    if is_end {
                        return;
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(error = %error.detail, "a live log waits for the database"),
            }
            tokio::select! {
                _ = bells.rang_within(LOOK_EVERY) => {}
                () = app.stopping.cancelled() => return,
            }
        }
    }
}

enum Next {
    Chunk(LogChunk),
    End(LogEnd),
}

impl Next {
    fn encode(&self) -> Result<Event, axum::Error> {
        match self {
            Self::Chunk(chunk) => {
                let behind = chunk.offset + (chunk.data.len() / 4 * 3) as u64;
                // Base64 is padded with up to two signs for bytes that are not there.
                let padding = chunk.data.bytes().rev().take_while(|byte| *byte == b'=').count() as u64;
                let id = format!("{}-{}", chunk.epoch, behind - padding);
                Event::default().event("log").id(id).json_data(chunk)
            }
            Self::End(end) => {
                let id = format!("{}-{}", end.epoch, end.offset);
                Event::default().event("end").id(id).json_data(end)
            }
        }
    }
}

/// What the reader at `offset` of attempt `epoch` gets next; none while there is nothing new.
async fn next(
    app: &App,
    job: JobId,
    query: &LogQuery,
    epoch: &mut u32,
    offset: &mut i64,
) -> ApiResult<Option<Next>> {
    let rank = query.rank.unwrap_or(0);
    // Read before the log, so that a job seen as ended has no attempt after the one read below.
    let has_ended = has_ended(app, job).await?;
    let current = query.epoch.or((*epoch > 0).then_some(*epoch));
    let log = match store::find(&app.pool, job, current, rank).await? {
        Some(log) => log,
        None if has_ended => return Ok(Some(Next::End(LogEnd { epoch: 0, offset: 0 }))),
        None => return Ok(None),
    };
    *epoch = log.epoch;
    if log.is_removed {
        return Ok(Some(Next::End(LogEnd { epoch: log.epoch, offset: log.bytes.unsigned_abs() })));
    }
    let bytes = store::read(app, &log, *offset, CHUNK_BYTES).await?;
    let position = u64::try_from(*offset).unwrap_or_default();
    if !bytes.is_empty() {
        *offset += i64::try_from(bytes.len()).unwrap_or_default();
        return Ok(Some(Next::Chunk(LogChunk {
            epoch: log.epoch,
            offset: position,
            data: STANDARD.encode(bytes),
        })));
    }
    if !log.is_complete() {
        return Ok(None);
    }
    if query.epoch.is_none()
        && let Some(latest) = store::find(&app.pool, job, None, rank).await?
        && latest.epoch > log.epoch
    {
        // The job was tried again: go on with that log.
        (*epoch, *offset) = (latest.epoch, 0);
        return Box::pin(next(app, job, query, epoch, offset)).await;
    }
    let is_over = has_ended || query.epoch.is_some();
    Ok(is_over.then_some(Next::End(LogEnd { epoch: log.epoch, offset: position })))
}

async fn has_ended(app: &App, job: JobId) -> ApiResult<bool> {
    let ended = sqlx::query_scalar("SELECT finished_at IS NOT NULL FROM jobs WHERE id = $1")
        .bind(job.0)
        .fetch_optional(&app.pool)
        .await?;
    Ok(ended.unwrap_or(true))
}
