//! Whether the platform is busy and fair: what jobs held over the last hours, and how long they waited.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use lilac_api::overview::{PlatformUsage, QueueWaiting, UsagePoint, UsageQuery};
use lilac_api::problem::Problem;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::list::first_id;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::Query;

/// Points of one answer.
const STEPS: i32 = 96;
/// What ran on into the time asked for was granted at most so long before it, unless it still runs. Looking further
/// back would cost more than it tells.
const REACH_BACK: TimeDelta = TimeDelta::hours(24);
/// The most attempts that are looked at, the latest first.
const MAX_ATTEMPTS: i64 = 200_000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(usage))
}

/// What was held, and how long jobs waited
///
/// Of the jobs that the caller sees, over the last hours: what their attempts held of nodes at 96 moments, and how
/// long those that were started waited, by queue. Looks at the 200,000 latest attempts and no further.
#[utoipa::path(get, operation_id = "usage", path = "/usage", tag = "jobs", params(UsageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Points in the order of time, and waiting times by queue", body = PlatformUsage),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A node's credential", body = Problem),
    ))]
async fn usage(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> ApiResult<axum::Json<PlatformUsage>> {
    let hours = query.hours.unwrap_or(24);
    if !(1..=168).contains(&hours) {
        return Err(ApiError::malformed("hours: must be 1 to 168"));
    }
    let step_secs = hours * 3600 / STEPS.unsigned_abs();
    let since = Utc::now() - TimeDelta::seconds(i64::from(step_secs) * i64::from(STEPS));
    let teams = caller.sees();
    let points = points(&app.pool, since, step_secs, teams.as_deref()).await?;
    let waiting = waiting(&app.pool, since, teams.as_deref()).await?;
    Ok(axum::Json(PlatformUsage { step_secs, points, waiting }))
}

/// The attempts that are looked at, as `a`, with their jobs as `j`.
const SEEN: &str = "(SELECT * FROM attempts
        WHERE id >= $1 OR state IN ('granted', 'preparing', 'running', 'stopping') ORDER BY id DESC LIMIT $2) a
    JOIN jobs j ON j.id = a.job_id AND ($3::uuid[] IS NULL OR j.team_id = ANY($3))";

/// What came and went between two points is summed up by the database, and along the points here.
async fn points(
    pool: &PgPool,
    since: DateTime<Utc>,
    step_secs: u32,
    teams: Option<&[Uuid]>,
) -> ApiResult<Vec<UsagePoint>> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "WITH held AS (
            SELECT LEAST(GREATEST(ceil(extract(epoch FROM a.granted_at - $4) / $5), 0), $6 + 1)::int AS first,
                   LEAST(COALESCE(ceil(extract(epoch FROM t.released_at - $4) / $5), $6 + 1), $6 + 1)::int AS last,
                   (t.rank = 0)::int AS jobs, t.cpu_milli::bigint AS cpu, t.memory_bytes AS memory,
                   cardinality(t.gpu_indices) AS gpus
            FROM {SEEN} JOIN tasks t ON t.attempt_id = a.id WHERE t.released_at IS NULL OR t.released_at > $4)
         SELECT at, sum(jobs)::bigint AS jobs, sum(cpu)::bigint AS cpu, sum(memory)::bigint AS memory, sum(gpus)::bigint AS gpus
         FROM (SELECT first AS at, jobs, cpu, memory, gpus FROM held WHERE first < last
               UNION ALL SELECT last, -jobs, -cpu, -memory, -gpus FROM held WHERE first < last) AS changes
         GROUP BY at ORDER BY at"
    )))
    .bind(first_id(since - REACH_BACK))
    .bind(MAX_ATTEMPTS)
    .bind(teams)
    .bind(since)
    .bind(f64::from(step_secs))
    .bind(STEPS)
    .fetch_all(pool)
    .await?;
    let mut changes = rows.iter().peekable();
    let mut held = [0_i64; 4];
    let mut points = Vec::new();
    for step in 0..=STEPS {
        while let Some(row) = changes.peek() {
            if row.try_get::<i32, _>("at")? > step {
                break;
            }
            for (sum, column) in held.iter_mut().zip(["jobs", "cpu", "memory", "gpus"]) {
                *sum += row.try_get::<i64, _>(column)?;
            }
            changes.next();
        }
        let [jobs, cpu_milli, memory_bytes, gpus] = held.map(|sum| u64::try_from(sum).unwrap_or_default());
        let at = since + TimeDelta::seconds(i64::from(step_secs) * i64::from(step));
        points.push(UsagePoint { at, jobs, cpu_milli, memory_bytes, gpus });
    }
    Ok(points)
}

async fn waiting(
    pool: &PgPool,
    since: DateTime<Utc>,
    teams: Option<&[Uuid]>,
) -> ApiResult<Vec<QueueWaiting>> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT q.name, count(*) AS started,
                percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
                    ORDER BY GREATEST(extract(epoch FROM a.granted_at - j.created_at), 0)::float8) AS secs
         FROM {SEEN} JOIN queues q ON q.id = j.queue_id WHERE a.epoch = 1 AND a.granted_at >= $4
         GROUP BY q.name ORDER BY started DESC, q.name"
    )))
    .bind(first_id(since))
    .bind(MAX_ATTEMPTS)
    .bind(teams)
    .bind(since)
    .fetch_all(pool)
    .await?;
    let waiting = |row: &sqlx::postgres::PgRow| -> Result<QueueWaiting, sqlx::Error> {
        let secs: Vec<f64> = row.try_get("secs")?;
        let at = |index: usize| secs.get(index).copied().unwrap_or_default();
        let started = row.try_get::<i64, _>("started")?.unsigned_abs();
        Ok(QueueWaiting { queue: row.try_get("name")?, started, p50_secs: at(0), p90_secs: at(1) })
    };
    Ok(rows.iter().map(waiting).collect::<Result<_, _>>()?)
}
