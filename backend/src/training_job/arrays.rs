//! Arrays: one submit, many jobs.
//!
//! The jobs of an array are ordinary ones. The array's own row holds what they share: how many may run at a
//! time, and how many may fail. Those beyond are stored as blocked, and the leader lets them through one by one
//! as others end, so that the scheduler never sees more of an array than may run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::State;
use lilac_api::job::{Job, JobState, Reason};
use lilac_api::problem::Problem;
use lilac_api::spec::Array;
use lilac_api::submission::{ArrayPlace, ArrayState, CancelledArray, JobArray};
use lilac_api::{ArrayId, JobId};
use serde_json::json;
use sqlx::postgres::PgPool;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::committer::{Stored, Submission};
use super::needs::{self, Dependent};
use super::submit::{Admitted, as_stored, earlier};
use super::transitions;
use crate::app::App;
use crate::audit;
use crate::auth::caller::{Caller, Member};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::Id;
use crate::queue::admission;
use crate::secret::references;

/// Jobs that one statement stores or ends.
const BATCH: usize = 5000;
/// What the specs of all jobs of an array may have together: each is stored with its job.
const MAX_SPECS_BYTES: usize = 256 << 20;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(cancel))
}

/// Stores an array in one transaction. Answers with its first job.
pub async fn submit(pool: &PgPool, array: &Array, submission: &Submission) -> ApiResult<Stored> {
    let Submission { caller, spec, key, body_hash, rerun_of } = submission;
    let size = array.size().unwrap_or_default();
    let bytes = serde_json::to_vec(spec).map(|text| text.len()).unwrap_or_default();
    if bytes.saturating_mul(size as usize) > MAX_SPECS_BYTES {
        let message = format!("{size} jobs of {bytes} bytes each exceed {} MiB", MAX_SPECS_BYTES >> 20);
        return Err(ApiError::field("array", "too-large", message));
    }
    let mut tx = pool.begin().await?;
    let team: Vec<&str> = spec.team.as_deref().into_iter().collect();
    let doors = admission::doors(&mut tx, caller, &[&spec.queue], &team).await?;
    let door = doors.first().ok_or_else(|| ApiError::invalid(vec![admission::no_queue(&spec.queue)]))?;
    let mut one = Admitted::through(door, spec.clone()).map_err(ApiError::invalid)?;
    refuse_invalid(references::check(&mut tx, one.ticket.team_id, one.ticket.queue_id, &one.spec).await?)?;
    let known = needs::look_up(&mut tx, caller, spec.needs.iter()).await?;
    one.needs = needs::resolve(&spec.needs, &known, &HashMap::new()).map_err(ApiError::invalid)?;
    let actor = caller.actor();
    let mut new = one.new_job(caller, &actor, key.as_deref(), body_hash, *rerun_of);
    let is_ready = new.blocked.is_none();
    let id = ArrayId::new();
    let at = insert(&mut tx, id, &new, array, size, is_ready).await?;
    let turn = |index: u32| match () {
        () if !is_ready => Some(Reason::Dependency),
        () if array.max_parallel.is_some_and(|most| index >= most) => Some(Reason::ArrayLimit),
        () => None,
    };
    let members: Vec<transitions::Member> = (0..size)
        .map(|index| transitions::Member {
            id: if index == 0 { one.id } else { JobId::new() },
            index,
            blocked: turn(index),
        })
        .collect();
    for batch in members.chunks(BATCH) {
        if transitions::submit_array(&mut tx, id, &new, batch).await? < batch.len() as u64 {
            tx.rollback().await?;
            let mut conn = pool.acquire().await?;
            let job = earlier(&mut conn, caller, key.as_deref(), body_hash).await?;
            return Ok((job.ok_or_else(ApiError::internal)?, false));
        }
    }
    needs::store(&mut tx, &[(Dependent::Array(id), one.needs.as_slice())]).await?;
    door.check_room(&mut tx, caller.user_id, size.into()).await?;
    tx.commit().await?;
    if new.blocked.is_some() {
        new.blocked = Some((Reason::Dependency, "waits for other jobs to end".to_owned()));
    }
    let job = as_stored(&new, at, &door.name, &one.team, &caller.username);
    Ok((Job { array: Some(ArrayPlace { id, index: 0, size }), ..job }, true))
}

async fn insert(
    conn: &mut PgConnection,
    id: ArrayId,
    new: &transitions::NewJob<'_>,
    array: &Array,
    size: u32,
    is_ready: bool,
) -> Result<chrono::DateTime<chrono::Utc>, sqlx::Error> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query_scalar(
        "INSERT INTO job_arrays (id, team_id, owner_id, queue_id, name, size, max_parallel, max_failures, ready)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING created_at",
    )
    .bind(id.0)
    .bind(new.team_id.0)
    .bind(new.owner_id.0)
    .bind(new.queue_id.0)
    .bind(&new.spec.name)
    .bind(number(size))
    .bind(array.max_parallel.map(number))
    .bind(array.max_failures.map(number))
    .bind(is_ready)
    .fetch_one(conn)
    .await
}

/// Show an array, with its jobs counted by state
#[utoipa::path(get, operation_id = "show_array", path = "/arrays/{id}", tag = "jobs", params(("id" = ArrayId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The array", body = JobArray),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such array", body = Problem),
    ))]
