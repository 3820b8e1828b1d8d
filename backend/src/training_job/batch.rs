//! Many jobs by one request: all of them are stored, or none.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lilac_api::JobId;
use lilac_api::job::Job;
use lilac_api::problem::{FieldError, Problem};
use lilac_api::spec::JobSpec;
use lilac_api::submission::{BatchRequest, BatchResponse, MAX_BATCH};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::committer;
use super::needs::{self, Dependent};
use super::store;
use super::submit::{self, Admitted, as_stored};
use super::transitions::{self, NewJob};
use crate::app::App;
use crate::auth::caller::{Caller, Member};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::extract::RawJson;
use crate::queue::admission::{self, Door, Ticket};
use crate::secret::references;

/// The largest body of a batch.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
/// The most refused fields that one answer names.
const MAX_ERRORS: usize = 200;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Submit up to 1,000 jobs
///
/// All of them are stored, or none. Within the batch a job may wait for another by `needs: [{job: $name}]`. With
/// an `Idempotency-Key` header a repeated call answers 200 with the jobs that the first one made.
#[utoipa::path(post, operation_id = "submit_batch", path = "/jobs/batch", tag = "jobs", request_body = BatchRequest, security(("bearer" = [])),
    params(("idempotency-key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; unique to the caller")),
    responses(
        (status = 201, description = "The jobs are stored for good and wait in their queues", body = BatchResponse),
        (status = 200, description = "The jobs that the same key made before", body = BatchResponse),
        (status = 400, description = "The body is not JSON", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A viewer, or a node's credential", body = Problem),
        (status = 409, description = "The key was used with another body", body = Problem),
        (status = 413, description = "The body is over 1 MiB", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "Fields are refused; `errors` names them, as `jobs[3].image`", body = Problem),
        (status = 503, description = "The database is away: nothing was stored", body = Problem),
    ))]
