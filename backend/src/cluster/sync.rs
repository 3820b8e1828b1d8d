//! `sync`: the one message between an agent and the control plane, held open until there is news.
//!
//! Level-triggered: up comes all that the agent knows, down goes the whole set that the node should run. A
//! message that is lost, late or repeated does no harm, because each tells everything anew, and every change
//! that it causes is a compare-and-set.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use lilac_api::agent::{AttemptReport, Phase, SYNC_WAIT_SECS, SyncRequest, SyncResponse};
use lilac_api::image::TaskImage;
use lilac_api::job::AttemptState;
use lilac_api::problem::{ErrorCode, Problem};
use lilac_api::quantity::Span;
use lilac_api::{AttemptId, SessionId, validate};
use lilac_rules::desired::{is_news, response};
use lilac_rules::report::says_something;
use lilac_rules::session::{self, Greeting, Known, Speaker};
use sqlx::types::Json as Stored;
use sqlx::{PgConnection, Row};

use super::desired;
use super::gangs;
use super::images;
use super::register::{Spoken, check_protocol};
use crate::app::{App, detached};
use crate::auth::caller::NodeCaller;
use crate::bell::{Topic, Watch};
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::interactive::TELL_AGAIN;
use crate::training_job::transitions;

/// The most attempts that one message may speak of.
const MAX_ATTEMPTS: usize = 4096;
/// How often a heartbeat that changes nothing is written down.
const SEEN_EVERY: &str = "5 seconds";

/// Tell what the node does, and learn what it should do
///
/// Answers at once when there is something new for the node, else after a while.
#[utoipa::path(post, path = "/agent/sync", tag = "agent", request_body = SyncRequest, security(("node" = [])),
    responses(
        (status = 200, description = "The whole set of attempts that the node should run", body = SyncResponse),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "The node's credential is wrong, or the node was removed", body = Problem),
        (status = 403, description = "Not a node's credential", body = Problem),
        (status = 409, description = "A newer session speaks for this node: `fenced`", body = Problem),
        (status = 413, description = "The body is over 4 MiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused", body = Problem),
        (status = 426, description = "The agent speaks another protocol", body = Problem),
        (status = 503, description = "The database is away; send again later", body = Problem),
    ))]
pub async fn sync(
    State(app): State<Arc<App>>,
    node: NodeCaller,
    Spoken(request): Spoken<SyncRequest>,
) -> ApiResult<axum::Json<SyncResponse>> {
    check_protocol(request.protocol)?;
    check(&request)?;
    // From before the first read on, so that nothing rings unheard in between.
    let bells = match app.quiet.take(node.node_id, &request) {
        Some(quiet) => {
            let wait = if request.no_wait { Duration::ZERO } else { Duration::from_secs(SYNC_WAIT_SECS) };
            if !rings(&app, &quiet.bells, wait).await {
                app.quiet.put_back(node.node_id, quiet);
                count("nothing");
                let prefetch = images::awaited(&app, node.cluster_id);
                return Ok(axum::Json(SyncResponse { prefetch, ..SyncResponse::default() }));
            }
            quiet.bells
        }
        None => app.bell.watch([Topic::Node(node.node_id), Topic::Streams(node.node_id)]),
    };
    let (app, node, request) = (app, Arc::new(node), Arc::new(request));

    // An agent that hangs up in the middle must not leave half a transaction behind.
    let arrived = {
        let (app, node, request) = (app.clone(), node.clone(), request.clone());
        detached(async move { arrive(&app, &node, &request).await }).await?
    };
    let wait_until = tokio::time::Instant::now() + Duration::from_secs(SYNC_WAIT_SECS);
    let mut told_first = None;
    loop {
        let held = {
            let (app, node, request) = (app.clone(), node.clone(), request.clone());
            detached(async move { desired::deliver(&app, &node, &request).await }).await?
        };
        // A short lease is renewed often: the answer must reach the agent well before it ends.
        let shortest = held.iter().map(|held| held.lease_millis).min().unwrap_or(i64::MAX);
        let patience = Duration::from_millis(u64::try_from(shortest / 3).unwrap_or_default());
        let wait = wait_until.saturating_duration_since(tokio::time::Instant::now()).min(patience);
        let mut response = response(&request.attempts, &held, &arrived.settled, arrived.at);
        response.prefetch = images::awaited(&app, node.cluster_id);
        let streams = app.relays.orders(&app, node.node_id).await?;
        response.streams = streams.now;
        let wait = if streams.are_pending { wait.min(TELL_AGAIN) } else { wait };
        // An extension since this message came is for the agent to know before the old time is over.
        let runtimes = runtimes(&response);
        let is_extended = told_first.get_or_insert_with(|| runtimes.clone()) != &runtimes;
        let is_over = request.no_wait || wait.is_zero() || app.stopping.is_cancelled();
        if is_extended || is_news(&request.attempts, &response) {
            count("news");
            return Ok(axum::Json(response));
        }
        if is_over || !rings(&app, &bells, wait).await {
            if held.is_empty() && request.attempts.is_empty() {
                app.quiet.remember(node.node_id, Arc::unwrap_or_clone(request), bells);
            }
            count("nothing");
            return Ok(axum::Json(response));
        }
    }
}

