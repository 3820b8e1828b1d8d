//! Taking a job in: checked whole, stored once.

use axum::http::HeaderMap;
use lilac_api::JobId;
use lilac_api::job::Job;
use lilac_api::problem::ErrorCode;
use lilac_api::spec::JobSpec;
use lilac_api::validate;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::not_yet::not_supported_yet;
use super::store;
use super::transitions::{self, NewJob};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::queue::admission;
use crate::secret::references;

/// Longest idempotency key.
const MAX_KEY_CHARS: usize = 255;

/// The `Idempotency-Key` of a request.
pub fn key(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map_err(|_| ApiError::malformed("the Idempotency-Key is not ASCII"))?;
    let legal =
        !key.is_empty() && key.len() <= MAX_KEY_CHARS && key.bytes().all(|byte| byte.is_ascii_graphic());
    if legal {
        return Ok(Some(key));
    }
    let message = format!("the Idempotency-Key must be 1 to {MAX_KEY_CHARS} visible ASCII characters");
    Err(ApiError::malformed(message))
}

/// Stores the job and rings. Says whether it is new: a repeated key gives the job that the first call made.
pub async fn submit(
    app: &App,
    caller: &Caller,
    spec: &JobSpec,
    body: &[u8],
    key: Option<&str>,
    rerun_of: Option<JobId>,
) -> ApiResult<(Job, bool)> {
    refuse_invalid(validate::job_spec(spec))?;
    refuse_invalid(not_supported_yet(spec))?;
    let body_hash = Sha256::digest(body);
    let mut tx = app.pool.begin().await?;
    let named: Vec<&str> = spec.team.as_deref().into_iter().collect();
    let doors = admission::doors(&mut tx, caller, &[&spec.queue], &named).await?;
    let Some(door) = doors.first() else {
        return Err(ApiError::invalid(vec![admission::no_queue(&spec.queue)]));
    };
    let mut spec = spec.clone();
    let ticket = door.admit(&mut spec).map_err(ApiError::invalid)?;
    let actor = caller.actor();
    let new = NewJob {
        id: JobId::new(),
        spec: &spec,
        queue_id: ticket.queue_id,
        team_id: ticket.team_id,
        owner_id: caller.user_id,
        actor: &actor,
        idempotency_key: key,
        body_hash: &body_hash,
        rerun_of,
    };
    let is_new = transitions::submit(&mut tx, &new).await?;
    if is_new {
        let named = references::check(&mut tx, new.team_id, new.queue_id, &spec).await?;
        refuse_invalid(named)?;
        door.check_room(&mut tx, caller.user_id, 1).await?;
    }
    let id = if is_new { new.id } else { earlier(&mut tx, caller, key, &body_hash).await? };
    let job = store::find(&mut tx, id).await?.ok_or_else(ApiError::internal)?;
    tx.commit().await?;
    if is_new {
        tracing::info!(job_id = %id, name = %spec.name, queue = %spec.queue, "job submitted");
        app.bell.ring_all([Topic::Schedule, Topic::Job(id)]);
    }
    Ok((job, is_new))
}

/// The job that was submitted with this key before, if its body was the same.
async fn earlier(
    conn: &mut sqlx::PgConnection,
    caller: &Caller,
    key: Option<&str>,
    hash: &[u8],
) -> ApiResult<JobId> {
    let row =
        sqlx::query("SELECT id, idempotency_hash FROM jobs WHERE owner_id = $1 AND idempotency_key = $2")
            .bind(caller.user_id.0)
            .bind(key)
            .fetch_one(conn)
            .await?;
    if row.try_get::<&[u8], _>("idempotency_hash")? != hash {
        let detail = "this Idempotency-Key was used before, with another body";
        return Err(ApiError::new(axum::http::StatusCode::CONFLICT, ErrorCode::IdempotencyMismatch, detail));
    }
    Ok(JobId(row.try_get("id")?))
}
