//! T7: takes attempts from nodes that fell silent. An attempt is lost when its lease and the margin have
//! passed; by then its agent has ended it, whatever became of the agent's connection.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lilac_api::{AttemptId, NodeId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::drain;
use super::leader::{self, Holder, Term};
use crate::app::App;
use crate::error::ApiResult;
use crate::training_job::transitions;

/// Looked at least this often: leases are renewed meanwhile, and a new leader may have to catch up.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most attempts that one transaction takes.
const BATCH: i64 = 200;

pub async fn run(app: Arc<App>, holder: Holder) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = app.draining.cancelled() => return,
        }
        let Some(term) = holder.term() else { continue };
        if let Err(error) = reap(&app, term).await {
            tracing::warn!(error = %error.detail, "looking for lost attempts failed; trying again");
        }
        if let Err(error) = drain::look(&app, term).await {
            tracing::warn!(error = %error.detail, "looking after drains failed; trying again");
        }
    }
}

async fn reap(app: &App, term: Term) -> ApiResult<()> {
    // Most looks find nothing, and should cost a look only.
    let mut conn = app.pool.acquire().await?;
    if expired(&mut conn).await?.is_empty() {
        return Ok(());
    }
    drop(conn);
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let mut topics = Vec::new();
    let expired = expired(&mut tx).await?;
    // So that no job goes back to the place that it was just taken from. Before any job is locked, as a node that
    // speaks locks itself first.
    let nodes: Vec<Uuid> = expired.iter().map(|one| one.node).collect();
    let given_up = "UPDATE nodes SET given_up_at = clock_timestamp()
                    FROM (SELECT id FROM nodes WHERE id = ANY($1) ORDER BY id FOR UPDATE) lost WHERE nodes.id = lost.id";
    sqlx::query(given_up).bind(nodes).execute(&mut *tx).await?;
    for Expired { attempt, node, node_name, last_seen_at } in expired {
        let since =
            last_seen_at.map_or_else(String::new, |at| format!(" since {}", at.format("%H:%M:%S UTC")));
        let message = format!("node {node_name} was silent{since}, beyond its lease");
        metrics::counter!("lilac_scheduler_lost_attempts_total").increment(1);
        topics
            .extend(transitions::lose_attempts(&mut tx, &[attempt], NodeId(node), &message, "reaper").await?);
    }
    tx.commit().await?;
    app.bell.ring_all(topics);
    Ok(())
}

pub struct Expired {
    pub attempt: AttemptId,
    node: Uuid,
    node_name: String,
    last_seen_at: Option<DateTime<Utc>>,
}

/// Live attempts whose lease and margin have passed, with node and when it was last heard. The margin, 3 s or
/// 2 % of the lease where that is more, is for clocks that run apart and an agent that was slow to kill.
pub async fn expired(conn: &mut PgConnection) -> Result<Vec<Expired>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT a.id AS attempt, n.id AS node, n.name AS node_name, n.last_seen_at
         FROM tasks t JOIN attempts a ON a.id = t.attempt_id JOIN nodes n ON n.id = t.node_id
         WHERE t.released_at IS NULL AND t.lease_until < clock_timestamp()
           AND t.lease_until + GREATEST(interval '3 seconds', a.lease_millis * interval '0.00002 seconds') < clock_timestamp()
         ORDER BY a.job_id LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(conn)
    .await?;
    let one = |row: &PgRow| {
        Ok(Expired {
            attempt: AttemptId(row.try_get("attempt")?),
            node: row.try_get("node")?,
            node_name: row.try_get("node_name")?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    };
    rows.iter().map(one).collect()
}
