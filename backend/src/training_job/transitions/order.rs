//! What people order: each on one job, whose row is locked first.

use std::time::Duration;

use lilac_api::job::{AttemptState, JobState, Reason};
use lilac_api::quantity::Span;
use lilac_api::{AttemptId, JobId, NodeId};
use lilac_rules::order::{self, Cancel};
use sqlx::{PgConnection, Row};

use super::{LockedJob, Override, Step, lock_job, step, word};
use crate::bell::Topic;
use crate::error::{ApiError, ApiResult};

/// T9: a user cancels. A waiting job is cancelled at once; a running one is told to stop, and is cancelled
/// when its node says that it did, or is lost.
pub async fn cancel(conn: &mut PgConnection, job_id: JobId, actor: &str) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    let mut topics = vec![Topic::Job(job_id)];
    let order = order::cancel(job.state, job.cancel_requested);
    if order == Cancel::TooLate {
        return Err(ApiError::conflict(format!("the job has ended already: it is {}", job.state)));
    }
    if order == Cancel::Again {
        return Ok(Vec::new());
    }
    if order == Cancel::AtOnce {
        let change = Step {
            reason: Some(Reason::Cancelled),
            message: "cancelled before it started",
            cancel: true,
            ..Step::new(&job, JobState::Cancelled, actor)
        };
        step(conn, &change).await?;
        return Ok(topics);
    }
    let Some(live) = live_attempt(conn, &job).await? else { return Err(ApiError::internal()) };
    let change = Step {
        attempt: Some((live.id, AttemptState::Stopping)),
        reason: Some(Reason::Cancelled),
        message: "told to stop",
        cancel: true,
        ..Step::new(&job, job.state, actor)
    };
    step(conn, &change).await?;
    topics.extend(live.nodes.into_iter().map(Topic::Node));
    Ok(topics)
}

/// The attempt that a job is starting or running in.
struct Live {
    id: AttemptId,
    state: AttemptState,
    nodes: Vec<NodeId>,
}

async fn live_attempt(conn: &mut PgConnection, job: &LockedJob) -> Result<Option<Live>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT a.id, a.state, array_agg(t.node_id) AS nodes FROM attempts a JOIN tasks t ON t.attempt_id = a.id
         WHERE a.job_id = $1 AND a.epoch = $2 GROUP BY a.id",
    )
    .bind(job.id.0)
    .bind(job.epoch)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state: AttemptState = word(&row, "state")?;
    let nodes: Vec<uuid::Uuid> = row.try_get("nodes")?;
    let live =
        Live { id: AttemptId(row.try_get("id")?), state, nodes: nodes.into_iter().map(NodeId).collect() };
    Ok((!state.is_terminal()).then_some(live))
}

/// T12: a person holds a job that waits.
pub async fn hold(
    conn: &mut PgConnection,
    job_id: JobId,
    message: &str,
    actor: &str,
) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if !order::may_hold(job.state) {
        return Err(ApiError::conflict(format!("only a queued job can be held; this one is {}", job.state)));
    }
    let change = Step { reason: Some(Reason::Held), message, ..Step::new(&job, JobState::Held, actor) };
    step(conn, &change).await?;
    Ok(vec![Topic::Job(job_id), Topic::Schedule])
}

/// T13: a person lets a held job go back to its queue.
pub async fn release(conn: &mut PgConnection, job_id: JobId, actor: &str) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if !order::may_release(job.state) {
        return Err(ApiError::conflict(format!(
            "only a held job can be released; this one is {}",
            job.state
        )));
    }
    step(conn, &Step { message: "released", ..Step::new(&job, JobState::Queued, actor) }).await?;
    Ok(vec![Topic::Job(job_id), Topic::Schedule])
}

/// T14: a person changes the priority of a job that waits or is held. It stands as before otherwise.
pub async fn reprioritise(
    conn: &mut PgConnection,
    job_id: JobId,
    priority: u8,
    actor: &str,
) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if !matches!(job.state, JobState::Queued | JobState::Held) {
        let detail = format!("only a queued or held job has a place to change; this one is {}", job.state);
        return Err(ApiError::conflict(detail));
    }
    if job.priority == priority {
        return Ok(Vec::new());
    }
    let message = format!("priority changed from {} to {priority}", job.priority);
    let over = Override { priority: Some(priority), ..Override::default() };
    step(conn, &Step { message: &message, over, is_note: true, ..Step::new(&job, job.state, actor) }).await?;
    Ok(vec![Topic::Job(job_id), Topic::Schedule])
}

/// T15: a person lets a job run longer than it was to. The nodes of a live one hear of it with their next
/// sync.
pub async fn extend(
    conn: &mut PgConnection,
    job_id: JobId,
    max_runtime: Duration,
    actor: &str,
) -> ApiResult<Vec<Topic>> {
    let job = lock_job(conn, job_id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    if job.state.is_terminal() || job.cancel_requested {
        let detail = format!("only a job that goes on can be extended; this one is {}", job.state);
        return Err(ApiError::conflict(detail));
    }
    let Some(now) = job.max_runtime else {
        return Err(ApiError::conflict("the job has no max_runtime: it may run as long as it likes"));
    };
    if max_runtime == now {
        return Ok(Vec::new());
    }
    if max_runtime < now {
        let message = format!("must be more than the {} that it may run for already", Span(now));
        return Err(ApiError::field("max_runtime", "out-of-bounds", message));
    }
    let live = live_attempt(conn, &job).await?;
    if live.as_ref().is_some_and(|live| live.state == AttemptState::Stopping) {
        return Err(ApiError::conflict("the job has been told to stop already"));
    }
    let message = format!("may run for {}, extended from {}", Span(max_runtime), Span(now));
    let change = Step {
        attempt: live.as_ref().map(|live| (live.id, live.state)),
        message: &message,
        over: Override { max_runtime: Some(max_runtime), ..Override::default() },
        run_for: Some(max_runtime.saturating_add(job.grace)),
        is_note: true,
        ..Step::new(&job, job.state, actor)
    };
    step(conn, &change).await?;
    let mut topics = vec![Topic::Job(job_id)];
    topics.extend(live.into_iter().flat_map(|live| live.nodes).map(Topic::Node));
    Ok(topics)
}