async fn create(
    State(app): State<Arc<App>>,
    Member(caller): Member,
    headers: HeaderMap,
    RawJson(request, body): RawJson<BatchRequest>,
) -> ApiResult<Response> {
    let key = submit::key(&headers)?;
    check(&request.jobs)?;
    let hash = Sha256::digest(&body);
    let mut tx = app.pool.begin().await?;
    let (jobs, is_new) = store_all(&mut tx, &caller, request.jobs, key, &hash).await?;
    tx.commit().await?;
    if is_new {
        tracing::debug!(jobs = jobs.len(), "batch submitted");
        app.bell.ring_all(jobs.iter().map(|job| Topic::Job(job.id)).chain([Topic::Schedule]));
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let jobs = jobs.into_iter().map(|job| Job { spec: None, ..job }).collect();
    Ok((status, axum::Json(BatchResponse { jobs })).into_response())
}

fn check(jobs: &[JobSpec]) -> ApiResult<()> {
    if jobs.is_empty() || jobs.len() > MAX_BATCH {
        let message = format!("must be 1 to {MAX_BATCH} jobs, are {}", jobs.len());
        return Err(ApiError::field("jobs", "out-of-bounds", message));
    }
    let mut errors = Vec::new();
    for (index, spec) in jobs.iter().enumerate() {
        let mut found = submit::check(spec);
        for (field, is_set) in [("array", spec.array.is_some()), ("schedule", spec.schedule.is_some())] {
            if is_set {
                found.push(FieldError::new(field, "exclusive", "is submitted by itself, not in a batch"));
            }
        }
        errors.extend(at(index, found));
        if errors.len() >= MAX_ERRORS {
            errors.truncate(MAX_ERRORS);
            break;
        }
    }
    refuse_invalid(errors)
}

/// What is wrong with one job of a batch, said with its place.
fn at(index: usize, errors: Vec<FieldError>) -> impl Iterator<Item = FieldError> {
    errors.into_iter().map(move |error| FieldError { path: format!("jobs[{index}].{}", error.path), ..error })
}

async fn store_all(
    tx: &mut Transaction<'_, Postgres>,
    caller: &Caller,
    specs: Vec<JobSpec>,
    key: Option<&str>,
    hash: &[u8],
) -> ApiResult<(Vec<Job>, bool)> {
    let queues: BTreeSet<String> = specs.iter().map(|spec| spec.queue.clone()).collect();
    let queues: Vec<&str> = queues.iter().map(String::as_str).collect();
    let teams: BTreeSet<String> = specs.iter().filter_map(|spec| spec.team.clone()).collect();
    let teams: Vec<&str> = teams.iter().map(String::as_str).collect();
    let doors = admission::doors(tx, caller, &queues, &teams).await?;
    let mut admitted = admit(&doors, specs)?;
    check_references(tx, &admitted).await?;
    resolve(tx, caller, &mut admitted).await?;
    let actor = caller.actor();
    let keys: Vec<Option<String>> =
        (0..admitted.len()).map(|index| key.map(|key| nth_key(key, index))).collect();
    let new: Vec<NewJob<'_>> = admitted
        .iter()
        .zip(&keys)
        .map(|((_, one), key)| one.new_job(caller, &actor, key.as_deref(), hash, None))
        .collect();
    let stored = transitions::submit(tx, &new).await?;
    if stored.len() < new.len() {
        return Ok((earlier(tx, caller, &keys, hash).await?, false));
    }
    let waits: Vec<_> =
        admitted.iter().map(|(_, one)| (Dependent::Job(one.id), one.needs.as_slice())).collect();
    needs::store(tx, &waits).await?;
    for door in &doors {
        let added = admitted.iter().filter(|(other, _)| other.id == door.id).count();
        door.check_room(tx, caller.user_id, added as u64).await?;
    }
    let jobs = admitted.iter().zip(&new).filter_map(|((door, one), new)| {
        let at = stored.get(&one.id)?;
        Some(as_stored(new, *at, &door.name, &one.team, &caller.username))
    });
    Ok((jobs.collect(), true))
}

fn admit(doors: &[Door], specs: Vec<JobSpec>) -> ApiResult<Vec<(&Door, Admitted)>> {
    let mut admitted = Vec::with_capacity(specs.len());
    let mut errors = Vec::new();
    for (index, spec) in specs.into_iter().enumerate() {
        let Some(door) = doors.iter().find(|door| door.name == spec.queue) else {
            errors.extend(at(index, vec![admission::no_queue(&spec.queue)]));
            continue;
        };
        match Admitted::through(door, spec) {
            Ok(one) => admitted.push((door, one)),
            Err(refused) => errors.extend(at(index, refused)),
        }
    }
    errors.truncate(MAX_ERRORS);
    refuse_invalid(errors)?;
    Ok(admitted)
}

async fn check_references(conn: &mut PgConnection, admitted: &[(&Door, Admitted)]) -> ApiResult<()> {
    let mut errors = Vec::new();
    for (index, (_, one)) in admitted.iter().enumerate() {
        let Ticket { team_id, queue_id, .. } = one.ticket;
        errors.extend(at(index, references::check(conn, team_id, queue_id, &one.spec).await?));
    }
    errors.truncate(MAX_ERRORS);
    refuse_invalid(errors)
}

/// Finds what each job waits for: in the batch, and outside of it.
async fn resolve(
    conn: &mut PgConnection,
    caller: &Caller,
    admitted: &mut [(&Door, Admitted)],
) -> ApiResult<()> {
    if admitted.iter().all(|(_, one)| one.spec.needs.is_empty()) {
        return Ok(());
    }
    let known = needs::look_up(conn, caller, admitted.iter().flat_map(|(_, one)| &one.spec.needs)).await?;
    let mut positions: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, (_, one)) in admitted.iter().enumerate() {
        positions.entry(one.spec.name.clone()).or_default().push(position);
    }
    // A name that two jobs of the batch have is none that says which.
    let siblings: HashMap<&str, JobId> = positions
        .iter()
        .filter(|(_, positions)| positions.len() == 1)
        .map(|(name, positions)| (name.as_str(), admitted[positions[0]].1.id))
        .collect();
    let mut errors = Vec::new();
    let mut resolved = Vec::with_capacity(admitted.len());
    for (index, (_, one)) in admitted.iter().enumerate() {
        match needs::resolve(&one.spec.needs, &known, &siblings) {
            Ok(needs) => resolved.push(needs),
            Err(refused) => errors.extend(at(index, refused)),
        }
    }
    errors.truncate(MAX_ERRORS);
    refuse_invalid(errors)?;
    let place: HashMap<JobId, usize> =
        admitted.iter().enumerate().map(|(position, (_, one))| (one.id, position)).collect();
    let waits_for: Vec<Vec<usize>> = resolved
        .iter()
        .map(|needs| needs.iter().filter_map(|need| place.get(&need.job_id).copied()).collect())
        .collect();
    let circle = needs::in_cycle(&waits_for).into_iter().take(MAX_ERRORS).map(|index| {
        FieldError::new(format!("jobs[{index}].needs"), "cycle", "waits for itself, through other jobs")
    });
    refuse_invalid(circle.collect())?;
    for ((_, one), needs) in admitted.iter_mut().zip(resolved) {
        one.needs = needs;
    }
    Ok(())
}

/// The key of one job of a batch. The first has the batch's own, so that another request with it is refused;
/// the others' have a character that no caller's key can hold.
fn nth_key(key: &str, index: usize) -> String {
    if index == 0 { key.to_owned() } else { format!("{key}\n{index}") }
}

/// The jobs that the same key made before, if it was the same batch.
async fn earlier(
    conn: &mut PgConnection,
    caller: &Caller,
    keys: &[Option<String>],
    hash: &[u8],
) -> ApiResult<Vec<Job>> {
    let first = submit::earlier(conn, caller, keys.first().and_then(Option::as_deref), hash).await?;
    let first = first.ok_or_else(committer::gone)?;
    let others: Vec<&str> = keys.iter().skip(1).filter_map(Option::as_deref).collect();
    let mut jobs = vec![first];
    jobs.extend(store::by_keys(conn, caller.user_id, &others).await?);
    Ok(jobs)
}
