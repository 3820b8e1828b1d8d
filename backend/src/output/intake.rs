//! Routes of nodes: handing an output over, or saying why it cannot be.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use futures::StreamExt;
use lilac_api::AttemptId;
use lilac_api::output::OutputFailure;
use lilac_api::problem::{ErrorCode, Problem};
use lilac_api::spec::Output;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, WriteMultipart};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::OutputLimits;
use super::archive::{self, Archived, BodyReader, Refusal};
use super::store::{self, Place, Source};
use crate::app::App;
use crate::auth::caller::NodeCaller;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Json, Query};

/// How many archives a server takes in at once: each keeps a thread busy.
static INTAKES: Semaphore = Semaphore::const_new(8);
/// Pieces that wait between the network, the reader of the archive and the store.
const PIECES: usize = 16;
/// Parts that are on their way to the store at once.
const PARTS: usize = 4;
const MAX_MESSAGE_CHARS: usize = 2000;

pub fn agent_routes() -> OpenApiRouter<Arc<App>> {
    // What a body may hold is counted while it is read.
    let unlimited = OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable());
    let small = OpenApiRouter::new().routes(routes!(fail)).layer(DefaultBodyLimit::max(64 << 10));
    unlimited.merge(small)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// Rank of the task.
    #[serde(default)]
    rank: u16,
}

/// Hand over an output
///
/// The body is a tar archive. It is read while it comes in: what does not belong in one is refused, and nothing
/// is kept of it. Sent again after it was stored, it is answered in the same way.
#[utoipa::path(put, operation_id = "upload_output", path = "/agent/attempts/{id}/outputs/{index}", tag = "agent",
    params(("id" = AttemptId, Path), ("index" = u16, Path, description = "Place in the job's list of outputs, from 0"), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/x-tar"), security(("node" = [])),
    responses(
        (status = 204, description = "Stored for good"),
        (status = 400, description = "A parameter cannot be read, or the body broke off", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 404, description = "The node has no such task, or its job no such output", body = Problem),
        (status = 413, description = "The archive, or a file in it, is over its limit", body = Problem),
        (status = 422, description = "The archive holds what it must not", body = Problem),
        (status = 503, description = "The database or the store is away, or the server takes in as much as it can", body = Problem),
    ))]
async fn upload(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    path: Result<Path<(AttemptId, i16)>, PathRejection>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> ApiResult<StatusCode> {
    let (place, source, output) = find(&app, &node, path, query.rank).await?;
    let _permit =
        INTAKES.try_acquire().map_err(|_| ApiError::unavailable("this server takes in as much as it can"))?;
    let object = format!(
        "outputs/{}/{}-{}/{}-{}.tar.zst",
        source.job_id,
        source.epoch,
        place.rank,
        place.number,
        Uuid::now_v7().simple()
    );
    let limits = app.settings.outputs;
    let archived = take_in(&app, request, limits, &object).await?;
    let path = ObjectPath::from(object.as_str());
    let keep = output.keep.map_or(limits.keep, |keep| keep.0);
    let mut tx = app.pool.begin().await?;
    let is_first = store::record(&mut tx, place, &archived, &object, keep).await?;
    tx.commit().await?;
    if !is_first {
        app.settings.store.delete(&path).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Say that an output cannot be handed over
#[utoipa::path(post, operation_id = "fail_output", path = "/agent/attempts/{id}/outputs/{index}/failure", tag = "agent",
    params(("id" = AttemptId, Path), ("index" = u16, Path, description = "Place in the job's list of outputs, from 0")),
    request_body = OutputFailure, security(("node" = [])),
    responses(
        (status = 204, description = "Noted, unless the output is there already"),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 404, description = "The node has no such task, or its job no such output", body = Problem),
        (status = 413, description = "The body is over 64 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused", body = Problem),
        (status = 503, description = "The database is away", body = Problem),
    ))]
async fn fail(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    path: Result<Path<(AttemptId, i16)>, PathRejection>,
    Json(failure): Json<OutputFailure>,
) -> ApiResult<StatusCode> {
    let (place, ..) = find(&app, &node, path, failure.rank).await?;
    if failure.message.chars().count() > MAX_MESSAGE_CHARS {
        let message = format!("must have at most {MAX_MESSAGE_CHARS} characters");
        return Err(ApiError::field("message", "too-long", message));
    }
    let mut tx = app.pool.begin().await?;
    store::fail(&mut tx, place, &failure.message).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(
    app: &App,
    node: &NodeCaller,
    path: Result<Path<(AttemptId, i16)>, PathRejection>,
    rank: u16,
) -> ApiResult<(Place, Source, Output)> {
    let missing = || ApiError::not_found("task or output of this node");
    let Path((attempt, number)) = path.map_err(|_| missing())?;
    let rank = i16::try_from(rank).map_err(|_| missing())?;
    let source = store::source(&app.pool, node.node_id, attempt, rank).await?.ok_or_else(missing)?;
    let index = usize::try_from(number).map_err(|_| missing())?;
    let output = source.outputs.get(index).cloned().ok_or_else(missing)?;
    Ok((Place { attempt, rank, number }, source, output))
}

/// Reads the body into the store. Where it is refused, nothing stays.
async fn take_in(app: &App, request: Request, limits: OutputLimits, object: &str) -> ApiResult<Archived> {
    let upload = app.settings.store.put_multipart(&ObjectPath::from(object)).await?;
    let mut writer = WriteMultipart::new(upload);
    let (body, pieces) = mpsc::channel(PIECES);
    let (frames, mut packed) = mpsc::channel::<Bytes>(PIECES);
    let reading =
        tokio::task::spawn_blocking(move || archive::take_in(BodyReader::new(pieces), limits, frames));
    let feed = async move {
        let mut stream = request.into_body().into_data_stream();
        while let Some(piece) = stream.next().await {
            let is_end = piece.is_err();
            if body.send(piece.map_err(std::io::Error::other)).await.is_err() || is_end {
                return;
            }
        }
    };
    let sink = &mut writer;
    // Where the store takes no more, the frames end here, and so do reader and feed.
    let write = async move {
        while let Some(frame) = packed.recv().await {
            sink.wait_for_capacity(PARTS).await?;
            sink.put(frame);
        }
        Ok::<(), object_store::Error>(())
    };
    let ((), written) = tokio::join!(feed, write);
    let read = reading.await.map_err(|_| ApiError::internal())?;
    match (read, written) {
        (Ok(archived), Ok(())) => {
            writer.finish().await?;
            Ok(archived)
        }
        (read, written) => {
            // What was sent of it is no object yet.
            if let Err(error) = writer.abort().await {
                tracing::debug!(%error, "an upload that was given up stays in the store");
            }
            written?;
            Err(read.err().map_or_else(ApiError::internal, refusal))
        }
    }
}

fn refusal(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::TooLarge(detail) => {
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, detail)
        }
        Refusal::Hostile(detail) => ApiError::field("body", "archive", detail),
        Refusal::Broken => ApiError::malformed("the body broke off"),
    }
}
