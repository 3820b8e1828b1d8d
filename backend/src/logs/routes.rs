//! Routes of logs: taking them in and reading them. `stream` follows them, `search` looks into them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use lilac_api::agent::{LogOffset, MAX_LOG_CHUNK_BYTES};
use lilac_api::job::{LogDownload, LogQuery, log_headers};
use lilac_api::problem::Problem;
use lilac_api::{AttemptId, JobId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Log, Stored};
use super::{read, search, stream};
use crate::app::App;
use crate::auth::caller::{Caller, NodeCaller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};
use crate::extract::{self, Id, Query};
use crate::training_job;

const DEFAULT_LIMIT_BYTES: u32 = 256 << 10;
const MAX_LIMIT_BYTES: u32 = 1 << 20;
/// How much of a download is read at a time.
const DOWNLOAD_BYTES: usize = 1 << 20;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(download))
        .routes(routes!(search::search))
        .routes(routes!(stream::stream))
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
    let offset = position(query.offset)?;
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

/// The log that a caller means; none before the first attempt.
pub async fn find(
    app: &App,
    caller: &Caller,
    job: JobId,
    epoch: Option<u32>,
    rank: Option<u16>,
) -> ApiResult<Option<Log>> {
    training_job::store::owner(&app.pool, caller, job).await?;
    let rank = rank.unwrap_or(0);
    let log = store::find(&app.pool, job, epoch, rank).await?;
    if log.is_none() && (epoch.is_some() || rank > 0) {
        return Err(ApiError::not_found("attempt"));
    }
    if log.as_ref().is_some_and(|log| log.is_removed) {
        return Err(store::removed());
    }
    Ok(log)
}

/// A position that a caller gave.
pub fn position(offset: u64) -> ApiResult<i64> {
    // Far beyond any log, and far from where sums overflow.
    let legal = i64::try_from(offset).ok().filter(|offset| *offset < 1 << 60);
    legal.ok_or_else(|| ApiError::malformed("query: offset is beyond any log"))
}

/// Where to start reading.
pub async fn start(app: &App, log: &Log, query: &LogQuery) -> ApiResult<i64> {
    match (query.offset, query.tail, query.since) {
        (None, None, None) => Ok(0),
        (Some(offset), None, None) => position(offset),
        (None, Some(lines), None) => read::tail_offset(app, log, lines).await,
        (None, None, Some(since)) => Ok(store::since(&app.pool, log, since).await?),
        _ => Err(ApiError::malformed("query: offset, tail and since exclude each other")),
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
        (status = 404, description = "There is no such job or attempt, or its log was kept for its time", body = Problem),
        (status = 503, description = "The database or the store of logs does not answer", body = Problem),
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
    let Some(log) = find(&app, &caller, job, query.epoch, query.rank).await? else {
        return Ok(part(Vec::new(), 0, 0, false));
    };
    let offset = start(&app, &log, &query).await?;
    let bytes = store::read(&app, &log, offset, limit as usize).await?;
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

/// Download a log
///
/// The whole of what is stored, as a file; compressed on the way where the client takes gzip.
#[utoipa::path(get, operation_id = "download_log", path = "/jobs/{id}/logs/download", tag = "logs", params(("id" = JobId, Path), LogDownload), security(("bearer" = [])),
    responses(
        (status = 200, description = "The log", content_type = "text/plain", body = String),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job or attempt, or its log was kept for its time", body = Problem),
        (status = 503, description = "The database or the store of logs does not answer", body = Problem),
    ))]
async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<LogDownload>,
) -> ApiResult<Response> {
    let log = find(&app, &caller, job, query.epoch, query.rank).await?;
    let (epoch, bytes) = log.as_ref().map_or((0, 0), |log| (log.epoch, log.bytes));
    let name = format!("{job}-{epoch}-{}.log", query.rank.unwrap_or(0));
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let Some(log) = log else { return Ok((headers, Body::empty()).into_response()) };
    // The first part is read before the answer begins: what cannot be read is said by the status.
    let first = store::read(&app, &log, 0, DOWNLOAD_BYTES).await?;
    Ok((headers, Body::from_stream(parts(app, log, first))).into_response())
}

/// The parts of a log as it was found. Where one cannot be read the transfer breaks off, which the client sees.
fn parts(app: Arc<App>, log: Log, first: Vec<u8>) -> impl Stream<Item = Result<Vec<u8>, std::io::Error>> {
    async_stream::stream! {
        let mut offset = i64::try_from(first.len()).unwrap_or(i64::MAX);
        yield Ok(first);
        while offset < log.bytes {
            match store::read(&app, &log, offset, DOWNLOAD_BYTES).await {
                Ok(bytes) => {
                    offset += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                    yield Ok(bytes);
                }
                Err(error) => {
                    yield Err(std::io::Error::other(error.detail));
                    return;
                }
            }
        }
    }
}
