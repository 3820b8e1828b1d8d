//! Why a job waits: the scheduler's own core is asked, about what it holds in memory.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lilac_api::JobId;
use lilac_api::explanation::{Blocker, Change, ChangeKind, Explanation, ReasonChange};
use lilac_api::job::{Job, JobState, Reason};
use lilac_api::problem::Problem;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{PgPool, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{routes, store};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::cluster::reservations;
use crate::error::ApiResult;
use crate::extract::Id;
use crate::scheduler;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Why a job waits
///
/// One dominant reason with its evidence, the job's place in its queue, who holds what it waits for, when it may
/// start, and the smallest change that would let it start now.
#[utoipa::path(get, operation_id = "explain_job", path = "/jobs/{id}/explain", tag = "jobs", params(("id" = JobId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
        (status = 503, description = "The database does not answer, or too many ask at once", body = Problem),
    ))]
async fn explain(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<JobId>,
) -> ApiResult<Json<Explanation>> {
    store::owner(&app.pool, &caller, id).await?;
    let mut conn = app.pool.acquire().await?;
    let job = routes::found(&mut conn, id).await?;
    let history = history(&mut conn, id).await?;
    drop(conn);
    let explained = match job.state {
        JobState::Queued => scheduler::explain(&app, id).await?,
        _ => None,
    };
    let Some(found) = explained else { return Ok(Json(as_stored(&app.pool, &caller, &job, history).await?)) };
    let (reason, message) = match found.why {
        Some((reason, message)) => (Some(reason), message),
        None => (None, "there is room for it: it starts with the next plan".to_owned()),
    };
    let (blockers, blockers_hidden) = blockers(&app.pool, &caller, &found.blockers).await?;
    let mut conn = app.pool.acquire().await?;
    let reservation = reservations::told(&mut conn, &caller, found.kept.as_slice()).await?.pop();
    drop(conn);
    Ok(Json(Explanation {
        job_id: id,
        state: job.state,
        reason,
        message,
        position: u32::try_from(found.position).unwrap_or(u32::MAX),
        evidence: found.evidence,
        blockers,
        blockers_hidden,
        estimate: found.estimate,
        reservation,
        changes: found.changes,
        history,
    }))
}

/// What is said of a job that the scheduler does not look at: its row says it all.
async fn as_stored(
    pool: &PgPool,
    caller: &Caller,
    job: &Job,
    history: Vec<ReasonChange>,
) -> ApiResult<Explanation> {
    let waits_for = match (job.state, job.reason) {
        (JobState::Queued, Some(Reason::Dependency | Reason::ArrayLimit)) => needed(pool, job.id).await?,
        _ => Vec::new(),
    };
    let changes = match job.state {
        JobState::Held => vec![Change::new(ChangeKind::Release, "release the job".to_owned())],
        _ => Vec::new(),
    };
    let (blockers, blockers_hidden) = blockers(pool, caller, &waits_for).await?;
    Ok(Explanation {
        job_id: job.id,
        state: job.state,
        reason: job.reason,
        message: job.message.clone(),
        position: 0,
        evidence: Vec::new(),
        blockers,
        blockers_hidden,
        estimate: None,
        reservation: None,
        changes,
        history,
    })
}

/// The jobs that a blocked one waits for: those that it or its array needs, or those of its array whose turn it is.
async fn needed(pool: &PgPool, id: JobId) -> Result<Vec<(JobId, Option<DateTime<Utc>>)>, sqlx::Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "(SELECT n.needs_id FROM job_needs n JOIN jobs j ON n.job_id = j.id OR n.array_id = j.array_id
          WHERE j.id = $1 AND NOT n.settled ORDER BY n.id LIMIT 10)
         UNION ALL
         (SELECT o.id FROM jobs j JOIN jobs o ON o.array_id = j.array_id
          WHERE j.id = $1 AND j.reason = 'array-limit' AND NOT o.blocked AND o.state IN ('queued', 'starting', 'running', 'held')
          ORDER BY o.array_index LIMIT 10)
         LIMIT 10",
    )
    .bind(id.0)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(|id| (JobId(id), None)).collect())
}

/// Names of jobs for somebody who may not see them all: how many those are is told, and nothing else.
async fn blockers(
    pool: &PgPool,
    caller: &Caller,
    jobs: &[(JobId, Option<DateTime<Utc>>)],
) -> Result<(Vec<Blocker>, u32), sqlx::Error> {
    if jobs.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let ids: Vec<Uuid> = jobs.iter().map(|(id, _)| id.0).collect();
    let rows = sqlx::query(
        "SELECT j.id, j.name, u.username FROM unnest($1::uuid[]) WITH ORDINALITY AS b(id, place)
         JOIN jobs j ON j.id = b.id JOIN users u ON u.id = j.owner_id
         WHERE $2::uuid[] IS NULL OR j.team_id = ANY($2) ORDER BY b.place",
    )
    .bind(&ids)
    .bind(caller.sees())
    .fetch_all(pool)
    .await?;
    let blocker = |row: &PgRow| {
        let job_id = JobId(row.try_get("id")?);
        let ends_by = jobs.iter().find(|(id, _)| *id == job_id).and_then(|(_, ends_by)| *ends_by);
        Ok(Blocker { job_id, name: row.try_get("name")?, owner: row.try_get("username")?, ends_by })
    };
    let seen = rows.iter().map(blocker).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let hidden = u32::try_from(jobs.len() - seen.len()).unwrap_or(u32::MAX);
    Ok((seen, hidden))
}

/// What the job was told while it waited.
async fn history(conn: &mut PgConnection, id: JobId) -> Result<Vec<ReasonChange>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT at, reason, message FROM job_events
         WHERE job_id = $1 AND state = 'queued' AND reason IS NOT NULL ORDER BY sequence DESC LIMIT 100",
    )
    .bind(id.0)
    .fetch_all(conn)
    .await?;
    let change = |row: &PgRow| {
        Ok(ReasonChange {
            at: row.try_get("at")?,
            reason: store::word(row, "reason")?,
            message: row.try_get("message")?,
        })
    };
    rows.iter().rev().map(change).collect()
}
