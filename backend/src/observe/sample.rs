//! Figures that are looked at rather than counted: jobs, nodes, connections. They are read when somebody asks for
//! the metrics, and at most every few seconds however many ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use lilac_api::job::JobState;
use lilac_api::problem::Problem;
use metrics::gauge;
use sqlx::Row;
use strum::VariantArray;
use tokio::sync::Mutex;

use super::metrics::exposition;
use crate::app::App;
use crate::auth::caller::Admin;
use crate::error::{ApiError, ApiResult};

/// How old the figures from the database may be.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// Queues that have a series each.
const MAX_QUEUES: usize = 100;
/// How often measurements are moved into their buckets.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// When the database was asked last.
#[derive(Default)]
pub struct Sampled(Mutex<Option<Instant>>);

/// Metrics for Prometheus
///
/// On the server's own address for administrators only, as they tell how busy everybody is. With
/// `LILAC_METRICS_LISTEN` they have an address of their own, where the network decides who may look.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics", tag = "operation", security(("bearer" = [])),
    responses(
        (status = 200, description = "All metrics in Prometheus' text format", content_type = "text/plain", body = String),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "Only an administrator may do this", body = Problem),
    ))]
pub async fn for_admins(State(app): State<Arc<App>>, _admin: Admin) -> ApiResult<Response> {
    answer(&app).await
}

/// `/metrics` on an address of its own, where the network decides who may look.
pub async fn for_all(State(app): State<Arc<App>>) -> ApiResult<Response> {
    answer(&app).await
}

async fn answer(app: &App) -> ApiResult<Response> {
    let exposition = exposition().ok_or_else(ApiError::internal)?;
    let (size, idle) = (app.pool.size(), app.pool.num_idle());
    gauge!("lilac_database_connections", "state" => "idle").set(idle as f64);
    gauge!("lilac_database_connections", "state" => "used").set(f64::from(size) - idle as f64);
    gauge!("lilac_database_connections_limit").set(f64::from(app.pool.options().get_max_connections()));
    let mut sampled = app.sampled.0.lock().await;
    if sampled.is_none_or(|at| at.elapsed() >= FRESH_FOR) {
        match sample(app).await {
            Ok(()) => *sampled = Some(Instant::now()),
            // What the process counted itself is worth most when the database is away.
            Err(error) => tracing::warn!(%error, "no fresh figures from the database"),
        }
    }
    drop(sampled);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], exposition.render())
        .into_response())
}

async fn sample(app: &App) -> sqlx::Result<()> {
    let rows = sqlx::query(
        "SELECT q.name, c.state, sum(c.jobs)::bigint AS jobs
         FROM (SELECT queue_id, state, jobs FROM job_counts
               UNION ALL SELECT queue_id, state, jobs FROM job_count_changes) c
         JOIN queues q ON q.id = c.queue_id GROUP BY 1, 2",
    )
    .fetch_all(&app.pool)
    .await?;
    let mut counts: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.try_get("name")?).or_default().entry(row.try_get("state")?).or_default() +=
            row.try_get::<i64, _>("jobs")?;
    }
    show_jobs(counts);
    let nodes = sqlx::query(
        "SELECT CASE WHEN last_seen_at < now() - interval '30 seconds' OR last_seen_at IS NULL THEN 'unreachable'
                     WHEN cordoned THEN 'cordoned' ELSE 'ready' END AS state, count(*) AS nodes
         FROM nodes WHERE removed_at IS NULL GROUP BY 1",
    )
    .fetch_all(&app.pool)
    .await?;
    for state in ["unreachable", "cordoned", "ready"] {
        gauge!("lilac_nodes", "state" => state).set(0);
    }
    for row in nodes {
        gauge!("lilac_nodes", "state" => row.try_get::<String, _>("state")?)
            .set(row.try_get::<i64, _>("nodes")? as f64);
    }
    Ok(())
}

/// Every state of every queue is set, so that one that nobody is in any more falls to zero.
fn show_jobs(counts: BTreeMap<String, BTreeMap<String, i64>>) {
    let mut others: BTreeMap<String, i64> = BTreeMap::new();
    for (index, (queue, states)) in counts.into_iter().enumerate() {
        for state in JobState::VARIANTS {
            let jobs = states.get(state.as_str()).copied().unwrap_or_default();
            if index < MAX_QUEUES {
                gauge!("lilac_jobs", "queue" => queue.clone(), "state" => state.as_str()).set(jobs as f64);
            } else {
                *others.entry(state.to_string()).or_default() += jobs;
            }
        }
    }
    for (state, jobs) in others {
        gauge!("lilac_jobs", "queue" => "other", "state" => state).set(jobs as f64);
    }
}

/// Keeps the metrics small while nobody asks for them.
pub async fn tidy(app: Arc<App>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => {}
            () = app.stopping.cancelled() => return,
        }
        if let Some(exposition) = exposition() {
            exposition.tidy();
        }
    }
}
