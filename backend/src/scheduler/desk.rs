//! The one mirror of a replica: the leader plans with it, and every replica answers questions from it. A replica
//! that does not lead reads it when it is first asked, and takes over what changed when it is asked again.

use std::time::Duration;

use lilac_api::job::Reason;
use lilac_api::spec::JobSpec;
use lilac_api::{JobId, UserId};
use lilac_scheduler::Estimates;
use metrics::counter;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::asked::Asked;
use super::follow::Mirror;
use super::kept::Since;
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::queue::admission::Ticket;

/// All is read anew this often, beside the work: whatever was missed or counted wrong is mended by it.
const RECONCILE_EVERY: Duration = Duration::from_secs(600);

/// Who wants the mirror takes turns at it.
#[derive(Default)]
pub struct Desk {
    shelf: Mutex<Shelf>,
    /// What this replica said of when jobs start, and what came of it.
    pub(super) estimates: Mutex<Estimates>,
    /// Since when this replica keeps nodes for jobs, while it leads.
    pub(super) kept: Mutex<Since>,
}

/// The mirror, once it was needed, and the one that is to replace it.
#[derive(Default)]
pub struct Shelf {
    mirror: Option<Mirror>,
    next: Option<JoinHandle<Result<Mirror, sqlx::Error>>>,
}

impl Desk {
    pub(super) async fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().await
    }
}

impl Shelf {
    /// The mirror, in step with the database, in nodes and queues too where `all` is asked for. To be called while no
    /// orders are being carried out.
    pub(super) async fn fresh(&mut self, app: &App, all: bool) -> Result<&mut Mirror, sqlx::Error> {
        if self.next.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(next) = self.next.take()
            && let Ok(Ok(mirror)) = next.await
        {
            counter!("lilac_scheduler_reconciliations_total").increment(1);
            self.mirror = Some(mirror);
        }
        let mut mirror = match self.mirror.take() {
            Some(mirror) if !mirror.world.is_in_doubt => mirror,
            _ => Mirror::load(&app.pool).await?,
        };
        mirror.catch_up(app, all).await?;
        if mirror.world.is_in_doubt {
            mirror = Mirror::load(&app.pool).await?;
        }
        if mirror.loaded_at.elapsed() >= RECONCILE_EVERY && self.next.is_none() {
            let pool = app.pool.clone();
            self.next = Some(tokio::spawn(async move {
                let mut mirror = Mirror::load(&pool).await?;
                while !mirror.is_whole() {
                    mirror.read_on(&pool).await?;
                }
                Ok(mirror)
            }));
        }
        Ok(self.mirror.insert(mirror))
    }
}

/// What would become of a job that is submitted now.
pub struct Prospect {
    /// The node that it would start on.
    pub node: Option<String>,
    /// Why it would wait.
    pub why: Option<(Reason, String)>,
    /// How many jobs of its queue would go before it.
    pub position: usize,
}

/// What would become of a job, were it among those that wait.
pub async fn prospect(
    app: &App,
    id: JobId,
    spec: &JobSpec,
    ticket: Ticket,
    owner: UserId,
) -> ApiResult<Prospect> {
    let mut shelf = app.desk.lock().await;
    let mirror = shelf.fresh(app, true).await?;
    while !mirror.is_whole() {
        mirror.read_on(&app.pool).await?;
    }
    let now_ms = mirror.world.now_ms;
    let job = Asked::of(spec).job(id, ticket.queue_id, owner, spec.priority, now_ms, None);
    let job = mirror.world.with_runtime(job, spec.runtime);
    mirror.world.suppose(&job, |node, mut inquiry| match node {
        Some(node) => Ok(Prospect { node: Some(node.name.clone()), why: None, position: 0 }),
        None => {
            let position = inquiry.position(id).ok_or_else(ApiError::internal)?;
            Ok(Prospect { node: None, why: inquiry.why(id), position })
        }
    })
}