async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ArrayId>,
) -> ApiResult<axum::Json<JobArray>> {
    let mut conn = app.pool.acquire().await?;
    Ok(axum::Json(find(&mut conn, &caller, id).await?.1))
}

/// The array with who owns it, if the caller sees it.
async fn find(conn: &mut PgConnection, caller: &Caller, id: ArrayId) -> ApiResult<(Uuid, JobArray)> {
    let row = sqlx::query(
        "SELECT a.*, q.name AS queue, t.name AS team, u.username AS owner,
                COALESCE((SELECT jsonb_object_agg(state, jobs) FROM (
                    SELECT state, count(*) AS jobs FROM jobs WHERE array_id = a.id GROUP BY state) s), '{}') AS by_state
         FROM job_arrays a JOIN queues q ON q.id = a.queue_id JOIN teams t ON t.id = a.team_id JOIN users u ON u.id = a.owner_id
         WHERE a.id = $1 AND ($2::uuid[] IS NULL OR a.team_id = ANY($2))",
    )
    .bind(id.0)
    .bind(caller.sees())
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| ApiError::not_found("array"))?;
    let Json(by_state): Json<BTreeMap<JobState, u64>> = row.try_get("by_state")?;
    let number = |column: &str| {
        Ok::<_, sqlx::Error>(
            row.try_get::<Option<i32>, _>(column)?.and_then(|number| u32::try_from(number).ok()),
        )
    };
    let array = JobArray {
        id,
        name: row.try_get("name")?,
        queue: row.try_get("queue")?,
        team: row.try_get("team")?,
        owner: row.try_get("owner")?,
        size: number("size")?.unwrap_or_default(),
        max_parallel: number("max_parallel")?,
        max_failures: number("max_failures")?,
        state: ArrayState::of(&by_state),
        by_state,
        message: row.try_get("stop_message")?,
        created_at: row.try_get("created_at")?,
    };
    Ok((row.try_get("owner_id")?, array))
}

/// Cancel all jobs of an array
///
/// Those that wait are cancelled at once, those that run are told to stop. Cancelling twice changes nothing.
#[utoipa::path(post, operation_id = "cancel_array", path = "/arrays/{id}/cancel", tag = "jobs", params(("id" = ArrayId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "How many jobs were cancelled or told to stop", body = CancelledArray),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Not the caller's array", body = Problem),
        (status = 404, description = "There is no such array", body = Problem),
    ))]
async fn cancel(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    Id(id): Id<ArrayId>,
) -> ApiResult<axum::Json<CancelledArray>> {
    let mut tx = app.pool.begin().await?;
    let (owner, array) = find(&mut tx, &caller, id).await?;
    if owner != caller.user_id.0 && caller.role < lilac_api::auth::Role::Admin {
        return Err(ApiError::forbidden("only the array's owner or an administrator may do this"));
    }
    // First, so that no other of its jobs is let through meanwhile.
    sqlx::query("UPDATE job_arrays SET stopped = 'cancelled', stop_message = 'cancelled' WHERE id = $1 AND stopped IS NULL")
        .bind(id.0)
        .execute(&mut *tx)
        .await?;
    audit::record(
        &mut tx,
        &caller.actor(),
        "array.cancel",
        &format!("array:{id}"),
        json!({ "name": array.name }),
    )
    .await?;
    tx.commit().await?;
    let mut cancelled = 0;
    loop {
        let mut tx = app.pool.begin().await?;
        let waiting = waiting(&mut tx, id).await?;
        let ended = transitions::end_waiting(
            &mut tx,
            &waiting,
            JobState::Cancelled,
            Reason::Cancelled,
            "its array was cancelled",
            &caller.actor(),
        )
        .await?;
        tx.commit().await?;
        cancelled += ended.len() as u64;
        app.bell.ring_all(ended.into_iter().map(Topic::Job));
        if waiting.is_empty() {
            break;
        }
    }
    cancelled += stop_live(&app, &caller, id).await?;
    app.bell.ring(Topic::Schedule);
    Ok(axum::Json(CancelledArray { cancelled }))
}

/// Some jobs of the array that wait, if there are any.
pub async fn waiting(conn: &mut PgConnection, id: ArrayId) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM jobs WHERE array_id = $1 AND state IN ('queued', 'held') ORDER BY array_index LIMIT $2",
    )
    .bind(id.0)
    .bind(BATCH as i64)
    .fetch_all(conn)
    .await
}

/// Tells those that run to stop. They are no more than fit on the nodes.
async fn stop_live(app: &App, caller: &Caller, id: ArrayId) -> ApiResult<u64> {
    let live: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM jobs WHERE array_id = $1 AND state IN ('starting', 'running') AND NOT cancel_requested ORDER BY id",
    )
    .bind(id.0)
    .fetch_all(&app.pool)
    .await?;
    let mut told = 0;
    for batch in live.chunks(200) {
        let mut tx = app.pool.begin().await?;
        let mut topics = Vec::new();
        for job in batch {
            match transitions::cancel(&mut tx, JobId(*job), &caller.actor()).await {
                Ok(rung) => {
                    told += u64::from(!rung.is_empty());
                    topics.extend(rung);
                }
                // It ended meanwhile.
                Err(error) if !error.status.is_server_error() => {}
                Err(error) => return Err(error),
            }
        }
        tx.commit().await?;
        app.bell.ring_all(topics);
    }
    Ok(told)
}