/// Whether a bell about the node rings within a time, and before the server stops.
async fn rings(app: &App, bells: &Watch, wait: Duration) -> bool {
    if wait.is_zero() {
        return false;
    }
    tokio::select! {
        rang = bells.rang_within(wait) => rang,
        () = app.stopping.cancelled() => false,
    }
}

fn count(told: &'static str) {
    metrics::counter!("lilac_agent_syncs_total", "told" => told).increment(1);
}

fn check(request: &SyncRequest) -> ApiResult<()> {
    let mut errors = Vec::new();
    validate::in_bounds("attempts", request.attempts.len() as u64, 0, MAX_ATTEMPTS as u64, &mut errors);
    validate::name("machine_id", &request.machine_id, 128, &mut errors);
    validate::in_bounds("agent_version", request.agent_version.len() as u64, 1, 64, &mut errors);
    validate::in_bounds("sequence", request.sequence, 0, i64::MAX as u64, &mut errors);
    let capacity = &request.capacity;
    validate::in_bounds("capacity.cpu_milli", u64::from(capacity.cpu_milli), 0, 100_000_000, &mut errors);
    validate::in_bounds("capacity.memory_bytes", capacity.memory_bytes, 0, 1 << 60, &mut errors);
    validate::in_bounds("capacity.disk_bytes", capacity.disk_bytes, 0, 1 << 60, &mut errors);
    validate::in_bounds("capacity.gpus", capacity.gpus.len() as u64, 0, 1024, &mut errors);
    let indices: HashSet<u16> = capacity.gpus.iter().map(|gpu| gpu.index).collect();
    if indices.len() != capacity.gpus.len() || indices.iter().any(|index| i16::try_from(*index).is_err()) {
        let message = "each GPU has an index of its own, below 32768";
        errors.push(lilac_api::problem::FieldError::new("capacity.gpus", "duplicate", message));
    }
    validate::in_bounds("labels", request.labels.len() as u64, 0, 64, &mut errors);
    images::check(request, &mut errors);
    gangs::check(request, &mut errors);
    validate::in_bounds("runtime.message", request.runtime.message.len() as u64, 0, 8192, &mut errors);
    for (index, report) in request.attempts.iter().enumerate() {
        let path = format!("attempts[{index}].result");
        match (&report.result, report.phase) {
            (Some(result), Phase::Ended) => {
                validate::in_bounds(
                    &format!("{path}.message"),
                    result.message.len() as u64,
                    0,
                    8192,
                    &mut errors,
                );
                validate::in_bounds(&format!("{path}.log_bytes"), result.log_bytes, 0, 1 << 50, &mut errors);
            }
            (None, Phase::Ended) => {
                errors.push(lilac_api::problem::FieldError::new(
                    path,
                    "missing-field",
                    "an ended attempt has a result",
                ));
            }
            (Some(_), _) => {
                errors.push(lilac_api::problem::FieldError::new(
                    path,
                    "exclusive",
                    "only an ended attempt has a result",
                ));
            }
            (None, _) => {}
        }
    }
    refuse_invalid(errors)
}

