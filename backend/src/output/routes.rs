//! Routes of outputs for users: what there is, and its bytes.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use lilac_api::JobId;
use lilac_api::output::{EntryKind, JobOutput, OutputFileQuery, OutputQuery};
use lilac_api::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Held};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::blob::frames;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::training_job;

/// How much of a download is read at a time.
const PART_BYTES: u64 = 1 << 20;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(download)).routes(routes!(file))
}

/// List a job's outputs
///
/// Those of its latest attempt, or of the one that is named: whether they are there, and what they hold.
#[utoipa::path(get, operation_id = "list_outputs", path = "/jobs/{id}/outputs", tag = "outputs", params(("id" = JobId, Path), OutputQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "The outputs, by rank and place in the spec", body = Vec<JobOutput>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 503, description = "The database is away", body = Problem),
    ))]
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(job): Id<JobId>,
    Query(query): Query<OutputQuery>,
) -> ApiResult<axum::Json<Vec<JobOutput>>> {
    training_job::store::owner(&app.pool, &caller, job).await?;
    let mut outputs = store::list(&app.pool, job, query.epoch).await?;
    outputs.retain(|output| query.rank.is_none_or(|rank| rank == output.rank));
    Ok(axum::Json(outputs))
}

/// Download an output
///
/// As a tar archive; compressed on the way where the client takes gzip.
#[utoipa::path(get, operation_id = "download_output", path = "/jobs/{id}/outputs/{index}", tag = "outputs",
    params(("id" = JobId, Path), ("index" = u16, Path, description = "Place in the job's list of outputs, from 0"), OutputQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "The archive", content_type = "application/x-tar", body = Vec<u8>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job, attempt or output", body = Problem),
        (status = 409, description = "It is not there yet, could not be had, or was removed; `detail` says which", body = Problem),
        (status = 503, description = "The database or the store of outputs does not answer", body = Problem),
    ))]
async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(JobId, u16)>, PathRejection>,
    Query(query): Query<OutputQuery>,
) -> ApiResult<Response> {
    let Path((job, index)) = path.map_err(|_| ApiError::not_found("job or output"))?;
    training_job::store::owner(&app.pool, &caller, job).await?;
    let rank = query.rank.unwrap_or(0);
    let Some((held, _)) = store::find(&app.pool, job, query.epoch, rank, index, None).await? else {
        return Err(absent(&app, job, query.epoch, rank, index).await?);
    };
    let name = format!("{job}-{}-{rank}-{index}.tar", held.epoch);
    let range = 0..held.bytes;
    transfer(app, held, range, "application/x-tar", &name).await
}

/// Download one file of an output
#[utoipa::path(get, operation_id = "download_output_file", path = "/jobs/{id}/outputs/{index}/files", tag = "outputs",
    params(("id" = JobId, Path), ("index" = u16, Path, description = "Place in the job's list of outputs, from 0"), OutputFileQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "The file's bytes", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job, attempt or output, or no such file in it", body = Problem),
        (status = 409, description = "It is not there yet, could not be had, or was removed; `detail` says which", body = Problem),
        (status = 503, description = "The database or the store of outputs does not answer", body = Problem),
    ))]
async fn file(
    State(app): State<Arc<App>>,
    caller: Caller,
    path: Result<Path<(JobId, u16)>, PathRejection>,
    Query(query): Query<OutputFileQuery>,
) -> ApiResult<Response> {
    let Path((job, index)) = path.map_err(|_| ApiError::not_found("job or output"))?;
    training_job::store::owner(&app.pool, &caller, job).await?;
    let rank = query.rank.unwrap_or(0);
    let found = store::find(&app.pool, job, query.epoch, rank, index, Some(&query.path)).await?;
    let Some((held, entry)) = found else {
        return Err(absent(&app, job, query.epoch, rank, index).await?);
    };
    // The path is only ever compared with the names in the archive: it leads nowhere.
    let entry = entry.filter(|entry| entry.kind == EntryKind::File);
    let entry = entry.ok_or_else(|| ApiError::not_found("file in this output"))?;
    let name = entry.path.rsplit('/').next().unwrap_or_default();
    transfer(app, held, entry.at..entry.at + entry.size, "application/octet-stream", name).await
}

/// Why there are no bytes of an output: it is none of the job's, or it is not stored.
async fn absent(app: &App, job: JobId, epoch: Option<u32>, rank: u16, index: u16) -> ApiResult<ApiError> {
    let outputs = store::list(&app.pool, job, epoch).await?;
    let output = outputs.into_iter().find(|output| (output.rank, output.index) == (rank, index));
    Ok(match output {
        None => ApiError::not_found("output of this job"),
        Some(output) if output.message.is_empty() => ApiError::conflict("it was not handed over yet"),
        Some(output) => ApiError::conflict(format!("it is {}: {}", output.state, output.message)),
    })
}

/// Sends a part of an archive as a file.
async fn transfer(
    app: Arc<App>,
    held: Held,
    range: Range<u64>,
    kind: &'static str,
    name: &str,
) -> ApiResult<Response> {
    let length = range.end - range.start;
    let first = range.start..range.end.min(range.start + PART_BYTES);
    // Read before the answer begins: what cannot be read is said by the status.
    let read = frames::read(&app.settings.store, &held.object, &held.frame_ends, first.clone()).await?;
    let body = Body::from_stream(parts(app, held, read, first.end..range.end));
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' })
        .collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{plain}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"))),
    ];
    Ok((headers, body).into_response())
}

/// The parts of an archive. Where one cannot be read the transfer breaks off, which the client sees.
fn parts(
    app: Arc<App>,
    held: Held,
    first: Bytes,
    rest: Range<u64>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> {
    async_stream::stream! {
        yield Ok(first);
        let mut at = rest.start;
        while at < rest.end {
            let part = at..rest.end.min(at + PART_BYTES);
            at = part.end;
            match frames::read(&app.settings.store, &held.object, &held.frame_ends, part).await {
                Ok(bytes) => yield Ok(bytes),
                Err(error) => {
                    yield Err(std::io::Error::other(error.detail));
                    return;
                }
            }
        }
    }
}
