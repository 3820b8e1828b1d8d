//! Places in the mirror that are being cleared for jobs that wait: they are kept for them through all that is heard of
//! those jobs meanwhile, and end with the wait.

use std::collections::HashSet;

use lilac_api::{JobId, NodeId};
use lilac_scheduler::{Availability, Placement, Preemption};

use super::world::{Standing, World};

/// A place that is being cleared for a job.
#[derive(Clone)]
pub struct Promise {
    pub what: Preemption,
    /// The job's epoch, while it waits.
    pub epoch: i32,
    /// Those that have to go, with the epochs in which they run.
    pub victims: Vec<(JobId, i32)>,
}

impl World {
    /// Places that are to be cleared for jobs that fit nowhere. From now on they count as promised, until
    /// [`World::take_back`] says otherwise.
    pub fn preempt(&mut self, most: usize) -> Vec<Promise> {
        let mut promises = Vec::new();
        for what in self.state.preempt(self.now_ms, most) {
            let epoch = |job: &JobId| self.jobs.get(job).map(|tracked| tracked.epoch);
            let victims = what.victims.iter().filter_map(|job| Some((*job, epoch(job)?))).collect();
            let Some(epoch) = epoch(&what.job) else { continue };
            let promise = Promise { what, epoch, victims };
            self.promises.insert(promise.what.job, promise.clone());
            promises.push(promise);
        }
        promises
    }

    /// What was not carried out is not promised any more.
    pub fn take_back(&mut self, promises: &[Promise], done: &HashSet<JobId>) {
        for promise in promises.iter().filter(|promise| !done.contains(&promise.what.job)) {
            self.break_promise(promise.what.job);
        }
    }

    /// The database says that this place is being cleared.
    pub fn learn_promise(&mut self, promise: Promise) {
        let job = promise.what.job;
        let waits = self.jobs.get(&job).is_some_and(|tracked| {
            tracked.epoch == promise.epoch && matches!(tracked.standing, Standing::Waiting { .. })
        });
        if waits && !self.promises.contains_key(&job) && self.is_ready(promise.what.node) {
            self.promises.insert(job, promise);
            self.keep_promise(job);
        }
    }

    /// Something was heard of a job. If a place is promised to it, it is so still, or not any more.
    pub(super) fn keep_promise(&mut self, job: JobId) {
        let Some(promise) = self.promises.get(&job) else { return };
        let waits = self.jobs.get(&job).is_some_and(|tracked| {
            tracked.epoch == promise.epoch && matches!(tracked.standing, Standing::Waiting { .. })
        });
        let holds = waits && (!self.state.is_waiting(job) || self.state.book(&promise.what));
        if !holds {
            self.promises.remove(&job);
        }
    }

    /// A node is not what it was: what was promised there waits for no others, where it takes nobody now.
    pub(super) fn recheck_promises(&mut self, node: NodeId) {
        if self.promises.is_empty() || self.is_ready(node) {
            return;
        }
        let there = self.promises.values().filter(|promise| promise.what.node == node);
        let jobs: Vec<JobId> = there.map(|promise| promise.what.job).collect();
        jobs.into_iter().for_each(|job| self.break_promise(job));
    }

    /// Jobs whose places are clear now.
    pub(super) fn redeem(&mut self) -> Vec<Placement> {
        let mut placements = Vec::new();
        for placement in self.state.cleared() {
            let job = placement.job;
            let Some(promise) = self.promises.remove(&job) else { continue };
            let is_live = |(victim, epoch): &(JobId, i32)| {
                self.jobs.get(victim).is_some_and(|tracked| {
                    tracked.epoch == *epoch && !matches!(tracked.standing, Standing::Waiting { .. })
                })
            };
            // It was read anew meanwhile, and runs still.
            if promise.victims.iter().any(is_live) {
                self.state.undo(job);
                self.promises.insert(job, promise);
                self.keep_promise(job);
            } else {
                placements.push(placement);
            }
        }
        placements
    }

    fn break_promise(&mut self, job: JobId) {
        if self.promises.remove(&job).is_some() {
            self.state.undo(job);
            // It is told anew why it waits.
            self.anew.push(job);
        }
    }

    fn is_ready(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|known| known.node.availability == Availability::Ready)
    }
}