/// What was settled when a message arrived.
struct Arrival {
    /// The database's time at the arrival: leases are counted from it, because the agent counts from a
    /// moment before.
    at: DateTime<Utc>,
    /// Reported as ended, and recorded (now or before) or none of ours: may be forgotten.
    settled: Vec<AttemptId>,
}

/// Takes in what the agent says, in one transaction.
async fn arrive(app: &App, node: &NodeCaller, request: &SyncRequest) -> ApiResult<Arrival> {
    let mut topics = Vec::new();
    let mut tx = app.pool.begin().await?;
    let row = sqlx::query(
        "SELECT session_id, boot_id, machine_id, clock_timestamp() AS at FROM nodes WHERE id = $1 AND removed_at IS NULL FOR UPDATE",
    )
    .bind(node.node_id.0)
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| ApiError::unauthenticated("the node was removed"))?;
    let at: DateTime<Utc> = row.try_get("at")?;
    let session: Option<uuid::Uuid> = row.try_get("session_id")?;
    let known = Known {
        session: session.map(SessionId),
        boot_id: row.try_get("boot_id")?,
        machine_id: row.try_get("machine_id")?,
    };
    let speaker = Speaker {
        session: request.session,
        sequence: request.sequence,
        boot_id: request.boot_id,
        machine_id: &request.machine_id,
    };
    let rebooted = match session::greet(known, speaker) {
        Greeting::Current => None,
        Greeting::TakesOver { rebooted } => Some(rebooted),
        Greeting::OtherMachine => {
            return Err(fenced("this credential belongs to another machine; join the cluster anew"));
        }
        Greeting::Older => return Err(fenced("a newer agent speaks for this node")),
    };
    let actor = format!("node:{}", node.name);
    let settled = take_reports(&mut tx, node, request, &actor, &mut topics).await?;
    if let Some(rebooted) = rebooted {
        topics.extend(take_over(&mut tx, node, request, rebooted).await?);
    }
    if write_node(&mut tx, node, request).await? || rebooted.is_some() {
        topics.extend([Topic::Schedule, Topic::NodeView(node.node_id)]);
    }
    renew(&mut tx, node).await?;
    // Last, as it changes attempts whose jobs it does not lock.
    topics.extend(gangs::note(&mut tx, node, request).await?);
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(Arrival { at, settled })
}

/// Another agent speaks for the node.
pub fn fenced(detail: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Fenced, detail)
}

