//! Opening streams, and the WebSockets of both ends.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::stream::{
    ExecJob, ForwardPort, MAX_COMMAND_BYTES, MAX_COMMAND_WORDS, MAX_MESSAGE_BYTES, OpenedStream, SUBPROTOCOL,
    StreamTask, TOKEN_HEADER, TerminalSize,
};
use lilac_api::{JobId, StreamId, validate};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::relay;
use super::relays::not_here;
use super::{store, ticket};
use crate::address::Address;
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member, NodeCaller};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::{Id, Json};
use crate::training_job::actions::may_control;

/// A terminal is no larger than this, either way.
const MAX_TERMINAL: u64 = 10_000;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Run a program in a job's container
///
/// Opens a stream: connect a WebSocket to `/streams/{id}` within 20 seconds. The program runs beside the job, with
/// its rights, and ends when the stream does. The audit log keeps the command, and nothing of what is typed.
#[utoipa::path(post, operation_id = "exec_in_job", path = "/jobs/{id}/exec", tag = "jobs", params(("id" = JobId, Path)), request_body = ExecJob, security(("bearer" = [])),
    responses(
        (status = 201, description = "The stream, to be connected to once", body = OpenedStream),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job does not run, or its node is not heard from", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused", body = Problem),
        (status = 429, description = "As many streams are open as there may be", body = Problem),
    ))]
pub async fn exec(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    from: Option<Extension<Address>>,
    Json(request): Json<ExecJob>,
) -> ApiResult<(StatusCode, axum::Json<OpenedStream>)> {
    may_control(&app, &caller, id).await?;
    check(&request)?;
    let details = json!({
        "command": request.command, "terminal": request.terminal.is_some(), "rank": request.rank,
        "environment": request.env.keys().collect::<Vec<_>>(),
    });
    open(&app, &caller, id, StreamTask::Exec(request), "job.exec", details, from).await
}

/// Reach a port of a job's container
///
/// Opens a stream that is one TCP connection: connect a WebSocket to `/streams/{id}` within 20 seconds.
#[utoipa::path(post, operation_id = "forward_port_of_job", path = "/jobs/{id}/port-forward", tag = "jobs", params(("id" = JobId, Path)), request_body = ForwardPort, security(("bearer" = [])),
    responses(
        (status = 201, description = "The stream, to be connected to once", body = OpenedStream),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's job", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 409, description = "The job does not run, or its node is not heard from", body = Problem),
        (status = 413, description = "The body is over 256 KiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused", body = Problem),
        (status = 429, description = "As many streams are open as there may be", body = Problem),
    ))]
pub async fn forward_port(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<JobId>,
    from: Option<Extension<Address>>,
    Json(request): Json<ForwardPort>,
) -> ApiResult<(StatusCode, axum::Json<OpenedStream>)> {
    may_control(&app, &caller, id).await?;
    let mut errors = Vec::new();
    validate::in_bounds("port", u64::from(request.port), 1, u64::from(u16::MAX), &mut errors);
    validate::in_bounds("rank", u64::from(request.rank), 0, i16::MAX as u64, &mut errors);
    refuse_invalid(errors)?;
    let details = json!({ "port": request.port, "rank": request.rank });
    open(&app, &caller, id, StreamTask::PortForward(request), "job.port-forward", details, from).await
}

fn check(request: &ExecJob) -> ApiResult<()> {
    let mut errors = Vec::new();
    let words = request.command.len() as u64;
    validate::in_bounds("command", words, 1, MAX_COMMAND_WORDS as u64, &mut errors);
    let bytes = |texts: &mut dyn Iterator<Item = &String>| texts.map(String::len).sum::<usize>() as u64;
    if bytes(&mut request.command.iter()) > MAX_COMMAND_BYTES as u64 {
        errors.push(FieldError::new("command", "out-of-bounds", "must have at most 32 KiB"));
    }
    if request.command.first().is_some_and(String::is_empty) {
        errors.push(FieldError::new("command[0]", "missing-field", "must name a program"));
    }
    for (index, _) in request.command.iter().enumerate().filter(|(_, word)| word.contains('\0')) {
        errors.push(FieldError::new(format!("command[{index}]"), "nul", "must not contain a NUL character"));
    }
    if bytes(&mut request.env.iter().flat_map(|(name, value)| [name, value])) > MAX_COMMAND_BYTES as u64 {
        errors.push(FieldError::new("env", "out-of-bounds", "must have at most 32 KiB"));
    }
    for (name, value) in &request.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let message = "a name must not be empty or contain `=`, and nothing a NUL character";
            errors.push(FieldError::new(format!("env.{name}"), "invalid-name", message));
        }
    }
    if let Some(TerminalSize { columns, rows }) = request.terminal {
        validate::in_bounds("terminal.columns", u64::from(columns), 1, MAX_TERMINAL, &mut errors);
        validate::in_bounds("terminal.rows", u64::from(rows), 1, MAX_TERMINAL, &mut errors);
    }
    validate::in_bounds("rank", u64::from(request.rank), 0, i16::MAX as u64, &mut errors);
    refuse_invalid(errors)
}

