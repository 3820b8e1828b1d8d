//! Nodes with nothing to do. Such a node says the same again every few seconds, and is told the same again: its
//! messages are answered from memory, and that it was heard is written down for many nodes at once.
//!
//! What is remembered is only that a node said this and was to do nothing. It ends with any bell about the node,
//! with any other word of it, and after a while, so that a bell that was lost does no lasting harm. An answer
//! from memory grants nothing and renews nothing; a node that holds an attempt, or tells of one, is never
//! answered from here.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lilac_api::NodeId;
use lilac_api::agent::SyncRequest;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::app::App;
use crate::bell::Watch;

/// How long a node is answered without looking at the database again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// A node that was silent for so long may have been given up meanwhile.
const SILENT_AFTER: Duration = Duration::from_secs(10);
/// How often it is written down who was heard. With the longest `sync` this stays under the time after which
/// a node shows as unreachable.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// The quiet nodes that this server answers.
#[derive(Default)]
pub struct QuietNodes {
    known: Mutex<HashMap<NodeId, Quiet>>,
    /// Whose words were not written down yet, with their sessions.
    heard: Mutex<HashMap<NodeId, Uuid>>,
}

/// A node that was told to do nothing.
pub struct Quiet {
    said: SyncRequest,
    /// What rang since then.
    pub bells: Watch,
    looked_at: Instant,
    answered_at: Instant,
}

impl QuietNodes {
    /// What is remembered of a node, if it says the same as then and no bell rang. It is taken out: whoever
    /// answers the node puts it back.
    pub fn take(&self, node: NodeId, request: &SyncRequest) -> Option<Quiet> {
        let quiet = lock(&self.known).remove(&node)?;
        let is_fresh =
            quiet.looked_at.elapsed() < LOOK_AGAIN_AFTER && quiet.answered_at.elapsed() < SILENT_AFTER;
        let holds = is_fresh && quiet.said.says_the_same(request) && !quiet.bells.has_rung();
        if holds {
            lock(&self.heard).insert(node, request.session.0);
        }
        holds.then_some(quiet)
    }

    /// Remembers that a node was just told to do nothing, by what the database said and no bell changed since.
    pub fn remember(&self, node: NodeId, said: SyncRequest, bells: Watch) {
        let now = Instant::now();
        self.put_back(node, Quiet { said, bells, looked_at: now, answered_at: now });
    }

    pub fn put_back(&self, node: NodeId, quiet: Quiet) {
        let quiet = Quiet { answered_at: Instant::now(), ..quiet };
        lock(&self.known).insert(node, quiet);
    }

    /// Drops what can be of no use any more.
    fn tidy(&self) {
        let mut known = lock(&self.known);
        known.retain(|_, quiet| quiet.answered_at.elapsed() < SILENT_AFTER);
    }

    fn drain_heard(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let heard = std::mem::take(&mut *lock(&self.heard));
        heard.into_iter().map(|(node, session)| (node.0, session)).unzip()
    }

    fn forget(&self, nodes: &HashSet<NodeId>) {
        lock(&self.known).retain(|node, _| !nodes.contains(node));
    }
}

/// Each of the changes under it is one call, so a panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes down who was heard, until the server stops.
pub async fn keep_written(app: Arc<App>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WRITE_EVERY) => {}
            () = app.stopping.cancelled() => return,
        }
        app.quiet.tidy();
        write_heard(&app).await;
    }
}

/// Writes down who was heard since the last time.
pub async fn write_heard(app: &App) {
    let (nodes, sessions) = app.quiet.drain_heard();
    if nodes.is_empty() {
        return;
    }
    let written = write(&app.pool, &nodes, &sessions).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "which nodes were heard could not be written down");
        HashSet::new()
    });
    // A node that was given up, removed, or for which another session speaks: its next message is looked at.
    let others = nodes.into_iter().map(NodeId).filter(|node| !written.contains(node)).collect();
    app.quiet.forget(&others);
}

async fn write(pool: &PgPool, nodes: &[Uuid], sessions: &[Uuid]) -> Result<HashSet<NodeId>, sqlx::Error> {
    let written = sqlx::query_scalar(
        "UPDATE nodes n SET last_seen_at = clock_timestamp()
         FROM unnest($1::uuid[], $2::uuid[]) AS heard(id, session_id)
         WHERE n.id = heard.id AND n.session_id = heard.session_id AND n.removed_at IS NULL AND n.given_up_at IS NULL
         RETURNING n.id",
    )
    .bind(nodes)
    .bind(sessions)
    .fetch_all(pool)
    .await?;
    Ok(written.into_iter().map(NodeId).collect())
}
