//! What stands in a queue: its jobs, and what they hold against its quotas.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use chrono::{DateTime, Utc};
use lilac_api::QueueId;
use lilac_api::job::{Job, JobState};
use lilac_api::page::Page;
use lilac_api::problem::Problem;
use lilac_api::quantity::{Bytes, Cpus};
use lilac_api::queue::{QueueStats, Usage, UserUsage};
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::shares;
use super::store::{self, word};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Query};
use crate::training_job::places::{self, Place, PlaceQuery};

/// Users whose part is told each; the smaller ones are in the total only.
const MAX_USERS: usize = 100;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(queue_stats)).routes(routes!(queue_jobs))
}

/// What stands in a queue, and what its jobs hold against its quotas.
#[utoipa::path(
    get,
    path = "/queues/{id}/stats",
    tag = "queues",
    security(("bearer" = [])),
    params(("id" = QueueId, Path, description = "Id of the queue.")),
    responses(
        (status = 200, description = "Jobs by state and user, and what is used of the quotas", body = QueueStats),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
    )
)]
async fn queue_stats(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<QueueId>,
) -> ApiResult<JsonBody<QueueStats>> {
    let mut conn = app.pool.acquire().await?;
    let queue = store::queue(&mut conn, Some(&caller), id).await?.queue;
    let (by_state, oldest_waiting_since) = states(&mut conn, &caller, id).await?;
    let rows = usage(&mut conn, &caller, id).await?;
    let used = rows.iter().fold(Usage::default(), |sum, row| add(sum, &row.used()));
    let share = shares::share(&mut conn, &used).await?;
    let fair_share = shares::fair_share(&mut conn, &queue).await?;
    Ok(JsonBody(QueueStats {
        by_state,
        by_user: by_user(rows),
        oldest_waiting_since,
        used,
        share,
        fair_share,
        quota: queue.quota,
        user_quota: queue.user_quota,
    }))
}

/// The jobs of a queue, the newest first.
#[utoipa::path(
    get,
    path = "/queues/{id}/jobs",
    tag = "queues",
    security(("bearer" = [])),
    params(("id" = QueueId, Path, description = "Id of the queue."), PlaceQuery),
    responses(
        (status = 200, description = "A page of the queue's jobs that the caller sees, without their specs", body = Page<Job>),
        (status = 400, description = "A parameter cannot be read", body = Problem),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
    )
)]
async fn queue_jobs(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<QueueId>,
    Query(query): Query<PlaceQuery>,
) -> ApiResult<JsonBody<Page<Job>>> {
    let mut conn = app.pool.acquire().await?;
    if !store::is_visible(&mut conn, &caller, id).await? {
        return Err(ApiError::not_found("queue"));
    }
    Ok(JsonBody(places::jobs(&mut conn, &caller, Place::Queue(id), &query).await?))
}

/// How many unfinished jobs stand where, and since when the oldest of them waits.
async fn states(
    conn: &mut PgConnection,
    caller: &Caller,
    id: QueueId,
) -> ApiResult<(BTreeMap<JobState, u64>, Option<DateTime<Utc>>)> {
    let rows: Vec<(String, i64, Option<DateTime<Utc>>)> = sqlx::query_as(
        "SELECT state, count(*), min(created_at) FROM jobs
         WHERE queue_id = $1 AND state IN ('queued', 'starting', 'running', 'held')
           AND ($2::uuid[] IS NULL OR team_id = ANY($2))
         GROUP BY state",
    )
    .bind(id.0)
    .bind(caller.sees())
    .fetch_all(conn)
    .await?;
    let unfinished = [JobState::Queued, JobState::Starting, JobState::Running, JobState::Held];
    let mut by_state: BTreeMap<JobState, u64> = unfinished.into_iter().map(|state| (state, 0)).collect();
    let mut oldest = None;
    for (text, count, since) in rows {
        let state = word(&text)?;
        by_state.insert(state, count.unsigned_abs());
        if state == JobState::Queued {
            oldest = since;
        }
    }
    Ok((by_state, oldest))
}

#[derive(sqlx::FromRow)]
struct UsageRow {
    user: String,
    /// Whether the caller sees these jobs.
    seen: bool,
    cpu_milli: i64,
    memory_bytes: i64,
    gpus: i64,
    running: i64,
    queued: i64,
}

impl UsageRow {
    fn used(&self) -> Usage {
        Usage {
            cpus: Cpus { milli: u32::try_from(self.cpu_milli).unwrap_or(u32::MAX) },
            memory: Bytes(self.memory_bytes.unsigned_abs()),
            gpus: self.gpus.unsigned_abs(),
            running_jobs: self.running.unsigned_abs(),
            queued_jobs: self.queued.unsigned_abs(),
        }
    }
}

/// What each user's jobs hold, those that the caller sees apart from the others.
async fn usage(conn: &mut PgConnection, caller: &Caller, id: QueueId) -> sqlx::Result<Vec<UsageRow>> {
    sqlx::query_as(
        "WITH part AS (
             SELECT j.owner_id, j.team_id, t.cpu_milli, t.memory_bytes, cardinality(t.gpu_indices) * t.gpu_milli AS gpu_milli,
                    (t.rank = 0)::int AS running, 0 AS queued
             FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN jobs j ON j.id = a.job_id
             WHERE t.released_at IS NULL AND j.queue_id = $1
             UNION ALL
             SELECT owner_id, team_id, 0, 0, 0, 0, 1 FROM jobs WHERE queue_id = $1 AND state = 'queued'
         )
         SELECT u.username AS user, $2::uuid[] IS NULL OR team_id = ANY($2) AS seen,
                sum(cpu_milli)::bigint AS cpu_milli,
                LEAST(sum(memory_bytes), 9223372036854775807)::bigint AS memory_bytes,
                ceil(sum(gpu_milli) / 1000.0)::bigint AS gpus, sum(running)::bigint AS running, sum(queued)::bigint AS queued
         FROM part JOIN users u ON u.id = part.owner_id
         GROUP BY u.username, 2",
    )
    .bind(id.0)
    .bind(caller.sees())
    .fetch_all(conn)
    .await
}

fn by_user(rows: Vec<UsageRow>) -> Vec<UserUsage> {
    let seen = rows.into_iter().filter(|row| row.seen);
    let mut users: Vec<UserUsage> = seen.map(|row| UserUsage { used: row.used(), user: row.user }).collect();
    let size = |used: &Usage| (used.gpus, used.cpus, used.memory, used.running_jobs, used.queued_jobs);
    users.sort_by(|one, other| size(&other.used).cmp(&size(&one.used)).then(one.user.cmp(&other.user)));
    users.truncate(MAX_USERS);
    users
}

fn add(sum: Usage, more: &Usage) -> Usage {
    Usage {
        cpus: Cpus { milli: sum.cpus.milli.saturating_add(more.cpus.milli) },
        memory: Bytes(sum.memory.0.saturating_add(more.memory.0)),
        gpus: sum.gpus + more.gpus,
        running_jobs: sum.running_jobs + more.running_jobs,
        queued_jobs: sum.queued_jobs + more.queued_jobs,
    }
}