async fn open(
    app: &App,
    caller: &Caller,
    job: JobId,
    task: StreamTask,
    action: &str,
    mut details: serde_json::Value,
    from: Option<Extension<Address>>,
) -> ApiResult<(StatusCode, axum::Json<OpenedStream>)> {
    let mut tx = app.pool.begin().await?;
    let place = store::place(&mut tx, job, task.rank()).await?;
    let (id, expires_at) = store::open(&mut tx, caller.user_id, job, &place, &task).await?;
    details["epoch"] = json!(place.epoch);
    details["stream"] = json!(id);
    if let Some(Extension(Address(address))) = from {
        details["from"] = json!(address);
    }
    audit::record(&mut tx, &caller.actor(), action, &format!("job:{job}"), details).await?;
    tx.commit().await?;
    tracing::info!(job_id = %job, stream_id = %id, user = %caller.username, action, "a stream was opened");
    let ticket = ticket::issue(app, caller, id, expires_at);
    Ok((StatusCode::CREATED, axum::Json(OpenedStream { id, expires_at, ticket })))
}

fn upgraded(upgrade: Upgrade) -> ApiResult<WebSocketUpgrade> {
    let upgrade = upgrade.map_err(|rejection| {
        ApiError::malformed(format!("connect with a WebSocket: {}", rejection.body_text()))
    })?;
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_MESSAGE_BYTES))
}

/// Connect to a stream
///
/// A WebSocket of the subprotocol `lilac.stream.v1`, once for each stream, by who opened it. A binary message is a
/// byte that names the channel (0 input, 1 output, 2 standard error) and data; a text message is a
/// `Control` as JSON. A browser, which cannot send a credential, offers the stream's ticket as a second subprotocol.
/// Messages have 64 KiB at most. The user says nothing before `started`. It ends with the program or connection, with the job's attempt,
/// when the caller's credential ends, or after 30 minutes in which nothing flows.
#[utoipa::path(get, operation_id = "connect_to_stream", path = "/streams/{id}", tag = "jobs", params(("id" = StreamId, Path)), security(("bearer" = [])),
    responses(
        (status = 101, description = "From here on a WebSocket: text messages are `Control`, binary ones data", body = lilac_api::stream::Control),
        (status = 400, description = "The request does not ask for a WebSocket", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 404, description = "The caller opened no such stream, or it was connected to or has expired", body = Problem),
        (status = 429, description = "The server carries as many streams as it can", body = Problem),
    ))]
pub async fn connect(
    State(app): State<Arc<App>>,
    caller: ApiResult<Member>,
    headers: HeaderMap,
    Id(id): Id<StreamId>,
    upgrade: Upgrade,
) -> ApiResult<Response> {
    let caller = match ticket::shown(&headers) {
        Some(shown) => ticket::holder(&app, shown, id).await?,
        None => caller?.0,
    };
    let missing = || ApiError::not_found("stream");
    if !store::is_open(&app.pool, id, caller.user_id).await? {
        return Err(missing());
    }
    let upgrade = upgraded(upgrade)?;
    let place = app.relays.wait(id)?;
    let server = app.settings.advertise_url.as_deref();
    let claimed = store::claim(&app.pool, id, caller.user_id, server).await?.ok_or_else(missing)?;
    // A `sync` that the bell wakes must find the hint, whoever of the two is faster.
    app.relays.hint(claimed.node_id);
    app.bell.ring(Topic::Streams(claimed.node_id));
    Ok(upgrade.on_upgrade(move |socket| relay::run(app, caller, claimed, place, socket)))
}

/// Connect the node's end of a stream
///
/// As the agent was told by `sync`, with the token that it was told.
#[utoipa::path(get, path = "/agent/streams/{id}", tag = "agent", params(("id" = StreamId, Path), ("lilac-stream-token" = Option<String>, Header, description = "The stream's token")), security(("node" = [])),
    responses(
        (status = 101, description = "From here on a WebSocket: text messages are `Control`, binary ones data", body = lilac_api::stream::Control),
        (status = 400, description = "The request does not ask for a WebSocket", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 404, description = "The node is not wanted at such a stream, or another server holds it", body = Problem),
    ))]
pub async fn connect_agent(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    Id(id): Id<StreamId>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> ApiResult<Response> {
    if !store::is_wanted(&app.pool, id, node.node_id).await? {
        return Err(ApiError::not_found("stream"));
    }
    let upgrade = upgraded(upgrade)?;
    let token = app.keys.stream_token(id);
    let shown = headers.get(TOKEN_HEADER).map(|value| value.as_bytes()).unwrap_or_default();
    if !bool::from(token.0.as_bytes().ct_eq(shown)) {
        return Err(ApiError::not_found("stream"));
    }
    if !app.relays.is_here(id) {
        return Err(not_here());
    }
    store::join(&app.pool, id).await?;
    Ok(upgrade.on_upgrade(move |socket: WebSocket| async move {
        // When nobody waits any more, the connection is dropped, and the agent sees it end.
        app.relays.meet(id, socket);
    }))
}
