//! What part of the fleet a queue holds, and what part its weight gives it: the scheduler compares the same.

use lilac_api::queue::{Queue, Usage};
use sqlx::PgConnection;

use crate::cluster;
use crate::error::ApiResult;

/// The part of the living nodes that is held, of the resource of which it is the largest.
pub async fn share(conn: &mut PgConnection, used: &Usage) -> ApiResult<f64> {
    let clusters = cluster::store::clusters(conn, None).await?;
    let whole = |of: fn(&lilac_api::job::Amounts) -> u64| -> u64 {
        clusters.iter().map(|cluster| of(&cluster.capacity)).fold(0, u64::saturating_add)
    };
    let parts = [
        (u64::from(used.cpus.milli), whole(|amounts| amounts.cpu_milli.into())),
        (used.memory.0, whole(|amounts| amounts.memory_bytes)),
        (used.gpus, whole(|amounts| amounts.gpus.into())),
    ];
    let parts = parts.into_iter().filter(|(_, whole)| *whole > 0);
    // A node that went away takes its capacity with it at once, and what it holds later.
    Ok(parts.map(|(part, whole)| part as f64 / whole as f64).fold(0.0, f64::max).min(1.0))
}

/// The part that its weight gives a queue among those of its priority that want something; itself always counts.
pub async fn fair_share(conn: &mut PgConnection, queue: &Queue) -> sqlx::Result<f64> {
    let others: i64 = sqlx::query_scalar(
        "SELECT COALESCE(sum(weight), 0) FROM queues
         WHERE priority = $1 AND id <> $2 AND deleted_at IS NULL AND NOT paused
           AND id IN (SELECT queue_id FROM jobs WHERE state IN ('queued', 'starting', 'running') AND NOT blocked)",
    )
    .bind(queue.priority)
    .bind(queue.id.0)
    .fetch_one(conn)
    .await?;
    let own = f64::from(queue.weight);
    Ok(own / (own + others as f64))
}
