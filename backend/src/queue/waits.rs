//! How long jobs of a queue waited lately.

use std::sync::Arc;

use axum::Json as JsonBody;
use axum::extract::State;
use lilac_api::QueueId;
use lilac_api::line::{QueueWaits, WaitBucket};
use lilac_api::problem::Problem;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::{ApiError, ApiResult};
use crate::extract::Id;

/// Where one bucket ends and the next begins, in seconds; what is longer stands in one more.
const BOUNDS: [u32; 8] = [1, 10, 60, 300, 1800, 7200, 28_800, 86_400];
/// So many of the latest jobs are looked at: the answer costs the same, however many there were.
const LATEST: i64 = 5_000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(queue_waits))
}

/// How long jobs of a queue waited lately.
#[utoipa::path(
    get,
    path = "/queues/{id}/waits",
    tag = "queues",
    security(("bearer" = [])),
    params(("id" = QueueId, Path, description = "Id of the queue.")),
    responses(
        (status = 200, description = "How long jobs waited that started within the last 24 hours", body = QueueWaits),
        (status = 401, description = "No valid credential", body = Problem),
        (status = 403, description = "A credential that is not for users' routes", body = Problem),
        (status = 404, description = "There is no such queue", body = Problem),
    )
)]
async fn queue_waits(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<QueueId>,
) -> ApiResult<JsonBody<QueueWaits>> {
    let mut conn = app.pool.acquire().await?;
    if !store::is_visible(&mut conn, &caller, id).await? {
        return Err(ApiError::not_found("queue"));
    }
    let waits = waits(&mut conn, &caller, id).await?;
    Ok(JsonBody(QueueWaits {
        jobs: u32::try_from(waits.len()).unwrap_or(u32::MAX),
        p50_secs: quantile(&waits, 0.5),
        p90_secs: quantile(&waits, 0.9),
        buckets: buckets(&waits),
    }))
}

/// Seconds from the submission to the first node, the shortest first. A job that needed others waited for them, not
/// for the queue.
async fn waits(conn: &mut PgConnection, caller: &Caller, id: QueueId) -> sqlx::Result<Vec<f64>> {
    sqlx::query_scalar(
        "SELECT EXTRACT(EPOCH FROM a.granted_at - j.created_at)::float8 AS wait
         FROM (SELECT id, created_at FROM jobs
               WHERE queue_id = $1 AND ($2::uuid[] IS NULL OR team_id = ANY($2)) AND NOT spec ? 'needs'
               ORDER BY id DESC LIMIT $3) j
         JOIN attempts a ON a.job_id = j.id AND a.epoch = 1
         WHERE a.granted_at > now() - interval '24 hours'
         ORDER BY wait",
    )
    .bind(id.0)
    .bind(caller.sees())
    .bind(LATEST)
    .fetch_all(conn)
    .await
}

/// The wait that such a part of all did not exceed.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

fn buckets(sorted: &[f64]) -> Vec<WaitBucket> {
    let mut below = 0;
    let ends = BOUNDS.iter().map(|bound| Some(*bound)).chain([None]);
    ends.map(|up_to_secs| {
        let until =
            up_to_secs.map_or(sorted.len(), |bound| sorted.partition_point(|wait| *wait <= f64::from(bound)));
        let jobs = u32::try_from(until - below).unwrap_or(u32::MAX);
        below = until;
        WaitBucket { up_to_secs, jobs }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_fall_into_the_bucket_that_ends_at_or_after_them() {
        let waits = [0.2, 1.0, 1.1, 59.0, 400_000.0];
        let counts: Vec<u32> = buckets(&waits).iter().map(|bucket| bucket.jobs).collect();
        assert_eq!(counts, [2, 1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(buckets(&[]).iter().map(|bucket| bucket.jobs).sum::<u32>(), 0);
    }

    #[test]
    fn half_and_nine_tenths_waited_no_longer() {
        let waits: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!((quantile(&waits, 0.5), quantile(&waits, 0.9)), (Some(5.0), Some(9.0)));
        assert_eq!((quantile(&[7.0], 0.5), quantile(&[], 0.5)), (Some(7.0), None));
    }
}
