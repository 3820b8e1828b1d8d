//! Taking a job in: checked whole, stored once.

use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use lilac_api::JobId;
use lilac_api::job::{Job, JobState};
use lilac_api::problem::{ErrorCode, FieldError};
use lilac_api::spec::JobSpec;
use lilac_api::validate;
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::committer::Submission;
use super::needs::{self, Need};
use super::transitions::{self, NewJob};
use super::{arrays, store};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult, refuse_invalid};
use crate::queue::admission::{Door, Ticket};

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

/// All that is wrong with a job, whoever submits it.
pub fn check(spec: &JobSpec) -> Vec<FieldError> {
    let mut errors = validate::job_spec(spec);
    if spec.schedule.is_some() {
        let message = "a job by the clock goes to /schedules; this route runs it once";
        errors.push(FieldError::new("schedule", "not-here", message));
    }
    errors
}

/// Stores the job and rings. Says whether it is new: a repeated key gives the job that the first call made. Of
/// an array the first job is answered.
pub async fn submit(
    app: &App,
    caller: &Caller,
    spec: &JobSpec,
    body: &[u8],
    key: Option<&str>,
    rerun_of: Option<JobId>,
) -> ApiResult<(Job, bool)> {
    refuse_invalid(check(spec))?;
    let submission = Submission {
        caller: caller.clone(),
        spec: spec.clone(),
        key: key.map(str::to_owned),
        body_hash: Sha256::digest(body).to_vec(),
        rerun_of,
    };
    let (job, is_new) = match &spec.array {
        Some(array) => arrays::submit(&app.pool, array, &submission).await?,
        None => app.committer.submit(submission).await?,
    };
    if is_new {
        tracing::debug!(job_id = %job.id, name = %job.name, queue = %job.queue, "job submitted");
        app.bell.ring_all([Topic::Schedule, Topic::Job(job.id)]);
    }
    Ok((job, is_new))
}

/// A job that its queue let in.
pub struct Admitted {
    pub id: JobId,
    /// As it is stored, with what the queue added.
    pub spec: JobSpec,
    pub ticket: Ticket,
    /// Name of its team.
    pub team: String,
    pub needs: Vec<Need>,
}

impl Admitted {
    pub fn through(door: &Door, mut spec: JobSpec) -> Result<Self, Vec<FieldError>> {
        let ticket = door.admit(&mut spec)?;
        let team = door.team_name(ticket.team_id).to_owned();
        Ok(Self { id: JobId::new(), spec, ticket, team, needs: Vec::new() })
    }

    pub fn new_job<'a>(
        &'a self,
        caller: &Caller,
        actor: &'a str,
        key: Option<&'a str>,
        body_hash: &'a [u8],
        rerun_of: Option<JobId>,
    ) -> NewJob<'a> {
        NewJob {
            id: self.id,
            spec: &self.spec,
            queue_id: self.ticket.queue_id,
            queue_version: self.ticket.version,
            deletions: self.ticket.deletions,
            team_id: self.ticket.team_id,
            owner_id: caller.user_id,
            actor,
            idempotency_key: key,
            body_hash,
            rerun_of,
            blocked: needs::blocked(&self.needs),
        }
    }
}

/// A job as it stands right after it was stored, as a query would tell it.
pub fn as_stored(new: &NewJob<'_>, at: DateTime<Utc>, queue: &str, team: &str, owner: &str) -> Job {
    let spec = new.spec;
    let (reason, message) = new.blocked.clone().unzip();
    Job {
        id: new.id,
        name: spec.name.clone(),
        queue: queue.to_owned(),
        team: team.to_owned(),
        owner: owner.to_owned(),
        priority: spec.priority,
        state: JobState::Queued,
        reason,
        message: message.unwrap_or_default(),
        actor: new.actor.to_owned(),
        image: spec.image.clone(),
        labels: spec.labels.clone(),
        requests: spec.requests(),
        epoch: 0,
        attempts_charged: 0,
        cancel_requested: false,
        nodes: Vec::new(),
        exit_code: None,
        signal: None,
        created_at: at,
        started_at: None,
        finished_at: None,
        not_before: None,
        rerun_of: new.rerun_of,
        max_runtime: spec.max_runtime,
        queue_deadline: transitions::queue_deadline(spec, at),
        array: None,
        spec: Some(spec.clone()),
    }
}

/// The job that was submitted with this key before, if its body was the same.
pub async fn earlier(
    conn: &mut sqlx::PgConnection,
    caller: &Caller,
    key: Option<&str>,
    hash: &[u8],
) -> ApiResult<Option<Job>> {
    let Some(key) = key else { return Ok(None) };
    let row =
        sqlx::query("SELECT id, idempotency_hash FROM jobs WHERE owner_id = $1 AND idempotency_key = $2")
            .bind(caller.user_id.0)
            .bind(key)
            .fetch_optional(&mut *conn)
            .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<&[u8], _>("idempotency_hash")? != hash {
        let detail = "this Idempotency-Key was used before, with another body";
        return Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::IdempotencyMismatch, detail));
    }
    Ok(store::find(conn, JobId(row.try_get("id")?)).await?)
}
