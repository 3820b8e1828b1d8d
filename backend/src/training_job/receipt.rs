//! The receipt of a job: what it was, where it ran, and what it took.

use std::sync::Arc;

use axum::extract::State;
use lilac_api::JobId;
use lilac_api::action::{Receipt, ReceiptAttempt, Used};
use lilac_api::problem::Problem;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{routes, store};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::ApiResult;
use crate::extract::Id;

/// Attempts that a receipt lists; all count in its total.
const MAX_ATTEMPTS: i64 = 100;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(receipt))
}

/// A job's receipt
///
/// Who ran what, where and when, and what all its attempts held: CPU, GPU and memory time from each grant to
/// its release. For a job that goes on, up to the moment.
#[utoipa::path(get, operation_id = "job_receipt", path = "/jobs/{id}/receipt", tag = "jobs", params(("id" = JobId, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The receipt", body = Receipt),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
        (status = 404, description = "There is no such job", body = Problem),
    ))]
async fn receipt(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<JobId>,
) -> ApiResult<axum::Json<Receipt>> {
    store::owner(&app.pool, &caller, id).await?;
    let mut conn = app.pool.acquire().await?;
    let job = routes::found(&mut conn, id).await?;
    Ok(axum::Json(Receipt {
        job_id: id,
        name: job.name,
        owner: job.owner,
        team: job.team,
        queue: job.queue,
        image: job.image,
        state: job.state,
        reason: job.reason,
        exit_code: job.exit_code,
        signal: job.signal,
        created_at: job.created_at,
        finished_at: job.finished_at,
        total: total(&mut conn, id).await?,
        attempts: attempts(&mut conn, id).await?,
        attempt_count: job.epoch,
    }))
}

/// What tasks held, summed. A clock that was set back does not make it negative.
const USED: &str = "COALESCE(sum(t.cpu_milli / 1000.0 * held.secs), 0)::float8 AS cpu_seconds,
    COALESCE(sum(cardinality(t.gpu_indices) * t.gpu_milli / 1000.0 * held.secs), 0)::float8 AS gpu_seconds,
    COALESCE(sum(t.memory_bytes / 1073741824.0 * held.secs), 0)::float8 AS memory_gib_seconds,
    COALESCE(sum(t.log_bytes), 0)::bigint AS log_bytes";
const HELD: &str = "CROSS JOIN LATERAL (SELECT GREATEST(0,
    extract(epoch FROM COALESCE(t.released_at, clock_timestamp()) - a.granted_at)) AS secs) held";

async fn total(conn: &mut PgConnection, id: JobId) -> Result<Used, sqlx::Error> {
    let query = format!(
        "SELECT {USED} FROM attempts a JOIN tasks t ON t.attempt_id = a.id {HELD} WHERE a.job_id = $1"
    );
    used(&sqlx::query(AssertSqlSafe(query)).bind(id.0).fetch_one(conn).await?)
}

async fn attempts(conn: &mut PgConnection, id: JobId) -> Result<Vec<ReceiptAttempt>, sqlx::Error> {
    let query = format!(
        "SELECT a.epoch, a.state, a.reason, a.exit_code, a.granted_at, a.started_at, a.finished_at,
                array_agg(n.name ORDER BY t.rank) AS nodes, sum(t.cpu_milli)::bigint AS cpu_milli,
                sum(t.memory_bytes)::bigint AS memory_bytes, sum(cardinality(t.gpu_indices))::bigint AS gpus, {USED}
         FROM attempts a JOIN tasks t ON t.attempt_id = a.id JOIN nodes n ON n.id = t.node_id {HELD}
         WHERE a.job_id = $1 GROUP BY a.id ORDER BY a.epoch DESC LIMIT $2"
    );
    let rows = sqlx::query(AssertSqlSafe(query)).bind(id.0).bind(MAX_ATTEMPTS).fetch_all(conn).await?;
    rows.iter().map(attempt).collect()
}

fn attempt(row: &PgRow) -> Result<ReceiptAttempt, sqlx::Error> {
    let amount = |column: &str| Ok::<u64, sqlx::Error>(row.try_get::<i64, _>(column)?.unsigned_abs());
    Ok(ReceiptAttempt {
        epoch: store::number(row, "epoch")?,
        state: store::word(row, "state")?,
        reason: store::optional_word(row, "reason")?,
        exit_code: row.try_get("exit_code")?,
        granted_at: row.try_get("granted_at")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        nodes: row.try_get("nodes")?,
        cpu_milli: amount("cpu_milli")?,
        memory_bytes: amount("memory_bytes")?,
        gpus: u32::try_from(amount("gpus")?).unwrap_or(u32::MAX),
        used: used(row)?,
    })
}

fn used(row: &PgRow) -> Result<Used, sqlx::Error> {
    Ok(Used {
        cpu_seconds: row.try_get("cpu_seconds")?,
        gpu_seconds: row.try_get("gpu_seconds")?,
        memory_gib_seconds: row.try_get("memory_gib_seconds")?,
        log_bytes: row.try_get::<i64, _>("log_bytes")?.unsigned_abs(),
    })
}