/// T3, T5, T8: carries out what the reports say. Answers with the ended attempts that need no more telling.
async fn take_reports(
    conn: &mut PgConnection,
    node: &NodeCaller,
    request: &SyncRequest,
    actor: &str,
    topics: &mut Vec<Topic>,
) -> ApiResult<Vec<AttemptId>> {
    if request.attempts.is_empty() {
        return Ok(Vec::new());
    }
    let mentioned: Vec<AttemptId> = request.attempts.iter().map(|report| report.attempt_id).collect();
    // Most reports repeat what is known: only those that say something new are worth the locks.
    let (known, images) = stored(conn, node, &mentioned).await?;
    images::note(conn, node, request, &images).await?;
    let news: Vec<&AttemptReport> = request
        .attempts
        .iter()
        .filter(|report| {
            known.get(&report.attempt_id).is_some_and(|state| says_something(report.phase, *state))
        })
        .collect();
    let news_ids: Vec<AttemptId> = news.iter().map(|report| report.attempt_id).collect();
    let locked = if news_ids.is_empty() {
        Vec::new()
    } else {
        transitions::lock_attempts(conn, &news_ids, Some(node.node_id)).await?
    };
    for attempt in &locked {
        let Some(report) = news.iter().find(|report| report.attempt_id == attempt.id) else { continue };
        if i64::from(report.epoch) != i64::from(attempt.epoch) {
            continue;
        }
        let changed = match (report.phase, &report.result) {
            (Phase::Ended, Some(result)) => {
                let ended = transitions::finish(conn, attempt, result, report.started_at, actor).await?;
                if ended {
                    topics.push(Topic::Schedule);
                    topics.push(Topic::NodeView(node.node_id));
                }
                ended
            }
            _ => transitions::progress(conn, attempt, report.phase, report.started_at, actor).await?,
        };
        if changed {
            topics.extend(transitions::touched_nodes(conn, attempt).await?);
            topics.extend([Topic::Job(attempt.job.id), Topic::Log(attempt.job.id)]);
        }
    }
    let ended = request.attempts.iter().filter(|report| report.phase == Phase::Ended);
    Ok(ended.map(|report| report.attempt_id).collect())
}

/// What is stored of the node's attempts: where they stand, and what was told of their images.
async fn stored(
    conn: &mut PgConnection,
    node: &NodeCaller,
    attempts: &[AttemptId],
) -> Result<(HashMap<AttemptId, AttemptState>, images::Known), sqlx::Error> {
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT a.id, a.state, t.image FROM attempts a JOIN tasks t ON t.attempt_id = a.id WHERE a.id = ANY($1) AND t.node_id = $2",
    )
    .bind(ids)
    .bind(node.node_id.0)
    .fetch_all(conn)
    .await?;
    let (mut states, mut images) = (HashMap::with_capacity(rows.len()), images::Known::new());
    for row in rows {
        let state: &str = row.try_get("state")?;
        let state = state.parse().map_err(|error| sqlx::Error::Decode(Box::new(error) as _))?;
        let id = AttemptId(row.try_get("id")?);
        states.insert(id, state);
        images.insert(id, row.try_get::<Option<Stored<TaskImage>>, _>("image")?.map(|image| image.0));
    }
    Ok((states, images))
}

/// A new agent process speaks for the node. What it knows of goes on under it. After a reboot all else that
/// had been handed out is dead. Without one, what was handed out and is unknown to it may run elsewhere, under
/// a copied credential: it is left to its lease.
async fn take_over(
    conn: &mut PgConnection,
    node: &NodeCaller,
    request: &SyncRequest,
    rebooted: bool,
) -> ApiResult<Vec<Topic>> {
    let mentioned: Vec<uuid::Uuid> = request.attempts.iter().map(|report| report.attempt_id.0).collect();
    sqlx::query("UPDATE nodes SET session_id = $2, boot_id = $3, sync_sequence = 0 WHERE id = $1")
        .bind(node.node_id.0)
        .bind(request.session.0)
        .bind(request.boot_id)
        .execute(&mut *conn)
        .await?;
    let adopted = "UPDATE tasks SET session_id = $2 WHERE node_id = $1 AND released_at IS NULL AND attempt_id = ANY($3)";
    sqlx::query(adopted)
        .bind(node.node_id.0)
        .bind(request.session.0)
        .bind(&mentioned)
        .execute(&mut *conn)
        .await?;
    tracing::info!(node_id = %node.node_id, name = %node.name, rebooted, "a new agent session speaks for the node");
    // The older session, if it still waits for an answer, learns of it.
    let mut topics = vec![Topic::Node(node.node_id)];
    if !rebooted {
        return Ok(topics);
    }
    let dead = sqlx::query_scalar(
        "SELECT attempt_id FROM tasks WHERE node_id = $1 AND released_at IS NULL AND session_id IS NOT NULL AND session_id <> $2",
    )
    .bind(node.node_id.0)
    .bind(request.session.0)
    .fetch_all(&mut *conn)
    .await?;
    let dead: Vec<AttemptId> = dead.into_iter().map(AttemptId).collect();
    let message = format!("node {} was booted anew", node.name);
    topics.extend(transitions::lose_attempts(conn, &dead, node.node_id, &message, "reaper").await?);
    Ok(topics)
}

