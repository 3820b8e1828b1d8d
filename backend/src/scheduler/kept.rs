//! Nodes that are kept for jobs, asked of the mirror. The core knows for whom and until when; since when is remembered
//! here, as the core forgets it whenever all is read anew.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use lilac_api::job::Amounts;
use lilac_api::{JobId, NodeId};

use super::explained;
use super::world::{SUPPOSED, World};
use crate::app::App;
use crate::error::ApiResult;

/// Nodes that are kept for a job which waits.
pub struct Kept {
    pub job: JobId,
    pub nodes: Vec<NodeId>,
    /// What it asks for on each of them.
    pub requests: Amounts,
    pub since: Option<DateTime<Utc>>,
    /// When all of them have room for it at the latest, where that is known.
    pub starts_by: Option<DateTime<Utc>>,
}

/// When the leader first kept nodes for a job for which it still does.
#[derive(Default)]
pub struct Since(HashMap<JobId, i64>);

impl Since {
    /// Takes over what is kept after a plan of the leader's.
    pub fn note(&mut self, world: &World) {
        let kept = world.state.reservations();
        self.0.retain(|job, _| kept.iter().any(|one| one.job == *job));
        for one in kept {
            self.0.entry(one.job).or_insert(world.now_ms);
        }
    }
}

impl World {
    /// What is kept as things are. A replica that does not lead has never planned, and keeps nothing by itself: so a plan
    /// is made, and undone.
    pub fn kept(&mut self, since: &Since) -> Vec<Kept> {
        let before = self.state.kept();
        let placements = self.state.schedule(self.now_ms, SUPPOSED);
        let found = self.state.reservations();
        placements.iter().for_each(|placement| self.state.undo(placement.job));
        self.state.put_back(before);
        let told = found.into_iter().filter_map(|one| {
            Some(Kept {
                job: one.job,
                nodes: one.nodes,
                requests: self.jobs.get(&one.job)?.asked.requests,
                since: since.0.get(&one.job).copied().and_then(DateTime::from_timestamp_millis),
                starts_by: one.until_ms.and_then(DateTime::from_timestamp_millis),
            })
        });
        told.collect()
    }
}

/// All that is kept, in whatever cluster.
pub async fn kept(app: &App) -> ApiResult<Vec<Kept>> {
    let _turn = explained::turn().await?;
    let mut shelf = app.desk.lock().await;
    let mirror = shelf.fresh(app, true).await?;
    while !mirror.is_whole() {
        mirror.read_on(&app.pool).await?;
    }
    let since = app.desk.kept.lock().await;
    Ok(mirror.world.kept(&since))
}
