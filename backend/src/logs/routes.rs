//! Routes of logs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::Stream;
use lilac_api::agent::{LogOffset, MAX_LOG_CHUNK_BYTES};
use lilac_api::job::{LogChunk, LogEnd, LogQuery, log_headers};
use lilac_api::problem::Problem;
use lilac_api::{AttemptId, JobId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::read;
use super::store::{self, Log, Stored};
use crate::app::App;
use crate::auth::caller::{Caller, NodeCaller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{self, Id, Query};
use crate::training_job;

const DEFAULT_LIMIT_BYTES: u32 = 256 << 10;
const MAX_LIMIT_BYTES: u32 = 1 << 20;
/// How much one event of the live log carries.
const STREAM_CHUNK_BYTES: usize = 64 << 10;
/// A live reader looks again this often although no bell rang.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(stream))
}

/// Routes of agents, with room for a chunk in the body.
pub fn agent_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(MAX_LOG_CHUNK_BYTES))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// Rank of the task.
    #[serde(default)]
    rank: u16,
    /// Position of the body's first byte.
    offset: u64,
}

/// Hand over a part of a log
///
/// Accepted only where the stored log ends; a 409 tells where that is.
#[utoipa::path(put, operation_id = "upload_log", path = "/agent/attempts/{id}/logs", tag = "agent", params(("id" = AttemptId, Path), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), security(("node" = [])),
    responses(
        (status = 200, description = "Stored for good", body = LogOffset),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 404, description = "The node has no such task", body = Problem),
        (status = 409, description = "The log ends elsewhere", body = LogOffset),
        (status = 413, description = "The body is over 1 MiB", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn upload(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    Id(attempt): Id<AttemptId>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> ApiResult<Response> {
    let data = extract::body(request, &app).await?;
    let rank = i16::try_from(query.rank).map_err(|_| ApiError::not_found("task"))?;
    let offset =
        i64::try_from(query.offset).map_err(|_| ApiError::malformed("query: offset is beyond any log"))?;
    let mut tx = app.pool.begin().await?;
    let stored = store::append(&mut tx, node.node_id, attempt, rank, offset, &data).await?;
    let (status, bytes) = match stored {
        Stored::Yes { bytes, job_id } => {
            tx.commit().await?;
            app.bell.ring(Topic::Log(job_id));
            (StatusCode::OK, bytes)
        }
        Stored::Elsewhere { bytes } => (StatusCode::CONFLICT, bytes),
        Stored::Unknown => return Err(ApiError::not_found("task of this node")),
    };
    let next = [(HeaderName::from_static(log_headers::NEXT_OFFSET), HeaderValue::from(bytes))];
    let body = axum::Json(LogOffset { offset: u64::try_from(bytes).unwrap_or_default() });
    Ok((status, next, body).into_response())
}

/// The log that a query means; none before the first attempt.
async fn find(app: &App, caller: &Caller, job: JobId, query: &LogQuery) -> ApiResult<Option<Log>> {
    training_job::store::owner(&app.pool, caller, job).await?;
    let rank = query.rank.unwrap_or(0);
    let log = store::find(&app.pool, job, query.epoch, rank).await?;
    if log.is_none() && (query.epoch.is_some() || rank > 0) {
        return Err(ApiError::not_found("attempt"));
    }
    Ok(log)
}

/// Where to start reading.
async fn start(app: &App, log: &Log, query: &LogQuery) -> ApiResult<i64> {
    match (query.offset, query.tail) {
        (Some(_), Some(_)) => Err(ApiError::malformed("query: offset and tail exclude each other")),
        (Some(offset), None) => {
            i64::try_from(offset).map_err(|_| ApiError::malformed("query: offset is beyond any log"))
        }
        (None, Some(lines)) => Ok(read::tail_offset(&app.pool, log, lines).await?),
        (None, None) => Ok(0),
    }
}

/// Read a part of a log
///
/// The body holds the bytes as the container wrote them; headers say which part it is and whether more may
/// follow. Before the first attempt it is empty.
#[utoipa::path(get, operation_id = "read_log", path = "/jobs/{id}/logs", tag = "logs", params(("id" = JobId, Path), LogQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Bytes of the log", content_type = "application/octet-stream", body = Vec<u8>,
            headers(
                ("lilac-log-offset" = u64, description = "Position of the first byte"),
                ("lilac-log-next-offset" = u64, description = "Where to read on"),
                ("lilac-log-complete" = bool, description = "Whether the log is whole and the body reaches its end"),
                ("lilac-log-epoch" = u32, description = "Number of the attempt; 0 before the first"))),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt", body = Problem),
    ))]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Response> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT_BYTES);
    if !(1..=MAX_LIMIT_BYTES).contains(&limit) {
        return Err(ApiError::malformed(format!("query: limit must be 1 to {MAX_LIMIT_BYTES}, is {limit}")));
    }
    let Some(log) = find(&app, &caller, job, &query).await? else {
        return Ok(part(Vec::new(), 0, 0, false));
    };
    let offset = start(&app, &log, &query).await?;
    let bytes = store::read(&app.pool, &log, offset, limit as usize).await?;
    let next = offset + i64::try_from(bytes.len()).unwrap_or_default();
    let complete = log.is_complete() && next >= log.bytes;
    Ok(part(bytes, offset, log.epoch, complete))
}

fn part(bytes: Vec<u8>, offset: i64, epoch: u32, complete: bool) -> Response {
    let next = offset + i64::try_from(bytes.len()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(log_headers::OFFSET, HeaderValue::from(offset));
    headers.insert(log_headers::NEXT_OFFSET, HeaderValue::from(next));
    headers.insert(log_headers::EPOCH, HeaderValue::from(epoch));
    headers.insert(log_headers::COMPLETE, HeaderValue::from_static(if complete { "true" } else { "false" }));
    (headers, bytes).into_response()
}

/// Follow a log
///
/// Server-sent events: `log` with a part of the log, and at last `end`. Without an epoch it waits for the first
/// attempt, and goes on with the next one when the job is tried again.
#[utoipa::path(get, operation_id = "follow_log", path = "/jobs/{id}/logs/stream", tag = "logs", params(("id" = JobId, Path), LogQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Events `log` (LogChunk) and `end` (LogEnd)", content_type = "text/event-stream", body = LogChunk),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt", body = Problem),
    ))]
async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Response> {
    // Refused here where it can be, before the stream begins.
    let offset = match find(&app, &caller, job, &query).await? {
        Some(log) => Some((log.epoch, start(&app, &log, &query).await?)),
        None => None,
    };
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(10));
    let mut response = Sse::new(follow(app, job, query, offset)).keep_alive(keep_alive).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn follow(
    app: Arc<App>,
    job: JobId,
    query: LogQuery,
    begun: Option<(u32, i64)>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let mut bells = app.bell.listen();
        let (mut epoch, mut offset) = begun.unwrap_or((0, 0));
        loop {
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
                _ = bells.wait_for(LOOK_EVERY, |topic| matches!(topic, Topic::Log(id) | Topic::Job(id) if id == job)) => {}
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
            Self::Chunk(chunk) => Event::default().event("log").json_data(chunk),
            Self::End(end) => Event::default().event("end").json_data(end),
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
    let bytes = store::read(&app.pool, &log, *offset, STREAM_CHUNK_BYTES).await?;
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