/// Writes down what changed about the node; a heartbeat alone only now and then. Says whether anything
/// that others see changed.
async fn write_node(
    conn: &mut PgConnection,
    node: &NodeCaller,
    request: &SyncRequest,
) -> Result<bool, sqlx::Error> {
    images::note_cache(conn, node, request.images.as_deref()).await?;
    let capacity = &request.capacity;
    let changed = sqlx::query(
        "UPDATE nodes SET cpu_milli = $2, memory_bytes = $3, disk_bytes = $4, gpus = $5, labels = $6,
            runtime_ok = $7, runtime_message = $8, docker_version = $9, agent_version = $10, address = $11,
            engine = $12
         WHERE id = $1 AND (cpu_milli, memory_bytes, disk_bytes, gpus, labels, runtime_ok, runtime_message, docker_version, agent_version, address, engine)
            IS DISTINCT FROM ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(node.node_id.0)
    .bind(i32::try_from(capacity.cpu_milli).unwrap_or(i32::MAX))
    .bind(i64::try_from(capacity.memory_bytes).unwrap_or(i64::MAX))
    .bind(i64::try_from(capacity.disk_bytes).unwrap_or(i64::MAX))
    .bind(sqlx::types::Json(&capacity.gpus))
    .bind(sqlx::types::Json(&request.labels))
    .bind(request.runtime.ok)
    .bind(&request.runtime.message)
    .bind(&request.runtime.version)
    .bind(&request.agent_version)
    .bind(&request.address)
    .bind(request.runtime.engine.to_string())
    .execute(&mut *conn)
    .await?;
    let seen = sqlx::query_scalar(
        "UPDATE nodes new SET last_seen_at = clock_timestamp(), given_up_at = NULL,
            sync_sequence = GREATEST(new.sync_sequence, $2)
         FROM nodes old
         WHERE new.id = $1 AND old.id = new.id
           AND (old.last_seen_at IS NULL OR old.given_up_at IS NOT NULL
                OR old.last_seen_at < clock_timestamp() - $3::interval)
         RETURNING old.last_seen_at IS NULL OR old.given_up_at IS NOT NULL
                OR old.last_seen_at < clock_timestamp() - $4 * interval '1 second'",
    )
    .bind(node.node_id.0)
    .bind(i64::try_from(request.sequence).unwrap_or(i64::MAX))
    .bind(SEEN_EVERY)
    .bind(i64::try_from(lilac_api::agent::UNREACHABLE_AFTER_SECS).unwrap_or(30))
    .fetch_optional(conn)
    .await?;
    Ok(changed.rows_affected() > 0 || seen == Some(true))
}

/// T4: every lease of what the node runs is renewed by its word, once a tenth of it is used up. A task that
/// an earlier session was told to run and this one does not know is left to end.
async fn renew(conn: &mut PgConnection, node: &NodeCaller) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE tasks t SET lease_until = clock_timestamp() + a.lease_millis * interval '1 millisecond'
         FROM attempts a, nodes n
         WHERE t.node_id = $1 AND t.released_at IS NULL AND a.id = t.attempt_id AND n.id = t.node_id
           AND (t.session_id IS NULL OR t.session_id = n.session_id)
           AND t.lease_until < clock_timestamp() + a.lease_millis * interval '0.0009 seconds'",
    )
    .bind(node.node_id.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// How long each attempt may run, where it was extended.
fn runtimes(response: &SyncResponse) -> HashMap<AttemptId, Span> {
    response.desired.iter().filter_map(|one| Some((one.attempt_id, one.max_runtime?))).collect()
}
