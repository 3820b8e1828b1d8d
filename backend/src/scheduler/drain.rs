//! What the leader does about nodes: empties those whose drain is due, and notes which fell silent.

use chrono::{DateTime, Utc};
use lilac_api::agent::UNREACHABLE_AFTER_SECS;
use lilac_api::cluster::NodeEventKind;
use lilac_api::{AttemptId, NodeId};
use uuid::Uuid;

use super::leader::{self, Term};
use crate::app::App;
use crate::bell::Topic;
use crate::cluster::history;
use crate::error::ApiResult;
use crate::training_job::transitions;

const ACTOR: &str = "reaper";

pub async fn look(app: &App, term: Term) -> ApiResult<()> {
    note_silence(app).await?;
    let draining: Vec<(Uuid, String, DateTime<Utc>, bool)> = sqlx::query_as(
        "SELECT n.id, n.name, n.drain_deadline, EXISTS (SELECT FROM tasks t WHERE t.node_id = n.id AND t.released_at IS NULL)
         FROM nodes n WHERE n.drain_deadline IS NOT NULL AND n.drained_at IS NULL AND n.removed_at IS NULL
           AND (n.drain_deadline <= clock_timestamp() OR NOT EXISTS (SELECT FROM tasks t WHERE t.node_id = n.id AND t.released_at IS NULL))",
    )
    .fetch_all(&app.pool)
    .await?;
    for (id, name, deadline, is_busy) in draining {
        let node = NodeId(id);
        if is_busy { empty(app, term, node, &name, deadline).await? } else { finish(app, term, node).await? }
    }
    Ok(())
}

/// Tells all that still runs on the node to stop.
async fn empty(app: &App, term: Term, node: NodeId, name: &str, deadline: DateTime<Utc>) -> ApiResult<()> {
    let held = "SELECT DISTINCT t.attempt_id FROM tasks t JOIN attempts a ON a.id = t.attempt_id
                WHERE t.node_id = $1 AND t.released_at IS NULL AND a.state <> 'stopping'";
    let held: Vec<Uuid> = sqlx::query_scalar(held).bind(node.0).fetch_all(&app.pool).await?;
    if held.is_empty() {
        return Ok(());
    }
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    // A drain that was called off meanwhile, or ordered anew, stops nothing.
    let still = "SELECT id FROM nodes WHERE id = $1 AND drain_deadline = $2 FOR UPDATE";
    if sqlx::query(still).bind(node.0).bind(deadline).fetch_optional(&mut *tx).await?.is_none() {
        return Ok(());
    }
    let held: Vec<AttemptId> = held.into_iter().map(AttemptId).collect();
    let message = format!("node {name} is drained: told to stop, and goes back to its queue");
    let topics = transitions::preempt(&mut tx, &held, &message, ACTOR).await?;
    tx.commit().await?;
    app.bell.ring_all(topics);
    app.bell.ring(Topic::Node(node));
    Ok(())
}

async fn finish(app: &App, term: Term, node: NodeId) -> ApiResult<()> {
    let mut tx = app.pool.begin().await?;
    leader::check(&mut tx, term).await?;
    let done = "UPDATE nodes SET drained_at = clock_timestamp() WHERE id = $1 AND drain_deadline IS NOT NULL AND drained_at IS NULL";
    if sqlx::query(done).bind(node.0).execute(&mut *tx).await?.rows_affected() == 1 {
        history::note(&mut tx, node, NodeEventKind::Drained, "runs nothing any more", ACTOR).await?;
    }
    tx.commit().await?;
    app.bell.ring(Topic::NodeView(node));
    Ok(())
}

/// So that a node's history tells of its silence. Nothing depends on it.
async fn note_silence(app: &App) -> ApiResult<()> {
    let silent: Vec<Uuid> = sqlx::query_scalar(
        "UPDATE nodes SET unreachable = true
         WHERE NOT unreachable AND removed_at IS NULL AND last_seen_at < clock_timestamp() - $1 * interval '1 second'
         RETURNING id",
    )
    .bind(i64::try_from(UNREACHABLE_AFTER_SECS).unwrap_or(i64::MAX))
    .fetch_all(&app.pool)
    .await?;
    app.bell.ring_all(silent.into_iter().map(|id| Topic::NodeView(NodeId(id))));
    Ok(())
}
